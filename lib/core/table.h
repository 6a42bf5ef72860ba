// table.h - the machinery behind every options struct: one table of fields per struct feeds
// defaults, validation, text, flags, configuration and documentation.
#ifndef DOGB_CORE_TABLE_H
#define DOGB_CORE_TABLE_H

#include "core/arena.h"
#include "core/json.h"

#include <dogbreed/options.h>

typedef struct dogb_option {
    const char *name;
    int32_t type; // DOGBREED_TYPE_
    uint32_t offset;
    double minimum; // numbers
    double maximum;
    const char *choices;       // "sgd,adam,adamw", else NULL
    const char *default_value; // text
    const char *unit;
    const char *help; // one sentence
} dogb_option;

typedef struct dogb_table {
    const char *name; // "trainer": shown in messages
    uint32_t kind;    // DOGBREED_KIND_
    uint32_t size;    // of the struct
    const dogb_option *options;
    uint32_t count;
} dogb_table;

// Rows of a table. Example: DOGB_OPTION_DOUBLE(dogbreed_trainer_options, learning_rate, 0, 100,
// "0.001", "", "...").
#define DOGB_OPTION(type, s, field, low, high, choices, text, unit, help)                          \
    { #field, type, (uint32_t)offsetof(s, field), low, high, choices, text, unit, help }
#define DOGB_OPTION_INT32(s, field, low, high, text, unit, help)                                   \
    DOGB_OPTION(DOGBREED_TYPE_INT32, s, field, low, high, NULL, text, unit, help)
#define DOGB_OPTION_INT64(s, field, low, high, text, unit, help)                                   \
    DOGB_OPTION(DOGBREED_TYPE_INT64, s, field, low, high, NULL, text, unit, help)
#define DOGB_OPTION_UINT64(s, field, text, unit, help)                                             \
    DOGB_OPTION(DOGBREED_TYPE_UINT64, s, field, 0, 18446744073709551615.0, NULL, text, unit, help)
#define DOGB_OPTION_DOUBLE(s, field, low, high, text, unit, help)                                  \
    DOGB_OPTION(DOGBREED_TYPE_DOUBLE, s, field, low, high, NULL, text, unit, help)
#define DOGB_OPTION_STRING(s, field, text, help)                                                   \
    DOGB_OPTION(DOGBREED_TYPE_STRING, s, field, 0, 0, NULL, text, "", help)
#define DOGB_OPTION_SWITCH(s, field, text, help)                                                   \
    DOGB_OPTION(DOGBREED_TYPE_SWITCH, s, field, 0, 1, NULL, text, "", help)
#define DOGB_OPTION_CHOICE(s, field, choices, text, help)                                          \
    DOGB_OPTION(DOGBREED_TYPE_CHOICE, s, field, 0, 0, choices, text, "", help)

// Body of every public _init: zero-fills struct_size bytes of the caller and writes the defaults
// that fit in them.
int dogb_table_init(const dogb_table *table, void *options, size_t struct_size);

// Body of every function that takes options: copies them into `out` (a full struct of this
// library), fills what a smaller caller lacks with defaults, copies strings into the arena (NULL
// strings become ""), checks every bound. `options` NULL: defaults. UNSUPPORTED when a larger
// struct has non-zero bytes in its tail.
int dogb_table_import(void *out, const dogb_table *table, const void *options, dogb_arena *arena);

// Bytes of the field in its struct.
uint32_t dogb_option_size(const dogb_option *option);

// The row of a name ('-' = '_'), or NULL.
const dogb_option *dogb_table_find(const dogb_table *table, const char *name);

// One field by name from text; strings go into the arena (NULL: interned for the life
// of the process).
int dogb_table_set(const dogb_table *table, void *options, const char *name, const char *value,
                   dogb_arena *arena);
int dogb_table_get(char **value, const dogb_table *table, const void *options,
                   const char *name); // dogbreed_free

// All fields as members named like them: numbers, strings, booleans; choices by name.
int dogb_table_to_json(json_t *object, const dogb_table *table, const void *options);
// Members of an object that the table knows; others are left alone. INVALID_ARGUMENT for wrong
// values.
int dogb_table_from_json(const dogb_table *table, void *options, const json_t *object,
                         dogb_arena *arena);

// The nearest known name to a mistyped one within 3 edits, or NULL.
const char *dogb_nearest(const char *name, const char *const *names, size_t count);

#endif
