// test_report.c - a whole run as a page, a PDF and a document: everything is in them, everything is
// escaped, and the same run gives the same bytes.
#include "run_folder.h"

static int set_up(void **state) {
    (void)scratch_make(state);
    put_run();
    put_pictures();
    return 0;
}

static void the_page_has_every_section(void **state) {
    (void)state;
    static const char *const ids[] = {"summary", "data",    "curves",      "confusion",
                                      "classes", "gallery", "calibration", "roc",
                                      "rules",   "time",    "reproduce"};
    static const char *const parts[] = {
        "66.67\xc2\xa0%",       // accuracy of 6 of 9
        "6 of 9 pictures",      //
        "62.50\xc2\xa0%",       // best validation
        "epoch 2 of 3",         //
        "1,234,567 parameters", //
        "1 min 15 s",           //
        "step 8: it &lt;learns&gt; by heart",
        "reason: frozen",
        "raise weight_decay",
        "2 &lt;gray&gt; pictures",
        "look at the disks",
        "loader_threads",
        "More than a quarter of the time",
        "'it'\\''s &lt;here&gt;'",
        "Expected calibration error 6.25",
        "divided by the temperature 1.250",
        "goes from 6.25\xc2\xa0% to 3.13\xc2\xa0%",
        "from 0.4321 to 0.4000",
        "fitted on these same pictures",
        "24 questions together",
        "area under the ROC curve 87.50",
        "average precision 81.25",
    };
    char *html = page_of(NULL);
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "<section id=\"%s\">", ids[i]);
        assert_has(html, text);
        (void)snprintf(text, sizeof text, "href=\"#%s\"", ids[i]);
        assert_has(html, text);
    }
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        assert_has(html, parts[i]);
    }
    assert_null(strstr(html, "id=\"tuning\"")); // nothing was searched
    dogbreed_free(html);
}

static void names_are_escaped(void **state) {
    (void)state;
    char *html = page_of(NULL);
    assert_int_equal(count_of(html, "<script>"), 1); // the page's own
    assert_has(html, "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&amp;amp;");
    assert_has(html, class_names[1]);
    assert_has(html, class_names[2]);
    dogbreed_free(html);
}

static void the_page_asks_for_nothing(void **state) {
    (void)state;
    char *html = page_of(NULL);
    assert_has(html, "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'");
    assert_int_equal(count_of(html, "'sha256-"), 2);
    assert_null(strstr(html, "http://"));
    assert_null(strstr(html, "https://"));
    assert_null(strstr(html, " style=\""));
    assert_null(strstr(html, "http-equiv=\"refresh\""));
    dogbreed_free(html);
}

static void pictures_lie_inside(void **state) {
    (void)state;
    dogbreed_report_options options;
    assert_ok(dogbreed_report_options_init(&options, sizeof options));
    char *html = page_of(&options);
    // three mistakes among the confused pairs and the worst, nine of little certainty
    assert_int_equal(count_of(html, "src=\"data:image/jpeg;base64,"), 3 + 3 + 9);
    dogbreed_free(html);
    options.gallery_count = 2;
    html = page_of(&options);
    assert_int_equal(count_of(html, "data:image/jpeg"), 3 + 2 + 2);
    dogbreed_free(html);
    options.gallery = 0;
    html = page_of(&options);
    assert_int_equal(count_of(html, "data:image/jpeg"), 0);
    dogbreed_free(html);
    options.gallery = 1;
    options.pictures = "/nowhere";
    html = page_of(&options);
    assert_int_equal(count_of(html, "data:image/jpeg"), 0);
    assert_has(html, "2 of 2 pictures cannot be read");
    dogbreed_free(html);
}

