// kernel_int8_avx512vnni.c - the loops of kernel_int8_loops.h in the vectors of
// vector_int8_avx512vnni.h.
#include "engine/native/vector_int8_avx512vnni.h"

#define NAME avx512vnni
#define FLOATS avx512
#define VECTORS_MOST 4
#define PIXELS_1 8
#define PIXELS_2 12
#define PIXELS_3 8
#define PIXELS_4 6
#include "engine/native/kernel_int8_loops.h"
