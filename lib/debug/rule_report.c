// rule_report.c - how rules stand, and their documents: findings of this library and the object
// that Amazon SageMaker Debugger's rules leave behind.
#include "debug/rule_set_struct.h"

#include <stdio.h>
#include <string.h>

static const char *const status_names[] = {
    [DOGBREED_RULE_IN_PROGRESS] = "InProgress",     [DOGBREED_RULE_NO_ISSUES] = "NoIssuesFound",
    [DOGBREED_RULE_ISSUES] = "IssuesFound",         [DOGBREED_RULE_ERROR] = "Error",
    [DOGBREED_RULE_STOPPING] = "Stopping",          [DOGBREED_RULE_STOPPED] = "Stopped",
    [DOGBREED_RULE_NOT_EVALUATED] = "NotEvaluated",
};

const char *dogb_rule_status_name(int32_t status) {
    size_t count = sizeof status_names / sizeof status_names[0];
    return status >= 0 && (size_t)status < count ? status_names[status] : "Unknown";
}

static const char *const reasons[DOGB_SKIPS] = {
    [DOGB_SKIP_NO_MATCH] = "no_matching_tensor",
    [DOGB_SKIP_MODE] = "mode_never_ran",
    [DOGB_SKIP_TOO_FEW] = "too_few_points",
    [DOGB_SKIP_FROZEN] = "frozen",
    [DOGB_SKIP_PRETRAINED] = "pretrained",
    [DOGB_SKIP_NO_LABELS] = "no_labels",
    [DOGB_SKIP_NO_GPU] = "no_gpu",
    [DOGB_SKIP_DISABLED] = "rule_disabled",
    [DOGB_SKIP_NOT_APPLICABLE] = "not_applicable",
    [DOGB_SKIP_NOT_FINITE] = "not_finite",
    [DOGB_SKIP_UNREADABLE] = "unreadable",
    [DOGB_SKIP_NO_MEMORY] = "out_of_memory",
};

// The most frequent reason; the first of the list where two are alike.
const char *dogb_rule_reason(const dogb_rule_run *run) {
    int32_t best = DOGB_SKIP_NO_MATCH;
    if (run->skipped[DOGB_SKIP_NO_MEMORY] > 0) {
        return reasons[DOGB_SKIP_NO_MEMORY];
    }
    for (int32_t i = 0; i < DOGB_SKIPS; i++) {
        best = run->skipped[i] > run->skipped[best] ? i : best;
    }
    return reasons[best];
}

int32_t dogb_rule_status(const dogb_rule_run *run) {
    if (run->failed < 0) {
        return DOGBREED_RULE_ERROR;
    }
    if (run->hits > 0) {
        return DOGBREED_RULE_ISSUES;
    }
    if (run->skipped[DOGB_SKIP_NO_MEMORY] > 0) {
        return DOGBREED_RULE_NOT_EVALUATED;
    }
    if (!run->set->ended && run->set->fed) {
        return DOGBREED_RULE_IN_PROGRESS;
    }
    return run->points > 0 ? DOGBREED_RULE_NO_ISSUES : DOGBREED_RULE_NOT_EVALUATED;
}

static int is_known_to(const dogb_rules *set, int32_t index) {
    for (size_t i = 0; i < set->known_capacity; i++) {
        if (set->known[i] != NULL && set->known[i]->groups[index] >= 0) {
            return 1;
        }
    }
    return 0;
}

int32_t dogb_rules_count(const dogb_rules *set) {
    return set->count;
}

void dogb_rules_get(dogb_rule_result *out, const dogb_rules *set, int32_t index) {
    const dogb_rule_run *run = set->runs[index];
    *out = (dogb_rule_result){.name = run->name,
                              .rule = run->rule,
                              .status = dogb_rule_status(run),
                              .reason = "",
                              .points = run->points,
                              .hits = run->hits};
    if (!set->fed && !set->ended) { // what was offered decides
        int waits = run->sees == 0 || set->known_count == 0 || is_known_to(set, index);
        out->status = waits ? DOGBREED_RULE_IN_PROGRESS : DOGBREED_RULE_NOT_EVALUATED;
    }
    if (out->status == DOGBREED_RULE_NOT_EVALUATED) {
        out->reason = dogb_rule_reason(run);
    } else if (out->status == DOGBREED_RULE_ERROR) {
        out->reason = run->message;
    }
}

// --- documents

static int set_parameters(json_t *object, const dogb_rule_run *run) {
    json_t *params = json_object();
    int rc = dogb_json_set(object, "parameters", params);
    return rc < 0 ? rc : dogb_table_to_json(params, run->rule->params, run->params);
}

