// resume.c - a store that goes on: what an interrupted life has left, steps that are trained again,
// notes of where the training was.
#include "record/layout.h"
#include "record/walk.h"
#include "record/writer_internal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NOTES_MAX = 64 };

// --- files

typedef struct tidy {
    dogb_record_writer *w;
    int64_t step;    // from here on all go; -1: none
    const char *end; // of the names in this folder
} tidy;

static int is_ours(const tidy *t, int64_t *step, const char *name) {
    const char *worker = NULL;
    size_t length = 0;
    return dogb_record_name_parse(step, &worker, &length, name, t->end) &&
           strlen(t->w->worker) == length && memcmp(worker, t->w->worker, length) == 0;
}

// "000000000000_worker_0.json.1234abcd.tmp", of this worker.
static int is_half(const tidy *t, const char *name) {
    int64_t step = 0;
    char whole[128];
    const char *end = strstr(name, t->end);
    size_t length = strlen(name);
    if (length < 4 || strcmp(name + length - 4, ".tmp") != 0 || end == NULL) {
        return 0;
    }
    int size = snprintf(whole, sizeof whole, "%.*s%s", (int)(end - name), name, t->end);
    return size > 0 && size < (int)sizeof whole && is_ours(t, &step, whole);
}

static int take_away(const tidy *t, const dogb_walk_entry *entry) {
    return unlinkat(entry->descriptor, entry->name, 0) == 0
               ? DOGBREED_OK
               : dogb_fail_errno(DOGBREED_ERROR_IO, "%s: %s cannot be removed", t->w->directory,
                                 entry->name);
}

static int tidy_index(const dogb_walk_entry *entry, void *userdata) {
    const tidy *t = userdata;
    int64_t step = 0;
    int ours = is_ours(t, &step, entry->name);
    if (is_half(t, entry->name) || (ours && t->step >= 0 && step >= t->step)) {
        return take_away(t, entry);
    }
    t->w->step_saved = ours && step > t->w->step_saved ? step : t->w->step_saved;
    return DOGBREED_OK;
}

// An event file counts only with its index.
static int tidy_events(const dogb_walk_entry *entry, void *userdata) {
    const tidy *t = userdata;
    dogb_arena scratch = {0};
    int64_t step = 0;
    int rc = DOGBREED_OK;
    int goes = is_half(t, entry->name);
    if (is_ours(t, &step, entry->name)) {
        char *index = dogb_record_index_path(&scratch, step, t->w->worker);
        index = index == NULL ? NULL : dogb_path_join(&scratch, t->w->directory, index);
        rc = index == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
        goes = rc == DOGBREED_OK && !dogb_file_exists(index);
    }
    if (goes && (rc = take_away(t, entry)) == DOGBREED_OK) {
        char *folder = dogb_format(&scratch, "%s/events/%s", t->w->directory, entry->folder);
        (void)(folder == NULL ? -1 : rmdir(folder)); // fails when something else is in it
    }
    dogb_arena_free(&scratch);
    return rc;
}

// The index first: a reader never sees a step whose values are gone.
int dogb_record_tidy(dogb_record_writer *w, int64_t step) {
    const struct {
        const char *folder;
        const char *end;
        dogb_walk_fn fn;
    } parts[] = {{"index", ".json", tidy_index}, {"events", ".tfevents", tidy_events}};
    int rc = DOGBREED_OK;
    w->step_saved = -1;
    for (size_t i = 0; rc == DOGBREED_OK && i < 2; i++) {
        dogb_arena scratch = {0};
        tidy t = {.w = w, .step = step, .end = parts[i].end};
        char *path = dogb_path_join(&scratch, w->directory, parts[i].folder);
        rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_record_walk(path, parts[i].fn, &t);
        dogb_arena_free(&scratch);
    }
    return rc;
}

// --- notes, in smdebug's members

static const char RUN[] = "training-run";
static const char SAVED[] = "latest-global-step-saved";
static const char SEEN[] = "latest-global-step-seen";
static const char MODES[] = "latest-mode-step";

static char *notes_path(const dogb_record_writer *w, dogb_arena *arena) {
    return dogb_path_join(arena, w->directory, DOGB_RECORD_STATES);
}

