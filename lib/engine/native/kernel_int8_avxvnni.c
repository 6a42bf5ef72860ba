// kernel_int8_avxvnni.c - the loops of kernel_int8_loops.h in the vectors of vector_int8_avxvnni.h.
#include "engine/native/vector_int8_avxvnni.h"

#define NAME avxvnni
#define FLOATS avx2
#define VECTORS_MOST 2
#define PIXELS_1 12
#define PIXELS_2 6
#define PIXELS_3 0
#define PIXELS_4 0
#include "engine/native/kernel_int8_loops.h"
