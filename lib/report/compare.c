// compare.c - runs side by side: results, the options that differ, curves in one chart.
#include "report/compare.h"
#include "report/section.h"

#include "core/error.h"
#include "core/file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS_MAX = 100, SERIES_MAX = 10 };

typedef struct comparison {
    dogb_arena *arena;
    dogb_page *page;
    dogb_source *runs;
    const char **names;
    size_t count;
    json_t *json;
    json_t *options; // name: [value of each run], those that differ
} comparison;

// --- results

typedef enum how { SHARE, NUMBER, SECONDS, BYTES, COUNT, WORD } how;
static const struct {
    const char *key; // in the document
    const char *title;
    int file;
    const char *path[2];
    how shown;
    int better; // 1: more is better, -1: less; 0: neither
} results[] = {
    {"state", "State", DOGB_FILE_STATUS, {"state", NULL}, WORD, 0},
    {"accuracy", "Test accuracy", DOGB_FILE_EVALUATION, {"top1", NULL}, SHARE, 1},
    {"accuracy_low", "95 % interval from", DOGB_FILE_EVALUATION, {"top1_low", NULL}, SHARE, 0},
    {"accuracy_high", "to", DOGB_FILE_EVALUATION, {"top1_high", NULL}, SHARE, 0},
    {"top5", "Top-5 accuracy", DOGB_FILE_EVALUATION, {"top5", NULL}, SHARE, 1},
    {"loss", "Test loss", DOGB_FILE_EVALUATION, {"loss", NULL}, NUMBER, -1},
    {"ece", "Calibration error", DOGB_FILE_EVALUATION, {"calibration", "ece"}, SHARE, -1},
    {"temperature",
     "Best temperature",
     DOGB_FILE_EVALUATION,
     {"calibration", "temperature"},
     NUMBER,
     0},
    {"auc", "Area under ROC", DOGB_FILE_EVALUATION, {"roc", "auc"}, SHARE, 1},
    {"average_precision",
     "Average precision",
     DOGB_FILE_EVALUATION,
     {"roc", "average_precision"},
     SHARE,
     1},
    {"images", "Test pictures", DOGB_FILE_EVALUATION, {"count", NULL}, COUNT, 0},
    {"best_value", "Best validation value", DOGB_FILE_STATUS, {"best", "value"}, NUMBER, 0},
    {"best_epoch", "at epoch", DOGB_FILE_STATUS, {"best", "epoch"}, COUNT, 0},
    {"epochs", "Epochs", DOGB_FILE_STATUS, {"epoch", NULL}, COUNT, 0},
    {"seconds", "Training took", DOGB_FILE_MANIFEST, {"run", "wall_s"}, SECONDS, -1},
    {"memory", "Memory at most", DOGB_FILE_MANIFEST, {"run", "peak_rss_bytes"}, BYTES, -1},
    {"parameters", "Parameters", DOGB_FILE_MANIFEST, {"model", "parameters"}, COUNT, 0},
    {"trained", "of them trained", DOGB_FILE_MANIFEST, {"model", "trainable_parameters"}, COUNT, 0},
};
enum { RESULTS = sizeof results / sizeof results[0] };

static const json_t *value_of(const comparison *c, size_t run, size_t row) {
    const json_t *value = dogb_get(c->runs[run].documents[results[row].file], results[row].path[0]);
    return results[row].path[1] == NULL ? value : dogb_get(value, results[row].path[1]);
}

static const char *text_of(const comparison *c, const json_t *value, how shown) {
    double number = dogb_number_of(value);
    switch (shown) {
    case SHARE:
        return dogb_page_percent(c->page, number, 2);
    case SECONDS:
        return dogb_page_seconds(c->page, number);
    case BYTES:
        return dogb_page_bytes(c->page, number);
    case COUNT:
        return dogb_page_count(c->page, number);
    case NUMBER:
        return dogb_page_fixed(c->page, number, 4);
    default:
        return json_is_string(value) ? json_string_value(value) : "\xe2\x80\x93";
    }
}

// The best of a row; NaN: there is nothing to choose from.
static double best_of(const comparison *c, size_t row) {
    double best = (double)NAN;
    int differ = 0;
    for (size_t i = 0; i < c->count; i++) {
        double value = dogb_number_of(value_of(c, i, row));
        differ |= isfinite(best) && isfinite(value) && value != best;
        if (isfinite(value) && (!isfinite(best) || results[row].better * (value - best) > 0)) {
            best = value;
        }
    }
    return results[row].better != 0 && differ ? best : (double)NAN;
}

