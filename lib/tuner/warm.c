#define _GNU_SOURCE // realpath
// warm.c - trials of earlier studies as observations of a new one. What they were when the study
// began is written into it: whatever becomes of those studies later, its trials follow from that.
#include "core/error.h"
#include "core/file.h"
#include "tuner/state.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VERSION = 1 }; // of what is stored

static const char FILE_NAME[] = "/study.db"; // of a run directory

// --- which studies

// An address without its password, as it is shown and stored.
static char *without_password(dogb_arena *arena, const char *url) {
    const char *host = strstr(url, "://") + 3;
    size_t length = strcspn(host, "/?");
    const char *at = memchr(host, '@', length);
    const char *colon = at == NULL ? NULL : memchr(host, ':', (size_t)(at - host));
    const char *question = strchr(host, '?'); // a password may stand behind it, too
    int size = (int)(question == NULL ? strlen(url) : (size_t)(question - url));
    return colon == NULL ? dogb_strndup(arena, url, (size_t)size)
                         : dogb_format(arena, "%.*s%.*s", (int)(colon - url), url,
                                       size - (int)(at - url), at);
}

// Names the file from wherever the study is gone on with, and when it is no longer there.
static char *absolute(dogb_arena *arena, const char *path) {
    char whole[PATH_MAX];
    char here[PATH_MAX];
    if (realpath(path, whole) != NULL) {
        return dogb_strdup(arena, whole);
    }
    return *path == '/' || getcwd(here, sizeof here) == NULL
               ? dogb_strdup(arena, path)
               : dogb_format(arena, "%s/%s", here, path);
}