// An array; empty when there are none.
static int read_notes(json_t **out, const dogb_record_writer *w, dogb_arena *arena) {
    void *text = NULL;
    size_t size = 0;
    const char *path = notes_path(w, arena);
    *out = NULL;
    if (path == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (!dogb_file_exists(path)) {
        *out = dogb_json_array(arena);
        return *out == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    }
    int rc = dogb_file_read(&text, &size, arena, path, 1 << 20);
    rc = rc < 0 ? rc : dogb_json_parse_any(out, arena, text, size, path);
    if (rc == DOGBREED_OK && !json_is_array(*out)) {
        rc = dogb_fail(DOGBREED_ERROR_FORMAT, "%s: an array of notes is expected", path);
    }
    return rc;
}

static int64_t member(const json_t *note, const char *key, int64_t otherwise) {
    const json_t *value = json_object_get(note, key);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

int dogb_record_state_open(dogb_record_writer *w) {
    dogb_arena scratch = {0};
    json_t *notes = NULL;
    int rc = read_notes(&notes, w, &scratch);
    w->run = 1;
    for (size_t i = 0; rc == DOGBREED_OK && i < json_array_size(notes); i++) {
        int64_t run = member(json_array_get(notes, i), RUN, 0);
        w->run = run >= w->run && run < INT64_MAX ? run + 1 : w->run;
    }
    dogb_arena_free(&scratch);
    return rc;
}

static int add_note(json_t *notes, const dogb_record_writer *w, const dogb_record_state *state) {
    json_t *note = json_object();
    int rc = dogb_json_add(notes, note);
    rc = rc < 0 ? rc : dogb_json_set_int(note, RUN, w->run);
    rc = rc < 0 ? rc : dogb_json_set_int(note, SAVED, w->step_saved);
    rc = rc < 0 ? rc : dogb_json_set_int(note, SEEN, state->step_seen);
    json_t *modes = rc < 0 ? NULL : json_object();
    rc = rc < 0 ? rc : dogb_json_set(note, MODES, modes);
    for (int32_t mode = 1; rc == DOGBREED_OK && mode < DOGB_RECORD_MODES; mode++) {
        rc = dogb_json_set_int(modes, dogb_record_mode_name(mode), state->mode_step[mode]);
    }
    return rc;
}

int dogb_record_writer_note(dogb_record_writer *w, const dogb_record_state *state) {
    dogb_arena scratch = {0};
    json_t *notes = NULL;
    int rc = read_notes(&notes, w, &scratch);
    for (size_t i = json_array_size(notes); rc == DOGBREED_OK && i > 0; i--) {
        // Of steps that are trained again: void.
        if (member(json_array_get(notes, i - 1), SEEN, INT64_MAX) >= state->step_seen) {
            (void)json_array_remove(notes, i - 1);
        }
    }
    while (json_array_size(notes) >= NOTES_MAX) {
        (void)json_array_remove(notes, 0);
    }
    rc = rc < 0 ? rc : add_note(notes, w, state);
    const char *path = notes_path(w, &scratch);
    if (rc == DOGBREED_OK) {
        rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_json_write(path, notes);
    }
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_record_writer_noted(dogb_record_state *out, const dogb_record_writer *w, int64_t step) {
    dogb_arena scratch = {0};
    json_t *notes = NULL;
    const json_t *found = NULL;
    int rc = read_notes(&notes, w, &scratch);
    for (size_t i = 0; rc == DOGBREED_OK && i < json_array_size(notes); i++) {
        const json_t *note = json_array_get(notes, i);
        int64_t seen = member(note, SEEN, INT64_MAX);
        found = seen < step && seen >= member(found, SEEN, -1) ? note : found;
    }
    const json_t *modes = json_object_get(found, MODES);
    *out = (dogb_record_state){.run = member(found, RUN, 0),
                               .step_saved = member(found, SAVED, -1),
                               .step_seen = member(found, SEEN, -1)};
    for (int32_t mode = 0; mode < DOGB_RECORD_MODES; mode++) {
        const char *name = dogb_record_mode_name(mode);
        out->mode_step[mode] = name == NULL ? -1 : member(modes, name, -1);
    }
    dogb_arena_free(&scratch);
    return rc < 0 ? rc : found != NULL;
}
