// card.c - model_card.md: what a model file and the documents of its run say, for people. No dates
// and no times: the same training gives the same card.
#include "core/buffer.h"
#include "core/error.h"
#include "core/file.h"
#include "core/number.h"
#include "core/wire.h"
#include "job/job_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { CLASSES_SHOWN = 200, WORST_SHOWN = 10, CARD_BYTES_MAX = 1 << 24 };

typedef struct card {
    dogb_buffer out;
    json_t *model; // the model document; NULL where there is none
    json_t *config;
    json_t *manifest;
    json_t *evaluation;
} card;

static void put(card *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(card *c, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    dogb_buffer_add(&c->out, text);
}

// A name from outside as code, on one line of Markdown.
static void put_code(card *c, const char *text) {
    dogb_buffer_add(&c->out, "`");
    for (; *text != '\0'; text++) {
        char one = *text == '`' || (unsigned char)*text < ' ' ? '\'' : *text;
        dogb_buffer_put(&c->out, &one, 1);
    }
    dogb_buffer_add(&c->out, "`");
}

static const json_t *at(const json_t *object, const char *key, const char *inner) {
    const json_t *value = json_object_get(object, key);
    return inner == NULL ? value : json_object_get(value, inner);
}

static const char *text_at(const json_t *object, const char *key, const char *inner) {
    const char *text = json_string_value(at(object, key, inner));
    return text == NULL ? "" : text;
}

// A scalar as people write it.
static void put_value(card *c, const json_t *value) {
    char number[40];
    size_t index = 0;
    json_t *item = NULL;
    if (json_is_string(value)) {
        put_code(c, json_string_value(value));
    } else if (json_is_boolean(value)) {
        dogb_buffer_add(&c->out, json_is_true(value) ? "on" : "off");
    } else if (json_is_integer(value)) {
        dogb_buffer_integer(&c->out, json_integer_value(value));
    } else if (json_is_real(value)) {
        dogb_number_text(number, json_real_value(value));
        dogb_buffer_add(&c->out, number);
    }
    json_array_foreach(value, index, item) {
        dogb_buffer_add(&c->out, index == 0 ? "" : ", ");
        put_value(c, item);
    }
}

// "| key | value |" of what an object has, in the order of the keys given.
static void put_rows(card *c, const json_t *object, const char *const *keys) {
    dogb_buffer_add(&c->out, "| | |\n|---|---|\n");
    for (; *keys != NULL; keys++) {
        const json_t *value = json_object_get(object, *keys);
        if (value == NULL || (json_is_string(value) && *json_string_value(value) == '\0')) {
            continue;
        }
        put(c, "| %s | ", *keys);
        put_value(c, value);
        dogb_buffer_add(&c->out, " |\n");
    }
}

static void put_front(card *c) {
    const char *license = text_at(c->model, "license", NULL);
    dogb_buffer_add(&c->out, "---\nlicense: ");
    dogb_buffer_add(&c->out, *license == '\0' ? "other" : license);
    dogb_buffer_add(&c->out, "\nlibrary_name: libdogbreed\npipeline_tag: image-classification\n"
                             "tags:\n- image-classification\n- safetensors\nmetrics:\n- accuracy\n"
                             "---\n\n");
}

static void put_summary(card *c) {
    size_t classes = json_array_size(at(c->model, "classes", NULL));
    const char *name = text_at(c->model, "architecture", "name");
    const json_t *e = c->evaluation;
    put(c, "# %s, %zu classes\n\nA classifier of pictures", name, classes);
    if (e != NULL) {
        put(c, ": %.2f %% of %lld %s pictures right (95 %% interval %.2f to %.2f %%)",
            100 * json_number_value(at(e, "top1", NULL)),
            (long long)json_integer_value(at(e, "count", NULL)), text_at(e, "split", NULL),
            100 * json_number_value(at(e, "top1_low", NULL)),
            100 * json_number_value(at(e, "top1_high", NULL)));
    }
    put(c, ".\n\n## Intended use, limits\n\nPictures that show one of the classes below. A picture "
           "of anything else gets one of these classes too.\n\n");
}

static void put_data(card *c) {
    static const char *const names[] = {"train", "valid", "test"};
    const json_t *fingerprint = at(c->manifest, "dataset", "fingerprint");
    if (fingerprint == NULL) {
        return;
    }
    put(c, "## Data\n\n| split | files | fingerprint (%s) |\n|---|---|---|\n",
        text_at(fingerprint, "algorithm", NULL));
    for (size_t i = 0; i < 3; i++) {
        if (at(fingerprint, names[i], NULL) != NULL) {
            put(c, "| %s | %lld | `%s` |\n", names[i],
                (long long)json_integer_value(at(fingerprint, names[i], "files")),
                text_at(fingerprint, names[i], "root"));
        }
    }
    dogb_buffer_add(&c->out, "\n");
}

static void put_preprocessing(card *c) {
    static const char *const keys[] = {"resize", "crop",         "filter", "resample",
                                       "mean",   "std",          "range",  "exif_orientation",
                                       "color",  "decode_scale", NULL};
    dogb_buffer_add(&c->out, "## Preprocessing\n\nPart of the model file; serving takes it from "
                             "there.\n\n");
    put_rows(c, at(c->model, "preprocess", NULL), keys);
    dogb_buffer_add(&c->out, "\n");
}

static void put_training(card *c) {
    static const char *const keys[] = {
        "architecture",  "head",       "freeze",        "batch_norm", "optimizer",
        "learning_rate", "schedule",   "weight_decay",  "momentum",   "label_smoothing",
        "epochs",        "batch_size", "patience",      "augment",    "augment_views",
        "class_weights", "dtype",      "deterministic", "seed",       NULL};
    static const char *const machine[] = {"engine", "engine_version", "device", NULL};
    if (c->config == NULL) {
        return;
    }
    dogb_buffer_add(&c->out, "## Training\n\n");
    put_rows(c, c->config, keys);
    dogb_buffer_add(&c->out, "\n");
    put_rows(c, at(c->manifest, "engine", NULL), machine);
    put(c, "| CPU | `%s` |\n\n", text_at(c->manifest, "host", "cpu"));
}

static void put_confused(card *c) {
    size_t index = 0;
    json_t *pair = NULL;
    const json_t *pairs = at(c->evaluation, "most_confused", NULL);
    if (json_array_size(pairs) > 0) {
        dogb_buffer_add(&c->out,
                        "Most confused:\n\n| class | taken for | times |\n|---|---|---|\n");
    }
    json_array_foreach(pairs, index, pair) {
        if (index < WORST_SHOWN) {
            dogb_buffer_add(&c->out, "| ");
            put_code(c, text_at(pair, "class", NULL));
            dogb_buffer_add(&c->out, " | ");
            put_code(c, text_at(pair, "predicted", NULL));
            put(c, " | %lld |\n", (long long)json_integer_value(at(pair, "count", NULL)));
        }
    }
    dogb_buffer_add(&c->out, json_array_size(pairs) > 0 ? "\n" : "");
}

static void put_results(card *c) {
    const char *split = NULL;
    json_t *row = NULL;
    const json_t *e = c->evaluation;
    dogb_buffer_add(&c->out, "## Results\n\n| split | pictures | accuracy | top-5 | loss |\n"
                             "|---|---|---|---|---|\n");
    json_object_foreach((json_t *)(uintptr_t)at(c->model, "metrics", NULL), split, row) {
        put(c, "| %.40s | %lld | %.4f | %.4f | %.4f |\n", split,
            (long long)json_integer_value(at(row, "count", NULL)),
            json_number_value(at(row, "accuracy", NULL)),
            json_number_value(at(row, "top5_accuracy", NULL)),
            json_number_value(at(row, "loss", NULL)));
    }
    if (e != NULL) {
        put(c, "| %.40s | %lld | %.4f | %.4f | %.4f |\n", text_at(e, "split", NULL),
            (long long)json_integer_value(at(e, "count", NULL)),
            json_number_value(at(e, "top1", NULL)), json_number_value(at(e, "top5", NULL)),
            json_number_value(at(e, "loss", NULL)));
    }
    dogb_buffer_add(&c->out, "\n");
    if (at(e, "calibration", "ece") != NULL) {
        put(c, "Expected calibration error of the %.40s split: %.4f.\n\n",
            text_at(e, "split", NULL), json_number_value(at(e, "calibration", "ece")));
    }
    put_confused(c);
}

static void put_use(card *c) {
    dogb_buffer_add(
        &c->out,
        "## How to use\n\n"
        "```\ndogbreed predict model.safetensors PHOTO.jpg --top-k 5\n"
        "dogbreed serve model.safetensors --port 8080\n"
        "curl -s --data-binary @PHOTO.jpg -H 'Content-Type: image/jpeg' "
        "http://127.0.0.1:8080/invocations\n```\n\n"
        "```c\ndogbreed_predictor *predictor = NULL;\n"
        "dogbreed_prediction best = {0};\n"
        "dogbreed_predictor_create(&predictor, \"model.safetensors\", NULL);\n"
        "dogbreed_predictor_predict_file(predictor, \"PHOTO.jpg\", NULL, &best, 1);\n```\n\n");
    if (c->manifest != NULL) {
        put(c,
            "## Reproduce\n\n`config.json` of the run has the SHA-256 `%s`; `dogbreed train "
            "--config config.json` repeats it. Library %s.\n\n",
            text_at(c->manifest, "config", "sha256"), text_at(c->manifest, "library", "version"));
    }
}

static void put_classes(card *c) {
    size_t index = 0;
    json_t *name = NULL;
    const json_t *classes = at(c->model, "classes", NULL);
    dogb_buffer_add(&c->out, "## Classes\n\n");
    json_array_foreach(classes, index, name) {
        if (index < CLASSES_SHOWN) {
            put(c, "%zu. ", index);
            put_code(c, json_is_string(name) ? json_string_value(name) : "");
            dogb_buffer_add(&c->out, "\n");
        }
    }
    if (json_array_size(classes) > CLASSES_SHOWN) {
        put(c, "\nand %zu more.\n", json_array_size(classes) - CLASSES_SHOWN);
    }
    put(c, "\n## Licence and credits\n\nWeights to start from: ");
    const char *source = text_at(c->model, "pretrained", "source");
    if (*source == '\0') {
        dogb_buffer_add(&c->out, "none, or not recorded");
    } else {
        put_code(c, source);
    }
    dogb_buffer_add(&c->out, ".\n");
}

// The model document in the metadata of a safetensors file.
static int read_model(json_t **out, dogb_arena *arena, const char *path) {
    dogb_map map;
    json_t *header = NULL;
    int rc = dogb_map_open(&map, arena, path, SIZE_MAX);
    if (rc < 0) {
        return rc;
    }
    uint64_t length = map.size < 8 ? UINT64_MAX : dogb_wire_load(map.data, 8);
    if (length > map.size - 8 || map.size < 8) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: not a safetensors file", path);
    }
    rc = dogb_json_parse(&header, arena, (const char *)map.data + 8, (size_t)length, path);
    const char *text = rc < 0 ? NULL : text_at(header, "__metadata__", "dogbreed");
    return text == NULL || *text == '\0' ? rc
                                         : dogb_json_parse(out, arena, text, strlen(text), path);
}

