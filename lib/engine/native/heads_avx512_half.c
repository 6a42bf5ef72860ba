// heads_avx512_half.c - the loops of heads_loops.h in vectors of 8 floats and 32 registers: for
// half a vector that is left over behind those of heads_avx512.c.
#include "engine/native/vector_avx2.h"

#define NAME avx512_half
#define VECTORS_MOST 5
#define ROWS_1 12
#define ROWS_2 12
#define ROWS_3 8
#define ROWS_5 5
#define INPUTS_1 16
#define INPUTS_2 8
#define INPUTS_3 8
#define INPUTS_5 4
#include "engine/native/heads_loops.h"
