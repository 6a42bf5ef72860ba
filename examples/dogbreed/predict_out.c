// predict_out.c - dogbreed predict --out: a file for each picture with the body that an endpoint's
// /invocations answers for it. May be ended at any time: what is there is not computed again.
#include "line.h"
#include "predict.h"
#include "remote.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PUSH_SECONDS 60.0 // results of a long job reach the store meanwhile

typedef struct result {
    const char *file;
    char name[4096]; // below the folder
} result;

typedef struct job {
    predict_job *base;
    result *results;
    size_t count;
    paths there;   // in the store, sorted
    size_t prefix; // length of what their keys begin with
    float *scores;
    int32_t classes;
    int written;
    int passed;
} job;

static const stoppable computing = {.text = "\nends after this picture; once more ends at once\n"};

// --- names

static int leaves(const char *place) {
    return strncmp(place, "../", 3) == 0 || strstr(place, "/../") != NULL;
}

// Below the folder that was named it keeps its place; a single file is its name.
static const char *place_of(const predict_job *j, const char *file) {
    const char *slash = strrchr(file, '/');
    for (int i = j->first; i < j->t->word_count; i++) {
        size_t length = strlen(j->t->words[i]);
        length -= length > 0 && j->t->words[i][length - 1] == '/';
        if (strncmp(j->t->words[i], file, length) == 0 && file[length] == '/' &&
            !leaves(file + length + 1)) {
            return file + length + 1;
        }
    }
    return slash == NULL ? file : slash + 1;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const result *)a)->name, ((const result *)b)->name);
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// Every picture needs a place of its own.
static int name_results(job *j, const paths *files) {
    j->results = calloc(files->count, sizeof *j->results);
    if (j->results == NULL) {
        return fail_with(j->base->t, TOOL_FAILED, "out of memory");
    }
    j->count = files->count;
    for (size_t i = 0; i < j->count; i++) {
        result *r = &j->results[i];
        r->file = files->items[i];
        (void)snprintf(r->name, sizeof r->name, "%s.out", place_of(j->base, r->file));
    }
    qsort(j->results, j->count, sizeof *j->results, by_name);
    for (size_t i = 1; i < j->count; i++) {
        const result *r = &j->results[i];
        if (strcmp(r->name, r[-1].name) == 0 && strcmp(r->file, r[-1].file) != 0) {
            return fail_with(j->base->t, TOOL_DATA,
                             "%s and %s: both results would be %s; name the folder above them",
                             r[-1].file, r->file, r->name);
        }
    }
    return TOOL_OK;
}

// --- what is there

static int keep_key(const dogbreed_store_object *object, void *userdata) {
    job *j = userdata;
    // An object is there as a whole or not at all.
    return object->size == 0 || paths_add(&j->there, object->key + j->prefix) == 0
               ? DOGBREED_OK
               : DOGBREED_ERROR_NO_MEMORY;
}

static int list_remote(job *j) {
    tool *t = j->base->t;
    dogbreed_store *store = NULL;
    char uri[4096];
    if (!remote_has_out(t)) {
        return TOOL_OK;
    }
    const char *name = remote_name(t, j->base->folder);
    (void)snprintf(uri, sizeof uri, "%s%s", name, name[strlen(name) - 1] == '/' ? "" : "/");
    j->prefix = strlen(strchr(uri + strlen("s3://"), '/') + 1);
    int exit_code = remote_store(&store, t);
    if (exit_code == TOOL_OK) {
        int rc = dogbreed_store_list(store, uri, 1, keep_key, j);
        exit_code = rc < 0 ? remote_failed(t, rc) : TOOL_OK;
        if (j->there.count > 0) {
            qsort(j->there.items, j->there.count, sizeof *j->there.items, by_text);
        }
    }
    return exit_code;
}

// One row of as many numbers as there are classes: written by this command, or as whole.
static int is_whole(const job *j, const char *name) {
    char path[8200];
    (void)snprintf(path, sizeof path, "%s/%s", j->base->folder, name);
    json_t *rows = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    const json_t *row = json_array_get(rows, 0);
    int whole = json_array_size(rows) == 1 && json_array_size(row) == (size_t)j->classes;
    for (size_t i = 0; whole && i < json_array_size(row); i++) {
        whole = json_is_number(json_array_get(row, i));
    }
    json_decref(rows);
    return whole;
}

static int is_there(const job *j, const char *name) {
    return (j->there.count > 0 && bsearch(&name, j->there.items, j->there.count,
                                          sizeof *j->there.items, by_text) != NULL) ||
           is_whole(j, name);
}

