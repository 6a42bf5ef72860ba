// vector_bf16_floats.h - what kernel_bf16_loops.h counts in where no instruction knows bf16:
// elements are floats whose low half is zero, each half of a word of weights becomes one. Products
// are exact, so that a multiplication and an addition equal one operation. Included behind what has
// f_high, f_low and f_round.
#ifndef DOGB_ENGINE_NATIVE_VECTOR_BF16_FLOATS_H
#define DOGB_ENGINE_NATIVE_VECTOR_BF16_FLOATS_H

#include "engine/native/vector.h"

typedef float element;
typedef vec words;
#define WORD 2
#define PASSES 2 // the high half, the low one
#define NATIVE 0

DOGB_INLINE words w_load(const float *from, const int pass) {
    return pass == 0 ? f_high(v_load(from)) : f_low(v_load(from));
}

DOGB_INLINE words w_inputs(const element *from, const int pass, const int rest) {
    (void)rest; // the last pass reads the first element
    return v_set1(from[1 - pass]);
}

DOGB_INLINE vec w_dot(vec sum, words x, words w) {
    return v_fma(x, w, sum);
}

DOGB_INLINE vec e_load(const element *from, int lanes) {
    return v_part(from, lanes);
}

DOGB_INLINE void e_store(element *to, int lanes, vec value) {
    v_write(to, lanes, f_round(value));
}

#endif
