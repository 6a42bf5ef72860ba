// test_loader.c - order, equality for any number of threads, the cache, bad files, early ends.
#include "fixture.h"

#include "dataset/loader.h"

enum { IMAGES = 23, SIDE = 32 };

static dogbreed_dataset *data;
static dogb_preprocess preprocess = {.resize = 40, .crop = SIDE, .filter = 0};
static int warnings;
static char last_warning[1200];

static void on_log(int32_t level, const char *line, void *userdata) {
    (void)userdata;
    warnings += level == DOGBREED_LOG_WARNING;
    (void)snprintf(last_warning, sizeof last_warning, "%s", line);
}

static void open_data(double bad_fraction) {
    dogbreed_dataset_options options;
    assert_ok(dogbreed_dataset_options_init(&options, sizeof options));
    options.bad_fraction = bad_fraction;
    dogbreed_dataset_destroy(data);
    assert_ok(dogbreed_dataset_open(&data, scratch_folder, &options));
}

static int make_root(void **state) {
    (void)scratch_make(state);
    for (int i = 0; i < IMAGES; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "%c/%03d.%s", 'a' + i % 3, i, i % 4 ? "jpg" : "png");
        put_image(name, 40 + i * 3, 90 - i * 2, (uint64_t)i);
    }
    open_data(0.0);
    warnings = 0;
    dogbreed_log_set(on_log, NULL, DOGBREED_LOG_WARNING);
    return 0;
}

static int remove_root(void **state) {
    dogbreed_log_set(NULL, NULL, DOGBREED_LOG_WARNING);
    dogbreed_dataset_destroy(data);
    data = NULL;
    return scratch_remove(state);
}

static dogb_loader_conf conf_of(int32_t batch_size, int32_t threads, int32_t augment) {
    return (dogb_loader_conf){.dataset = data,
                              .preprocess = &preprocess,
                              .seed = 5,
                              .batch_size = batch_size,
                              .threads = threads,
                              .augment = augment};
}

// Hash over labels, numbers and pixels of everything a loader delivers; *count samples.
static dogb_sha256 drain(const dogb_loader_conf *conf, int64_t *count) {
    dogb_arena arena = {0};
    dogb_hasher *hasher = NULL;
    dogb_loader *loader = NULL;
    dogb_loader_batch batch;
    dogb_sha256 hash;
    int rc = 0;
    *count = 0;
    assert_ok(dogb_hasher_create(&hasher, &arena));
    assert_ok(dogb_loader_create(&loader, conf));
    while ((rc = dogb_loader_next(loader, &batch)) == 1) {
        assert_true(batch.count >= 1 && batch.count <= conf->batch_size);
        for (int32_t i = 0; i < batch.count; i++) {
            assert_int_equal(batch.labels[i], dogb_dataset_label(data, batch.samples[i]));
        }
        size_t bytes = (size_t)batch.count * SIDE * SIDE * 3;
        assert_ok(dogb_hasher_add(hasher, batch.pixels, bytes));
        assert_ok(dogb_hasher_add(hasher, batch.labels, (size_t)batch.count * 4));
        assert_ok(dogb_hasher_add(hasher, batch.samples, (size_t)batch.count * 8));
        *count += batch.count;
    }
    assert_ok(rc);
    assert_int_equal(dogb_loader_next(loader, &batch), 0); // and it stays at the end
    assert_true(dogb_loader_wait_seconds(loader) >= 0.0);
    dogb_loader_destroy(loader);
    assert_ok(dogb_hasher_end(hasher, &hash));
    dogb_arena_free(&arena);
    return hash;
}

static void delivers_in_order(void **state) {
    (void)state;
    static const int64_t order[] = {5, 0, 22, 5, 7, 1, 2};
    dogb_loader_conf conf = conf_of(3, 2, 0);
    dogb_loader *loader = NULL;
    dogb_loader_batch batch;
    dogb_arena scratch = {0};
    uint8_t wanted[SIDE * SIDE * 3];
    int64_t position = 0;
    conf.order = order;
    conf.count = 7;
    assert_ok(dogb_loader_create(&loader, &conf));
    while (dogb_loader_next(loader, &batch) == 1) {
        assert_int_equal(batch.count, position < 6 ? 3 : 1);
        for (int32_t i = 0; i < batch.count; i++, position++) {
            void *bytes = NULL;
            size_t size = 0;
            assert_int_equal(batch.samples[i], order[position]);
            assert_ok(dogb_file_read(&bytes, &size, &scratch,
                                     dogb_dataset_path(data, order[position]), SIZE_MAX));
            assert_ok(dogb_image_load(wanted, NULL, &scratch, bytes, size, NULL, &preprocess, NULL,
                                      NULL, "picture"));
            assert_memory_equal(wanted, batch.pixels + (size_t)i * sizeof wanted, sizeof wanted);
        }
    }
    assert_int_equal(position, 7);
    dogb_loader_destroy(loader);
    dogb_arena_free(&scratch);
}

