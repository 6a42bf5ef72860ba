// document.c - the model document: what a model file says beside graph and tensors, written and
// read with every member checked.
#include "core/error.h"
#include "core/file.h"
#include "engine/engine.h"
#include "model/model_struct.h"

#include <math.h>
#include <string.h>

static const char *const filter_names[] = {"bilinear", "bicubic", "lanczos", NULL};
static const char *const exif_names[] = {"ignore", "apply", NULL};
static const char *const batch_norm_names[] = {"frozen", "train", NULL};

// Members with one possible value in this version: a file with another one needs another library.
static const struct fixed {
    const char *key;
    const char *value;
} fixed_members[] = {
    {"resample", "pillow8"}, {"range", "0..1"}, {"decode_scale", "off"}, {"color", "ignore_icc"}};
enum { FIXED_COUNT = sizeof fixed_members / sizeof *fixed_members };

static json_t *three(const float *values) {
    json_t *array = json_array();
    for (int i = 0; i < 3 && array != NULL; i++) {
        if (json_array_append_new(array, json_real((double)values[i])) != 0) {
            json_decref(array);
            array = NULL;
        }
    }
    return array;
}

int dogb_model_preprocess_json(json_t *object, const dogb_preprocess *p) {
    int rc = dogb_json_set_int(object, "resize", p->resize);
    rc = rc < 0 ? rc : dogb_json_set_int(object, "crop", p->crop);
    rc = rc < 0 ? rc : dogb_json_set_text(object, "filter", filter_names[p->filter]);
    rc = rc < 0 ? rc : dogb_json_set(object, "mean", three(p->mean));
    rc = rc < 0 ? rc : dogb_json_set(object, "std", three(p->deviation));
    rc = rc < 0 ? rc
                : dogb_json_set_text(object, "exif_orientation", exif_names[p->exif_orientation]);
    for (int i = 0; rc == DOGBREED_OK && i < FIXED_COUNT; i++) {
        rc = dogb_json_set_text(object, fixed_members[i].key, fixed_members[i].value);
    }
    return rc;
}

// Adds an empty object as a member. NULL: no memory.
static json_t *member(json_t *parent, const char *key) {
    json_t *object = json_object();
    return dogb_json_set(parent, key, object) < 0 ? NULL : object;
}

static int add_classes(json_t *document, const dogbreed_model *model) {
    json_t *array = json_array();
    int rc = dogb_json_set(document, "classes", array);
    for (int32_t i = 0; rc == DOGBREED_OK && i < model->class_count; i++) {
        rc = dogb_json_add(array, dogb_json_text(model->classes[i]));
    }
    return rc;
}

static int add_input(json_t *document, const dogbreed_model *model) {
    const dogb_node *input = &model->graph->nodes[0];
    json_t *object = member(document, "input");
    int rc = object == NULL ? DOGBREED_ERROR_NO_MEMORY
                            : dogb_json_set_int(object, "width", input->shape[2]);
    rc = rc < 0 ? rc : dogb_json_set_int(object, "height", input->shape[1]);
    return rc < 0 ? rc : dogb_json_set_int(object, "channels", input->shape[0]);
}

static int add_feature(json_t *document, const dogb_graph *graph) {
    if (graph->feature < 0) {
        return DOGBREED_OK;
    }
    const dogb_node *node = &graph->nodes[graph->feature];
    json_t *object = member(document, "feature");
    int rc = object == NULL ? DOGBREED_ERROR_NO_MEMORY
                            : dogb_json_set_int(object, "dimension", node->shape[0]);
    return rc < 0 ? rc : dogb_json_set_text(object, "node", node->name);
}

// How it was trained: what a later training goes on with.
static int add_training(json_t *document, const dogbreed_model *model) {
    json_t *object = member(document, "training");
    json_t *names = NULL;
    int rc = object == NULL ? DOGBREED_ERROR_NO_MEMORY
                            : dogb_json_set_text(object, "freeze", model->freeze);
    rc =
        rc < 0 ? rc : dogb_json_set_text(object, "batch_norm", batch_norm_names[model->batch_norm]);
    if (rc < 0 || strcmp(model->freeze, "custom") != 0) {
        return rc;
    }
    names = json_array();
    rc = dogb_json_set(object, "trainable", names);
    for (int32_t i = 0; rc == DOGBREED_OK && i < model->graph->param_count; i++) {
        if (model->trainable[i]) {
            rc = dogb_json_add(names, dogb_json_text(model->graph->params[i].name));
        }
    }
    return rc;
}

static int add_architecture(json_t *document, const dogbreed_model *model) {
    json_t *object = member(document, "architecture");
    json_t *options = object == NULL ? NULL : member(object, "options");
    int rc = options == NULL ? DOGBREED_ERROR_NO_MEMORY
                             : dogb_json_set_text(object, "name", model->graph->architecture);
    return rc < 0 ? rc : dogb_json_set_text(options, "head", model->head);
}

