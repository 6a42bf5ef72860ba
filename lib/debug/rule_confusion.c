// rule_confusion.c - Confusion: recall of each class and the shares of others in its predictions,
// in the newest validation. With many classes, unless limits are given, it names the worst pairs.
#include "debug/rule_calls.h"
#include "debug/rule_pairs.h"

enum { MANY = 20, WORST = 10 };

typedef struct confusion {
    dogb_rule_pairs step;
    int64_t *counts;    // [label * classes + prediction]
    int64_t *labelled;  // sums of its rows, when it is judged
    int64_t *predicted; // and of its columns
    int32_t classes;
    int32_t mode;        // that the counts are of
    int32_t new_stretch; // the next ones begin a new validation
    int32_t reserved;
    dogb_rule_moment last;
} confusion;

static int32_t classes_in(const dogb_rule_classes *c, int32_t classes) {
    for (size_t i = 0; i < c->count; i++) {
        classes = c->items[i] >= classes ? c->items[i] + 1 : classes;
    }
    return classes;
}

// Room for the classes of this step.
static int make_room(dogb_rule_run *run) {
    const dogb_confusion_params *params = run->params;
    confusion *state = run->state;
    int32_t known =
        params->category_no > 0 ? (int32_t)params->category_no : dogb_rule_conf(run)->class_count;
    known = known > state->classes ? known : state->classes;
    int32_t classes = classes_in(&state->step.predictions, classes_in(&state->step.labels, known));
    if (classes == state->classes) {
        return 0;
    }
    int64_t *counts =
        dogb_alloc(dogb_rule_arena(run), (size_t)classes * (size_t)classes, sizeof *counts);
    int64_t *sums = dogb_alloc(dogb_rule_arena(run), 2 * (size_t)classes, sizeof *sums);
    if (counts == NULL || sums == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; i < state->classes; i++) {
        for (int32_t j = 0; j < state->classes; j++) {
            counts[(size_t)i * (size_t)classes + (size_t)j] =
                state->counts[(size_t)i * (size_t)state->classes + (size_t)j];
        }
    }
    dogb_release(dogb_rule_arena(run), state->counts);
    dogb_release(dogb_rule_arena(run), state->labelled);
    state->labelled = sums;
    state->predicted = sums + classes;
    state->counts = counts;
    state->classes = classes;
    return 0;
}

static int64_t *cell(const confusion *state, int32_t label, int32_t prediction) {
    return &state->counts[(size_t)label * (size_t)state->classes + (size_t)prediction];
}

// Labels and predictions of each class.
static void add_up(confusion *state) {
    for (int32_t i = 0; i < state->classes; i++) {
        state->labelled[i] = 0;
        state->predicted[i] = 0;
    }
    for (int32_t i = 0; i < state->classes; i++) {
        for (int32_t j = 0; j < state->classes; j++) {
            state->labelled[i] += *cell(state, i, j);
            state->predicted[j] += *cell(state, i, j);
        }
    }
}

static int hit_row(dogb_rule_run *run, const dogb_rule_moment *m, int32_t row, double recall) {
    const dogb_confusion_params *params = run->params;
    char name[24];
    const confusion *state = run->state;
    int rc =
        dogb_rule_hit(run, m, "row %d: of %lld pictures of %s %lld are recognised, min_diag is %g",
                      row, (long long)state->labelled[row], dogb_rule_class(run, row, name),
                      (long long)*cell(state, row, row), params->min_diag);
    rc = rc < 0 ? rc : dogb_rule_evidence(run, "row", row);
    rc = rc < 0 ? rc : dogb_rule_evidence_text(run, "class", dogb_rule_class(run, row, name));
    rc = rc < 0 ? rc : dogb_rule_evidence(run, "recall", recall);
    return rc < 0 ? rc : dogb_rule_evidence(run, "min_diag", params->min_diag);
}

static int judge_rows(dogb_rule_run *run, const dogb_rule_moment *m) {
    const dogb_confusion_params *params = run->params;
    const confusion *state = run->state;
    int32_t worst = -1;
    double lowest = 2;
    for (int32_t i = 0; i < state->classes; i++) {
        int64_t sum = state->labelled[i];
        double recall = sum == 0 ? 2 : (double)*cell(state, i, i) / (double)sum;
        worst = recall < lowest ? i : worst;
        lowest = recall < lowest ? recall : lowest;
    }
    dogb_rule_point(run);
    return lowest < params->min_diag ? hit_row(run, m, worst, lowest) : 0;
}

static int hit_column(dogb_rule_run *run, const dogb_rule_moment *m, int32_t label, int32_t column,
                      double share) {
    const dogb_confusion_params *params = run->params;
    char names[2][24];
    const confusion *state = run->state;
    int rc = dogb_rule_hit(
        run, m, "column %d: of %lld predictions of %s %lld are %s, max_off_diag is %g", column,
        (long long)state->predicted[column], dogb_rule_class(run, column, names[0]),
        (long long)*cell(state, label, column), dogb_rule_class(run, label, names[1]),
        params->max_off_diag);
    rc = rc < 0 ? rc : dogb_rule_evidence(run, "row", label);
    rc = rc < 0 ? rc : dogb_rule_evidence(run, "column", column);
    rc = rc < 0 ? rc : dogb_rule_evidence_text(run, "true", dogb_rule_class(run, label, names[1]));
    rc = rc < 0 ? rc
                : dogb_rule_evidence_text(run, "predicted", dogb_rule_class(run, column, names[0]));
    rc = rc < 0 ? rc : dogb_rule_evidence(run, "share", share);
    return rc < 0 ? rc : dogb_rule_evidence(run, "max_off_diag", params->max_off_diag);
}