static void is_the_same_for_any_threads_and_cache(void **state) {
    (void)state;
    static const int32_t threads[] = {1, 2, 7};
    static const int32_t batches[] = {1, 4, 23, 64};
    static const int64_t budgets[] = {0, 60000, 1 << 24}; // nothing, a part, everything
    for (int32_t augment = 0; augment < 2; augment++) {
        int64_t count = 0;
        dogb_loader_conf conf = conf_of(4, 1, augment);
        dogb_sha256 wanted = drain(&conf, &count);
        dogb_sha256 other;
        assert_int_equal(count, IMAGES);
        for (int b = 0; b < 4; b++) {
            conf = conf_of(batches[b], 1, augment);
            dogb_sha256 first = drain(&conf, &count);
            for (int t = 1; t < 3; t++) {
                conf.threads = threads[t];
                other = drain(&conf, &count);
                assert_memory_equal(&other, &first, sizeof other);
            }
        }
        for (int i = 0; i < 9; i++) {
            conf = conf_of(4, threads[i % 3], augment);
            assert_ok(dogb_decoded_cache_create(&conf.cache, budgets[i / 3], IMAGES));
            for (int round = 0; round < 2; round++) { // filling it, reading it
                other = drain(&conf, &count);
                assert_memory_equal(&other, &wanted, sizeof other);
            }
            dogb_decoded_cache_destroy(conf.cache);
        }
        conf = conf_of(4, 2, augment);
        conf.epoch = 1;
        other = drain(&conf, &count);
        assert_true((memcmp(&other, &wanted, sizeof other) != 0) == augment);
        conf.epoch = 0;
        conf.seed = 6;
        other = drain(&conf, &count);
        assert_true((memcmp(&other, &wanted, sizeof other) != 0) == augment);
    }
}

static void ends_early(void **state) {
    (void)state;
    for (int taken = 0; taken < 6; taken++) {
        for (int32_t threads = 1; threads < 8; threads += 3) {
            dogb_loader_conf conf = conf_of(4, threads, 1);
            dogb_loader *loader = NULL;
            dogb_loader_batch batch;
            assert_ok(dogb_loader_create(&loader, &conf));
            for (int i = 0; i < taken; i++) {
                assert_int_equal(dogb_loader_next(loader, &batch), 1);
            }
            dogb_loader_destroy(loader);
        }
    }
    dogb_loader_destroy(NULL);
    dogb_decoded_cache_destroy(NULL);
}

static void outlives_the_handle(void **state) {
    (void)state;
    dogb_loader_conf conf = conf_of(4, 2, 0);
    dogb_loader *loader = NULL;
    dogb_loader_batch batch;
    assert_ok(dogb_loader_create(&loader, &conf));
    dogbreed_dataset_destroy(data);
    data = NULL;
    int64_t count = 0;
    while (dogb_loader_next(loader, &batch) == 1) {
        count += batch.count;
    }
    assert_int_equal(count, IMAGES);
    dogb_loader_destroy(loader);
}

static void fails_at_the_first_bad_file(void **state) {
    (void)state;
    put("b/001.jpg", "GIF89a, this is none of ours");
    for (int32_t threads = 1; threads < 8; threads += 3) {
        dogb_loader_conf conf = conf_of(4, threads, 0);
        dogb_loader *loader = NULL;
        dogb_loader_batch batch;
        assert_ok(dogb_loader_create(&loader, &conf));
        assert_int_equal(dogb_loader_next(loader, &batch), 1);
        assert_int_equal(dogb_loader_next(loader, &batch), 1); // eight of class a
        assert_fails(dogb_loader_next(loader, &batch), DOGBREED_ERROR_UNSUPPORTED, "b/001.jpg");
        assert_int_equal(batch.count, 0);
        assert_fails(dogb_loader_next(loader, &batch), DOGBREED_ERROR_UNSUPPORTED, "b/001.jpg");
        dogb_loader_destroy(loader);
    }
    assert_int_equal(warnings, 0);
}

