// source.h - what a run directory holds, as far as a report reads it. Every file may be absent or
// broken: sections ask.
#ifndef DOGB_REPORT_SOURCE_H
#define DOGB_REPORT_SOURCE_H

#include "core/json.h"

enum {
    DOGB_FILE_CONFIG,
    DOGB_FILE_MANIFEST,
    DOGB_FILE_STATUS,
    DOGB_FILE_EVALUATION,
    DOGB_FILE_CHECK,
    DOGB_FILE_FINDINGS,
    DOGB_FILE_PROFILE,
    DOGB_FILE_COUNT
};

// metrics.csv: numbers in named columns; NaN where a cell is empty.
typedef struct dogb_columns {
    const char *const *names;
    const double *values; // row by row
    size_t column_count;
    size_t row_count;
} dogb_columns;
// FORMAT: no header, too many cells in a row, something that is no number.
int dogb_columns_read(dogb_columns *out, dogb_arena *arena, const char *text, size_t size,
                      const char *what);
// NaN: there is no such column or row.
double dogb_columns_at(const dogb_columns *columns, const char *name, size_t row);

typedef struct dogb_source {
    const char *run;                       // as the caller has named it
    json_t *documents[DOGB_FILE_COUNT];    // NULL: absent or broken
    const char *problems[DOGB_FILE_COUNT]; // why it is broken; NULL: it is not
    dogb_columns metrics;
    const char *metrics_problem;
} dogb_source;

// The name without slashes at its end. NULL: no memory.
char *dogb_source_place(dogb_arena *arena, const char *run);
const char *dogb_source_file(int file); // "evaluation.json"
// NOT_FOUND: no folder, or one that is no run directory.
int dogb_source_open(dogb_source *out, dogb_arena *arena, const char *run);

// Members of objects that anybody may have written: what is absent or of another kind is NaN, "",
// NULL.
double dogb_get_number(const json_t *object, const char *key);
const char *dogb_get_text(const json_t *object, const char *key);
const json_t *dogb_get(const json_t *object, const char *key);       // NULL is fine
const json_t *dogb_get_array(const json_t *object, const char *key); // NULL: it is none
double dogb_number_of(const json_t *value);

#endif
