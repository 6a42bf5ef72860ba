// vector_int8_c.h - what kernel_int8_loops.h counts in, for any processor: sums of four channels,
// elements of 16 bits, two in a word.
#ifndef DOGB_ENGINE_NATIVE_VECTOR_INT8_C_H
#define DOGB_ENGINE_NATIVE_VECTOR_INT8_C_H

#include "engine/native/vector_c.h"

#include <stdint.h>

typedef int32_t sums __attribute__((vector_size(16)));
typedef int16_t element;
typedef int16_t halves __attribute__((vector_size(16)));
#define GROUP 2

static inline __attribute__((always_inline)) sums s_load(const int32_t *from) {
    sums value;
    memcpy(&value, from, sizeof value);
    return value;
}

static inline __attribute__((always_inline)) void s_store(int32_t *to, sums value) {
    memcpy(to, &value, sizeof value);
}

static inline __attribute__((always_inline)) sums s_word(const int32_t *from) {
    int32_t word;
    memcpy(&word, from, sizeof word); // elements lie at any place
    return (sums){word, word, word, word};
}

static inline __attribute__((always_inline)) sums s_dot(sums sum, sums x, sums w) {
    sums low = ((x << 16) >> 16) * ((w << 16) >> 16);
    sums high = (x >> 16) * (w >> 16);
    return sum + low + high;
}

static inline __attribute__((always_inline)) vec s_float(sums value) {
    return __builtin_convertvector(value, vec);
}

// To the nearest whole number, the even one of two; for |value| < 2^22.
static inline __attribute__((always_inline)) vec v_round(vec value) {
    const vec shift = v_set1(12582912.0f); // 1.5 * 2^23: there the last bit counts ones
    vec shifted = value + shift;
    return shifted - shift;
}

static inline __attribute__((always_inline)) vec e_load(const element *from, int lanes) {
    vec value = v_set1(0.0f);
    for (int i = 0; i < lanes; i++) {
        value[i] = from[i];
    }
    return value;
}

static inline __attribute__((always_inline)) void e_store(element *to, int lanes, vec value,
                                                          int32_t zero) {
    sums whole = __builtin_convertvector(v_round(value), sums) + zero;
    for (int i = 0; i < lanes; i++) {
        to[i] = (element)whole[i];
    }
}

#endif