static void charts_need_the_module(void **state) {
    (void)state;
    char *html = page_of(NULL);
    if (has_module()) {
        assert_true(count_of(html, "<svg role=\"img\"") >= 16);
        assert_has(html, "kept epoch");
        assert_has(html, "with the temperature");
        assert_has(html, "ROC curve");
        assert_has(html, "Precision by recall");
        assert_has(html, "Confusion matrix");
    } else {
        assert_int_equal(count_of(html, "<svg role=\"img\""), 0);
        assert_has(html, "dogbreed-plot.so is not installed");
    }
    dogbreed_free(html);
}

static void a_running_page_loads_itself_anew(void **state) {
    (void)state;
    dogbreed_report_options options;
    assert_ok(dogbreed_report_options_init(&options, sizeof options));
    options.refresh = 7;
    put_file("run/status.json", "{\"format\":\"dogbreed.status\",\"version\":1,\"state\":"
                                "\"running\",\"epoch\":1,\"epochs\":3}");
    char *html = page_of(&options);
    assert_has(html, "<meta http-equiv=\"refresh\" content=\"7\">");
    assert_has(html, "state is running: epoch 1 of 3");
    dogbreed_free(html);
    put_run();
    html = page_of(&options);
    assert_null(strstr(html, "http-equiv=\"refresh\""));
    dogbreed_free(html);
}

static void the_document_has_it_all(void **state) {
    (void)state;
    static const char *const keys[] = {"title",      "status", "check",     "metrics",
                                       "evaluation", "worst",  "uncertain", "findings",
                                       "profile",    "config", "manifest",  "problems"};
    dogb_arena arena = {0};
    char *text = NULL;
    json_t *json = NULL;
    assert_ok(dogbreed_report_json(&text, scratch("run/")));
    assert_ok(dogb_json_parse(&json, &arena, text, strlen(text), "report"));
    assert_string_equal(json_string_value(json_object_get(json, "format")), "dogbreed.report");
    assert_string_equal(json_string_value(json_object_get(json, "title")), "run");
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        assert_non_null(json_object_get(json, keys[i]));
    }
    const json_t *metrics = json_object_get(json, "metrics");
    assert_true(json_real_value(json_array_get(json_object_get(metrics, "val_loss"), 2)) == 1.375);
    assert_true(json_is_null(json_array_get(json_object_get(metrics, "val_accuracy"), 2)));
    const json_t *worst = json_object_get(json, "worst");
    assert_int_equal(json_array_size(worst), 3);
    assert_true(json_number_value(json_object_get(json_array_get(worst, 0), "loss")) == 4.5);
    assert_null(json_object_get(json_object_get(json, "evaluation"), "predictions"));
    // Each of the three classes is taken for the next one in a third of its pictures.
    const json_t *confusion = json_object_get(json, "confusion");
    assert_int_equal(json_array_size(json_object_get(confusion, "order")), 3);
    const json_t *groups = json_object_get(confusion, "groups");
    assert_int_equal(json_array_size(groups), 1);
    assert_true(json_equal(json_array_get(groups, 0), json_object_get(confusion, "order")));
    dogbreed_free(text);
    dogb_arena_free(&arena);
}

static char *read_file(dogb_arena *arena, const char *name, size_t *size) {
    void *data = NULL;
    assert_ok(dogb_file_read(&data, size, arena, scratch(name), 1 << 28));
    return data;
}

static void the_same_run_gives_the_same_bytes(void **state) {
    (void)state;
    static const char *const names[] = {"run/report.html", "run/report.json", "run/report.pdf"};
    dogb_arena arena = {0};
    dogbreed_report_options options;
    int drawn = has_module();
    assert_ok(dogbreed_report_options_init(&options, sizeof options));
    options.json = 1;
    options.pdf = drawn;
    char *first[3];
    size_t sizes[3];
    assert_int_equal(setenv("SOURCE_DATE_EPOCH", "1700000000", 1), 0);
    for (int turn = 0; turn < 2; turn++) {
        assert_ok(dogbreed_report_write(scratch("run"), &options));
        for (int i = 0; i < 2 + drawn; i++) {
            size_t size = 0;
            char *data = read_file(&arena, names[i], &size);
            if (turn > 0) {
                assert_int_equal(size, sizes[i]);
                assert_memory_equal(data, first[i], size);
            }
            first[i] = data;
            sizes[i] = size;
        }
    }
    assert_has(first[0], "Written 2023-11-14 22:13:20 UTC");
    if (drawn) {
        assert_memory_equal(first[2], "%PDF-1.", 7);
    }
    assert_int_equal(unsetenv("SOURCE_DATE_EPOCH"), 0);
    dogb_arena_free(&arena);
}

