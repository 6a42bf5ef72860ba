// rule_label.c - ClassImbalance: how often each class is seen in training, and how often its
// predictions in validation are wrong.
#include "debug/rule_calls.h"
#include "debug/rule_pairs.h"

#include <string.h>

enum { EACH_MIN = 20 };

typedef struct counts {
    int64_t labels[DOGB_RULE_CLASSES_MAX];
    int64_t judged[DOGB_RULE_CLASSES_MAX]; // with a prediction
    int64_t wrong[DOGB_RULE_CLASSES_MAX];
    int64_t total;
    int64_t pairs;
    int64_t next;    // labels at which they are judged
    int32_t classes; // highest class that was seen, and one
    int32_t reserved;
    dogb_rule_moment last;
} counts;

typedef struct imbalance {
    dogb_rule_pairs step;
    counts *modes[DOGB_RULE_MODES];
} imbalance;

static counts *counts_of(dogb_rule_run *run, int32_t mode) {
    imbalance *state = run->state;
    mode = mode > 0 && mode < DOGB_RULE_MODES ? mode : DOGB_RULE_GLOBAL;
    if (state->modes[mode] == NULL) {
        state->modes[mode] = dogb_alloc(dogb_rule_arena(run), 1, sizeof(counts));
    }
    return state->modes[mode];
}

static void forget_predictions(counts *c) {
    memset(c->judged, 0, sizeof c->judged);
    memset(c->wrong, 0, sizeof c->wrong);
    c->pairs = 0;
}

static void add(counts *c, const dogb_rule_pairs *step) {
    size_t pairs = step->predictions.count == step->labels.count ? step->labels.count : 0;
    for (size_t i = 0; i < step->labels.count; i++) {
        int32_t label = step->labels.items[i];
        if (label < 0) {
            continue;
        }
        c->total++;
        c->labels[label]++;
        c->classes = label >= c->classes ? label + 1 : c->classes;
        if (i < pairs && step->predictions.items[i] >= 0) {
            c->pairs++;
            c->judged[label]++;
            c->wrong[label] += step->predictions.items[i] != label;
        }
    }
}

// Classes that there are and have no label, by name.
static int name_absent(dogb_rule_run *run, const counts *c) {
    char buffer[24];
    int32_t known = dogb_rule_conf(run)->class_count;
    int32_t classes = known > c->classes ? known : c->classes;
    json_t *absent = json_array();
    int rc = 0;
    for (int32_t i = 0; rc == 0 && i < classes && i < DOGB_RULE_CLASSES_MAX; i++) {
        if (c->labels[i] == 0) {
            rc = dogb_json_add(absent, dogb_json_text(dogb_rule_class(run, i, buffer)));
        }
    }
    int set = dogb_rule_evidence_json(run, "absent", absent);
    return rc < 0 ? rc : set;
}

// By the counts of the classes that are there.
static int judge_counts(dogb_rule_run *run, const dogb_rule_moment *m, const counts *c) {
    const dogb_imbalance_params *params = run->params;
    char names[2][24];
    int32_t most = 0;
    int32_t least = -1;
    for (int32_t i = 0; i < c->classes; i++) {
        most = c->labels[i] > c->labels[most] ? i : most;
        if (c->labels[i] > 0 && (least < 0 || c->labels[i] < c->labels[least])) {
            least = i;
        }
    }
    double ratio = (double)c->labels[most] / (double)c->labels[least];
    dogb_rule_point(run);
    if (!(ratio > params->threshold_imbalance)) {
        return 0;
    }
    int rc = dogb_rule_hit(
        run, m, "%lld labels are %s and %lld are %s: ratio %.3g, threshold_imbalance is %g",
        (long long)c->labels[most], dogb_rule_class(run, most, names[0]),
        (long long)c->labels[least], dogb_rule_class(run, least, names[1]), ratio,
        params->threshold_imbalance);
    rc = rc < 0 ? rc : dogb_rule_evidence(run, "ratio", ratio);
    rc =
        rc < 0 ? rc : dogb_rule_evidence_text(run, "largest", dogb_rule_class(run, most, names[0]));
    rc = rc < 0 ? rc
                : dogb_rule_evidence_text(run, "smallest", dogb_rule_class(run, least, names[1]));
    rc = rc < 0 ? rc : dogb_rule_evidence(run, "threshold_imbalance", params->threshold_imbalance);
    return rc < 0 ? rc : name_absent(run, c);
}

