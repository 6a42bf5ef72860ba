// test_transform_folder.c - the folder of a batch transform: what is whole is passed over, what
// something else made is refused, what a kill leaves does no harm.
#include "transform_case.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *aside_name(const char *name) {
    static char text[120];
    (void)snprintf(text, sizeof text, "%.80s.out.tmp", name);
    return text;
}

static void what_is_there_and_whole_is_passed_over(void **state) {
    (void)state;
    static const int32_t forms[][2] = {{DOGBREED_ACCEPT_JSON, 0},
                                       {DOGBREED_ACCEPT_JSONLINES, 0},
                                       {DOGBREED_ACCEPT_CSV, 0},
                                       {DOGBREED_ACCEPT_PREDICTIONS, 3}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        dogb_arena arena = {0};
        const dogbreed_transform_options options = options_of(forms[i][0], forms[i][1], 0);
        const char *folder = fresh();
        struct stat before;
        struct stat after;
        assert_ok(transform(predictor, folder, &options, NULL));
        const char *cut = in(folder, result_name(names[0]));
        const char *gone = in(folder, result_name(names[4]));
        const char *kept = in(folder, result_name(names[9]));
        const char *whole = text_of(&arena, folder, result_name(names[0]));
        assert_ok(dogb_file_write(cut, whole, strlen(whole) - 1));
        assert_int_equal(unlink(gone), 0);
        assert_int_equal(stat(kept, &before), 0);
        heard h = {0};
        assert_ok(transform(predictor, folder, &options, &h));
        assert_heard(&h, 2, PICTURES - 2, 0);
        assert_int_equal(stat(kept, &after), 0);
        assert_int_equal(before.st_ino, after.st_ino);
        assert_string_equal(text_of(&arena, folder, result_name(names[0])), whole);
        assert_ok(dogb_file_write(cut, "[[1.0]]", 7));
        h = (heard){0};
        assert_ok(transform(predictor, folder, &options, &h));
        assert_heard(&h, 1, PICTURES - 1, 0);
        dogb_arena_free(&arena);
    }
}

static void results_that_are_elsewhere_are_not_computed(void **state) {
    (void)state;
    const char *folder = fresh();
    heard h = {.pass = 3};
    // Nobody knows what made those.
    assert_fails(transform(predictor, folder, NULL, &h), DOGBREED_ERROR_MISMATCH,
                 "no transform.json");
    assert_false(dogb_file_exists(in(folder, "transform.json")));
    h = (heard){0};
    const dogbreed_transform_options options = options_of(DOGBREED_ACCEPT_JSON, 0, 1);
    h.pass = 3;
    assert_ok(transform(predictor, folder, &options, &h));
    assert_heard(&h, PICTURES - 3, 3, 0);
    assert_false(dogb_file_exists(in(folder, result_name(names[0]))));
    assert_true(dogb_file_exists(in(folder, result_name(names[3]))));
}

static void results_of_something_else_are_refused(void **state) {
    (void)state;
    const char *folder = fresh();
    dogbreed_rectangle crop = {1, 1, 30, 30};
    const char *paths[] = {photos, scratch("dog")};
    const dogbreed_transform_options csv = options_of(DOGBREED_ACCEPT_CSV, 0, 0);
    write_picture(paths[1], 2, 40, 40);
    assert_ok(dogbreed_predictor_transform(predictor, paths, 2, NULL, folder, NULL, NULL, NULL));
    assert_true(dogb_file_exists(in(folder, "dog.out")));
    // The smallest difference there can be.
    float *bias = dogb_model_weight(model, dogbreed_model_parameter_count(model) - 1);
    float was = bias[0];
    bias[0] = nextafterf(was, 100.0F);
    dogbreed_predictor *other = make_predictor(model, 2, 4);
    bias[0] = was;
    assert_fails(transform(other, folder, NULL, NULL), DOGBREED_ERROR_MISMATCH,
                 "transform.json: the results in this folder were made with another model");
    assert_fails(dogbreed_predictor_transform(predictor, paths, 1, &crop, folder, NULL, NULL, NULL),
                 DOGBREED_ERROR_MISMATCH, "another crop");
    assert_fails(transform(predictor, folder, &csv, NULL), DOGBREED_ERROR_MISMATCH,
                 "another accept");
    dogbreed_model_options options;
    dogbreed_model *upright = NULL;
    assert_ok(dogbreed_model_options_init(&options, sizeof options));
    options.architecture = "tiny";
    options.classes = CLASSES;
    options.exif_orientation = DOGBREED_EXIF_APPLY;
    assert_ok(dogbreed_model_create(&upright, NULL, &options));
    dogbreed_predictor *turning = make_predictor(upright, 1, 1);
    assert_fails(transform(turning, folder, NULL, NULL), DOGBREED_ERROR_MISMATCH,
                 "another preprocessing");
    dogbreed_predictor_destroy(turning);
    dogbreed_model_destroy(upright);
    assert_complete(folder); // as they were

    // Overwriting removes what it makes out of date, and nothing else.
    assert_ok(dogb_file_write(in(folder, "gone.png.out"), "[[1]]", 5));
    assert_ok(dogb_file_write(in(folder, "a.out"), "a program", 9));
    const char *outside = scratch("outside");
    assert_ok(dogb_directory_make(outside));
    assert_ok(dogb_file_write(scratch("outside/x.jpg.out"), "x", 1));
    assert_int_equal(symlink(outside, in(folder, "link")), 0);
    const dogbreed_transform_options over = options_of(DOGBREED_ACCEPT_JSON, 0, 1);
    heard h = {0};
    assert_ok(transform(other, folder, &over, &h));
    assert_heard(&h, PICTURES, 0, 0);
    assert_true(dogb_file_exists(in(folder, "a.out")) &&
                dogb_file_exists(in(outside, "x.jpg.out")));
    assert_false(dogb_file_exists(in(folder, "gone.png.out")));
    assert_false(dogb_file_exists(in(folder, "dog.out"))); // it was not named this time
    assert_fails(transform(predictor, folder, NULL, NULL), DOGBREED_ERROR_MISMATCH, "model");
    h = (heard){0};
    assert_ok(transform(other, folder, NULL, &h));
    assert_heard(&h, 0, PICTURES, 0);
    dogbreed_predictor_destroy(other);
}

