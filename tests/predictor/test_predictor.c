// test_predictor.c - files, bytes, pixels and batches give the same classes; many threads at once;
// everything that is refused.
#include "core/thread.h"
#include "engine/engine.h"
#include "out_of_memory.h"
#include "pictures.h"
#include "scratch.h"
#include "predictor/predictor_struct.h"

#include <math.h>

enum { CLASSES = 5, FILES = 23 };

static char paths[FILES][300];
static const char *list[FILES];
static dogbreed_model *model;
static dogbreed_predictor *predictor;

static dogbreed_predictor_options options_of(void) {
    dogbreed_predictor_options options;
    assert_ok(dogbreed_predictor_options_init(&options, sizeof options));
    options.engine = "ref";
    options.threads = 2;
    options.batch_size = 4;
    return options;
}

static int set_up(void **state) {
    (void)scratch_make(state);
    for (int i = 0; i < FILES; i++) {
        (void)snprintf(paths[i], sizeof paths[i], "%s/%02d.jpg", scratch_folder, i);
        write_picture(paths[i], i, 50 + i, 45);
        list[i] = paths[i];
    }
    model = make_tiny(CLASSES);
    dogbreed_predictor_options own = options_of();
    assert_ok(dogbreed_predictor_create_from_model(&predictor, model, &own));
    return 0;
}

static int tear_down(void **state) {
    dogbreed_predictor_destroy(predictor);
    dogbreed_model_destroy(model);
    return scratch_remove(state);
}

static void assert_same(const dogbreed_prediction *a, const dogbreed_prediction *b, size_t count) {
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(a[i].index, b[i].index);
        assert_true(a[i].probability == b[i].probability);
    }
}

static void best_classes_by_hand(void **state) {
    (void)state;
    static const float logits[] = {1, 3, 2, 3, -1};
    dogbreed_prediction out[5];
    assert_ok(dogb_top(out, 5, logits, 5));
    static const int32_t order[] = {1, 3, 2, 0, 4}; // equal ones by class
    double sum = 2 + exp(-1) + exp(-2) + exp(-4);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(out[i].index, order[i]);
        assert_true(fabs((double)out[i].probability - exp(logits[order[i]] - 3.0) / sum) < 1e-7);
    }
    dogbreed_prediction two[2];
    assert_ok(dogb_top(two, 2, logits, 5));
    assert_same(two, out, 2);
    static const float huge[] = {3e38F, -3e38F};
    assert_ok(dogb_top(out, 2, huge, 2));
    assert_true(out[0].probability == 1.0F && out[1].probability == 0.0F);
    static const float broken[] = {1, NAN};
    assert_fails(dogb_top(out, 1, broken, 2), DOGBREED_ERROR_NUMERIC, "class 1 is not a number");
}

