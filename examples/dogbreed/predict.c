// predict.c - dogbreed predict: classes and probabilities of pictures, from one model file.
#include "paths.h"
#include "remote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { CHUNK = 64, TOP_DEFAULT = 5 }; // files per call: results appear while the rest is computed
enum { STDIN_MAX = 256 << 20 };       // bytes of a picture on stdin

typedef struct job {
    tool *t;
    dogbreed_predictor *predictor;
    int32_t top;
    dogbreed_rectangle crop;
    int has_crop;
    int failed; // files
    dogbreed_prediction *out;
    const char *folder; // of --out; NULL: results go to stdout
    int first;          // word that names a picture
    int written;        // results in the folder
} job;

static json_t *predictions_json(const job *j, const char *file, const dogbreed_prediction *best) {
    json_t *list = json_array();
    for (int32_t i = 0; i < j->top; i++) {
        // A float has nine digits; more would only show the way to double.
        char digits[32];
        (void)snprintf(digits, sizeof digits, "%.9g", (double)best[i].probability);
        (void)json_array_append_new(
            list, json_pack("{s:o,s:i,s:f}", "class",
                            json_text(dogbreed_predictor_class_name(j->predictor, best[i].index)),
                            "index", (int)best[i].index, "probability", strtod(digits, NULL)));
    }
    return json_pack("{s:o,s:o}", "file", json_text(remote_name(j->t, file)), "predictions", list);
}

// Below the folder that was named it keeps its place; a single file is its name.
static const char *place_of(const job *j, const char *file) {
    const char *slash = strrchr(file, '/');
    const char *place = slash == NULL ? file : slash + 1;
    for (int i = j->first; i < j->t->word_count; i++) {
        size_t length = strlen(j->t->words[i]);
        length -= length > 0 && j->t->words[i][length - 1] == '/';
        if (strncmp(j->t->words[i], file, length) == 0 && file[length] == '/') {
            return file + length + 1;
        }
    }
    return place;
}

static int write_result(job *j, const char *file, json_t *result) {
    char name[4096];
    char *text = json_dumps(result, JSON_COMPACT | JSON_REAL_PRECISION(15));
    (void)snprintf(name, sizeof name, "%s.out", place_of(j, file));
    int rc = text == NULL ? -1 : paths_write(j->folder, name, text);
    free(text);
    j->written += rc == 0;
    return rc == 0 ? TOOL_OK
                   : fail_with(j->t, TOOL_FAILED, "%s/%s: %s", j->folder, name, strerror(errno));
}

// 0 or an exit code.
static int print_predictions(job *j, const char *file, const dogbreed_prediction *best) {
    if (j->folder != NULL || j->t->json) {
        json_t *result = predictions_json(j, file, best);
        if (j->folder == NULL) {
            out_json(result);
            return TOOL_OK;
        }
        int exit_code = write_result(j, file, result);
        json_decref(result);
        return exit_code;
    }
    out("%s\n", remote_name(j->t, file));
    for (int32_t i = 0; i < j->top; i++) {
        out("  %6.2f %%  %s\n", 100.0 * (double)best[i].probability,
            dogbreed_predictor_class_name(j->predictor, best[i].index));
    }
    return TOOL_OK;
}

static void print_failure(job *j, const char *file, int code) {
    j->failed++;
    progress_clear();
    (void)fflush(stdout);
    (void)fprintf(stderr, "%sdogbreed predict: error:%s %s\n", style("red"), style("off"),
                  dogbreed_error_message());
    if (j->t->json) {
        out_json(json_pack("{s:o,s:{s:s,s:o}}", "file", json_text(remote_name(j->t, file)), "error",
                           "code", dogbreed_error_name(code), "message",
                           json_text(dogbreed_error_message())));
    }
}

// A picture's own fault; anything else (device, memory, crop syntax) ends the command.
static int is_files_fault(int code) {
    return code == DOGBREED_ERROR_NOT_FOUND || code == DOGBREED_ERROR_FORMAT ||
           code == DOGBREED_ERROR_UNSUPPORTED || code == DOGBREED_ERROR_IO ||
           code == DOGBREED_ERROR_INVALID_ARGUMENT;
}

