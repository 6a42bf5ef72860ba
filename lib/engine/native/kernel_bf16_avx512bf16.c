// kernel_bf16_avx512bf16.c - the loops of kernel_bf16_loops.h in the vectors of
// vector_bf16_avx512bf16.h.
#include "engine/native/vector_bf16_avx512bf16.h"

#define NAME avx512bf16
#define FLOATS avx512
#define VECTORS_MOST 4
#define PREFETCH 1
#define PIXELS_1 8
#define PIXELS_2 12
#define PIXELS_3 8
#define PIXELS_4 6
#include "engine/native/kernel_bf16_loops.h"