static void all_ways_in_agree(void **state) {
    (void)state;
    dogbreed_prediction file[CLASSES];
    dogbreed_prediction other[CLASSES];
    dogb_arena arena = {0};
    void *bytes = NULL;
    size_t size = 0;
    dogb_image image;
    assert_ok(dogbreed_predictor_predict_file(predictor, paths[3], NULL, file, CLASSES));
    assert_ok(dogb_file_read(&bytes, &size, &arena, paths[3], 1 << 24));
    assert_ok(dogbreed_predictor_predict_bytes(predictor, bytes, size, NULL, other, CLASSES));
    assert_same(file, other, CLASSES);
    assert_ok(dogb_image_decode(&image, NULL, &arena, bytes, size, NULL, NULL, "x"));
    size_t row = (size_t)image.width * 3;
    assert_ok(dogbreed_predictor_predict_pixels(predictor, image.pixels, image.width, image.height,
                                                row, NULL, other, CLASSES));
    assert_same(file, other, CLASSES);
    // Rows with a gap between them.
    uint8_t *wide = dogb_alloc(&arena, (size_t)image.height, row + 13);
    for (int32_t y = 0; y < image.height; y++) {
        memcpy(wide + (size_t)y * (row + 13), image.pixels + (size_t)y * row, row);
    }
    assert_ok(dogbreed_predictor_predict_pixels(predictor, wide, image.width, image.height,
                                                row + 13, NULL, other, CLASSES));
    assert_same(file, other, CLASSES);
    // The whole picture by its rectangle, and a part of it.
    dogbreed_rectangle whole = {0, 0, image.width, image.height};
    dogbreed_rectangle none = {0, 0, 0, 0};
    dogbreed_rectangle part = {5, 3, 40, 41};
    assert_ok(dogbreed_predictor_predict_file(predictor, paths[3], &whole, other, CLASSES));
    assert_same(file, other, CLASSES);
    assert_ok(dogbreed_predictor_predict_file(predictor, paths[3], &none, other, CLASSES));
    assert_same(file, other, CLASSES);
    assert_ok(dogbreed_predictor_predict_file(predictor, paths[3], &part, file, CLASSES));
    assert_true(file[0].probability != other[0].probability);
    assert_ok(dogbreed_predictor_predict_pixels(predictor, image.pixels + 3 * row + 15, 35, 38, row,
                                                NULL, other, CLASSES));
    assert_same(file, other, CLASSES);
    double sum = 0;
    for (int i = 0; i < CLASSES; i++) {
        sum += (double)file[i].probability;
        assert_true(i == 0 || file[i].probability <= file[i - 1].probability);
    }
    assert_true(fabs(sum - 1) < 1e-6);
    dogb_arena_free(&arena);
}

static void scores_are_what_probabilities_are_made_of(void **state) {
    (void)state;
    dogb_arena arena = {0};
    void *bytes = NULL;
    size_t size = 0;
    float scores[CLASSES];
    dogbreed_prediction best[CLASSES];
    assert_ok(dogb_file_read(&bytes, &size, &arena, paths[3], 1 << 24));
    assert_ok(dogbreed_predictor_predict_bytes(predictor, bytes, size, NULL, best, CLASSES));
    assert_ok(dogbreed_predictor_scores(predictor, bytes, size, NULL, scores, CLASSES));
    double sum = 0;
    for (int i = 0; i < CLASSES; i++) {
        sum += exp((double)scores[i]);
    }
    for (int i = 0; i < CLASSES; i++) {
        double expected = exp((double)scores[best[i].index]) / sum;
        assert_true(fabs(expected - (double)best[i].probability) < 1e-6);
    }
    dogbreed_rectangle part = {5, 3, 40, 41};
    float cut[CLASSES];
    assert_ok(dogbreed_predictor_scores(predictor, bytes, size, &part, cut, CLASSES));
    assert_memory_not_equal(cut, scores, sizeof cut);
    assert_fails(dogbreed_predictor_scores(predictor, bytes, size, NULL, scores, 4),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "count is 4, expected 5");
    assert_fails(dogbreed_predictor_scores(predictor, bytes, 0, NULL, scores, CLASSES),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "no bytes");
    assert_fails(dogbreed_predictor_scores(predictor, bytes, size / 2, NULL, scores, CLASSES),
                 DOGBREED_ERROR_FORMAT, "bytes: ");
    dogb_arena_free(&arena);
}

