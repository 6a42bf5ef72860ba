// test_feature.c - the feature store in one process: what is computed, kept, shared and bounded.
#include "core/thread.h"
#include "dataset/loader.h"
#include "engine/engine.h"
#include "feature/feature.h"
#include "out_of_memory.h"
#include "pictures.h"
#include "scratch.h"

#include <dirent.h>

enum { CLASSES = 3, PER_CLASS = 7, SAMPLES = CLASSES * PER_CLASS, FLOATS = 32 };

static dogbreed_dataset *dataset;
static dogbreed_model *model;

static int set_up(void **state) {
    (void)scratch_make(state);
    write_split(scratch_folder, "train", CLASSES, PER_CLASS, 0);
    dataset = open_split(scratch_folder, "train", 0.0);
    model = make_frozen(dataset, 1);
    return 0;
}

static int tear_down(void **state) {
    dogbreed_model_destroy(model);
    dogbreed_dataset_destroy(dataset);
    return scratch_remove(state);
}

static const char *cache(const char *name) {
    static char paths[4][512];
    static int next;
    char *path = paths[next++ & 3];
    (void)snprintf(path, sizeof paths[0], "%s/cache-%s", scratch_folder, name);
    return path;
}

static dogb_feature_conf conf_of(const char *name) {
    return (dogb_feature_conf){.model = model,
                               .dataset = dataset,
                               .engine = dogb_engine_ref(),
                               .device = "cpu",
                               .cache_dir = cache(name),
                               .threads = 1,
                               .loader_threads = 2,
                               .keep = 1};
}

static dogb_feature *open_features(const dogb_feature_conf *conf, int64_t computed) {
    dogb_feature *feature = NULL;
    assert_ok(dogb_feature_open(&feature, conf));
    assert_int_equal(dogb_feature_size(feature), FLOATS);
    assert_int_equal(dogb_feature_computed(feature), computed);
    return feature;
}

static void assert_same_rows(const dogb_feature *a, const dogb_feature *b, int32_t views) {
    for (int64_t i = 0; i < SAMPLES; i++) {
        for (int32_t v = 0; v < views; v++) {
            assert_memory_equal(dogb_feature_row(a, i, v), dogb_feature_row(b, i, v),
                                FLOATS * sizeof(float));
        }
    }
}

// Names of entries in a folder that end with `ending`; the last one is copied out.
static int count_entries(const char *folder, const char *ending, char *last, size_t size) {
    int count = 0;
    DIR *directory = opendir(folder);
    for (struct dirent *e = directory == NULL ? NULL : readdir(directory); e != NULL;
         e = readdir(directory)) {
        size_t length = strlen(e->d_name);
        if (e->d_name[0] != '.' && length >= strlen(ending) &&
            strcmp(e->d_name + length - strlen(ending), ending) == 0) {
            count++;
            if (last != NULL) {
                (void)snprintf(last, size, "%s/%s", folder, e->d_name);
            }
        }
    }
    if (directory != NULL) {
        (void)closedir(directory);
    }
    return count;
}

static void rows_are_what_the_prefix_says(void **state) {
    (void)state;
    dogb_feature_conf conf = conf_of("plain");
    dogb_feature *feature = open_features(&conf, SAMPLES);
    dogb_arena arena = {0};
    dogb_part prefix;
    dogb_net *net = NULL;
    dogb_loader *loader = NULL;
    dogb_loader_batch batch;
    assert_ok(dogb_model_prefix(&prefix, &arena, model));
    dogb_net_conf net_conf = {.device = "cpu", .threads = 1, .batch_max = 1};
    assert_ok(dogb_engine_net(&net, conf.engine, prefix.graph, prefix.weights, &net_conf));
    dogb_loader_conf loader_conf = {.dataset = dataset,
                                    .preprocess = dogb_model_preprocess(model),
                                    .count = SAMPLES,
                                    .batch_size = 1,
                                    .threads = 1};
    assert_ok(dogb_loader_create(&loader, &loader_conf));
    while (dogb_loader_next(loader, &batch) == 1) {
        float values[FLOATS];
        dogb_batch one = {.data = batch.pixels, .count = 1, .dtype = DOGB_DATA_U8};
        assert_int_equal(conf.engine->infer(net, &one, values), 0);
        assert_memory_equal(values, dogb_feature_row(feature, batch.samples[0], 0), sizeof values);
    }
    dogb_loader_destroy(loader);
    conf.engine->net_destroy(net);
    dogb_arena_free(&arena);
    dogb_feature_destroy(feature);
}

