// quantize_internal.h - the table of options, for the index; and what the files of lib/quantize
// share: what was seen of each node, and the choice of its range.
#ifndef DOGB_QUANTIZE_INTERNAL_H
#define DOGB_QUANTIZE_INTERNAL_H

#include "core/arena.h"
#include "core/table.h"
#include "engine/engine.h"
#include "evaluate/evaluate_internal.h"
#include "event/bus.h"

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

typedef struct dogb_quantize_job {
    dogb_arena arena;
    dogbreed_quantize_options options;
    const dogbreed_model *model;
    const dogbreed_dataset *dataset;
    const dogb_engine *engine;
    dogb_graph *graph; // folded, and quantised in the end
    const void *const *weights;
    dogb_range *ranges; // by node
    void (*look)(dogb_range *range, const float *values, int64_t count);
    int32_t *classes; // of the model, by the dataset's label
    dogb_bus *bus;    // who is told
    double begin;
    int32_t threads;
    int32_t images;
} dogb_quantize_job;

typedef struct dogb_measured {
    dogb_tally before;
    dogb_tally after;
    double difference; // sum over logits
} dogb_measured;

// Sends a PROGRESS event. Returns CANCELLED after a stop, or the callback's error.
int dogb_quantize_tell(dogb_quantize_job *j, const char *what, int64_t done, int64_t total);
int dogb_quantize_net(dogb_net **out, const dogb_quantize_job *j, const dogb_graph *graph,
                      const void *const *weights, int32_t mode, int32_t dtype);
// Both models over the whole dataset.
int dogb_quantize_measure(dogb_quantize_job *j, dogb_measured *m, const dogbreed_model *made);

// Whole numbers times a scale for one output channel: rewrites the weights as such multiples.
float dogb_quantize_channel(float *weights, int64_t count);

#endif
