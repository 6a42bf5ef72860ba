// columns.c - metrics.csv: a line of names, then lines of numbers. A last line without its end is
// left out: it may be half written.
#include "core/error.h"
#include "core/number.h"
#include "report/source.h"

#include <math.h>
#include <string.h>

enum { COLUMNS_MAX = 64, ROWS_MAX = 1000000, CELL_MAX = 64 };

typedef struct reader {
    dogb_arena *arena;
    const char *what;
    const char *names[COLUMNS_MAX];
    size_t column_count;
    double *values;
    size_t capacity;
    size_t row_count;
} reader;

static const char *cell_end(const char *at, const char *end) {
    const char *comma = memchr(at, ',', (size_t)(end - at));
    return comma == NULL ? end : comma;
}

static int read_names(reader *r, const char *at, const char *end) {
    for (;;) {
        const char *stop = cell_end(at, end);
        if (r->column_count == COLUMNS_MAX) {
            return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: more than %d columns", r->what,
                             COLUMNS_MAX);
        }
        char *name = dogb_strndup(r->arena, at, (size_t)(stop - at));
        if (name == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        dogb_text_repair(name);
        r->names[r->column_count++] = name;
        if (stop == end) {
            return DOGBREED_OK;
        }
        at = stop + 1;
    }
}

static int read_number(double *out, const reader *r, const char *at, size_t size) {
    char text[CELL_MAX];
    char *stop = text;
    *out = (double)NAN;
    if (size == 0) {
        return DOGBREED_OK;
    }
    if (size < sizeof text) {
        memcpy(text, at, size);
        text[size] = '\0';
        *out = dogb_number_parse(text, &stop);
    }
    return size < sizeof text && stop == text + size
               ? DOGBREED_OK
               : dogb_fail(DOGBREED_ERROR_FORMAT, "%s: line %zu: expected a number in each cell",
                           r->what, r->row_count + 2);
}

static int read_row(reader *r, const char *at, const char *end) {
    size_t first = r->row_count * r->column_count;
    if (r->row_count == ROWS_MAX) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: more than %d lines", r->what, ROWS_MAX);
    }
    for (size_t i = 0; i < r->column_count; i++) {
        int rc = dogb_grow(r->arena, &r->values, &r->capacity, first + i, sizeof *r->values);
        const char *stop = at == NULL ? NULL : cell_end(at, end);
        rc = rc < 0
                 ? rc
                 : read_number(&r->values[first + i], r, at, at == NULL ? 0 : (size_t)(stop - at));
        if (rc < 0) {
            return rc;
        }
        at = stop == NULL || stop == end ? NULL : stop + 1;
    }
    r->row_count++;
    return at == NULL
               ? DOGBREED_OK
               : dogb_fail(DOGBREED_ERROR_FORMAT, "%s: line %zu: more cells than the %zu columns",
                           r->what, r->row_count + 1, r->column_count);
}

int dogb_columns_read(dogb_columns *out, dogb_arena *arena, const char *text, size_t size,
                      const char *what) {
    reader r = {.arena = arena, .what = what};
    const char *end = text + size;
    int rc = DOGBREED_OK;
    *out = (dogb_columns){.row_count = 0};
    for (const char *at = text; rc == DOGBREED_OK && at < end;) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        if (line == NULL) {
            break;
        }
        const char *stop = line > at && line[-1] == '\r' ? line - 1 : line;
        if (stop > at) {
            rc = r.column_count == 0 ? read_names(&r, at, stop) : read_row(&r, at, stop);
        }
        at = line + 1;
    }
    const char **names = dogb_alloc(arena, r.column_count + 1, sizeof *names);
    if (rc < 0 || names == NULL) {
        return rc < 0 ? rc : DOGBREED_ERROR_NO_MEMORY;
    }
    memcpy(names, r.names, r.column_count * sizeof *names);
    *out = (dogb_columns){names, r.values, r.column_count, r.row_count};
    return DOGBREED_OK;
}

double dogb_columns_at(const dogb_columns *columns, const char *name, size_t row) {
    for (size_t i = 0; row < columns->row_count && i < columns->column_count; i++) {
        if (strcmp(columns->names[i], name) == 0) {
            return columns->values[row * columns->column_count + i];
        }
    }
    return (double)NAN;
}
