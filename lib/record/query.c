// query.c - see dogbreed/record.h: a tensor by its name, reductions.
#include "record/store.h"

#include "core/error.h"

#include <string.h>

// --- finding a tensor in a step

static int has_worker(const dogbreed_record *record, const char *worker) {
    for (size_t i = 0; i < record->list.worker_count; i++) {
        if (strcmp(record->list.workers[i], worker) == 0) {
            return 1;
        }
    }
    return 0;
}

// Index of a name in a step; -1: it has none. worker NULL: any.
static int32_t find_in(const dogbreed_record *record, const dogb_step *step, const char *name,
                       const char *worker) {
    int32_t before = 0;
    for (int32_t i = 0; i < step->shard_count; i++) {
        const dogb_shard *shard = record->list.shards[step->first + (size_t)i];
        if (shard->broken != NULL) {
            continue;
        }
        for (int32_t k = 0; k < shard->index.count; k++) {
            if (strcmp(shard->index.tensors[k].name, name) == 0 &&
                (worker == NULL || strcmp(shard->worker, worker) == 0)) {
                return before + k;
            }
        }
        before += shard->index.count;
    }
    return -1;
}

// Whether some step has the name, itself or reduced.
static int is_known(const dogbreed_record *record, const char *name) {
    for (size_t i = 0; i < record->list.shard_count; i++) {
        const dogb_shard *shard = record->list.shards[i];
        for (int32_t k = 0; shard->broken == NULL && k < shard->index.count; k++) {
            const char *other = shard->index.tensors[k].name;
            if (strcmp(other, name) == 0 || strcmp(dogb_store_base(other), name) == 0) {
                return 1;
            }
        }
    }
    return 0;
}

static int not_found(const dogbreed_record *record, int64_t step, const char *name,
                     const char *worker) {
    if (worker != NULL && !has_worker(record, worker)) {
        return dogb_fail(DOGBREED_ERROR_INVALID_WORKER, "%s: \"%s\" is no worker of it",
                         record->directory, worker);
    }
    if (!is_known(record, name)) {
        return dogb_fail(DOGBREED_ERROR_TENSOR_UNAVAILABLE, "%s: no step has a tensor \"%s\"",
                         record->directory, name);
    }
    return dogb_fail(DOGBREED_ERROR_TENSOR_UNAVAILABLE_FOR_STEP,
                     "%s: step %lld has no tensor \"%s\"", record->directory, (long long)step,
                     name);
}

int dogbreed_record_find(int32_t *index, dogbreed_record *record, int64_t step, const char *name,
                         const char *worker) {
    const dogb_step *found = NULL;
    DOGB_CHECK(index != NULL && record != NULL && name != NULL,
               "record_find: out, record and name are needed");
    *index = -1;
    int rc = dogb_store_find(&found, record, DOGBREED_MODE_GLOBAL, step);
    if (rc < 0) {
        return rc;
    }
    *index = find_in(record, found, name, worker);
    return *index < 0 ? not_found(record, step, name, worker) : DOGBREED_OK;
}

// --- reductions

static int keep_value(const char *name, double value, void *userdata) {
    (void)name;
    *(double *)userdata = value;
    return DOGBREED_OK;
}

static int compute(double *out, dogbreed_record *record, const dogb_step *step, int32_t index,
                   const char *reduction) {
    const dogb_index_tensor *tensor = NULL;
    const dogb_shard *shard = NULL;
    dogb_stored stored;
    int rc = dogb_store_tensor(&tensor, &shard, record, step, index);
    if (rc == DOGBREED_OK && tensor->length == 0) {
        rc = dogb_fail(DOGBREED_ERROR_TENSOR_UNAVAILABLE_FOR_STEP,
                       "%s: neither values nor \"%s\" of %s were saved at step %lld",
                       record->directory, reduction, tensor->name, (long long)step->step);
    }
    rc = rc < 0 ? rc : dogb_store_read(&stored, record, shard, tensor);
    if (rc == DOGBREED_OK && !dogb_values_numeric(stored.values.dtype)) {
        rc = dogb_fail(DOGBREED_ERROR_UNSUPPORTED, "%s: elements of %s are no numbers",
                       record->directory, tensor->name);
    }
    return rc < 0 ? rc : dogb_reduce(reduction, &stored.values, keep_value, out);
}

int dogbreed_record_reduction(double *out, dogbreed_record *record, int64_t step, const char *name,
                              const char *worker, const char *reduction) {
    const dogb_step *found = NULL;
    dogb_reduction kind;
    DOGB_CHECK(out != NULL && record != NULL && name != NULL && reduction != NULL,
               "record_reduction: out, record, name and reduction are needed");
    DOGB_CHECK(dogb_reduction_find(&kind, reduction, strlen(reduction)), "\"%s\" is no reduction",
               reduction);
    int rc = dogb_store_find(&found, record, DOGBREED_MODE_GLOBAL, step);
    if (rc < 0) {
        return rc;
    }
    dogb_arena scratch = {0};
    char *stored = dogb_format(&scratch, DOGB_RECORD_REDUCTIONS "%s%s/%s",
                               kind.absolute ? "abs_" : "", kind.name, name);
    int32_t index = stored == NULL ? -1 : find_in(record, found, stored, worker);
    int32_t whole = find_in(record, found, name, worker);
    if (stored == NULL) {
        rc = DOGBREED_ERROR_NO_MEMORY;
    } else if (index >= 0) {
        rc = dogbreed_record_read_double(record, step, index, out, 1);
    } else if (whole >= 0) {
        rc = compute(out, record, found, whole, reduction);
    } else {
        rc = not_found(record, step, name, worker);
    }
    dogb_arena_free(&scratch);
    return rc;
}
