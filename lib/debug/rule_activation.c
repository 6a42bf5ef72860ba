// rule_activation.c - DeadRelu and SaturatedActivation: units that no sample of a batch reaches. A
// unit is a channel of N,C,H,W (active where any place is) or a feature of N,F.
#include "debug/rule_calls.h"

#include <math.h>
#include <string.h>

// What a unit of a layer is active in: low < value < high.
typedef struct range {
    double low;
    double high;
} range;

typedef struct layer {
    const float *values;
    size_t samples;
    size_t units;
    size_t places; // of a unit in a sample
} layer;

static int is_active(const layer *l, size_t sample, size_t unit, range r, int *finite) {
    const float *values = l->values + (sample * l->units + unit) * l->places;
    for (size_t i = 0; i < l->places; i++) {
        double value = (double)values[i];
        if (value > r.low && value < r.high) {
            return 1;
        }
        *finite &= isfinite(value) != 0;
    }
    return 0;
}

// Units that are active in fewer samples than `percent`; -1: what decides is not finite.
static int64_t count_idle(const layer *l, range r, double percent) {
    int64_t idle = 0;
    for (size_t unit = 0; unit < l->units; unit++) {
        size_t active = 0;
        int finite = 1;
        for (size_t sample = 0; sample < l->samples; sample++) {
            active += (size_t)is_active(l, sample, unit, r, &finite);
            if (100 * (double)active >= percent * (double)l->samples) {
                break; // the rest changes nothing
            }
        }
        if (100 * (double)active < percent * (double)l->samples) {
            if (!finite) {
                return -1;
            }
            idle++;
        }
    }
    return idle;
}

typedef struct idle_words {
    const char *units; // "dead"
    double percent;    // threshold_inactivity
    double limit;      // threshold_layer
} idle_words;

static int judge_units(dogb_rule_run *run, const dogb_rule_moment *m, const dogb_rule_tensor *t,
                       range r, const idle_words *words) {
    layer l = {0};
    size_t count = 0;
    if (!dogb_rule_judged(run, m)) {
        return 0;
    }
    if (!t->trainable && !dogb_rule_parity(run)) {
        return dogb_rule_skip(run, DOGB_SKIP_FROZEN);
    }
    if (t->rank < 2) {
        return dogb_rule_skip(run, DOGB_SKIP_NOT_APPLICABLE);
    }
    int rc = dogb_rule_values(run, t, &l.values, &count);
    if (rc <= 0) {
        return rc;
    }
    l.samples = (size_t)t->shape[0];
    l.units = (size_t)t->shape[1];
    l.places = count / l.samples / l.units;
    int64_t idle = count_idle(&l, r, words->percent);
    if (idle < 0) {
        return dogb_rule_skip(run, DOGB_SKIP_NOT_FINITE);
    }
    double share = 100 * (double)idle / (double)l.units;
    dogb_rule_point(run);
    if (!(share > words->limit)) {
        return 0;
    }
    rc = dogb_rule_hit(run, m, "%s: %lld of %zu units are %s, threshold_layer is %g %%", t->name,
                       (long long)idle, l.units, words->units, words->limit);
    rc = rc < 0 ? rc : dogb_rule_evidence_text(run, "tensor", t->name);
    rc = rc < 0 ? rc : dogb_rule_evidence(run, "share", share);
    rc = rc < 0 ? rc : dogb_rule_evidence(run, "units", (double)idle);
    return rc < 0 ? rc : dogb_rule_evidence(run, "threshold_layer", words->limit);
}

static int dead_relu_see(dogb_rule_run *run, const dogb_rule_moment *m, const dogb_rule_tensor *t) {
    const dogb_dead_relu_params *params = run->params;
    const idle_words words = {"dead", params->threshold_inactivity, params->threshold_layer};
    return judge_units(run, m, t, (range){0, (double)INFINITY}, &words);
}

const dogb_rule_calls dogb_dead_relu_calls = {.see = dead_relu_see};

static int saturated_see(dogb_rule_run *run, const dogb_rule_moment *m, const dogb_rule_tensor *t) {
    const dogb_saturated_params *params = run->params;
    const idle_words words = {"saturated", params->threshold_inactivity, params->threshold_layer};
    int sigmoid = t->op == DOGB_RULE_OP_SIGMOID ||
                  (t->op != DOGB_RULE_OP_TANH && strstr(t->name, "sigmoid") != NULL);
    range r = sigmoid ? (range){params->threshold_sigmoid_min, params->threshold_sigmoid_max}
                      : (range){params->threshold_tanh_min, params->threshold_tanh_max};
    return judge_units(run, m, t, r, &words);
}

const dogb_rule_calls dogb_saturated_calls = {.see = saturated_see};
