// time.c - where the time went, in the order of SageMaker's profiler report: job, system,
// framework, rules; then the layers and what is to be changed. time_loop.c looks at the training
// loop.
#include "report/time_parts.h"

#include "core/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const json_t *metric_row(const json_t *profile, const char *metric) {
    size_t i = 0;
    const json_t *row = NULL;
    json_array_foreach(dogb_get_array(profile, "system"), i, row) {
        if (strcmp(dogb_get_text(row, "metric"), metric) == 0) {
            return row;
        }
    }
    return NULL;
}

double dogb_time_metric(const json_t *profile, const char *metric, const char *column) {
    return dogb_get_number(metric_row(profile, metric), column);
}

static void draw(dogb_drawing *drawing, dogb_box box, const void *data) {
    dogb_shares_draw(drawing, data, box);
}

void dogb_time_shares(dogb_report *r, const char *title, const dogb_time_part *parts,
                      size_t count) {
    const char *names[DOGB_TIME_PARTS_MAX];
    const char *texts[DOGB_TIME_PARTS_MAX];
    double values[DOGB_TIME_PARTS_MAX];
    double sum = 0;
    size_t shown = 0;
    for (size_t i = 0; i < count; i++) {
        sum += parts[i].value > 0 ? parts[i].value : 0;
    }
    for (size_t i = 0; i < count && shown < DOGB_TIME_PARTS_MAX; i++) {
        if (parts[i].value > 0) {
            names[shown] = parts[i].name;
            values[shown] = parts[i].value;
            texts[shown++] = dogb_page_format(r->page, "%s, %s",
                                              dogb_page_percent(r->page, parts[i].value / sum, 1),
                                              dogb_page_seconds(r->page, parts[i].value));
        }
    }
    dogb_shares shares = {title, "nothing was measured", names, texts, values, shown};
    if (shown > 0) {
        dogb_page_figure(r->page, "", DOGB_FIGURE_HALF, dogb_shares_height(shown), draw, &shares);
    }
}

// --- 1: the job

static void add_job(dogb_report *r, const json_t *profile) {
    const json_t *job = dogb_get(profile, "job");
    const dogb_time_part parts[] = {{"initialisation", dogb_get_number(job, "initialisation_s")},
                                    {"training loop", dogb_get_number(job, "loop_s")},
                                    {"finalisation", dogb_get_number(job, "finalisation_s")}};
    dogb_page_heading(r->page, "Training job");
    dogb_fact facts[] = {
        {.label = "Whole job",
         .value = dogb_page_seconds(r->page, dogb_get_number(job, "seconds"))},
        {.label = "Before the first step", .value = dogb_page_seconds(r->page, parts[0].value)},
        {.label = "Training loop", .value = dogb_page_seconds(r->page, parts[1].value)},
        {.label = "After the last step", .value = dogb_page_seconds(r->page, parts[2].value)}};
    dogb_page_facts(r->page, facts, sizeof facts / sizeof facts[0]);
    if (!isfinite(parts[1].value)) {
        dogb_page_text(r->page, DOGB_TONE_FAINT,
                       "No step was recorded: the times of the loop cannot be computed.");
    }
    dogb_time_shares(r, "The job's time", parts, sizeof parts / sizeof parts[0]);
}

// --- 2: the system

static void add_verdict(dogb_report *r, const json_t *profile) {
    double cpu = dogb_time_metric(profile, "cpu", "p95");
    double gpu = dogb_time_metric(profile, "gpu", "p95");
    double gpu_middle = dogb_time_metric(profile, "gpu", "p50");
    const char *text = "";
    if (isfinite(gpu)) {
        text = gpu_middle > 70         ? "The GPU is well used."
               : gpu < 70 && cpu < 70  ? "GPU and processor are under-used: a smaller machine "
                                         "would do, or larger batches."
               : gpu < 70 && cpu >= 70 ? "The GPU waits for the processor."
                                       : "";
    } else if (isfinite(cpu)) {
        text = cpu > 70 ? "The processor is well used." : "The processor is under-used.";
    }
    dogb_page_text(r->page, DOGB_TONE_PLAIN,
                   "%s%s95 %% of the samples lie below %s %% of the processor%s.", text,
                   *text == '\0' ? "" : " ", dogb_page_fixed(r->page, cpu, 0),
                   isfinite(gpu) ? dogb_page_format(r->page, " and %s %% of the GPU",
                                                    dogb_page_fixed(r->page, gpu, 0))
                                 : "");
}

