// record.c - see dogbreed/record.h: opening, steps, tensors, values.
#include "record/store.h"

#include "core/clock.h"
#include "core/error.h"

#include <math.h>
#include <string.h>
#include <time.h>

// memory: NULL: the folder.
static int open_store(dogbreed_record **out, const char *directory, dogb_memory *memory) {
    *out = NULL;
    dogbreed_record *record = dogb_malloc(1, sizeof *record);
    if (record == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (memory != NULL) {
        dogb_memory_retain(memory);
        record->memory = memory;
    }
    record->directory = dogb_strdup(&record->arena, directory);
    int rc = record->directory == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_store_refresh(record);
    if (rc < 0) {
        dogbreed_record_destroy(record);
        return rc;
    }
    *out = record;
    return DOGBREED_OK;
}

int dogbreed_record_open(dogbreed_record **out, const char *directory) {
    DOGB_CHECK(out != NULL && directory != NULL, "record_open: out and directory are needed");
    *out = NULL;
    if (!dogb_directory_exists(directory)) {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "%s: no such folder", directory);
    }
    return open_store(out, directory, NULL);
}

int dogb_record_open_memory(dogbreed_record **out, dogb_memory *memory) {
    return open_store(out, "memory", memory);
}

void dogbreed_record_destroy(dogbreed_record *record) {
    if (record != NULL) {
        dogb_store_free(record);
        dogb_free(record);
    }
}

int dogbreed_record_refresh(dogbreed_record *record) {
    DOGB_CHECK(record != NULL, "record_refresh: a record is needed");
    record->map_path = NULL; // a step that was trained again has another file of this name
    dogb_arena_free(&record->map_arena);
    return dogb_store_refresh(record);
}

// A caller that was compiled with an older header has less room, one with a newer header more.
#define CHECK_SIZE(out)                                                                            \
    DOGB_CHECK((out)->struct_size >= 2 * sizeof(uint32_t),                                         \
               "out: struct_size %u is impossible, set it to the size of the struct",              \
               (unsigned)(out)->struct_size)

static void hand_out(void *out, const void *full, size_t size) {
    uint32_t room = 0;
    memcpy(&room, out, sizeof room);
    memcpy((char *)out + sizeof room, (const char *)full + sizeof room,
           (room < size ? room : size) - sizeof room);
}

// --- steps

#define CHECK_MODE(mode)                                                                           \
    DOGB_CHECK(dogb_record_mode_name(mode) != NULL, "%d is no mode", (int)(mode))

int64_t dogbreed_record_step_count(const dogbreed_record *record, int32_t mode) {
    DOGB_CHECK(record != NULL, "record_step_count: a record is needed");
    CHECK_MODE(mode);
    return (int64_t)record->list.order_counts[mode];
}

int dogbreed_record_step(dogbreed_record_step_info *out, dogbreed_record *record, int32_t mode,
                         int64_t index) {
    DOGB_CHECK(out != NULL && record != NULL, "record_step: out and record are needed");
    CHECK_SIZE(out);
    CHECK_MODE(mode);
    DOGB_CHECK(index >= 0 && (uint64_t)index < record->list.order_counts[mode],
               "record_step: step %lld of %zu", (long long)index, record->list.order_counts[mode]);
    const dogb_step *step = record->list.orders[mode][index];
    const dogbreed_record_step_info full = {.mode = step->mode,
                                            .step = step->step,
                                            .mode_step = step->mode_step,
                                            .tensor_count = step->tensor_count,
                                            .complete = step->complete};
    hand_out(out, &full, sizeof full);
    return DOGBREED_OK;
}

int dogbreed_record_find_step(int64_t *step, dogbreed_record *record, int32_t mode,
                              int64_t mode_step) {
    const dogb_step *found = NULL;
    DOGB_CHECK(step != NULL && record != NULL, "record_find_step: out and record are needed");
    CHECK_MODE(mode);
    int rc = dogb_store_find(&found, record, mode, mode_step);
    *step = rc < 0 ? -1 : found->step;
    return rc;
}

static int is_there(int64_t *step, dogbreed_record *record, int32_t mode, int64_t mode_step) {
    const dogb_step *found = NULL;
    int rc = dogb_store_find(&found, record, mode, mode_step);
    if (rc == DOGBREED_OK && !found->complete) {
        rc = dogb_fail(DOGBREED_ERROR_STEP_NOT_YET_AVAILABLE,
                       "%s: step %lld of %s is not there of all workers yet", record->directory,
                       (long long)mode_step, dogb_record_mode_name(mode));
    }
    *step = rc < 0 ? -1 : found->step;
    return rc;
}

