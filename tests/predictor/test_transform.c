// test_transform.c - batch transform: each result is what its picture alone gives, for any number
// of threads and batches; forms, names, failures, stopping.
#include "out_of_memory.h"
#include "transform_case.h"

#include <math.h>
#include <unistd.h>

static void results_do_not_depend_on_threads_and_batches(void **state) {
    (void)state;
    static const int32_t ways[][2] = {{1, 1}, {1, 16}, {2, 4}, {4, 3}, {8, 1}, {3, 64}};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        dogbreed_predictor *own = make_predictor(model, ways[i][0], ways[i][1]);
        const char *folder = fresh();
        heard h = {0};
        assert_ok(transform(own, folder, NULL, &h));
        assert_heard(&h, PICTURES, 0, 0);
        assert_int_equal(h.counts[DOGBREED_TRANSFORM_ASKED], PICTURES);
        assert_complete(folder);
        dogbreed_predictor_destroy(own);
    }
}

static void forms_are_those_of_an_endpoint(void **state) {
    (void)state;
    dogb_arena arena = {0};
    char *row = expected_of(names[0]);
    char text[400];
    dogbreed_transform_options options = options_of(DOGBREED_ACCEPT_JSONLINES, 0, 0);
    const char *folder = fresh();
    assert_ok(transform(predictor, folder, &options, NULL));
    (void)snprintf(text, sizeof text, "%.*s\n", (int)strlen(row) - 2, row + 1);
    assert_string_equal(text_of(&arena, folder, "a/00.jpg.out"), text);
    options = options_of(DOGBREED_ACCEPT_CSV, 0, 0);
    folder = fresh();
    assert_ok(transform(predictor, folder, &options, NULL));
    (void)snprintf(text, sizeof text, "%.*s\n", (int)strlen(row) - 4, row + 2);
    assert_string_equal(text_of(&arena, folder, "a/00.jpg.out"), text);
    dogbreed_free(row);

    dogbreed_prediction best[2];
    const char *path = in(photos, names[0]);
    assert_ok(dogbreed_predictor_predict_file(predictor, path, NULL, best, 2));
    options = options_of(DOGBREED_ACCEPT_JSON, 2, 0);
    folder = fresh();
    heard h = {0};
    assert_ok(transform(predictor, folder, &options, &h));
    json_t *value = json_loads(text_of(&arena, folder, "a/00.jpg.out"), 0, NULL);
    const json_t *list = json_object_get(value, "predictions");
    assert_int_equal(json_array_size(list), 2);
    for (size_t i = 0; i < 2; i++) {
        const json_t *one = json_array_get(list, i);
        assert_int_equal(json_integer_value(json_object_get(one, "index")), best[i].index);
        assert_string_equal(json_string_value(json_object_get(one, "label")),
                            dogbreed_predictor_class_name(predictor, best[i].index));
        assert_true((float)json_real_value(json_object_get(one, "probability")) ==
                    best[i].probability);
    }
    assert_int_equal(json_array_size(json_object_get(value, "warnings")), 0);
    json_decref(value);
    // The same by its own name: nothing is computed again.
    options = options_of(DOGBREED_ACCEPT_PREDICTIONS, 2, 0);
    h = (heard){0};
    assert_ok(transform(predictor, folder, &options, &h));
    assert_heard(&h, 0, PICTURES, 0);
    options = options_of(DOGBREED_ACCEPT_JSONLINES, 99, 0); // more than there are classes
    folder = fresh();
    assert_ok(transform(predictor, folder, &options, NULL));
    const char *line = text_of(&arena, folder, "a/00.jpg.out");
    assert_int_equal(line[strlen(line) - 1], '\n');
    h = (heard){0};
    assert_ok(transform(predictor, folder, &options, &h));
    assert_heard(&h, 0, PICTURES, 0);
    options = options_of(DOGBREED_ACCEPT_CSV, 1, 0);
    assert_fails(transform(predictor, fresh(), &options, NULL), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "top_k: text/csv");
    dogb_arena_free(&arena);
}

static void a_picture_on_its_side_is_told(void **state) {
    (void)state;
    dogb_arena arena = {0};
    size_t size = 0;
    const char *path = in(photos, names[0]);
    uint8_t *bytes = turned_jpeg(&arena, path, &size);
    const char *turned[] = {scratch("turned.jpg")};
    assert_ok(dogb_file_write(turned[0], bytes, size));
    const dogbreed_transform_options options = options_of(DOGBREED_ACCEPT_PREDICTIONS, 0, 0);
    const char *folder = fresh();
    assert_ok(
        dogbreed_predictor_transform(predictor, turned, 1, NULL, folder, &options, NULL, NULL));
    assert_non_null(strstr(text_of(&arena, folder, "turned.jpg.out"),
                           "\"warnings\":[\"exif_orientation_ignored\"]"));
    dogb_arena_free(&arena);
}

