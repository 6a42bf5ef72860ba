// npy.h - arrays in NumPy's file format, versions 1 to 3: little-endian float32 and float64 in C
// order, nothing else.
#ifndef DOGB_SERVE_NPY_H
#define DOGB_SERVE_NPY_H

#include "core/buffer.h"
#include "core/wire.h"

enum { DOGB_NPY_RANK_MAX = 8 };

typedef struct dogb_npy {
    int64_t dims[DOGB_NPY_RANK_MAX];
    int32_t rank;
    int32_t width;  // bytes of a number: 4 or 8
    size_t count;   // numbers
    dogb_span data; // count * width bytes, inside of the file, at any address
} dogb_npy;

// FORMAT (damaged, sizes that do not fit), UNSUPPORTED (another type, order or version).
int dogb_npy_read(dogb_npy *out, dogb_span file);

// The head of a file with float32 [rows][columns]; the numbers are the caller's to add.
void dogb_npy_begin(dogb_buffer *out, int64_t rows, int64_t columns);

#endif