static void add_system_table(dogb_report *r, const json_t *rows) {
    static const char *const columns_of[] = {"max", "p99", "p95", "p50", "min"};
    static const dogb_column columns[] = {{.title = "Metric"},
                                          {.title = "Unit"},
                                          {.title = "Maximum", .kind = DOGB_COLUMN_NUMBER},
                                          {.title = "99 %", .kind = DOGB_COLUMN_NUMBER},
                                          {.title = "95 %", .kind = DOGB_COLUMN_NUMBER},
                                          {.title = "Median", .kind = DOGB_COLUMN_NUMBER},
                                          {.title = "Minimum", .kind = DOGB_COLUMN_NUMBER}};
    size_t i = 0;
    const json_t *row = NULL;
    dogb_grid *grid = dogb_page_grid(r->page, columns, sizeof columns / sizeof columns[0]);
    json_array_foreach(rows, i, row) {
        const char *unit = dogb_get_text(row, "unit");
        dogb_grid_text(grid, dogb_get_text(row, "metric"));
        dogb_grid_text(grid, unit);
        for (size_t k = 0; k < sizeof columns_of / sizeof columns_of[0]; k++) {
            double value = dogb_get_number(row, columns_of[k]);
            dogb_grid_number(grid, value,
                             strncmp(unit, "bytes", 5) == 0
                                 ? dogb_page_bytes(r->page, value)
                                 : dogb_page_fixed(r->page, value, fabs(value) < 100 ? 2 : 0));
        }
    }
}

static void add_system(dogb_report *r, const json_t *profile) {
    const json_t *rows = dogb_get_array(profile, "system");
    dogb_page_heading(r->page, "System usage");
    if (json_array_size(rows) == 0) {
        dogb_page_text(r->page, DOGB_TONE_FAINT, "No sample was taken.");
        return;
    }
    add_verdict(r, profile);
    dogb_time_series(r, dogb_get(profile, "series"));
    add_system_table(r, rows);
}

// --- 3: the framework

static size_t collect_modes(dogb_time_part *parts, const json_t *modes) {
    size_t count = 0;
    const char *key = NULL;
    const json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)modes, key, value) {
        if (count < DOGB_TIME_PARTS_MAX) {
            parts[count++] = (dogb_time_part){key, dogb_get_number(value, "ns") * 1e-9};
        }
    }
    return count;
}

static int compare_parts(const void *a, const void *b) {
    const dogb_time_part *x = a;
    const dogb_time_part *y = b;
    return x->value < y->value ? 1 : x->value > y->value ? -1 : strcmp(x->name, y->name);
}

// The longest ones, and the rest together.
static size_t collect_rows(dogb_time_part parts[DOGB_TIME_PARTS_MAX], dogb_report *r,
                           const json_t *rows) {
    size_t count = 0, i = 0;
    const json_t *row = NULL;
    dogb_time_part *all = dogb_alloc(r->arena, json_array_size(rows) + 1, sizeof *all);
    if (all == NULL) {
        r->page->rc = DOGBREED_ERROR_NO_MEMORY;
        return 0;
    }
    json_array_foreach(rows, i, row) {
        double seconds = dogb_get_number(row, "ns") * 1e-9;
        if (seconds > 0) {
            all[count++] = (dogb_time_part){dogb_get_text(row, "name"), seconds};
        }
    }
    qsort(all, count, sizeof *all, compare_parts);
    for (i = DOGB_TIME_PARTS_MAX; i < count; i++) {
        all[DOGB_TIME_PARTS_MAX - 1].name = "others";
        all[DOGB_TIME_PARTS_MAX - 1].value += all[i].value;
    }
    count = count < DOGB_TIME_PARTS_MAX ? count : DOGB_TIME_PARTS_MAX;
    memcpy(parts, all, count * sizeof *parts);
    return count;
}

static void add_phase_table(dogb_report *r, const json_t *phases) {
    static const dogb_column columns[] = {{.title = "Phase"},
                                          {.title = "Time", .kind = DOGB_COLUMN_NUMBER},
                                          {.title = "Share", .kind = DOGB_COLUMN_SHARE},
                                          {.title = "Times", .kind = DOGB_COLUMN_NUMBER}};
    size_t i = 0;
    const json_t *row = NULL;
    dogb_grid *grid = dogb_page_grid(r->page, columns, sizeof columns / sizeof columns[0]);
    grid->sortable = 1;
    json_array_foreach(phases, i, row) {
        double seconds = dogb_get_number(row, "ns") * 1e-9;
        double share = dogb_get_number(row, "share");
        double count = dogb_get_number(row, "count");
        dogb_grid_text(grid, dogb_get_text(row, "name"));
        dogb_grid_number(grid, seconds, dogb_page_seconds(r->page, seconds));
        dogb_grid_number(grid, share, dogb_page_percent(r->page, share, 1));
        dogb_grid_number(grid, count, dogb_page_count(r->page, count));
    }
}

