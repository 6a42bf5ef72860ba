// Rules about gradients, weights and other tensors: thresholds, choice of tensors, vectors of the
// published tests.
#include "rule_test.h"

enum {
    TRAIN = DOGB_RULE_TRAIN,
    GRADIENT = DOGBREED_TENSOR_GRADIENT,
    WEIGHT = DOGBREED_TENSOR_WEIGHT,
    ACTIVATION = DOGBREED_TENSOR_ACTIVATION
};

static void small_gradients_have_vanished(void **state) {
    (void)state;
    feed f;
    feed_open(&f, "VanishingGradient");
    const float small[] = {1e-8f, -1.9e-7f}; // mean of absolute values 1e-7: not below it
    const float tiny[] = {1e-8f, -1.8e-7f};
    step_with(&f, TRAIN, 0, vector_of(GRADIENT, "gradient/fc.weight", 2),
              (const float[]){1e-7f, -1.1e-7f});
    assert_int_equal(f.found, 0);
    step_with(&f, TRAIN, 5, vector_of(GRADIENT, "gradient/fc.weight", 2), tiny);
    assert_int_equal(f.first_step, 5);
    assert_non_null(strstr(f.first_text, "gradient/fc.weight: mean of absolute values is 9.5e-08"));
    step_with(&f, TRAIN, 6, vector_of(WEIGHT, "fc.weight", 2), small); // no gradient
    assert_int_equal(f.found, 1);
    assert_int_equal(result_of(&f, 0).points, 2);
    feed_close(&f);
    feed_open(&f, "VanishingGradient:threshold=1e-6");
    step_with(&f, TRAIN, 0, vector_of(GRADIENT, "gradient/fc.weight", 2), small);
    assert_int_equal(f.found, 1);
    feed_close(&f);
}

static void values_that_are_no_numbers_explode(void **state) {
    (void)state;
    const float good[] = {1, 2, 3};
    const float nan_one[] = {1, NAN, 3};
    const float infinite[] = {1, -INFINITY, INFINITY};
    feed f;
    feed_open(&f, "ExplodingTensor");
    step_with(&f, TRAIN, 0, vector_of(WEIGHT, "fc.weight", 3), good);
    assert_int_equal(f.found, 0);
    step_with(&f, TRAIN, 1, vector_of(WEIGHT, "fc.weight", 3), nan_one);
    step_with(&f, TRAIN, 2, vector_of(ACTIVATION, "fc_output_0", 3), infinite);
    assert_int_equal(f.found, 2);
    assert_non_null(strstr(f.first_text, "fc.weight: 1 values are NaN, 0 are infinite, of 3"));
    assert_non_null(strstr(f.last_text, "0 values are NaN, 2 are infinite"));
    feed_close(&f);
    feed_open(&f, "ExplodingTensor:only_nan=True");
    step_with(&f, TRAIN, 2, vector_of(ACTIVATION, "fc_output_0", 3), infinite);
    assert_status(&f, DOGBREED_RULE_NO_ISSUES, "");
    feed_close(&f);
}

