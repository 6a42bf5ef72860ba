// series.h - samples over time as named series: one column per metric, one row per sample.
#ifndef DOGB_PROFILE_SERIES_H
#define DOGB_PROFILE_SERIES_H

#include "core/arena.h"
#include "profile/sample.h"

#include <stdint.h>

// Rows that are held; when they are full, every second one goes and from then on every second one
// is kept. The file has all of them.
enum { DOGB_SERIES_ROWS = 131072 };

typedef struct dogb_series {
    char type[16];
    char name[24];
    char dimension[32];
    float *values; // by row; NaN: none
} dogb_series;

typedef struct dogb_series_set {
    dogb_arena arena;
    double *times; // seconds since the run began
    size_t count;
    size_t capacity; // of times and of every column
    dogb_series *columns;
    size_t column_count;
    size_t column_capacity;
    int64_t seen; // rows, kept or not
    int64_t step; // every so many are kept
    int64_t lost; // values without memory
} dogb_series_set;

// Begins a row; 0: it is not kept. Times do not decrease.
int dogb_series_row(dogb_series_set *set, double time);
// A value of the newest row.
void dogb_series_put(dogb_series_set *set, const char *type, const char *name,
                     const char *dimension, double value);
void dogb_series_free(dogb_series_set *set);

// Column by its three names; NULL: there is none.
const dogb_series *dogb_series_find(const dogb_series_set *set, const char *type, const char *name,
                                    const char *dimension);
// Columns of a type and dimension in the order of their numbers ("cpu0", "cpu1"); *count: how many.
// NULL: none, or no memory: *rc.
const dogb_series **dogb_series_all(int *rc, dogb_arena *arena, const dogb_series_set *set,
                                    const char *type, const char *dimension, size_t *count);
// Mean of columns by row; NULL: no column, or no memory: *rc.
float *dogb_series_mean(int *rc, dogb_arena *arena, const dogb_series_set *set,
                        const dogb_series *const *columns, size_t count);

#endif
