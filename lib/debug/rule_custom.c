// rule_custom.c - rules of the user's: given as a struct, or from a shared object. What goes wrong
// in one is its own status.
#include "debug/rule_calls.h"
#include "debug/rule_set_struct.h"

#include "core/error.h"
#include "core/log.h"
#include "core/plugin.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PARAMS_MAX = 32, FIRST_ROWS = 4, RULES_OF_FILE_MAX = 64 };

typedef struct custom_params {
    dogb_rule_common common;
    const char *tensor_regex;
    double values[PARAMS_MAX];
} custom_params;

// --- calls

static void fill_call(dogbreed_rule_call *call, dogb_rule_run *run, const dogb_rule_moment *m) {
    custom_params *params = run->params;
    memset(call, 0, sizeof *call);
    call->struct_size = (uint32_t)sizeof *call;
    call->mode = m->mode;
    call->epoch = m->epoch;
    call->step = m->step;
    call->mode_step = m->mode_step;
    call->steps_per_epoch = m->steps_per_epoch;
    call->params = params->values;
    call->state = run->state;
    call->userdata = run->custom->userdata;
    call->train_loss = NAN;
    call->train_accuracy = NAN;
    call->val_loss = NAN;
    call->val_accuracy = NAN;
    call->value = NAN;
    call->threshold = NAN;
}

static int fail_run(dogb_rule_run *run, int rc) {
    run->failed = rc;
    run->done = 1;
    run->message = "the rule's callback has failed";
    dogb_log(DOGBREED_LOG_WARNING, "rule %s: its callback returned %d; it judges no more",
             run->name, rc);
    return 0;
}

static int add_hit(dogb_rule_run *run, const dogb_rule_moment *m, dogbreed_rule_call *call) {
    call->text[sizeof call->text - 1] = '\0';
    const char *name = call->tensor == NULL ? "" : call->tensor->name;
    int rc = dogb_rule_hit(run, m, "%s%s%s", name, *name == '\0' || *call->text == '\0' ? "" : ": ",
                           call->text);
    if (rc == 0 && *name != '\0') {
        rc = dogb_rule_evidence_text(run, "tensor", name);
    }
    if (rc == 0 && !isnan(call->value)) {
        rc = dogb_rule_evidence(run, "value", call->value);
    }
    if (rc == 0 && !isnan(call->threshold)) {
        rc = dogb_rule_evidence(run, "threshold", call->threshold);
    }
    return rc;
}

// judges: a result of 0 is a data point.
static int invoke(dogb_rule_run *run, dogbreed_rule_fn fn, const dogb_rule_moment *m,
                  dogbreed_rule_call *call, int judges) {
    int result = fn(call);
    if (result < 0) {
        return fail_run(run, result);
    }
    if (result == DOGBREED_RULE_HIT || (judges && result == DOGBREED_RULE_FINE)) {
        dogb_rule_point(run);
    } else if (judges) {
        (void)dogb_rule_skip(run, DOGB_SKIP_TOO_FEW);
    }
    return result == DOGBREED_RULE_HIT ? add_hit(run, m, call) : 0;
}

static const dogb_rule_moment nowhere = {.mode = DOGB_RULE_GLOBAL, .epoch = -1};

static int plain_call(dogb_rule_run *run, dogbreed_rule_fn fn) {
    dogbreed_rule_call call;
    if (fn == NULL) {
        return 0;
    }
    fill_call(&call, run, &nowhere);
    return invoke(run, fn, &nowhere, &call, 0);
}

static int custom_begin(dogb_rule_run *run) {
    return plain_call(run, run->custom->begin);
}

static int custom_end(dogb_rule_run *run) {
    return plain_call(run, run->custom->end);
}

static int custom_see(dogb_rule_run *run, const dogb_rule_moment *m, const dogb_rule_tensor *t) {
    const dogbreed_rule *rule = run->custom;
    dogbreed_rule_call call;
    dogbreed_tensor tensor = {
        .struct_size = (uint32_t)sizeof tensor, .what = t->what, .name = t->name, .rank = t->rank};
    size_t count = 0;
    int rc = 1;
    if (rule->see == NULL || !dogb_rule_judged(run, m)) {
        return 0;
    }
    memcpy(tensor.shape, t->shape, sizeof tensor.shape);
    fill_call(&call, run, m);
    call.tensor = &tensor;
    call.trainable = t->trainable;
    call.count = dogb_rule_elements(t);
    if ((rule->needs & DOGBREED_RULE_STATS) != 0) {
        rc = dogb_rule_stats(run, t, &call.stats);
    }
    if (rc > 0 && (rule->needs & DOGBREED_RULE_VALUES) != 0) {
        rc = dogb_rule_values(run, t, &call.values, &count);
    }
    return rc <= 0 ? rc : invoke(run, rule->see, m, &call, 1);
}