static void tensors_are_chosen_by_name(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint32_t sees;
        int weight;
        int bias;
        int gradient;
        int output;
    } rows[] = {
        {"ExplodingTensor", 255, 1, 1, 1, 1},
        {"ExplodingTensor:collection_names=weights", 1u << WEIGHT, 1, 0, 0, 0},
        {"ExplodingTensor:collection_names=biases,gradients", 1u << WEIGHT | 1u << GRADIENT, 0, 1,
         1, 0},
        {"ExplodingTensor:tensor_regex=^fc", 255, 1, 1, 0, 1},
        {"ExplodingTensor:tensor_regex=weight$,_output_[0-9]{1,2}$", 255, 1, 0, 1, 1},
        {"ExplodingTensor:tensor_regex=output,collection_names=biases", 255, 0, 1, 0, 1},
        {"ExplodingTensor:collection_names=outputs", 1u << ACTIVATION, 0, 0, 0, 1},
        {"ExplodingTensor:collection_names=None", 255, 1, 1, 1, 1},
    };
    const float bad = NAN;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        feed f;
        feed_open(&f, rows[i].text);
        assert_int_equal(dogb_rules_sees(f.set), rows[i].sees);
        static const struct {
            int32_t what;
            const char *name;
        } tensors[] = {{WEIGHT, "fc.weight"},
                       {WEIGHT, "fc.bias"},
                       {GRADIENT, "gradient/fc.weight"},
                       {ACTIVATION, "fc_output_0"}};
        const int wanted[] = {rows[i].weight, rows[i].bias, rows[i].gradient, rows[i].output};
        for (int k = 0; k < 4; k++) {
            dogb_rule_tensor t = vector_of(tensors[k].what, tensors[k].name, 1);
            int before = f.found;
            assert_int_equal(dogb_rules_wants(f.set, TRAIN, &t), wanted[k]);
            step_with(&f, TRAIN, k, t, &bad);
            assert_int_equal(f.found - before, wanted[k]);
        }
        feed_close(&f);
    }
}