static int predict_one(job *j, const char *file) {
    int rc = dogbreed_predictor_predict_file(j->predictor, file, j->has_crop ? &j->crop : NULL,
                                             j->out, j->top);
    if (rc == DOGBREED_OK) {
        return print_predictions(j, file, j->out);
    }
    if (is_files_fault(rc)) {
        print_failure(j, file, rc);
    } else {
        return fail(j->t, PHASE_OTHER, rc);
    }
    return TOOL_OK;
}

static int predict_stdin(job *j) {
    size_t capacity = 1 << 16;
    size_t size = 0;
    char *bytes = malloc(capacity);
    size_t got = 0;
    while (bytes != NULL && (got = fread(bytes + size, 1, capacity - size, stdin)) > 0) {
        size += got;
        if (size == capacity) {
            capacity *= 2;
            char *more = capacity > STDIN_MAX ? NULL : realloc(bytes, capacity);
            if (more == NULL) {
                free(bytes);
                return fail_with(j->t, TOOL_DATA, "-: the picture on stdin is larger than %d bytes",
                                 STDIN_MAX);
            }
            bytes = more;
        }
    }
    int rc = bytes == NULL
                 ? DOGBREED_ERROR_NO_MEMORY
                 : dogbreed_predictor_predict_bytes(j->predictor, bytes, size,
                                                    j->has_crop ? &j->crop : NULL, j->out, j->top);
    free(bytes);
    if (rc == DOGBREED_OK) {
        return print_predictions(j, "-", j->out);
    }
    if (is_files_fault(rc)) {
        print_failure(j, "-", rc);
    } else {
        return fail(j->t, PHASE_OTHER, rc);
    }
    return TOOL_OK;
}

static int predict_chunk(job *j, char **files, int32_t count) {
    int32_t codes[CHUNK] = {0};
    if (count == 1 || j->has_crop) {
        int rc = TOOL_OK;
        for (int32_t i = 0; rc == TOOL_OK && i < count; i++) {
            rc = predict_one(j, files[i]);
        }
        return rc;
    }
    int rc = dogbreed_predictor_predict_batch(j->predictor, (const char *const *)files, count,
                                              j->out, j->top, codes);
    if (rc < 0) {
        return fail(j->t, PHASE_OTHER, rc);
    }
    for (int32_t i = 0; rc == TOOL_OK && i < count; i++) {
        if (codes[i] == DOGBREED_OK) {
            rc = print_predictions(j, files[i], j->out + (size_t)i * (size_t)j->top);
        } else {
            // Once more alone: the message of a batch is that of its last failure.
            job alone = *j;
            dogbreed_prediction *scratch = calloc((size_t)j->top, sizeof *scratch);
            alone.out = scratch;
            rc = scratch == NULL ? fail_with(j->t, TOOL_FAILED, "out of memory")
                                 : predict_one(&alone, files[i]);
            j->failed = alone.failed;
            j->written = alone.written;
            free(scratch);
        }
    }
    return rc;
}

static int collect(const tool *t, paths *files, int first) {
    const char *list = value_of(t, "list");
    if (list != NULL && paths_add_list(files, list) != 0) {
        return fail_with(t, TOOL_DATA, "--list %s: %s", list, strerror(errno));
    }
    for (int i = first; i < t->word_count; i++) {
        struct stat info;
        size_t before = files->count;
        if (stat(t->words[i], &info) == 0 && S_ISDIR(info.st_mode)) {
            if (paths_add_folder(files, t->words[i]) != 0) {
                return fail_with(t, TOOL_DATA, "%s: %s", t->words[i], strerror(errno));
            }
            if (files->count == before) {
                return fail_with(t, TOOL_DATA, "%s: no .jpg, .jpeg or .png file in this folder",
                                 t->words[i]);
            }
        } else if (paths_add(files, t->words[i]) != 0) {
            return fail_with(t, TOOL_FAILED, "out of memory");
        }
    }
    if (files->count == 0) {
        return usage_error(t, "no picture named; usage: dogbreed predict %s",
                           t->command->arguments);
    }
    return TOOL_OK;
}

static int parse_crop(job *j, const char *text) {
    int used = 0;
    if (sscanf(text, "%d,%d,%d,%d%n", &j->crop.left, &j->crop.top, &j->crop.right, &j->crop.bottom,
               &used) != 4 ||
        text[used] != '\0' || j->crop.left < 0 || j->crop.top < 0 ||
        j->crop.right <= j->crop.left || j->crop.bottom <= j->crop.top) {
        return usage_error(j->t,
                           "--crop %s: expected LEFT,TOP,RIGHT,BOTTOM in pixels, left < right and "
                           "top < bottom",
                           text);
    }
    j->has_crop = 1;
    return TOOL_OK;
}

