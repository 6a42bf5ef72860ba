// rule_poor.c - PoorWeightInitialization: variances of what goes into ReLUs, widths of gradients
// and the loss of the first saved steps. It judges networks whose weights were drawn for this
// training.
#include "debug/rule_calls.h"

#include "core/stats.h"

#include <math.h>
#include <stdio.h>

enum { INPUTS = 0, GRADIENTS = 1, LOSSES = 2, NAME_BYTES = 128 };

typedef struct poor {
    int64_t steps; // saved steps that were looked at
    double best_loss;
    int64_t stale; // of them in a row without a new lowest loss
    // of this step
    int32_t inputs;
    int32_t gradients; // fresh ones with two axes or more
    double variance_min;
    double variance_max;
    double width; // narrowest gradient
    double loss_sum;
    int32_t losses;
    int32_t pretrained; // layers that were left out
    char narrowest[NAME_BYTES];
} poor;

static int poor_begin(dogb_rule_run *run) {
    poor *p = run->state;
    p->best_loss = (double)INFINITY;
    return 0;
}

static int see_input(dogb_rule_run *run, const dogb_rule_tensor *t) {
    poor *p = run->state;
    const dogbreed_tensor_stats *stats = NULL;
    int rc = dogb_rule_stats(run, t, &stats);
    if (rc <= 0) {
        return rc;
    }
    double variance = dogb_stats_variance(stats);
    if (stats->nan_count + stats->infinity_count > 0) {
        return dogb_rule_skip(run, DOGB_SKIP_NOT_FINITE);
    }
    p->variance_min = p->inputs == 0 || variance < p->variance_min ? variance : p->variance_min;
    p->variance_max = p->inputs == 0 || variance > p->variance_max ? variance : p->variance_max;
    p->inputs++;
    return 0;
}

// A new layer that is the only one will not be judged (is_new_network): its percentiles, which
// cost as much as several steps of a head, are not looked for.
static int is_alone(const dogb_rule_run *run) {
    return dogb_rule_conf(run)->new_layers == 1 && !dogb_rule_parity(run);
}

static int see_gradient(dogb_rule_run *run, const dogb_rule_tensor *t) {
    static const double percentiles[2] = {0.05, 0.95};
    poor *p = run->state;
    const float *values = NULL;
    size_t count = 0;
    double ends[2];
    if (!dogb_rule_is_weight(t)) {
        return 0;
    }
    if (is_alone(run)) {
        p->gradients++;
        return 0;
    }
    int rc = dogb_rule_values(run, t, &values, &count);
    if (rc <= 0) {
        return rc;
    }
    dogb_stats_quantiles(ends, values, count, percentiles, 2);
    double width = ends[1] - ends[0];
    if (!isfinite(width)) {
        return dogb_rule_skip(run, DOGB_SKIP_NOT_FINITE);
    }
    if (p->gradients == 0 || width < p->width) {
        p->width = width;
        (void)snprintf(p->narrowest, NAME_BYTES, "%s", t->name);
    }
    p->gradients++;
    return 0;
}

static int see_loss(dogb_rule_run *run, const dogb_rule_tensor *t) {
    poor *p = run->state;
    const float *values = NULL;
    size_t count = 0;
    int rc = dogb_rule_values(run, t, &values, &count);
    if (rc > 0) {
        p->loss_sum += (double)values[0];
        p->losses++;
        rc = 0;
    }
    return rc;
}

static int is_training(const dogb_rule_moment *m) {
    return m->mode == DOGB_RULE_TRAIN || m->mode == DOGB_RULE_GLOBAL;
}

static int poor_see(dogb_rule_run *run, const dogb_rule_moment *m, const dogb_rule_tensor *t) {
    const dogb_poor_params *params = run->params;
    poor *p = run->state;
    if (p->steps >= params->steps || !is_training(m) || !dogb_rule_judged(run, m)) {
        return 0;
    }
    if (run->group == LOSSES) {
        return see_loss(run, t);
    }
    if (!dogb_rule_parity(run) && !t->fresh) {
        p->pretrained++;
        return dogb_rule_skip(run, DOGB_SKIP_PRETRAINED);
    }
    if (!dogb_rule_parity(run) && !t->trainable) {
        return dogb_rule_skip(run, DOGB_SKIP_FROZEN);
    }
    return run->group == INPUTS ? see_input(run, t) : see_gradient(run, t);
}

