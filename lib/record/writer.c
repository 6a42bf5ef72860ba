// writer.c - see writer.h: opening, steps, the end.
#include "core/hash.h"
#include "core/wire.h"
#include "record/event.h"
#include "record/layout.h"
#include "record/values.h"
#include "record/writer_internal.h"
#include "tensorboard/frame.h"

#include <string.h>
#include <unistd.h>

static char *path_of(const dogb_record_writer *w, dogb_arena *arena, char *name) {
    return name == NULL ? NULL : dogb_path_join(arena, w->directory, name);
}

static int make_folder(const dogb_record_writer *w, dogb_arena *arena, char *name) {
    char *path = path_of(w, arena, name);
    return path == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_directory_make(path);
}

// --- opening and closing

static int check_version(const dogb_record_writer *w, dogb_arena *scratch) {
    json_t *document = NULL;
    char *path = path_of(w, scratch, dogb_record_collections_path(scratch, w->worker));
    if (path == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (!dogb_file_exists(path)) {
        return DOGBREED_OK;
    }
    int rc = dogb_json_read(&document, scratch, path, NULL, 0);
    return rc < 0 ? rc : dogb_collections_check(document, path);
}

static int prepare(dogb_record_writer *w, dogb_arena *scratch) {
    char *end = path_of(w, scratch, DOGB_RECORD_END);
    if (end == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (dogb_file_exists(end)) {
        return dogb_fail(DOGBREED_ERROR_EXISTS,
                         "%s: holds the tensors of a training that has ended", w->directory);
    }
    int rc = make_folder(w, scratch, dogb_strdup(scratch, "collections/000000000"));
    rc = rc < 0 ? rc : make_folder(w, scratch, dogb_strdup(scratch, "index"));
    rc = rc < 0 ? rc : make_folder(w, scratch, dogb_strdup(scratch, "events"));
    rc = rc < 0 ? rc : check_version(w, scratch);
    rc = rc < 0 ? rc : dogb_record_tidy(w, -1);
    return rc < 0 ? rc : dogb_record_state_open(w);
}

int dogb_record_writer_open(dogb_record_writer **out, const dogb_record_conf *conf) {
    *out = NULL;
    dogb_record_writer *w = dogb_malloc(1, sizeof *w);
    if (w == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    w->crc = conf->crc;
    w->hasty = conf->hasty;
    w->step_saved = -1;
    w->run = 1;
    w->memory = conf->memory;
    if (w->memory != NULL) {
        dogb_memory_retain(w->memory);
    }
    w->directory = dogb_strdup(&w->arena, w->memory == NULL ? conf->directory : "memory");
    w->worker = dogb_format(&w->arena, "worker_%d", (int)conf->worker);
    dogb_arena scratch = {0};
    int rc = w->directory == NULL || w->worker == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc == DOGBREED_OK && w->memory == NULL) {
        rc = prepare(w, &scratch);
    }
    dogb_arena_free(&scratch);
    if (rc < 0) {
        dogb_record_writer_close(w);
        return rc;
    }
    *out = w;
    return DOGBREED_OK;
}

// What was not committed goes.
static void leave_step(dogb_record_writer *w) {
    dogb_arena_free(&w->step_arena);
    w->events = NULL;
    w->recorded = (dogb_buffer){0};
    w->has_events = 0;
    if (w->event_folder != NULL) {
        (void)rmdir(w->event_folder); // fails when something is in it
        dogb_release(&w->arena, w->event_folder);
        w->event_folder = NULL;
    }
}

void dogb_record_writer_close(dogb_record_writer *w) {
    if (w != NULL) {
        leave_step(w);
        dogb_memory_release(w->memory);
        dogb_arena_free(&w->arena);
        dogb_free(w);
    }
}

int dogb_record_writer_finish(dogb_record_writer *w) {
    dogb_arena scratch = {0};
    if (w->memory != NULL) {
        dogb_memory_finish(w->memory);
        return DOGBREED_OK;
    }
    char *path = path_of(w, &scratch, DOGB_RECORD_END);
    int rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_file_write(path, "", 0);
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_record_writer_resume(dogb_record_writer *w, int64_t step) {
    return w->memory != NULL ? DOGBREED_OK : dogb_record_tidy(w, step);
}

// --- a step

static int drop(dogb_record_writer *w, int rc) {
    dogb_error_save(&w->failure, rc);
    leave_step(w);
    return dogb_error_restore(&w->failure);
}

int dogb_record_writer_begin(dogb_record_writer *w, int32_t mode, int64_t mode_step, int64_t step,
                             double wall_time) {
    DOGB_CHECK(dogb_record_mode_name(mode) != NULL, "%d is no mode", (int)mode);
    DOGB_CHECK(step >= 0 && step <= DOGB_RECORD_STEP_MAX && mode_step >= 0,
               "step %lld, mode step %lld: 0 to %lld are allowed", (long long)step,
               (long long)mode_step, (long long)DOGB_RECORD_STEP_MAX);
    if (w->in_step) {
        return dogb_fail(DOGBREED_ERROR_STATE, "step %lld is not committed", (long long)w->step);
    }
    char *path =
        path_of(w, &w->step_arena, dogb_record_index_path(&w->step_arena, step, w->worker));
    int rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc == DOGBREED_OK && w->memory == NULL && dogb_file_exists(path)) {
        rc = dogb_fail(DOGBREED_ERROR_EXISTS, "%s: step %lld is there already", w->directory,
                       (long long)step);
    }
    w->failure.code = DOGBREED_OK;
    w->mode = mode;
    w->mode_step = mode_step;
    w->step = step;
    w->time = wall_time;
    w->names = rc < 0 ? NULL : dogb_json_object(&w->step_arena);
    w->tensors = w->names == NULL ? NULL : dogb_json_array(&w->step_arena);
    w->shapes = w->tensors == NULL ? NULL : dogb_json_array(&w->step_arena);
    rc = rc == DOGBREED_OK && w->shapes == NULL ? DOGBREED_ERROR_NO_MEMORY : rc;
    if (rc < 0) {
        leave_step(w);
        return rc;
    }
    w->in_step = 1;
    return DOGBREED_OK;
}

static int open_file(dogb_record_writer *w) {
    dogb_arena *arena = &w->step_arena;
    w->event_folder = path_of(w, &w->arena, dogb_record_event_folder(arena, w->step));
    char *path = path_of(w, arena, dogb_record_event_path(arena, w->step, w->worker));
    int rc = w->event_folder == NULL || path == NULL ? DOGBREED_ERROR_NO_MEMORY
                                                     : dogb_directory_make(w->event_folder);
    rc = rc < 0 ? rc : dogb_writer_open(&w->events, arena, path);
    if (rc == DOGBREED_OK && w->hasty) {
        dogb_writer_hasty(w->events);
    }
    return rc;
}

static int open_events(dogb_record_writer *w) {
    w->recorded = (dogb_buffer){.arena = &w->step_arena};
    int rc = w->memory != NULL ? DOGBREED_OK : open_file(w);
    w->has_events = rc == DOGBREED_OK;
    return rc;
}

static int put_bytes(dogb_record_writer *w, const void *bytes, size_t size) {
    if (w->memory == NULL) {
        return dogb_writer_add(w->events, bytes, size);
    }
    dogb_buffer_put(&w->recorded, bytes, size);
    return w->recorded.rc;
}

static int64_t position(const dogb_record_writer *w) {
    return w->memory == NULL ? dogb_writer_position(w->events) : (int64_t)w->recorded.length;
}

// Refusals that leave the step as it was.
static int check_tensor(const dogb_record_writer *w, const char *name, int32_t rank,
                        const int64_t *shape) {
    if (!w->in_step) {
        return dogb_fail(DOGBREED_ERROR_STATE, "%s: no step was begun", w->directory);
    }
    DOGB_CHECK(name != NULL && *name != '\0' && dogb_text_valid(name, strlen(name)),
               "a tensor's name is UTF-8 text");
    DOGB_CHECK(rank >= 0 && rank <= DOGB_RECORD_RANK_MAX,
               "%s: %d dimensions, at most %d can be stored", name, (int)rank,
               DOGB_RECORD_RANK_MAX);
    DOGB_CHECK(dogb_record_elements(rank, shape) >= 0, "%s: its shape is no shape", name);
    return DOGBREED_OK;
}

// The record behind the others of the event file, the values straight from where they are.
static int put_record(dogb_record_writer *w, const dogb_record_event *event, const void *values) {
    dogb_arena scratch = {0};
    dogb_buffer head = {.arena = &scratch};
    char frame[DOGB_FRAME_HEAD];
    char tail[DOGB_FRAME_TAIL];
    dogb_record_event_put(&head, event);
    int rc = head.rc;
    if (rc == DOGBREED_OK) {
        uint32_t sum = dogb_crc32c(head.data, head.length);
        sum = dogb_frame_mask(dogb_crc32c_add(sum, values, event->size));
        sum = w->crc == DOGB_RECORD_CRC_SMDEBUG ? DOGB_FRAME_CONSTANT : sum;
        dogb_wire_store(tail, sum, sizeof tail);
        dogb_frame_head(frame, head.length + event->size);
        rc = put_bytes(w, frame, sizeof frame);
        rc = rc < 0 ? rc : put_bytes(w, head.data, head.length);
        rc = rc < 0 ? rc : put_bytes(w, values, event->size);
        rc = rc < 0 ? rc : put_bytes(w, tail, sizeof tail);
    }
    dogb_arena_free(&scratch);
    return rc;
}

static int note_tensor(dogb_record_writer *w, const char *name, int64_t start) {
    json_t *entry = json_object();
    int rc = dogb_json_add(w->tensors, entry);
    rc = rc < 0 ? rc : dogb_json_set_text(entry, "tensorname", name);
    rc = rc < 0 ? rc : dogb_json_set_int(entry, "start_idx", start);
    rc = rc < 0 ? rc : dogb_json_set_int(entry, "length", position(w) - start);
    return rc < 0 ? rc : dogb_json_set(w->names, name, json_true());
}

int dogb_record_writer_add(dogb_record_writer *w, const char *name, int32_t dtype, int32_t rank,
                           const int64_t *shape, const void *data) {
    const dogb_record_type *type = dogb_record_type_find(dtype);
    int rc = check_tensor(w, name, rank, shape);
    if (rc < 0 || w->failure.code < 0) {
        return rc < 0 ? rc : dogb_error_restore(&w->failure);
    }
    DOGB_CHECK(type != NULL, "%s: %d is no type of tensors", name, (int)dtype);
    DOGB_CHECK(type->size > 0 || rank == 1, "%s: texts have one dimension", name);
    DOGB_CHECK(json_object_get(w->names, name) == NULL, "%s: added twice to step %lld", name,
               (long long)w->step);
    dogb_record_event event = {.name = name,
                               .time = w->time,
                               .step = w->step,
                               .mode_step = w->mode_step,
                               .mode = w->mode,
                               .dtype = dtype,
                               .rank = rank,
                               .shape = shape,
                               .texts = type->size > 0 ? NULL : data,
                               .size = (size_t)(dogb_record_elements(rank, shape) * type->size)};
    rc = w->has_events ? DOGBREED_OK : open_events(w);
    int64_t start = rc < 0 ? 0 : position(w);
    rc = rc < 0 ? rc : put_record(w, &event, data);
    rc = rc < 0 ? rc : note_tensor(w, name, start);
    return rc < 0 ? drop(w, rc) : DOGBREED_OK;
}

typedef struct reduced {
    dogb_record_writer *w;
    const char *name;
} reduced;

static int add_reduction(const char *reduction, double value, void *userdata) {
    const reduced *r = userdata;
    dogb_arena scratch = {0};
    char *name = dogb_format(&scratch, DOGB_RECORD_REDUCTIONS "%s/%s", reduction, r->name);
    int rc = name == NULL
                 ? drop(r->w, DOGBREED_ERROR_NO_MEMORY)
                 : dogb_record_writer_add(r->w, name, DOGBREED_RECORD_FLOAT64, 0, NULL, &value);
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_record_writer_reduce(dogb_record_writer *w, const char *name, const char *reductions,
                              const float *data, size_t count) {
    dogb_values values = {.data = data, .count = count, .dtype = DOGBREED_RECORD_FLOAT32};
    int rc = check_tensor(w, name, 0, NULL);
    rc = rc < 0 ? rc : dogb_reduce(reductions, &values, add_reduction, &(reduced){w, name});
    return rc == DOGBREED_ERROR_NO_MEMORY && w->failure.code == DOGBREED_OK ? drop(w, rc) : rc;
}

int dogb_record_writer_shape(dogb_record_writer *w, const char *name, const char *original,
                             int32_t rank, const int64_t *shape) {
    int rc = check_tensor(w, name, rank, shape);
    if (rc < 0 || w->failure.code < 0) {
        return rc < 0 ? rc : dogb_error_restore(&w->failure);
    }
    json_t *entry = json_object();
    rc = dogb_json_add(w->shapes, entry);
    rc = rc < 0 ? rc : dogb_json_set_text(entry, "tensorname", name);
    rc =
        rc < 0 ? rc : dogb_json_set_text(entry, "originalname", original == NULL ? name : original);
    json_t *sizes = json_array();
    rc = rc < 0 ? (json_decref(sizes), rc) : dogb_json_set(entry, "shape", sizes);
    for (int32_t i = 0; rc == DOGBREED_OK && i < rank; i++) {
        rc = dogb_json_add(sizes, json_integer(shape[i]));
    }
    return rc < 0 ? drop(w, rc) : DOGBREED_OK;
}

// --- the end of a step

static int index_text(char **out, const dogb_record_writer *w, dogb_arena *arena) {
    json_t *document = dogb_json_object(arena);
    json_t *meta = document == NULL ? NULL : json_object();
    int rc = document == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_json_set(document, "meta", meta);
    rc = rc < 0 ? rc : dogb_json_set_text(meta, "mode", dogb_record_mode_name(w->mode));
    rc = rc < 0 ? rc : dogb_json_set_int(meta, "mode_step", w->mode_step);
    if (rc == DOGBREED_OK && w->has_events) {
        char *name = dogb_record_event_path(arena, w->step, w->worker);
        rc = name == NULL ? DOGBREED_ERROR_NO_MEMORY
                          : dogb_json_set_text(meta, "event_file_name", name);
    }
    rc = rc < 0 ? rc : dogb_json_set(document, "tensor_payload", json_incref(w->tensors));
    rc = rc < 0 ? rc : dogb_json_set(document, "shape_payload", json_incref(w->shapes));
    *out = rc < 0 ? NULL : dogb_json_text_in(arena, document, 0);
    return rc < 0 ? rc : *out == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

static int write_index(dogb_record_writer *w) {
    dogb_arena *arena = &w->step_arena;
    char *text = NULL;
    if (w->memory != NULL) {
        int put = index_text(&text, w, arena);
        return put < 0 ? put
                       : dogb_memory_put(w->memory, w->step, text, w->recorded.data,
                                         w->recorded.length);
    }
    char *path = path_of(w, arena, dogb_record_index_path(arena, w->step, w->worker));
    int rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : index_text(&text, w, arena);
    rc = rc < 0 ? rc : make_folder(w, arena, dogb_record_index_folder(arena, w->step));
    if (rc < 0) {
        return rc;
    }
    return w->hasty ? dogb_file_replace(path, text, strlen(text))
                    : dogb_file_write(path, text, strlen(text));
}

int dogb_record_writer_commit(dogb_record_writer *w) {
    if (!w->in_step) {
        return dogb_fail(DOGBREED_ERROR_STATE, "%s: no step was begun", w->directory);
    }
    w->in_step = 0;
    if (w->failure.code < 0) {
        return dogb_error_restore(&w->failure);
    }
    int rc = w->events == NULL ? DOGBREED_OK : dogb_writer_commit(w->events);
    int any = json_array_size(w->tensors) + json_array_size(w->shapes) > 0;
    if (rc == DOGBREED_OK && any && (rc = write_index(w)) < 0 && w->events != NULL) {
        char *path =
            path_of(w, &w->step_arena, dogb_record_event_path(&w->step_arena, w->step, w->worker));
        if (path != NULL) {
            (void)unlink(path);
        }
    }
    if (rc < 0) {
        return drop(w, rc);
    }
    w->step_saved = any && w->step > w->step_saved ? w->step : w->step_saved;
    leave_step(w);
    return DOGBREED_OK;
}