static int custom_step(dogb_rule_run *run, const dogb_rule_moment *m) {
    dogbreed_rule_call call;
    if (run->custom->step == NULL || !dogb_rule_judged(run, m)) {
        return 0;
    }
    fill_call(&call, run, m);
    return invoke(run, run->custom->step, m, &call, run->custom->see == NULL);
}

static int custom_epoch(dogb_rule_run *run, const dogb_rule_epoch *e) {
    const dogb_rule_moment m = {
        .mode = DOGB_RULE_EVAL, .epoch = e->epoch, .step = e->step, .mode_step = e->epoch};
    dogbreed_rule_call call;
    if (run->custom->epoch == NULL || !dogb_rule_judged(run, &m)) {
        return 0;
    }
    fill_call(&call, run, &m);
    call.train_loss = e->train_loss;
    call.train_accuracy = e->train_accuracy;
    call.val_loss = e->val_loss;
    call.val_accuracy = e->val_accuracy;
    return invoke(run, run->custom->epoch, &m, &call, 1);
}

// --- rows

static int is_name(const char *name) {
    size_t length = name == NULL ? 0 : strlen(name);
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)name[i]) && name[i] != '_') {
            return 0;
        }
    }
    return length > 0 && length <= 64;
}

static int check_rule(const dogbreed_rule *rule) {
    DOGB_CHECK(rule != NULL, "rule: is NULL");
    DOGB_CHECK(rule->struct_size == sizeof *rule,
               "rule: struct_size %u is none that this library knows, set it to "
               "sizeof(dogbreed_rule)",
               (unsigned)rule->struct_size);
    DOGB_CHECK(is_name(rule->name), "rule: name: letters, digits and _ are expected, 1 to 64");
    DOGB_CHECK(rule->param_count <= PARAMS_MAX, "rule %s: %u parameters, at most %d are taken",
               rule->name, (unsigned)rule->param_count, PARAMS_MAX);
    DOGB_CHECK(rule->param_count == 0 || rule->params != NULL, "rule %s: params is NULL",
               rule->name);
    DOGB_CHECK((rule->sees >> DOGB_RULE_TENSOR_KINDS) == 0,
               "rule %s: sees 0x%x has kinds of tensors that there are not", rule->name,
               (unsigned)rule->sees);
    DOGB_CHECK(rule->see == NULL || rule->sees != 0, "rule %s: sees no kind of tensor", rule->name);
    DOGB_CHECK(rule->state_size <= (uint64_t)1 << 32, "rule %s: state_size is too large",
               rule->name);
    for (uint32_t i = 0; i < rule->param_count; i++) {
        const dogbreed_rule_param *p = &rule->params[i];
        DOGB_CHECK(is_name(p->name), "rule %s: parameter %u has no name", rule->name, (unsigned)i);
        DOGB_CHECK(p->minimum <= p->default_value && p->default_value <= p->maximum,
                   "rule %s: %s: the default is not between minimum and maximum", rule->name,
                   p->name);
    }
    return DOGBREED_OK;
}

static int nothing(const dogb_rule_tensor *t) {
    return t == NULL;
}

static int make_options(dogb_option *options, dogb_arena *arena, const dogbreed_rule *rule) {
    static const dogb_option first[FIRST_ROWS] = {
        DOGB_RULE_COMMON_ROWS,
        DOGB_OPTION_STRING(custom_params, tensor_regex, "",
                           "Regular expressions of names of tensors to look at."),
    };
    memcpy(options, first, sizeof first);
    options[FIRST_ROWS - 1].default_value =
        dogb_strdup(arena, rule->tensor_regex == NULL ? "" : rule->tensor_regex);
    int rc = options[FIRST_ROWS - 1].default_value == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (uint32_t i = 0; rc == DOGBREED_OK && i < rule->param_count; i++) {
        const dogbreed_rule_param *p = &rule->params[i];
        char number[40];
        (void)snprintf(number, sizeof number, "%.17g", p->default_value);
        options[FIRST_ROWS + i] = (dogb_option){
            .name = dogb_strdup(arena, p->name),
            .type = DOGBREED_TYPE_DOUBLE,
            .offset = (uint32_t)(offsetof(custom_params, values) + i * sizeof(double)),
            .minimum = p->minimum,
            .maximum = p->maximum,
            .default_value = dogb_strdup(arena, number),
            .unit = dogb_strdup(arena, p->unit == NULL ? "" : p->unit),
            .help = dogb_strdup(arena, p->help == NULL ? "" : p->help)};
        const dogb_option *o = &options[FIRST_ROWS + i];
        if (o->name == NULL || o->default_value == NULL || o->unit == NULL || o->help == NULL) {
            rc = DOGBREED_ERROR_NO_MEMORY;
        }
    }
    return rc;
}