static int set_hits(json_t *object, const dogb_rule_run *run) {
    json_t *hits = json_array();
    int rc = dogb_json_set(object, "hits", hits);
    for (size_t i = 0; rc == DOGBREED_OK && i < json_array_size(run->kept); i++) {
        rc = dogb_json_add(hits, json_incref(json_array_get(run->kept, i)));
    }
    if (rc == DOGBREED_OK && run->hits > DOGB_RULE_HITS_KEPT && run->last != NULL) {
        rc = dogb_json_add(hits, json_incref(run->last));
    }
    return rc;
}

// Of the first hit, or null.
static int set_first(json_t *object, const dogb_rule_run *run, const char *key) {
    json_t *value = json_object_get(json_array_get(run->kept, 0), key);
    return dogb_json_set(object, key, value == NULL ? json_null() : json_incref(value));
}

// The first hit's evidence on top of the run's own.
static int set_evidence(json_t *object, const dogb_rule_run *run) {
    json_t *evidence = json_copy(run->evidence);
    int rc = dogb_json_set(object, "evidence", evidence);
    json_t *hit = json_object_get(json_array_get(run->kept, 0), "evidence");
    return rc < 0 || hit == NULL || json_object_update(evidence, hit) == 0
               ? rc
               : DOGBREED_ERROR_NO_MEMORY;
}

static int fill(json_t *object, const dogb_rules *set, int32_t index) {
    static const char *const places[] = {"step", "mode", "epoch"};
    const dogb_rule_run *run = set->runs[index];
    dogb_rule_result result;
    dogb_rules_get(&result, set, index);
    int rc = dogb_json_set_text(object, "rule", run->name);
    rc = rc < 0 ? rc : dogb_json_set_text(object, "status", dogb_rule_status_name(result.status));
    rc = rc < 0 ? rc : dogb_json_set_text(object, "reason", result.reason);
    for (int i = 0; rc == DOGBREED_OK && i < 3; i++) {
        rc = set_first(object, run, places[i]);
    }
    rc = rc < 0 ? rc : dogb_json_set_int(object, "violations", run->hits);
    rc = rc < 0 ? rc : dogb_json_set_int(object, "datapoints", run->points);
    rc = rc < 0 ? rc : set_parameters(object, run);
    rc = rc < 0 ? rc : set_evidence(object, run);
    rc = rc < 0 ? rc : dogb_json_set_text(object, "summary", run->rule->summary);
    rc = rc < 0
             ? rc
             : dogb_json_set_text(object, "recommendation", run->hits > 0 ? run->rule->advice : "");
    return rc < 0 ? rc : set_hits(object, run);
}

json_t *dogb_rules_json(const dogb_rules *set, dogb_arena *arena) {
    json_t *array = dogb_json_array(arena);
    int rc = array == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < set->count; i++) {
        json_t *object = json_object();
        rc = dogb_json_add(array, object);
        rc = rc < 0 ? rc : fill(object, set, i);
    }
    return rc < 0 ? NULL : array;
}

// "k:v\nk:v" of the rule's own parameters.
static char *parameter_lines(const dogb_rule_run *run, dogb_arena *arena) {
    const dogb_table *table = run->rule->params;
    const char *text = "";
    for (uint32_t i = 0; text != NULL && i < table->count; i++) {
        const dogb_option *option = &table->options[i];
        char *value = NULL;
        if (option->offset < sizeof(dogb_rule_common)) {
            continue; // every rule has it
        }
        if (dogb_table_get(&value, table, run->params, option->name) < 0) {
            return NULL;
        }
        text = dogb_format(arena, "%s%s%s:%s", text, *text == '\0' ? "" : "\n", option->name,
                           *value == '\0' ? "None" : value);
        dogb_free(value);
    }
    return text == NULL ? NULL : dogb_strdup(arena, text);
}

json_t *dogb_rules_report(const dogb_rules *set, int32_t index, dogb_arena *arena) {
    const dogb_rule_run *run = set->runs[index];
    json_t *object = dogb_json_object(arena);
    char *lines = parameter_lines(run, arena);
    if (object == NULL || lines == NULL) {
        return NULL;
    }
    json_t *details = json_object();
    json_t *own = json_object();
    int rc = dogb_json_set(object, "Details", details);
    int other = dogb_json_set(object, "dogbreed", own);
    rc = rc < 0 ? rc : other;
    rc = rc < 0 ? rc : dogb_json_set_int(object, "RuleTriggered", run->hits > 0);
    rc = rc < 0 ? rc : dogb_json_set_int(object, "Violations", run->hits);
    rc = rc < 0 ? rc : dogb_json_set_int(object, "Datapoints", run->points);
    rc = rc < 0 ? rc : dogb_json_set_text(object, "RuleParameters", lines);
    rc = rc < 0 ? rc : set_hits(details, run);
    rc = rc < 0 ? rc : set_evidence(details, run);
    return rc < 0 || fill(own, set, index) < 0 ? NULL : object;
}
