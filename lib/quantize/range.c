// range.c - from what calibration saw of a tensor to the 256 values that it may take.
#include "quantize/quantize_internal.h"

#include <math.h>

enum { LEVELS = 255, SHRINKS = 60 };

void dogb_range_widen(dogb_range *range, const float *values, int64_t count) {
    float low = range->low;
    float high = range->high;
    for (int64_t i = 0; i < count; i++) {
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
    }
    range->low = low;
    range->high = high;
}

void dogb_range_count(dogb_range *range, const float *values, int64_t count) {
    const float width = range->high - range->low;
    const float scale = width > 0 ? (float)DOGB_RANGE_BINS / width : 0.0f;
    for (int64_t i = 0; i < count; i++) {
        float at = (values[i] - range->low) * scale;
        if (at >= 0) { // not NaN
            range->bins[at < DOGB_RANGE_BINS - 1 ? (int)at : DOGB_RANGE_BINS - 1]++;
        }
    }
    range->count += count;
}

static double center(const dogb_range *range, int bin) {
    double width = (double)range->high - (double)range->low;
    return (double)range->low + width * (bin + 0.5) / DOGB_RANGE_BINS;
}

// Squared error of all values when [low, high] is cut into 255 steps: within them that of
// rounding, outside the distance.
static double error_of(const dogb_range *range, double low, double high) {
    double step = (high - low) / LEVELS;
    double inside = step * step / 12;
    double total = 0;
    for (int i = 0; i < DOGB_RANGE_BINS; i++) {
        double value = center(range, i);
        double beyond = value < low ? low - value : value > high ? value - high : 0;
        // Zeros are many behind a ReLU, and exact.
        int zero =
            low <= 0 && fabs(value) < ((double)range->high - (double)range->low) / DOGB_RANGE_BINS;
        total += (double)range->bins[i] * (beyond > 0 ? beyond * beyond : zero ? 0 : inside);
    }
    return total;
}

// Both ends drawn in by the same share while the error falls.
static void least_error(double *low, double *high, const dogb_range *range) {
    double best = INFINITY;
    const double ends[2] = {*low, *high};
    for (int i = 0; i < SHRINKS; i++) {
        double share = 1.0 - 0.01 * i;
        double error = error_of(range, ends[0] * share, ends[1] * share);
        if (error < best) {
            best = error;
            *low = ends[0] * share;
            *high = ends[1] * share;
        }
    }
}

// Half of what may stay outside is cut at each end.
static void percentile(double *low, double *high, const dogb_range *range, double percent) {
    double outside = (100.0 - percent) / 200.0 * (double)range->count;
    int64_t below = 0;
    int64_t above = 0;
    int first = 0;
    int last = DOGB_RANGE_BINS - 1;
    while (first < last && (double)(below + range->bins[first]) <= outside) {
        below += range->bins[first++];
    }
    while (last > first && (double)(above + range->bins[last]) <= outside) {
        above += range->bins[last--];
    }
    double width = ((double)range->high - (double)range->low) / DOGB_RANGE_BINS;
    *high = fmin(*high, (double)range->low + width * (last + 1));
    *low = fmax(*low, (double)range->low + width * first);
}

void dogb_range_choose(double *step, int32_t *zero, const dogb_range *range,
                       const dogbreed_quantize_options *options) {
    double low = fmin((double)range->low, 0);
    double high = fmax((double)range->high, 0);
    if (options->range == DOGBREED_RANGE_MSE) {
        least_error(&low, &high, range);
    } else if (options->range == DOGBREED_RANGE_PERCENTILE) {
        percentile(&low, &high, range, options->percentile);
        low = fmin(low, 0);
        high = fmax(high, 0);
    }
    // A tensor that is always 0, or holds what no step can count, still needs one.
    double wide = high - low;
    *step = wide > 1e-6 && wide < 1e10 ? wide / LEVELS : 1.0;
    double at = rint(-low / *step);
    *zero = at < 0 ? 0 : at > LEVELS ? LEVELS : (int32_t)at;
}

float dogb_quantize_channel(float *weights, int64_t count) {
    float most = 0;
    for (int64_t i = 0; i < count; i++) {
        most = fmaxf(most, fabsf(weights[i]));
    }
    float scale = most > 1e-9f && most < 1e9f ? most / 127.0f : 1.0f;
    for (int64_t i = 0; i < count; i++) {
        float whole = rintf(weights[i] / scale);
        weights[i] = (fmaxf(-127.0f, fminf(127.0f, whole)) + 0.0f) * scale; // no -0
    }
    return scale;
}
