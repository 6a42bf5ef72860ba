// test_rules.c - the profiler's rules on series whose results are known by hand, in both modes.
#include "test.h"

#include "profile/quantile.h"
#include "profile/rule.h"

#include <math.h>

enum { ROWS_MAX = 4000 };

typedef struct table {
    dogb_profile_data data;
    dogb_arena arena;
    json_t *rules;
} table;

// Samples each 0.5 s; value(row, column) of cpuN, gpuN, their memory.
typedef double (*value_fn)(int row, int column);

static void fill(table *t, int rows, int gpus, int cores, value_fn gpu, value_fn memory,
                 value_fn cpu) {
    memset(t, 0, sizeof *t);
    t->data.gpus = gpus;
    t->data.cores = cores;
    t->data.allowed = cores;
    t->data.wall_zero = 1000.0;
    for (int row = 0; row < rows; row++) {
        char name[16];
        (void)dogb_series_row(&t->data.series, 0.5 * (row + 1));
        for (int g = 0; g < gpus; g++) {
            (void)snprintf(name, sizeof name, "gpu%d", g);
            dogb_series_put(&t->data.series, "gpu", name, "GPUUtilization", gpu(row, g));
            dogb_series_put(&t->data.series, "gpu", name, "GPUMemoryUtilization", memory(row, g));
        }
        for (int c = 0; c < cores; c++) {
            (void)snprintf(name, sizeof name, "cpu%d", c);
            dogb_series_put(&t->data.series, "cpu", name, "CPUUtilization", cpu(row, c));
            dogb_series_put(&t->data.series, "cpu", name, "I/OWaitPercentage", 0.0);
        }
    }
}

static void judge(table *t, int parity, const char *overrides) {
    dogb_profile_judging judging = {.parity = parity, .overrides = overrides};
    assert_ok(dogb_profile_judge(&t->rules, &t->arena, &t->data, &judging));
    assert_int_equal(json_array_size(t->rules), dogb_profile_rule_count);
}

static void drop(table *t) {
    dogb_arena_free(&t->arena);
    dogb_profile_data_free(&t->data);
}

static const json_t *rule_of(const table *t, const char *name) {
    size_t i = 0;
    json_t *rule = NULL;
    json_array_foreach(t->rules, i, rule) {
        if (strcmp(json_string_value(json_object_get(rule, "rule")), name) == 0) {
            return rule;
        }
    }
    fail_msg("there is no rule %s", name);
    return NULL;
}

static const char *status_of(const table *t, const char *name) {
    return json_string_value(json_object_get(rule_of(t, name), "status"));
}

static const char *reason_of(const table *t, const char *name) {
    return json_string_value(json_object_get(rule_of(t, name), "reason"));
}

static int64_t count_of(const table *t, const char *name, const char *member) {
    return json_integer_value(json_object_get(rule_of(t, name), member));
}

static const json_t *detail(const table *t, const char *name, const char *a, const char *b) {
    const json_t *details = json_object_get(rule_of(t, name), "details");
    const json_t *inner = json_object_get(details, a);
    return b == NULL ? inner : json_object_get(inner, b);
}