static void a_second_open_reads(void **state) {
    (void)state;
    dogb_feature_conf conf = conf_of("again");
    dogb_feature *first = open_features(&conf, SAMPLES);
    dogb_feature *second = open_features(&conf, 0);
    assert_same_rows(first, second, 1);
    dogb_feature_destroy(first);
    assert_non_null(dogb_feature_row(second, 0, 0));
    dogb_feature_destroy(second);
    char set[512];
    char key[600];
    assert_int_equal(count_entries(conf.cache_dir, "", set, sizeof set), 1);
    (void)snprintf(key, sizeof key, "%s/key.json", set);
    assert_int_equal(dogb_file_exists(key), 1);
}

static void loader_threads_do_not_matter(void **state) {
    (void)state;
    dogb_feature_conf one = conf_of("one");
    dogb_feature_conf three = conf_of("three");
    one.loader_threads = 1;
    three.loader_threads = 3;
    one.views = three.views = 2;
    one.seed = three.seed = 5;
    dogb_feature *a = open_features(&one, 2 * SAMPLES);
    dogb_feature *b = open_features(&three, 2 * SAMPLES);
    assert_same_rows(a, b, 2);
    dogb_feature_destroy(a);
    dogb_feature_destroy(b);
}

static void views_differ_and_have_a_set_of_their_own(void **state) {
    (void)state;
    dogb_feature_conf conf = conf_of("views");
    dogb_feature *plain = open_features(&conf, SAMPLES);
    conf.views = 2;
    conf.seed = 5;
    dogb_feature *two = open_features(&conf, 2 * SAMPLES);
    assert_memory_not_equal(dogb_feature_row(two, 0, 0), dogb_feature_row(two, 0, 1),
                            FLOATS * sizeof(float));
    assert_memory_not_equal(dogb_feature_row(two, 0, 0), dogb_feature_row(plain, 0, 0),
                            FLOATS * sizeof(float));
    dogb_feature_destroy(two);
    // More views of the same seed: those that are there are read.
    conf.views = 3;
    dogb_feature *three = open_features(&conf, SAMPLES);
    dogb_feature_destroy(three);
    conf.views = 2;
    conf.seed = 6;
    two = open_features(&conf, 2 * SAMPLES);
    dogb_feature_destroy(two);
    dogb_feature_destroy(plain);
}

static void other_weights_have_another_set(void **state) {
    (void)state;
    dogb_feature_conf conf = conf_of("weights");
    dogb_feature *a = open_features(&conf, SAMPLES);
    dogbreed_model *other = make_frozen(dataset, 2);
    conf.model = other;
    dogb_feature *b = open_features(&conf, SAMPLES);
    assert_memory_not_equal(dogb_feature_row(a, 0, 0), dogb_feature_row(b, 0, 0),
                            FLOATS * sizeof(float));
    assert_int_equal(count_entries(conf.cache_dir, "", NULL, 0), 2);
    dogb_feature_destroy(a);
    dogb_feature_destroy(b);
    dogbreed_model_destroy(other);
    // A learning backbone has no features to keep.
    assert_ok(dogbreed_model_set_trainable(model, "conv3", 1));
    conf.model = model;
    assert_fails(dogb_feature_open(&a, &conf), DOGBREED_ERROR_INVALID_ARGUMENT, "not frozen");
    assert_ok(dogbreed_model_set_trainable(model, "conv3", 0));
    assert_null(a);
}

