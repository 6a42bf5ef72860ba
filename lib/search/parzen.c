// parzen.c - see parzen.h.
#include "search/parzen.h"

#include "core/error.h"
#include "search/normal.h"

#include <math.h>
#include <stdlib.h>

enum { FLAT = 25 }; // the newest observations weigh 1, older ones less

static void fill_weights(double *weights, int32_t count) {
    double sum = 0;
    for (int32_t i = 0; i <= count; i++) {
        int32_t ramp = count - FLAT;
        double from = count > 0 ? 1.0 / count : 1;
        weights[i] = i >= ramp ? 1 : ramp == 1 ? from : from + (1 - from) * i / (ramp - 1);
        sum += weights[i];
    }
    for (int32_t i = 0; i <= count; i++) {
        weights[i] /= sum;
    }
}

typedef struct place {
    double middle;
    int32_t index;
} place;

static int compare(const void *a, const void *b) {
    const place *left = a;
    const place *right = b;
    if (left->middle != right->middle) {
        return left->middle < right->middle ? -1 : 1;
    }
    return (left->index > right->index) - (left->index < right->index);
}

// A kernel is as wide as the larger gap to its neighbours, within limits. The outermost two look at
// their inner neighbour alone.
static void fill_widths(double *widths, const place *sorted, int32_t count, double low,
                        double high) {
    double narrow = (high - low) / fmin(100, 2 + count);
    for (int32_t i = 0; i < count; i++) {
        double here = sorted[i].middle;
        double left = here - (i > 0 ? sorted[i - 1].middle : low);
        double right = (i < count - 1 ? sorted[i + 1].middle : high) - here;
        double width = count > 1 && i == 0           ? right
                       : count > 1 && i == count - 1 ? left
                                                     : fmax(left, right);
        widths[sorted[i].index] = fmin(fmax(width, narrow), high - low);
    }
}

static void fill_numbers(dogb_parzen *out, int32_t axis, const double *const *rows, place *sorted) {
    const dogb_axis *a = &out->axes[axis];
    double *middles = out->middles + (size_t)axis * (size_t)out->kernels;
    double *widths = out->widths + (size_t)axis * (size_t)out->kernels;
    double *constant = out->constant + (size_t)axis * (size_t)out->kernels;
    double low, high;
    dogb_axis_bounds(a, &low, &high);
    int32_t count = out->kernels - 1;
    for (int32_t i = 0; i < count; i++) {
        double value = fmin(fmax(rows[i][axis], a->low), a->high); // ranges of a study may change
        middles[i] = dogb_axis_scaled(a, value);
        sorted[i] = (place){middles[i], i};
    }
    qsort(sorted, (size_t)count, sizeof *sorted, compare);
    fill_widths(widths, sorted, count, low, high);
    middles[count] = (low + high) / 2;
    widths[count] = high - low;
    for (int32_t i = 0; i <= count; i++) {
        double mass =
            dogb_normal_mass((low - middles[i]) / widths[i], (high - middles[i]) / widths[i]);
        constant[i] = log(mass) + (a->step > 0 ? 0 : dogb_log_sqrt_2pi + log(widths[i]));
    }
}

