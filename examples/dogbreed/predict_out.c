// predict_out.c - dogbreed predict --out: the library's batch transform into a folder, or into a
// store by way of a folder. May be ended at any time: what is there is not computed again.
#include "line.h"
#include "predict.h"
#include "remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PUSH_SECONDS 60.0 // results of a long job reach the store meanwhile
#define RECORD "transform.json"

typedef struct job {
    predict_job *base;
    dogbreed_store *store; // NULL: the folder is where results stay
    char uri[4096];        // of the store's folder, with its slash
    paths there;           // in the store, below it, sorted
    int has_record;        // the store has one that fits
    int emptied;           // what is overwritten there has been removed
    int written;
    int passed;
    int exit_code; // of a failure inside of the callback
    progress *progress;
    double pushed;
} job;

static const stoppable computing = {
    .text = "\nends when what is computed is written; once more ends at once\n"};

// --- what is in the store

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int is_there(const job *j, const char *name) {
    return j->there.count > 0 &&
           bsearch(&name, j->there.items, j->there.count, sizeof *j->there.items, by_text) != NULL;
}

static int keep_key(const dogbreed_store_object *object, void *userdata) {
    job *j = userdata;
    size_t prefix = strlen(strchr(j->uri + strlen("s3://"), '/') + 1);
    // An object is there as a whole or not at all.
    return object->size == 0 || paths_add(&j->there, object->key + prefix) == 0
               ? DOGBREED_OK
               : DOGBREED_ERROR_NO_MEMORY;
}

// "dog.jpg.out"
static int is_result(const char *key) {
    char name[4096];
    size_t length = strlen(key);
    if (length < 4 || length >= sizeof name || strcmp(key + length - 4, ".out") != 0) {
        return 0;
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)(length - 4), key);
    return paths_is_picture(name);
}

// The record stays until the new one takes its place: it is of what is still there.
static int remove_results(job *j) {
    char uri[8192];
    int rc = DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < j->there.count; i++) {
        (void)snprintf(uri, sizeof uri, "%s%s", j->uri, j->there.items[i]);
        rc = is_result(j->there.items[i]) ? dogbreed_store_delete(j->store, uri) : DOGBREED_OK;
    }
    paths_free(&j->there);
    return rc;
}

// Where the record is, in the store and in the folder.
typedef struct record {
    char uri[4200];
    char path[4200];
} record;

static record record_of(const job *j) {
    record r;
    (void)snprintf(r.uri, sizeof r.uri, "%s" RECORD, j->uri);
    (void)snprintf(r.path, sizeof r.path, "%s/" RECORD, j->base->folder);
    return r;
}

static int look_into_store(job *j) {
    tool *t = j->base->t;
    if (!remote_has_out(t)) {
        return TOOL_OK;
    }
    const char *name = remote_name(t, j->base->folder);
    (void)snprintf(j->uri, sizeof j->uri, "%s%s", name, name[strlen(name) - 1] == '/' ? "" : "/");
    int exit_code = remote_store(&j->store, t);
    if (exit_code != TOOL_OK) {
        return exit_code;
    }
    int rc = dogbreed_store_list(j->store, j->uri, 1, keep_key, j);
    if (rc == DOGBREED_OK && j->there.count > 0) {
        qsort(j->there.items, j->there.count, sizeof *j->there.items, by_text);
    }
    if (rc == DOGBREED_OK && !t->settings.transform.overwrite && is_there(j, RECORD)) {
        const record r = record_of(j);
        rc = dogbreed_store_get(j->store, r.uri, r.path);
        j->has_record = rc == DOGBREED_OK;
    }
    return rc < 0 ? remote_failed(t, rc) : TOOL_OK;
}

// The record comes before the first result, there too.
static int push(job *j, int last) {
    tool *t = j->base->t;
    j->pushed = now_seconds();
    if (j->store != NULL && !j->has_record) {
        const record r = record_of(j);
        int rc = dogbreed_store_put(j->store, r.path, r.uri);
        if (rc < 0 && last) {
            return remote_failed(t, rc);
        }
        if (rc < 0) {
            warn("%s: not brought up to date: %s", r.uri, dogbreed_error_message());
            return TOOL_OK;
        }
        j->has_record = 1;
    }
    return last ? TOOL_OK : remote_push(t, 0); // the last results go at the tool's end
}

// --- computing

static void show(job *j, const dogbreed_transform_result *r) {
    const dogbreed_event event = {.struct_size = sizeof event,
                                  .kind = DOGBREED_EVENT_PROGRESS,
                                  .done = r->done,
                                  .total = r->total,
                                  .text = "predict"};
    if (r->done < r->total && j->progress != NULL) {
        (void)progress_event(&event, j->progress);
    }
}

// The library asks when it has found nothing wrong with the call: only then old results go.
static int on_asked(job *j, const char *name) {
    tool *t = j->base->t;
    if (signals_code() != 0) {
        return DOGBREED_STOP;
    }
    if (j->store != NULL && t->settings.transform.overwrite && !j->emptied) {
        int rc = remove_results(j);
        j->emptied = 1;
        if (rc < 0) {
            j->exit_code = remote_failed(t, rc);
            return DOGBREED_STOP;
        }
    }
    return is_there(j, name) ? DOGBREED_TRANSFORM_PASS : DOGBREED_OK;
}

static int on_result(const dogbreed_transform_result *r, void *userdata) {
    job *j = userdata;
    switch (r->state) {
    case DOGBREED_TRANSFORM_ASKED:
        return on_asked(j, r->name);
    case DOGBREED_TRANSFORM_WRITTEN:
        j->written++;
        if (now_seconds() - j->pushed > PUSH_SECONDS) {
            j->exit_code = push(j, 0);
        }
        break;
    case DOGBREED_TRANSFORM_PASSED:
        j->passed++;
        break;
    default:
        predict_print_failure(j->base, r->path, r->code, r->message);
        break;
    }
    show(j, r);
    return signals_code() != 0 || j->exit_code != TOOL_OK ? DOGBREED_STOP : DOGBREED_OK;
}

static int compute(job *j, const paths *files) {
    const predict_job *base = j->base;
    tool *t = base->t;
    j->progress = progress_create(t);
    j->pushed = now_seconds();
    signals_watch(&computing, t->quiet);
    int rc = dogbreed_predictor_transform(
        base->predictor, (const char *const *)files->items, (int32_t)files->count,
        base->has_crop ? &base->crop : NULL, base->folder, &t->settings.transform, on_result, j);
    progress_destroy(j->progress);
    if (rc == DOGBREED_ERROR_CANCELLED) {
        return j->exit_code != TOOL_OK ? j->exit_code : signals_code();
    }
    return rc < 0 ? fail(t, PHASE_DATA, rc) : TOOL_OK;
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
    job j = {.base = base};
    int exit_code = look_into_store(&j);
    if (exit_code == TOOL_OK) {
        exit_code = compute(&j, files);
        if (j.written > 0) {
            int pushed = push(&j, 1);
            exit_code = exit_code == TOOL_OK ? pushed : exit_code;
        }
        if (exit_code == TOOL_OK || signals_code() != 0) {
            print_written(&j);
        }
    }
    paths_free(&j.there);
    return exit_code == TOOL_OK && base->failed > 0 ? TOOL_DATA : exit_code;
}
