// Allocations that fail, one after the other, over everything a run does: each ends with an error
// that speaks of memory, or is survived; nothing crashes or leaks (run it under a sanitizer).
#include "../trainer/fixture.h"

#include <jansson.h>
#include <stdatomic.h>

static atomic_long calls;
static atomic_long fail_at; // 0: never

static int next_fails(void) {
    long call = atomic_fetch_add(&calls, 1) + 1;
    return call == atomic_load(&fail_at);
}

static int hook(size_t size, void *userdata) {
    (void)size;
    (void)userdata;
    return next_fails();
}

static void *json_allocate(size_t size) {
    return next_fails() ? NULL : malloc(size);
}

// Attach, train with checkpoints, resume in a second trainer. Returns the first error.
static int everything(const fixture *f, const char *directory) {
    dogbreed_model *model = NULL;
    dogbreed_trainer *trainer = NULL;
    dogbreed_trainer *second = NULL;
    char *json = NULL;
    int rc = dogbreed_model_create(&model, f->train, &f->model);
    if (rc < 0 ||
        (rc = dogbreed_trainer_create(&trainer, model, f->train, f->valid, &f->options)) < 0 ||
        (rc = dogbreed_run_attach(NULL, trainer, directory, NULL)) < 0 ||
        (rc = dogbreed_trainer_run(trainer)) < 0 ||
        (rc = dogbreed_trainer_metrics(&json, trainer)) < 0 ||
        (rc = dogbreed_trainer_create(&second, model, f->train, f->valid, &f->options)) < 0) {
        goto out;
    }
    rc = dogbreed_run_resume(second, directory);
out:
    dogbreed_free(json);
    dogbreed_trainer_destroy(second);
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    return rc;
}

static void every_failed_allocation_is_survived(void **state) {
    (void)state;
    fixture f;
    char directory[400];
    fixture_open(&f, 2, 1);
    f.options.epochs = 2;
    f.options.loader_threads = 1; // the hook counts in one order
    (void)snprintf(directory, sizeof directory, "%s/run", f.root);
    dogbreed_log_set(NULL, NULL, DOGBREED_LOG_ERROR);
    dogb_alloc_test(hook, NULL);
    json_set_alloc_funcs(json_allocate, free);
    atomic_store(&fail_at, 0);
    assert_ok(everything(&f, directory)); // also fills the feature store
    assert_ok(dogb_directory_remove(directory));
    atomic_store(&calls, 0);
    assert_ok(everything(&f, directory));
    long total = atomic_load(&calls);
    long step = total / 150 + 1; // a few seconds
    int failures = 0;
    for (long at = 1; at <= total; at += step) {
        if (dogb_directory_exists(directory)) {
            atomic_store(&fail_at, 0);
            assert_ok(dogb_directory_remove(directory));
        }
        atomic_store(&calls, 0);
        atomic_store(&fail_at, at);
        int rc = everything(&f, directory);
        atomic_store(&fail_at, 0);
        failures += rc < 0;
        // jansson's reader drops a byte when it cannot grow its buffer: the text is then malformed.
        if (rc < 0 && strstr(dogbreed_error_message(), "memory") == NULL &&
            strstr(dogbreed_error_message(), "not valid JSON") == NULL) {
            fail_msg("allocation %ld of %ld: %s: %s", at, total, dogbreed_error_name(rc),
                     dogbreed_error_message());
        }
    }
    dogb_alloc_test(NULL, NULL);
    json_set_alloc_funcs(malloc, free);
    print_message("# %ld allocations, %d errors\n", total, failures);
    assert_true(failures > 50);
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
