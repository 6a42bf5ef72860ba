// test_sample.c - samples of the system: rates from two states of a /proc of our own, GPUs through
// a library that stands in for NVML, the real machine; and the series that they become.
#include "test.h"

#include "core/file.h"
#include "profile/nvml.h"
#include "profile/sample.h"
#include "profile/series.h"

#include <math.h>

static void put(const char *root, const char *name, const char *text) {
    char path[600];
    (void)snprintf(path, sizeof path, "%s/proc/%s", root, name);
    assert_ok(dogb_file_replace(path, text, strlen(text)));
}

static void make_proc(char root[256]) {
    char path[600];
    (void)snprintf(root, 256, "%s", test_folder());
    (void)snprintf(path, sizeof path, "%s/proc/self", root);
    assert_ok(dogb_directory_make(path));
    (void)snprintf(path, sizeof path, "%s/proc/net", root);
    assert_ok(dogb_directory_make(path));
    put(root, "stat",
        "cpu  1 2 3 4 5 6 7 8 9 10\n"
        "cpu0 1000 0 500 8000 100 0 0 0 0 0\n"
        "cpu2 0 0 0 0 0 0 0 0 0 0\n"
        "intr 1 2 3\n");
    put(root, "meminfo", "MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:    250 kB\n");
    put(root, "diskstats",
        "   8       0 sda 10 0 100 0 20 0 200 0 0 0 0\n"
        "   8       1 sda1 10 0 100 0 20 0 200 0 0 0 0\n"
        " 259       0 nvme0n1 1 0 10 0 1 0 20 0 0 0 0\n"
        " 259       1 nvme0n1p1 1 0 10 0 1 0 20 0 0 0 0\n"
        " 253       0 dm-0 1 0 1000 0 1 0 2000 0 0 0 0\n");
    put(root, "net/dev",
        "Inter-|   Receive                            |  Transmit\n"
        " face |bytes packets errs drop fifo frame compressed multicast|bytes packets\n"
        "    lo: 999999 1 0 0 0 0 0 0 999999 1 0 0 0 0 0 0\n"
        "  eth0: 1000 1 0 0 0 0 0 0 2000 1 0 0 0 0 0 0\n"
        "  eth1:500 1 0 0 0 0 0 0 700 1 0 0 0 0 0 0\n");
    put(root, "self/statm", "1000 20 3 4 5 6 7\n");
    put(root, "self/stat", "42 (a ) name) R 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 0 20\n");
}

static void move_proc(const char *root) {
    // cpu0: 60 user, 20 system, 10 idle, 10 waiting; cpu2: all idle but 25 stolen of 100.
    put(root, "stat",
        "cpu0 1060 0 520 8010 110 0 0 0 0 0\n"
        "cpu2 0 0 0 75 0 0 0 25 0 0\n");
    put(root, "diskstats",
        "   8       0 sda 10 0 1100 0 20 0 2200 0 0 0 0\n"
        " 259       0 nvme0n1 1 0 10 0 1 0 20 0 0 0 0\n");
    put(root, "net/dev",
        "  eth0: 3000 1 0 0 0 0 0 0 2500 1 0 0 0 0 0 0\n"
        "  eth1:500 1 0 0 0 0 0 0 700 1 0 0 0 0 0 0\n");
}

static double value_of(const dogb_probe_value *metrics, size_t count, const char *name,
                       const char *dimension) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(metrics[i].name, name) == 0 && strcmp(metrics[i].dimension, dimension) == 0) {
            return metrics[i].value;
        }
    }
    return (double)NAN;
}

#define assert_near(a, b) assert_true(fabs((a) - (b)) < 1e-9)

static void rates_between_two_samples(void **state) {
    (void)state;
    char root[256];
    dogb_arena arena = {0};
    dogb_probe *probe = NULL;
    const dogb_probe_value *m = NULL;
    make_proc(root);
    assert_ok(dogb_probe_open(&probe, &arena, root, 0));
    assert_int_equal(dogb_probe_cores(probe), 2);
    assert_int_equal(dogb_probe_gpus(probe), 0);
    (void)dogb_probe_take(probe, &m, 10.0);
    move_proc(root);
    size_t n = dogb_probe_take(probe, &m, 12.0);
    assert_near(value_of(m, n, "cpu0", "CPUUtilization"), 80.0);
    assert_near(value_of(m, n, "cpu0", "UserPercentage"), 60.0);
    assert_near(value_of(m, n, "cpu0", "SystemPercentage"), 20.0);
    assert_near(value_of(m, n, "cpu0", "I/OWaitPercentage"), 10.0);
    assert_near(value_of(m, n, "cpu2", "CPUUtilization"), 25.0);
    assert_near(value_of(m, n, "MemoryUsedPercent", "memory"), 75.0);
    assert_near(value_of(m, n, "disk", "ReadBytesPerSecond"), 1000.0 * 512 / 2);
    assert_near(value_of(m, n, "disk", "WriteBytesPerSecond"), 2000.0 * 512 / 2);
    assert_near(value_of(m, n, "Receive", "Algorithm"), 1000.0);
    assert_near(value_of(m, n, "Transmit", "Algorithm"), 250.0);
    assert_near(value_of(m, n, "self", "ResidentBytes"), 20.0 * (double)sysconf(_SC_PAGESIZE));
    assert_near(value_of(m, n, "self", "Threads"), 17.0);
    assert_true(value_of(m, n, "self", "CPUUtilization") >= 0.0);
    dogb_arena_free(&arena);
    assert_ok(dogb_directory_remove(root));
}