static void files_are_named_by_options(void **state) {
    (void)state;
    dogbreed_report_options options;
    assert_ok(dogbreed_report_options_init(&options, sizeof options));
    options.html_name = "other.html";
    options.json = 1;
    options.json_name = scratch("elsewhere.json");
    options.title = "<Title>";
    assert_ok(dogbreed_report_write(scratch("run"), &options));
    assert_true(dogb_file_exists(scratch("run/other.html")));
    assert_true(dogb_file_exists(scratch("elsewhere.json")));
    char *html = page_of(&options);
    assert_has(html, "<h1>&lt;Title&gt;</h1>");
    dogbreed_free(html);
    options.html_name = "no/such/folder.html";
    assert_fails(dogbreed_report_write(scratch("run"), &options), DOGBREED_ERROR_NOT_FOUND,
                 "no/such/folder.html");
}

static void a_pdf_needs_the_module(void **state) {
    (void)state;
    dogbreed_report_options options;
    assert_ok(dogbreed_report_options_init(&options, sizeof options));
    options.pdf = 1;
    options.html_name = "not-written.html";
    if (has_module()) {
        test_skip("the module is here");
    }
    assert_fails(dogbreed_report_write(scratch("run"), &options), DOGBREED_ERROR_UNSUPPORTED,
                 "dogbreed-plot.so");
    assert_false(dogb_file_exists(scratch("run/not-written.html")));
}

static void arguments_are_checked(void **state) {
    (void)state;
    char *text = NULL;
    dogbreed_report_options options;
    assert_ok(dogbreed_report_options_init(&options, sizeof options));
    options.gallery_count = 0;
    assert_fails(dogbreed_report_write(scratch("run"), &options), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "gallery_count");
    assert_fails(dogbreed_report_write(NULL, NULL), DOGBREED_ERROR_INVALID_ARGUMENT, "run");
    assert_fails(dogbreed_report_json(NULL, "run"), DOGBREED_ERROR_INVALID_ARGUMENT, "json");
    assert_fails(dogbreed_report_html(&text, "", NULL), DOGBREED_ERROR_INVALID_ARGUMENT, "run");
    assert_fails(dogbreed_report_json(&text, "/no/such/run"), DOGBREED_ERROR_NOT_FOUND,
                 "/no/such/run");
    assert_null(text);
}

static int report_once(void *userdata) {
    (void)userdata;
    char *html = NULL;
    int rc = dogbreed_report_html(&html, scratch("run"), NULL);
    assert_true((html != NULL) == (rc == 0));
    dogbreed_free(html);
    return rc;
}

static void allocation_failures_are_clean(void **state) {
    (void)state;
    memory_fails_well(report_once);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_has_every_section),
        cmocka_unit_test(names_are_escaped),
        cmocka_unit_test(the_page_asks_for_nothing),
        cmocka_unit_test(pictures_lie_inside),
        cmocka_unit_test(charts_need_the_module),
        cmocka_unit_test(a_running_page_loads_itself_anew),
        cmocka_unit_test(the_document_has_it_all),
        cmocka_unit_test(the_same_run_gives_the_same_bytes),
        cmocka_unit_test(files_are_named_by_options),
        cmocka_unit_test(a_pdf_needs_the_module),
        cmocka_unit_test(arguments_are_checked),
        cmocka_unit_test(allocation_failures_are_clean),
    };
    return cmocka_run_group_tests(tests, set_up, scratch_remove);
}