static int add_decoder(json_t *document) {
    json_t *object = member(document, "decoder");
    int rc = object == NULL ? DOGBREED_ERROR_NO_MEMORY
                            : dogb_json_set_text(object, "jpeg", dogb_image_jpeg_version());
    return rc < 0 ? rc : dogb_json_set_text(object, "png", dogb_image_png_version());
}

int dogb_model_to_document(json_t **out, dogb_arena *arena, const dogbreed_model *model) {
    json_t *document = dogb_json_document(arena, "model", DOGB_MODEL_VERSION);
    *out = NULL;
    if (document == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    // First what other versions wrote and this one does not know; then what this one knows.
    // (json_object_update_missing would hide a lack of memory.)
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(model->document, key, value) {
        if (json_object_get(document, key) == NULL &&
            dogb_json_set(document, key, json_incref(value)) < 0) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    int rc = add_architecture(document, model);
    rc = rc < 0 ? rc : add_classes(document, model);
    rc = rc < 0 ? rc : add_input(document, model);
    rc = rc < 0 ? rc : add_decoder(document);
    rc = rc < 0 ? rc : add_feature(document, model->graph);
    rc = rc < 0 ? rc : add_training(document, model);
    json_t *preprocess = rc < 0 ? NULL : member(document, "preprocess");
    if (preprocess == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    rc = dogb_model_preprocess_json(preprocess, &model->preprocess);
    *out = rc < 0 ? NULL : document;
    return rc;
}

// --- reading. `what` is the file.

static int bad(const char *what, const char *key, const char *expected) {
    return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: model document: %s: expected %s", what, key,
                     expected);
}

static int read_choice(int32_t *out, const json_t *object, const char *key,
                       const char *const *names, const char *what) {
    const char *text = json_string_value(json_object_get(object, key));
    for (int32_t i = 0; text != NULL && names[i] != NULL; i++) {
        if (strcmp(names[i], text) == 0) {
            *out = i;
            return DOGBREED_OK;
        }
    }
    return text == NULL ? bad(what, key, "a text")
                        : dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                                    "%s: model document: %s: this library does not know \"%s\"",
                                    what, key, text);
}

static int read_int(int32_t *out, const json_t *object, const char *key, int32_t low, int32_t high,
                    const char *what) {
    const json_t *value = json_object_get(object, key);
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < low || number > high) {
        return dogb_fail(DOGBREED_ERROR_FORMAT,
                         "%s: model document: %s: expected a whole number from %d to %d", what, key,
                         (int)low, (int)high);
    }
    *out = (int32_t)number;
    return DOGBREED_OK;
}

static int read_three(float out[3], const json_t *object, const char *key, double low,
                      const char *what) {
    const json_t *array = json_object_get(object, key);
    if (json_array_size(array) != 3) {
        return bad(what, key, "three numbers");
    }
    for (size_t i = 0; i < 3; i++) {
        const json_t *value = json_array_get(array, i);
        double number = json_number_value(value);
        if (!json_is_number(value) || !(number > low) || !(fabs(number) < 1e6)) {
            return bad(what, key, "three numbers in a sensible range");
        }
        out[i] = (float)number;
    }
    return DOGBREED_OK;
}

static int read_preprocess(dogb_preprocess *p, const json_t *document, const char *what) {
    const json_t *object = json_object_get(document, "preprocess");
    if (!json_is_object(object)) {
        return bad(what, "preprocess", "an object");
    }
    int rc = read_int(&p->resize, object, "resize", 0, 8192, what);
    rc = rc < 0 ? rc : read_int(&p->crop, object, "crop", 1, 4096, what);
    rc = rc < 0 ? rc : read_choice(&p->filter, object, "filter", filter_names, what);
    rc = rc < 0 ? rc
                : read_choice(&p->exif_orientation, object, "exif_orientation", exif_names, what);
    rc = rc < 0 ? rc : read_three(p->mean, object, "mean", -1e6, what);
    rc = rc < 0 ? rc : read_three(p->deviation, object, "std", 1e-6, what);
    for (int i = 0; rc == DOGBREED_OK && i < FIXED_COUNT; i++) {
        const char *const one[] = {fixed_members[i].value, NULL};
        int32_t ignored = 0;
        rc = read_choice(&ignored, object, fixed_members[i].key, one, what);
    }
    return rc;
}

static int read_classes(dogbreed_model *model, const json_t *document, const char *what) {
    const json_t *array = json_object_get(document, "classes");
    size_t count = json_array_size(array);
    dogb_arena scratch = {0};
    if (count < 1 || count > 1000000) {
        return bad(what, "classes", "a list of names");
    }
    const char **names = dogb_alloc(&scratch, count, sizeof *names);
    int rc = names == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        names[i] = json_string_value(json_array_get(array, i));
        if (names[i] == NULL) {
            rc = bad(what, "classes", "a list of names");
        }
    }
    if (rc == DOGBREED_OK) {
        rc = dogb_model_take_classes(model, names, (int32_t)count, what);
    }
    dogb_arena_free(&scratch);
    return rc;
}