// A document of a run; what is missing or damaged is left out.
static json_t *document(dogb_arena *arena, const char *directory, const char *name) {
    json_t *root = NULL;
    char *path = dogb_path_join(arena, directory, name);
    if (path == NULL || !dogb_file_exists(path) ||
        dogb_json_read(&root, arena, path, NULL, 0) < 0) {
        return NULL;
    }
    return root;
}

int dogb_job_card(char **text, dogb_arena *arena, const char *directory) {
    void *present = NULL;
    size_t size = 0;
    card c = {.out = {.arena = arena}};
    char *own = dogb_path_join(arena, directory, "model_card.md");
    char *model = dogb_path_join(arena, directory, "model.safetensors");
    if (own == NULL || model == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (dogb_file_exists(own)) { // a person may have written into it
        int rc = dogb_file_read(&present, &size, arena, own, CARD_BYTES_MAX);
        *text = present;
        return rc;
    }
    int rc = read_model(&c.model, arena, model);
    if (rc < 0) {
        return rc;
    }
    c.config = document(arena, directory, "config.json");
    c.manifest = document(arena, directory, "manifest.json");
    c.evaluation = document(arena, directory, "evaluation.json");
    put_front(&c);
    put_summary(&c);
    put_data(&c);
    put_preprocessing(&c);
    put_training(&c);
    put_results(&c);
    put_use(&c);
    put_classes(&c);
    *text = c.out.data;
    return c.out.rc;
}
