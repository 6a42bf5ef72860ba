// source.c - see source.h.
#include "report/source.h"

#include "core/error.h"
#include "core/file.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *path;
    const char *format; // of the document; NULL: any
} files[DOGB_FILE_COUNT] = {
    [DOGB_FILE_CONFIG] = {"config.json", "config"},
    [DOGB_FILE_MANIFEST] = {"manifest.json", "manifest"},
    [DOGB_FILE_STATUS] = {"status.json", "status"},
    [DOGB_FILE_EVALUATION] = {"evaluation.json", "evaluation"},
    [DOGB_FILE_CHECK] = {"check.json", "check"},
    [DOGB_FILE_FINDINGS] = {"debug/findings.json", "findings"},
    [DOGB_FILE_PROFILE] = {"profile/summary.json", "profile"},
};

const char *dogb_source_file(int file) {
    return files[file].path;
}

char *dogb_source_place(dogb_arena *arena, const char *run) {
    char *place = dogb_strdup(arena, run);
    for (size_t i = place == NULL ? 0 : strlen(place); i > 1 && place[i - 1] == '/'; i--) {
        place[i - 1] = '\0';
    }
    return place;
}

// Absent files are fine, broken ones are remembered; memory that is short is an error.
static int settle(const char **problem, dogb_arena *arena, int rc) {
    if (rc == DOGBREED_OK || rc == DOGBREED_ERROR_NOT_FOUND) {
        return DOGBREED_OK;
    }
    *problem = rc == DOGBREED_ERROR_NO_MEMORY ? NULL : dogb_strdup(arena, dogbreed_error_message());
    return *problem == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

static int read_metrics(dogb_source *out, dogb_arena *arena) {
    enum { BYTES_MAX = 64 << 20 };
    void *data = NULL;
    size_t size = 0;
    char *path = dogb_path_join(arena, out->run, "metrics.csv");
    if (path == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = dogb_file_read(&data, &size, arena, path, BYTES_MAX);
    rc = rc < 0 ? rc : dogb_columns_read(&out->metrics, arena, data, size, path);
    return settle(&out->metrics_problem, arena, rc);
}

int dogb_source_open(dogb_source *out, dogb_arena *arena, const char *run) {
    *out = (dogb_source){.run = run};
    if (!dogb_directory_exists(run)) {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "%s: there is no such run directory", run);
    }
    int found = 0;
    for (int i = 0; i < DOGB_FILE_COUNT; i++) {
        char *path = dogb_path_join(arena, run, files[i].path);
        if (path == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        int rc = dogb_json_read(&out->documents[i], arena, path, files[i].format, 1);
        found += rc != DOGBREED_ERROR_NOT_FOUND;
        rc = settle(&out->problems[i], arena, rc);
        if (rc < 0) {
            return rc;
        }
        if (out->problems[i] != NULL) {
            out->documents[i] = NULL;
        }
    }
    int rc = read_metrics(out, arena);
    if (rc == DOGBREED_OK && found == 0 && out->metrics.row_count == 0 &&
        out->metrics_problem == NULL) {
        rc = dogb_fail(DOGBREED_ERROR_NOT_FOUND,
                       "%s: is no run directory: it has neither config.json nor any other file of "
                       "a run",
                       run);
    }
    return rc;
}

// --- members

const json_t *dogb_get(const json_t *object, const char *key) {
    return json_object_get(object, key);
}

double dogb_number_of(const json_t *value) {
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

double dogb_get_number(const json_t *object, const char *key) {
    return dogb_number_of(json_object_get(object, key));
}

const char *dogb_get_text(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

const json_t *dogb_get_array(const json_t *object, const char *key) {
    const json_t *array = json_object_get(object, key);
    return json_is_array(array) ? array : NULL;
}
