// peak_avx2.c - the loop of peak_loop.h in the vectors of vector_avx2.h.
#include "engine/native/vector_avx2.h"

#define NAME avx2
#include "engine/native/peak_loop.h"
