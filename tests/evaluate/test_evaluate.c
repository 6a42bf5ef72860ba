// test_evaluate.c - a model on a split: with and without the feature store, classes matched by
// name, everything that is refused.
#include "engine/engine.h"
#include "evaluate/evaluate_internal.h"
#include "out_of_memory.h"
#include "pictures.h"
#include "scratch.h"

#include <math.h>

static char cache[300];
static dogbreed_dataset *test_set;
static dogbreed_model *model;

static int set_up(void **state) {
    (void)scratch_make(state);
    (void)snprintf(cache, sizeof cache, "%s/cache", scratch_folder);
    write_split(scratch_folder, "train", 4, 2, 0);
    write_split(scratch_folder, "test", 4, 9, 100);
    test_set = open_split(scratch_folder, "test", 0.0);
    model = make_frozen(test_set, 1);
    return 0;
}

static int tear_down(void **state) {
    dogbreed_model_destroy(model);
    dogbreed_dataset_destroy(test_set);
    return scratch_remove(state);
}

static dogbreed_evaluate_options options_of(int32_t feature_cache) {
    dogbreed_evaluate_options options;
    assert_ok(dogbreed_evaluate_options_init(&options, sizeof options));
    options.engine = "ref";
    options.cache_dir = cache;
    options.threads = 1;
    options.feature_cache = feature_cache;
    return options;
}

static void the_two_ways_agree(void **state) {
    (void)state;
    dogbreed_evaluation a = {.struct_size = sizeof a};
    dogbreed_evaluation b = {.struct_size = sizeof b};
    char *json = NULL;
    dogbreed_evaluate_options options = options_of(0);
    assert_ok(dogbreed_evaluate(&a, NULL, model, test_set, &options));
    assert_int_equal(dogb_directory_exists(cache), 0);
    options.feature_cache = 1;
    options.batch_size = 5;
    options.loader_threads = 3;
    assert_ok(dogbreed_evaluate(&b, &json, model, test_set, &options));
    assert_int_equal(dogb_directory_exists(cache), 1);
    assert_int_equal(a.count, 36);
    assert_int_equal(a.classes, 4);
    assert_int_equal(a.correct, b.correct);
    assert_int_equal(a.correct5, 36); // of four classes
    assert_true(fabs(a.loss - b.loss) < 1e-6);
    assert_true(a.top1 == (double)a.correct / 36 && a.top1_low < a.top1 && a.top1 < a.top1_high);
    assert_true(a.seconds > 0);
    dogb_arena arena = {0};
    json_t *parsed = NULL;
    assert_ok(dogb_json_parse(&parsed, &arena, json, strlen(json), "evaluation"));
    assert_string_equal(json_string_value(json_object_get(parsed, "split")), "test");
    assert_int_equal(json_integer_value(json_object_get(parsed, "correct")), b.correct);
    assert_int_equal(json_array_size(json_object_get(parsed, "classes")), 4);
    assert_non_null(strstr(json, "\"top1_low\""));
    dogbreed_free(json);
    dogb_arena_free(&arena);
}

static json_t *predictions_of(dogb_arena *arena, int32_t feature_cache, int32_t batch) {
    dogbreed_evaluation e = {.struct_size = sizeof e};
    dogbreed_evaluate_options options = options_of(feature_cache);
    char *json = NULL;
    json_t *parsed = NULL;
    options.predictions = 1;
    options.batch_size = batch;
    assert_ok(dogbreed_evaluate(&e, &json, model, test_set, &options));
    assert_ok(dogb_json_parse(&parsed, arena, json, strlen(json), "evaluation"));
    dogbreed_free(json);
    assert_string_equal(json_string_value(json_object_get(parsed, "root")), scratch_folder);
    int64_t correct = 0;
    json_t *rows = json_object_get(parsed, "predictions");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        correct += json_integer_value(json_object_get(row, "true")) ==
                   json_integer_value(json_object_get(row, "predicted"));
    }
    assert_int_equal(json_array_size(rows), 36);
    assert_int_equal(correct, e.correct);
    return rows;
}

static void each_picture_is_told(void **state) {
    (void)state;
    dogb_arena arena = {0};
    const json_t *a = predictions_of(&arena, 0, 32);
    const json_t *b = predictions_of(&arena, 1, 5);
    for (size_t i = 0; i < 36; i++) {
        const json_t *x = json_array_get(a, i);
        const json_t *y = json_array_get(b, i);
        char path[80];
        (void)snprintf(path, sizeof path, "test/class_%zu/%03zu.jpg", i / 9, i % 9);
        assert_string_equal(json_string_value(json_object_get(x, "path")), path);
        assert_string_equal(json_string_value(json_object_get(y, "path")), path);
        assert_int_equal(json_integer_value(json_object_get(x, "true")), i / 9);
        assert_int_equal(json_array_size(json_object_get(x, "top")), 4); // of four classes
        assert_true(fabs(json_number_value(json_object_get(x, "loss")) -
                         json_number_value(json_object_get(y, "loss"))) < 1e-5);
    }
    dogb_arena_free(&arena);
}

