// rule_param.c - parameters of rules as text: "LowGPUUtilization:threshold_p95=50,window=100;...".
#include "profile/rule.h"

#include "core/error.h"
#include "core/number.h"
#include "core/table.h"

#include <math.h>
#include <string.h>

int dogb_profile_rule_param(const dogb_profile_rule *rule, const char *name, size_t length) {
    for (int i = 0; i < DOGB_PROFILE_RULE_PARAMS && rule->params[i].name != NULL; i++) {
        if (strlen(rule->params[i].name) == length &&
            strncmp(rule->params[i].name, name, length) == 0) {
            return i;
        }
    }
    return -1;
}

static const dogb_profile_rule *find_rule(const char *name, size_t length) {
    for (size_t i = 0; i < dogb_profile_rule_count; i++) {
        if (strlen(dogb_profile_rules[i].name) == length &&
            strncmp(dogb_profile_rules[i].name, name, length) == 0) {
            return &dogb_profile_rules[i];
        }
    }
    return NULL;
}

static int no_rule(const char *name, size_t length) {
    const char *names[DOGB_PROFILE_RULES_MAX];
    char text[64] = "";
    (void)strncat(text, name, length < sizeof text - 1 ? length : sizeof text - 1);
    for (size_t i = 0; i < dogb_profile_rule_count; i++) {
        names[i] = dogb_profile_rules[i].name;
    }
    const char *near = dogb_nearest(text, names, dogb_profile_rule_count);
    return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                     "profile_rules: there is no rule %s%s%s%s of the profiler", text,
                     near == NULL ? "" : "; did you mean ", near == NULL ? "" : near,
                     near == NULL ? "," : "?");
}

// "threshold_p95=50": of a rule. values NULL: only checked.
static int take_param(const dogb_profile_rule *rule, double *values, const char *text,
                      size_t length) {
    size_t name = strcspn(text, "=");
    char *end = NULL;
    int index = name < length ? dogb_profile_rule_param(rule, text, name) : -1;
    if (index < 0) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "profile_rules: %s:%.*s: expected %s=NUMBER%s", rule->name, (int)length,
                         text, rule->params[0].name == NULL ? "no parameter" : rule->params[0].name,
                         rule->params[1].name == NULL ? "" : " or another parameter of this rule");
    }
    double value = dogb_number_parse(text + name + 1, &end);
    if (end != text + length || end == text + name + 1 || !isfinite(value) || value < 0.0) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "profile_rules: %s:%.*s: expected a number of at least 0", rule->name,
                         (int)length, text);
    }
    if (values != NULL) {
        values[index] = value;
    }
    return DOGBREED_OK;
}

// All overrides, or those of one rule into its values. A rule's parameters are separated by commas,
// rules by semicolons.
int dogb_profile_rule_overrides(const dogb_profile_rule *only, double *values, const char *text) {
    while (*text != '\0') {
        size_t whole = strcspn(text, ";");
        size_t name = strcspn(text, ":;");
        const dogb_profile_rule *rule = find_rule(text, name);
        if (rule == NULL) {
            return no_rule(text, name);
        }
        for (size_t at = name + (name < whole); at < whole;) {
            size_t length = strcspn(text + at, ",;");
            int rc = take_param(rule, rule == only ? values : NULL, text + at, length);
            if (rc < 0) {
                return rc;
            }
            at += length + 1;
        }
        text += whole + (text[whole] == ';');
    }
    return DOGBREED_OK;
}

int dogb_profile_judging_check(const char *overrides) {
    return dogb_profile_rule_overrides(NULL, NULL, overrides);
}
