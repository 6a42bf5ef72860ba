// Every rule where there is nothing to judge: no tensor, one point, NaN, empty tensors, frozen
// layers. No rule is ever in error.
#include "rule_test.h"

enum { TRAIN = DOGB_RULE_TRAIN, EVAL = DOGB_RULE_EVAL };

// What the tensors of a step are like.
typedef struct scene {
    const char *name;
    int steps;       // 0: none at all
    float value;     // of everything; 0: small numbers
    int empty;       // no sample, no element
    int32_t trained; // trainable and fresh
} scene;

enum { NOTHING, ONE, NANS, EMPTY, FROZEN, SCENES };
static const scene scenes[SCENES] = {
    [NOTHING] = {"no tensor", 0, 0, 0, 1}, [ONE] = {"one point", 1, 0, 0, 1},
    [NANS] = {"NaN", 3, NAN, 0, 1},        [EMPTY] = {"empty", 3, 0, 1, 1},
    [FROZEN] = {"frozen", 3, 0, 0, 0},
};

enum { LABEL = DOGBREED_TENSOR_LABEL, PREDICTION = DOGBREED_TENSOR_PREDICTION };

static void show(feed *f, const dogb_rule_moment *m, const scene *s, dogb_rule_tensor t) {
    float values[96];
    int classes = t.what == LABEL || t.what == PREDICTION;
    for (int i = 0; i < 96; i++) { // classes 0 to 3, or numbers that move from step to step
        float moving = 0.01f * (float)(i % 17 - 8) * (1 + 0.1f * (float)m->step);
        values[i] = s->value != 0 ? s->value : classes ? (float)(i % 4) : moving;
    }
    t.trainable = s->trained;
    t.fresh = s->trained;
    t.shape[0] = s->empty ? 0 : t.shape[0];
    (void)see(f, m, t, values);
}

static dogb_rule_tensor around(const char *name, int32_t op, int is_input) {
    dogb_rule_tensor t = matrix_of(DOGBREED_TENSOR_ACTIVATION, name, 8, 4);
    t.op = op;
    t.is_input = is_input;
    return t;
}

static void show_step(feed *f, const scene *s, int64_t step) {
    dogb_rule_tensor input = matrix_of(DOGBREED_TENSOR_INPUT, "input", 2, 3);
    input.rank = 4;
    input.shape[2] = 4;
    input.shape[3] = 4;
    const dogb_rule_tensor tensors[] = {
        input,
        vector_of(LABEL, "labels", 8),
        vector_of(PREDICTION, "predictions", 8),
        around("a.1_input_0", DOGB_RULE_OP_RELU, 1),
        around("a.3_input_0", DOGB_RULE_OP_RELU, 1),
        around("a.1_output_0", DOGB_RULE_OP_RELU, 0),
        around("a.5_input_0", DOGB_RULE_OP_TANH, 1),
        matrix_of(DOGBREED_TENSOR_GRADIENT, "gradient/a.0.weight", 4, 4),
        matrix_of(DOGBREED_TENSOR_GRADIENT, "gradient/a.2.weight", 4, 4),
        matrix_of(DOGBREED_TENSOR_WEIGHT, "a.0.weight", 4, 4),
        matrix_of(DOGBREED_TENSOR_WEIGHT, "a.2.weight", 4, 4),
    };
    for (int32_t mode = TRAIN; mode <= EVAL; mode++) {
        dogb_rule_moment m = at(mode, step);
        m.time = 100 + (double)step;
        for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++) {
            show(f, &m, s, tensors[i]);
        }
        if (!s->empty) {
            const float loss = s->value != 0 ? s->value : 1.0f / (float)(step + 1);
            (void)see(f, &m,
                      (dogb_rule_tensor){.name = "CrossEntropyLoss_output_0",
                                         .what = DOGBREED_TENSOR_SCALAR},
                      &loss);
        }
        (void)dogb_rules_step(f->set, &m);
    }
    const double loss = s->value != 0 ? (double)s->value : 1.0 / (double)(step + 1);
    const dogb_rule_epoch e = {.epoch = (int32_t)step,
                               .step = step + 1,
                               .train_loss = s->empty ? (double)NAN : loss,
                               .val_loss = s->empty ? (double)NAN : loss,
                               .train_count = s->empty ? 0 : 8,
                               .val_count = s->empty ? 0 : 8};
    (void)dogb_rules_epoch(f->set, &e);
}

