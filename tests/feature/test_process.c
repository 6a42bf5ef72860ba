// test_process.c - the feature store between processes: filled together, killed in the middle. The
// program starts itself again as the other process.
#include "engine/engine.h"
#include "feature/feature.h"
#include "pictures.h"
#include "scratch.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

enum { CLASSES = 2, PER_CLASS = 150, SAMPLES = CLASSES * PER_CLASS, FLOATS = 32 };

static const char *program;

static int set_up(void **state) {
    (void)scratch_make(state);
    write_split(scratch_folder, "train", CLASSES, PER_CLASS, 0);
    return 0;
}

static int64_t kill_at = -1; // rows

static int maybe_die(int64_t done, int64_t total, void *userdata) {
    (void)total;
    (void)userdata;
    if (kill_at >= 0 && done >= kill_at) {
        (void)raise(SIGKILL);
    }
    return 0;
}

// Opens the set of the folder; *rows (may be NULL) receives all rows.
static int64_t fill(const char *folder, const char *cache, float *rows) {
    dogb_feature *feature = NULL;
    dogbreed_dataset *dataset = open_split(folder, "train", 0.0);
    dogbreed_model *model = make_frozen(dataset, 1);
    dogb_feature_conf conf = {.model = model,
                              .dataset = dataset,
                              .engine = dogb_engine_ref(),
                              .device = "cpu",
                              .cache_dir = cache,
                              .threads = 1,
                              .loader_threads = 2,
                              .keep = 1,
                              .progress = maybe_die};
    assert_ok(dogb_feature_open(&feature, &conf));
    int64_t computed = dogb_feature_computed(feature);
    for (int64_t i = 0; rows != NULL && i < SAMPLES; i++) {
        memcpy(rows + i * FLOATS, dogb_feature_row(feature, i, 0), FLOATS * sizeof *rows);
    }
    dogb_feature_destroy(feature);
    dogbreed_model_destroy(model);
    dogbreed_dataset_destroy(dataset);
    return computed;
}

static pid_t start(const char *cache, const char *limit, const char *result) {
    pid_t pid = 0;
    char *const arguments[] = {(char *)program,
                               (char *)"fill",
                               scratch_folder,
                               (char *)cache,
                               (char *)limit,
                               (char *)result,
                               NULL};
    assert_int_equal(posix_spawn(&pid, program, NULL, NULL, arguments, environ), 0);
    return pid;
}

static int wait_for(pid_t pid) {
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void in_root(char out[512], const char *name) {
    (void)snprintf(out, 512, "%s/%s", scratch_folder, name);
}

static void a_killed_process_loses_only_open_rows(void **state) {
    (void)state;
    static float expected[SAMPLES * FLOATS];
    static float found[SAMPLES * FLOATS];
    char cache[512];
    in_root(cache, "cache-whole");
    assert_int_equal(fill(scratch_folder, cache, expected), SAMPLES);
    in_root(cache, "cache-killed");
    static const char *const limits[] = {"0", "160", "272", "299"};
    for (size_t i = 0; i < 4; i++) {
        int status = wait_for(start(cache, limits[i], "-"));
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    // 256 rows make a segment: the third process was killed behind it, the fourth found it.
    assert_int_equal(fill(scratch_folder, cache, found), SAMPLES - 256);
    assert_memory_equal(expected, found, sizeof expected);
    assert_int_equal(fill(scratch_folder, cache, found), 0);
    assert_memory_equal(expected, found, sizeof expected);
}

static void processes_fill_a_set_together(void **state) {
    (void)state;
    static float expected[SAMPLES * FLOATS];
    char cache[512];
    char result[3][512];
    pid_t pids[3];
    in_root(cache, "cache-together");
    for (int i = 0; i < 3; i++) {
        in_root(result[i], i == 0 ? "rows-0" : i == 1 ? "rows-1" : "rows-2");
        pids[i] = start(cache, "-1", result[i]);
    }
    (void)fill(scratch_folder, cache, expected);
    for (int i = 0; i < 3; i++) {
        dogb_arena arena = {0};
        void *rows = NULL;
        size_t size = 0;
        assert_int_equal(wait_for(pids[i]), 0);
        assert_ok(dogb_file_read(&rows, &size, &arena, result[i], sizeof expected));
        assert_int_equal(size, sizeof expected);
        assert_memory_equal(rows, expected, sizeof expected);
        dogb_arena_free(&arena);
    }
    assert_int_equal(fill(scratch_folder, cache, expected), 0);
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc == 6 && strcmp(argv[1], "fill") == 0) {
        static float rows[SAMPLES * FLOATS];
        kill_at = strtoll(argv[4], NULL, 10);
        (void)fill(argv[2], argv[3], rows);
        return strcmp(argv[5], "-") == 0 ? 0 : dogb_file_write(argv[5], rows, sizeof rows) != 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_process_loses_only_open_rows),
        cmocka_unit_test(processes_fill_a_set_together),
    };
    return cmocka_run_group_tests(tests, set_up, scratch_remove);
}
