// test_check.c - every problem planted in made-up folders is found, counted and listed.
#include "odd_images.h"

#include "core/json.h"

static dogb_arena arena;

static int remove_root(void **state) {
    dogb_arena_free(&arena);
    return scratch_remove(state);
}

static char *check_text(const char *path, const char *split, int32_t decode, int32_t threads,
                        double bad_fraction) {
    dogbreed_dataset *all = NULL;
    dogbreed_dataset *part = NULL;
    dogbreed_check_options options;
    char *text = NULL;
    assert_ok(dogbreed_check_options_init(&options, sizeof options));
    options.decode = decode;
    options.threads = threads;
    options.bad_fraction = bad_fraction;
    assert_ok(dogbreed_dataset_open(&all, path, NULL));
    assert_ok(dogbreed_dataset_split(&part, all, split));
    dogbreed_dataset_destroy(all);
    assert_ok(dogbreed_dataset_check(&text, part, &options));
    dogbreed_dataset_destroy(part);
    return text;
}

static json_t *check(const char *path, const char *split, int32_t decode, double bad_fraction) {
    json_t *report = NULL;
    char *text = check_text(path, split, decode, 2, bad_fraction);
    assert_ok(dogb_json_parse(&report, &arena, text, strlen(text), "report"));
    dogbreed_free(text);
    return report;
}

// The member at "a.b.c".
static json_t *get(json_t *report, const char *path) {
    char name[128];
    (void)snprintf(name, sizeof name, "%s", path);
    for (char *key = strtok(name, "."); key != NULL; key = strtok(NULL, ".")) {
        report = json_object_get(report, key);
    }
    if (report == NULL) {
        fail_msg("no member %s", path);
    }
    return report;
}

static int64_t number(json_t *report, const char *path) {
    return json_integer_value(get(report, path));
}

static const char *text_at(json_t *report, const char *path, size_t index) {
    return json_string_value(json_array_get(get(report, path), index));
}

static json_t *reason(json_t *report, const char *code) {
    json_t *list = get(report, "reasons");
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *item = json_array_get(list, i);
        if (strcmp(json_string_value(json_object_get(item, "code")), code) == 0) {
            return item;
        }
    }
    return NULL;
}

static void assert_reason(json_t *report, const char *code, int64_t count) {
    json_t *item = reason(report, code);
    if (item == NULL) {
        fail_msg("no reason \"%s\"", code);
    }
    assert_int_equal(number(item, "count"), count);
}

static void assert_verdict(json_t *report, const char *verdict) {
    if (strcmp(json_string_value(get(report, "verdict")), verdict) != 0) {
        fail_msg("expected %s: %s", verdict, json_dumps(report, JSON_INDENT(1)));
    }
}

static void put_good(void) {
    static const char *const splits[] = {"train", "valid", "test"};
    for (int i = 0; i < 18; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "%s/%c/%02d.%s", splits[i / 6], i % 2 ? 'a' : 'b', i,
                       i % 3 ? "jpg" : "png");
        put_image(name, 30 + i, 40, (uint64_t)i);
    }
}

static void finds_nothing_in_good_data(void **state) {
    (void)state;
    put_good();
    put("LICENSE.txt", "x");
    json_t *report = check(scratch_folder, "all", 1, 0.0);
    assert_verdict(report, "ok");
    assert_string_equal(json_string_value(get(report, "format")), "dogbreed.check");
    assert_int_equal(number(report, "files"), 18);
    assert_int_equal(number(report, "class_count"), 2);
    assert_int_equal(number(report, "splits.train.files"), 6);
    assert_int_equal(number(report, "splits.test.readable"), 6);
    assert_int_equal(number(report, "formats.jpeg"), 12);
    assert_int_equal(number(report, "formats.png"), 6);
    assert_int_equal(number(report, "bad.count"), 0);
    assert_int_equal(number(report, "statistics.images"), 6);
    assert_float_equal(json_number_value(get(report, "sizes.width.min")), 30, 0);
    assert_float_equal(json_number_value(get(report, "sizes.width.median")), 38.5, 0);
    assert_float_equal(json_number_value(get(report, "sizes.width.max")), 47, 0);
    assert_float_equal(json_number_value(get(report, "balance.ratio")), 1, 0);
    json_t *class_a = json_array_get(get(report, "classes"), 0);
    assert_string_equal(json_string_value(get(class_a, "name")), "a");
    assert_int_equal(number(class_a, "train"), 3);
    assert_float_equal(json_number_value(get(class_a, "weight")), 1, 0);
    report = check(scratch_folder, "train", 0, 0.0);
    assert_verdict(report, "ok");
    assert_int_equal(number(report, "files"), 6);
}