static int judge_predictions(dogb_rule_run *run, const dogb_rule_moment *m, const counts *c) {
    const dogb_imbalance_params *params = run->params;
    int64_t each = dogb_rule_parity(run) ? 1 : params->samples_per_class;
    char name[24];
    int32_t worst = -1;
    double share = 0;
    for (int32_t i = 0; i < c->classes; i++) {
        double s = c->judged[i] < each ? -1 : (double)c->wrong[i] / (double)c->judged[i];
        worst = s > share || (worst < 0 && s >= 0) ? i : worst;
        share = s > share ? s : share;
    }
    if (worst < 0) {
        return dogb_rule_skip(run, DOGB_SKIP_TOO_FEW);
    }
    dogb_rule_point(run);
    if (!(share > params->threshold_misprediction)) {
        return 0;
    }
    int rc = dogb_rule_hit(
        run, m,
        "%lld of %lld pictures of %s are predicted wrong: %.3g, threshold_misprediction is %g",
        (long long)c->wrong[worst], (long long)c->judged[worst], dogb_rule_class(run, worst, name),
        share, params->threshold_misprediction);
    rc = rc < 0 ? rc : dogb_rule_evidence_text(run, "class", dogb_rule_class(run, worst, name));
    rc = rc < 0 ? rc : dogb_rule_evidence(run, "share", share);
    return rc < 0 ? rc
                  : dogb_rule_evidence(run, "threshold_misprediction",
                                       params->threshold_misprediction);
}

// Labels that are needed: few for each class vary too much to be compared.
static int64_t needed(const dogb_rule_run *run, const counts *c) {
    const dogb_imbalance_params *params = run->params;
    int64_t known = dogb_rule_conf(run)->class_count;
    int64_t each = (int64_t)EACH_MIN * (known > c->classes ? known : c->classes);
    return dogb_rule_parity(run) || dogb_rule_given(run, "samples") || each < params->samples
               ? params->samples
               : each;
}

// Labels add up. Predictions of a validation are those of its epoch; in training they are not
// judged.
static int count_step(dogb_rule_run *run, const dogb_rule_moment *m) {
    const imbalance *state = run->state;
    counts *c = counts_of(run, m->mode);
    if (c == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (m->epoch != c->last.epoch) {
        forget_predictions(c);
    }
    c->last = *m;
    add(c, &state->step);
    int64_t samples = needed(run, c);
    if (c->total == 0 || c->total < (c->next > samples ? c->next : samples)) {
        return dogb_rule_skip(run, DOGB_SKIP_TOO_FEW);
    }
    c->next = c->total + samples;
    int rc = judge_counts(run, m, c);
    return rc == 0 && c->pairs > 0 && dogb_rule_parity(run) ? judge_predictions(run, m, c) : rc;
}

static int imbalance_step(dogb_rule_run *run, const dogb_rule_moment *m) {
    int rc = dogb_rule_pairs_labelled(run) ? count_step(run, m) : 0;
    dogb_rule_pairs_forget(run);
    return rc;
}

static int imbalance_end(dogb_rule_run *run) {
    imbalance *state = run->state;
    int rc = 0;
    for (int32_t mode = DOGB_RULE_EVAL; rc == 0 && mode < DOGB_RULE_MODES; mode++) {
        const counts *c = state->modes[mode];
        if (c != NULL && c->pairs > 0 && !dogb_rule_parity(run)) {
            rc = judge_predictions(run, &c->last, c);
        }
    }
    return rc;
}

const dogb_rule_calls dogb_imbalance_calls = {.state_size = sizeof(imbalance),
                                              .see = dogb_rule_pairs_see,
                                              .step = imbalance_step,
                                              .end = imbalance_end};
