// Collections and plans: the original's names and patterns, which steps are saved, text and
// debughookconfig.json, refusals that name the key.
#include "test.h"

#include "debug/collection.h"

#include <dogbreed/record.h>

static dogb_record_save plan[DOGB_MODES];

static void make(dogb_collections *all, dogb_arena *arena) {
    for (int i = 0; i < DOGB_MODES; i++) {
        plan[i] = (dogb_record_save){.interval = 500, .end = -1};
    }
    assert_ok(dogb_collections_create(all, arena, plan));
}

static int has(const dogb_collections *all, const char *name, const char *tensor) {
    const dogb_collection *one = dogb_collections_find(all, name);
    assert_non_null(one);
    return dogb_collection_has(one, tensor);
}

static void ready_made_ones_have_the_originals_members(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_collections all;
    make(&all, &arena);
    assert_true(has(&all, "weights", "ResNet_fc.weight"));
    assert_false(has(&all, "weights", "gradient/ResNet_fc.weight"));
    assert_true(has(&all, "biases", "ResNet_fc.bias"));
    assert_false(has(&all, "biases", "gradient/ResNet_fc.bias"));
    assert_true(has(&all, "gradients", "gradient/ResNet_fc.bias"));
    assert_false(has(&all, "gradients", "ResNet_fc.bias"));
    assert_true(has(&all, "losses", "CrossEntropyLoss_output_0"));
    assert_true(has(&all, "losses", "my_loss_output_3"));
    assert_false(has(&all, "losses", "CrossEntropyLoss_input_0"));
    assert_true(has(&all, "all", "anything"));
    assert_false(has(&all, "default", "anything"));
    assert_true(has(&all, "layers", "layer1.0.relu_output_0"));
    assert_false(has(&all, "layers", "CrossEntropyLoss_output_0"));
    assert_int_equal(dogb_collections_find(&all, "losses")->stored, 1);
    assert_int_equal(dogb_collections_find(&all, "weights")->stored, 0);
    dogb_arena_free(&arena);
}

static void gradients_are_not_saved_in_evaluation(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_collections all;
    make(&all, &arena);
    const dogb_collection *one = dogb_collections_find(&all, "gradients");
    assert_true(dogb_save_due(&one->save[DOGBREED_MODE_TRAIN], 0, 1));
    for (int64_t step = 0; step < 2000; step++) {
        assert_false(dogb_save_due(&one->save[DOGBREED_MODE_EVAL], step, 1));
        assert_false(dogb_save_due(&one->save[DOGBREED_MODE_PREDICT], step, 1));
    }
    dogb_arena_free(&arena);
}

// mode_step in save_steps or (start <= mode_step < end and mode_step mod interval == 0)
static void plans_follow_the_formula(void **state) {
    (void)state;
    static const int64_t list[] = {3, 17};
    for (int64_t interval = 1; interval < 8; interval++) {
        for (int64_t start = 0; start < 12; start += 5) {
            for (int64_t end = -1; end < 30; end += 10) {
                dogb_record_save save = {interval, start, end, list, 2};
                int any = 0;
                for (int64_t step = 0; step < 40; step++) {
                    int listed = step == 3 || step == 17;
                    int wanted = listed ||
                                 (step >= start && (end < 0 || step < end) && step % interval == 0);
                    assert_int_equal(dogb_save_due(&save, step, 1), wanted);
                    any |= wanted;
                }
                assert_int_equal(dogb_save_due(&save, 0, 40), any);
            }
        }
    }
}

static void text_is_understood(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_collections all;
    make(&all, &arena);
    assert_ok(dogb_collections_parse(
        &all, "gradients:save_interval=10,reductions=mean+abs_max,train.start_step=5;"
              "mine:include_regex=^(a,b|c;d)[0-9]{1,2}$,save_shape=True,save_steps=1+4;weights"));
    const dogb_collection *one = dogb_collections_find(&all, "gradients");
    assert_int_equal(one->stored, 1);
    assert_string_equal(one->reductions, "mean,abs_max");
    assert_int_equal(one->save[DOGBREED_MODE_TRAIN].interval, 10);
    assert_int_equal(one->save[DOGBREED_MODE_TRAIN].start, 5);
    assert_int_equal(one->save[DOGBREED_MODE_EVAL].start, 0);
    assert_true(has(&all, "mine", "a,b12"));
    assert_true(has(&all, "mine", "c;d1"));
    assert_false(has(&all, "mine", "a,b123"));
    one = dogb_collections_find(&all, "mine");
    assert_int_equal(one->shape, 1);
    assert_int_equal(one->save[DOGBREED_MODE_TRAIN].step_count, 2);
    assert_int_equal(dogb_collections_find(&all, "weights")->stored, 1);
    assert_int_equal(dogb_collections_find(&all, "biases")->stored, 0);
    dogb_arena_free(&arena);
}

static void refusals_name_what_is_wrong(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *part;
    } cases[] = {
        {"gradients:save_intervall=3", "did you mean save_interval"},
        {"gradients:save_interval=0", "save_interval: \"0\""},
        {"gradients:save_interval=3x", "save_interval: \"3x\""},
        {"gradients:save_interval=", "save_interval: \"\""},
        {"gradients:reductions=mean+avg", "\"avg\" is not known"},
        {"gradients:reductions=mean,avg=1", "avg"},
        {"gradients:save_steps=1+x", "save_steps"},
        {"gradients:save_shape=maybe", "expected true or false"},
        {"gradients:10", "expected name=value"},
        {"losses:reductions=mean", "single numbers"},
        {"mine:include_regex=a[", "mine: \"a[\""},
        {"mine:include_regex=\\d+", "\\d at character 1 is not taken"},
        {"mine:include_regex=(?=x)", "POSIX has no lookahead"},
        {"mine:include_regex=a.*?b", "none is lazy"},
        {":save_interval=3", "no name"},
        {"gradients:start_step=-1", "start_step"},
        {"gradients:save_interval=99999999999999999999", "save_interval"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        dogb_arena arena = {0};
        dogb_collections all;
        make(&all, &arena);
        int rc = dogb_collections_parse(&all, cases[i].text);
        const char *message = dogbreed_error_message();
        if (rc != DOGBREED_ERROR_INVALID_ARGUMENT || strstr(message, cases[i].part) == NULL) {
            fail_msg("%s: %d, \"%s\", expected \"%s\"", cases[i].text, rc, message, cases[i].part);
        }
        dogb_arena_free(&arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ready_made_ones_have_the_originals_members),
        cmocka_unit_test(gradients_are_not_saved_in_evaluation),
        cmocka_unit_test(plans_follow_the_formula),
        cmocka_unit_test(text_is_understood),
        cmocka_unit_test(refusals_name_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