static void a_rectangle_refers_to_the_upright_picture(void **state) {
    (void)state;
    dogbreed_model_options options;
    dogbreed_model *upright = NULL;
    dogbreed_predictor *turning = NULL;
    dogbreed_predictor_options own = options_of();
    dogbreed_prediction a[CLASSES];
    dogbreed_prediction b[CLASSES];
    dogb_arena arena = {0};
    dogb_image stored;
    dogb_image image;
    size_t size = 0;
    uint8_t *bytes = turned_jpeg(&arena, paths[20], &size); // 70 x 45, upright 45 x 70
    assert_ok(dogbreed_model_options_init(&options, sizeof options));
    options.architecture = "tiny";
    options.classes = CLASSES;
    options.exif_orientation = DOGBREED_EXIF_APPLY;
    assert_ok(dogbreed_model_create(&upright, NULL, &options));
    assert_ok(dogbreed_predictor_create_from_model(&turning, upright, &own));
    assert_ok(dogb_image_decode(&stored, NULL, &arena, bytes, size, NULL, NULL, "x"));
    assert_ok(dogb_image_orient(&image, &arena, &stored, 6));
    dogbreed_rectangle part = {2, 30, 43, 69};
    assert_ok(dogbreed_predictor_predict_bytes(turning, bytes, size, &part, a, CLASSES));
    assert_ok(dogbreed_predictor_predict_pixels(turning, image.pixels, image.width, image.height,
                                                (size_t)image.width * 3, &part, b, CLASSES));
    assert_same(a, b, CLASSES);
    // The other model leaves the picture as it is stored: there is no row 69.
    assert_fails(dogbreed_predictor_predict_bytes(predictor, bytes, size, &part, a, CLASSES),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "70 x 45");
    dogbreed_predictor_destroy(turning);
    dogbreed_model_destroy(upright);
    dogb_arena_free(&arena);
}

static void a_model_file_predicts_as_the_model(void **state) {
    (void)state;
    char path[400];
    dogbreed_predictor *loaded = NULL;
    dogbreed_prediction a[CLASSES];
    dogbreed_prediction b[CLASSES];
    dogbreed_predictor_options options = options_of();
    (void)snprintf(path, sizeof path, "%s/model.safetensors", scratch_folder);
    assert_ok(dogbreed_model_save(model, path));
    assert_ok(dogbreed_predictor_create(&loaded, scratch_folder, &options)); // as a run directory
    assert_int_equal(dogbreed_predictor_class_count(loaded), CLASSES);
    assert_string_equal(dogbreed_predictor_class_name(loaded, 4), "4");
    assert_null(dogbreed_predictor_class_name(loaded, 5));
    assert_null(dogbreed_predictor_class_name(loaded, -1));
    assert_ok(dogbreed_predictor_predict_file(predictor, paths[0], NULL, a, CLASSES));
    assert_ok(dogbreed_predictor_predict_file(loaded, paths[0], NULL, b, CLASSES));
    assert_same(a, b, CLASSES);
    dogbreed_predictor_destroy(loaded);
    assert_int_equal(remove(path), 0);
    assert_fails(dogbreed_predictor_create(&loaded, scratch_folder, &options),
                 DOGBREED_ERROR_NOT_FOUND, "model.safetensors");
    assert_null(loaded);
}

static void a_predictor_keeps_its_own_weights(void **state) {
    (void)state;
    dogbreed_prediction before[CLASSES];
    dogbreed_prediction after[CLASSES];
    assert_ok(dogbreed_predictor_predict_file(predictor, paths[1], NULL, before, CLASSES));
    float *bias = dogb_model_weight(model, dogbreed_model_parameter_count(model) - 1);
    bias[0] += 100.0F;
    assert_ok(dogbreed_predictor_predict_file(predictor, paths[1], NULL, after, CLASSES));
    bias[0] -= 100.0F;
    assert_same(before, after, CLASSES);
}

static void serial(dogbreed_prediction *out) {
    for (int i = 0; i < FILES; i++) {
        assert_ok(dogbreed_predictor_predict_file(predictor, paths[i], NULL, out + i * 3, 3));
    }
}

static void batches_agree_with_single_files(void **state) {
    (void)state;
    dogbreed_prediction one[FILES * 3];
    dogbreed_prediction many[FILES * 3];
    serial(one);
    assert_ok(dogbreed_predictor_predict_batch(predictor, list, FILES, many, 3, NULL));
    assert_same(one, many, FILES * 3);
    assert_ok(dogbreed_predictor_predict_batch(predictor, list, 0, many, 3, NULL));
}