static int parse_top(job *j, const char *text) {
    char *end = NULL;
    long value = text == NULL ? TOP_DEFAULT : strtol(text, &end, 10);
    if (text != NULL && (end == text || *end != '\0' || value < 1 || value > 1000000)) {
        return usage_error(j->t, "--top-k %s: expected a whole number of 1 or more", text);
    }
    j->top = (int32_t)value;
    return TOOL_OK;
}

static int predict_all(job *j, paths *files) {
    int32_t classes = dogbreed_predictor_class_count(j->predictor);
    int rc = TOOL_OK;
    j->top = j->top > classes ? classes : j->top;
    j->out = calloc((size_t)CHUNK * (size_t)j->top, sizeof *j->out);
    if (j->out == NULL) {
        return fail_with(j->t, TOOL_FAILED, "out of memory");
    }
    for (size_t i = 0; rc == TOOL_OK && i < files->count;) {
        size_t count = 0;
        while (count < CHUNK && i + count < files->count &&
               strcmp(files->items[i + count], "-") != 0) {
            count++;
        }
        rc = count == 0 ? predict_stdin(j) : predict_chunk(j, files->items + i, (int32_t)count);
        i += count == 0 ? 1 : count;
    }
    free(j->out);
    return rc == TOOL_OK && j->failed > 0 ? TOOL_DATA : rc;
}

static void print_written(const job *j) {
    const char *folder = remote_name(j->t, j->folder);
    if (j->t->json) {
        out_json(json_pack("{s:o,s:i,s:i}", "out", json_text(folder), "written", j->written,
                           "failed", j->failed));
    } else {
        out("%d results -> %s\n", j->written, folder);
    }
}

static int run(tool *t) {
    const char *model = value_of(t, "model");
    job j = {.t = t, .folder = value_of(t, "out"), .first = model == NULL};
    paths files = {0};
    const char *crop = value_of(t, "crop");
    int exit_code = parse_top(&j, value_of(t, "top-k"));
    if (exit_code == TOOL_OK && crop != NULL) {
        exit_code = parse_crop(&j, crop);
    }
    exit_code = exit_code == TOOL_OK ? collect(t, &files, j.first) : exit_code;
    if (exit_code == TOOL_OK) {
        int rc = dogbreed_predictor_create(&j.predictor, model == NULL ? t->words[0] : model,
                                           &t->settings.predictor);
        exit_code = rc < 0 ? fail(t, PHASE_MODEL, rc) : predict_all(&j, &files);
    }
    if (j.folder != NULL && j.written > 0) {
        print_written(&j);
    }
    dogbreed_predictor_destroy(j.predictor);
    paths_free(&files);
    return exit_code;
}

static const flag flags[] = {
    {"top-k", "N", "how many classes per picture; default 5", 1},
    {"crop", "L,T,R,B", "only this rectangle, in pixels; right and bottom are exclusive", 0},
    {"model", "MODEL", "the same as the first word; then every word is a picture or folder", 0},
    {"out", "DIR", "write the result of each picture to DIR/NAME.out, as one line of JSON", 0},
    {"list", "FILE", "also the pictures named in this file, one per line", 0},
    {NULL, NULL, NULL, 0},
};

const command command_predict = {
    .name = "predict",
    .arguments = "MODEL FILES... [--top-k N] [--crop L,T,R,B] [OPTIONS...]",
    .summary = "classes and probabilities of pictures, folders or stdin (-)",
    .examples = "  dogbreed predict runs/a photo.jpg other.png\n"
                "  dogbreed predict runs/a photo.jpg --top-k 5 --crop 10,20,300,300 --json\n"
                "  dogbreed predict FOLDER --model runs/a --out results\n"
                "  dogbreed predict s3://bucket/photos/ --model runs/a --out s3://bucket/results/\n"
                "  dogbreed predict runs/a FOLDER --json | jq -r .predictions[0].class\n",
    .flags = flags,
    .kinds = {DOGBREED_KIND_PREDICTOR, DOGBREED_KIND_STORE},
    .words_min = 1,
    .words_max = -1,
    .remote_words = WORDS_ALL,
    .remote_out = OUT_FOLDER,
    .run = run,
};