// A /proc without any of the files, or with nonsense in them: fewer values, nothing else.
static void files_that_are_missing(void **state) {
    (void)state;
    char root[256];
    dogb_arena arena = {0};
    dogb_probe *probe = NULL;
    const dogb_probe_value *m = NULL;
    assert_ok(dogb_probe_open(&probe, &arena, "/nowhere", 0));
    assert_int_equal(dogb_probe_cores(probe), 0);
    size_t n = dogb_probe_take(probe, &m, 1.0);
    assert_true(isnan(value_of(m, n, "MemoryUsedPercent", "memory")));
    make_proc(root);
    static const char *const names[] = {"stat",    "meminfo",    "diskstats",
                                        "net/dev", "self/statm", "self/stat"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        put(root, names[i], i % 2 == 0 ? "cpu0" : "\n:::\n)\ncpu99999999999999999999 x");
    }
    assert_ok(dogb_probe_open(&probe, &arena, root, 0));
    (void)dogb_probe_take(probe, &m, 1.0);
    (void)dogb_probe_take(probe, &m, 2.0);
    dogb_arena_free(&arena);
    assert_ok(dogb_directory_remove(root));
}

static void this_machine(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_probe *probe = NULL;
    const dogb_probe_value *m = NULL;
    assert_ok(dogb_probe_open(&probe, &arena, "", 1));
    assert_true(dogb_probe_cores(probe) >= 1);
    (void)dogb_probe_take(probe, &m, 1.0);
    size_t n = dogb_probe_take(probe, &m, 2.0);
    double memory = value_of(m, n, "MemoryUsedPercent", "memory");
    assert_true(memory > 0.0 && memory < 100.0);
    assert_true(value_of(m, n, "self", "Threads") >= 1.0);
    assert_true(value_of(m, n, "self", "ResidentBytes") > 100000.0);
    dogb_arena_free(&arena);
}

static void gpus_through_nvml(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_nvml *nvml = NULL;
    dogb_gpu_use use;
    const char *fake = getenv("DOGBREED_TEST_NVML");
    if (fake == NULL) {
        test_skip("DOGBREED_TEST_NVML is not set");
    }
    assert_int_equal(setenv("DOGBREED_NVML", fake, 1), 0);
    assert_int_equal(setenv("FAKE_NVML", "35,0", 1), 0);
    assert_ok(dogb_nvml_open(&nvml, &arena));
    assert_int_equal(dogb_nvml_count(nvml), 2);
    assert_string_equal(dogb_nvml_name(nvml, 1), "Fake GPU 1");
    assert_true(dogb_nvml_use(&use, nvml, 0));
    assert_near(use.utilization, 35.0);
    assert_near(use.memory, 25.0);
    assert_near(use.bytes, 2e9);
    assert_true(dogb_nvml_use(&use, nvml, 1));
    assert_near(use.utilization, 0.0);
    assert_int_equal(unsetenv("FAKE_NVML"), 0); // a driver that does not start
    assert_ok(dogb_nvml_open(&nvml, &arena));
    assert_null(nvml);
    assert_int_equal(setenv("DOGBREED_NVML", "/nowhere/libnvidia-ml.so", 1), 0);
    assert_ok(dogb_nvml_open(&nvml, &arena));
    assert_null(nvml);
    assert_int_equal(setenv("DOGBREED_NVML", "libm.so.6", 1), 0); // another library
    assert_ok(dogb_nvml_open(&nvml, &arena));
    assert_null(nvml);
    dogb_arena_free(&arena);
}

static void series_are_thinned(void **state) {
    (void)state;
    dogb_series_set set = {0};
    enum { ROWS = 3 * DOGB_SERIES_ROWS };
    for (int i = 0; i < ROWS; i++) {
        if (dogb_series_row(&set, i)) {
            dogb_series_put(&set, "cpu", "cpu0", "CPUUtilization", i);
            if (i >= 4) { // a column that comes later
                dogb_series_put(&set, "cpu", "cpu1", "CPUUtilization", -i);
            }
        }
    }
    assert_int_equal(set.seen, ROWS);
    assert_int_equal(set.step, 4);
    assert_int_equal(set.count, ROWS / 4);
    assert_int_equal(set.lost, 0);
    const dogb_series *first = dogb_series_find(&set, "cpu", "cpu0", "CPUUtilization");
    const dogb_series *second = dogb_series_find(&set, "cpu", "cpu1", "CPUUtilization");
    for (size_t i = 0; i < set.count; i++) {
        assert_true(fabs(set.times[i] - 4.0 * (double)i) < 1e-9);
        assert_true(fabsf(first->values[i] - 4.0f * (float)i) < 1e-3f);
        assert_true(i == 0 ? isnan(second->values[i])
                           : fabsf(second->values[i] + 4.0f * (float)i) < 1e-3f);
    }
    dogb_arena arena = {0};
    size_t count = 0;
    int rc = 0;
    const dogb_series **all = dogb_series_all(&rc, &arena, &set, "cpu", "CPUUtilization", &count);
    assert_int_equal(count, 2);
    assert_true(all[0] == first && all[1] == second);
    dogb_arena_free(&arena);
    dogb_series_free(&set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_between_two_samples),
        cmocka_unit_test(files_that_are_missing),
        cmocka_unit_test(this_machine),
        cmocka_unit_test(gpus_through_nvml),
        cmocka_unit_test(series_are_thinned),
    };
    return cmocka_run_group_tests_name("sample", tests, NULL, NULL);
}
