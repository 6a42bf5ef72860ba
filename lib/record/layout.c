// layout.c - see layout.h.
#include "record/layout.h"

#include "core/error.h"

#include <ctype.h>
#include <string.h>

static const int64_t STEPS_PER_FOLDER = 1000; // of index files

char *dogb_record_event_folder(dogb_arena *arena, int64_t step) {
    return dogb_format(arena, "events/%012lld", (long long)step);
}

char *dogb_record_event_path(dogb_arena *arena, int64_t step, const char *worker) {
    return dogb_format(arena, "events/%012lld/%012lld_%s.tfevents", (long long)step,
                       (long long)step, worker);
}

char *dogb_record_index_folder(dogb_arena *arena, int64_t step) {
    return dogb_format(arena, "index/%09lld", (long long)(step / STEPS_PER_FOLDER));
}

char *dogb_record_index_path(dogb_arena *arena, int64_t step, const char *worker) {
    return dogb_format(arena, "index/%09lld/%012lld_%s.json", (long long)(step / STEPS_PER_FOLDER),
                       (long long)step, worker);
}

char *dogb_record_collections_path(dogb_arena *arena, const char *worker) {
    return dogb_format(arena, "collections/000000000/%s_collections.json", worker);
}

int dogb_record_name_parse(int64_t *step, const char **worker, size_t *length, const char *name,
                           const char *end) {
    size_t size = strlen(name);
    size_t digits = 0;
    *step = 0;
    for (; isdigit((unsigned char)name[digits]) && digits < 18; digits++) {
        *step = *step * 10 + (name[digits] - '0');
    }
    if (digits == 0 || name[digits] != '_' || size < digits + 2 + strlen(end) ||
        strcmp(name + size - strlen(end), end) != 0) {
        return 0;
    }
    *worker = name + digits + 1;
    *length = size - digits - 1 - strlen(end);
    return 1;
}

static const char *const modes[DOGB_RECORD_MODES] = {NULL, "TRAIN", "EVAL", "PREDICT", "GLOBAL"};

const char *dogb_record_mode_name(int32_t mode) {
    return mode > 0 && mode < DOGB_RECORD_MODES ? modes[mode] : NULL;
}

int32_t dogb_record_mode_find(const char *name) {
    for (int32_t i = 1; i < DOGB_RECORD_MODES; i++) {
        if (strcmp(modes[i], name) == 0) {
            return i;
        }
    }
    return 0;
}

int dogb_collections_check(const json_t *document, const char *path) {
    const json_t *meta = json_object_get(document, "_meta");
    const json_t *version = json_object_get(meta, "version");
    if (!json_is_object(json_object_get(document, "collections")) || !json_is_object(meta)) {
        return dogb_fail(
            DOGBREED_ERROR_FORMAT,
            "%s: no collections file: objects \"collections\" and \"_meta\" are expected", path);
    }
    if (json_is_integer(version) && json_integer_value(version) > DOGB_RECORD_VERSION) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                         "%s: version %lld, this library reads up to %d", path,
                         (long long)json_integer_value(version), DOGB_RECORD_VERSION);
    }
    return DOGBREED_OK;
}

static const dogb_record_type types[] = {{"float32", DOGBREED_RECORD_FLOAT32, 4},
                                         {"float64", DOGBREED_RECORD_FLOAT64, 8},
                                         {"int32", DOGBREED_RECORD_INT32, 4},
                                         {"uint8", DOGBREED_RECORD_UINT8, 1},
                                         {"int16", DOGBREED_RECORD_INT16, 2},
                                         {"int8", DOGBREED_RECORD_INT8, 1},
                                         {"text", DOGBREED_RECORD_TEXT, 0},
                                         {"complex64", DOGBREED_RECORD_COMPLEX64, 8},
                                         {"int64", DOGBREED_RECORD_INT64, 8},
                                         {"bool", DOGBREED_RECORD_BOOL, 1},
                                         {"bfloat16", DOGBREED_RECORD_BFLOAT16, 2},
                                         {"uint16", DOGBREED_RECORD_UINT16, 2},
                                         {"complex128", DOGBREED_RECORD_COMPLEX128, 16},
                                         {"float16", DOGBREED_RECORD_FLOAT16, 2},
                                         {"uint32", DOGBREED_RECORD_UINT32, 4},
                                         {"uint64", DOGBREED_RECORD_UINT64, 8}};

const dogb_record_type *dogb_record_type_find(int32_t code) {
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (types[i].code == code) {
            return &types[i];
        }
    }
    return NULL;
}

int64_t dogb_record_elements(int32_t rank, const int64_t *shape) {
    int64_t count = 1;
    for (int32_t i = 0; i < rank; i++) {
        if (shape[i] < 0 || __builtin_mul_overflow(count, shape[i], &count) ||
            count > (int64_t)1 << 48) { // of 16 bytes: still no overflow
            return -1;
        }
    }
    return count;
}
