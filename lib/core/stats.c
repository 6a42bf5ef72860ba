// stats.c - moments and extremes of values, block by block; see stats_lanes.h.
#include "core/stats.h"

#include "core/stats_lanes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = DOGB_STATS_LANES, GROUP = DOGB_STATS_GROUP, BLOCK = 16 * GROUP };

static void begin(dogb_stats_lanes *l) {
    memset(l, 0, sizeof *l);
    for (int k = 0; k < LANES; k++) {
        l->minimum[k] = INFINITY;
        l->maximum[k] = -INFINITY;
        l->absolute_minimum[k] = INFINITY;
    }
}

// Two loops over a block of `rows` rows of `count` lanes, whose accumulators fit into registers.
// Inlined with a constant count.
static inline void add_sums(dogb_stats_lanes *lanes, const float *values, size_t rows, int count) {
    dogb_stats_lanes l = *lanes; // of its own: no value may lie in it
    for (size_t i = 0; i < rows; i++, values += LANES) {
        for (int k = 0; k < count; k++) {
            double wide = (double)values[k];
            l.sum[k] += wide;
            l.squares[k] += wide * wide;
            l.absolute[k] += fabs(wide);
        }
    }
    *lanes = l;
}

static inline void add_extremes(dogb_stats_lanes *lanes, const float *values, size_t rows,
                                int count) {
    dogb_stats_lanes l = *lanes;
    for (size_t i = 0; i < rows; i++, values += LANES) {
        for (int k = 0; k < count; k++) {
            float value = values[k];
            float size = fabsf(value);
            l.minimum[k] = value < l.minimum[k] ? value : l.minimum[k];
            l.maximum[k] = value > l.maximum[k] ? value : l.maximum[k];
            l.absolute_minimum[k] = size < l.absolute_minimum[k] ? size : l.absolute_minimum[k];
            l.zeros[k] += value == 0;
        }
    }
    *lanes = l;
}

static void add_groups(dogb_stats_lanes *l, const float *values, size_t groups) {
    add_sums(l, values, groups * (GROUP / LANES), LANES);
    add_extremes(l, values, groups * (GROUP / LANES), LANES);
}

const dogb_stats_kernel dogb_stats_c = {"c", add_groups};

static void add_row(dogb_stats_lanes *l, const float *values, int count) {
    add_sums(l, values, 1, count);
    add_extremes(l, values, 1, count);
}

// The values behind the last group.
static void add_rest(dogb_stats_lanes *l, const float *values, size_t count) {
    for (; count >= LANES; count -= LANES, values += LANES) {
        add_row(l, values, LANES);
    }
    add_row(l, values, (int)count);
}

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits & 0x7fffffffu;
}

enum { INFINITY_BITS = 0x7f800000 };

// The sums of absolute values say it: no sum of floats is beyond double.
static int all_finite(const dogb_stats_lanes *l) {
    double sum = 0;
    for (int k = 0; k < LANES; k++) {
        sum += l->absolute[k];
    }
    return isfinite(sum);
}

// The finite values of a block, in their order; the others are counted.
static size_t pick_finite(float *out, dogbreed_tensor_stats *stats, const float *values,
                          size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = bits_of(values[i]);
        stats->nan_count += bits > INFINITY_BITS;
        stats->infinity_count += bits == INFINITY_BITS;
        if (bits < INFINITY_BITS) {
            out[kept++] = values[i];
        }
    }
    return kept;
}

static double total(const double values[LANES]) {
    double pairs[LANES / 2];
    for (int k = 0; k < LANES / 2; k++) {
        pairs[k] = values[k] + values[k + LANES / 2];
    }
    return (pairs[0] + pairs[2]) + (pairs[1] + pairs[3]);
}