// --- computing

char *predict_read(size_t *size, const char *file, int64_t max) {
    size_t capacity = 1 << 16;
    int is_stdin = strcmp(file, "-") == 0;
    FILE *from = is_stdin ? stdin : fopen(file, "rb");
    char *bytes = from == NULL ? NULL : malloc(capacity);
    size_t got = 0;
    *size = 0;
    while (bytes != NULL && (got = fread(bytes + *size, 1, capacity - *size, from)) > 0) {
        *size += got;
        if (*size == capacity) {
            capacity *= 2;
            char *more = *size > (size_t)max ? NULL : realloc(bytes, capacity);
            if (more == NULL) {
                free(bytes);
            }
            bytes = more;
        }
    }
    if (from != NULL && !is_stdin) {
        (void)fclose(from);
    }
    return bytes;
}

static int write_result(job *j, const result *r) {
    char *text = NULL;
    int rc = dogbreed_scores_json(&text, j->scores, 1, j->classes);
    if (rc < 0) {
        return fail(j->base->t, PHASE_OTHER, rc);
    }
    rc = paths_write(j->base->folder, r->name, text);
    dogbreed_free(text);
    j->written += rc == 0;
    return rc == 0 ? TOOL_OK
                   : fail_with(j->base->t, TOOL_FAILED, "%s/%s: %s", j->base->folder, r->name,
                               strerror(errno));
}

// The message of bytes does not name their file; that of the file does.
static int failed(job *j, const result *r, int rc) {
    predict_job *base = j->base;
    dogbreed_prediction best;
    if (strcmp(r->file, "-") != 0) {
        int again = dogbreed_predictor_predict_file(base->predictor, r->file,
                                                    base->has_crop ? &base->crop : NULL, &best, 1);
        rc = again < 0 ? again : rc;
    }
    return predict_failed(base, r->file, rc);
}

static int compute(job *j, const result *r) {
    predict_job *base = j->base;
    size_t size = 0;
    int is_stdin = strcmp(r->file, "-") == 0;
    char *bytes =
        predict_read(&size, r->file, is_stdin ? STDIN_MAX : base->t->settings.predictor.bytes_max);
    int rc = bytes == NULL ? DOGBREED_ERROR_FORMAT
                           : dogbreed_predictor_scores(base->predictor, bytes, size,
                                                       base->has_crop ? &base->crop : NULL,
                                                       j->scores, j->classes);
    free(bytes);
    return rc < 0 ? failed(j, r, rc) : write_result(j, r);
}

static int compute_all(job *j) {
    tool *t = j->base->t;
    double pushed = now_seconds();
    int exit_code = TOOL_OK;
    signals_watch(&computing, t->quiet);
    for (size_t i = 0; exit_code == TOOL_OK && i < j->count; i++) {
        if (is_there(j, j->results[i].name)) {
            j->passed++;
            continue;
        }
        exit_code = compute(j, &j->results[i]);
        if (exit_code == TOOL_OK && now_seconds() - pushed > PUSH_SECONDS) {
            exit_code = remote_push(t, 0);
            pushed = now_seconds();
        }
        exit_code = exit_code == TOOL_OK ? signals_code() : exit_code;
    }
    return exit_code;
}

static void print_written(const job *j) {
    const char *folder = remote_name(j->base->t, j->base->folder);
    if (j->base->t->json) {
        out_json(json_pack("{s:o,s:i,s:i,s:i}", "out", json_text(folder), "written", j->written,
                           "passed", j->passed, "failed", j->base->failed));
    } else if (j->passed > 0) {
        out("%d results -> %s; %d were there\n", j->written, folder, j->passed);
    } else if (j->written > 0) {
        out("%d results -> %s\n", j->written, folder);
    }
}

int predict_into_folder(predict_job *base, const paths *files) {
    job j = {.base = base, .classes = dogbreed_predictor_class_count(base->predictor)};
    j.scores = calloc((size_t)j.classes, sizeof *j.scores);
    int exit_code = j.scores == NULL ? fail_with(base->t, TOOL_FAILED, "out of memory")
                                     : name_results(&j, files);
    exit_code = exit_code == TOOL_OK ? list_remote(&j) : exit_code;
    if (exit_code == TOOL_OK) {
        exit_code = compute_all(&j);
        print_written(&j);
    }
    free(j.scores);
    free(j.results);
    paths_free(&j.there);
    return exit_code == TOOL_OK && base->failed > 0 ? TOOL_DATA : exit_code;
}
