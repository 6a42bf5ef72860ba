// test_synth.c - drawn data sets: layout, equal bytes for equal seeds, refusals.
#include "fixture.h"

#include "dataset/dataset_internal.h"
#include "dataset/synth.h"

static void draw(const char *name, uint64_t seed, int32_t classes, int32_t per_class) {
    dogbreed_synth_options options;
    assert_ok(dogbreed_synth_options_init(&options, sizeof options));
    options.seed = seed;
    options.classes = classes;
    options.per_class = per_class;
    options.size = 32;
    assert_ok(dogbreed_dataset_synthesize(scratch(name), &options));
}

static dogb_sha256 fingerprint(const char *name) {
    dogbreed_dataset *all = NULL;
    dogb_sha256 hash;
    assert_ok(dogbreed_dataset_open(&all, scratch(name), NULL));
    assert_ok(dogb_dataset_fingerprint(&hash, all, 2));
    dogbreed_dataset_destroy(all);
    return hash;
}

static void draws_three_splits(void **state) {
    (void)state;
    static const char *const names[] = {"train", "valid", "test"};
    static const int64_t wanted[] = {8 * 14, 8 * 3, 8 * 3};
    dogbreed_dataset *all = NULL;
    char *report = NULL;
    draw("new/folder", 1, 8, 20);
    assert_ok(dogbreed_dataset_open(&all, scratch("new/folder"), NULL));
    assert_int_equal(dogbreed_dataset_class_count(all), 8);
    assert_string_equal(sample_name(all, 0), "new/folder/train/checked_orange_star/0001.jpg");
    for (int i = 0; i < 3; i++) {
        dogbreed_dataset *part = NULL;
        assert_ok(dogbreed_dataset_split(&part, all, names[i]));
        assert_int_equal(dogbreed_dataset_size(part), wanted[i]);
        dogbreed_dataset_destroy(part);
    }
    assert_ok(dogbreed_dataset_check(&report, all, NULL));
    assert_non_null(strstr(report, "\"verdict\": \"ok\""));
    dogbreed_free(report);
    dogbreed_dataset_destroy(all);
}

static void equal_seeds_give_equal_bytes(void **state) {
    (void)state;
    draw("a", 1, 3, 5);
    draw("b", 1, 3, 5);
    draw("c", 2, 3, 5);
    dogb_sha256 a = fingerprint("a");
    dogb_sha256 b = fingerprint("b");
    dogb_sha256 c = fingerprint("c");
    assert_memory_equal(&a, &b, sizeof a);
    assert_memory_not_equal(&a, &c, sizeof a);
}

static void pixels_are_known(void **state) {
    (void)state;
    // The same on every machine and for ever; JPEG bytes may differ between codec versions.
    enum { SIDE = 40 };
    dogb_arena arena = {0};
    dogb_hasher *hasher = NULL;
    dogb_sha256 hash;
    char text[65];
    uint8_t pixels[SIDE * SIDE * 3];
    dogb_image image = {pixels, SIDE, SIDE};
    assert_ok(dogb_hasher_create(&hasher, &arena));
    for (int32_t class_index = 0; class_index < 64; class_index++) {
        dogb_synth_draw(&image, 1, class_index, class_index % 7);
        assert_ok(dogb_hasher_add(hasher, pixels, sizeof pixels));
    }
    assert_ok(dogb_hasher_end(hasher, &hash));
    dogb_sha256_text(&hash, text);
    assert_string_equal(text, "e20e214cb01598ce36646d1831a9b69897d8ba460da0e40ed5bad238bfbe48b7");
    dogb_arena_free(&arena);
}

static void names_are_different(void **state) {
    (void)state;
    dogb_arena arena = {0};
    char *names[64];
    for (int32_t i = 0; i < 64; i++) {
        names[i] = dogb_synth_class_name(&arena, i);
        assert_non_null(names[i]);
        for (int32_t j = 0; j < i; j++) {
            assert_string_not_equal(names[i], names[j]);
        }
    }
    dogb_arena_free(&arena);
}

static void refuses_what_it_cannot_draw(void **state) {
    (void)state;
    dogbreed_synth_options options;
    assert_ok(dogbreed_synth_options_init(&options, sizeof options));
    put("full/file", "x");
    assert_fails(dogbreed_dataset_synthesize(scratch("full"), &options), DOGBREED_ERROR_EXISTS,
                 "full: the folder is not empty");
    assert_fails(dogbreed_dataset_synthesize(scratch("full/file"), &options), DOGBREED_ERROR_EXISTS,
                 "a file");
    options.classes = 65;
    assert_fails(dogbreed_dataset_synthesize(scratch("x"), &options),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "classes: 65");
    options.classes = 2;
    options.per_class = 2;
    assert_fails(dogbreed_dataset_synthesize(scratch("x"), &options),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "per_class");
    assert_fails(dogbreed_dataset_synthesize("", NULL), DOGBREED_ERROR_INVALID_ARGUMENT, "empty");
    assert_fails(dogbreed_dataset_synthesize(NULL, NULL), DOGBREED_ERROR_INVALID_ARGUMENT, "empty");
    options.per_class = 3;
    assert_fails(dogbreed_dataset_synthesize(scratch("full/file/below"), &options),
                 DOGBREED_ERROR_IO, "full/file");
}

#define ROOTED(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void) {
    const struct CMUnitTest tests[] = {
        ROOTED(draws_three_splits), ROOTED(equal_seeds_give_equal_bytes),
        cmocka_unit_test(pixels_are_known), cmocka_unit_test(names_are_different),
        ROOTED(refuses_what_it_cannot_draw)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