static void results_keep_the_place_of_their_pictures(void **state) {
    (void)state;
    const char *single = in(photos, "a/00.jpg");
    const char *listed = in(photos, "b/c/09.jpg");
    const char *slash = in(photos, "b//");
    const char *paths[] = {slash, single, listed, single};
    const char *folder = fresh();
    heard h = {0};
    assert_ok(dogbreed_predictor_transform(predictor, paths, 4, NULL, folder, NULL, hear, &h));
    assert_heard(&h, 7, 0, 0);
    assert_true(dogb_file_exists(in(folder, "00.jpg.out")) &&
                dogb_file_exists(in(folder, "c/09.jpg.out")));
    // Other words for the same file.
    char dotted[400];
    (void)snprintf(dotted, sizeof dotted, "%s/.//a/./00.jpg", photos);
    const char *same[] = {photos, dotted, single};
    folder = fresh();
    h = (heard){0};
    assert_ok(dogbreed_predictor_transform(predictor, same, 3, NULL, folder, NULL, hear, &h));
    assert_heard(&h, PICTURES, 0, 0);
    assert_complete(folder);
    // Two that would have one name.
    assert_ok(dogb_directory_make(in(scratch_folder, "again")));
    const char *again = in(scratch_folder, "again/00.jpg");
    write_picture(again, 3, 40, 40);
    const char *two[] = {single, again};
    assert_fails(dogbreed_predictor_transform(predictor, two, 2, NULL, fresh(), NULL, NULL, NULL),
                 DOGBREED_ERROR_MISMATCH, "both results would be 00.jpg.out");
    // A folder without pictures.
    const char *empty[] = {scratch("nothing")};
    assert_ok(dogb_directory_make(empty[0]));
    assert_fails(dogbreed_predictor_transform(predictor, empty, 1, NULL, fresh(), NULL, NULL, NULL),
                 DOGBREED_ERROR_NOT_FOUND, "no .jpg, .jpeg or .png file");
}

static void a_bad_picture_fails_alone(void **state) {
    (void)state;
    const char *paths[] = {photos, scratch("broken.jpg"), scratch("text.jpg"), "/nowhere.jpg"};
    const char *folder = fresh();
    heard h = {0};
    assert_ok(dogb_file_write(paths[1], "\xFF\xD8\xFF\xE0 cut", 8));
    assert_ok(dogb_file_write(paths[2], "GIF89a not ours", 15));
    assert_ok(dogbreed_predictor_transform(predictor, paths, 4, NULL, folder, NULL, hear, &h));
    assert_heard(&h, PICTURES, 0, 3);
    assert_complete(folder);
    static const int codes[] = {DOGBREED_ERROR_FORMAT, DOGBREED_ERROR_NOT_FOUND,
                                DOGBREED_ERROR_UNSUPPORTED}; // in the order of names
    for (int i = 0; i < 3; i++) {
        assert_int_equal(h.codes[i], codes[i]);
        assert_non_null(strstr(h.messages[i], h.failed[i]));
    }
    assert_false(dogb_file_exists(in(folder, "broken.jpg.out")) ||
                 dogb_file_exists(in(folder, "text.jpg.out")));
    // Without a function the first one ends the call; the others stay.
    assert_fails(dogbreed_predictor_transform(predictor, paths, 4, NULL, folder, NULL, NULL, NULL),
                 DOGBREED_ERROR_FORMAT, "broken.jpg");
    // No file can be called as its result would be.
    char length[256];
    memset(length, 'x', 251);
    memcpy(length + 246, ".jpg", 5);
    const char *longs[] = {photos, in(scratch_folder, length)};
    write_picture(in(scratch_folder, "short.jpg"), 1, 40, 40);
    assert_int_equal(rename(in(scratch_folder, "short.jpg"), longs[1]), 0);
    folder = fresh();
    h = (heard){0};
    assert_ok(dogbreed_predictor_transform(predictor, longs, 2, NULL, folder, NULL, hear, &h));
    assert_heard(&h, PICTURES, 0, 1);
    assert_int_equal(h.codes[0], DOGBREED_ERROR_IO);
    assert_non_null(strstr(h.messages[0], "longer than"));
    assert_complete(folder);
    assert_int_equal(unlink(longs[1]), 0);
    // Outside of one of them.
    dogbreed_rectangle crop = {0, 0, 47, 45};
    h = (heard){0};
    assert_ok(dogbreed_predictor_transform(predictor, paths, 1, &crop, fresh(), NULL, hear, &h));
    assert_heard(&h, 6, 0, 7);
    assert_int_equal(h.codes[0], DOGBREED_ERROR_INVALID_ARGUMENT);
}

