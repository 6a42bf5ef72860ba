// quantize_internal.h - the table of options, for the index; and what the files of lib/quantize
// share: what was seen of each node, and the choice of its range.
#ifndef DOGB_QUANTIZE_INTERNAL_H
#define DOGB_QUANTIZE_INTERNAL_H

#include "core/table.h"

#include <dogbreed/quantize.h>

extern const dogb_table dogb_quantize_table;

enum { DOGB_RANGE_BINS = 2048 };

// Values of one node over the calibration pictures: first their ends, then a histogram between.
typedef struct dogb_range {
    float low;
    float high;
    int64_t *bins; // [DOGB_RANGE_BINS], from low to high
    int64_t count;
} dogb_range;

void dogb_range_widen(dogb_range *range, const float *values, int64_t count);
void dogb_range_count(dogb_range *range, const float *values, int64_t count);
// Step and zero point: the value of q is (q - zero) * step, 0 to 255; 0 has a q of its own.
void dogb_range_choose(double *step, int32_t *zero, const dogb_range *range,
                       const dogbreed_quantize_options *options);

// Whole numbers times a scale for one output channel: rewrites the weights as such multiples.
float dogb_quantize_channel(float *weights, int64_t count);

#endif