int dogbreed_record_wait(int64_t *step, dogbreed_record *record, int32_t mode, int64_t mode_step,
                         double seconds) {
    const struct timespec pause = {.tv_nsec = 200000000};
    DOGB_CHECK(step != NULL && record != NULL, "record_wait: out and record are needed");
    DOGB_CHECK(!isnan(seconds), "record_wait: seconds is no number");
    CHECK_MODE(mode);
    double end = dogb_clock() + seconds;
    for (;;) {
        int rc = is_there(step, record, mode, mode_step);
        if (rc == DOGBREED_ERROR_STEP_NOT_YET_AVAILABLE || rc == DOGBREED_ERROR_INDEX) {
            int again = dogbreed_record_refresh(record);
            rc = again < 0 ? again : is_there(step, record, mode, mode_step);
        }
        if ((rc != DOGBREED_ERROR_STEP_NOT_YET_AVAILABLE && rc != DOGBREED_ERROR_INDEX) ||
            dogb_clock() >= end) {
            return rc;
        }
        (void)nanosleep(&pause, NULL);
    }
}

// --- tensors

int dogbreed_record_tensor_count(dogbreed_record *record, int64_t step) {
    const dogb_step *found = NULL;
    DOGB_CHECK(record != NULL, "record_tensor_count: a record is needed");
    int rc = dogb_store_find(&found, record, DOGBREED_MODE_GLOBAL, step);
    return rc < 0 ? rc : found->tensor_count;
}

// Tensor `index` of a step by its number.
static int find(const dogb_index_tensor **out, const dogb_shard **shard,
                const dogbreed_record *record, int64_t step, int32_t index) {
    const dogb_step *found = NULL;
    int rc = dogb_store_find(&found, record, DOGBREED_MODE_GLOBAL, step);
    return rc < 0 ? rc : dogb_store_tensor(out, shard, record, found, index);
}

int dogbreed_record_tensor(dogbreed_record_tensor_info *out, dogbreed_record *record, int64_t step,
                           int32_t index) {
    const dogb_index_tensor *tensor = NULL;
    const dogb_shard *shard = NULL;
    dogb_stored stored = {.rank = 0};
    DOGB_CHECK(out != NULL && record != NULL, "record_tensor: out and record are needed");
    CHECK_SIZE(out);
    int rc = find(&tensor, &shard, record, step, index);
    if (rc == DOGBREED_OK && tensor->length > 0) {
        rc = dogb_store_read(&stored, record, shard, tensor);
    } else if (rc == DOGBREED_OK && tensor->rank >= 0) {
        stored.rank = tensor->rank;
        memcpy(stored.shape, tensor->shape, (size_t)tensor->rank * sizeof *stored.shape);
        int64_t count = dogb_record_elements(stored.rank, stored.shape);
        stored.values.count = (size_t)(count < 0 ? 0 : count);
    }
    if (rc < 0) {
        return rc;
    }
    dogbreed_record_tensor_info full = {.dtype = stored.values.dtype,
                                        .name = tensor->name,
                                        .original = tensor->original,
                                        .worker = shard->worker,
                                        .rank = stored.rank,
                                        .has_values = tensor->length > 0,
                                        .count = (int64_t)stored.values.count,
                                        .size = (int64_t)stored.size};
    memcpy(full.shape, stored.shape, sizeof full.shape);
    hand_out(out, &full, sizeof full);
    return DOGBREED_OK;
}

// --- values

static int read_values(dogb_stored *out, dogbreed_record *record, int64_t step, int32_t index) {
    const dogb_index_tensor *tensor = NULL;
    const dogb_shard *shard = NULL;
    int rc = find(&tensor, &shard, record, step, index);
    if (rc == DOGBREED_OK && tensor->length == 0) {
        rc = dogb_fail(DOGBREED_ERROR_TENSOR_UNAVAILABLE_FOR_STEP,
                       "%s: of %s only the shape was saved at step %lld", record->directory,
                       tensor->name, (long long)step);
    }
    return rc < 0 ? rc : dogb_store_read(out, record, shard, tensor);
}