static int is_folder(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static int locate(dogb_parent *out, dogb_arena *arena, const char *storage) {
    const char *path = dogb_study_file(storage);
    if (path == NULL) {
        out->url = dogb_strdup(arena, storage);
        out->place = without_password(arena, storage);
    } else {
        out->place = absolute(arena, path);
        if (out->place != NULL && is_folder(out->place)) {
            out->place = dogb_format(arena, "%s%s", out->place, FILE_NAME);
        }
        out->url = out->place;
    }
    return out->url == NULL || out->place == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

// A run directory that is no longer there cannot be told from a file.
static int is_place(const char *left, const char *right) {
    size_t suffix = strlen(FILE_NAME);
    size_t a = strlen(left);
    size_t b = strlen(right);
    a -= a > suffix && strcmp(left + a - suffix, FILE_NAME) == 0 ? suffix : 0;
    b -= b > suffix && strcmp(right + b - suffix, FILE_NAME) == 0 ? suffix : 0;
    return a == b && memcmp(left, right, a) == 0;
}

static int is_parent(const dogb_parent *parent, const char *place, const char *study) {
    return place != NULL && study != NULL && strcmp(parent->study, study) == 0 &&
           is_place(parent->place, place);
}

int dogbreed_tuner_warm_start(dogbreed_tuner *tuner, const char *storage, const char *study) {
    DOGB_CHECK(tuner != NULL, "tuner: is NULL");
    DOGB_CHECK(storage != NULL && *storage != '\0',
               "warm start: expected a study's storage, or a run directory");
    dogb_parent parent = {.study = study == NULL || *study == '\0' ? "study" : study};
    if (tuner->opened) {
        return dogb_fail(DOGBREED_ERROR_STATE, "warm start: the study has begun");
    }
    int rc = locate(&parent, &tuner->arena, storage);
    for (size_t i = 0; rc == DOGBREED_OK && i < tuner->parent_count; i++) {
        DOGB_CHECK(!is_parent(&tuner->parents[i], parent.place, parent.study),
                   "warm start: study %s of %s: is there already", parent.study, parent.place);
    }
    parent.study = dogb_strdup(&tuner->arena, parent.study);
    rc = rc < 0 || parent.study == NULL
             ? DOGBREED_ERROR_NO_MEMORY
             : dogb_grow(&tuner->arena, &tuner->parents, &tuner->parent_capacity,
                         tuner->parent_count, sizeof *tuner->parents);
    if (rc == DOGBREED_OK) {
        tuner->parents[tuner->parent_count++] = parent;
    }
    return rc;
}

// --- what is stored

int dogb_warm_describe(json_t *object, const dogbreed_tuner *tuner, dogb_arena *scratch) {
    json_t *names = dogb_json_array(scratch);
    json_t *parents = dogb_json_array(scratch);
    json_t *points = dogb_json_array(scratch);
    dogb_parent self = {0};
    if (names == NULL || parents == NULL || points == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = *tuner->options.storage == '\0' ? DOGBREED_OK
                                             : locate(&self, scratch, tuner->options.storage);
    rc = rc < 0 ? rc : dogb_json_set_int(object, "version", VERSION);
    rc = rc < 0 ? rc : dogb_json_set(object, "parents", json_incref(parents));
    rc = rc < 0 ? rc : dogb_json_set(object, "columns", json_incref(names));
    rc = rc < 0 ? rc : dogb_json_set(object, "points", json_incref(points));
    for (size_t i = 0; rc == DOGBREED_OK && i < tuner->axis_count; i++) {
        rc = dogb_json_add(names, dogb_json_text(tuner->axes[i].name));
    }
    rc = rc < 0 ? rc : dogb_json_add(names, dogb_json_text("value"));
    for (size_t i = 0; rc == DOGBREED_OK && i < tuner->parent_count; i++) {
        const dogb_parent *parent = &tuner->parents[i];
        DOGB_CHECK(!is_parent(parent, self.place, tuner->options.study),
                   "warm start: study %s of %s: is the new study itself", parent->study,
                   parent->place);
        rc = dogb_parent_read(parents, points, tuner, parent);
    }
    return rc;
}

static int is_row(const json_t *row, size_t size) {
    int fits = json_array_size(row) == size && size > 0;
    for (size_t i = 0; fits && i + 1 < size; i++) {
        fits = json_is_number(json_array_get(row, i));
    }
    return fits;
}

int dogb_warm_take(dogbreed_tuner *tuner, const json_t *stored) {
    const json_t *points = json_object_get(stored, "points");
    size_t count = json_array_size(points);
    size_t axes = tuner->axis_count;
    if (json_integer_value(json_object_get(stored, "version")) != VERSION ||
        !json_is_array(points)) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "study %s: %s: expected version %d with points",
                         tuner->options.study, DOGB_TUNER_WARM, VERSION);
    }
    dogb_point *list = dogb_alloc(&tuner->arena, count + 1, sizeof *list);
    double *values = dogb_alloc(&tuner->arena, count * axes + 1, sizeof *values);
    if (list == NULL || values == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(points, i);
        if (!is_row(row, axes + 1)) {
            return dogb_fail(DOGBREED_ERROR_FORMAT,
                             "study %s: %s: point %zu: expected %zu numbers and a value",
                             tuner->options.study, DOGB_TUNER_WARM, i, axes);
        }
        for (size_t axis = 0; axis < axes; axis++) {
            values[i * axes + axis] = json_number_value(json_array_get(row, axis));
        }
        const json_t *value = json_array_get(row, axes);
        list[i] = (dogb_point){.values = values + i * axes,
                               .objective = json_is_number(value)
                                                ? dogb_tuner_sign(tuner) * json_number_value(value)
                                                : (double)NAN,
                               .number = (int64_t)i - (int64_t)count}; // before trial 0
    }
    tuner->warm = list;
    tuner->warm_count = count;
    return DOGBREED_OK;
}

static char *list_parents(dogb_arena *scratch, const json_t *stored) {
    char *text = NULL;
    size_t i = 0;
    json_t *row = NULL;
    json_array_foreach(stored, i, row) {
        const char *place = json_string_value(json_object_get(row, "storage"));
        const char *study = json_string_value(json_object_get(row, "study"));
        text = dogb_format(scratch, "%s%s%s#%s", text == NULL ? "" : text, i == 0 ? "" : ", ",
                           place == NULL ? "?" : place, study == NULL ? "?" : study);
        if (text == NULL) {
            break;
        }
    }
    return text;
}

int dogb_warm_compare(const dogbreed_tuner *tuner, const json_t *stored, dogb_arena *scratch) {
    const json_t *rows = json_object_get(stored, "parents");
    int same = json_array_size(rows) == tuner->parent_count;
    for (size_t i = 0; same && i < tuner->parent_count; i++) {
        const json_t *row = json_array_get(rows, i);
        same = is_parent(&tuner->parents[i], json_string_value(json_object_get(row, "storage")),
                         json_string_value(json_object_get(row, "study")));
    }
    if (same || tuner->parent_count == 0) { // nothing is said: what is stored
        return DOGBREED_OK;
    }
    const char *have = list_parents(scratch, rows);
    return dogb_fail(DOGBREED_ERROR_MISMATCH,
                     "study %s: it was begun with a warm start from %s; the same ones in the same "
                     "order, or none to keep them, are needed",
                     tuner->options.study, have == NULL ? "no study" : have);
}
