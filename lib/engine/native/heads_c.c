// heads_c.c - the loops of heads_loops.h in the vectors of vector_c.h.
#include "engine/native/vector_c.h"

#define NAME c
#define VECTORS_MOST 2
#define ROWS_1 8
#define ROWS_2 4
#define ROWS_3 0
#define ROWS_5 0
#define INPUTS_1 8
#define INPUTS_2 4
#define INPUTS_3 0
#define INPUTS_5 0
#include "engine/native/heads_loops.h"
