// The text of rules: names, groups, parameters and their forms, what is refused and in which words,
// the documents of rules, memory that runs out.
#include "rule_test.h"

static void names_and_groups(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int32_t count;
        const char *first;
        const char *last;
    } rows[] = {
        {"", 0, NULL, NULL},
        {" ; ;", 0, NULL, NULL},
        {"none", 0, NULL, NULL},
        {"Overfit", 1, "Overfit", "Overfit"},
        {" Overfit ; VanishingGradient ", 2, "Overfit", "VanishingGradient"},
        {"Overfit;Overfit:patience=9;Overfit", 3, "Overfit", "Overfit-3"},
        {"default", 12, "VanishingGradient", "CheckInputImages"},
        {"all", 14, "VanishingGradient", "CheckInputImages"},
        {"all;AllZero:tensor_regex=.*", 15, "VanishingGradient", "AllZero"},
        {"default;all", 14, "VanishingGradient", "UnchangedTensor"},
        {"Overfit;default", 12, "Overfit", "CheckInputImages"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        feed f;
        feed_open(&f, rows[i].text);
        int32_t count = dogb_rules_count(f.set);
        if (count != rows[i].count) {
            fail_msg("%s: %d rules", rows[i].text, count);
        }
        if (count > 0) {
            assert_string_equal(result_of(&f, 0).name, rows[i].first);
            assert_string_equal(result_of(&f, count - 1).name, rows[i].last);
        }
        feed_close(&f);
    }
}

// Text of a parameter of the first rule in its document.
static const char *param_of(const feed *f, const char *name, char buffer[64]) {
    dogb_arena *arena = (dogb_arena *)(uintptr_t)&f->arena;
    const json_t *rule = json_array_get(dogb_rules_json(f->set, arena), 0);
    const json_t *value = json_object_get(json_object_get(rule, "parameters"), name);
    if (json_is_string(value)) {
        (void)snprintf(buffer, 64, "%s", json_string_value(value));
    } else if (json_is_boolean(value)) {
        (void)snprintf(buffer, 64, "%s", json_is_true(value) ? "on" : "off");
    } else {
        (void)snprintf(buffer, 64, "%.10g", json_number_value(value));
    }
    return buffer;
}

static void parameters_in_their_forms(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *param;
        const char *value;
    } rows[] = {
        {"Overfit", "patience", "1"},
        {"Overfit:patience=3", "patience", "3"},
        {"Overfit: patience = 3 , ratio_threshold=0.5 ;Overtraining", "ratio_threshold", "0.5"},
        {"Overfit:patience=3,ratio-threshold=1e-3,", "ratio_threshold", "0.001"},
        {"Overfit:patience=None", "patience", "1"},
        {"Overfit:tensor_regex=a,b,c=d", "tensor_regex", NULL}, // c= is a parameter
        {"Overfit:tensor_regex='a,b,c=d;e'", "tensor_regex", "a,b,c=d;e"},
        {"Overfit:tensor_regex=\"it's\",patience=2", "tensor_regex", "it's"},
        {"Overfit:tensor_regex=a{1,2},patience=2", "tensor_regex", "a{1,2}"},
        {"AllZero:collection_names=weights, biases", "collection_names", "weights, biases"},
        {"UnchangedTensor:equal_nan=True", "equal_nan", "on"},
        {"UnchangedTensor:equal_nan=False", "equal_nan", "off"},
        {"TensorVariance:min_threshold=-1,max_threshold=None", "max_threshold", "Infinity"},
        {"Overfit:stop_training=on", "stop_training", "on"},
        {"Overfit:parity=on", "unit", "steps"},
        {"Overfit:parity=on,unit=evaluations", "unit", "evaluations"},
        {"Overfit:parity=on", "stop_at_first_hit", "on"},
        {"default;Overfit:patience=7", "threshold", "1e-07"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char buffer[64];
        feed f;
        int rc = feed_create(&f, (dogb_rules_conf){.text = rows[i].text});
        if (rows[i].value == NULL) {
            assert_int_equal(rc, DOGBREED_ERROR_INVALID_ARGUMENT);
        } else {
            assert_ok(rc);
            assert_string_equal(param_of(&f, rows[i].param, buffer), rows[i].value);
        }
        feed_close(&f);
    }
}

