// heads_avx2.c - the loops of heads_loops.h in vectors of 8 floats and 16 registers.
#include "engine/native/vector_avx2.h"

#define NAME avx2
#define VECTORS_MOST 3
#define ROWS_1 12
#define ROWS_2 6
#define ROWS_3 4
#define ROWS_5 0
#define INPUTS_1 8
#define INPUTS_2 4
#define INPUTS_3 4
#define INPUTS_5 0
#include "engine/native/heads_loops.h"
