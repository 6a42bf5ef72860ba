// watch.c - rules inside trials: a debugger on each of a trial's trainers, which looks at epochs
// alone, so that trials that share a bank stay in it. What it finds is written beside the trial's
// value; with rule_prune a hit ends the trial as a pruner would.
#include "core/error.h"
#include "tuner/runner.h"

int dogb_watch_begin(dogb_runner *r, int32_t member) {
    dogbreed_debug_options options;
    int rc = dogbreed_debug_options_init(&options, sizeof options);
    options.rules = r->tuner->options.trial_rules;
    options.rule_action =
        r->tuner->options.rule_prune ? DOGBREED_RULE_ACTION_STOP : DOGBREED_RULE_ACTION_NONE;
    return rc < 0
               ? rc
               : dogb_debug_attach(&r->watches[member], r->members.trainers[member], &options, 1);
}

void dogb_watch_end(dogb_runner *r) {
    for (int32_t i = 0; i < DOGB_FOLDS_MAX; i++) {
        dogbreed_debug_destroy(r->watches[i]);
        r->watches[i] = NULL;
    }
}

// The first hit of each rule of one member, within the epochs of the trial: where folds train one
// after the other, one may have gone further than the trial came.
static int add_hits(json_t *list, const dogb_runner *r, int32_t member, const json_t *rules,
                    int32_t epochs) {
    static const char *const kept[] = {"epoch", "evidence", "text"};
    size_t index = 0;
    json_t *rule = NULL;
    int rc = DOGBREED_OK;
    json_array_foreach(rules, index, rule) {
        const json_t *hit = json_array_get(json_object_get(rule, "hits"), 0);
        if (rc < 0 || hit == NULL || json_integer_value(json_object_get(hit, "epoch")) >= epochs) {
            continue;
        }
        json_t *one = json_object();
        rc = dogb_json_add(list, one);
        rc = rc < 0 ? rc : dogb_json_set(one, "rule", json_incref(json_object_get(rule, "rule")));
        for (size_t k = 0; rc == DOGBREED_OK && k < sizeof kept / sizeof kept[0]; k++) {
            json_t *value = json_object_get(hit, kept[k]);
            rc = value == NULL ? rc : dogb_json_set(one, kept[k], json_incref(value));
        }
        if (rc == DOGBREED_OK && r->members.count > 1) {
            rc = dogb_json_set_int(one, "fold", member);
        }
    }
    return rc;
}

int dogb_watch_findings(dogb_runner *r, int32_t epochs) {
    dogb_arena scratch = {0};
    dogb_trial *trial = &r->tuner->trials[r->number];
    json_t *list = dogb_json_array(&scratch);
    int rc = list == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < r->members.count; i++) {
        json_t *rules = r->watches[i] == NULL ? NULL : dogb_debug_rules(r->watches[i], &scratch);
        rc = add_hits(list, r, i, rules, epochs);
    }
    if (rc == DOGBREED_OK && json_array_size(list) > 0) {
        trial->findings = dogb_json_text_in(&r->tuner->arena, list, 0);
        rc = trial->findings == NULL ? DOGBREED_ERROR_NO_MEMORY : 1;
    }
    dogb_arena_free(&scratch);
    return rc;
}