static void finish(dogbreed_tensor_stats *out, const dogb_stats_lanes *l, int64_t zeros,
                   size_t count) {
    double finite = (double)count - (double)out->nan_count - (double)out->infinity_count;
    double squares = total(l->squares);
    float minimum = INFINITY;
    float maximum = -INFINITY;
    float absolute_minimum = INFINITY;
    for (int k = 0; k < LANES; k++) {
        minimum = l->minimum[k] < minimum ? l->minimum[k] : minimum;
        maximum = l->maximum[k] > maximum ? l->maximum[k] : maximum;
        absolute_minimum =
            l->absolute_minimum[k] < absolute_minimum ? l->absolute_minimum[k] : absolute_minimum;
    }
    int some = finite > 0;
    out->minimum = some ? (double)minimum : NAN;
    out->maximum = some ? (double)maximum : NAN;
    out->absolute_minimum = some ? (double)absolute_minimum : NAN;
    out->mean = some ? total(l->sum) / finite : NAN;
    out->absolute_mean = some ? total(l->absolute) / finite : NAN;
    out->deviation = some ? sqrt(fmax(squares / finite - out->mean * out->mean, 0)) : NAN;
    out->norm = sqrt(squares);
    out->zero_share = count == 0 ? 0 : (double)zeros / (double)count;
}

static void add_block(const dogb_stats_kernel *kernel, dogb_stats_lanes *l, const float *values,
                      size_t count) {
    size_t groups = count / GROUP;
    kernel->add(l, values, groups);
    add_rest(l, values + groups * GROUP, count % GROUP);
}

void dogb_stats_with(const dogb_stats_kernel *kernel, dogbreed_tensor_stats *out,
                     const float *values, size_t count) {
    dogb_stats_lanes l;
    float kept[BLOCK];
    int64_t zeros = 0;
    begin(&l);
    out->nan_count = 0;
    out->infinity_count = 0;
    for (size_t i = 0; i < count; i += BLOCK) {
        size_t size = count - i < BLOCK ? count - i : BLOCK;
        const dogb_stats_lanes before = l;
        add_block(kernel, &l, values + i, size);
        if (!all_finite(&l)) {
            l = before;
            add_block(kernel, &l, kept, pick_finite(kept, out, values + i, size));
        }
        for (int k = 0; k < LANES; k++) {
            zeros += l.zeros[k];
            l.zeros[k] = 0;
        }
    }
    finish(out, &l, zeros, count);
}

const dogb_stats_kernel *dogb_stats_kernel_at(size_t index) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && index-- == 0) {
        return &dogb_stats_avx2;
    }
#endif
    return index == 0 ? &dogb_stats_c : NULL;
}

void dogb_stats(dogbreed_tensor_stats *out, const float *values, size_t count) {
    const char *wanted = getenv("DOGBREED_CPU");
    const dogb_stats_kernel *kernel = dogb_stats_kernel_at(0);
    if (wanted != NULL && strcmp(wanted, dogb_stats_c.name) == 0) {
        kernel = &dogb_stats_c;
    }
    dogb_stats_with(kernel, out, values, count);
}

static double finite_of(const dogbreed_tensor_stats *stats, size_t count) {
    return (double)count - (double)stats->nan_count - (double)stats->infinity_count;
}

double dogb_stats_sum(const dogbreed_tensor_stats *stats, size_t count) {
    double finite = finite_of(stats, count);
    return finite > 0 ? stats->mean * finite : 0;
}

double dogb_stats_variance(const dogbreed_tensor_stats *stats) {
    return stats->deviation * stats->deviation;
}

double dogb_stats_l1(const dogbreed_tensor_stats *stats, size_t count) {
    double finite = finite_of(stats, count);
    return finite > 0 ? stats->absolute_mean * finite : 0;
}

double dogb_stats_absolute_maximum(const dogbreed_tensor_stats *stats) {
    return fmax(-stats->minimum, stats->maximum); // fmax passes over NaN: both are or none is
}

double dogb_stats_absolute_variance(const dogbreed_tensor_stats *stats) {
    double mean_square = dogb_stats_variance(stats) + stats->mean * stats->mean;
    return fmax(mean_square - stats->absolute_mean * stats->absolute_mean,
                0 * mean_square); // or NaN
}
