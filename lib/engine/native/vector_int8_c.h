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

static inline __attribute__((always_inline)) sums s_zero(void) {
    return (sums){0, 0, 0, 0};
}

static inline __attribute__((always_inline)) sums s_pairs(sums sum, sums x, sums w) {
    sums low = ((x << 16) >> 16) * ((w << 16) >> 16);
    sums high = (x >> 16) * (w >> 16);
    return sum + low + high;
}

static inline __attribute__((always_inline)) sums s_dot(sums sum, sums x, sums w) {
    return s_pairs(sum, x, w);
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

static inline __attribute__((always_inline)) halves h_zero(void) {
    return (halves){0};
}

static inline __attribute__((always_inline)) halves h_load(const int16_t *from) {
    halves value;
    memcpy(&value, from, sizeof value);
    return value;
}

// Shorts `from` to from + 3 of two vectors, as words.
static inline __attribute__((always_inline)) sums h_words(halves a, halves b, int from) {
    sums words = s_zero();
    for (int i = 0; i < LANES; i++) {
        words[i] = (int32_t)((uint16_t)a[from + i] | (uint32_t)(uint16_t)b[from + i] << 16);
    }
    return words;
}

static inline __attribute__((always_inline)) sums h_low(halves a, halves b) {
    return h_words(a, b, 0);
}

static inline __attribute__((always_inline)) sums h_high(halves a, halves b) {
    return h_words(a, b, LANES);
}

static inline __attribute__((always_inline)) void h_store(int16_t *to, vec value) {
    e_store(to, LANES, value, 0);
}

// What is not a number is `least`.
static inline __attribute__((always_inline)) void
e_store_block(element *to, int lanes, vec low, vec high, int32_t zero, int32_t least) {
    const vec bound = v_set1((float)(least - zero));
    e_store(to, lanes < LANES ? lanes : LANES, v_max(low, bound), zero);
    if (lanes > LANES) {
        e_store(to + LANES, lanes - LANES, v_max(high, bound), zero);
    }
}

static inline __attribute__((always_inline)) void h_store_block(int16_t *to, vec low, vec high,
                                                                int32_t least) {
    e_store_block(to, 2 * LANES, low, high, 0, least);
}

static inline __attribute__((always_inline)) void e_load_block(vec *low, vec *high,
                                                               const element *from) {
    *low = e_load(from, LANES);
    *high = e_load(from + LANES, LANES);
}

static inline __attribute__((always_inline)) void v_natural(vec *low, vec *high) {
    (void)low; // a block has the order of channels
    (void)high;
}

#endif
