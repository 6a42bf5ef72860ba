// kernel_bf16_c.c - the loops of kernel_bf16_loops.h in the vectors of vector_bf16_c.h.
#include "engine/native/vector_bf16_c.h"

#define NAME c
#define FLOATS c
#define VECTORS_MOST 2
#define PREFETCH 0
#define PIXELS_1 8
#define PIXELS_2 4
#define PIXELS_3 0
#define PIXELS_4 0
#include "engine/native/kernel_bf16_loops.h"