static void finds_odd_files(void **state) {
    (void)state;
    put_good();
    put_jpeg("train/a/gray.jpg", 1, 0);
    put_jpeg("train/a/cmyk.jpg", 4, 0);
    put_jpeg("train/a/progressive.jpg", 3, 1);
    put_png("train/a/gray16.png", PNG_COLOR_TYPE_GRAY, 16);
    put_png("train/a/alpha.png", PNG_COLOR_TYPE_RGB_ALPHA, 8);
    put_png("train/a/palette.png", PNG_COLOR_TYPE_PALETTE, 8);
    put_png("train/b/png.jpg", PNG_COLOR_TYPE_RGB, 8);
    put_oriented("train/b/oriented.jpg", "train/a/01.jpg", 6);
    put_oriented("train/b/upright.jpg", "train/a/05.jpg", 1);
    static const struct {
        const char *name;
        const char *file;
        int64_t count;
    } wanted[] = {{"gray", "train/a/gray.jpg", 2},
                  {"cmyk", "train/a/cmyk.jpg", 1},
                  {"progressive", "train/a/progressive.jpg", 1},
                  {"depth16", "train/a/gray16.png", 1},
                  {"alpha", "train/a/alpha.png", 1},
                  {"palette", "train/a/palette.png", 1},
                  {"misnamed", "train/b/png.jpg", 1},
                  {"oriented", "train/b/oriented.jpg", 1}};
    for (int32_t decode = 0; decode < 2; decode++) {
        json_t *report = check(scratch_folder, "all", decode, 0.0);
        assert_verdict(report, "warnings");
        json_t *properties = get(report, "properties");
        for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
            json_t *item = get(properties, wanted[i].name);
            assert_int_equal(number(item, "count"), wanted[i].count);
            json_t *files = get(item, "files");
            int found = 0;
            for (size_t j = 0; j < json_array_size(files); j++) {
                found |= strcmp(text_at(item, "files", j), wanted[i].file) == 0;
            }
            assert_true(found);
        }
        assert_int_equal(json_array_size(get(report, "reasons")), 2);
        assert_reason(report, "misnamed", 1);
        assert_reason(report, "oriented", 1);
    }
}

static void finds_bad_files(void **state) {
    (void)state;
    dogb_arena temporary = {0};
    void *bytes = NULL;
    size_t size = 0;
    put_good();
    assert_ok(dogb_file_read(&bytes, &size, &temporary, scratch("train/a/01.jpg"), SIZE_MAX));
    put_bytes("train/a/truncated.jpg", bytes, size / 2);
    dogb_arena_free(&temporary);
    put("train/b/empty.jpg", "");
    put("train/b/gif.png", "GIF89a.........................");
    assert_int_equal(symlink("nowhere", scratch("test/b/dangling.png")), 0);
    assert_int_equal(mkfifo(scratch("test/b/pipe.png"), 0600),
                     0); // reading it would hang
    json_t *report = check(scratch_folder, "all", 1, 0.0);
    assert_verdict(report, "invalid");
    assert_int_equal(number(report, "bad.count"), 5);
    assert_int_equal(number(report, "bad.broken"), 4);
    assert_int_equal(number(report, "bad.unsupported"), 1);
    assert_int_equal(number(report, "splits.train.readable"), 6);
    assert_reason(report, "bad_files", 5);
    static const char *const wanted[][2] = {{"train/a/truncated.jpg", "truncated"},
                                            {"train/b/empty.jpg", ""},
                                            {"train/b/gif.png", "GIF"},
                                            {"test/b/dangling.png", "no such file"},
                                            {"test/b/pipe.png", "not a regular file"}};
    for (size_t i = 0; i < 5; i++) {
        json_t *item = json_array_get(get(report, "bad.files"), i);
        const char *text = json_string_value(get(item, "reason"));
        assert_string_equal(json_string_value(get(item, "file")), wanted[i][0]);
        assert_non_null(strstr(text, wanted[i][1]));
        assert_null(strstr(text, scratch_folder)); // the file is named beside it
    }
    assert_int_equal(number(json_array_get(get(report, "classes"), 1), "bad"), 4);
    report = check(scratch_folder, "all", 1, 0.3); // tolerated
    assert_verdict(report, "warnings");
    report = check(scratch_folder, "all", 0, 0.3); // the header of the truncated one is fine
    assert_int_equal(number(report, "bad.count"), 4);
}

static void copy(const char *from, const char *to) {
    dogb_arena temporary = {0};
    void *bytes = NULL;
    size_t size = 0;
    assert_ok(dogb_file_read(&bytes, &size, &temporary, scratch(from), SIZE_MAX));
    put_bytes(to, bytes, size);
    dogb_arena_free(&temporary);
}