static void mistakes_are_named(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *part;
    } rows[] = {
        {"Overfitt", "rules: Overfitt: no such rule; did you mean Overfit?"},
        {"x", "rules: x: no such rule"},
        {"defualt", "did you mean default?"},
        {"TreeDepth", "TreeDepth: is for XGBoost"},
        {"NLPSequenceRatio", "is for texts"},
        {"LowGPUUtilization", "is a rule of the profiler"},
        {":patience=3", "the name of a rule is missing"},
        {"Overfit:paitence=3", "rules: Overfit: paitence: no such Overfit option; did you mean "
                               "patience?"},
        {"Overfit:patience=x", "rules: Overfit: patience: \"x\" is not a whole number"},
        {"Overfit:patience=-1", "rules: Overfit: patience: -1 is out of range, expected 0 to"},
        {"Overfit:patience", "rules: Overfit: \"patience\": expected PARAMETER=VALUE"},
        {"Overfit:=3", "expected PARAMETER=VALUE"},
        {"Overfit:patience=3;Overtraining:delta", "rules: Overtraining: \"delta\""},
        {"Overfit:tensor_regex='a", "the quote ' has no end"},
        {"Overfit:tensor_regex='a'b", "expected a comma behind the quoted value"},
        {"Overfit:tensor_regex=loss(?=_output)",
         "rules: Overfit: tensor_regex: \"loss(?=_output)\": (?= at character 5 is not taken; "
         "POSIX has no lookahead"},
        {"DeadRelu:tensor_regex=relu\\d", "\\d at character 5"},
        {"DeadRelu:tensor_regex=.*?relu", "*? at character 2"},
        {"LossNotDecreasing:unit=epochs", "unit: \"epochs\" is none of evaluations,steps"},
        {"UnchangedTensor:equal_nan=maybe", "\"maybe\" is not on or off"},
        {"AllZero", "rules: AllZero: needs the parameter collection_names|tensor_regex"},
        {"AllZero:threshold=5", "needs the parameter"},
        {"TensorVariance", "needs the parameter max_threshold|min_threshold"},
        {"SimilarAcrossRuns", "needs the parameter other_trials"},
        {"AllZero:collection_names=wieghts", "wieghts: no such collection; did you mean weights?"},
        {"all:patience=3", "rules: all: is a group and has no parameters"},
        {"./nothing.so", "nothing.so"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        feed f;
        int rc = feed_create(&f, (dogb_rules_conf){.text = rows[i].text});
        if (rc == 0 || strstr(dogbreed_error_message(), rows[i].part) == NULL) {
            fail_msg("%s: %d, %s", rows[i].text, rc, dogbreed_error_message());
        }
        assert_null(f.set);
        feed_close(&f);
    }
    char *longest = malloc(70000);
    memset(longest, ';', 69999);
    longest[69999] = '\0';
    feed f;
    assert_fails(feed_create(&f, (dogb_rules_conf){.text = longest}),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "a text of 69999 bytes, at most 65536");
    feed_close(&f);
    longest[0] = '\0';
    for (int i = 0; i < 65; i++) {
        memcpy(longest + 8 * i, "Overfit;", 9);
    }
    assert_fails(feed_create(&f, (dogb_rules_conf){.text = longest}),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "at most 64 are taken");
    feed_close(&f);
    free(longest);
}

static void rules_of_the_table_have_all_texts(void **state) {
    (void)state;
    const dogb_rule *rule;
    for (int32_t i = 0; (rule = dogb_rule_row(i)) != NULL; i++) {
        assert_true(strlen(rule->summary) > 20 && rule->summary[strlen(rule->summary) - 1] == '.');
        assert_true(strlen(rule->advice) > 10 && rule->advice[strlen(rule->advice) - 1] == '.');
        assert_non_null(rule->calls);
        assert_string_equal(rule->params->name, rule->name);
        for (uint32_t k = 0; k < rule->params->count; k++) {
            const dogb_option *option = &rule->params->options[k];
            assert_true(strlen(option->help) > 10);
            assert_true(option->offset + dogb_option_size(option) <= rule->params->size);
            for (uint32_t j = 0; j < k; j++) { // no two share a field
                assert_true(option->offset != rule->params->options[j].offset);
            }
        }
    }
}

// --- documents

