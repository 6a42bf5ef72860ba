// tally.c - sums over samples: the only implementation of mean loss, top-k accuracy and confusion.
// Knows nothing of models or files.
#include "core/error.h"
#include "evaluate/evaluate_internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

int dogb_tally_init(dogb_tally *tally, dogb_arena *arena, int32_t classes, int with_confusion) {
    memset(tally, 0, sizeof *tally);
    DOGB_CHECK(classes > 0, "evaluation: %d classes", (int)classes);
    tally->classes = classes;
    if (!with_confusion) {
        return DOGBREED_OK;
    }
    size_t side = (size_t)classes;
    tally->confusion = side > SIZE_MAX / side ? NULL : dogb_alloc(arena, side * side, 8);
    return tally->confusion == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

int32_t dogb_tally_argmax(const float *logits, int32_t classes) {
    int32_t best = 0;
    for (int32_t i = 1; i < classes; i++) {
        best = logits[i] > logits[best] ? i : best;
    }
    return best;
}

int dogb_all_finite(const float *logits, int32_t classes) {
    int finite = 1;
    for (int32_t i = 0; i < classes; i++) {
        finite &= isfinite(logits[i]) != 0;
    }
    return finite;
}

dogb_softmax dogb_softmax_of(const float *logits, int32_t classes, double scale) {
    dogb_softmax s = {.best = logits[dogb_tally_argmax(logits, classes)]};
    for (int32_t i = 0; i < classes; i++) {
        s.sum += exp(scale * ((double)logits[i] - s.best));
    }
    return s;
}

double dogb_cross_entropy(double *confidence, const float *logits, int32_t classes, int32_t label) {
    dogb_softmax s = dogb_softmax_of(logits, classes, 1.0);
    if (confidence != NULL) {
        *confidence = 1.0 / s.sum;
    }
    return log(s.sum) - ((double)logits[label] - s.best);
}

void dogb_calibration_add(dogb_calibration_bin *bins, double confidence, int correct) {
    int at = (int)ceil(confidence * DOGB_CALIBRATION_BINS) - 1;
    at = at < 0 ? 0 : at >= DOGB_CALIBRATION_BINS ? DOGB_CALIBRATION_BINS - 1 : at;
    bins[at].count++;
    bins[at].correct += correct;
    bins[at].confidence += confidence;
}

static void add_one(dogb_tally *tally, const float *logits, int32_t label) {
    int32_t best = dogb_tally_argmax(logits, tally->classes);
    int32_t above = 0; // classes ranked before the label: larger, or equal with a lower index
    int finite = dogb_all_finite(logits, tally->classes);
    for (int32_t i = 0; i < tally->classes; i++) {
        above += logits[i] > logits[label] || (logits[i] == logits[label] && i < label);
    }
    double confidence = 0.0;
    tally->loss_sum += dogb_cross_entropy(&confidence, logits, tally->classes, label);
    tally->count++;
    // Nothing is right about outputs that are not numbers: comparisons with NaN must not count.
    tally->correct += finite && above == 0;
    tally->correct5 += finite && above < 5;
    if (finite) {
        dogb_calibration_add(tally->bins, confidence, above == 0);
    }
    if (tally->confusion != NULL) {
        tally->confusion[(size_t)label * (size_t)tally->classes + (size_t)best]++;
    }
}

void dogb_tally_add(dogb_tally *tally, const float *logits, const int32_t *labels, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        assert(labels[i] >= 0 && labels[i] < tally->classes);
        add_one(tally, logits + (size_t)i * (size_t)tally->classes, labels[i]);
    }
}

// Guo et al., "On calibration of modern neural networks", ICML 2017: the mean distance between
// confidence and accuracy over the bins, weighted by their samples.
double dogb_calibration_error(const dogb_calibration_bin *bins) {
    double error = 0.0;
    int64_t all = 0;
    for (int i = 0; i < DOGB_CALIBRATION_BINS; i++) {
        all += bins[i].count;
        error += fabs((double)bins[i].correct - bins[i].confidence);
    }
    return all > 0 ? error / (double)all : (double)NAN;
}

// Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927.
void dogb_wilson(double *low, double *high, int64_t correct, int64_t count) {
    const double z = 1.959963984540054; // 97.5 % quantile of the normal distribution
    *low = 0.0;
    *high = 1.0;
    if (count <= 0) {
        return;
    }
    double n = (double)count;
    double p = (double)correct / n;
    double scale = 1.0 + z * z / n;
    double centre = (p + z * z / (2.0 * n)) / scale;
    double half = z * sqrt(p * (1.0 - p) / n + z * z / (4.0 * n * n)) / scale;
    // At the ends the exact bounds are 0 and 1; rounding must not leave them.
    *low = correct == 0 ? 0.0 : centre - half;
    *high = correct == count ? 1.0 : centre + half;
}

void dogb_tally_finish(dogbreed_evaluation *out, const dogb_tally *tally) {
    double n = tally->count > 0 ? (double)tally->count : 1.0;
    memset(out, 0, sizeof *out);
    out->struct_size = sizeof *out;
    out->classes = tally->classes;
    out->count = tally->count;
    out->correct = tally->correct;
    out->correct5 = tally->correct5;
    out->loss = tally->loss_sum / n;
    out->top1 = (double)tally->correct / n;
    out->top5 = (double)tally->correct5 / n;
    dogb_wilson(&out->top1_low, &out->top1_high, tally->correct, tally->count);
    out->ece = dogb_calibration_error(tally->bins);
}