static void a_record_says_what_made_the_results(void **state) {
    (void)state;
    dogb_arena arena = {0};
    const char *folder = fresh();
    assert_ok(transform(predictor, folder, NULL, NULL));
    json_t *record = json_loads(text_of(&arena, folder, "transform.json"), 0, NULL);
    assert_string_equal(json_string_value(json_object_get(record, "format")), "dogbreed.transform");
    assert_int_equal(strlen(json_string_value(json_object_get(record, "model"))), 64);
    assert_int_equal(json_array_size(json_object_get(record, "classes")), CLASSES);
    assert_string_equal(json_string_value(json_object_get(record, "accept")), "application/json");
    assert_true(json_is_object(json_object_get(record, "preprocess")));
    json_decref(record);
    // Without it nobody knows.
    const char *path = in(folder, "transform.json");
    assert_int_equal(unlink(path), 0);
    assert_fails(transform(predictor, folder, NULL, NULL), DOGBREED_ERROR_MISMATCH,
                 "a/00.jpg.out, and no transform.json");
    assert_ok(dogb_file_write(path, "{}", 2));
    assert_fails(transform(predictor, folder, NULL, NULL), DOGBREED_ERROR_FORMAT, "transform.json");
    const dogbreed_transform_options over = options_of(DOGBREED_ACCEPT_JSON, 0, 1);
    assert_ok(transform(predictor, folder, &over, NULL));
    assert_complete(folder);
    dogb_arena_free(&arena);
}

static void what_a_kill_leaves_is_written_over(void **state) {
    (void)state;
    const char *folder = fresh();
    assert_ok(transform(predictor, folder, NULL, NULL));
    assert_int_equal(unlink(in(folder, result_name(names[2]))), 0);
    const char *name = aside_name(names[2]);
    assert_ok(dogb_file_write(in(folder, name), "[[0.", 4));
    assert_ok(transform(predictor, folder, NULL, NULL));
    assert_complete(folder);
    assert_false(dogb_file_exists(in(folder, name)));
}

static void a_folder_that_cannot_be_written_is_named(void **state) {
    (void)state;
    const char *file = scratch("file");
    assert_ok(dogb_file_write(file, "x", 1));
    assert_fails(transform(predictor, file, NULL, NULL), DOGBREED_ERROR_IO, "file");
    // A folder in the place of a result: the others are there.
    const char *folder = fresh();
    assert_ok(dogb_directory_make(in(folder, result_name(names[12]))));
    assert_fails(transform(predictor, folder, NULL, NULL), DOGBREED_ERROR_IO, "12.jpg.out");
    for (int i = 0; i < 12; i++) {
        assert_true(dogb_file_exists(in(folder, result_name(names[i]))));
    }
    const char *name = aside_name(names[12]);
    assert_false(dogb_file_exists(in(folder, name)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_there_and_whole_is_passed_over),
        cmocka_unit_test(results_that_are_elsewhere_are_not_computed),
        cmocka_unit_test(results_of_something_else_are_refused),
        cmocka_unit_test(a_record_says_what_made_the_results),
        cmocka_unit_test(what_a_kill_leaves_is_written_over),
        cmocka_unit_test(a_folder_that_cannot_be_written_is_named),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
