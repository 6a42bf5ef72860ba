// heads_avx512.c - the loops of heads_loops.h in the vectors of vector_avx512.h.
#include "engine/native/vector_avx512.h"

#define NAME avx512
#define HALF dogb_heads_kernel_avx512_half
#define VECTORS_MOST 3
#define ROWS_1 12
#define ROWS_2 12
#define ROWS_3 8
#define ROWS_5 0
#define INPUTS_1 16
#define INPUTS_2 8
#define INPUTS_3 8
#define INPUTS_5 0
#include "engine/native/heads_loops.h"
