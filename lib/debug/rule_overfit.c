// rule_overfit.c - Overfit and Overtraining: training and validation loss side by side, by epochs
// or, as the original, by saved steps.
#include "debug/rule_calls.h"

#include <math.h>

// A mean over samples.
typedef struct mean {
    double sum;
    double weight;
} mean;

static void mean_add(mean *m, double value, int64_t samples) {
    double weight = samples > 0 ? (double)samples : 1;
    m->sum += weight * value;
    m->weight += weight;
}

static double mean_of(const mean *m) {
    return m->sum / m->weight;
}

// Losses of the running stretch of training steps and of the validation steps behind it.
typedef struct stretch {
    mean train;
    mean validation;
    int32_t new_validation; // since the last step
    int32_t new_train;
} stretch;

// Takes a loss of a saved step. 1: it was one; 0: it could not be read; NO_MEMORY.
static int take(stretch *s, dogb_rule_run *run, const dogb_rule_moment *m,
                const dogb_rule_tensor *t) {
    const float *values = NULL;
    size_t count = 0;
    int rc = dogb_rule_values(run, t, &values, &count);
    if (rc <= 0) {
        return rc;
    }
    if (m->mode == DOGB_RULE_EVAL) {
        mean_add(&s->validation, (double)values[0], t->samples);
        s->new_validation = 1;
    } else if (m->mode == DOGB_RULE_TRAIN) {
        if (s->validation.weight > 0) { // a new stretch
            s->train = (mean){0};
            s->validation = (mean){0};
        }
        mean_add(&s->train, (double)values[0], t->samples);
        s->new_train = 1;
    }
    return 1;
}

static int is_nan(dogb_rule_run *run, const dogb_rule_moment *m, const char *which, double loss) {
    dogb_rule_point(run);
    int rc = dogb_rule_hit(run, m, "the %s loss is %s", which, isnan(loss) ? "NaN" : "infinite");
    return rc < 0 ? rc : dogb_rule_evidence(run, "loss", loss);
}

static dogb_rule_moment epoch_moment(const dogb_rule_epoch *e, int32_t mode) {
    return (dogb_rule_moment){
        .mode = mode, .epoch = e->epoch, .step = e->step, .mode_step = e->epoch};
}

// --- Overfit

typedef struct overfit {
    stretch losses;
    int64_t in_a_row;
} overfit;

static int overfit_begin(dogb_rule_run *run) {
    const dogb_overfit_params *params = run->params;
    run->sees = params->unit == DOGB_UNIT_STEPS ? run->sees : 0;
    return 0;
}

static int judge_overfit(dogb_rule_run *run, const dogb_rule_moment *m, double train,
                         double validation) {
    const dogb_overfit_params *params = run->params;
    overfit *state = run->state;
    if (!isfinite(train) || !isfinite(validation)) {
        int of_train = !isfinite(train);
        return is_nan(run, m, of_train ? "training" : "validation", of_train ? train : validation);
    }
    double ratio = (validation - train) / (train == 0 ? 1 : fabs(train));
    dogb_rule_point(run);
    state->in_a_row = ratio > params->ratio_threshold ? state->in_a_row + 1 : 0;
    if (state->in_a_row <= params->patience) {
        return 0;
    }
    int rc = dogb_rule_hit(run, m,
                           "the validation loss is %.4g, the training loss %.4g: ratio %.3g, %lld "
                           "times in a row above %g",
                           validation, train, ratio, (long long)state->in_a_row,
                           params->ratio_threshold);
    rc = rc < 0 ? rc : dogb_rule_evidence(run, "ratio", ratio);
    rc = rc < 0 ? rc : dogb_rule_evidence(run, "train_loss", train);
    rc = rc < 0 ? rc : dogb_rule_evidence(run, "validation_loss", validation);
    return rc < 0 ? rc : dogb_rule_evidence(run, "ratio_threshold", params->ratio_threshold);
}

static int overfit_see(dogb_rule_run *run, const dogb_rule_moment *m, const dogb_rule_tensor *t) {
    overfit *state = run->state;
    int rc = take(&state->losses, run, m, t);
    return rc < 0 ? rc : 0;
}

// The original looks at each saved validation step.
static int overfit_step(dogb_rule_run *run, const dogb_rule_moment *m) {
    const dogb_overfit_params *params = run->params;
    overfit *state = run->state;
    stretch *s = &state->losses;
    int fresh = s->new_validation;
    s->new_validation = 0;
    if (!fresh || m->mode_step < params->start_step || !dogb_rule_judged(run, m)) {
        return 0;
    }
    if (s->train.weight == 0) {
        return dogb_rule_skip(run, DOGB_SKIP_MODE);
    }
    return judge_overfit(run, m, mean_of(&s->train), mean_of(&s->validation));
}