static double number(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

#define assert_near(a, b) assert_true(fabs((a) - (b)) < 1e-9)

// --- values

static double zero(int row, int column) {
    (void)row;
    (void)column;
    return 0.0;
}
static double fifty(int row, int column) {
    (void)row;
    (void)column;
    return 50.0;
}
static double ramp(int row, int column) { // 0, 1, ... 99, 0, 1 ...
    (void)column;
    return row % 100;
}
static double high(int row, int column) {
    (void)column;
    return 90 + row % 10;
}
static double bursts(int row, int column) { // one of eight is idle
    (void)column;
    return row % 8 == 0 ? 0.0 : 95.0;
}
static double starved(int row, int column) { // two of three samples without work
    (void)column;
    return row % 3 == 0 ? 80.0 : 5.0;
}
static double one_core(int row, int column) {
    (void)row;
    return column == 0 ? 99.0 : 3.0;
}
static double jump25(int row, int column) {
    (void)column;
    return row < 1100 ? 10.0 : 35.0;
}
static double jump26(int row, int column) {
    (void)column;
    return row < 1100 ? 10.0 : 36.0;
}
static double unequal(int row, int column) { // bins 0 and 25: 3 to 1, and 1 to 3
    return row % 4 < (column == 0 ? 3 : 1) ? 1.0 : 51.0;
}
static double alike(int row, int column) { // 6 to 4, and 4 to 6
    return row % 10 < (column == 0 ? 6 : 4) ? 1.0 : 51.0;
}

// --- tests

static void quantiles_by_numpy(void **state) {
    (void)state;
    const double values[] = {1.0, 2.0, 4.0, 8.0};
    assert_near(dogb_quantile(values, 4, 0.0), 1.0);
    assert_near(dogb_quantile(values, 4, 1.0), 8.0);
    assert_near(dogb_quantile(values, 4, 0.5), 3.0);
    assert_near(dogb_quantile(values, 4, 0.95), 7.4); // numpy.quantile([1, 2, 4, 8], 0.95)
    assert_near(dogb_quantile(values, 4, 0.05), 1.15);
    assert_near(dogb_quantile(values, 1, 0.3), 1.0);
    assert_true(isnan(dogb_quantile(values, 0, 0.3)));
}

static void distances_of_histograms(void **state) {
    (void)state;
    const double left[2] = {1, 0};
    const double right[2] = {0, 1};
    const double a[2] = {3, 1};
    const double b[2] = {1, 3};
    const double c[2] = {6, 4};
    const double d[2] = {4, 6};
    assert_true(fabs(dogb_profile_rule_distance(left, right, 2) - 0.832555) < 5e-7);
    assert_true(fabs(dogb_profile_rule_distance(a, b, 2) - 0.361679) < 5e-7);
    assert_true(fabs(dogb_profile_rule_distance(c, d, 2) - 0.141900) < 5e-7);
    assert_true(dogb_profile_rule_distance(a, a, 2) < 1e-12);
}

static void a_machine_without_gpu(void **state) {
    (void)state;
    static const char *const rules[] = {"LowGPUUtilization", "GPUNeverUsed", "BatchSize",
                                        "CPUBottleneck",     "IOBottleneck", "LoadBalancing",
                                        "GPUMemoryIncrease"};
    table t;
    for (int parity = 0; parity < 2; parity++) {
        fill(&t, 300, 0, 2, zero, zero, fifty);
        judge(&t, parity, "");
        for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
            assert_string_equal(status_of(&t, rules[i]), "NotEvaluated");
            int own = parity && strcmp(rules[i], "GPUNeverUsed") == 0;
            assert_string_equal(reason_of(&t, rules[i]), own ? "not_applicable" : "no_gpu");
        }
        drop(&t);
    }
}

// 60 s without any use; a shorter run is not judged; a used GPU is no issue.
static void a_gpu_that_is_never_used(void **state) {
    (void)state;
    table t;
    fill(&t, 120, 1, 2, zero, fifty, fifty);
    judge(&t, 0, "");
    assert_string_equal(status_of(&t, "GPUNeverUsed"), "IssuesFound");
    assert_string_equal(status_of(&t, "ProfilerReport"), "IssuesFound");
    drop(&t);
    fill(&t, 119, 1, 2, zero, fifty, fifty);
    judge(&t, 0, "");
    assert_string_equal(reason_of(&t, "GPUNeverUsed"), "too_few_points");
    drop(&t);
    fill(&t, 120, 1, 2, ramp, fifty, fifty);
    judge(&t, 0, "");
    assert_string_equal(status_of(&t, "GPUNeverUsed"), "NoIssuesFound");
    drop(&t);
}