static int judge_columns(dogb_rule_run *run, const dogb_rule_moment *m) {
    const dogb_confusion_params *params = run->params;
    const confusion *state = run->state;
    int32_t at[2] = {0, 0};
    double highest = 0;
    for (int32_t i = 0; i < state->classes; i++) {
        for (int32_t j = 0; j < state->classes; j++) {
            int64_t count = i == j ? 0 : *cell(state, i, j);
            double share = count == 0 ? 0 : (double)count / (double)state->predicted[j];
            at[0] = share > highest ? i : at[0];
            at[1] = share > highest ? j : at[1];
            highest = share > highest ? share : highest;
        }
    }
    dogb_rule_point(run);
    return highest > params->max_off_diag ? hit_column(run, m, at[0], at[1], highest) : 0;
}

// --- the worst pairs

typedef struct pair {
    int32_t label;
    int32_t prediction;
    int64_t count;
    double share; // of the label's pictures
} pair;

static int worse(const pair *a, const pair *b) {
    return a->count != b->count ? a->count > b->count : a->share > b->share;
}

// The worst first; among equals the first ones.
static int32_t find_worst(pair worst[WORST], const confusion *state) {
    int32_t found = 0;
    for (int32_t i = 0; i < state->classes; i++) {
        for (int32_t j = 0; j < state->classes; j++) {
            int64_t count = *cell(state, i, j);
            pair p = {i, j, count, 0};
            int32_t at = found;
            if (i == j || count == 0) {
                continue;
            }
            p.share = (double)count / (double)state->labelled[i];
            for (; at > 0 && worse(&p, &worst[at - 1]); at--) {
                if (at < WORST) {
                    worst[at] = worst[at - 1];
                }
            }
            if (at < WORST) {
                worst[at] = p;
                found += found < WORST;
            }
        }
    }
    return found;
}

static int add_pair(json_t *array, const dogb_rule_run *run, const pair *p) {
    char buffer[24];
    json_t *object = json_object();
    int rc = dogb_json_add(array, object);
    rc = rc < 0 ? rc : dogb_json_set_text(object, "true", dogb_rule_class(run, p->label, buffer));
    rc = rc < 0
             ? rc
             : dogb_json_set_text(object, "predicted", dogb_rule_class(run, p->prediction, buffer));
    rc = rc < 0 ? rc : dogb_json_set_int(object, "count", p->count);
    return rc < 0 ? rc : dogb_json_set_real(object, "share", p->share);
}

static int name_worst(dogb_rule_run *run) {
    pair worst[WORST];
    int32_t count = find_worst(worst, run->state);
    json_t *array = json_array();
    int rc = dogb_json_set(run->evidence, "worst_pairs", array);
    for (int32_t i = 0; rc == 0 && i < count; i++) {
        rc = add_pair(array, run, &worst[i]);
    }
    return rc;
}

// --- steps

static int judge(dogb_rule_run *run, const dogb_rule_moment *m) {
    confusion *state = run->state;
    int limits = dogb_rule_given(run, "min_diag") || dogb_rule_given(run, "max_off_diag");
    add_up(state);
    int rc = name_worst(run);
    if (rc < 0) {
        return rc;
    }
    if (state->classes > MANY && !limits && !dogb_rule_parity(run)) {
        dogb_rule_point(run); // named, not judged
        return rc;
    }
    rc = judge_rows(run, m);
    return rc < 0 ? rc : judge_columns(run, m);
}

static void forget(confusion *state) {
    for (int64_t i = 0; i < (int64_t)state->classes * state->classes; i++) {
        state->counts[i] = 0;
    }
}

// Validation counts; other modes as long as there is none.
static int is_counted(confusion *state, const dogb_rule_moment *m) {
    if (state->mode == DOGB_RULE_EVAL && m->mode != DOGB_RULE_EVAL) {
        state->new_stretch = 1;
        return 0;
    }
    return 1;
}

static void begin_stretch(dogb_rule_run *run, const dogb_rule_moment *m) {
    confusion *state = run->state;
    int next = state->new_stretch || state->mode != m->mode ||
               (m->mode == DOGB_RULE_EVAL && m->epoch != state->last.epoch);
    if (next && !dogb_rule_parity(run)) {
        forget(state);
    }
    state->new_stretch = 0;
    state->mode = m->mode;
    state->last = *m;
}

static int count_step(dogb_rule_run *run, const dogb_rule_moment *m) {
    confusion *state = run->state;
    const int32_t *labels = state->step.labels.items;
    const int32_t *predictions = state->step.predictions.items;
    int rc = make_room(run);
    if (rc < 0) {
        return rc;
    }
    begin_stretch(run, m);
    for (size_t i = 0; i < state->step.labels.count; i++) {
        if (labels[i] >= 0 && predictions[i] >= 0) {
            ++*cell(state, labels[i], predictions[i]);
        }
    }
    return dogb_rule_parity(run) ? judge(run, m) : 0;
}

static int confusion_step(dogb_rule_run *run, const dogb_rule_moment *m) {
    confusion *state = run->state;
    int both =
        dogb_rule_pairs_labelled(run) && state->step.labels.count == state->step.predictions.count;
    int rc = is_counted(state, m) && both ? count_step(run, m) : 0;
    dogb_rule_pairs_forget(run);
    return rc;
}

static int confusion_end(dogb_rule_run *run) {
    confusion *state = run->state;
    return state->mode == 0 || dogb_rule_parity(run) ? 0 : judge(run, &state->last);
}

const dogb_rule_calls dogb_confusion_calls = {.state_size = sizeof(confusion),
                                              .see = dogb_rule_pairs_see,
                                              .step = confusion_step,
                                              .end = confusion_end};
