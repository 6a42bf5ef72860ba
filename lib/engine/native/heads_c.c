// heads_c.c - the loops of heads_loops.h in plain C for any processor: vectors of four floats, as
// gcc and clang understand them. Products and sums are rounded one by one.
typedef float vec __attribute__((vector_size(16)));
typedef int whole_numbers __attribute__((vector_size(16)));
#define LANES 4

#include <math.h>
#include <string.h>

static inline __attribute__((always_inline)) vec v_load(const float *from) {
    vec value;
    memcpy(&value, from, sizeof value);
    return value;
}

static inline __attribute__((always_inline)) void v_store(float *to, vec value) {
    memcpy(to, &value, sizeof value);
}

static inline __attribute__((always_inline)) vec v_set1(float value) {
    return (vec){value, value, value, value};
}

static inline __attribute__((always_inline)) vec v_fma(vec a, vec b, vec c) {
    vec product = a * b;
    return product + c;
}

static inline __attribute__((always_inline)) vec v_add(vec a, vec b) {
    return a + b;
}

static inline __attribute__((always_inline)) vec v_sub(vec a, vec b) {
    return a - b;
}

static inline __attribute__((always_inline)) vec v_mul(vec a, vec b) {
    return a * b;
}

static inline __attribute__((always_inline)) vec v_div(vec a, vec b) {
    return a / b;
}

// The second operand when either is NaN.
static inline __attribute__((always_inline)) vec v_max(vec a, vec b) {
    whole_numbers chosen = a > b;
    return (vec)(((whole_numbers)a & chosen) | ((whole_numbers)b & ~chosen));
}

static inline __attribute__((always_inline)) vec v_sqrt(vec a) {
    return (vec){sqrtf(a[0]), sqrtf(a[1]), sqrtf(a[2]), sqrtf(a[3])};
}

// value * 2^whole, where the low bits of `shifted` hold the whole number.
static inline __attribute__((always_inline)) vec v_scale(vec value, vec shifted) {
    whole_numbers whole = (whole_numbers)((whole_numbers)shifted << 23);
    return (vec)((whole_numbers)value + whole);
}

#define NAME c
#define VECTORS_MOST 2
#define ROWS_1 8
#define ROWS_2 4
#define ROWS_3 0
#define ROWS_5 0
#define INPUTS_1 8
#define INPUTS_2 4
#define INPUTS_3 0
#define INPUTS_5 0
#include "engine/native/heads_loops.h"
