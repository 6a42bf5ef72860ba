// test_memory.c - every allocation of open, check, fingerprint, loader and synth fails once: a
// clean NO_MEMORY, no crash, no leak (the sanitizer builds look for those).
#include "fixture.h"

#include "dataset/loader.h"
#include "out_of_memory.h"

static int make_root(void **state) {
    (void)scratch_make(state);
    for (int i = 0; i < 6; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "%c/%03d.%s", 'a' + i % 2, i, i % 3 ? "jpg" : "png");
        put_image(name, 20 + i, 24, (uint64_t)i);
    }
    put("a/broken.jpg", "x");
    put("b/sub/link.txt", "x");
    return 0;
}

static int open_data(dogbreed_dataset **out) {
    dogbreed_dataset_options options;
    int rc = dogbreed_dataset_options_init(&options, sizeof options);
    options.bad_fraction = 1.0;
    return rc < 0 ? rc : dogbreed_dataset_open(out, scratch_folder, &options);
}

static int run_open(void) {
    dogbreed_dataset *all = NULL;
    dogbreed_dataset *part = NULL;
    int rc = open_data(&all);
    rc = rc < 0 ? rc : dogbreed_dataset_split(&part, all, "train");
    dogbreed_dataset_destroy(all);
    dogbreed_dataset_destroy(part);
    return rc;
}

static int run_fingerprint(void) {
    dogbreed_dataset *all = NULL;
    dogb_sha256 hash;
    int rc = open_data(&all);
    rc = rc < 0 ? rc : dogb_dataset_fingerprint(&hash, all, 2);
    dogbreed_dataset_destroy(all);
    return rc;
}

static int run_check(void) {
    dogbreed_dataset *all = NULL;
    dogbreed_check_options options;
    char *report = NULL;
    int rc = dogbreed_check_options_init(&options, sizeof options);
    options.threads = 2;
    rc = rc < 0 ? rc : open_data(&all);
    rc = rc < 0 ? rc : dogbreed_dataset_check(&report, all, &options);
    assert_true((rc == 0) == (report != NULL));
    dogbreed_free(report);
    dogbreed_dataset_destroy(all);
    return rc;
}

static int run_loader(void) {
    static const dogb_preprocess preprocess = {.resize = 20, .crop = 16};
    dogbreed_dataset *all = NULL;
    dogb_loader *loader = NULL;
    dogb_loader_batch batch;
    dogb_loader_conf conf = {.preprocess = &preprocess, .batch_size = 2, .threads = 2};
    int rc = open_data(&all);
    conf.dataset = all;
    rc = rc < 0 ? rc : dogb_decoded_cache_create(&conf.cache, 1500, dogbreed_dataset_size(all));
    rc = rc < 0 ? rc : dogb_loader_create(&loader, &conf);
    while (rc >= 0 && (rc = dogb_loader_next(loader, &batch)) == 1) {
    }
    dogb_loader_destroy(loader);
    dogb_decoded_cache_destroy(conf.cache);
    dogbreed_dataset_destroy(all);
    return rc;
}

static int run_synth(void) {
    dogbreed_synth_options options;
    int rc = dogbreed_synth_options_init(&options, sizeof options);
    options.classes = 2;
    options.per_class = 3;
    options.size = 16;
    if (access(scratch("drawn"), F_OK) == 0) {
        assert_ok(dogb_directory_remove(scratch("drawn")));
    }
    return rc < 0 ? rc : dogbreed_dataset_synthesize(scratch("drawn"), &options);
}

// Lets allocation 0, 1, 2, ... fail until a run needs no more of them.
static void loop(int (*run)(void)) {
    int failed = 0;
    for (int nth = 0;; nth++) {
        memory_fail_after(nth);
        int rc = run();
        int reached = memory_restore();
        if (rc < 0) {
            assert_int_equal(rc, DOGBREED_ERROR_NO_MEMORY);
            assert_non_null(strstr(dogbreed_error_message(), "memory"));
            failed++;
        }
        if (!reached) {
            assert_ok(rc);
            break;
        }
        assert_true(nth < 20000);
    }
    assert_true(failed > 5);
}

static void opening(void **state) {
    (void)state;
    loop(run_open);
}

static void fingerprints(void **state) {
    (void)state;
    loop(run_fingerprint);
}

static void checks(void **state) {
    (void)state;
    loop(run_check);
}

static void loaders(void **state) {
    (void)state;
    loop(run_loader);
}

static void drawing(void **state) {
    (void)state;
    loop(run_synth);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(opening), cmocka_unit_test(fingerprints),
                                       cmocka_unit_test(checks), cmocka_unit_test(loaders),
                                       cmocka_unit_test(drawing)};
    dogbreed_log_set(NULL, NULL, DOGBREED_LOG_ERROR);
    return cmocka_run_group_tests(tests, make_root, scratch_remove);
}
