// kernel_avx2.c - the loops of kernel_loops.h in the vectors of vector_avx2.h.
#include "engine/native/vector_avx2.h"

#define NAME avx2
#define VECTORS_MOST 3
#define VECTORS_LEAST 3
#define VECTORS_EVEN 2
#define LINES_PIXELS 2
#define PREFETCH 0
#define PIXELS_1 12
#define PIXELS_2 6
#define PIXELS_3 4
#define PIXELS_4 0
#include "engine/native/kernel_loops.h"
