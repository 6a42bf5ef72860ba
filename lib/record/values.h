// values.h - stored elements as numbers, and reductions of them: one pass in blocks of fixed size,
// sums in double, so that a result depends on nothing but the values.
#ifndef DOGB_RECORD_VALUES_H
#define DOGB_RECORD_VALUES_H

#include "core/arena.h"

#include <stddef.h>
#include <stdint.h>

// Elements of a type, in C order, little endian; borrowed.
typedef struct dogb_values {
    const void *data;
    size_t count;
    int32_t dtype; // DOGBREED_RECORD_
    int32_t reserved;
} dogb_values;

int dogb_values_numeric(int32_t dtype); // 1: a number each; 0: texts, complex numbers

// `count` numbers from element `at` on.
void dogb_values_get(double *out, const dogb_values *values, size_t at, size_t count);

// A reduction by its name in stores, "abs_mean".
typedef struct dogb_reduction {
    int32_t kind;
    int32_t absolute;    // of absolute values
    const char *name;    // of `kind` in stores, "l1"
    const char *smdebug; // in smdebug's configuration, "l1_norm"; NULL: unknown to smdebug
} dogb_reduction;

// 1: there is such a reduction. `length` bytes of `name` count.
int dogb_reduction_find(dogb_reduction *out, const char *name, size_t length);

// All reductions that the list ("mean,abs_max") names go to fn, in its order, each with its name.
// Returns fn's first failure, INVALID_ARGUMENT (an unknown name), NO_MEMORY.
typedef int (*dogb_reduce_fn)(const char *name, double value, void *userdata);
int dogb_reduce(const char *list, const dogb_values *values, dogb_reduce_fn fn, void *userdata);

#endif