static void add_framework(dogb_report *r, const json_t *profile) {
    dogb_time_part parts[DOGB_TIME_PARTS_MAX];
    const json_t *modes = dogb_get(profile, "modes");
    const json_t *phases = dogb_get_array(profile, "phases");
    size_t count = collect_modes(parts, modes);
    dogb_page_heading(r->page, "Framework");
    if (count == 0 && json_array_size(phases) == 0) {
        dogb_page_text(r->page, DOGB_TONE_FAINT, "No span was recorded.");
        return;
    }
    dogb_time_shares(r, "By mode", parts, count);
    count = collect_rows(parts, r, phases);
    dogb_time_shares(r, "By phase", parts, count);
    if (dogb_get_number(dogb_get(modes, "others"), "share") > 0.25) {
        dogb_page_text(r->page, DOGB_TONE_WARN,
                       "More than a quarter of the time is neither training nor evaluation.");
    }
    if (json_array_size(phases) > 0) {
        add_phase_table(r, phases);
    }
}

// --- 4: rules

static void add_rules(dogb_report *r, const json_t *rules) {
    static const dogb_column columns[] = {{.title = "Rule"},
                                          {.title = "Status", .kind = DOGB_COLUMN_STATUS},
                                          {.title = "Triggered", .kind = DOGB_COLUMN_NUMBER},
                                          {.title = "Points", .kind = DOGB_COLUMN_NUMBER},
                                          {.title = "Recommendation", .kind = DOGB_COLUMN_WIDE},
                                          {.title = "Parameters", .kind = DOGB_COLUMN_WIDE}};
    size_t i = 0;
    const json_t *rule = NULL;
    if (json_array_size(rules) == 0) {
        return;
    }
    dogb_page_heading(r->page, "Rules");
    dogb_grid *grid = dogb_page_grid(r->page, columns, sizeof columns / sizeof columns[0]);
    grid->sortable = 1;
    json_array_foreach(rules, i, rule) {
        const char *status = dogb_get_text(rule, "status");
        const char *reason = dogb_get_text(rule, "reason");
        double triggered = dogb_get_number(rule, "triggered");
        double points = dogb_get_number(rule, "datapoints");
        dogb_grid_text(grid, dogb_get_text(rule, "rule"));
        dogb_grid_tone(grid, dogb_report_tone(status), status);
        dogb_grid_number(grid, triggered, dogb_page_count(r->page, triggered));
        dogb_grid_number(grid, points, dogb_page_count(r->page, points));
        dogb_grid_text(grid, *reason != '\0' ? dogb_page_format(r->page, "reason: %s", reason)
                                             : dogb_get_text(rule, "recommendation"));
        dogb_grid_tone(grid, DOGB_TONE_FAINT, dogb_report_members(r, dogb_get(rule, "parameters")));
    }
}

// --- ours: layers, advice, what measuring cost

static void add_layers(dogb_report *r, const json_t *layers) {
    static const dogb_column columns[] = {{.title = "Layer"},
                                          {.title = "Kind"},
                                          {.title = "Forward", .kind = DOGB_COLUMN_NUMBER},
                                          {.title = "Backward", .kind = DOGB_COLUMN_NUMBER},
                                          {.title = "Share", .kind = DOGB_COLUMN_SHARE},
                                          {.title = "Times", .kind = DOGB_COLUMN_NUMBER}};
    size_t i = 0;
    const json_t *row = NULL;
    double sum = 0;
    if (json_array_size(layers) == 0) {
        return;
    }
    json_array_foreach(layers, i, row) {
        sum += dogb_time_layer(row);
    }
    dogb_page_heading(r->page, "Layers");
    dogb_grid *grid = dogb_page_grid(r->page, columns, sizeof columns / sizeof columns[0]);
    grid->sortable = 1;
    json_array_foreach(layers, i, row) {
        double forward = dogb_get_number(row, "forward_ns") * 1e-9;
        double backward = dogb_get_number(row, "backward_ns") * 1e-9;
        double share = sum > 0 ? dogb_time_layer(row) / sum : (double)NAN;
        dogb_grid_text(grid, dogb_get_text(row, "name"));
        dogb_grid_text(grid, dogb_get_text(row, "op"));
        dogb_grid_number(grid, forward, dogb_page_seconds(r->page, forward));
        dogb_grid_number(grid, backward, dogb_page_seconds(r->page, backward));
        dogb_grid_number(grid, share, dogb_page_percent(r->page, share, 1));
        dogb_grid_fixed(grid, dogb_get_number(row, "count"), 1, 0);
    }
}

