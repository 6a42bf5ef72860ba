// stats_lanes.h - what a pass over finite values keeps: value i of a block goes into lane i modulo
// LANES, so that sums have one order whatever the instruction set.
#ifndef DOGB_CORE_STATS_LANES_H
#define DOGB_CORE_STATS_LANES_H

#include <stddef.h>
#include <stdint.h>

enum {
    DOGB_STATS_LANES = 8,
    DOGB_STATS_GROUP = 4 * DOGB_STATS_LANES // values that a kernel takes at once
};

typedef struct dogb_stats_lanes {
    double sum[DOGB_STATS_LANES];
    double squares[DOGB_STATS_LANES];
    double absolute[DOGB_STATS_LANES];
    float minimum[DOGB_STATS_LANES];
    float maximum[DOGB_STATS_LANES];
    float absolute_minimum[DOGB_STATS_LANES];
    int32_t zeros[DOGB_STATS_LANES]; // of a block
} dogb_stats_lanes;

typedef struct dogb_stats_kernel {
    const char *name;
    // Adds whole groups of values.
    void (*add)(dogb_stats_lanes *lanes, const float *values, size_t groups);
} dogb_stats_kernel;

extern const dogb_stats_kernel dogb_stats_c;
extern const dogb_stats_kernel dogb_stats_avx2;

// Kernels that this machine runs, best first; NULL behind the last one.
const dogb_stats_kernel *dogb_stats_kernel_at(size_t index);

struct dogbreed_tensor_stats;
void dogb_stats_with(const dogb_stats_kernel *kernel, struct dogbreed_tensor_stats *out,
                     const float *values, size_t count);

#endif
