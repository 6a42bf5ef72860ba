// histogram.h - how often values lie between which bounds. NaN and infinities are left out.
#ifndef DOGB_TENSORBOARD_HISTOGRAM_H
#define DOGB_TENSORBOARD_HISTOGRAM_H

#include "core/arena.h"

#include <stddef.h>

typedef struct dogb_bucket {
    double left;
    double right; // of the next bucket; the last one has its own
    double count;
} dogb_bucket;

typedef struct dogb_buckets {
    dogb_bucket *buckets; // one behind the other
    size_t count;
} dogb_buckets;

// `count` buckets of one width from the least to the greatest value, as TensorBoard's own writer
// makes 30. No values: none with anything in it; all equal: all in the last one, without a width.
int dogb_histogram_even(dogb_buckets *out, dogb_arena *arena, const float *values, size_t size,
                        size_t count);

// TensorFlow's bounds: 0 and +-1e-12 * 1.1^k below 1e20, each bucket a tenth wider than the one
// before. From the first bucket with something in it to the last; empty ones side by side are one.
int dogb_histogram_default(dogb_buckets *out, dogb_arena *arena, const float *values, size_t size);

#endif