static void add_results(const comparison *c, dogb_grid *grid) {
    for (size_t row = 0; row < RESULTS; row++) {
        double best = best_of(c, row);
        dogb_grid_text(grid, results[row].title);
        for (size_t i = 0; i < c->count; i++) {
            const json_t *value = value_of(c, i, row);
            int is_best = isfinite(best) && dogb_number_of(value) == best;
            dogb_grid_tone(grid, is_best ? DOGB_TONE_GOOD : DOGB_TONE_PLAIN,
                           text_of(c, value, results[row].shown));
        }
    }
}

static int results_json(const comparison *c) {
    json_t *runs = json_array();
    int rc = dogb_json_set(c->json, "runs", runs);
    for (size_t i = 0; rc == DOGBREED_OK && i < c->count; i++) {
        json_t *run = json_object();
        rc = dogb_json_add(runs, run);
        rc = rc < 0 ? rc : dogb_json_set_text(run, "run", c->runs[i].run);
        for (size_t row = 0; rc == DOGBREED_OK && row < RESULTS; row++) {
            const json_t *value = value_of(c, i, row);
            rc = dogb_json_set(run, results[row].key,
                               value == NULL ? json_null()
                                             : json_incref((json_t *)(uintptr_t)value));
        }
    }
    return rc;
}

// --- options

static int differs(const comparison *c, const char *key) {
    const json_t *first = dogb_get(c->runs[0].documents[DOGB_FILE_CONFIG], key);
    for (size_t i = 1; i < c->count; i++) {
        const json_t *other = dogb_get(c->runs[i].documents[DOGB_FILE_CONFIG], key);
        if ((first == NULL) != (other == NULL) || (first != NULL && !json_equal(first, other))) {
            return 1;
        }
    }
    return 0;
}

static int add_option(const comparison *c, const char *key) {
    json_t *values = json_array();
    int rc = dogb_json_set(c->options, key, values);
    for (size_t i = 0; rc == DOGBREED_OK && i < c->count; i++) {
        const json_t *value = dogb_get(c->runs[i].documents[DOGB_FILE_CONFIG], key);
        rc = dogb_json_add(values,
                           value == NULL ? json_null() : json_incref((json_t *)(uintptr_t)value));
    }
    return rc;
}

static int options_json(comparison *c) {
    int rc = DOGBREED_OK;
    c->options = json_object();
    rc = dogb_json_set(c->json, "options", c->options);
    for (size_t i = 0; rc == DOGBREED_OK && i < c->count; i++) {
        const char *key = NULL;
        const json_t *value = NULL;
        json_object_foreach(c->runs[i].documents[DOGB_FILE_CONFIG], key, value) {
            if (rc == DOGBREED_OK && dogb_get(c->options, key) == NULL && differs(c, key)) {
                rc = add_option(c, key);
            }
        }
    }
    return rc;
}

// --- the page

static dogb_grid *open_grid(const comparison *c, const char *first) {
    dogb_column *columns = dogb_alloc(c->arena, c->count + 1, sizeof *columns);
    if (columns == NULL) {
        c->page->rc = DOGBREED_ERROR_NO_MEMORY;
        return dogb_page_grid(c->page, NULL, 0);
    }
    columns[0].title = first;
    for (size_t i = 0; i < c->count; i++) {
        columns[i + 1].title = c->names[i];
    }
    return dogb_page_grid(c->page, columns, c->count + 1);
}

static void add_options(const comparison *c) {
    dogb_report r = {.arena = c->arena, .page = c->page};
    const char *key = NULL;
    const json_t *values = NULL;
    dogb_page_section(c->page, "options", "Options that differ");
    if (json_object_size(c->options) == 0) {
        dogb_page_text(c->page, DOGB_TONE_FAINT, "None.");
        return;
    }
    dogb_grid *grid = open_grid(c, "Option");
    json_object_foreach(c->options, key, values) {
        dogb_grid_text(grid, key);
        for (size_t i = 0; i < c->count; i++) {
            dogb_grid_text(grid, dogb_report_value(&r, json_array_get(values, i)));
        }
    }
}

static const struct {
    const char *column;
    const char *title;
    const char *label;
    double factor;
} charts[] = {{"val_accuracy", "Validation accuracy by epoch", "accuracy (%)", 100},
              {"val_loss", "Validation loss by epoch", "loss", 1},
              {"train_loss", "Training loss by epoch", "loss", 1}};

