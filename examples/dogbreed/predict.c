// predict.c - dogbreed predict: classes and probabilities of pictures, from one model file.
#include "predict.h"
#include "remote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    CHUNK = 64, // files per call: results appear while the rest is computed
    TOP_DEFAULT = 5,
    STDIN_MAX = 256 << 20 // bytes of a picture on stdin
};

static json_t *predictions_json(const predict_job *j, const char *file,
                                const dogbreed_prediction *best) {
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

static void print_predictions(predict_job *j, const char *file, const dogbreed_prediction *best) {
    if (j->t->json) {
        out_json(predictions_json(j, file, best));
        return;
    }
    out("%s\n", remote_name(j->t, file));
    for (int32_t i = 0; i < j->top; i++) {
        out("  %6.2f %%  %s\n", 100.0 * (double)best[i].probability,
            dogbreed_predictor_class_name(j->predictor, best[i].index));
    }
}

void predict_print_failure(predict_job *j, const char *file, int code, const char *message) {
    j->failed++;
    progress_clear();
    (void)fflush(stdout);
    (void)fprintf(stderr, "%sdogbreed predict: error:%s %s\n", style("red"), style("off"), message);
    if (j->t->json) {
        out_json(json_pack("{s:o,s:{s:s,s:o}}", "file", json_text(remote_name(j->t, file)), "error",
                           "code", dogbreed_error_name(code), "message", json_text(message)));
    }
}

// A picture's own fault; anything else (device, memory, crop syntax) ends the command.
static int is_files_fault(int code) {
    return code == DOGBREED_ERROR_NOT_FOUND || code == DOGBREED_ERROR_FORMAT ||
           code == DOGBREED_ERROR_UNSUPPORTED || code == DOGBREED_ERROR_IO ||
           code == DOGBREED_ERROR_INVALID_ARGUMENT;
}

// The file's own fault is printed and counted, 0; all else is an exit code.
static int predict_failed(predict_job *j, const char *file, int code) {
    if (!is_files_fault(code)) {
        return fail(j->t, PHASE_OTHER, code);
    }
    predict_print_failure(j, file, code, dogbreed_error_message());
    return TOOL_OK;
}

static int predict_one(predict_job *j, const char *file) {
    int rc = dogbreed_predictor_predict_file(j->predictor, file, j->has_crop ? &j->crop : NULL,
                                             j->out, j->top);
    if (rc < 0) {
        return predict_failed(j, file, rc);
    }
    print_predictions(j, file, j->out);
    return TOOL_OK;
}

// To be freed; NULL: larger than `max`, or no memory.
static char *read_stdin(size_t *size, size_t max) {
    size_t capacity = 1 << 16;
    char *bytes = malloc(capacity);
    size_t got = 0;
    *size = 0;
    while (bytes != NULL && (got = fread(bytes + *size, 1, capacity - *size, stdin)) > 0) {
        *size += got;
        if (*size == capacity) {
            capacity *= 2;
            char *more = *size > max ? NULL : realloc(bytes, capacity);
            if (more == NULL) {
                free(bytes);
            }
            bytes = more;
        }
    }
    return bytes;
}

static int predict_stdin(predict_job *j) {
    size_t size = 0;
    char *bytes = read_stdin(&size, STDIN_MAX);
    if (bytes == NULL) {
        return fail_with(j->t, TOOL_DATA, "-: the picture on stdin is larger than %d bytes",
                         STDIN_MAX);
    }
    int rc = dogbreed_predictor_predict_bytes(j->predictor, bytes, size,
                                              j->has_crop ? &j->crop : NULL, j->out, j->top);
    free(bytes);
    if (rc < 0) {
        return predict_failed(j, "-", rc);
    }
    print_predictions(j, "-", j->out);
    return TOOL_OK;
}

static int predict_chunk(predict_job *j, char **files, int32_t count) {
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
            print_predictions(j, files[i], j->out + (size_t)i * (size_t)j->top);
        } else {
            // Once more alone: the message of a batch is that of its last failure.
            predict_job alone = *j;
            dogbreed_prediction *scratch = calloc((size_t)j->top, sizeof *scratch);
            alone.out = scratch;
            rc = scratch == NULL ? fail_with(j->t, TOOL_FAILED, "out of memory")
                                 : predict_one(&alone, files[i]);
            j->failed = alone.failed;
            free(scratch);
        }
    }
    return rc;
}

