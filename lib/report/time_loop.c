// time_loop.c - the training loop, part by part as in SageMaker's profiler report: step duration,
// GPU, data loading, batch size, bottlenecks, GPU memory. The texts come from the rules' results.
#include "report/time_parts.h"

#include "core/error.h"

#include <math.h>
#include <string.h>

enum { HEIGHT = 300, BINS_MAX = 400 };

static const json_t *rule_of(const json_t *profile, const char *name) {
    size_t i = 0;
    const json_t *rule = NULL;
    json_array_foreach(dogb_get_array(profile, "rules"), i, rule) {
        if (strcmp(dogb_get_text(rule, "rule"), name) == 0) {
            return rule;
        }
    }
    return NULL;
}

// What a rule says, in one or two sentences.
static void add_rule(dogb_report *r, const json_t *profile, const char *name) {
    const json_t *rule = rule_of(profile, name);
    const char *status = dogb_get_text(rule, "status");
    const char *reason = dogb_get_text(rule, "reason");
    const char *details = dogb_report_members(r, dogb_get(rule, "details"));
    if (rule == NULL) {
        dogb_page_text(r->page, DOGB_TONE_FAINT, "Rule %s was not chosen.", name);
    } else if (strcmp(status, "NotEvaluated") == 0) {
        dogb_page_text(r->page, DOGB_TONE_FAINT, "Rule %s could not be judged%s%s.", name,
                       *reason == '\0' ? "" : ": ", reason);
    } else {
        int issue = strcmp(status, "IssuesFound") == 0;
        dogb_page_text(
            r->page, issue ? DOGB_TONE_WARN : DOGB_TONE_PLAIN,
            "Rule %s (%s): triggered %s times in %s points.%s%s%s%s", name,
            dogb_report_members(r, dogb_get(rule, "parameters")),
            dogb_page_count(r->page, dogb_get_number(rule, "triggered")),
            dogb_page_count(r->page, dogb_get_number(rule, "datapoints")),
            *details == '\0' ? "" : " Seen: ", details, *details == '\0' ? "" : ".",
            issue ? dogb_page_format(r->page, " %s", dogb_get_text(rule, "recommendation")) : "");
    }
}

// --- steps

static void add_histogram(dogb_report *r, const json_t *steps) {
    const json_t *histogram = dogb_get(steps, "histogram");
    const json_t *edges = dogb_get_array(histogram, "edges");
    const json_t *counts = dogb_get_array(histogram, "counts");
    size_t count = json_array_size(counts);
    double *edge = dogb_alloc(r->arena, count + 1, sizeof *edge);
    double *value = dogb_alloc(r->arena, count + 1, sizeof *value);
    if (edge == NULL || value == NULL) {
        r->page->rc = DOGBREED_ERROR_NO_MEMORY;
        return;
    }
    if (count == 0 || count > BINS_MAX || json_array_size(edges) != count + 1) {
        return;
    }
    double largest = dogb_number_of(json_array_get(edges, count));
    double unit = largest < 1 ? 1e3 : 1;
    for (size_t i = 0; i <= count; i++) {
        edge[i] = unit * dogb_number_of(json_array_get(edges, i));
        if (!isfinite(edge[i]) || (i > 0 && edge[i] < edge[i - 1])) {
            return;
        }
        value[i] = i < count ? dogb_number_of(json_array_get(counts, i)) : 0;
    }
    dogb_histogram_chart h = {
        .title = "Duration of steps",
        .empty = "no step",
        .x = {.label = unit > 1 ? "milliseconds" : "seconds", .low = edge[0], .high = edge[count]},
        .label = "steps",
        .edges = edge,
        .values = value,
        .count = count,
        .color = DOGB_COLOR_BLUE,
        .integers = 1};
    if (edge[count] > edge[0]) {
        dogb_page_figure(r->page, "", DOGB_FIGURE_HALF, HEIGHT, dogb_page_draw_histogram, &h);
    }
}