static void low_use_of_a_gpu(void **state) {
    (void)state;
    table t;
    // 1100 samples, patience 1000: scans at 60, 120, ... 540 s (the 9th has 1079 samples) and the
    // end, 550 s. Only those two have more than 1000.
    fill(&t, 1100, 1, 2, fifty, fifty, fifty);
    judge(&t, 1, "");
    assert_int_equal(count_of(&t, "LowGPUUtilization", "violations"), 2);
    assert_int_equal(count_of(&t, "LowGPUUtilization", "datapoints"), 1100);
    assert_string_equal(status_of(&t, "LowGPUUtilization"), "IssuesFound");
    drop(&t);
    // 1000 samples are not more than 1000: never judged. The corrected mode judges a short run.
    fill(&t, 1000, 1, 2, fifty, fifty, fifty);
    judge(&t, 1, "");
    assert_string_equal(reason_of(&t, "LowGPUUtilization"), "too_few_points");
    drop(&t);
    fill(&t, 100, 1, 2, fifty, fifty, fifty);
    judge(&t, 0, "");
    assert_string_equal(status_of(&t, "LowGPUUtilization"), "IssuesFound");
    judge(&t, 0, "LowGPUUtilization:threshold_p95=50");
    assert_string_equal(status_of(&t, "LowGPUUtilization"), "NoIssuesFound"); // 50 is not below 50
    drop(&t);
    fill(&t, 1100, 1, 2, high, fifty, fifty);
    judge(&t, 1, "");
    assert_string_equal(status_of(&t, "LowGPUUtilization"), "NoIssuesFound");
    drop(&t);
    fill(&t, 1100, 1, 2, bursts, fifty, fifty); // p95 95, p5 0: it fluctuates
    judge(&t, 1, "");
    assert_int_equal(count_of(&t, "LowGPUUtilization", "violations"), 2);
    drop(&t);
}

// 0 .. 99 eleven times: quantiles of the whole and of the last 500.
static void box_of_a_gpu(void **state) {
    (void)state;
    table t;
    fill(&t, 1100, 1, 2, ramp, fifty, fifty);
    judge(&t, 1, "");
    const json_t *gpu = detail(&t, "LowGPUUtilization", "algo-1", "gpu0");
    assert_near(number(gpu, "gpu_max"), 99.0);
    assert_near(number(gpu, "gpu_95"), 94.05); // h = 499 * 0.95 = 474.05 of 5 each: 94 + ...
    assert_near(number(gpu, "p50"), 49.5);
    assert_near(number(gpu, "p25"), 24.75);
    assert_near(number(gpu, "p75"), 74.25);
    assert_near(number(gpu, "upper"), 99.0);
    assert_near(number(gpu, "lower"), 0.0);
    drop(&t);
}

static void small_batches(void **state) {
    (void)state;
    table t;
    fill(&t, 1100, 1, 2, fifty, fifty, fifty);
    judge(&t, 1, "");
    assert_int_equal(count_of(&t, "BatchSize", "violations"), 2);
    drop(&t);
    fill(&t, 1100, 1, 2, fifty, high, fifty); // memory is full
    judge(&t, 1, "");
    assert_string_equal(status_of(&t, "BatchSize"), "NoIssuesFound");
    drop(&t);
    fill(&t, 1100, 1, 2, fifty, fifty, high); // cores are busy
    judge(&t, 1, "");
    assert_string_equal(status_of(&t, "BatchSize"), "NoIssuesFound");
    drop(&t);
}

// One of eight cores is full: the reference product takes that for a bottleneck.
static void a_bottleneck_of_cores(void **state) {
    (void)state;
    table t;
    fill(&t, 1200, 1, 8, starved, fifty, one_core);
    judge(&t, 1, "");
    assert_int_equal(count_of(&t, "CPUBottleneck", "violations"), 800);
    assert_string_equal(status_of(&t, "CPUBottleneck"), "IssuesFound");
    assert_near(json_number_value(detail(&t, "CPUBottleneck", "low_gpu_utilization", NULL)), 800);
    judge(&t, 0, ""); // fewer than half of the cores
    assert_string_equal(status_of(&t, "CPUBottleneck"), "NoIssuesFound");
    assert_int_equal(count_of(&t, "IOBottleneck", "violations"), 0);
    drop(&t);
    fill(&t, 1200, 1, 8, starved, fifty, high); // 90 to 99, above 90 in nine of ten samples
    judge(&t, 0, "");
    assert_string_equal(status_of(&t, "CPUBottleneck"), "IssuesFound");
    drop(&t);
}

