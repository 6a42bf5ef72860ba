// describe.c - see dogbreed/record.h: the store as a whole, told and checked.
#include "record/store.h"

#include "core/error.h"

#include <string.h>

static int put_workers(json_t *document, const dogb_listing *list) {
    json_t *workers = json_array();
    int rc = dogb_json_set(document, "workers", workers);
    for (size_t i = 0; rc == DOGBREED_OK && i < list->worker_count; i++) {
        rc = dogb_json_add(workers, dogb_json_text(list->workers[i]));
    }
    return rc;
}

static int put_steps(json_t *modes, const dogb_listing *list, int32_t mode) {
    if (list->order_counts[mode] == 0) {
        return DOGBREED_OK;
    }
    json_t *steps = json_array();
    int rc = dogb_json_set(modes, dogb_record_mode_name(mode), steps);
    for (size_t i = 0; rc == DOGBREED_OK && i < list->order_counts[mode]; i++) {
        const dogb_step *step = list->orders[mode][i];
        rc = dogb_json_add(
            steps, json_integer(mode == DOGBREED_MODE_GLOBAL ? step->step : step->mode_step));
    }
    return rc;
}

static int put_modes(json_t *document, const dogb_listing *list) {
    json_t *modes = json_object();
    int rc = dogb_json_set(document, "modes", modes);
    for (int32_t mode = 1; rc == DOGBREED_OK && mode < DOGB_RECORD_MODES; mode++) {
        rc = put_steps(modes, list, mode);
    }
    return rc;
}

static int put_broken(json_t *document, const dogb_listing *list) {
    json_t *all = json_array();
    int rc = dogb_json_set(document, "broken", all);
    for (size_t i = 0; rc == DOGBREED_OK && i < list->shard_count; i++) {
        const dogb_shard *shard = list->shards[i];
        if (shard->broken == NULL) {
            continue;
        }
        json_t *one = json_object();
        rc = dogb_json_add(all, one);
        rc = rc < 0 ? rc : dogb_json_set_int(one, "step", shard->step);
        rc = rc < 0 ? rc : dogb_json_set_text(one, "worker", shard->worker);
        rc = rc < 0 ? rc : dogb_json_set_text(one, "message", shard->broken);
    }
    return rc;
}

static int put_checksums(json_t *document, int64_t payload, int64_t constant) {
    json_t *counts = json_object();
    int rc = dogb_json_set(document, "checksums", counts);
    rc = rc < 0 ? rc : dogb_json_set_int(counts, "payload", payload);
    return rc < 0 ? rc : dogb_json_set_int(counts, "constant", constant);
}

static int describe(json_t *document, dogb_arena *arena, const dogbreed_record *record) {
    json_t *names = NULL;
    int rc = dogb_store_names(&names, arena, record);
    rc = rc < 0 ? rc : dogb_json_set(document, "names", json_incref(names));
    json_t *all = json_object_get(record->list.collections, "collections");
    rc = rc < 0 ? rc : dogb_json_set(document, "collections", json_incref(all));
    rc = rc < 0 ? rc : dogb_json_set_bool(document, "finished", record->list.finished);
    rc = rc < 0 ? rc : put_workers(document, &record->list);
    rc = rc < 0 ? rc : put_modes(document, &record->list);
    rc = rc < 0 ? rc : put_broken(document, &record->list);
    return rc < 0 ? rc : put_checksums(document, record->payload_count, record->constant_count);
}

int dogbreed_record_describe(char **json, const dogbreed_record *record) {
    dogb_arena scratch = {0};
    DOGB_CHECK(json != NULL && record != NULL, "record_describe: out and record are needed");
    *json = NULL;
    json_t *document = dogb_json_object(&scratch);
    int rc = document == NULL ? DOGBREED_ERROR_NO_MEMORY : describe(document, &scratch, record);
    rc = rc < 0 ? rc : dogb_json_text_out(json, document, 0);
    dogb_arena_free(&scratch);
    return rc;
}

// --- reading everything

typedef struct totals {
    int64_t records;
    int64_t bytes;
    json_t *problems;
} totals;

static int put_problem(json_t *problems, const dogb_shard *shard, const char *name,
                       const char *message) {
    json_t *one = json_object();
    int rc = dogb_json_add(problems, one);
    rc = rc < 0 ? rc : dogb_json_set_int(one, "step", shard->step);
    rc = rc < 0 ? rc : dogb_json_set_text(one, "worker", shard->worker);
    rc = rc < 0 ? rc : dogb_json_set_text(one, "name", name);
    return rc < 0 ? rc : dogb_json_set_text(one, "message", message);
}

static int check_shard(totals *t, dogbreed_record *record, const dogb_shard *shard) {
    dogb_stored stored;
    int rc =
        shard->broken == NULL ? DOGBREED_OK : put_problem(t->problems, shard, "", shard->broken);
    for (int32_t k = 0; rc == DOGBREED_OK && shard->broken == NULL && k < shard->index.count; k++) {
        const dogb_index_tensor *tensor = &shard->index.tensors[k];
        int read =
            tensor->length > 0 ? dogb_store_read(&stored, record, shard, tensor) : DOGBREED_OK;
        if (read == DOGBREED_ERROR_NO_MEMORY) {
            return read;
        }
        t->records += tensor->length > 0;
        t->bytes += read < 0 ? 0 : tensor->length; // what an index says of others may be anything
        if (read < 0) {
            rc = put_problem(t->problems, shard, tensor->name, dogbreed_error_message());
        }
    }
    return rc;
}

int dogbreed_record_check(char **json, dogbreed_record *record) {
    dogb_arena scratch = {0};
    DOGB_CHECK(json != NULL && record != NULL, "record_check: out and record are needed");
    *json = NULL;
    int64_t payload = record->payload_count;
    int64_t constant = record->constant_count;
    json_t *document = dogb_json_object(&scratch);
    totals t = {.problems = document == NULL ? NULL : dogb_json_array(&scratch)};
    int rc = t.problems == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < record->list.shard_count; i++) {
        rc = check_shard(&t, record, record->list.shards[i]);
    }
    rc = rc < 0 ? rc : dogb_json_set_int(document, "records", t.records);
    rc = rc < 0 ? rc : dogb_json_set_int(document, "bytes", t.bytes);
    rc = rc < 0 ? rc
                : put_checksums(document, record->payload_count - payload,
                                record->constant_count - constant);
    rc = rc < 0 ? rc : dogb_json_set(document, "problems", json_incref(t.problems));
    rc = rc < 0 ? rc : dogb_json_text_out(json, document, 0);
    dogb_arena_free(&scratch);
    return rc;
}