static void bad_files_of_a_batch_have_their_own_code(void **state) {
    (void)state;
    dogbreed_prediction one[FILES * 3];
    dogbreed_prediction many[FILES * 3];
    int32_t codes[FILES];
    const char *mixed[FILES];
    char broken[300];
    char text[300];
    serial(one);
    (void)snprintf(broken, sizeof broken, "%s/broken.jpg", scratch_folder);
    (void)snprintf(text, sizeof text, "%s/text.jpg", scratch_folder);
    assert_ok(dogb_file_write(broken, "\xFF\xD8\xFF\xE0 cut", 8));
    assert_ok(dogb_file_write(text, "GIF89a not ours", 15));
    memcpy(mixed, list, sizeof mixed);
    mixed[0] = "/nowhere.jpg";
    mixed[2] = broken;
    mixed[3] = text;
    for (int i = 8; i < 12; i++) { // a whole batch of nothing
        mixed[i] = "/nowhere.jpg";
    }
    mixed[22] = NULL;
    assert_ok(dogbreed_predictor_predict_batch(predictor, mixed, FILES, many, 3, codes));
    for (int i = 0; i < FILES; i++) {
        int bad = mixed[i] != list[i];
        assert_int_equal(codes[i] != 0, bad);
        if (bad) {
            assert_int_equal(many[i * 3].index, -1);
        } else {
            assert_same(one + i * 3, many + i * 3, 3);
        }
    }
    assert_int_equal(codes[0], DOGBREED_ERROR_NOT_FOUND);
    assert_int_equal(codes[2], DOGBREED_ERROR_FORMAT);
    assert_int_equal(codes[3], DOGBREED_ERROR_UNSUPPORTED);
    assert_int_equal(codes[22], DOGBREED_ERROR_INVALID_ARGUMENT);
    assert_fails(dogbreed_predictor_predict_batch(predictor, mixed + 1, FILES - 1, many, 3, NULL),
                 DOGBREED_ERROR_FORMAT, "broken.jpg");
}

typedef struct caller {
    pthread_t thread;
    int number;
    int failures;
    const dogbreed_prediction *expected;
} caller;

static void *call(void *userdata) {
    caller *c = userdata;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < FILES; i++) {
            int file = (i * 7 + c->number * 3) % FILES;
            dogbreed_prediction out[3];
            int rc = dogbreed_predictor_predict_file(predictor, paths[file], NULL, out, 3);
            c->failures += rc != 0 || memcmp(out, c->expected + file * 3, sizeof out) != 0;
        }
        dogbreed_prediction many[FILES * 3];
        int rc = dogbreed_predictor_predict_batch(predictor, list, FILES, many, 3, NULL);
        c->failures += rc != 0 || memcmp(many, c->expected, sizeof many) != 0;
    }
    return NULL;
}

static void eight_threads_at_once_agree(void **state) {
    (void)state;
    dogbreed_prediction expected[FILES * 3];
    caller callers[8];
    serial(expected);
    for (int i = 0; i < 8; i++) {
        callers[i] = (caller){.number = i, .expected = expected};
        assert_ok(dogb_thread_start(&callers[i].thread, call, &callers[i]));
    }
    for (int i = 0; i < 8; i++) {
        assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
        assert_int_equal(callers[i].failures, 0);
    }
}

