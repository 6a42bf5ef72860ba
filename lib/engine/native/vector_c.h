// vector_c.h - what kernel_loops.h and heads_loops.h count in: vectors of four floats, as gcc and
// clang understand them, for any processor. Products and sums are rounded one by one.
#ifndef DOGB_ENGINE_NATIVE_VECTOR_C_H
#define DOGB_ENGINE_NATIVE_VECTOR_C_H

#include <math.h>
#include <string.h>

typedef float vec __attribute__((vector_size(16)));
typedef int whole_numbers __attribute__((vector_size(16)));
#define LANES 4

static inline __attribute__((always_inline)) vec v_load(const float *from) {
    vec value;
    memcpy(&value, from, sizeof value);
    return value;
}

static inline __attribute__((always_inline)) vec v_load_part(const float *from, int lanes) {
    vec value = {0.0f, 0.0f, 0.0f, 0.0f};
    memcpy(&value, from, (unsigned)lanes * sizeof *from);
    return value;
}

static inline __attribute__((always_inline)) void v_store(float *to, vec value) {
    memcpy(to, &value, sizeof value);
}

static inline __attribute__((always_inline)) void v_store_part(float *to, int lanes, vec value) {
    memcpy(to, &value, (unsigned)lanes * sizeof *to);
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

static inline __attribute__((always_inline)) vec v_select(vec condition_a, vec condition_b, vec a,
                                                          vec b) {
    typedef int mask __attribute__((vector_size(16)));
    mask chosen = condition_a > condition_b;
    mask result = ((mask)a & chosen) | ((mask)b & ~chosen);
    return (vec)result;
}

// The second operand when either is NaN.
static inline __attribute__((always_inline)) vec v_max(vec a, vec b) {
    return v_select(a, b, a, b);
}

static inline __attribute__((always_inline)) vec v_min(vec a, vec b) {
    return v_select(b, a, a, b);
}

// NaN of either operand stays.
static inline __attribute__((always_inline)) vec v_max_nan(vec a, vec b) {
    for (int i = 0; i < LANES; i++) {
        b[i] = a[i] > b[i] || a[i] != a[i] ? a[i] : b[i];
    }
    return b;
}

static inline __attribute__((always_inline)) vec v_sqrt(vec a) {
    return (vec){sqrtf(a[0]), sqrtf(a[1]), sqrtf(a[2]), sqrtf(a[3])};
}

// value * 2^whole, where the low bits of `shifted` hold the whole number.
static inline __attribute__((always_inline)) vec v_scale(vec value, vec shifted) {
    whole_numbers whole = (whole_numbers)((whole_numbers)shifted << 23);
    return (vec)((whole_numbers)value + whole);
}

#endif
