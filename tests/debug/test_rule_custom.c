// Rules of the user's: what their callbacks see, what becomes of their results, files with rules.
#include "rule_test.h"

enum { TRAIN = DOGB_RULE_TRAIN, WEIGHT = DOGBREED_TENSOR_WEIGHT };

typedef struct calls {
    int begin;
    int see;
    int step;
    int epoch;
    int end;
    int answer; // of see
    float first;
} calls;

static int on_begin(dogbreed_rule_call *call) {
    calls *c = call->userdata;
    c->begin++;
    assert_null(call->tensor);
    assert_true(isnan(call->value) && isnan(call->train_loss));
    memset(call->state, 7, 16);
    return 0;
}

static int on_see(dogbreed_rule_call *call) {
    calls *c = call->userdata;
    c->see++;
    c->first = call->values[0];
    assert_int_equal(((const char *)call->state)[15], 7);
    assert_int_equal(call->struct_size, sizeof *call);
    assert_string_equal(call->tensor->name, "fc.weight");
    assert_int_equal(call->tensor->what, WEIGHT);
    assert_int_equal(call->count, 2);
    assert_int_equal(call->trainable, 1);
    assert_true(call->stats->maximum == 2);
    assert_int_equal(call->mode, TRAIN);
    assert_true(call->params[0] == 0.5 && call->params[1] == 8);
    call->value = 3;
    call->threshold = 4;
    memset(call->text, 'x', sizeof call->text); // no end
    return c->answer;
}

static int on_step(dogbreed_rule_call *call) {
    calls *c = call->userdata;
    c->step++;
    assert_int_equal(call->mode_step, call->step);
    return 0;
}

static int on_epoch(dogbreed_rule_call *call) {
    calls *c = call->userdata;
    c->epoch++;
    return call->val_loss > 1 ? DOGBREED_RULE_HIT : DOGBREED_RULE_FINE;
}

static int on_end(dogbreed_rule_call *call) {
    calls *c = call->userdata;
    c->end++;
    return 0;
}

static const dogbreed_rule_param params[] = {
    {"share", "", "A share.", 0.5, 0, 1},
    {"limit", "samples", NULL, 3, 0, 10},
};

static dogbreed_rule rule_of(calls *c) {
    return (dogbreed_rule){.struct_size = sizeof(dogbreed_rule),
                           .sees = 1u << WEIGHT,
                           .needs = DOGBREED_RULE_STATS | DOGBREED_RULE_VALUES,
                           .param_count = 2,
                           .name = "Mine",
                           .params = params,
                           .state_size = 16,
                           .begin = on_begin,
                           .see = on_see,
                           .step = on_step,
                           .epoch = on_epoch,
                           .end = on_end,
                           .userdata = c};
}

static void callbacks_are_called(void **state) {
    (void)state;
    const float values[] = {1, 2};
    calls c = {.answer = DOGBREED_RULE_HIT};
    dogbreed_rule rule = rule_of(&c);
    feed f;
    feed_open(&f, "none");
    assert_ok(dogb_rules_custom(f.set, &rule, "limit=8"));
    memset(&rule, 0, sizeof rule); // it has been copied
    assert_int_equal(dogb_rules_sees(f.set), 1u << WEIGHT);
    step_with(&f, TRAIN, 0, vector_of(WEIGHT, "fc.weight", 2), values);
    step_with(&f, TRAIN, 1, vector_of(DOGBREED_TENSOR_GRADIENT, "gradient/fc.weight", 2), values);
    assert_int_equal(f.found, 1);
    assert_true(strncmp(f.first_text, "fc.weight: xxxx", 15) == 0);
    assert_int_equal(strlen(f.first_text), 11 + 255);
    epoch_with(&f, 0, 1, 0.5);
    epoch_with(&f, 1, 1, 2);
    assert_status(&f, DOGBREED_RULE_ISSUES, "");
    assert_int_equal(f.found, 2);
    assert_true(c.begin == 1 && c.see == 1 && c.step == 2 && c.epoch == 2 && c.end == 1);
    assert_int_equal(result_of(&f, 0).points, 3);
    const json_t *mine = json_array_get(dogb_rules_json(f.set, &f.arena), 0);
    assert_true(json_real_value(json_object_get(json_object_get(mine, "parameters"), "limit")) ==
                8);
    assert_true(json_real_value(json_object_get(json_object_get(mine, "evidence"), "value")) == 3);
    feed_close(&f);
}

static void a_failure_is_the_rules_own(void **state) {
    (void)state;
    const float values[] = {1, 2};
    calls c = {.answer = -5};
    dogbreed_rule rule = rule_of(&c);
    feed f;
    dogbreed_log_set(NULL, NULL, 0);
    feed_open(&f, "Overfit");
    assert_ok(dogb_rules_custom(f.set, &rule, "limit=8"));
    const dogb_rule_moment m = at(TRAIN, 0);
    assert_int_equal(see(&f, &m, vector_of(WEIGHT, "fc.weight", 2), values), 0);
    step_with(&f, TRAIN, 1, vector_of(WEIGHT, "fc.weight", 2), values);
    assert_int_equal(c.see, 1); // not again
    assert_int_equal(c.step, 0);
    assert_int_equal(result_of(&f, 1).status, DOGBREED_RULE_ERROR);
    assert_non_null(strstr(result_of(&f, 1).reason, "callback has failed"));
    epoch_with(&f, 0, 1, 1);
    assert_status(&f, DOGBREED_RULE_NO_ISSUES, "");
    assert_int_equal(c.end, 0);
    feed_close(&f);
    c = (calls){.answer = DOGBREED_RULE_NOT_YET};
    feed_open(&f, "none");
    rule = rule_of(&c);
    assert_ok(dogb_rules_custom(f.set, &rule, "limit=8"));
    step_with(&f, TRAIN, 0, vector_of(WEIGHT, "fc.weight", 2), values);
    assert_status(&f, DOGBREED_RULE_NOT_EVALUATED, "too_few_points");
    feed_close(&f);
}