static void finds_duplicates(void **state) {
    (void)state;
    put_good();
    copy("train/a/01.jpg", "train/a/again.jpg");    // inside a class
    copy("train/b/02.jpg", "train/a/conflict.jpg"); // between classes
    copy("train/b/04.jpg", "test/b/leak.jpg");      // between splits
    copy("train/a/05.jpg", "valid/b/both.jpg");     // both
    for (int i = 0; i < 12; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "train/a/placeholder%02d.png", i);
        put_png(name, PNG_COLOR_TYPE_RGB, 8);
    }
    for (int32_t decode = 0; decode < 2; decode++) {
        json_t *report = check(scratch_folder, "all", decode, 0.0);
        assert_verdict(report, "warnings");
        json_t *duplicates = get(report, "duplicates");
        assert_int_equal(number(duplicates, "within_class.groups"), 2);
        assert_int_equal(number(duplicates, "within_class.files"), 14);
        assert_int_equal(number(duplicates, "between_classes.groups"), 2);
        assert_int_equal(number(duplicates, "between_splits.groups"), 2);
        assert_int_equal(number(duplicates, "placeholders.groups"), 1);
        assert_reason(report, "leakage", 2);
        assert_reason(report, "label_conflict", 2);
        assert_reason(report, "duplicates", 2);
        assert_reason(report, "placeholders", 1);
        json_t *placeholder = json_array_get(get(duplicates, "placeholders.list"), 0);
        assert_int_equal(number(placeholder, "count"), 12);
        assert_int_equal(json_array_size(get(placeholder, "files")), 10); // cut
        json_t *leak = json_array_get(get(duplicates, "between_splits.list"), 0);
        assert_string_equal(text_at(leak, "files", 0), "train/a/05.jpg");
        assert_string_equal(text_at(leak, "files", 1), "valid/b/both.jpg");
    }
    json_t *report = check(scratch_folder, "train", 1, 0.0); // leakage needs the other splits
    assert_int_equal(number(report, "duplicates.between_splits.groups"), 0);
}

static void finds_trouble_with_classes(void **state) {
    (void)state;
    put_good();
    put_image("train/A/1.jpg", 30, 30, 100);
    for (int i = 0; i < 40; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "train/b/more%02d.jpg", i);
        put_image(name, 30, 30, 200 + (uint64_t)i);
    }
    put("train/c/1.jpg", "broken");
    put("train/a/notes.txt", "x");
    put("train/list.csv", "x");
    put("train/a/x.bmp", "x");
    put("train/a/.DS_Store", "x");
    put("unlabelled/1.jpg", "x");
    json_t *report = check(scratch_folder, "all", 1, 0.5);
    assert_verdict(report, "invalid");
    assert_string_equal(json_string_value(get(reason(report, "empty_class"), "severity")), "error");
    assert_reason(report, "empty_class", 1);
    assert_reason(report, "missing_class", 4); // A and c in valid and test
    assert_reason(report, "case", 2);
    assert_reason(report, "stray_files", 2);
    assert_reason(report, "unsupported_files", 1);
    assert_reason(report, "stray_folders", 1);
    assert_string_equal(text_at(report, "left_out.hidden.files", 0), "train/a/.DS_Store");
    assert_int_equal(unlink(scratch("train/c/1.jpg")), 0);
    put_image("train/c/1.jpg", 30, 30, 300);
    report = check(scratch_folder, "all", 1, 0.0);
    assert_verdict(report, "warnings");
    assert_reason(report, "imbalance", 43);
    assert_string_equal(json_string_value(get(report, "balance.largest.name")), "b");
}

static void one_class_is_invalid(void **state) {
    (void)state;
    put_image("only/1.jpg", 30, 30, 1);
    json_t *report = check(scratch_folder, "all", 1, 0.0);
    assert_verdict(report, "invalid");
    assert_reason(report, "one_class", 1);
    assert_string_equal(json_string_value(get(report, "layout")), "classes");
}