static void leaves_out_what_is_tolerated(void **state) {
    (void)state;
    put("b/001.jpg", "not a picture");
    put("b/004.png", "");
    assert_int_equal(unlink(scratch("b/007.jpg")), 0); // vanished after it was listed
    open_data(0.1);                                    // two of 22
    put_image("b/007.jpg", 50, 50, 7);
    open_data(0.1);
    assert_int_equal(unlink(scratch("c/002.jpg")), 0);
    int64_t count = 0;
    for (int32_t threads = 1; threads < 8; threads += 3) {
        dogb_loader_conf conf = conf_of(4, threads, 0);
        dogb_loader *loader = NULL;
        dogb_loader_batch batch;
        int rc = 0;
        warnings = 0;
        count = 0;
        assert_ok(dogb_loader_create(&loader, &conf));
        while ((rc = dogb_loader_next(loader, &batch)) == 1) {
            count += batch.count;
        }
        assert_fails(rc, DOGBREED_ERROR_NOT_FOUND, "c/002.jpg"); // the third bad one
        assert_non_null(strstr(dogbreed_error_message(), "bad_fraction 0.1 tolerates 2"));
        assert_int_equal(count, 16 - 2);
        assert_int_equal(warnings, 2);
        assert_non_null(strstr(last_warning, "b/004.png"));
        assert_int_equal(dogb_loader_bad_count(loader), 3);
        dogb_loader_destroy(loader);
    }
    open_data(1.0);
    dogb_loader_conf conf = conf_of(2, 3, 0); // a batch of two bad ones disappears
    put("a/000.png", "bad");
    put("a/003.jpg", "bad");
    (void)drain(&conf, &count);
    assert_int_equal(count, IMAGES - 3 - 2 + 1 - 1);
}

static _Atomic int64_t allocations;

static int count_allocation(size_t size, void *userdata) {
    (void)size;
    (void)userdata;
    allocations++;
    return 0;
}

static int64_t allocations_of(dogb_loader_conf *conf, const int64_t *order, int64_t samples) {
    int64_t count = 0;
    conf->order = order;
    conf->count = samples;
    allocations = 0;
    dogb_alloc_test(count_allocation, NULL);
    (void)drain(conf, &count);
    dogb_alloc_test(NULL, NULL);
    assert_int_equal(count, samples);
    return allocations;
}

static void allocates_nothing_in_the_long_run(void **state) {
    (void)state;
    enum { LONG = 40 * IMAGES };
    int64_t order[LONG];
    for (int i = 0; i < LONG; i++) {
        order[i] = i % IMAGES;
    }
    dogb_loader_conf conf = conf_of(4, 1, 0);
    // Buffers have their final size after one round; what grows later is a leak in the making.
    int64_t once = allocations_of(&conf, order, IMAGES);
    assert_int_equal(allocations_of(&conf, order, LONG), once);
    assert_ok(dogb_decoded_cache_create(&conf.cache, 1 << 24, IMAGES));
    (void)allocations_of(&conf, order, IMAGES);
    once = allocations_of(&conf, order, IMAGES); // from the cache
    assert_int_equal(allocations_of(&conf, order, LONG), once);
    dogb_decoded_cache_destroy(conf.cache);
}

static void refuses_bad_arguments(void **state) {
    (void)state;
    static const int64_t order[] = {0, IMAGES};
    dogb_loader *loader = NULL;
    dogb_loader_conf conf = conf_of(0, 1, 0);
    assert_fails(dogb_loader_create(&loader, &conf), DOGBREED_ERROR_INVALID_ARGUMENT, "batch_size");
    conf = conf_of(1, 0, 0);
    assert_fails(dogb_loader_create(&loader, &conf), DOGBREED_ERROR_INVALID_ARGUMENT, "threads");
    conf = conf_of(1, 1, 0);
    conf.order = order;
    conf.count = 2;
    assert_fails(dogb_loader_create(&loader, &conf), DOGBREED_ERROR_INVALID_ARGUMENT, "sample 23");
    assert_null(loader);
    conf.count = 0; // nothing to do is no error
    dogb_loader_batch batch;
    assert_ok(dogb_loader_create(&loader, &conf));
    assert_int_equal(dogb_loader_next(loader, &batch), 0);
    dogb_loader_destroy(loader);
    conf = conf_of(1, 1, 0);
    dogb_preprocess other = preprocess;
    assert_ok(dogb_decoded_cache_create(&conf.cache, 1 << 20, IMAGES));
    assert_ok(dogb_loader_create(&loader, &conf));
    dogb_loader_destroy(loader);
    other.exif_orientation = 1 - preprocess.exif_orientation;
    conf.preprocess = &other;
    assert_fails(dogb_loader_create(&loader, &conf), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "decoded cache");
    dogb_decoded_cache_destroy(conf.cache);
}

#define ROOTED(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)

int main(void) {
    const struct CMUnitTest tests[] = {ROOTED(delivers_in_order),
                                       ROOTED(is_the_same_for_any_threads_and_cache),
                                       ROOTED(ends_early),
                                       ROOTED(outlives_the_handle),
                                       ROOTED(fails_at_the_first_bad_file),
                                       ROOTED(leaves_out_what_is_tolerated),
                                       ROOTED(allocates_nothing_in_the_long_run),
                                       ROOTED(refuses_bad_arguments)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