static void rules_are_checked(void **state) {
    (void)state;
    calls c = {0};
    dogbreed_rule rule = rule_of(&c);
    const dogbreed_rule_param bad[] = {{"share", "", "", 2, 0, 1}, {"no name", "", "", 0, 0, 1}};
    feed f;
    feed_open(&f, "none");
    assert_fails(dogb_rules_custom(f.set, NULL, NULL), DOGBREED_ERROR_INVALID_ARGUMENT, "is NULL");
    rule.struct_size = 8;
    assert_fails(dogb_rules_custom(f.set, &rule, NULL), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "struct_size 8");
    rule = rule_of(&c);
    rule.name = "a b";
    assert_fails(dogb_rules_custom(f.set, &rule, NULL), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "letters, digits and _");
    rule.name = "Overfit";
    assert_fails(dogb_rules_custom(f.set, &rule, NULL), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "Overfit is a rule of the library's");
    rule = rule_of(&c);
    rule.sees = 1u << 20;
    assert_fails(dogb_rules_custom(f.set, &rule, NULL), DOGBREED_ERROR_INVALID_ARGUMENT, "sees");
    rule.sees = 0;
    assert_fails(dogb_rules_custom(f.set, &rule, NULL), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "sees no kind");
    rule = rule_of(&c);
    rule.params = bad;
    assert_fails(dogb_rules_custom(f.set, &rule, NULL), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "share: the default is not between");
    rule.params = bad + 1;
    rule.param_count = 1;
    assert_fails(dogb_rules_custom(f.set, &rule, NULL), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "parameter 0 has no name");
    rule.params = NULL;
    assert_fails(dogb_rules_custom(f.set, &rule, NULL), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "params is NULL");
    rule = rule_of(&c);
    assert_fails(dogb_rules_custom(f.set, &rule, "limit=11"), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "rules: Mine: limit: 11 is out of range, expected 0 to 10 samples");
    rule.tensor_regex = "a(?=b)";
    assert_fails(dogb_rules_custom(f.set, &rule, NULL), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "no lookahead");
    assert_int_equal(dogb_rules_count(f.set), 0);
    rule = rule_of(&c);
    const dogb_rule_moment m = at(TRAIN, 0);
    (void)dogb_rules_step(f.set, &m);
    assert_fails(dogb_rules_custom(f.set, &rule, NULL), DOGBREED_ERROR_STATE, "comes too late");
    feed_close(&f);
}

static void a_file_has_rules(void **state) {
    (void)state;
    const char *file = getenv("DOGBREED_TEST_RULE_FILE");
    char text[1100];
    const float values[] = {1, 20};
    feed f;
    assert_non_null(file);
    (void)snprintf(text, sizeof text, "Overfit;%s:limit=15;Overtraining", file);
    feed_open(&f, text);
    assert_int_equal(dogb_rules_count(f.set), 4);
    assert_string_equal(result_of(&f, 1).name, "LargeWeight");
    assert_string_equal(result_of(&f, 2).name, "LowAccuracy");
    step_with(&f, TRAIN, 0, vector_of(WEIGHT, "fc.weight", 2), values);
    step_with(&f, TRAIN, 0, vector_of(WEIGHT, "fc.bias", 2), values);
    assert_int_equal(f.found, 1);
    assert_string_equal(f.first_text, "fc.weight: a");
    epoch_with(&f, 0, 1, 1);
    assert_int_equal(f.found, 2);
    feed_close(&f);
    (void)snprintf(text, sizeof text, "%s:limit=15;%s:limit=25", file, file); // each has its own
    feed_open(&f, text);
    step_with(&f, TRAIN, 0, vector_of(WEIGHT, "fc.weight", 2), values);
    assert_int_equal(result_of(&f, 0).hits, 1);
    assert_string_equal(result_of(&f, 2).name, "LargeWeight-2");
    assert_int_equal(result_of(&f, 2).hits, 0);
    feed_close(&f);
    (void)snprintf(text, sizeof text, "%s:limits=15", file);
    assert_fails(feed_create(&f, (dogb_rules_conf){.text = text}), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "LargeWeight: limits: no such LargeWeight option; did you mean limit?");
    feed_close(&f);
    assert_fails(feed_create(&f, (dogb_rules_conf){.text = "missing.so"}), DOGBREED_ERROR_IO,
                 "missing.so");
    feed_close(&f);
}

static int add(void *userdata) {
    dogbreed_rule rule = rule_of(userdata);
    feed f;
    int rc = feed_create(&f, (dogb_rules_conf){.text = "none"});
    rc = rc < 0 ? rc : dogb_rules_custom(f.set, &rule, "limit=8");
    feed_close(&f);
    return rc;
}

static void memory_may_run_out(void **state) {
    (void)state;
    calls c = {0};
    assert_true(memory_fails_each(add, &c, 1) > 15);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(callbacks_are_called), cmocka_unit_test(a_failure_is_the_rules_own),
        cmocka_unit_test(rules_are_checked),    cmocka_unit_test(a_file_has_rules),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
