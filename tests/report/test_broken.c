// test_broken.c - run directories that lack files, hold damaged ones, or values of other kinds than
// expected; few classes and many.
#include "run_folder.h"

static const char *const files[] = {"config.json",         "manifest.json",       "status.json",
                                    "evaluation.json",     "check.json",          "metrics.csv",
                                    "debug/findings.json", "profile/summary.json"};
enum { FILES = sizeof files / sizeof files[0] };

static int set_up(void **state) {
    (void)scratch_make(state);
    put_run();
    return 0;
}

static const char *path_of(int file) {
    char name[80];
    (void)snprintf(name, sizeof name, "run/%s", files[file]);
    return scratch(name);
}

static void a_file_alone_is_a_report(void **state) {
    (void)state;
    for (int i = 0; i < FILES; i++) {
        put_run();
        for (int k = 0; k < FILES; k++) {
            assert_true(k == i || unlink(path_of(k)) == 0);
        }
        char *html = page_of(NULL);
        assert_has(html, "</html>");
        assert_true(strcmp(files[i], "check.json") == 0 ||
                    strstr(html, "There is no check.json: ") != NULL);
        dogbreed_free(html);
    }
}

static void no_file_is_no_run(void **state) {
    (void)state;
    char *html = NULL;
    for (int i = 0; i < FILES; i++) {
        (void)unlink(path_of(i));
    }
    assert_fails(dogbreed_report_html(&html, scratch("run"), NULL), DOGBREED_ERROR_NOT_FOUND,
                 "is no run directory");
    assert_null(html);
}

static void a_damaged_file_is_named(void **state) {
    (void)state;
    static const char *const damage[] = {"",
                                         "{",
                                         "[1,2",
                                         "\xff\xfe",
                                         "null",
                                         "{\"a\":1,\"a\":2}",
                                         "{\"format\":\"dogbreed.other\",\"version\":1}",
                                         "a,b\n1,x\n"};
    for (int i = 0; i < FILES; i++) {
        for (size_t k = 0; k < sizeof damage / sizeof damage[0]; k++) {
            char name[80];
            put_run();
            (void)snprintf(name, sizeof name, "run/%s", files[i]);
            put_file(name, damage[k]);
            char *html = page_of(NULL);
            if (strcmp(files[i], "metrics.csv") != 0) {
                assert_true(count_of(html, files[i]) >= 1);
                assert_has(html, "<p class=\"bad\">");
            }
            dogbreed_free(html);
        }
    }
    put_run();
    put_file("run/metrics.csv", "a,b\n1,x\n");
    char *html = page_of(NULL);
    assert_has(html, "metrics.csv: line 2: expected a number in each cell");
    dogbreed_free(html);
}

static void values_of_other_kinds_do_no_harm(void **state) {
    (void)state;
    static const char *const values[] = {"null",     "-7",      "1e308",
                                         "\"text\"", "[[],{}]", "{\"x\":[1]}"};
    dogbreed_report_options options;
    assert_ok(dogbreed_report_options_init(&options, sizeof options));
    options.gallery = 0;
    for (int i = 0; i < FILES; i++) {
        int step = has_module() ? 5 : 1; // charts take their time
        for (int at = i % step, done = 0; !done && strcmp(files[i], "metrics.csv") != 0;
             at += step) {
            json_t *with = json_loads(values[at % 6], JSON_DECODE_ANY, NULL);
            int left = at;
            put_run();
            json_t *document = json_load_file(path_of(i), 0, NULL);
            assert_non_null(document);
            replace(document, document, with, &left);
            done = left >= 0;
            assert_int_equal(json_dump_file(document, path_of(i), 0), 0);
            char *html = page_of(&options);
            assert_has(html, "</html>");
            dogbreed_free(html);
            json_decref(document);
            json_decref(with);
        }
    }
}

static void any_number_of_classes(void **state) {
    (void)state;
    static const int counts[] = {1, 2, 12, 133, 1000};
    dogbreed_report_options options;
    assert_ok(dogbreed_report_options_init(&options, sizeof options));
    options.gallery = 0;
    options.pdf = has_module();
    put_run();
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        put_evaluation(counts[i], 3);
        assert_ok(dogbreed_report_write(scratch("run"), &options));
        char *html = page_of(&options);
        assert_int_equal(count_of(html, "Confusion matrix") > 0, has_module());
        assert_int_equal(count_of(html, "The 200 of 1000 classes") > 0, counts[i] > 200);
        char last[40];
        (void)snprintf(last, sizeof last, "class %d", counts[i] - 1);
        assert_true(counts[i] <= 3 || strstr(html, last) != NULL);
        assert_true(strlen(html) < 5000000);
        dogbreed_free(html);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_alone_is_a_report),
        cmocka_unit_test(no_file_is_no_run),
        cmocka_unit_test(a_damaged_file_is_named),
        cmocka_unit_test(values_of_other_kinds_do_no_harm),
        cmocka_unit_test(any_number_of_classes),
    };
    return cmocka_run_group_tests(tests, set_up, scratch_remove);
}
