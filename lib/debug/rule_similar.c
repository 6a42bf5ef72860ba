// rule_similar.c - SimilarAcrossRuns: tensors of the same name at the same step of other runs.
#include "debug/rule_calls.h"

#include "core/error.h"

typedef struct similar {
    const char **runs;
    size_t count;
} similar;

static int similar_begin(dogb_rule_run *run) {
    const dogb_similar_params *params = run->params;
    similar *state = run->state;
    if (dogb_rule_conf(run)->other == NULL) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                         "rules: %s: other runs cannot be read here, only in a run with a "
                         "recording",
                         run->name);
    }
    return dogb_rule_list(&state->runs, &state->count, dogb_rule_arena(run), params->other_trials);
}

static int differ(dogb_rule_run *run, const dogb_rule_moment *m, const dogb_rule_tensor *t,
                  const char *other, double mine, double theirs) {
    int rc = dogb_rule_hit(run, m, "%s: differs from %s, %.6g is not %.6g", t->name, other, mine,
                           theirs);
    rc = rc < 0 ? rc : dogb_rule_evidence_text(run, "tensor", t->name);
    rc = rc < 0 ? rc : dogb_rule_evidence_text(run, "other", other);
    rc = rc < 0 ? rc : dogb_rule_evidence(run, "value", mine);
    return rc < 0 ? rc : dogb_rule_evidence(run, "other_value", theirs);
}

static int compare(dogb_rule_run *run, const dogb_rule_moment *m, const dogb_rule_tensor *t,
                   const char *other, const float *values, size_t count) {
    const dogb_similar_params *params = run->params;
    const dogb_rules_conf *conf = dogb_rule_conf(run);
    const float *theirs = NULL;
    size_t their_count = 0;
    size_t worst = 0;
    int rc =
        conf->other(&theirs, &their_count, other, t->name, m->mode, m->mode_step, conf->userdata);
    if (rc < 0) {
        return rc == DOGBREED_ERROR_NO_MEMORY   ? rc
               : rc == DOGBREED_ERROR_NOT_FOUND ? dogb_rule_skip(run, DOGB_SKIP_NO_MATCH)
                                                : dogb_rule_skip(run, DOGB_SKIP_UNREADABLE);
    }
    dogb_rule_point(run);
    if (their_count != count) {
        rc = dogb_rule_hit(run, m, "%s: has %zu values, in %s it has %zu", t->name, count, other,
                           their_count);
        return rc < 0 ? rc : dogb_rule_evidence_text(run, "tensor", t->name);
    }
    if (dogb_rule_close(values, theirs, count, params->rtol, params->atol, 0, &worst)) {
        return 0;
    }
    return differ(run, m, t, other, (double)values[worst], (double)theirs[worst]);
}

static int similar_see(dogb_rule_run *run, const dogb_rule_moment *m, const dogb_rule_tensor *t) {
    const similar *state = run->state;
    const float *values = NULL;
    size_t count = 0;
    int rc = dogb_rule_judged(run, m) ? dogb_rule_values(run, t, &values, &count) : 0;
    if (rc <= 0) {
        return rc;
    }
    rc = 0;
    for (size_t i = 0; rc == 0 && i < state->count; i++) {
        rc = compare(run, m, t, state->runs[i], values, count);
    }
    return rc;
}

const dogb_rule_calls dogb_similar_calls = {
    .state_size = sizeof(similar), .begin = similar_begin, .see = similar_see};