static void computes_statistics(void **state) {
    (void)state;
    dogb_image image = {dogb_alloc(&arena, 12, 3), 4, 3};
    assert_non_null(image.pixels);
    for (int number_of_file = 0; number_of_file < 2; number_of_file++) {
        uint8_t *bytes = NULL;
        size_t size = 0;
        for (int i = 0; i < 36; i++) { // red 0 and 100, green 255, blue 10 or 30
            int value = i % 3 == 0 ? i / 3 % 2 * 100 : i % 3 == 1 ? 255 : 10 + 20 * number_of_file;
            image.pixels[i] = (uint8_t)value;
        }
        assert_ok(dogb_png_encode(&bytes, &size, &arena, &image));
        put_bytes(number_of_file ? "train/b/1.png" : "train/a/1.png", bytes, size);
    }
    put_image("test/a/2.jpg", 64, 64, 9); // not in the statistics
    json_t *report = check(scratch_folder, "all", 1, 0.0);
    json_t *mean = get(report, "statistics.mean");
    json_t *deviation = get(report, "statistics.deviation");
    assert_float_equal(json_number_value(json_array_get(mean, 0)), 50.0 / 255, 1e-6);
    assert_float_equal(json_number_value(json_array_get(mean, 1)), 1.0, 1e-6);
    assert_float_equal(json_number_value(json_array_get(mean, 2)), 20.0 / 255, 1e-6);
    assert_float_equal(json_number_value(json_array_get(deviation, 0)), 50.0 / 255, 1e-6);
    assert_float_equal(json_number_value(json_array_get(deviation, 1)), 0.0, 1e-6);
    assert_float_equal(json_number_value(json_array_get(deviation, 2)), 10.0 / 255, 1e-6);
    memset(image.pixels, 128, 36); // one colour
    uint8_t *bytes = NULL;
    size_t size = 0;
    assert_ok(dogb_png_encode(&bytes, &size, &arena, &image));
    put_bytes("train/a/blank.png", bytes, size);
    report = check(scratch_folder, "all", 1, 0.0);
    assert_reason(report, "blank", 1);
    assert_string_equal(text_at(report, "properties.blank.files", 0), "train/a/blank.png");
}

static void is_the_same_for_any_threads(void **state) {
    (void)state;
    put_good();
    copy("train/a/01.jpg", "test/a/leak.jpg");
    put("train/a/bad1.jpg", "x");
    put("train/b/bad2.jpg", "y");
    for (int32_t decode = 0; decode < 2; decode++) {
        char *wanted = check_text(scratch_folder, "all", decode, 1, 0.0);
        for (int32_t threads = 2; threads < 8; threads += 5) {
            char *text = check_text(scratch_folder, "all", decode, threads, 0.0);
            assert_string_equal(text, wanted);
            dogbreed_free(text);
        }
        dogbreed_free(wanted);
    }
}

static void lists_are_cut_and_counts_whole(void **state) {
    (void)state;
    put_good();
    for (int i = 0; i < 70; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "train/a/bad%02d.jpg", i);
        put(name, "bad");
        (void)snprintf(name, sizeof name, "train/a/stray%02d", i);
        put(name, "bad");
    }
    json_t *report = check(scratch_folder, "all", 1, 0.0);
    assert_int_equal(number(report, "bad.count"), 70);
    assert_int_equal(json_array_size(get(report, "bad.files")), 50);
    assert_int_equal(number(report, "left_out.stray_files.count"), 70);
    assert_int_equal(json_array_size(get(report, "left_out.stray_files.files")), 50);
}

static void refuses_bad_arguments(void **state) {
    (void)state;
    char *text = NULL;
    dogbreed_dataset *all = NULL;
    dogbreed_check_options options;
    put_good();
    assert_ok(dogbreed_dataset_open(&all, scratch_folder, NULL));
    assert_ok(dogbreed_check_options_init(&options, sizeof options));
    options.bad_fraction = 2.0;
    assert_fails(dogbreed_dataset_check(&text, all, &options), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "bad_fraction");
    assert_fails(dogbreed_dataset_check(NULL, all, NULL), DOGBREED_ERROR_INVALID_ARGUMENT, "json");
    assert_fails(dogbreed_dataset_check(&text, NULL, NULL), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "dataset is NULL");
    assert_null(text);
    dogbreed_dataset_destroy(all);
}

static void checks_the_real_data(void **state) {
    (void)state;
    test_data_or_skip(flowers, "flowers5");
    json_t *report = check(flowers, "all", 1, 0.0);
    assert_int_equal(number(report, "files"), 600);
    assert_int_equal(number(report, "class_count"), 5);
    assert_int_equal(number(report, "splits.train.readable"), 400);
    assert_int_equal(number(report, "splits.valid.readable"), 100);
    assert_int_equal(number(report, "splits.test.readable"), 100);
    assert_int_equal(number(report, "bad.count"), 0);
}

#define ROOTED(name) cmocka_unit_test_setup_teardown(name, scratch_make, remove_root)

int main(void) {
    const struct CMUnitTest tests[] = {ROOTED(finds_nothing_in_good_data),
                                       ROOTED(finds_odd_files),
                                       ROOTED(finds_bad_files),
                                       ROOTED(finds_duplicates),
                                       ROOTED(finds_trouble_with_classes),
                                       ROOTED(one_class_is_invalid),
                                       ROOTED(computes_statistics),
                                       ROOTED(is_the_same_for_any_threads),
                                       ROOTED(lists_are_cut_and_counts_whole),
                                       ROOTED(refuses_bad_arguments),
                                       ROOTED(checks_the_real_data)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