// With phases: the step has to wait for a batch while the loader works.
static void a_bottleneck_by_phases(void **state) {
    (void)state;
    for (int waits = 0; waits < 2; waits++) {
        table t = {.data = {.gpus = 1, .cores = 8, .allowed = 8}};
        for (int row = 0; row < 200; row++) {
            dogb_series_set *set = &t.data.series;
            (void)dogb_series_row(set, 0.5 * (row + 1));
            dogb_series_put(set, "gpu", "gpu0", "GPUUtilization", 2.0);
            dogb_series_put(set, "gpu", "gpu0", "GPUMemoryUtilization", 2.0);
            dogb_series_put(set, "cpu", "cpu0", "CPUUtilization", 99.0);
            dogb_series_put(set, "span", "run", "WaitPercentage", waits ? 80.0 : 20.0);
            dogb_series_put(set, "span", "loader", "BusyPercentage", 90.0);
        }
        judge(&t, 0, "");
        assert_string_equal(status_of(&t, "CPUBottleneck"),
                            waits ? "IssuesFound" : "NoIssuesFound");
        drop(&t);
    }
}

// A jump of 25 points gives 5.0, which is not more than 5; of 26 it fires at its second sample.
static void memory_that_grows(void **state) {
    (void)state;
    table t;
    fill(&t, 1200, 1, 2, fifty, jump25, fifty);
    judge(&t, 1, "");
    assert_string_equal(status_of(&t, "GPUMemoryIncrease"), "NoIssuesFound");
    assert_near(number(detail(&t, "GPUMemoryIncrease", "algo-1", "gpu0"), "increase"), 5.0);
    drop(&t);
    fill(&t, 1200, 1, 2, fifty, jump26, fifty);
    judge(&t, 1, "");
    assert_int_equal(count_of(&t, "GPUMemoryIncrease", "violations"), 1);
    assert_near(number(detail(&t, "GPUMemoryIncrease", "algo-1", "gpu0"), "increase"), 5.2);
    // The corrected windows do not overlap, but nothing is known of a whole cycle here.
    judge(&t, 0, "");
    assert_string_equal(reason_of(&t, "GPUMemoryIncrease"), "too_few_points");
    t.data.account.begin = 1;
    t.data.account.cycle = 1 + 300000000000u; // at 300 s: the jump comes later
    judge(&t, 0, "");
    assert_string_equal(status_of(&t, "GPUMemoryIncrease"), "IssuesFound");
    assert_near(number(detail(&t, "GPUMemoryIncrease", "algo-1", "gpu0"), "increase"), 26.0);
    t.data.account.cycle = 1 + 590000000000u; // behind it: it was the first validation
    judge(&t, 0, "");
    assert_string_equal(status_of(&t, "GPUMemoryIncrease"), "NoIssuesFound");
    drop(&t);
}

static void unequal_work(void **state) {
    (void)state;
    table t;
    fill(&t, 1200, 2, 2, unequal, fifty, fifty);
    judge(&t, 1, ""); // compares each GPU with itself
    assert_string_equal(status_of(&t, "LoadBalancing"), "NoIssuesFound");
    const json_t *workloads = detail(&t, "LoadBalancing", "algo-1", "workloads");
    assert_int_equal(json_array_size(json_object_get(workloads, "gpu0")), 49);
    judge(&t, 0, "");
    assert_string_equal(status_of(&t, "LoadBalancing"), "IssuesFound");
    const json_t *row = json_object_get(detail(&t, "LoadBalancing", "algo-1", "distances"), "gpu0");
    assert_true(fabs(number(row, "gpu1") - 0.361679) < 5e-7);
    drop(&t);
    fill(&t, 1200, 2, 2, alike, fifty, fifty);
    judge(&t, 0, "");
    assert_string_equal(status_of(&t, "LoadBalancing"), "NoIssuesFound");
    judge(&t, 0, "LoadBalancing:threshold=0.1");
    assert_string_equal(status_of(&t, "LoadBalancing"), "IssuesFound");
    drop(&t);
    fill(&t, 1200, 1, 2, alike, fifty, fifty);
    judge(&t, 0, "");
    assert_string_equal(reason_of(&t, "LoadBalancing"), "not_applicable");
    drop(&t);
}

// --- phases

static void feed(table *t, uint64_t time, uint64_t begin, int32_t kind, int32_t thread,
                 int64_t value) {
    dogb_span_event event = {
        .time = time, .begin = begin, .value = value, .kind = kind, .thread = thread};
    dogb_account_event(&t->data.account, &event, 0);
}