static void arguments_are_checked(void **state) {
    (void)state;
    dogbreed_prediction out[CLASSES];
    dogbreed_rectangle outside = {10, 10, 4000, 20};
    dogbreed_rectangle turned = {20, 20, 10, 30};
    uint8_t pixel[12] = {0};
    assert_fails(dogbreed_predictor_predict_file(predictor, paths[0], NULL, out, 0),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "count is 0, expected 1 to 5");
    assert_fails(dogbreed_predictor_predict_file(predictor, paths[0], NULL, out, 6),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "count is 6");
    assert_fails(dogbreed_predictor_predict_file(NULL, paths[0], NULL, out, 1),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "NULL");
    assert_fails(dogbreed_predictor_predict_file(predictor, "", NULL, out, 1),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "path is empty");
    assert_fails(dogbreed_predictor_predict_file(predictor, "/nowhere.jpg", NULL, out, 1),
                 DOGBREED_ERROR_NOT_FOUND, "/nowhere.jpg");
    assert_fails(dogbreed_predictor_predict_file(predictor, scratch_folder, NULL, out, 1),
                 DOGBREED_ERROR_FORMAT, scratch_folder);
    assert_fails(dogbreed_predictor_predict_file(predictor, paths[0], &outside, out, 1),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "10,10,4000,20");
    assert_fails(dogbreed_predictor_predict_file(predictor, paths[0], &turned, out, 1),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "00.jpg");
    assert_fails(dogbreed_predictor_predict_bytes(predictor, "", 0, NULL, out, 1),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "no bytes");
    assert_fails(dogbreed_predictor_predict_bytes(predictor, "hello", 5, NULL, out, 1),
                 DOGBREED_ERROR_UNSUPPORTED, "bytes: no known picture format");
    assert_fails(dogbreed_predictor_predict_pixels(predictor, pixel, 2, 2, 5, NULL, out, 1),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "stride 5");
    assert_fails(dogbreed_predictor_predict_pixels(predictor, pixel, 0, 2, 6, NULL, out, 1),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "0 x 2 pixels");
    assert_fails(dogbreed_predictor_predict_pixels(predictor, pixel, 1 << 20, 1 << 20, 1 << 22,
                                                   NULL, out, 1),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "pixels_max");
    assert_int_equal(dogbreed_predictor_class_count(NULL), 0);
    dogbreed_predictor_destroy(NULL);
}

static void limits_are_kept(void **state) {
    (void)state;
    dogbreed_prediction out[1];
    dogbreed_predictor *small = NULL;
    dogbreed_predictor_options options = options_of();
    options.bytes_max = 100;
    assert_ok(dogbreed_predictor_create_from_model(&small, model, &options));
    assert_fails(dogbreed_predictor_predict_file(small, paths[0], NULL, out, 1),
                 DOGBREED_ERROR_FORMAT, "at most 100 are allowed");
    dogbreed_predictor_destroy(small);
    options = options_of();
    options.pixels_max = 1000;
    assert_ok(dogbreed_predictor_create_from_model(&small, model, &options));
    assert_true(dogbreed_predictor_predict_file(small, paths[0], NULL, out, 1) < 0);
    assert_non_null(strstr(dogbreed_error_message(), "00.jpg"));
    dogbreed_predictor_destroy(small);
    options = options_of();
    options.engine = "abacus";
    assert_true(dogbreed_predictor_create_from_model(&small, model, &options) < 0);
    assert_non_null(strstr(dogbreed_error_message(), "abacus"));
    assert_null(small);
}

static void allocation_failures_are_clean(void **state) {
    (void)state;
    int failures = 0;
    for (int i = 0;; i++) {
        dogbreed_predictor *own = NULL;
        dogbreed_prediction out[6];
        dogbreed_predictor_options options = options_of();
        memory_fail_after(i);
        int rc = dogbreed_predictor_create_from_model(&own, model, &options);
        rc = rc < 0 ? rc : dogbreed_predictor_predict_file(own, paths[0], NULL, out, 1);
        rc = rc < 0 ? rc : dogbreed_predictor_predict_batch(own, list, 2, out, 3, NULL);
        (void)memory_restore();
        dogbreed_predictor_destroy(own);
        if (rc == 0) {
            break;
        }
        assert_int_equal(rc, DOGBREED_ERROR_NO_MEMORY);
        failures++;
    }
    assert_true(failures > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(best_classes_by_hand),
        cmocka_unit_test(all_ways_in_agree),
        cmocka_unit_test(scores_are_what_probabilities_are_made_of),
        cmocka_unit_test(a_rectangle_refers_to_the_upright_picture),
        cmocka_unit_test(a_model_file_predicts_as_the_model),
        cmocka_unit_test(a_predictor_keeps_its_own_weights),
        cmocka_unit_test(batches_agree_with_single_files),
        cmocka_unit_test(bad_files_of_a_batch_have_their_own_code),
        cmocka_unit_test(eight_threads_at_once_agree),
        cmocka_unit_test(arguments_are_checked),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(allocation_failures_are_clean),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