// Engines and instruction sets round differently: none reads what another has computed.
static void other_engines_have_another_set(void **state) {
    (void)state;
    dogb_feature_conf conf = conf_of("engines");
    dogb_feature_destroy(open_features(&conf, SAMPLES));
    const dogb_engine *native = dogb_engine_native();
    conf.engine = native;
    assert_int_equal(setenv("DOGBREED_CPU", "c", 1), 0);
    assert_string_equal(native->version(), "c");
    dogb_feature_destroy(open_features(&conf, SAMPLES));
    dogb_feature_destroy(open_features(&conf, 0));
    assert_int_equal(unsetenv("DOGBREED_CPU"), 0);
    dogb_feature_destroy(open_features(&conf, strcmp(native->version(), "c") == 0 ? 0 : SAMPLES));
    dogb_feature_destroy(open_features(&conf, 0));
}

static void damaged_segments_are_computed_again(void **state) {
    (void)state;
    dogb_feature_conf conf = conf_of("damaged");
    dogb_feature *good = open_features(&conf, SAMPLES);
    char set[512];
    char segment[700];
    char path[800];
    dogb_arena arena = {0};
    void *bytes = NULL;
    size_t size = 0;
    assert_int_equal(count_entries(conf.cache_dir, "", set, sizeof set), 1);
    assert_int_equal(count_entries(set, ".seg", segment, sizeof segment), 1);
    assert_ok(dogb_file_read(&bytes, &size, &arena, segment, 1 << 24));
    uint8_t *data = bytes;
    dogbreed_log_set(NULL, NULL, DOGBREED_LOG_ERROR); // one warning per damaged file is expected
    // Cut anywhere, a flipped bit anywhere, another kind of file: ignored, and nothing lost.
    static const size_t places[] = {0, 7, 9, 13, 17, 25, 70, 100, 127, 130, 180, 1500};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        data[places[i]] ^= 4;
        assert_ok(dogb_file_write(segment, data, size));
        data[places[i]] ^= 4;
        dogb_feature *again = open_features(&conf, SAMPLES);
        assert_same_rows(good, again, 1);
        dogb_feature_destroy(again);
        assert_ok(dogb_file_write(segment, data, places[i]));
        again = open_features(&conf, SAMPLES);
        assert_same_rows(good, again, 1);
        dogb_feature_destroy(again);
    }
    (void)snprintf(path, sizeof path, "%s/foreign.seg", set);
    assert_ok(dogb_file_write(path, "hello", 5));
    dogb_feature *again = open_features(&conf, 0);
    assert_same_rows(good, again, 1);
    dogb_feature_destroy(again);
    // What is foreign or what a killed writer left goes away, but only once nobody else has the set
    // open.
    assert_int_equal(dogb_file_exists(path), 1);
    (void)snprintf(path, sizeof path, "%s/0123.seg.ab12CD", set);
    assert_ok(dogb_file_write(path, "torn", 4));
    again = open_features(&conf, 0);
    assert_int_equal(dogb_file_exists(path), 1);
    dogb_feature_destroy(again);
    dogb_feature_destroy(good);
    again = open_features(&conf, 0);
    assert_int_equal(dogb_file_exists(path), 0);
    dogb_feature_destroy(again);
    (void)snprintf(path, sizeof path, "%s/foreign.seg", set);
    assert_int_equal(dogb_file_exists(path), 0);
    assert_int_equal(count_entries(set, ".seg", NULL, 0), 1);
    dogb_arena_free(&arena);
}

static void equal_pictures_are_computed_once(void **state) {
    (void)state;
    char twin[512];
    char from[600];
    dogb_arena arena = {0};
    void *bytes = NULL;
    size_t size = 0;
    (void)snprintf(twin, sizeof twin, "%s/twins", scratch_folder);
    write_split(twin, "train", 2, 3, 0);
    (void)snprintf(from, sizeof from, "%s/train/class_0/000.jpg", twin);
    assert_ok(dogb_file_read(&bytes, &size, &arena, from, 1 << 24));
    (void)snprintf(from, sizeof from, "%s/train/class_1/copy.jpg", twin);
    assert_ok(dogb_file_write(from, bytes, size));
    dogb_arena_free(&arena);
    dogbreed_dataset *set = open_split(twin, "train", 0.0);
    dogb_feature_conf conf = conf_of("twins");
    conf.dataset = set;
    dogb_feature *feature = open_features(&conf, 6);
    assert_int_equal(dogbreed_dataset_size(set), 7);
    assert_ptr_equal(dogb_feature_row(feature, 0, 0), dogb_feature_row(feature, 6, 0));
    dogb_feature_destroy(feature);
    // Drawn views belong to their sample.
    conf.views = 1;
    feature = open_features(&conf, 7);
    assert_memory_not_equal(dogb_feature_row(feature, 0, 0), dogb_feature_row(feature, 6, 0),
                            FLOATS * sizeof(float));
    dogb_feature_destroy(feature);
    dogbreed_dataset_destroy(set);
}

