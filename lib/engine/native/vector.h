// vector.h - how loops over the vectors of one instruction set are written, for kernel_loops.h and
// heads_loops.h. Included behind one of vector_c.h, vector_avx2.h and vector_avx512.h.
#ifndef DOGB_ENGINE_NATIVE_VECTOR_H
#define DOGB_ENGINE_NATIVE_VECTOR_H

#if defined(__clang__)
#define DOGB_UNROLL _Pragma("clang loop unroll(full)")
#define DOGB_ROLLED _Pragma("clang loop unroll(disable)")
#else
#define DOGB_UNROLL _Pragma("GCC unroll 16")
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

#endif
