// peak_avx512.c - the loop of peak_loop.h in the vectors of vector_avx512.h.
#include "engine/native/vector_avx512.h"

#define NAME avx512
#include "engine/native/peak_loop.h"