static int stop_at;
static int64_t last_total;
static int stop(int64_t done, int64_t total, void *userdata) {
    (void)userdata;
    last_total = total;
    return done >= stop_at;
}

static void a_stopped_run_keeps_its_rows(void **state) {
    (void)state;
    dogb_feature_conf conf = conf_of("stopped");
    dogb_feature *feature = (dogb_feature *)&conf;
    conf.progress = stop;
    stop_at = 1;
    assert_fails(dogb_feature_open(&feature, &conf), DOGBREED_ERROR_CANCELLED, "stopped after 16");
    assert_null(feature);
    assert_int_equal(last_total, SAMPLES);
    stop_at = SAMPLES + 1;
    feature = open_features(&conf, SAMPLES - 16); // one batch was done
    dogb_feature_destroy(feature);
    stop_at = 0;
    assert_fails(dogb_feature_open(&feature, &conf), DOGBREED_ERROR_CANCELLED, "stopped before");
}

static void without_keeping_nothing_is_written(void **state) {
    (void)state;
    dogb_feature_conf conf = conf_of("nothing");
    conf.keep = 0;
    dogb_feature *a = open_features(&conf, SAMPLES);
    assert_int_equal(dogb_directory_exists(conf.cache_dir), 0);
    conf.keep = 1;
    dogb_feature *b = open_features(&conf, SAMPLES);
    assert_same_rows(a, b, 1);
    dogb_feature_destroy(a);
    dogb_feature_destroy(b);
    // A named folder that cannot be is an error.
    char path[512];
    (void)snprintf(path, sizeof path, "%s/train/class_0/000.jpg/x", scratch_folder);
    conf.cache_dir = path;
    assert_fails(dogb_feature_open(&a, &conf), DOGBREED_ERROR_IO, "000.jpg");
}

static int64_t set_bytes(const char *folder) {
    char set[512];
    char segment[700];
    struct stat info;
    int64_t bytes = 0;
    static const char *const names[] = {".seg", "key.json", "lock"};
    assert_true(count_entries(folder, "", set, sizeof set) >= 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(count_entries(set, names[i], segment, sizeof segment), 1);
        assert_int_equal(stat(segment, &info), 0);
        bytes += info.st_size;
    }
    return bytes;
}

static void the_oldest_set_makes_room(void **state) {
    (void)state;
    dogb_feature_conf conf = conf_of("bound");
    dogbreed_model *models[4];
    dogb_feature *feature = open_features(&conf, SAMPLES);
    dogb_feature_destroy(feature);
    int64_t one = set_bytes(conf.cache_dir);
    conf.bytes_max = 2 * one + one / 2; // room for two sets
    for (uint64_t i = 0; i < 4; i++) {
        models[i] = make_frozen(dataset, 10 + i);
        conf.model = models[i];
        feature = open_features(&conf, SAMPLES);
        dogb_feature_destroy(feature);
        assert_int_equal(count_entries(conf.cache_dir, "", NULL, 0), 2);
    }
    conf.model = models[2]; // still there: now the most recently used
    feature = open_features(&conf, 0);
    dogb_feature_destroy(feature);
    conf.model = models[0];
    feature = open_features(&conf, SAMPLES); // models[3] went
    conf.model = models[2];
    dogb_feature *kept = open_features(&conf, 0);
    dogb_feature_destroy(kept);
    dogb_feature_destroy(feature);
    conf.model = models[3];
    feature = open_features(&conf, SAMPLES);
    dogb_feature_destroy(feature);
    for (int i = 0; i < 4; i++) {
        dogbreed_model_destroy(models[i]);
    }
}

