// peak_c.c - the loop of peak_loop.h in the vectors of vector_c.h.
#include "engine/native/vector_c.h"

#define NAME c
#include "engine/native/peak_loop.h"