static void add_chart(const comparison *c, size_t which) {
    static const uint32_t colors[SERIES_MAX] = {
        DOGB_COLOR_BLUE, DOGB_COLOR_RED, DOGB_COLOR_GREEN, DOGB_COLOR_ORANGE, 0xffcc79a7,
        0xff56b4e9,      0xff004c77,     0xff8c8c8c,       0xff3f3f3f,        0xffb37b00};
    dogb_series series[SERIES_MAX];
    size_t count = 0;
    dogb_curve_range range = {
        .factor = charts[which].factor, .low = INFINITY, .high = -INFINITY, .last = 2};
    for (size_t i = 0; i < c->count && count < SERIES_MAX; i++) {
        if (dogb_curve_fill(&series[count], c->page, &c->runs[i].metrics, charts[which].column,
                            &range)) {
            series[count].name = c->names[i];
            series[count].color = colors[i % SERIES_MAX];
            count++;
        }
    }
    if (count > 0 && c->page->rc == DOGBREED_OK) {
        dogb_chart chart = {
            .title = charts[which].title,
            .empty = "nothing yet",
            .x = dogb_scale_numbers("epoch", 1, range.last, 0, 1),
            .y = dogb_scale_numbers(charts[which].label, range.low, range.high, 0, 0),
            .series = series,
            .series_count = count};
        dogb_page_figure(c->page, "", DOGB_FIGURE_HALF, 330, dogb_page_draw_chart, &chart);
    }
}

static void fill_page(comparison *c) {
    c->page->title = dogb_page_format(c->page, "%zu runs side by side", c->count);
    c->page->date = dogb_report_date(c->page);
    dogb_page_section(c->page, "results", "Results");
    if (dogb_get(c->options, "data") != NULL) {
        dogb_page_text(c->page, DOGB_TONE_WARN,
                       "The runs have different data: their results do not compare.");
    }
    add_results(c, open_grid(c, "Number"));
    add_options(c);
    dogb_page_section(c->page, "curves", "Learning curves");
    for (size_t i = 0; i < sizeof charts / sizeof charts[0]; i++) {
        add_chart(c, i);
    }
}

static int open_runs(comparison *c, const char *const *runs) {
    for (size_t i = 0; i < c->count; i++) {
        char *place = dogb_source_place(c->arena, runs[i]);
        int rc = place == NULL ? DOGBREED_ERROR_NO_MEMORY
                               : dogb_source_open(&c->runs[i], c->arena, place);
        if (rc < 0) {
            return rc;
        }
        char *name = dogb_strdup(c->arena, dogb_path_name(place));
        if (name == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        dogb_text_repair(name);
        c->names[i] = name;
    }
    return DOGBREED_OK;
}

static int compare(comparison *c, dogb_arena *arena, const char *const *runs, int32_t count) {
    c->arena = arena;
    c->count = (size_t)count;
    c->runs = dogb_alloc(arena, c->count, sizeof *c->runs);
    c->names = dogb_alloc(arena, c->count, sizeof *c->names);
    c->json = dogb_json_document(arena, "comparison", 1);
    if (c->runs == NULL || c->names == NULL || c->json == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = open_runs(c, runs);
    rc = rc < 0 ? rc : results_json(c);
    return rc < 0 ? rc : options_json(c);
}

static int check(const char *const *runs, int32_t count) {
    DOGB_CHECK(runs != NULL && count >= 1 && count <= RUNS_MAX,
               "compare: %d runs, expected 1 to %d", (int)count, RUNS_MAX);
    for (int32_t i = 0; i < count; i++) {
        DOGB_CHECK(runs[i] != NULL && *runs[i] != '\0', "compare: the name of run %d is empty",
                   (int)i);
    }
    return DOGBREED_OK;
}

int dogbreed_report_compare(char **json, const char *const *runs, int32_t count) {
    DOGB_CHECK(json != NULL, "compare: json is NULL");
    *json = NULL;
    dogb_arena arena = {0};
    comparison c = {0};
    int rc = check(runs, count);
    rc = rc < 0 ? rc : compare(&c, &arena, runs, count);
    rc = rc < 0 ? rc : dogb_json_text_out(json, c.json, 1);
    dogb_arena_free(&arena);
    return rc;
}

int dogbreed_report_compare_html(char **html, const char *const *runs, int32_t count) {
    DOGB_CHECK(html != NULL, "compare: html is NULL");
    *html = NULL;
    dogb_arena arena = {0};
    dogb_page page;
    comparison c = {.page = &page};
    int rc = check(runs, count);
    rc = rc < 0 ? rc : dogb_page_open(&page, &arena);
    rc = rc < 0 ? rc : compare(&c, &arena, runs, count);
    if (rc == DOGBREED_OK) {
        fill_page(&c);
        rc = dogb_page_html_out(html, &page);
    }
    dogb_arena_free(&arena);
    return rc;
}