// Files and folders as they were named are what the library wants for results in files.
static int check_words(const predict_job *j, const paths *files) {
    for (size_t i = 0; j->folder != NULL && i < files->count; i++) {
        if (strcmp(files->items[i], "-") == 0) {
            return usage_error(j->t, "-: a picture on stdin has no name for its file in --out");
        }
    }
    return TOOL_OK;
}

static int collect(const predict_job *j, paths *files, int first) {
    const tool *t = j->t;
    const char *list = value_of(t, "list");
    if (list != NULL && paths_add_list(files, list) != 0) {
        return fail_with(t, TOOL_DATA, "--list %s: %s", list, strerror(errno));
    }
    for (int i = first; i < t->word_count; i++) {
        struct stat info;
        size_t before = files->count;
        if (j->folder == NULL && stat(t->words[i], &info) == 0 && S_ISDIR(info.st_mode)) {
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
    return check_words(j, files);
}

static int parse_crop(predict_job *j, const char *text) {
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

// What is said of results in files has no meaning without them.
static int check_form(predict_job *j) {
    const dogbreed_transform_options *form = &j->t->settings.transform;
    j->top = form->top_k == 0 ? TOP_DEFAULT : form->top_k;
    if (j->folder == NULL && form->accept != DOGBREED_ACCEPT_JSON) {
        return usage_error(j->t, "--accept: of results in files; add --out DIR");
    }
    if (j->folder == NULL && form->overwrite) {
        return usage_error(j->t, "--overwrite: of results in files; add --out DIR");
    }
    return TOOL_OK;
}

static int predict_all(predict_job *j, paths *files) {
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

static int run(tool *t) {
    const char *model = value_of(t, "model");
    predict_job j = {.t = t, .folder = value_of(t, "out"), .first = model == NULL};
    paths files = {0};
    const char *crop = value_of(t, "crop");
    int exit_code = check_form(&j);
    if (exit_code == TOOL_OK && crop != NULL) {
        exit_code = parse_crop(&j, crop);
    }
    exit_code = exit_code == TOOL_OK ? collect(&j, &files, j.first) : exit_code;
    if (exit_code == TOOL_OK) {
        int rc = dogbreed_predictor_create(&j.predictor, model == NULL ? t->words[0] : model,
                                           &t->settings.predictor);
        exit_code = rc < 0             ? fail(t, PHASE_MODEL, rc)
                    : j.folder != NULL ? predict_into_folder(&j, &files)
                                       : predict_all(&j, &files);
    }
    dogbreed_predictor_destroy(j.predictor);
    paths_free(&files);
    return exit_code;
}

static const flag flags[] = {
    {"crop", "L,T,R,B", "only this rectangle, in pixels; right and bottom are exclusive", 0},
    {"model", "MODEL", "the same as the first word; then every word is a picture or folder", 0},
    {"out", "DIR",
     "write what /invocations answers for each picture to DIR/NAME.out; those that are there and "
     "of this model are passed over",
     0},
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
                "  dogbreed predict FOLDER --model runs/a --out labels --top-k 3\n"
                "  dogbreed predict s3://bucket/photos/ --model runs/a --out s3://bucket/results/\n"
                "  dogbreed predict runs/a FOLDER --json | jq -r .predictions[0].class\n",
    .flags = flags,
    .kinds = {DOGBREED_KIND_PREDICTOR, DOGBREED_KIND_TRANSFORM, DOGBREED_KIND_STORE},
    .words_min = 1,
    .words_max = -1,
    .remote_words = WORDS_ALL,
    .remote_out = OUT_FOLDER,
    .run = run,
};