static int judge_variances(dogb_rule_run *run, const dogb_rule_moment *m) {
    const dogb_poor_params *params = run->params;
    const poor *p = run->state;
    if (p->inputs < 2 || p->variance_max == 0) {
        return 0;
    }
    double ratio = p->variance_max / p->variance_min; // infinite: a layer's inputs are all alike
    dogb_rule_point(run);
    if (!(ratio > params->threshold)) {
        return 0;
    }
    int rc = dogb_rule_hit(run, m,
                           "variances of activation inputs reach from %.4g to %.4g, threshold is "
                           "%g",
                           p->variance_min, p->variance_max, params->threshold);
    rc = rc < 0 ? rc : dogb_rule_evidence(run, "variance_ratio", ratio);
    return rc < 0 ? rc : dogb_rule_evidence(run, "threshold", params->threshold);
}

static int judge_width(dogb_rule_run *run, const dogb_rule_moment *m) {
    const dogb_poor_params *params = run->params;
    const poor *p = run->state;
    if (p->gradients == 0 || is_alone(run)) {
        return 0;
    }
    dogb_rule_point(run);
    if (!(p->width < params->distribution_range)) {
        return 0;
    }
    int rc = dogb_rule_hit(run, m,
                           "%s: 5th and 95th percentile are %.4g apart, distribution_range is %g",
                           p->narrowest, p->width, params->distribution_range);
    rc = rc < 0 ? rc : dogb_rule_evidence_text(run, "tensor", p->narrowest);
    rc = rc < 0 ? rc : dogb_rule_evidence(run, "width", p->width);
    return rc < 0 ? rc : dogb_rule_evidence(run, "distribution_range", params->distribution_range);
}

static int judge_loss(dogb_rule_run *run, const dogb_rule_moment *m) {
    const dogb_poor_params *params = run->params;
    poor *p = run->state;
    if (p->losses == 0) {
        return 0;
    }
    double loss = p->loss_sum / p->losses;
    int better = loss < p->best_loss;
    p->stale = better ? 0 : p->stale + 1;
    p->best_loss = better ? loss : p->best_loss;
    dogb_rule_point(run);
    if (p->stale < params->patience) {
        return 0;
    }
    int rc =
        dogb_rule_hit(run, m, "the loss has not decreased for %lld saved steps, patience is %lld",
                      (long long)p->stale, (long long)params->patience);
    rc = rc < 0 ? rc : dogb_rule_evidence(run, "loss", loss);
    return rc < 0 ? rc : dogb_rule_evidence(run, "lowest_loss", p->best_loss);
}

// Fewer than two new layers say nothing about how weights are drawn.
static int is_new_network(dogb_rule_run *run) {
    const poor *p = run->state;
    if (dogb_rule_parity(run) || p->gradients > 1 || p->inputs > 1) {
        return 1;
    }
    if (p->pretrained == 0) {
        (void)dogb_rule_skip(run, DOGB_SKIP_TOO_FEW);
    }
    return 0;
}

static int poor_step(dogb_rule_run *run, const dogb_rule_moment *m) {
    const dogb_poor_params *params = run->params;
    poor *p = run->state;
    if (p->steps >= params->steps || p->inputs + p->gradients + p->losses + p->pretrained == 0 ||
        !is_training(m)) {
        return 0;
    }
    int rc = 0;
    p->steps++;
    if (!is_new_network(run)) {
        p->steps = params->steps; // nor will it be one
    } else {
        rc = judge_variances(run, m);
        rc = rc < 0 ? rc : judge_width(run, m);
        rc = rc < 0 ? rc : judge_loss(run, m);
    }
    p->inputs = 0;
    p->gradients = 0;
    p->losses = 0;
    p->loss_sum = 0;
    p->pretrained = 0;
    return rc;
}

const dogb_rule_calls dogb_poor_calls = {
    .state_size = sizeof(poor), .begin = poor_begin, .see = poor_see, .step = poor_step};