static const uint64_t MS = 1000000u;

// 200 steps: so many of 10 ms and so many of 100 ms.
static void steps_of(table *t, int slow) {
    memset(t, 0, sizeof *t);
    t->data.cores = t->data.allowed = 4;
    uint64_t now = MS;
    feed(t, now, 0, DOGB_SPAN_RUN, 0, 0);
    for (int i = 0; i < 200; i++) {
        uint64_t length = i < slow ? 100 * MS : 10 * MS;
        feed(t, now, 0, DOGB_SPAN_STEP, 0, 0);
        feed(t, now + length, now, DOGB_SPAN_STEP, 0, i);
        now += length;
    }
    feed(t, now, MS, DOGB_SPAN_RUN, 0, 0);
}

static void slow_steps(void **state) {
    (void)state;
    table t;
    // 12 of 200: mean 15.4 ms, sigma 90 sqrt(0.06 * 0.94) = 21.37 ms, limit 79.5 ms.
    steps_of(&t, 12);
    judge(&t, 0, "");
    assert_string_equal(status_of(&t, "StepOutlier"), "IssuesFound");
    assert_int_equal(count_of(&t, "StepOutlier", "violations"), 12);
    const json_t *node = detail(&t, "StepOutlier", "step_details", "algo-1");
    assert_near(number(json_object_get(node, "step_stats"), "mean"), 0.0154);
    assert_near(number(json_object_get(node, "step_stats"), "p50"), 0.01);
    assert_near(number(node, "stddev"), 0.09 * sqrt(0.06 * 0.94));
    assert_int_equal(json_array_size(json_object_get(node, "binedges")), 101);
    assert_int_equal(json_array_size(json_object_get(node, "step_numbers")), 12);
    judge(&t, 0, "StepOutlier:n_outliers=12");
    assert_string_equal(status_of(&t, "StepOutlier"), "NoIssuesFound");
    drop(&t);
    steps_of(&t, 10); // 10 are not more than 10
    judge(&t, 0, "");
    assert_string_equal(status_of(&t, "StepOutlier"), "NoIssuesFound");
    drop(&t);
}

static void a_late_first_step(void **state) {
    (void)state;
    table t;
    steps_of(&t, 0);
    judge(&t, 0, "");
    assert_string_equal(status_of(&t, "MaxInitializationTime"), "NoIssuesFound");
    drop(&t);
    memset(&t, 0, sizeof t);
    feed(&t, MS, 0, DOGB_SPAN_RUN, 0, 0);
    feed(&t, 1300000 * MS, 0, DOGB_SPAN_STEP, 0, 0); // 21.7 minutes
    feed(&t, 1300001 * MS, 1300000 * MS, DOGB_SPAN_STEP, 0, 0);
    feed(&t, 1300002 * MS, MS, DOGB_SPAN_RUN, 0, 0);
    judge(&t, 0, "");
    assert_string_equal(status_of(&t, "MaxInitializationTime"), "IssuesFound");
    judge(&t, 0, "MaxInitializationTime:threshold=22");
    assert_string_equal(status_of(&t, "MaxInitializationTime"), "NoIssuesFound");
    drop(&t);
    // No step at all, and little time: nothing can be said.
    memset(&t, 0, sizeof t);
    feed(&t, MS, 0, DOGB_SPAN_RUN, 0, 0);
    feed(&t, 2 * MS, MS, DOGB_SPAN_RUN, 0, 0);
    judge(&t, 0, "");
    assert_string_equal(reason_of(&t, "MaxInitializationTime"), "too_few_points");
    drop(&t);
}

// `threads` at work in each of so many seconds, on 4 cores.
static void loaders_of(table *t, int seconds, int threads) {
    memset(t, 0, sizeof *t);
    t->data.cores = t->data.allowed = 4;
    feed(t, MS, 0, DOGB_SPAN_RUN, 0, 0);
    for (int s = 0; s < seconds; s++) {
        for (int i = 1; i <= threads; i++) {
            uint64_t begin = MS + (uint64_t)(1000 * s + i) * MS;
            feed(t, begin, 0, DOGB_SPAN_DECODE, i, 0);
            feed(t, begin + MS / 2, begin, DOGB_SPAN_DECODE, i, 0);
        }
    }
    feed(t, MS + (uint64_t)(1000 * seconds) * MS, MS, DOGB_SPAN_RUN, 0, 0);
}

