// tensor.h - pictures that come as numbers: float32 [3][side][side], already what the network sees.
#ifndef DOGB_SERVE_TENSOR_H
#define DOGB_SERVE_TENSOR_H

#include "core/arena.h"
#include "core/wire.h"

// Numbers of one picture.
size_t dogb_tensor_size(int32_t side);

// How many pictures an array of this shape holds: [N][3][side][side], or one as [3][side][side].
// MISMATCH: another shape; INDEX: more than max.
int dogb_tensor_count(int32_t *out, const int64_t *dims, int32_t rank, int32_t side, int32_t max);

// FORMAT: one of `count` numbers, float32 at any address, is not finite.
int dogb_tensor_finite(const void *numbers, size_t count);

// Little-endian float64 at any address as float32. FORMAT: one is not finite or too large.
int dogb_tensor_narrow(float *out, const void *numbers, size_t count);

// Rows of numbers with commas between them, a picture per line, as NumPy's savetxt writes them. An
// empty last line is none. *out: `*count` pictures behind each other. FORMAT, MISMATCH, INDEX.
int dogb_tensor_csv(float **out, int32_t *count, dogb_arena *arena, dogb_span text, int32_t side,
                    int32_t max);

#endif
