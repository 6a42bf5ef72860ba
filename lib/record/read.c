// read.c - the record of a stored tensor: mapped, checked, its values found.
#include "record/store.h"

#include "core/error.h"
#include "record/walk.h"
#include "tensorboard/frame.h"

#include <string.h>

// --- event files

typedef struct later {
    int64_t step;
    const char *worker;
    int found;
    int32_t reserved;
} later;

static int note_later(const dogb_walk_entry *entry, void *userdata) {
    later *l = userdata;
    int64_t step = 0;
    const char *worker = NULL;
    size_t length = 0;
    if (dogb_record_name_parse(&step, &worker, &length, entry->name, ".tfevents") &&
        step > l->step && strlen(l->worker) == length && memcmp(worker, l->worker, length) == 0) {
        l->found = 1;
    }
    return DOGBREED_OK;
}

// An event file that is missing comes no more when its worker has gone on, or the training is over.
static int missing(dogbreed_record *record, const dogb_shard *shard,
                   const dogb_index_tensor *tensor, const char *path) {
    dogb_arena scratch = {0};
    later l = {.step = shard->step, .worker = shard->worker, .found = record->list.finished};
    char *folder = dogb_path_join(&scratch, record->directory, "events");
    if (folder != NULL && !l.found) {
        (void)dogb_record_walk(folder, note_later, &l);
    }
    dogb_arena_free(&scratch);
    return l.found ? dogb_fail(DOGBREED_ERROR_TENSOR_UNAVAILABLE_FOR_STEP,
                               "%s: the file with %s is missing", path, tensor->name)
                   : dogb_fail(DOGBREED_ERROR_STEP_NOT_YET_AVAILABLE,
                               "%s: the file with %s is not there yet", path, tensor->name);
}

static int map_events(dogbreed_record *record, const dogb_shard *shard,
                      const dogb_index_tensor *tensor) {
    if (shard->held != NULL) {
        record->map = (dogb_map){(const uint8_t *)shard->held->events, shard->held->event_size};
        record->map_path = record->directory;
        return DOGBREED_OK;
    }
    dogb_arena scratch = {0};
    char *path = dogb_path_join(&scratch, record->directory, shard->index.event_file);
    int rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc == DOGBREED_OK && (record->map_path == NULL || strcmp(record->map_path, path) != 0)) {
        record->map_path = NULL;
        dogb_arena_free(&record->map_arena);
        rc = dogb_map_open(&record->map, &record->map_arena, path, SIZE_MAX);
        rc = rc == DOGBREED_ERROR_NOT_FOUND ? missing(record, shard, tensor, path) : rc;
        if (rc == DOGBREED_OK) {
            record->map_path = dogb_strdup(&record->map_arena, path);
            rc = record->map_path == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
        }
    }
    dogb_arena_free(&scratch);
    return rc;
}

// --- values

static int damaged(const dogbreed_record *record, const dogb_index_tensor *tensor,
                   const char *what) {
    return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: %s, at byte %lld: %s", record->map_path,
                     tensor->name, (long long)tensor->start, what);
}

// Bytes of the values where they stand in one piece.
static dogb_span content_of(const dogb_event_tensor *t) {
    if (t->content.size > 0) {
        return t->content;
    }
    return t->dtype == DOGBREED_RECORD_FLOAT32   ? t->floats
           : t->dtype == DOGBREED_RECORD_FLOAT64 ? t->doubles
                                                 : t->content;
}

static int find_values(dogb_stored *out, const dogbreed_record *record,
                       const dogb_index_tensor *tensor) {
    const dogb_event_tensor *t = &out->tensor;
    if (t->rank > DOGB_RECORD_RANK_MAX) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED, "%s: %s: more than %d dimensions",
                         record->map_path, tensor->name, DOGB_RECORD_RANK_MAX);
    }
    out->values.dtype = t->dtype == 0 ? DOGBREED_RECORD_TEXT : t->dtype; // smdebug's texts
    const dogb_record_type *type = dogb_record_type_find(out->values.dtype);
    int64_t count = dogb_record_elements(t->rank, t->shape);
    if (type == NULL) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED, "%s: %s: type %d", record->map_path,
                         tensor->name, (int)t->dtype);
    }
    if (count < 0) {
        return damaged(record, tensor, "its shape is no shape");
    }
    out->values.count = (size_t)count;
    out->rank = t->rank;
    memcpy(out->shape, t->shape, sizeof out->shape);
    if (type->size == 0) {
        return t->text_count == count ? DOGBREED_OK : damaged(record, tensor, "texts are missing");
    }
    dogb_span content = content_of(t);
    if (type->code == DOGBREED_RECORD_INT32 && count > 0 && content.size == (size_t)count * 2) {
        type = dogb_record_type_find(DOGBREED_RECORD_FLOAT16); // a defect of some smdebug
        out->values.dtype = DOGBREED_RECORD_FLOAT16;
    }
    out->values.data = content.data;
    out->size = (size_t)(count * type->size);
    return content.size == out->size ? DOGBREED_OK : damaged(record, tensor, "values are missing");
}

static int find_tensor(dogb_stored *out, const dogbreed_record *record, const dogb_shard *shard,
                       const dogb_index_tensor *tensor, dogb_span bytes) {
    dogb_event event;
    dogb_event_value value;
    if (!dogb_event_parse(&event, bytes) || dogb_event_value_next(&value, &event) != 1) {
        return damaged(record, tensor, "no event with a value");
    }
    if (!dogb_span_is(value.tag, tensor->name) || event.step != shard->step) {
        return damaged(record, tensor, "another tensor, or of another step");
    }
    if (value.kind != DOGB_VALUE_TENSOR) {
        return damaged(record, tensor, "no tensor");
    }
    *out = (dogb_stored){.tensor = value.tensor};
    return find_values(out, record, tensor);
}

int dogb_store_read(dogb_stored *out, dogbreed_record *record, const dogb_shard *shard,
                    const dogb_index_tensor *tensor) {
    dogb_frame frame;
    int rc = map_events(record, shard, tensor);
    if (rc < 0) {
        return rc;
    }
    size_t size = record->map.size;
    if ((uint64_t)tensor->start > size || (uint64_t)tensor->length > size - (size_t)tensor->start) {
        return damaged(record, tensor, "the file ends before it");
    }
    rc = dogb_frame_read(&frame, record->map.data + tensor->start, (size_t)tensor->length,
                         record->map_path, (size_t)tensor->start);
    if (rc < 0) {
        return rc;
    }
    if (rc == 0 || frame.size != (size_t)tensor->length) {
        return damaged(record, tensor, "a record of another length than the index says");
    }
    record->payload_count += !frame.constant;
    record->constant_count += frame.constant;
    return find_tensor(out, record, shard, tensor, (dogb_span){frame.event, frame.length});
}