static void threads_that_load(void **state) {
    (void)state;
    static const struct {
        int seconds;
        int threads;
        const char *status;
    } cases[] = {{20, 2, "IssuesFound"}, {20, 3, "NoIssuesFound"}, {20, 8, "NoIssuesFound"},
                 {20, 9, "IssuesFound"}, {10, 2, "NotEvaluated"},  {11, 2, "IssuesFound"},
                 {20, 0, "NotEvaluated"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        table t;
        loaders_of(&t, cases[i].seconds, cases[i].threads);
        judge(&t, 0, "");
        assert_string_equal(status_of(&t, "Dataloader"), cases[i].status);
        if (cases[i].threads > 0) {
            assert_near(json_number_value(detail(&t, "Dataloader", "dataloaders", NULL)),
                        cases[i].threads);
        }
        drop(&t);
    }
}

// What the reference product calls others: 1 GPU, steps of 60 with gaps of 40. Its value after each
// event: last end - first start - modes - the value before.
static void others_of_the_reference(void **state) {
    (void)state;
    table t = {.data = {.gpus = 1}};
    double expected = 0.0;
    uint64_t now = 1000;
    feed(&t, now, 0, DOGB_SPAN_RUN, 0, 0);
    for (int i = 0; i < 5; i++) {
        feed(&t, now, 0, DOGB_SPAN_STEP, 0, 0);
        feed(&t, now + 60, now, DOGB_SPAN_STEP, 0, i);
        expected = (100.0 * i + 60.0) - (60.0 * (i + 1) + expected);
        now += 100;
    }
    feed(&t, now, 1000, DOGB_SPAN_RUN, 0, 0);
    assert_near(t.data.account.mode_others, expected); // 0, 40, 40, 80, 80
    judge(&t, 1, "");
    const json_t *phase = detail(&t, "OverallFrameworkMetrics", "phase", NULL);
    assert_near(number(phase, "others"), 100.0 * 80.0 / 380.0);
    judge(&t, 0, "");
    phase = detail(&t, "OverallFrameworkMetrics", "phase", NULL);
    assert_near(number(phase, "others"), 40.0);
    assert_near(number(phase, "TRAIN"), 60.0);
    drop(&t);
}

// No series, one sample, values that are no numbers: an answer, never an error.
static void little_to_look_at(void **state) {
    (void)state;
    table t = {.data = {.gpus = 2}};
    judge(&t, 0, "");
    judge(&t, 1, "");
    drop(&t);
    for (int rows = 1; rows < 40; rows += 13) {
        memset(&t, 0, sizeof t);
        t.data.gpus = 2;
        for (int row = 0; row < rows; row++) {
            (void)dogb_series_row(&t.data.series, row);
            dogb_series_put(&t.data.series, "gpu", "gpu0", "GPUUtilization", (double)NAN);
            dogb_series_put(&t.data.series, "gpu", "gpu1", "GPUUtilization", 5.0);
            dogb_series_put(&t.data.series, "gpu", "gpu1", "GPUMemoryUtilization", 5.0);
        }
        judge(&t, 0, "");
        judge(&t, 1, "LowGPUUtilization:patience=1;GPUMemoryIncrease:patience=1,window=1");
        drop(&t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_by_numpy),
        cmocka_unit_test(distances_of_histograms),
        cmocka_unit_test(a_machine_without_gpu),
        cmocka_unit_test(a_gpu_that_is_never_used),
        cmocka_unit_test(low_use_of_a_gpu),
        cmocka_unit_test(box_of_a_gpu),
        cmocka_unit_test(small_batches),
        cmocka_unit_test(a_bottleneck_of_cores),
        cmocka_unit_test(a_bottleneck_by_phases),
        cmocka_unit_test(memory_that_grows),
        cmocka_unit_test(unequal_work),
        cmocka_unit_test(slow_steps),
        cmocka_unit_test(a_late_first_step),
        cmocka_unit_test(threads_that_load),
        cmocka_unit_test(others_of_the_reference),
        cmocka_unit_test(little_to_look_at),
    };
    return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
