// kernel_c.c - the loops of kernel_loops.h in the vectors of vector_c.h.
#include "engine/native/vector_c.h"

#define NAME c
#define VECTORS_MOST 2
#define VECTORS_LEAST 1
#define VECTORS_EVEN 2
#define LINES_PIXELS 2
#define PREFETCH 0
#define PIXELS_1 8
#define PIXELS_2 4
#define PIXELS_3 0
#define PIXELS_4 0
#include "engine/native/kernel_loops.h"