static void variance_has_two_bounds(void **state) {
    (void)state;
    const float values[] = {1, 3, 1, 3}; // population variance 1
    static const struct {
        const char *text;
        int hits;
    } rows[] = {
        {"TensorVariance:max_threshold=1", 0},
        {"TensorVariance:max_threshold=0.99", 1},
        {"TensorVariance:min_threshold=1", 0},
        {"TensorVariance:min_threshold=1.01", 1},
        {"TensorVariance:min_threshold=0.5,max_threshold=2", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        feed f;
        feed_open(&f, rows[i].text);
        step_with(&f, TRAIN, 0, vector_of(WEIGHT, "fc.weight", 4), values);
        assert_int_equal(f.found, rows[i].hits);
        feed_close(&f);
    }
}

static void zeros_are_counted(void **state) {
    (void)state;
    const float half[] = {0, -0.0f, 1, 2};
    const float zeros[] = {0, 0, -0.0f, 0};
    feed f;
    feed_open(&f, "AllZero:tensor_regex=.*");
    step_with(&f, TRAIN, 0, vector_of(ACTIVATION, "relu_output_0", 4), half);
    assert_int_equal(f.found, 0);
    step_with(&f, TRAIN, 1, vector_of(ACTIVATION, "relu_output_0", 4), zeros);
    assert_int_equal(f.found, 1);
    feed_close(&f);
    feed_open(&f, "AllZero:collection_names=layers,threshold=50");
    step_with(&f, TRAIN, 0, vector_of(ACTIVATION, "relu_output_0", 4), half);
    assert_int_equal(f.found, 1);
    feed_close(&f);
}

// The published test: ones at 0, 1, 2 and something else at 5.
static void a_tensor_that_stays_is_unchanged(void **state) {
    (void)state;
    static const struct {
        int64_t first;
        int64_t last;
        int hits;
        int64_t step;
    } rows[] = {{0, 1, 0, -1}, {0, 2, 1, 2}, {2, 4, 1, 2}, {3, 5, 0, -1}};
    static const int64_t saved[] = {0, 1, 2, 5};
    float ones[60];
    float others[60];
    for (int i = 0; i < 60; i++) {
        ones[i] = 1;
        others[i] = (float)i;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        feed f;
        assert_ok(feed_create(&f, (dogb_rules_conf){.text = "UnchangedTensor",
                                                    .first_step = rows[i].first,
                                                    .last_step = rows[i].last}));
        for (int k = 0; k < 4; k++) {
            step_with(&f, TRAIN, saved[k], vector_of(WEIGHT, "foo", 60), k == 3 ? others : ones);
        }
        assert_int_equal(f.found, rows[i].hits);
        assert_int_equal(f.first_step, rows[i].step);
        feed_close(&f);
    }
}

// A share of few pictures comes again by chance; a loss does not.
static void an_accuracy_may_stay(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int hits;
    } rows[] = {{"metrics/accuracy", 0}, {"CrossEntropyLoss_output_0", 1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const float value = 0.5f;
        feed f;
        feed_open(&f, "UnchangedTensor");
        for (int64_t step = 0; step < 3; step++) {
            step_with(&f, DOGB_RULE_EVAL, step, vector_of(DOGBREED_TENSOR_SCALAR, rows[i].name, 1),
                      &value);
        }
        (void)dogb_rules_end(f.set);
        assert_int_equal(f.found, rows[i].hits);
        feed_close(&f);
    }
}

static void tolerances_are_numpys(void **state) {
    (void)state;
    static const struct {
        const char *text;
        float from;
        float to;
        int hits;
    } rows[] = {
        {"UnchangedTensor:num_steps=2", 1, 1.000005f, 1},
        {"UnchangedTensor:num_steps=2", 1, 1.00002f, 0},
        {"UnchangedTensor:num_steps=2,rtol=1e-4", 1, 1.00002f, 1},
        {"UnchangedTensor:num_steps=2,rtol=0,atol=0.5", 1, 1.5f, 1},
        {"UnchangedTensor:num_steps=2", NAN, NAN, 0},
        {"UnchangedTensor:num_steps=2,equal_nan=on", NAN, NAN, 1},
        {"UnchangedTensor:num_steps=2,equal_nan=on", NAN, 1, 0},
        {"UnchangedTensor:num_steps=2", INFINITY, INFINITY, 1},
        {"UnchangedTensor:num_steps=2", INFINITY, -INFINITY, 0},
        {"UnchangedTensor:num_steps=2", 1, INFINITY, 0},
        {"UnchangedTensor:num_steps=2", 0, 0, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        feed f;
        feed_open(&f, rows[i].text);
        step_with(&f, TRAIN, 0, vector_of(WEIGHT, "w", 1), &rows[i].from);
        step_with(&f, TRAIN, 1, vector_of(WEIGHT, "w", 1), &rows[i].to);
        if (f.found != rows[i].hits) {
            fail_msg("%s: %g to %g: %d hits", rows[i].text, (double)rows[i].from,
                     (double)rows[i].to, f.found);
        }
        feed_close(&f);
    }
}

// Plain descent on a quadratic with the rate of the published test.
static void descend(feed *f, float rate, int steps) {
    float weights[8];
    for (int i = 0; i < 8; i++) {
        weights[i] = (float)(i + 1) / 8;
    }
    for (int step = 0; step < steps; step++) {
        step_with(f, TRAIN, step, vector_of(WEIGHT, "fc.weight", 8), weights);
        for (int i = 0; i < 8; i++) {
            weights[i] -= rate * weights[i];
        }
    }
}

static void updates_are_measured_by_their_weights(void **state) {
    (void)state;
    feed f;
    feed_open(&f, "WeightUpdateRatio");
    descend(&f, 1e-10f, 71);
    assert_int_equal(f.first_step, 1);
    assert_int_equal(f.found, 70);
    feed_close(&f);
    feed_open(&f, "WeightUpdateRatio");
    descend(&f, 1e-3f, 71);
    assert_int_equal(result_of(&f, 0).points, 70);
    assert_status(&f, DOGBREED_RULE_NO_ISSUES, "");
    feed_close(&f);
    feed_open(&f, "WeightUpdateRatio:num_steps=10");
    descend(&f, 12, 31); // 0, 10, 20, 30
    assert_int_equal(result_of(&f, 0).points, 3);
    assert_int_equal(f.found, 3);
    feed_close(&f);
}

static void weights_that_begin_at_zero_are_left_out(void **state) {
    (void)state;
    const float zeros[] = {0, 0};
    const float some[] = {0.1f, 0.2f};
    feed f;
    feed_open(&f, "WeightUpdateRatio");
    step_with(&f, TRAIN, 0, vector_of(WEIGHT, "fc.weight", 2), zeros);
    step_with(&f, TRAIN, 1, vector_of(WEIGHT, "fc.weight", 2), some);
    assert_status(&f, DOGBREED_RULE_NOT_EVALUATED, "too_few_points");
    feed_close(&f);
    feed_open(&f, "WeightUpdateRatio:parity=on");
    step_with(&f, TRAIN, 0, vector_of(WEIGHT, "fc.weight", 2), zeros);
    step_with(&f, TRAIN, 1, vector_of(WEIGHT, "fc.weight", 2), some);
    assert_int_equal(f.found, 1);
    feed_close(&f);
}

// Another run, by a callback.
typedef struct other_run {
    const float *values;
    size_t count;
} other_run;

static int read_other(const float **out, size_t *count, const char *run, const char *tensor,
                      int32_t mode, int64_t mode_step, void *userdata) {
    static other_run same;
    (void)userdata;
    assert_int_equal(mode, TRAIN);
    assert_string_equal(tensor, "fc.weight");
    static const float values[] = {1, 2, 3};
    same = (other_run){values, strcmp(run, "runs/shorter") == 0 ? 2 : 3};
    *out = same.values;
    *count = same.count;
    return mode_step > 1                     ? DOGBREED_ERROR_NOT_FOUND
           : strcmp(run, "runs/broken") == 0 ? DOGBREED_ERROR_FORMAT
                                             : DOGBREED_OK;
}

static void runs_are_compared_step_by_step(void **state) {
    (void)state;
    const float same[] = {1, 2, 3.00001f};
    const float other[] = {1, 2.5f, 2.9f};
    feed f;
    assert_ok(feed_create(&f, (dogb_rules_conf){.text = "SimilarAcrossRuns:other_trials=runs/a",
                                                .other = read_other}));
    step_with(&f, TRAIN, 0, vector_of(WEIGHT, "fc.weight", 3), same);
    assert_int_equal(f.found, 0);
    step_with(&f, TRAIN, 1, vector_of(WEIGHT, "fc.weight", 3), other);
    assert_int_equal(f.found, 1);
    assert_non_null(strstr(f.first_text, "fc.weight: differs from runs/a, 2.5 is not 2"));
    step_with(&f, TRAIN, 2, vector_of(WEIGHT, "fc.weight", 3), other); // not there
    assert_int_equal(result_of(&f, 0).points, 2);
    feed_close(&f);
    assert_ok(feed_create(
        &f, (dogb_rules_conf){.text = "SimilarAcrossRuns:other_trials=runs/a,runs/shorter",
                              .other = read_other}));
    step_with(&f, TRAIN, 0, vector_of(WEIGHT, "fc.weight", 3), same);
    assert_int_equal(result_of(&f, 0).points, 2);
    assert_non_null(strstr(f.first_text, "has 3 values, in runs/shorter it has 2"));
    feed_close(&f);
    assert_ok(
        feed_create(&f, (dogb_rules_conf){.text = "SimilarAcrossRuns:other_trials=runs/broken",
                                          .other = read_other}));
    step_with(&f, TRAIN, 0, vector_of(WEIGHT, "fc.weight", 3), same);
    assert_status(&f, DOGBREED_RULE_NOT_EVALUATED, "unreadable");
    feed_close(&f);
    assert_fails(feed_create(&f, (dogb_rules_conf){.text = "SimilarAcrossRuns:other_trials=a"}),
                 DOGBREED_ERROR_UNSUPPORTED, "other runs cannot be read here");
    feed_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_gradients_have_vanished),
        cmocka_unit_test(values_that_are_no_numbers_explode),
        cmocka_unit_test(tensors_are_chosen_by_name),
        cmocka_unit_test(variance_has_two_bounds),
        cmocka_unit_test(zeros_are_counted),
        cmocka_unit_test(a_tensor_that_stays_is_unchanged),
        cmocka_unit_test(an_accuracy_may_stay),
        cmocka_unit_test(tolerances_are_numpys),
        cmocka_unit_test(updates_are_measured_by_their_weights),
        cmocka_unit_test(weights_that_begin_at_zero_are_left_out),
        cmocka_unit_test(runs_are_compared_step_by_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