int dogb_parzen_build(dogb_parzen *out, dogb_arena *arena, const dogb_axis *axes,
                      int32_t axis_count, const double *const *rows, int32_t count) {
    *out = (dogb_parzen){.axes = axes, .axis_count = axis_count, .kernels = count + 1};
    size_t cells = (size_t)axis_count * (size_t)out->kernels;
    place *sorted = dogb_alloc(arena, (size_t)out->kernels, sizeof *sorted);
    out->weights = dogb_alloc(arena, (size_t)out->kernels, sizeof(double));
    out->middles = dogb_alloc(arena, cells, sizeof(double));
    out->widths = dogb_alloc(arena, cells, sizeof(double));
    out->constant = dogb_alloc(arena, cells, sizeof(double));
    if (sorted == NULL || out->weights == NULL || out->middles == NULL || out->widths == NULL ||
        out->constant == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    fill_weights(out->weights, count);
    for (int32_t axis = 0; axis < axis_count; axis++) {
        if (axes[axis].kind != DOGB_AXIS_CHOICE) {
            fill_numbers(out, axis, rows, sorted);
            continue;
        }
        for (int32_t i = 0; i < count; i++) {
            out->middles[(size_t)axis * (size_t)out->kernels + (size_t)i] = rows[i][axis];
        }
    }
    return 0;
}

// --- one axis of one kernel

// Probability of a choice: a share of 1 / kernels for each, and 1 for the observed one.
static double choice_share(const dogb_parzen *parzen, int32_t axis, int32_t kernel, double value) {
    double choices = parzen->axes[axis].high + 1;
    if (kernel == parzen->kernels - 1) {
        return 1 / choices;
    }
    size_t at = (size_t)axis * (size_t)parzen->kernels + (size_t)kernel;
    double share = 1.0 / parzen->kernels;
    return (share + (parzen->middles[at] == value)) / (1 + share * choices);
}

static double sample_choice(const dogb_parzen *parzen, int32_t axis, int32_t kernel, double u) {
    const dogb_axis *a = &parzen->axes[axis];
    double value = 0;
    for (; value < a->high; value++) {
        u -= choice_share(parzen, axis, kernel, value);
        if (u < 0) {
            break;
        }
    }
    return value;
}

static double sample_number(const dogb_parzen *parzen, int32_t axis, int32_t kernel, double u) {
    const dogb_axis *a = &parzen->axes[axis];
    size_t at = (size_t)axis * (size_t)parzen->kernels + (size_t)kernel;
    double low, high;
    dogb_axis_bounds(a, &low, &high);
    if (!(high > low)) {
        return a->low;
    }
    double middle = parzen->middles[at];
    double width = parzen->widths[at];
    double below = dogb_normal_mass(-INFINITY, (low - middle) / width);
    double above = dogb_normal_mass((high - middle) / width, INFINITY);
    double z = dogb_normal_quantile(below + u * (1 - below - above));
    double unit = (middle + z * width - low) / (high - low);
    return dogb_axis_value(a, unit);
}

void dogb_parzen_sample(const dogb_parzen *parzen, double *values, dogb_rng *rng) {
    double u = dogb_rng_uniform(rng);
    int32_t kernel = 0;
    while (kernel < parzen->kernels - 1 && (u -= parzen->weights[kernel]) >= 0) {
        kernel++;
    }
    for (int32_t axis = 0; axis < parzen->axis_count; axis++) {
        int choice = parzen->axes[axis].kind == DOGB_AXIS_CHOICE;
        values[axis] =
            (choice ? sample_choice : sample_number)(parzen, axis, kernel, dogb_rng_uniform(rng));
    }
}

// Adds the log density of axis `axis` at `value` to each kernel's.
static void add_axis(const dogb_parzen *parzen, int32_t axis, double value, double *sums) {
    const dogb_axis *a = &parzen->axes[axis];
    size_t row = (size_t)axis * (size_t)parzen->kernels;
    const double *middles = parzen->middles + row;
    const double *widths = parzen->widths + row;
    const double *constant = parzen->constant + row;
    if (a->kind == DOGB_AXIS_CHOICE) {
        for (int32_t i = 0; i < parzen->kernels; i++) {
            sums[i] += log(choice_share(parzen, axis, i, value));
        }
    } else if (a->step > 0) { // the mass of its step
        double left = dogb_axis_scaled(a, value - a->step / 2);
        double right = dogb_axis_scaled(a, value + a->step / 2);
        for (int32_t i = 0; i < parzen->kernels; i++) {
            sums[i] += log(dogb_normal_mass((left - middles[i]) / widths[i],
                                            (right - middles[i]) / widths[i])) -
                       constant[i];
        }
    } else {
        double at = dogb_axis_scaled(a, value);
        for (int32_t i = 0; i < parzen->kernels; i++) {
            double z = (at - middles[i]) / widths[i];
            sums[i] -= z * z / 2 + constant[i];
        }
    }
}

double dogb_parzen_log(const dogb_parzen *parzen, const double *values, double *scratch) {
    for (int32_t i = 0; i < parzen->kernels; i++) {
        scratch[i] = log(parzen->weights[i]);
    }
    for (int32_t axis = 0; axis < parzen->axis_count; axis++) {
        if (dogb_axis_count(&parzen->axes[axis]) != 1) {
            add_axis(parzen, axis, values[axis], scratch);
        }
    }
    double most = -INFINITY;
    for (int32_t i = 0; i < parzen->kernels; i++) {
        most = fmax(most, scratch[i]);
    }
    double sum = 0;
    for (int32_t i = 0; i < parzen->kernels; i++) {
        sum += exp(scratch[i] - most);
    }
    return most + log(sum);
}