static int check_input(const dogbreed_model *model, const json_t *document, const char *what) {
    const json_t *object = json_object_get(document, "input");
    const dogb_graph *graph = model->graph;
    const dogb_node *input = &graph->nodes[0];
    const dogb_node *output = &graph->nodes[graph->output];
    int32_t width = 0;
    int32_t height = 0;
    int32_t channels = 0;
    int rc = read_int(&width, object, "width", 1, 4096, what);
    rc = rc < 0 ? rc : read_int(&height, object, "height", 1, 4096, what);
    rc = rc < 0 ? rc : read_int(&channels, object, "channels", 3, 3, what);
    if (rc < 0) {
        return rc;
    }
    if (input->rank != 3 || input->shape[0] != channels || input->shape[1] != height ||
        input->shape[2] != width || width != model->preprocess.crop || width != height) {
        return dogb_fail(DOGBREED_ERROR_MISMATCH,
                         "%s: the network's input does not fit the document: expected 3 x %d x %d",
                         what, (int)model->preprocess.crop, (int)model->preprocess.crop);
    }
    if (output->rank != 1 || output->shape[0] != model->class_count) {
        return dogb_fail(DOGBREED_ERROR_MISMATCH,
                         "%s: the network has %lld outputs, but there are %d class names", what,
                         (long long)output->shape[0], (int)model->class_count);
    }
    return DOGBREED_OK;
}

static int read_trainable(dogbreed_model *model, const json_t *names, const char *what) {
    memset(model->trainable, 0, (size_t)model->graph->param_count);
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        int32_t param = name == NULL ? -1 : dogb_graph_find_param(model->graph, name);
        if (param < 0 || dogb_graph_is_buffer(&model->graph->params[param])) {
            return bad(what, "trainable", "names of the network's parameters");
        }
        model->trainable[param] = 1;
    }
    model->freeze = "custom";
    return DOGBREED_OK;
}

static int read_training(dogbreed_model *model, const json_t *document, const char *what) {
    const json_t *object = json_object_get(document, "training");
    const char *freeze = json_string_value(json_object_get(object, "freeze"));
    model->batch_norm = DOGB_BN_FROZEN;
    if (object == NULL) {
        return dogb_model_freeze(model, "head");
    }
    int rc = read_choice(&model->batch_norm, object, "batch_norm", batch_norm_names, what);
    if (rc < 0) {
        return rc;
    }
    // The order of dogb's constants is that of the names.
    _Static_assert(DOGB_BN_FROZEN == 0 && DOGB_BN_TRAIN == 1, "batch_norm_names");
    if (freeze == NULL) {
        return bad(what, "freeze", "a text");
    }
    if (strcmp(freeze, "custom") != 0 && strcmp(freeze, "head") != 0 &&
        strcmp(freeze, "none") != 0 && dogb_graph_stage_end(model->graph, freeze) < 0) {
        return bad(what, "freeze", "head, none, custom or a stage of the network");
    }
    return strcmp(freeze, "custom") == 0
               ? read_trainable(model, json_object_get(object, "trainable"), what)
               : dogb_model_freeze(model, freeze);
}

int dogb_model_from_document(dogbreed_model *model, const json_t *document, const char *what) {
    const char *format = json_string_value(json_object_get(document, "format"));
    const json_t *version = json_object_get(document, "version");
    const json_t *architecture = json_object_get(document, "architecture");
    const char *name = json_string_value(json_object_get(architecture, "name"));
    const char *head =
        json_string_value(json_object_get(json_object_get(architecture, "options"), "head"));
    if (format == NULL || strcmp(format, "dogbreed.model") != 0 || !json_is_integer(version)) {
        return bad(what, "format", "\"dogbreed.model\" with a version");
    }
    if (json_integer_value(version) > DOGB_MODEL_VERSION || json_integer_value(version) < 1) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                         "%s: model document version %lld; this library (%s) reads version %d",
                         what, (long long)json_integer_value(version), dogbreed_version(),
                         DOGB_MODEL_VERSION);
    }
    if (name == NULL || head == NULL) {
        return bad(what, "architecture", "a name and the head");
    }
    if (strcmp(name, model->graph->architecture) != 0) {
        return dogb_fail(DOGBREED_ERROR_MISMATCH,
                         "%s: the document is for %s, but the network is %s", what, name,
                         model->graph->architecture);
    }
    model->head = dogb_strdup(&model->arena, head);
    int rc = model->head == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    rc = rc < 0 ? rc : read_preprocess(&model->preprocess, document, what);
    rc = rc < 0 ? rc : read_classes(model, document, what);
    rc = rc < 0 ? rc : check_input(model, document, what);
    rc = rc < 0 ? rc : read_training(model, document, what);
    if (rc < 0) {
        return rc;
    }
    // Members are kept for whoever saves the model again.
    json_t *copy = json_deep_copy(document);
    if (copy == NULL || json_object_update(model->document, copy) != 0) {
        rc = dogb_fail(DOGBREED_ERROR_NO_MEMORY, "%s: no memory for the model document", what);
    }
    json_decref(copy);
    memcpy(model->graph->mean, model->preprocess.mean, sizeof model->graph->mean);
    memcpy(model->graph->deviation, model->preprocess.deviation, sizeof model->graph->deviation);
    return rc;
}