static void classes_are_matched_by_name(void **state) {
    (void)state;
    char other[512];
    char from[600];
    char to[600];
    dogbreed_evaluation a = {.struct_size = sizeof a};
    dogbreed_evaluation b = {.struct_size = sizeof b};
    dogbreed_evaluate_options options = options_of(0);
    // The same pictures without the first class: labels move by one, names do not.
    (void)snprintf(other, sizeof other, "%s/fewer", scratch_folder);
    write_split(other, "test", 4, 9, 100);
    write_split(other, "train", 4, 1, 0);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(from, sizeof from, "%s/%s/class_0", other, i == 0 ? "test" : "train");
        assert_ok(dogb_directory_remove(from));
    }
    dogbreed_dataset *fewer = open_split(other, "test", 0.0);
    char *json = NULL;
    assert_ok(dogbreed_evaluate(&a, NULL, model, test_set, &options));
    assert_ok(dogbreed_evaluate(&b, &json, model, fewer, &options));
    assert_int_equal(b.count, 27);
    assert_int_equal(b.classes, 4);
    dogb_arena arena = {0};
    json_t *parsed = NULL;
    assert_ok(dogb_json_parse(&parsed, &arena, json, strlen(json), "evaluation"));
    const json_t *classes = json_object_get(parsed, "classes");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(classes, 0), "count")), 0);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(classes, 3), "count")), 9);
    dogbreed_free(json);
    dogb_arena_free(&arena);
    dogbreed_dataset_destroy(fewer);
    for (int i = 0; i < 2; i++) {
        const char *split = i == 0 ? "test" : "train";
        (void)snprintf(from, sizeof from, "%s/%s/class_3", other, split);
        (void)snprintf(to, sizeof to, "%s/%s/poodle", other, split);
        assert_int_equal(rename(from, to), 0);
    }
    fewer = open_split(other, "test", 0.0);
    assert_fails(dogbreed_evaluate(&b, &json, model, fewer, &options), DOGBREED_ERROR_MISMATCH,
                 "class \"poodle\" of the dataset is not one of the model's 4 classes");
    assert_null(json);
    dogbreed_dataset_destroy(fewer);
}

static void arguments_are_checked(void **state) {
    (void)state;
    dogbreed_evaluation e = {.struct_size = sizeof e};
    dogbreed_evaluate_options options = options_of(0);
    options.engine = "abacus";
    assert_true(dogbreed_evaluate(&e, NULL, model, test_set, &options) < 0);
    assert_non_null(strstr(dogbreed_error_message(), "abacus"));
    options = options_of(0);
    options.batch_size = 0;
    assert_fails(dogbreed_evaluate(&e, NULL, model, test_set, &options),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "batch_size");
    options.batch_size = 1;
    assert_fails(dogbreed_evaluate(&e, NULL, NULL, test_set, &options),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "NULL");
    e.struct_size = 0;
    assert_fails(dogbreed_evaluate(&e, NULL, model, test_set, &options),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "struct_size");
    // An older caller's shorter result gets what fits.
    struct {
        dogbreed_evaluation e;
        int64_t guard;
    } old;
    memset(&old, 0x11, sizeof old);
    old.e.struct_size = offsetof(dogbreed_evaluation, top1);
    assert_ok(dogbreed_evaluate(&old.e, NULL, model, test_set, &options));
    assert_int_equal(old.e.count, 36);
    assert_int_equal(((unsigned char *)&old)[offsetof(dogbreed_evaluation, top1)], 0x11);
}

static void allocation_failures_are_clean(void **state) {
    (void)state;
    int failures = 0;
    dogbreed_evaluate_options options = options_of(1);
    options.loader_threads = 1;
    for (int i = 0;; i += 1 + i / 40) {
        dogbreed_evaluation e = {.struct_size = sizeof e};
        char *json = NULL;
        memory_fail_after(i);
        int rc = dogbreed_evaluate(&e, &json, model, test_set, &options);
        int done = !memory_restore();
        dogbreed_free(json);
        if (rc != 0) {
            assert_int_equal(rc, DOGBREED_ERROR_NO_MEMORY);
            failures++;
        }
        if (done) {
            assert_int_equal(rc, 0);
            break;
        }
    }
    assert_true(failures > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_two_ways_agree),
        cmocka_unit_test(each_picture_is_told),
        cmocka_unit_test(classes_are_matched_by_name),
        cmocka_unit_test(arguments_are_checked),
        cmocka_unit_test(allocation_failures_are_clean),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