static int equal_other(const float **out, size_t *count, const char *run, const char *tensor,
                       int32_t mode, int64_t mode_step, void *userdata) {
    static const float values[96] = {0};
    (void)run;
    (void)tensor;
    (void)mode;
    (void)mode_step;
    (void)userdata;
    *out = values;
    *count = 16;
    return DOGBREED_OK;
}

// Expected: "" is NoIssuesFound, "!" IssuesFound, else NotEvaluated for that reason.
static const struct {
    const char *text;
    const char *expected[SCENES];
} rows[] = {
    {"VanishingGradient", {"no_matching_tensor", "", "not_finite", "not_applicable", "frozen"}},
    {"ExplodingTensor", {"no_matching_tensor", "", "!", "not_applicable", ""}},
    {"DeadRelu", {"no_matching_tensor", "", "not_finite", "not_applicable", "frozen"}},
    {"SaturatedActivation", {"no_matching_tensor", "", "not_finite", "not_applicable", "frozen"}},
    {"PoorWeightInitialization",
     {"no_matching_tensor", "", "not_finite", "not_applicable", "pretrained"}},
    {"WeightUpdateRatio",
     {"no_matching_tensor", "too_few_points", "not_finite", "not_applicable", "frozen"}},
    {"TensorVariance:max_threshold=2",
     {"no_matching_tensor", "", "not_finite", "not_applicable", ""}},
    {"UnchangedTensor:collection_names=weights",
     {"no_matching_tensor", "too_few_points", "", "not_applicable", "frozen"}},
    {"AllZero:tensor_regex=.*", {"no_matching_tensor", "", "", "not_applicable", ""}},
    {"ClassImbalance",
     {"no_matching_tensor", "too_few_points", "too_few_points", "not_applicable", ""}},
    {"Confusion", {"no_matching_tensor", "", "", "not_applicable", ""}},
    {"LossNotDecreasing",
     {"no_matching_tensor", "too_few_points", "!", "mode_never_ran", "too_few_points"}},
    {"Overfit", {"no_matching_tensor", "", "!", "mode_never_ran", ""}},
    {"Overtraining", {"no_matching_tensor", "too_few_points", "!", "no_matching_tensor", ""}},
    {"SimilarAcrossRuns:other_trials=a,collection_names=gradients",
     {"no_matching_tensor", "!", "!", "not_applicable", "!"}},
    {"StalledTrainingRule", {"too_few_points", "", "", "", ""}},
    {"CheckInputImages",
     {"no_matching_tensor", "too_few_points", "not_finite", "not_applicable", "too_few_points"}},
};

// 1: not what was expected, with a line that says so.
static int check(const char *text, const scene *s, const char *expected, int by_steps) {
    char full[256];
    feed f;
    (void)snprintf(full, sizeof full, "%s%s%s", text,
                   !by_steps                   ? ""
                   : strchr(text, ':') == NULL ? ":"
                                               : ",",
                   by_steps ? "parity=on" : "");
    assert_ok(feed_create(&f, (dogb_rules_conf){.text = full, .other = equal_other}));
    for (int step = 0; step < s->steps; step++) {
        show_step(&f, s, step);
    }
    (void)dogb_rules_end(f.set);
    dogb_rule_result result = result_of(&f, 0);
    const char *got = result.status == DOGBREED_RULE_ISSUES      ? "!"
                      : result.status == DOGBREED_RULE_NO_ISSUES ? ""
                                                                 : result.reason;
    assert_true(result.status != DOGBREED_RULE_ERROR);
    int other = !by_steps && strcmp(got, expected) != 0;
    if (other) {
        print_error("%s, %s: expected \"%s\", got \"%s\": %s\n", text, s->name, expected, got,
                    f.first_text);
    }
    assert_non_null(dogb_rules_json(f.set, &f.arena));
    assert_non_null(dogb_rules_report(f.set, 0, &f.arena));
    feed_close(&f);
    return other;
}

