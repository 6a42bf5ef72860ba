// rule_input.c - CheckInputImages: means of the channels of what goes into the network.
#include "debug/rule_calls.h"

#include <math.h>

enum { CHANNELS_MAX = 16 };

typedef struct input {
    double sums[CHANNELS_MAX]; // of the means of samples
    int64_t samples;
    int64_t channels;
    double minimum;
    double maximum;
    int64_t next; // samples at which the means are judged
} input;

static int input_begin(dogb_rule_run *run) {
    const dogb_input_params *params = run->params;
    input *in = run->state;
    in->minimum = (double)INFINITY;
    in->maximum = -(double)INFINITY;
    in->next = params->threshold_samples;
    return 0;
}

// Elements of the axes from `from` to `to`.
static size_t extent(const dogb_rule_tensor *t, int64_t from, int64_t to) {
    size_t count = 1;
    for (int64_t i = from; i < to; i++) {
        count *= (size_t)t->shape[i];
    }
    return count;
}

// Adds a plane of values to the mean of its channel. 0: a value is not finite.
static int add_plane(input *in, double *sum, const float *values, size_t count) {
    double plane = 0;
    float low = values[0];
    float high = values[0];
    for (size_t i = 0; i < count; i++) {
        plane += (double)values[i];
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
    }
    if (!isfinite(plane)) {
        return 0;
    }
    *sum += plane;
    in->minimum = fmin(in->minimum, (double)low);
    in->maximum = fmax(in->maximum, (double)high);
    return 1;
}

// Adds the samples of a batch. 0: a value is not finite, nothing is added.
static int add_batch(input *in, const dogb_rule_tensor *t, int64_t axis, const float *values) {
    double sums[CHANNELS_MAX] = {0};
    size_t outer = extent(t, 0, axis);
    size_t inner = extent(t, axis + 1, t->rank);
    size_t channels = (size_t)t->shape[axis];
    for (size_t i = 0; i < outer; i++) {
        for (size_t c = 0; c < channels; c++) {
            if (!add_plane(in, &sums[c], values + (i * channels + c) * inner, inner)) {
                return 0;
            }
        }
    }
    double places = (double)(outer * inner) / (double)t->shape[0]; // of a sample's channel
    for (size_t c = 0; c < channels; c++) {
        in->sums[c] += sums[c] / places;
    }
    in->samples += t->shape[0];
    in->channels = t->shape[axis];
    return 1;
}

static int judge(dogb_rule_run *run, const dogb_rule_moment *m) {
    const dogb_input_params *params = run->params;
    const input *in = run->state;
    double worst = 0;
    for (int64_t c = 0; c < in->channels; c++) {
        double mean = in->sums[c] / (double)in->samples;
        worst = fabs(mean) > fabs(worst) ? mean : worst;
    }
    dogb_rule_point(run);
    if (!(fabs(worst) > params->threshold_mean)) {
        return 0;
    }
    int in_unit = in->minimum >= 0 && in->maximum <= 1;
    int in_bytes = in->minimum >= 0 && in->maximum > 1 && in->maximum <= 255 && worst > 1;
    const char *cause = in_unit    ? "Normalize missing"
                        : in_bytes ? "scaling to 0..1 and Normalize missing"
                                   : "mean and deviation of Normalize are not those of the data";
    int rc = dogb_rule_hit(run, m,
                           "a channel's mean over %lld pictures is %.3f, threshold_mean is %g: %s",
                           (long long)in->samples, worst, params->threshold_mean, cause);
    rc = rc < 0 ? rc : dogb_rule_evidence(run, "mean", worst);
    rc = rc < 0 ? rc : dogb_rule_evidence(run, "minimum", in->minimum);
    rc = rc < 0 ? rc : dogb_rule_evidence(run, "maximum", in->maximum);
    return rc < 0 ? rc : dogb_rule_evidence_text(run, "likely_cause", cause);
}

static int input_see(dogb_rule_run *run, const dogb_rule_moment *m, const dogb_rule_tensor *t) {
    const dogb_input_params *params = run->params;
    input *in = run->state;
    const float *values = NULL;
    size_t count = 0;
    if (!dogb_rule_judged(run, m)) {
        return 0;
    }
    if (t->rank < 3 || params->channel >= t->rank || t->shape[params->channel] > CHANNELS_MAX) {
        return dogb_rule_skip(run, DOGB_SKIP_NOT_APPLICABLE); // features, not pictures
    }
    int rc = dogb_rule_values(run, t, &values, &count);
    if (rc <= 0) {
        return rc;
    }
    if (!add_batch(in, t, params->channel, values)) {
        return dogb_rule_skip(run, DOGB_SKIP_NOT_FINITE);
    }
    if (in->samples < in->next) {
        return dogb_rule_skip(run, DOGB_SKIP_TOO_FEW);
    }
    in->next = in->samples + params->threshold_samples;
    return judge(run, m);
}

const dogb_rule_calls dogb_input_calls = {
    .state_size = sizeof(input), .begin = input_begin, .see = input_see};