static void outputs_that_are_no_numbers_are_failures(void **state) {
    (void)state;
    float *bias = dogb_model_weight(model, dogbreed_model_parameter_count(model) - 1);
    const char *paths[] = {scratch("one.jpg")};
    float was = bias[1];
    write_picture(paths[0], 3, 40, 40);
    bias[1] = NAN;
    dogbreed_predictor *broken = make_predictor(model, 1, 4);
    bias[1] = was;
    heard h = {0};
    assert_ok(dogbreed_predictor_transform(broken, paths, 1, NULL, fresh(), NULL, hear, &h));
    assert_heard(&h, 0, 0, 1);
    assert_int_equal(h.codes[0], DOGBREED_ERROR_NUMERIC);
    assert_non_null(strstr(h.messages[0], "one.jpg"));
    assert_fails(dogbreed_predictor_transform(broken, paths, 1, NULL, fresh(), NULL, NULL, NULL),
                 DOGBREED_ERROR_NUMERIC, "one.jpg");
    dogbreed_predictor_destroy(broken);
}

static void it_stops_when_asked_and_goes_on(void **state) {
    (void)state;
    const char *folder = fresh();
    dogbreed_predictor *slow = make_predictor(model, 1, 2);
    heard h = {.answer = DOGBREED_STOP, .after = 0};
    // A failure is heard of before its neighbours are computed.
    const char *paths[] = {photos, "/a.jpg"};
    assert_fails(dogbreed_predictor_transform(slow, paths, 2, NULL, folder, NULL, hear, &h),
                 DOGBREED_ERROR_CANCELLED, "asked to stop");
    int written = h.counts[DOGBREED_TRANSFORM_WRITTEN];
    assert_true(written < PICTURES);
    h = (heard){0};
    assert_ok(transform(slow, folder, NULL, &h));
    assert_heard(&h, PICTURES - written, written, 0);
    assert_complete(folder);
    h = (heard){.answer = -7, .after = 3};
    assert_fails(transform(slow, folder, NULL, &h), DOGBREED_ERROR_CALLBACK, "-7");
    assert_complete(folder);
    dogbreed_predictor_destroy(slow);
}

static int refuse(const dogbreed_transform_result *result, void *userdata) {
    (void)result;
    return *(const int *)userdata;
}

static void it_can_be_refused_before_anything_is_made(void **state) {
    (void)state;
    const char *folder = fresh();
    const char *paths[] = {photos};
    int stop = DOGBREED_STOP;
    int fail = -1;
    assert_fails(
        dogbreed_predictor_transform(predictor, paths, 1, NULL, folder, NULL, refuse, &stop),
        DOGBREED_ERROR_CANCELLED, "asked to stop");
    assert_fails(
        dogbreed_predictor_transform(predictor, paths, 1, NULL, folder, NULL, refuse, &fail),
        DOGBREED_ERROR_CALLBACK, "failed");
    assert_false(dogb_directory_exists(folder));
}

static void arguments_are_checked(void **state) {
    (void)state;
    const char *paths[] = {photos, NULL};
    const char *folder = fresh();
    heard h = {0};
    assert_fails(dogbreed_predictor_transform(NULL, paths, 1, NULL, folder, NULL, NULL, NULL),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "predictor is NULL");
    assert_fails(dogbreed_predictor_transform(predictor, NULL, 1, NULL, folder, NULL, NULL, NULL),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "no paths");
    assert_fails(dogbreed_predictor_transform(predictor, paths, 2, NULL, folder, NULL, NULL, NULL),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "a path is empty");
    assert_fails(dogbreed_predictor_transform(predictor, paths, 1, NULL, "", NULL, NULL, NULL),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "folder is empty");
    const dogbreed_transform_options wrong = options_of(9, 0, 0);
    assert_fails(transform(predictor, folder, &wrong, NULL), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "accept");
    assert_ok(dogbreed_predictor_transform(predictor, NULL, 0, NULL, folder, NULL, hear, &h));
    assert_heard(&h, 0, 0, 0);
}

static int memory_call(void *userdata) {
    const char *folder = userdata;
    const char *single = in(photos, "a/00.jpg");
    const char *paths[] = {single};
    const dogbreed_transform_options options = options_of(DOGBREED_ACCEPT_PREDICTIONS, 2, 1);
    return dogbreed_predictor_transform(predictor, paths, 1, NULL, folder, &options, NULL, NULL);
}

static void allocation_failures_are_clean(void **state) {
    (void)state;
    char folder[400];
    (void)snprintf(folder, sizeof folder, "%s", fresh());
    assert_true(memory_fails_each(memory_call, folder, 1) > 50);
    assert_true(dogb_file_exists(in(folder, "00.jpg.out")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_do_not_depend_on_threads_and_batches),
        cmocka_unit_test(forms_are_those_of_an_endpoint),
        cmocka_unit_test(a_picture_on_its_side_is_told),
        cmocka_unit_test(results_keep_the_place_of_their_pictures),
        cmocka_unit_test(a_bad_picture_fails_alone),
        cmocka_unit_test(outputs_that_are_no_numbers_are_failures),
        cmocka_unit_test(it_stops_when_asked_and_goes_on),
        cmocka_unit_test(it_can_be_refused_before_anything_is_made),
        cmocka_unit_test(arguments_are_checked),
        cmocka_unit_test(allocation_failures_are_clean),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
