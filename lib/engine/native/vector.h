// vector.h - how loops over the vectors of one instruction set are written. Included behind one of
// vector_c.h, vector_avx2.h and vector_avx512.h.
#ifndef DOGB_ENGINE_NATIVE_VECTOR_H
#define DOGB_ENGINE_NATIVE_VECTOR_H

#if defined(__clang__)
#define DOGB_UNROLL _Pragma("clang loop unroll(full)")
#define DOGB_UNROLL_4 _Pragma("clang loop unroll_count(4)")
#define DOGB_ROLLED _Pragma("clang loop unroll(disable)")
#else
#define DOGB_UNROLL _Pragma("GCC unroll 16")
#define DOGB_UNROLL_4 _Pragma("GCC unroll 4")
#define DOGB_ROLLED _Pragma("GCC unroll 1")
#endif
#define DOGB_INLINE static inline __attribute__((always_inline))

// gcc would fold the load of a weight into each multiplication: this keeps the vector in a
// register.
#if defined(DOGB_VECTOR_REGISTER)
#define DOGB_PIN(vector) __asm__("" : "+" DOGB_VECTOR_REGISTER(vector))
#else
#define DOGB_PIN(vector) (void)(vector)
#endif

#define DOGB_JOIN2(a, b) a##b
#define DOGB_JOIN(a, b) DOGB_JOIN2(a, b)
#define DOGB_TEXT2(a) #a
#define DOGB_TEXT(a) DOGB_TEXT2(a)

DOGB_INLINE vec v_part(const float *from, int lanes) {
    return lanes == LANES ? v_load(from) : v_load_part(from, lanes);
}

DOGB_INLINE void v_write(float *to, int lanes, vec value) {
    if (lanes == LANES) {
        v_store(to, value);
    } else {
        v_store_part(to, lanes, value);
    }
}

// A number of the second operand when the first is NaN, as x86 has it: NaN passes through.
DOGB_INLINE vec v_clamp(vec value, vec low, vec high) {
    return v_min(high, v_max(low, value));
}

#endif