static void a_set_in_use_stays(void **state) {
    (void)state;
    dogb_feature_conf conf = conf_of("in-use");
    dogb_feature *mine = open_features(&conf, SAMPLES);
    int64_t one = set_bytes(conf.cache_dir);
    dogbreed_model *other = make_frozen(dataset, 3);
    dogb_feature_conf more = conf;
    more.model = other;
    more.bytes_max = one + one / 2;
    dogbreed_log_set(NULL, NULL, DOGBREED_LOG_ERROR);
    dogb_feature *second = open_features(&more, SAMPLES); // finds no room: kept in memory
    assert_non_null(dogb_feature_row(second, SAMPLES - 1, 0));
    dogb_feature_destroy(second);
    second = open_features(&more, SAMPLES);
    dogb_feature_destroy(second);
    dogb_feature *again = open_features(&conf, 0);
    assert_same_rows(mine, again, 1);
    dogb_feature_destroy(again);
    dogb_feature_destroy(mine);
    second = open_features(&more, SAMPLES); // now the first may go
    dogb_feature_destroy(second);
    second = open_features(&more, 0);
    dogb_feature_destroy(second);
    dogbreed_model_destroy(other);
}

static void unreadable_files_have_no_row(void **state) {
    (void)state;
    char folder[512];
    char path[600];
    (void)snprintf(folder, sizeof folder, "%s/bad", scratch_folder);
    write_split(folder, "train", 2, 10, 500);
    (void)snprintf(path, sizeof path, "%s/train/class_1/003.jpg", folder);
    assert_ok(dogb_file_write(path, "\xFF\xD8\xFF\xE0 no picture", 15));
    dogb_feature_conf conf = conf_of("bad");
    dogb_feature *feature = NULL;
    conf.dataset = open_split(folder, "train", 0.0);
    assert_fails(dogb_feature_open(&feature, &conf), DOGBREED_ERROR_FORMAT, "003.jpg");
    dogbreed_dataset_destroy((dogbreed_dataset *)conf.dataset);
    dogbreed_dataset *set = open_split(folder, "train", 0.1);
    conf.dataset = set;
    for (int i = 0; i < 2; i++) { // the second time only the bad one is missing
        assert_ok(dogb_feature_open(&feature, &conf));
        for (int64_t k = 0; k < 20; k++) {
            assert_int_equal(dogb_feature_row(feature, k, 0) == NULL, k == 13);
        }
        dogb_feature_destroy(feature);
    }
    dogbreed_dataset_destroy(set);
}

static void allocation_failures_are_clean(void **state) {
    (void)state;
    dogb_feature_conf conf = conf_of("memory");
    dogb_feature *reference = open_features(&conf, SAMPLES);
    int failures = 0;
    conf.cache_dir = cache("memory-loop");
    conf.loader_threads = 1;
    for (int i = 0;; i += 1 + i / 40) {
        dogb_feature *feature = NULL;
        (void)dogb_directory_remove(conf.cache_dir);
        memory_fail_after(i);
        int rc = dogb_feature_open(&feature, &conf);
        int done = !memory_restore(); // nothing failed this time
        if (rc == 0) {
            assert_same_rows(reference, feature, 1);
        } else {
            assert_int_equal(rc, DOGBREED_ERROR_NO_MEMORY);
            assert_null(feature);
            failures++;
        }
        dogb_feature_destroy(feature);
        if (done) {
            break;
        }
    }
    assert_true(failures > 20);
    dogb_feature_destroy(reference);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_what_the_prefix_says),
        cmocka_unit_test(a_second_open_reads),
        cmocka_unit_test(loader_threads_do_not_matter),
        cmocka_unit_test(views_differ_and_have_a_set_of_their_own),
        cmocka_unit_test(other_weights_have_another_set),
        cmocka_unit_test(other_engines_have_another_set),
        cmocka_unit_test(damaged_segments_are_computed_again),
        cmocka_unit_test(equal_pictures_are_computed_once),
        cmocka_unit_test(a_stopped_run_keeps_its_rows),
        cmocka_unit_test(without_keeping_nothing_is_written),
        cmocka_unit_test(the_oldest_set_makes_room),
        cmocka_unit_test(a_set_in_use_stays),
        cmocka_unit_test(unreadable_files_have_no_row),
        cmocka_unit_test(allocation_failures_are_clean),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