static void add_activities(dogb_report *r, const json_t *activities) {
    static const dogb_column columns[] = {
        {.title = "Operator or kernel"},
        {.title = "Kind"},
        {.title = "Own time", .kind = DOGB_COLUMN_NUMBER},
        {.title = "With what it calls", .kind = DOGB_COLUMN_NUMBER},
        {.title = "Times", .kind = DOGB_COLUMN_NUMBER}};
    const json_t *rows = dogb_get_array(activities, "rows");
    size_t i = 0;
    const json_t *row = NULL;
    if (json_array_size(rows) == 0) {
        return;
    }
    dogb_page_heading(r->page, "Operators and kernels");
    dogb_page_text(r->page, DOGB_TONE_FAINT, "Of %d steps, as the engine recorded them.",
                   (int)dogb_get_number(activities, "steps"));
    dogb_grid *grid = dogb_page_grid(r->page, columns, sizeof columns / sizeof columns[0]);
    grid->sortable = 1;
    json_array_foreach(rows, i, row) {
        double own = dogb_get_number(row, "own_ns") * 1e-9;
        double whole = dogb_get_number(row, "ns") * 1e-9;
        dogb_grid_text(grid, dogb_get_text(row, "name"));
        dogb_grid_text(grid, dogb_get_text(row, "kind"));
        dogb_grid_number(grid, own, dogb_page_seconds(r->page, own));
        dogb_grid_number(grid, whole, dogb_page_seconds(r->page, whole));
        dogb_grid_fixed(grid, dogb_get_number(row, "count"), 1, 0);
    }
}

double dogb_time_layer(const json_t *row) {
    double forward = dogb_get_number(row, "forward_ns");
    double backward = dogb_get_number(row, "backward_ns");
    return (forward > 0 ? forward : 0) + (backward > 0 ? backward : 0);
}

static void add_advice(dogb_report *r, const json_t *advice) {
    static const dogb_column columns[] = {{.title = "Option"},
                                          {.title = "Value"},
                                          {.title = "Why", .kind = DOGB_COLUMN_WIDE},
                                          {.title = "Result"}};
    size_t i = 0;
    const json_t *row = NULL;
    if (json_array_size(advice) == 0) {
        return;
    }
    dogb_page_heading(r->page, "Advice");
    dogb_grid *grid = dogb_page_grid(r->page, columns, sizeof columns / sizeof columns[0]);
    json_array_foreach(advice, i, row) {
        dogb_grid_text(grid, dogb_get_text(row, "option"));
        dogb_grid_text(grid, dogb_report_value(r, dogb_get(row, "value")));
        dogb_grid_text(grid, dogb_get_text(row, "reason"));
        dogb_grid_text(grid, json_is_true(dogb_get(row, "safe")) ? "stays the same" : "changes");
    }
}

void dogb_section_time(dogb_report *r) {
    dogb_page_section(r->page, "time", "Time");
    const json_t *profile = dogb_report_document(
        r, DOGB_FILE_PROFILE, "dogbreed train --profile measures where the time goes");
    if (profile == NULL) {
        return;
    }
    dogb_page_text(r->page, DOGB_TONE_FAINT,
                   "The order is that of SageMaker's profiler report. All of it is information; "
                   "nothing here changes a run by itself.");
    add_advice(r, dogb_get_array(profile, "advice"));
    add_job(r, profile);
    add_system(r, profile);
    add_framework(r, profile);
    add_rules(r, dogb_get_array(profile, "rules"));
    dogb_time_loop(r, profile);
    add_layers(r, dogb_get_array(profile, "layers"));
    add_activities(r, json_object_get(profile, "activities"));
    const char *overhead = dogb_report_members(r, dogb_get(profile, "overhead"));
    if (*overhead != '\0') {
        dogb_page_text(r->page, DOGB_TONE_FAINT, "What measuring cost: %s.", overhead);
    }
    dogb_report_keep(r, "profile", profile);
}