static void a_finding_has_its_document(void **state) {
    (void)state;
    feed f;
    feed_open(&f, "Overfit:patience=0;Overtraining");
    for (int i = 0; i < 30; i++) {
        epoch_with(&f, i, 1, 1.5 + i);
    }
    (void)dogb_rules_end(f.set);
    json_t *all = dogb_rules_json(f.set, &f.arena);
    assert_int_equal(json_array_size(all), 2);
    const json_t *rule = json_array_get(all, 0);
    assert_string_equal(json_string_value(json_object_get(rule, "rule")), "Overfit");
    assert_string_equal(json_string_value(json_object_get(rule, "status")), "IssuesFound");
    assert_string_equal(json_string_value(json_object_get(rule, "reason")), "");
    assert_string_equal(json_string_value(json_object_get(rule, "mode")), "EVAL");
    assert_int_equal(json_integer_value(json_object_get(rule, "step")), 10);
    assert_int_equal(json_integer_value(json_object_get(rule, "epoch")), 0);
    assert_int_equal(json_integer_value(json_object_get(rule, "violations")), 30);
    assert_int_equal(json_integer_value(json_object_get(rule, "datapoints")), 30);
    const json_t *evidence = json_object_get(rule, "evidence");
    assert_true(json_real_value(json_object_get(evidence, "ratio")) == 0.5);
    assert_non_null(strstr(json_string_value(json_object_get(rule, "recommendation")), "epochs"));
    const json_t *hits = json_object_get(rule, "hits"); // the first 20 and the last
    assert_int_equal(json_array_size(hits), 21);
    const json_t *last = json_array_get(hits, 20);
    assert_int_equal(json_integer_value(json_object_get(last, "epoch")), 29);
    feed_close(&f);
}

static void the_original_document(void **state) {
    (void)state;
    feed f;
    feed_open(&f, "LossNotDecreasing:mode=TRAIN;Overfit");
    epoch_with(&f, 0, 1, 1);
    epoch_with(&f, 1, 1, (double)NAN);
    (void)dogb_rules_end(f.set);
    json_t *report = dogb_rules_report(f.set, 0, &f.arena);
    assert_int_equal(json_integer_value(json_object_get(report, "RuleTriggered")), 0);
    assert_int_equal(json_integer_value(json_object_get(report, "Violations")), 0);
    assert_int_equal(json_integer_value(json_object_get(report, "Datapoints")), 0);
    assert_true(json_is_object(json_object_get(report, "Details")));
    assert_string_equal(json_string_value(json_object_get(report, "RuleParameters")),
                        "collection_names:None\ntensor_regex:None\nuse_losses_collection:on\n"
                        "unit:evaluations\nnum_steps:0\ndiff_percent:0.1\n"
                        "increase_threshold_percent:5\nmode:TRAIN\ncompat:now");
    const json_t *own = json_object_get(report, "dogbreed");
    assert_string_equal(json_string_value(json_object_get(own, "status")), "NotEvaluated");
    assert_string_equal(json_string_value(json_object_get(own, "reason")), "too_few_points");
    assert_int_equal(json_object_size(report), 6);
    feed_close(&f);
}

static void rules_without_a_tensor_say_so_before(void **state) {
    (void)state;
    feed f;
    feed_open(&f, "SaturatedActivation;VanishingGradient;Overfit");
    dogb_rule_tensor t = vector_of(DOGBREED_TENSOR_GRADIENT, "gradient/fc.weight", 2);
    assert_int_equal(result_of(&f, 0).status, DOGBREED_RULE_IN_PROGRESS);
    assert_int_equal(dogb_rules_wants(f.set, DOGB_RULE_TRAIN, &t), 1);
    assert_int_equal(result_of(&f, 0).status, DOGBREED_RULE_NOT_EVALUATED);
    assert_string_equal(result_of(&f, 0).reason, "no_matching_tensor");
    assert_int_equal(result_of(&f, 1).status, DOGBREED_RULE_IN_PROGRESS);
    assert_int_equal(result_of(&f, 2).status, DOGBREED_RULE_IN_PROGRESS); // epochs suffice
    feed_close(&f);
}

static int create(void *userdata) {
    feed f;
    int rc = feed_create(&f, (dogb_rules_conf){.text = userdata});
    feed_close(&f);
    return rc;
}

static void memory_may_run_out(void **state) {
    (void)state;
    char text[] = "default;AllZero:tensor_regex=a,'b';Overfit:patience=2;Overfit";
    assert_true(memory_fails_each(create, text, 1) > 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_groups),
        cmocka_unit_test(parameters_in_their_forms),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(rules_of_the_table_have_all_texts),
        cmocka_unit_test(a_finding_has_its_document),
        cmocka_unit_test(the_original_document),
        cmocka_unit_test(rules_without_a_tensor_say_so_before),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