static int read_numbers(dogb_stored *out, dogbreed_record *record, int64_t step, int32_t index,
                        size_t count) {
    int rc = read_values(out, record, step, index);
    if (rc == DOGBREED_OK && !dogb_values_numeric(out->values.dtype)) {
        rc = dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                       "%s: tensor %d of step %lld: elements of type %s are no numbers",
                       record->directory, (int)index, (long long)step,
                       dogb_record_type_find(out->values.dtype)->name);
    }
    if (rc == DOGBREED_OK && out->values.count != count) {
        rc = dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                       "%s: tensor %d of step %lld has %zu elements, not %zu", record->directory,
                       (int)index, (long long)step, out->values.count, count);
    }
    return rc;
}

int dogbreed_record_read(dogbreed_record *record, int64_t step, int32_t index, float *buffer,
                         size_t count) {
    enum { BLOCK = 512 };
    dogb_stored stored;
    double block[BLOCK];
    DOGB_CHECK(record != NULL && (buffer != NULL || count == 0),
               "record_read: record and buffer are needed");
    int rc = read_numbers(&stored, record, step, index, count);
    for (size_t at = 0; rc == DOGBREED_OK && at < count; at += BLOCK) {
        size_t part = count - at < BLOCK ? count - at : BLOCK;
        if (stored.values.dtype == DOGBREED_RECORD_FLOAT32) { // all at once, every bit
            memcpy(buffer, stored.values.data, stored.size);
            break;
        }
        dogb_values_get(block, &stored.values, at, part);
        for (size_t i = 0; i < part; i++) {
            buffer[at + i] = (float)block[i];
        }
    }
    return rc;
}

int dogbreed_record_read_double(dogbreed_record *record, int64_t step, int32_t index,
                                double *buffer, size_t count) {
    dogb_stored stored;
    DOGB_CHECK(record != NULL && (buffer != NULL || count == 0),
               "record_read_double: record and buffer are needed");
    int rc = read_numbers(&stored, record, step, index, count);
    if (rc == DOGBREED_OK) {
        dogb_values_get(buffer, &stored.values, 0, count);
    }
    return rc;
}

int dogbreed_record_read_bytes(dogbreed_record *record, int64_t step, int32_t index, void *buffer,
                               size_t size) {
    dogb_stored stored;
    DOGB_CHECK(record != NULL && (buffer != NULL || size == 0),
               "record_read_bytes: record and buffer are needed");
    int rc = read_values(&stored, record, step, index);
    if (rc == DOGBREED_OK && stored.values.dtype == DOGBREED_RECORD_TEXT) {
        rc = dogb_fail(DOGBREED_ERROR_UNSUPPORTED, "%s: tensor %d of step %lld has texts",
                       record->directory, (int)index, (long long)step);
    }
    if (rc == DOGBREED_OK && stored.size != size) {
        rc = dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                       "%s: tensor %d of step %lld has %zu bytes, not %zu", record->directory,
                       (int)index, (long long)step, stored.size, size);
    }
    if (rc == DOGBREED_OK && size > 0) {
        memcpy(buffer, stored.values.data, size);
    }
    return rc;
}

int dogbreed_record_read_text(char **json, dogbreed_record *record, int64_t step, int32_t index) {
    dogb_arena scratch = {0};
    dogb_stored stored;
    dogb_span text;
    DOGB_CHECK(json != NULL && record != NULL, "record_read_text: out and record are needed");
    *json = NULL;
    int rc = read_values(&stored, record, step, index);
    if (rc == DOGBREED_OK && stored.values.dtype != DOGBREED_RECORD_TEXT) {
        rc = dogb_fail(DOGBREED_ERROR_UNSUPPORTED, "%s: tensor %d of step %lld has no texts",
                       record->directory, (int)index, (long long)step);
    }
    json_t *all = rc < 0 ? NULL : dogb_json_array(&scratch);
    rc = rc == DOGBREED_OK && all == NULL ? DOGBREED_ERROR_NO_MEMORY : rc;
    while (rc == DOGBREED_OK && dogb_event_text_next(&text, &stored.tensor) == 1) {
        const char *copy = dogb_strndup(&scratch, (const char *)text.data, text.size);
        rc = copy == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_json_add(all, dogb_json_text(copy));
    }
    rc = rc < 0 ? rc : dogb_json_text_out(json, all, 0);
    dogb_arena_free(&scratch);
    return rc;
}
