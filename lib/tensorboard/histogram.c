// histogram.c - see histogram.h.
#include "tensorboard/histogram.h"

#include "core/error.h"

#include <float.h>
#include <math.h>

typedef struct range {
    double low;
    double high;
    size_t count; // of values that are finite
} range;

static range range_of(const float *values, size_t size) {
    range r = {.low = INFINITY, .high = -INFINITY};
    for (size_t i = 0; i < size; i++) {
        double value = (double)values[i];
        if (isfinite(value)) {
            r.low = value < r.low ? value : r.low;
            r.high = value > r.high ? value : r.high;
            r.count++;
        }
    }
    return r;
}

int dogb_histogram_even(dogb_buckets *out, dogb_arena *arena, const float *values, size_t size,
                        size_t count) {
    range r = range_of(values, size);
    double width = r.count == 0 ? 0 : (r.high - r.low) / (double)count;
    *out = (dogb_buckets){.buckets = dogb_alloc(arena, count, sizeof(dogb_bucket))};
    if (out->buckets == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    out->count = count;
    for (size_t i = 0; r.count > 0 && i < count; i++) {
        out->buckets[i].left = r.low + (double)i * width;
        out->buckets[i].right = i + 1 == count ? r.high : r.low + (double)(i + 1) * width;
    }
    for (size_t i = 0; i < size; i++) {
        double value = (double)values[i];
        if (isfinite(value)) {
            double at = width > 0 ? floor((value - r.low) / width) : (double)count;
            out->buckets[at < (double)count ? (size_t)at : count - 1].count += 1;
        }
    }
    return DOGBREED_OK;
}

enum { BOUNDS_MAX = 780 }; // of one sign

// 1e-12 * 1.1^k, multiplied step by step as TensorFlow does.
static size_t bounds_of(double bounds[BOUNDS_MAX]) {
    size_t count = 0;
    for (double bound = 1e-12; bound < 1e20 && count < BOUNDS_MAX; bound *= 1.1) {
        bounds[count++] = bound;
    }
    return count;
}

// Bounds that are not above the value.
static size_t place(const double *bounds, size_t count, double value) {
    size_t low = 0;
    while (count > 0) {
        size_t half = count / 2;
        if (bounds[low + half] <= value) {
            low += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return low;
}

// All buckets from -DBL_MAX to DBL_MAX; returns how many.
static size_t fill(dogb_bucket *buckets, const float *values, size_t size) {
    double positive[BOUNDS_MAX];
    double bounds[2 * BOUNDS_MAX + 1];
    size_t half = bounds_of(positive);
    size_t count = 2 * half + 1;
    for (size_t i = 0; i < half; i++) {
        bounds[half - 1 - i] = -positive[i];
        bounds[half + 1 + i] = positive[i];
    }
    bounds[half] = 0;
    for (size_t i = 0; i <= count; i++) {
        buckets[i] = (dogb_bucket){.left = i == 0 ? -DBL_MAX : bounds[i - 1],
                                   .right = i == count ? DBL_MAX : bounds[i]};
    }
    for (size_t i = 0; i < size; i++) {
        if (isfinite(values[i])) {
            buckets[place(bounds, count, (double)values[i])].count += 1;
        }
    }
    return count + 1;
}

static size_t squeeze(dogb_bucket *buckets, size_t count, range r) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        int empty = buckets[i].count == 0;
        if (empty && kept == 0) {
            continue; // before the first
        }
        if (empty && buckets[kept - 1].count == 0) {
            buckets[kept - 1].right = buckets[i].right;
        } else {
            buckets[kept++] = buckets[i];
        }
    }
    kept -= kept > 0 && buckets[kept - 1].count == 0; // behind the last
    if (kept > 0) {
        buckets[0].left = r.low;
        buckets[kept - 1].right = r.high;
    }
    return kept;
}

int dogb_histogram_default(dogb_buckets *out, dogb_arena *arena, const float *values, size_t size) {
    *out = (dogb_buckets){.buckets = dogb_alloc(arena, 2 * BOUNDS_MAX + 2, sizeof(dogb_bucket))};
    if (out->buckets == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    out->count = squeeze(out->buckets, fill(out->buckets, values, size), range_of(values, size));
    return DOGBREED_OK;
}