static dogb_table *make_table(dogb_arena *arena, const dogbreed_rule *rule, const char *name) {
    dogb_table *table = dogb_alloc(arena, 1, sizeof *table);
    dogb_option *options =
        dogb_alloc(arena, FIRST_ROWS + (size_t)rule->param_count, sizeof *options);
    if (table == NULL || options == NULL || make_options(options, arena, rule) < 0) {
        return NULL;
    }
    *table = (dogb_table){.name = name,
                          .size = sizeof(custom_params),
                          .options = options,
                          .count = FIRST_ROWS + rule->param_count};
    return table;
}

// A row of the user's rule, which need not stay: texts are copied.
static int make_row(const dogb_rule **out, dogb_arena *arena, const dogbreed_rule *rule) {
    dogb_rule *row = dogb_alloc(arena, 1, sizeof *row);
    dogb_rule_calls *calls = dogb_alloc(arena, 1, sizeof *calls);
    char *name = dogb_strdup(arena, rule->name);
    dogb_table *table = name == NULL ? NULL : make_table(arena, rule, name);
    if (row == NULL || calls == NULL || table == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    *calls = (dogb_rule_calls){.state_size = (size_t)rule->state_size,
                               .begin = custom_begin,
                               .see = custom_see,
                               .step = custom_step,
                               .epoch = custom_epoch,
                               .end = custom_end};
    int any = rule->tensor_regex == NULL || *rule->tensor_regex == '\0';
    *row = (dogb_rule){.name = name,
                       .summary = dogb_strdup(arena, rule->summary == NULL ? "" : rule->summary),
                       .advice = dogb_strdup(arena, rule->advice == NULL ? "" : rule->advice),
                       .params = table,
                       .calls = calls,
                       .group_count = rule->sees == 0 ? 0 : 1,
                       .groups = {{rule->sees, any ? NULL : nothing, "tensor_regex", NULL}}};
    *out = row;
    return row->summary == NULL || row->advice == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

int dogb_rules_custom(dogb_rules *set, const dogbreed_rule *rule, const char *text) {
    const dogb_rule *row = NULL;
    int rc = check_rule(rule);
    if (rc < 0) {
        return rc;
    }
    if (set->fed) {
        return dogb_fail(DOGBREED_ERROR_STATE, "rule %s: comes too late, the training has begun",
                         rule->name);
    }
    for (int32_t i = 0; i < dogb_rule_row_count; i++) {
        DOGB_CHECK(strcmp(rule->name, dogb_rule_rows[i].name) != 0,
                   "rule: name: %s is a rule of the library's", rule->name);
    }
    dogbreed_rule *own = dogb_alloc(set->arena, 1, sizeof *own);
    if (own == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    *own = *rule;
    rc = make_row(&row, set->arena, own);
    return rc < 0 ? rc : dogb_rules_add(set, row, own, text, 0);
}

// --- files

int dogb_rule_custom_file(dogb_rules *set, const char *path, const char *params) {
    void *symbol = NULL;
    dogbreed_rule_v1_fn entry = NULL;
    // The loader takes a name without a slash for a library of the system.
    char *file = dogb_format(set->arena, "%s%s", strchr(path, '/') == NULL ? "./" : "", path);
    int rc = file == NULL ? DOGBREED_ERROR_NO_MEMORY
                          : dogb_plugin_function(&symbol, file, "rules", "dogbreed_rule_v1");
    if (rc < 0) {
        return rc;
    }
    memcpy(&entry, &symbol, sizeof entry); // C has no cast from data to functions
    const dogbreed_rule *rule = entry(0);
    if (rule == NULL) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "rules: %s: holds no rule", file);
    }
    for (int32_t i = 0; rc == DOGBREED_OK && rule != NULL && i < RULES_OF_FILE_MAX; i++) {
        rc = dogb_rules_custom(set, rule, params);
        rule = entry(i + 1);
    }
    return rc;
}
