// kernel_int8_avx2.c - the loops of kernel_int8_loops.h in the vectors of vector_int8_avx2.h.
#include "engine/native/vector_int8_avx2.h"

#define NAME avx2
#define FLOATS avx2
#define VECTORS_MOST 2
#define PIXELS_1 12
#define PIXELS_2 6
#define PIXELS_3 0
#define PIXELS_4 0
#include "engine/native/kernel_int8_loops.h"
