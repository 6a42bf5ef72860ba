// kernel_bf16_avx2.c - the loops of kernel_bf16_loops.h in the vectors of vector_bf16_avx2.h.
#include "engine/native/vector_bf16_avx2.h"

#define NAME avx2
#define FLOATS avx2
#define VECTORS_MOST 2
#define PREFETCH 0
#define PIXELS_1 12
#define PIXELS_2 6
#define PIXELS_3 0
#define PIXELS_4 0
#include "engine/native/kernel_bf16_loops.h"