static int overfit_epoch(dogb_rule_run *run, const dogb_rule_epoch *e) {
    const dogb_overfit_params *params = run->params;
    dogb_rule_moment m = epoch_moment(e, DOGB_RULE_EVAL);
    if (params->unit != DOGB_UNIT_EVALUATIONS || e->epoch < params->start_step ||
        !dogb_rule_judged(run, &m)) {
        return 0;
    }
    if (e->val_count == 0 || e->train_count == 0) {
        return dogb_rule_skip(run, DOGB_SKIP_MODE);
    }
    return judge_overfit(run, &m, e->train_loss, e->val_loss);
}

// Losses of one mode alone are a mode that never ran.
static int overfit_end(dogb_rule_run *run) {
    const overfit *state = run->state;
    const stretch *s = &state->losses;
    if ((s->train.weight > 0) != (s->validation.weight > 0)) {
        (void)dogb_rule_skip(run, DOGB_SKIP_MODE);
    }
    return 0;
}

const dogb_rule_calls dogb_overfit_calls = {.state_size = sizeof(overfit),
                                            .begin = overfit_begin,
                                            .see = overfit_see,
                                            .step = overfit_step,
                                            .epoch = overfit_epoch,
                                            .end = overfit_end};

// --- Overtraining

typedef struct best {
    double loss;
    int64_t stale; // looks in a row without a decrease of delta
    int64_t count;
} best;

typedef struct overtraining {
    stretch losses; // its means start anew at each step
    best train;
    best validation;
} overtraining;

static int overtraining_begin(dogb_rule_run *run) {
    const dogb_overtraining_params *params = run->params;
    run->sees = params->unit == DOGB_UNIT_STEPS ? run->sees : 0;
    return 0;
}

static int judge_best(dogb_rule_run *run, const dogb_rule_moment *m, best *b, const char *which,
                      double loss, int64_t patience) {
    const dogb_overtraining_params *params = run->params;
    if (!isfinite(loss)) {
        return dogb_rule_judged(run, m) ? is_nan(run, m, which, loss) : 0;
    }
    int better = b->count++ == 0 || (b->loss - loss >= params->delta && loss < b->loss);
    b->stale = better ? 0 : b->stale + 1;
    b->loss = better ? loss : b->loss;
    if (!dogb_rule_judged(run, m)) {
        return 0;
    }
    if (b->count == 1) {
        return dogb_rule_skip(run, DOGB_SKIP_TOO_FEW); // nothing to compare it with
    }
    dogb_rule_point(run);
    if (b->stale < patience) {
        return 0;
    }
    int rc =
        dogb_rule_hit(run, m,
                      "the %s loss has not improved by %g in the last %lld looks: lowest %.4g, "
                      "now %.4g",
                      which, params->delta, (long long)b->stale, b->loss, loss);
    rc = rc < 0 ? rc : dogb_rule_evidence_text(run, "loss_of", which);
    rc = rc < 0 ? rc : dogb_rule_evidence(run, "lowest_loss", b->loss);
    rc = rc < 0 ? rc : dogb_rule_evidence(run, "loss", loss);
    return rc < 0 ? rc : dogb_rule_evidence(run, "patience", (double)patience);
}

static int overtraining_see(dogb_rule_run *run, const dogb_rule_moment *m,
                            const dogb_rule_tensor *t) {
    overtraining *state = run->state;
    int rc = take(&state->losses, run, m, t);
    return rc < 0 ? rc : 0;
}

static int overtraining_step(dogb_rule_run *run, const dogb_rule_moment *m) {
    const dogb_overtraining_params *params = run->params;
    overtraining *state = run->state;
    stretch s = state->losses;
    state->losses = (stretch){0};
    if (s.new_train) {
        return judge_best(run, m, &state->train, "training", mean_of(&s.train),
                          params->patience_train);
    }
    if (s.new_validation) {
        return judge_best(run, m, &state->validation, "validation", mean_of(&s.validation),
                          params->patience_validation);
    }
    return 0;
}

static int overtraining_epoch(dogb_rule_run *run, const dogb_rule_epoch *e) {
    const dogb_overtraining_params *params = run->params;
    overtraining *state = run->state;
    int rc = 0;
    if (params->unit != DOGB_UNIT_EVALUATIONS) {
        return 0;
    }
    if (e->train_count > 0) {
        dogb_rule_moment m = epoch_moment(e, DOGB_RULE_TRAIN);
        rc = judge_best(run, &m, &state->train, "training", e->train_loss, params->patience_train);
    }
    if (rc == 0 && e->val_count > 0) {
        dogb_rule_moment m = epoch_moment(e, DOGB_RULE_EVAL);
        rc = judge_best(run, &m, &state->validation, "validation", e->val_loss,
                        params->patience_validation);
    }
    return rc;
}

const dogb_rule_calls dogb_overtraining_calls = {.state_size = sizeof(overtraining),
                                                 .begin = overtraining_begin,
                                                 .see = overtraining_see,
                                                 .step = overtraining_step,
                                                 .epoch = overtraining_epoch};
