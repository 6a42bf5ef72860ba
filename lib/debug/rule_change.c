// rule_change.c - rules that compare a tensor with what it was: UnchangedTensor, WeightUpdateRatio.
#include "debug/rule_calls.h"

#include <math.h>
#include <string.h>

// An earlier value of a tensor.
typedef struct kept {
    float *values; // NULL: none yet
    size_t count;
    int64_t step;
    int64_t streak;       // UnchangedTensor: saved steps that equal it, itself among them
    double absolute_mean; // WeightUpdateRatio
} kept;

static int keep(dogb_rule_run *run, kept *k, const dogb_rule_moment *m, const float *values,
                size_t count) {
    if (k->values == NULL || k->count != count) {
        dogb_release(dogb_rule_arena(run), k->values);
        k->values = dogb_alloc_raw(dogb_rule_arena(run), count, sizeof *values);
        if (k->values == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    memcpy(k->values, values, count * sizeof *values);
    k->count = count;
    k->step = m->step;
    k->streak = 1;
    return DOGBREED_OK;
}

static int is_parameter(const dogb_rule_tensor *t) {
    return t->what == DOGBREED_TENSOR_WEIGHT || t->what == DOGBREED_TENSOR_GRADIENT;
}

// The newest values are compared with the first ones of the streak.
static int unchanged_see(dogb_rule_run *run, const dogb_rule_moment *m, const dogb_rule_tensor *t) {
    const dogb_unchanged_params *params = run->params;
    kept *k = run->slot;
    const float *values = NULL;
    size_t count = 0;
    size_t worst = 0;
    if (is_parameter(t) && !t->trainable) {
        return dogb_rule_skip(run, DOGB_SKIP_FROZEN);
    }
    int rc = dogb_rule_values(run, t, &values, &count);
    if (rc <= 0) {
        return rc;
    }
    if (k->values == NULL || k->count != count ||
        !dogb_rule_close(values, k->values, count, params->rtol, params->atol, params->equal_nan,
                         &worst)) {
        int first = k->values == NULL;
        if (first && params->num_steps > 1) {
            (void)dogb_rule_skip(run, DOGB_SKIP_TOO_FEW);
        } else if (dogb_rule_judged(run, m)) {
            dogb_rule_point(run);
        }
        return keep(run, k, m, values, count);
    }
    k->streak++;
    if (!dogb_rule_judged(run, m)) {
        return 0;
    }
    if (k->streak < params->num_steps) {
        return dogb_rule_skip(run, DOGB_SKIP_TOO_FEW);
    }
    dogb_rule_point(run);
    rc = dogb_rule_hit(run, m, "%s: has not changed in %lld saved steps, since step %lld", t->name,
                       (long long)k->streak, (long long)k->step);
    rc = rc < 0 ? rc : dogb_rule_evidence_text(run, "tensor", t->name);
    return rc < 0 ? rc : dogb_rule_evidence(run, "steps", (double)k->streak);
}

const dogb_rule_calls dogb_unchanged_calls = {.slot_size = sizeof(kept), .see = unchanged_see};

enum { LANES = 8 };

// Mean of |value - from|, in lanes: one sum would wait for itself at each value.
static double mean_change(const float *values, const float *from, size_t count) {
    double lanes[LANES] = {0};
    double sum = 0;
    size_t whole = count - count % LANES;
    for (size_t i = 0; i < whole; i += LANES) {
        for (size_t k = 0; k < LANES; k++) {
            lanes[k] += fabs((double)values[i + k] - (double)from[i + k]);
        }
    }
    for (size_t i = whole; i < count; i++) {
        sum += fabs((double)values[i] - (double)from[i]);
    }
    for (size_t k = 0; k < LANES; k++) {
        sum += lanes[k];
    }
    return sum / (double)count;
}

static int judge_update(dogb_rule_run *run, const dogb_rule_moment *m, const dogb_rule_tensor *t,
                        const kept *k, double change) {
    const dogb_update_params *params = run->params;
    if (k->absolute_mean == 0 && !dogb_rule_parity(run)) {
        return dogb_rule_skip(run, DOGB_SKIP_NOT_APPLICABLE); // any update of zeros is large
    }
    double ratio = change / (k->absolute_mean + params->epsilon);
    dogb_rule_point(run);
    if (ratio > params->large_threshold) {
        return dogb_rule_tensor_hit(run, m, t, "ratio of update to weight", ratio,
                                    "large_threshold", params->large_threshold);
    }
    if (ratio < params->small_threshold) {
        return dogb_rule_tensor_hit(run, m, t, "ratio of update to weight", ratio,
                                    "small_threshold", params->small_threshold);
    }
    return 0;
}

static int update_see(dogb_rule_run *run, const dogb_rule_moment *m, const dogb_rule_tensor *t) {
    const dogb_update_params *params = run->params;
    kept *k = run->slot;
    const float *values = NULL;
    const dogbreed_tensor_stats *stats = NULL;
    size_t count = 0;
    if (!t->trainable) {
        return dogb_rule_skip(run, DOGB_SKIP_FROZEN);
    }
    if (k->values != NULL && m->step < k->step + params->num_steps) {
        return 0;
    }
    int rc = dogb_rule_values(run, t, &values, &count);
    rc = rc <= 0 ? rc : dogb_rule_stats(run, t, &stats);
    if (rc <= 0) {
        return rc;
    }
    if (stats->nan_count + stats->infinity_count > 0) {
        return dogb_rule_skip(run, DOGB_SKIP_NOT_FINITE);
    }
    if (k->values == NULL || k->count != count) {
        rc = dogb_rule_skip(run, DOGB_SKIP_TOO_FEW);
    } else if (dogb_rule_judged(run, m)) {
        rc = judge_update(run, m, t, k, mean_change(values, k->values, count));
    }
    k->absolute_mean = stats->absolute_mean;
    return rc < 0 ? rc : keep(run, k, m, values, count);
}

const dogb_rule_calls dogb_update_calls = {.slot_size = sizeof(kept), .see = update_see};
