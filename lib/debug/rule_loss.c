// rule_loss.c - LossNotDecreasing: the loss of now and the newest one that lies num_steps back or
// more.
#include "debug/rule_calls.h"

#include <math.h>

enum { CHOSEN = 0, LOSSES = 1 }; // groups

typedef struct point {
    int64_t step;
    double loss;
} point;

// Losses of one tensor in one mode, or of the epochs.
typedef struct series {
    point *points;
    size_t count;
    size_t capacity;
    int64_t next_check; // the first step that is compared
} series;

typedef struct decreasing {
    series epochs;
    int64_t num_steps;
    int32_t best; // of the modes that have losses: validation, training, unknown
} decreasing;

static int decreasing_begin(dogb_rule_run *run) {
    const dogb_decreasing_params *params = run->params;
    decreasing *state = run->state;
    int by_steps = params->unit == DOGB_UNIT_STEPS;
    state->num_steps = params->num_steps > 0 ? params->num_steps : by_steps ? 10 : 3;
    state->epochs.next_check = state->num_steps - 1;
    run->sees = by_steps ? run->sees : 0;
    if (!params->use_losses_collection) {
        dogb_rule_drop_group(run, LOSSES);
    }
    return 0;
}

// Where the mode stands in the order of those that are looked at; 0: it is not looked at.
static int rank_of(int32_t wanted, int32_t mode) {
    switch (mode) {
    case DOGB_RULE_EVAL:
        return wanted != DOGB_MODE_TRAIN ? 3 : 0;
    case DOGB_RULE_TRAIN:
        return wanted != DOGB_MODE_EVAL ? 2 : 0;
    default:
        return wanted == DOGB_MODE_GLOBAL ? 1 : 0;
    }
}

// The newest point at or before `step`; NULL: there is none.
static const point *find(const series *s, int64_t step) {
    size_t i = s->count;
    while (i > 0 && s->points[i - 1].step > step) {
        i--;
    }
    return i == 0 ? NULL : &s->points[i - 1];
}

// Change in percent; of a loss of 0, hundred times the difference.
static double change_of(double from, double to) {
    return 100 * (to - from) / (from == 0 ? 1 : fabs(from));
}

static int is_hit(const dogb_decreasing_params *params, double from, double change) {
    if (params->compat == DOGB_COMPAT_2019) {
        return change >= params->diff_percent;
    }
    if (from == 0 && change == 0) {
        return 0; // it cannot be lower
    }
    return change <= 0 ? -change < params->diff_percent
                       : change > params->increase_threshold_percent;
}

static int compare(dogb_rule_run *run, const dogb_rule_moment *m, const char *name, point now,
                   const point *before) {
    const dogb_decreasing_params *params = run->params;
    double change = change_of(before->loss, now.loss);
    dogb_rule_point(run);
    if (!is_hit(params, before->loss, change)) {
        return 0;
    }
    int rc =
        dogb_rule_hit(run, m, "%s was %.6g at %lld and is %.6g at %lld: %+.3g %%", name,
                      before->loss, (long long)before->step, now.loss, (long long)now.step, change);
    rc = rc < 0 ? rc : dogb_rule_evidence(run, "change_percent", change);
    rc = rc < 0 ? rc : dogb_rule_evidence(run, "loss", now.loss);
    rc = rc < 0 ? rc : dogb_rule_evidence(run, "reference_loss", before->loss);
    return rc < 0 ? rc : dogb_rule_evidence(run, "reference_step", (double)before->step);
}

static int not_finite(dogb_rule_run *run, const dogb_rule_moment *m, const char *name,
                      double loss) {
    dogb_rule_point(run);
    int rc = dogb_rule_hit(run, m, "%s is %s", name, isnan(loss) ? "NaN" : "infinite");
    return rc < 0 ? rc : dogb_rule_evidence(run, "loss", loss);
}

// A new loss; judged: it may be a hit.
static int add(dogb_rule_run *run, series *s, const dogb_rule_moment *m, const char *name,
               point now, int judged) {
    const decreasing *state = run->state;
    if (!isfinite(now.loss)) {
        return judged ? not_finite(run, m, name, now.loss) : 0;
    }
    const point *before = find(s, now.step - state->num_steps);
    int rc = 0;
    if (judged && now.step >= s->next_check) {
        s->next_check = now.step + state->num_steps;
        rc = before == NULL ? dogb_rule_skip(run, DOGB_SKIP_TOO_FEW)
                            : compare(run, m, name, now, before);
    } else if (judged) {
        (void)dogb_rule_skip(run, DOGB_SKIP_TOO_FEW);
    }
    if (rc == 0) {
        rc = dogb_grow(dogb_rule_arena(run), &s->points, &s->capacity, s->count, sizeof *s->points);
    }
    if (rc == 0) {
        s->points[s->count++] = now;
    }
    return rc;
}

static int decreasing_see(dogb_rule_run *run, const dogb_rule_moment *m,
                          const dogb_rule_tensor *t) {
    const dogb_decreasing_params *params = run->params;
    decreasing *state = run->state;
    series *s = run->slot;
    const float *values = NULL;
    size_t count = 0;
    int rank = rank_of(params->mode, m->mode);
    if (rank == 0) {
        return dogb_rule_skip(run, DOGB_SKIP_MODE);
    }
    int rc = dogb_rule_values(run, t, &values, &count);
    if (rc <= 0 || count != 1) {
        return rc <= 0 ? rc : dogb_rule_skip(run, DOGB_SKIP_NOT_APPLICABLE); // no scalar
    }
    state->best = rank > state->best ? rank : state->best;
    s->next_check = s->count == 0 && s->next_check == 0 ? state->num_steps - 1 : s->next_check;
    return add(run, s, m, t->name, (point){m->mode_step, (double)values[0]},
               rank == state->best && dogb_rule_judged(run, m));
}

static int decreasing_epoch(dogb_rule_run *run, const dogb_rule_epoch *e) {
    const dogb_decreasing_params *params = run->params;
    decreasing *state = run->state;
    if (params->unit != DOGB_UNIT_EVALUATIONS) {
        return 0;
    }
    int by_validation = e->val_count > 0 && params->mode != DOGB_MODE_TRAIN;
    if (e->val_count == 0 && (params->mode == DOGB_MODE_EVAL || e->train_count == 0)) {
        return dogb_rule_skip(run, DOGB_SKIP_MODE);
    }
    const dogb_rule_moment m = {.mode = by_validation ? DOGB_RULE_EVAL : DOGB_RULE_TRAIN,
                                .epoch = e->epoch,
                                .step = e->step,
                                .mode_step = e->epoch};
    return add(run, &state->epochs, &m, by_validation ? "validation loss" : "training loss",
               (point){e->epoch, by_validation ? e->val_loss : e->train_loss},
               dogb_rule_judged(run, &m));
}

const dogb_rule_calls dogb_decreasing_calls = {.state_size = sizeof(decreasing),
                                               .slot_size = sizeof(series),
                                               .begin = decreasing_begin,
                                               .see = decreasing_see,
                                               .epoch = decreasing_epoch};
