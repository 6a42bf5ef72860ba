// series.c - see series.h.
#include "profile/series.h"

#include "core/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Every second row goes.
static void thin(dogb_series_set *set) {
    for (size_t i = 0; 2 * i < set->count; i++) {
        set->times[i] = set->times[2 * i];
        for (size_t k = 0; k < set->column_count; k++) {
            set->columns[k].values[i] = set->columns[k].values[2 * i];
        }
    }
    set->count = (set->count + 1) / 2;
    set->step *= 2;
}

// Room for one more row in all columns.
static int reserve(dogb_series_set *set) {
    if (set->count < set->capacity) {
        return DOGBREED_OK;
    }
    size_t capacity = set->capacity == 0 ? 256 : 2 * set->capacity;
    double *times = dogb_realloc(&set->arena, set->times, capacity, sizeof *times);
    if (times == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    set->times = times;
    for (size_t k = 0; k < set->column_count; k++) {
        float *values = dogb_realloc(&set->arena, set->columns[k].values, capacity, sizeof *values);
        if (values == NULL) {
            return DOGBREED_ERROR_NO_MEMORY; // those that have grown keep their values
        }
        set->columns[k].values = values;
    }
    set->capacity = capacity;
    return DOGBREED_OK;
}

int dogb_series_row(dogb_series_set *set, double time) {
    set->step = set->step == 0 ? 1 : set->step;
    if (set->count == DOGB_SERIES_ROWS) {
        thin(set);
    }
    if (set->seen++ % set->step != 0) {
        return 0;
    }
    if (reserve(set) < 0) {
        set->lost++;
        return 0;
    }
    for (size_t k = 0; k < set->column_count; k++) {
        set->columns[k].values[set->count] = (float)NAN;
    }
    set->times[set->count++] = time;
    return 1;
}

static dogb_series *find(const dogb_series_set *set, const char *type, const char *name,
                         const char *dimension) {
    for (size_t k = 0; k < set->column_count; k++) {
        dogb_series *s = &set->columns[k];
        if (strcmp(s->name, name) == 0 && strcmp(s->dimension, dimension) == 0 &&
            strcmp(s->type, type) == 0) {
            return s;
        }
    }
    return NULL;
}

const dogb_series *dogb_series_find(const dogb_series_set *set, const char *type, const char *name,
                                    const char *dimension) {
    return find(set, type, name, dimension);
}

static void copy(char *to, size_t size, const char *from) {
    size_t length = strlen(from);
    length = length < size ? length : size - 1;
    memcpy(to, from, length);
    to[length] = '\0';
}

static dogb_series *add(dogb_series_set *set, const char *type, const char *name,
                        const char *dimension) {
    if (dogb_grow(&set->arena, &set->columns, &set->column_capacity, set->column_count,
                  sizeof *set->columns) < 0) {
        return NULL;
    }
    dogb_series *s = &set->columns[set->column_count];
    memset(s, 0, sizeof *s);
    copy(s->type, sizeof s->type, type);
    copy(s->name, sizeof s->name, name);
    copy(s->dimension, sizeof s->dimension, dimension);
    s->values = dogb_alloc_raw(&set->arena, set->capacity, sizeof *s->values);
    if (s->values == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < set->count; i++) {
        s->values[i] = (float)NAN;
    }
    set->column_count++;
    return s;
}

void dogb_series_put(dogb_series_set *set, const char *type, const char *name,
                     const char *dimension, double value) {
    dogb_series *s = find(set, type, name, dimension);
    s = s == NULL && set->count > 0 ? add(set, type, name, dimension) : s;
    if (s == NULL || set->count == 0) {
        set->lost++;
        return;
    }
    s->values[set->count - 1] = (float)value;
}

void dogb_series_free(dogb_series_set *set) {
    dogb_arena_free(&set->arena);
    memset(set, 0, sizeof *set);
}

// "cpu10" behind "cpu9".
static int compare(const void *a, const void *b) {
    const dogb_series *left = *(const dogb_series *const *)a;
    const dogb_series *right = *(const dogb_series *const *)b;
    size_t x = strlen(left->name);
    size_t y = strlen(right->name);
    return x != y ? (x < y ? -1 : 1) : strcmp(left->name, right->name);
}

const dogb_series **dogb_series_all(int *rc, dogb_arena *arena, const dogb_series_set *set,
                                    const char *type, const char *dimension, size_t *count) {
    *count = 0;
    const dogb_series **found = dogb_alloc(arena, set->column_count + 1, sizeof(dogb_series *));
    for (size_t k = 0; found != NULL && k < set->column_count; k++) {
        const dogb_series *s = &set->columns[k];
        if (strcmp(s->type, type) == 0 && strcmp(s->dimension, dimension) == 0) {
            found[(*count)++] = s;
        }
    }
    *rc = found == NULL ? DOGBREED_ERROR_NO_MEMORY : *rc;
    if (*count == 0) {
        return NULL;
    }
    qsort(found, *count, sizeof *found, compare);
    return found;
}

float *dogb_series_mean(int *rc, dogb_arena *arena, const dogb_series_set *set,
                        const dogb_series *const *columns, size_t count) {
    float *mean = count == 0 ? NULL : dogb_alloc_raw(arena, set->count + 1, sizeof *mean);
    *rc = mean == NULL && count > 0 ? DOGBREED_ERROR_NO_MEMORY : *rc;
    for (size_t i = 0; mean != NULL && i < set->count; i++) {
        double sum = 0.0;
        int known = 0;
        for (size_t k = 0; k < count; k++) {
            float value = columns[k]->values[i];
            if (!isnan(value)) {
                sum += (double)value;
                known++;
            }
        }
        mean[i] = known > 0 ? (float)(sum / known) : (float)NAN;
    }
    return mean;
}