static void no_rule_is_in_error(void **state) {
    (void)state;
    int32_t count = (int32_t)(sizeof rows / sizeof rows[0]);
    int others = 0;
    for (int32_t i = 0; i < count; i++) {
        const char *name = dogb_rule_row(i)->name;
        assert_true(strncmp(rows[i].text, name, strlen(name)) == 0); // every rule, in order
        for (int k = 0; k < SCENES; k++) {
            others += check(rows[i].text, &scenes[k], rows[i].expected[k], 0);
            (void)check(rows[i].text, &scenes[k], "", 1); // in the ways of the original
        }
    }
    assert_int_equal(others, 0);
    assert_null(dogb_rule_row(count));
}

// Tensors that cannot be read are a reason, not an end.
static void what_cannot_be_read_is_left_out(void **state) {
    (void)state;
    const float value = NAN;
    feed f;
    feed_open(&f, "ExplodingTensor");
    f.refuses = DOGBREED_ERROR_FORMAT;
    step_with(&f, TRAIN, 0, vector_of(DOGBREED_TENSOR_WEIGHT, "w", 1), &value);
    f.refuses = 0;
    step_with(&f, TRAIN, 1, vector_of(DOGBREED_TENSOR_WEIGHT, "w", 1), &value);
    assert_int_equal(f.found, 1);
    feed_close(&f);
    feed_open(&f, "ExplodingTensor");
    f.refuses = DOGBREED_ERROR_IO;
    step_with(&f, TRAIN, 0, vector_of(DOGBREED_TENSOR_WEIGHT, "w", 1), &value);
    assert_status(&f, DOGBREED_RULE_NOT_EVALUATED, "unreadable");
    feed_close(&f);
    feed_open(&f, "ExplodingTensor");
    f.refuses = DOGBREED_ERROR_NO_MEMORY;
    step_with(&f, TRAIN, 0, vector_of(DOGBREED_TENSOR_WEIGHT, "w", 1), &value);
    f.refuses = 0;
    step_with(&f, TRAIN, 1, vector_of(DOGBREED_TENSOR_WEIGHT, "w", 1), &value);
    assert_status(&f, DOGBREED_RULE_NOT_EVALUATED, "out_of_memory");
    feed_close(&f);
}

// All rules on a whole scene: memory may run out in any place, and no call of the feeder fails.
static int everything(void *userdata) {
    const scene *s = userdata;
    feed f;
    int rc = feed_create(&f, (dogb_rules_conf){.text = "all;AllZero:tensor_regex=.*;"
                                                       "Overfit:unit=steps;"
                                                       "SimilarAcrossRuns:other_trials=a",
                                               .other = equal_other});
    if (rc == DOGBREED_OK) {
        for (int step = 0; step < s->steps; step++) {
            show_step(&f, s, step);
        }
        (void)dogb_rules_end(f.set);
        for (int32_t i = 0; i < dogb_rules_count(f.set); i++) {
            dogb_rule_result result = result_of(&f, i);
            assert_true(result.status != DOGBREED_RULE_ERROR);
        }
        rc = dogb_rules_json(f.set, &f.arena) == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
        for (int32_t i = 0; rc == DOGBREED_OK && i < dogb_rules_count(f.set); i++) {
            json_t *report = dogb_rules_report(f.set, i, &f.arena);
            rc = report == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
        }
    }
    dogb_arena_free(&f.arena);
    return rc;
}

static void memory_may_run_out(void **state) {
    (void)state;
    dogbreed_log_set(NULL, NULL, 0); // each rule says that it judges no more
    int created = 0;
    int lost = 0;
    for (int at_allocation = 0;; at_allocation += 7 * test_part()) {
        memory_fail_after(at_allocation);
        int rc = everything((void *)(uintptr_t)&scenes[NANS]);
        if (!memory_restore()) {
            assert_int_equal(rc, 0);
            break;
        }
        assert_true(rc == 0 || rc == DOGBREED_ERROR_NO_MEMORY);
        created += rc == 0;
        lost += rc != 0;
    }
    assert_true(created > 0 && lost > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_rule_is_in_error),
        cmocka_unit_test(what_cannot_be_read_is_left_out),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