static void add_slowest(dogb_report *r, const json_t *slowest) {
    static const dogb_column columns[] = {{.title = "Slow step", .kind = DOGB_COLUMN_NUMBER},
                                          {.title = "Took", .kind = DOGB_COLUMN_NUMBER},
                                          {.title = "Phases", .kind = DOGB_COLUMN_WIDE}};
    size_t i = 0;
    const json_t *row = NULL;
    if (json_array_size(slowest) == 0) {
        return;
    }
    dogb_grid *grid = dogb_page_grid(r->page, columns, sizeof columns / sizeof columns[0]);
    json_array_foreach(slowest, i, row) {
        double seconds = dogb_get_number(row, "seconds");
        dogb_grid_fixed(grid, dogb_get_number(row, "step"), 1, 0);
        dogb_grid_number(grid, seconds, dogb_page_seconds(r->page, seconds));
        dogb_grid_text(grid, dogb_report_members(r, dogb_get(row, "phases")));
    }
}

static void add_steps(dogb_report *r, const json_t *profile) {
    static const char *const keys[][2] = {
        {"mean", "Mean"}, {"p50", "Median"}, {"p95", "95 %"}, {"p99", "99 %"}, {"max", "Slowest"}};
    enum { KEYS = sizeof keys / sizeof keys[0] };
    const json_t *steps = dogb_get(profile, "steps");
    dogb_fact facts[KEYS + 1];
    double count = dogb_get_number(steps, "count");
    dogb_page_heading(r->page, "Training loop: step duration");
    if (!(count > 0)) {
        dogb_page_text(r->page, DOGB_TONE_FAINT, "No step was recorded.");
        return;
    }
    facts[0] = (dogb_fact){.label = "Steps", .value = dogb_page_count(r->page, count)};
    for (size_t i = 0; i < KEYS; i++) {
        double seconds = dogb_get_number(steps, keys[i][0]);
        facts[i + 1] =
            (dogb_fact){.label = keys[i][1], .value = dogb_page_seconds(r->page, seconds)};
    }
    dogb_page_facts(r->page, facts, KEYS + 1);
    add_rule(r, profile, "StepOutlier");
    add_histogram(r, steps);
    add_slowest(r, dogb_get_array(steps, "slowest"));
}

// --- the other parts

// Maximum, 95 % and 5 % or the lowest that is known.
static void add_spread(dogb_report *r, const json_t *profile, const char *metric,
                       const char *name) {
    double high = dogb_time_metric(profile, metric, "p95");
    double low = dogb_time_metric(profile, metric, "p5");
    low = isfinite(low) ? low : dogb_time_metric(profile, metric, "min");
    if (isfinite(high)) {
        dogb_page_text(r->page, DOGB_TONE_PLAIN,
                       "%s: at most %s %%, 95 %% of the samples below %s %%, lowest %s %%%s.", name,
                       dogb_page_fixed(r->page, dogb_time_metric(profile, metric, "max"), 0),
                       dogb_page_fixed(r->page, high, 0), dogb_page_fixed(r->page, low, 0),
                       high - low > 50 ? "; it fluctuates" : "");
    }
}

static const struct {
    const char *title;
    const char *rules[2];
    const char *metric; // whose spread is told; NULL: none
    const char *name;
} parts[] = {
    {"Training loop: GPU", {"LowGPUUtilization", "LoadBalancing"}, "gpu", "GPU"},
    {"Training loop: data loading", {"Dataloader", NULL}, NULL, NULL},
    {"Training loop: batch size", {"BatchSize", NULL}, "cpu", "Processor"},
    {"Training loop: processor and disks",
     {"CPUBottleneck", "IOBottleneck"},
     "iowait",
     "Waiting for disks"},
    {"Training loop: GPU memory", {"GPUMemoryIncrease", NULL}, "gpu_memory", "GPU memory"},
};

void dogb_time_loop(dogb_report *r, const json_t *profile) {
    add_steps(r, profile);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        dogb_page_heading(r->page, parts[i].title);
        if (parts[i].metric != NULL) {
            add_spread(r, profile, parts[i].metric, parts[i].name);
        }
        for (size_t k = 0; k < 2 && parts[i].rules[k] != NULL; k++) {
            add_rule(r, profile, parts[i].rules[k]);
        }
        if (strcmp(parts[i].rules[0], "Dataloader") == 0) {
            const char *loader = dogb_report_members(r, dogb_get(profile, "loader"));
            if (*loader != '\0') {
                dogb_page_text(r->page, DOGB_TONE_PLAIN, "The loader: %s.", loader);
            }
        }
    }
}
