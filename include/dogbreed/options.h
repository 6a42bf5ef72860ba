/* dogbreed/options.h - every option struct by name: set, get, describe.
 *
 * One internal table per struct feeds defaults, validation, command-line flags, JSON configuration,
 * Python keywords and the reference page. Names have '_'; '-' is accepted in its place.
 */
#ifndef DOGBREED_OPTIONS_H
#define DOGBREED_OPTIONS_H

#include <dogbreed/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Kinds of option structs: the second member of each. Values never change. */
enum {
    DOGBREED_KIND_DATASET = 1,
    DOGBREED_KIND_CHECK = 2,
    DOGBREED_KIND_SYNTH = 3,
    DOGBREED_KIND_MODEL = 4,
    DOGBREED_KIND_TRAINER = 5,
    DOGBREED_KIND_EVALUATE = 6,
    DOGBREED_KIND_PREDICTOR = 7,
    DOGBREED_KIND_QUANTIZE = 8,
    DOGBREED_KIND_TUNER = 9,
    DOGBREED_KIND_COMMAND = 10,
    DOGBREED_KIND_DEBUG = 11,
    DOGBREED_KIND_PROFILE = 12,
    DOGBREED_KIND_REPORT = 13,
    DOGBREED_KIND_SERVE = 14,
    DOGBREED_KIND_STORE = 15,
    DOGBREED_KIND_JOB = 16,
    DOGBREED_KIND_TRANSFORM = 17
};

/* Types in dogbreed_option_info. */
enum {
    DOGBREED_TYPE_INT32 = 1,
    DOGBREED_TYPE_INT64 = 2,
    DOGBREED_TYPE_UINT64 = 3,
    DOGBREED_TYPE_DOUBLE = 4,
    DOGBREED_TYPE_STRING = 5,
    DOGBREED_TYPE_SWITCH = 6, /* int32_t 0 or 1; text on/off, true/false, yes/no, 1/0 */
    DOGBREED_TYPE_CHOICE = 7  /* int32_t index into `choices`; text is the choice's name */
};

typedef struct dogbreed_option_info {
    uint32_t struct_size;
    int32_t type;
    const char *name;
    const char *choices;       /* comma-separated names, index = value; NULL unless CHOICE */
    const char *default_value; /* as text */
    const char *unit;          /* "" when it has none */
    const char *help;          /* one sentence */
    double minimum;            /* numbers only: the lowest and highest value that set accepts */
    double maximum;
    uint32_t offset; /* of the field in the struct, bytes */
    uint32_t reserved;
} dogbreed_option_info;

/* Sets one option of an initialised struct from text. The text of a STRING is copied into storage
 * that lives as long as the process (equal texts share it), so the struct stays valid. Returns
 * INVALID_ARGUMENT (unknown name: the message suggests the nearest; value out of bounds). Any
 * thread. */
DOGBREED_API int dogbreed_options_set(void *options, const char *name, const char *value);

/* Text of one option; *value is owned by the caller (dogbreed_free). Returns INVALID_ARGUMENT. Any
 * thread. */
DOGBREED_API int dogbreed_options_get(char **value, const void *options, const char *name);

/* Describes option `index` (0..) of a kind. Returns NOT_FOUND past the last one or for an unknown
 * kind. Strings are static. Set info->struct_size before the call. Any thread. */
DOGBREED_API int dogbreed_options_describe(dogbreed_option_info *info, uint32_t kind,
                                           uint32_t index);

#ifdef __cplusplus
}
#endif
#endif
