// kernel_avx512.c - the loops of kernel_loops.h in the vectors of vector_avx512.h.
#include "engine/native/vector_avx512.h"

#define NAME avx512
#define VECTORS_MOST 4
#define VECTORS_LEAST 1
#define VECTORS_EVEN 4
#define LINES_PIXELS 4
#define PREFETCH 1
#define PIXELS_1 8
#define PIXELS_2 12
#define PIXELS_3 8
#define PIXELS_4 6
#include "engine/native/kernel_loops.h"
