// temperature.c - the temperature that fits the outputs best. In 1 / temperature the loss is
// convex: Newton's method between bounds that close in, in double, sample by sample.
#include "evaluate/evaluate_struct.h"

#include <math.h>
#include <string.h>

static const double scale_min = 0.01; // 1 / temperature
static const double scale_max = 100.0;

typedef struct slope {
    double first; // derivatives of the loss by the scale
    double second;
} slope;

static void add_slope(slope *sum, const float *logits, int32_t classes, int32_t label,
                      double scale) {
    double best = logits[dogb_tally_argmax(logits, classes)];
    double weights = 0.0, mean = 0.0, square = 0.0;
    for (int32_t i = 0; i < classes; i++) {
        double below = (double)logits[i] - best;
        double weight = exp(scale * below);
        weights += weight;
        mean += weight * below;
        square += weight * below * below;
    }
    mean /= weights;
    sum->first += mean - ((double)logits[label] - best);
    sum->second += square / weights - mean * mean;
}

static slope slope_at(const dogb_outputs *outputs, double scale) {
    slope sum = {0.0, 0.0};
    for (int64_t i = 0; i < outputs->count; i++) {
        add_slope(&sum, outputs->logits + (size_t)i * (size_t)outputs->classes, outputs->classes,
                  outputs->labels[i], scale);
    }
    return sum;
}

// NaN: the loss falls, or rises, all the way.
static double best_scale(const dogb_outputs *outputs) {
    enum { STEPS_MAX = 100 };
    const double close = 1e-12;
    double low = scale_min, high = scale_max, scale = 1.0;
    if (!(slope_at(outputs, low).first < 0) || !(slope_at(outputs, high).first > 0)) {
        return (double)NAN;
    }
    for (int i = 0; i < STEPS_MAX; i++) {
        slope at = slope_at(outputs, scale);
        double next = scale - at.first / at.second;
        *(at.first > 0 ? &high : &low) = scale;
        next = next > low && next < high ? next : sqrt(low * high);
        if (at.first == 0 || fabs(next - scale) <= close * scale) {
            break;
        }
        scale = next;
    }
    return scale;
}

void dogb_scaling_fit(dogb_scaling *out, const dogb_outputs *outputs) {
    memset(out, 0, sizeof *out);
    double scale = best_scale(outputs);
    out->temperature = 1.0 / scale;
    out->loss = isnan(scale) ? scale : 0.0;
    for (int64_t i = 0; !isnan(scale) && i < outputs->count; i++) {
        const float *logits = outputs->logits + (size_t)i * (size_t)outputs->classes;
        int32_t label = outputs->labels[i];
        dogb_softmax s = dogb_softmax_of(logits, outputs->classes, scale);
        int correct = dogb_tally_argmax(logits, outputs->classes) == label;
        dogb_calibration_add(out->bins, 1.0 / s.sum, correct);
        out->loss +=
            (log(s.sum) - scale * ((double)logits[label] - s.best)) / (double)outputs->count;
    }
}
