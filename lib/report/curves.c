// curves.c - loss and accuracy by epoch, of both splits, with the epoch that was kept.
#include "report/section.h"

#include "core/error.h"

#include <math.h>
#include <string.h>

enum { HEIGHT = 330, SERIES_MAX = 4 };

typedef struct curve {
    const char *column; // of metrics.csv
    const char *name;
    uint32_t color;
} curve;

typedef struct curve_chart {
    const char *title;
    const char *label;
    double factor;
    curve curves[3]; // the last one that is there has the mark of the best epoch
} curve_chart;

static const curve_chart charts[] = {
    {"Loss by epoch",
     "loss",
     1,
     {{"train_loss", "training", DOGB_COLOR_BLUE}, {"val_loss", "validation", DOGB_COLOR_RED}}},
    {"Accuracy by epoch",
     "accuracy (%)",
     100,
     {{"train_accuracy", "training", DOGB_COLOR_BLUE},
      {"val_accuracy", "validation", DOGB_COLOR_RED},
      {"val_top5_accuracy", "validation, best five", DOGB_COLOR_ORANGE}}},
    {"Learning rate by epoch", "learning rate", 1, {{"lr", NULL, DOGB_COLOR_GREEN}}},
};

int64_t dogb_report_best_epoch(const dogb_report *r) {
    const json_t *status = r->source->documents[DOGB_FILE_STATUS];
    double epoch = dogb_get_number(dogb_get(status, "best"), "epoch");
    return isfinite(epoch) && epoch >= 1 && epoch < 1e9 ? (int64_t)epoch : 0;
}

int dogb_curve_fill(dogb_series *out, dogb_page *page, const dogb_columns *m, const char *column,
                    dogb_curve_range *range) {
    double *x = dogb_alloc(page->arena, m->row_count + 1, sizeof *x);
    double *y = dogb_alloc(page->arena, m->row_count + 1, sizeof *y);
    int found = 0;
    if (x == NULL || y == NULL) {
        page->rc = DOGBREED_ERROR_NO_MEMORY;
        return 0;
    }
    for (size_t i = 0; i < m->row_count; i++) {
        x[i] = (double)i + 1;
        y[i] = range->factor * dogb_columns_at(m, column, i);
        if (isfinite(y[i])) {
            range->low = fmin(range->low, y[i]);
            range->high = fmax(range->high, y[i]);
            found = 1;
        }
    }
    range->last = fmax(range->last, (double)m->row_count);
    *out = (dogb_series){.kind = m->row_count < 2 ? DOGB_SERIES_MARKS : DOGB_SERIES_LINE,
                         .size = m->row_count < 2 ? 3 : 2,
                         .x = x,
                         .y = y,
                         .count = m->row_count};
    return found;
}

static void add_chart(dogb_report *r, const curve_chart *c) {
    dogb_series series[SERIES_MAX];
    size_t count = 0;
    dogb_curve_range range = {.factor = c->factor, .low = INFINITY, .high = -INFINITY, .last = 2};
    int64_t best = dogb_report_best_epoch(r);
    const dogb_series *judged = NULL; // validation
    for (size_t i = 0; i < 3 && c->curves[i].column != NULL; i++) {
        if (dogb_curve_fill(&series[count], r->page, &r->source->metrics, c->curves[i].column,
                            &range)) {
            series[count].name = c->curves[i].name;
            series[count].color = c->curves[i].color;
            judged = strncmp(c->curves[i].column, "val", 3) == 0 && judged == NULL ? &series[count]
                                                                                   : judged;
            count++;
        }
    }
    if (count == 0 || r->page->rc < 0) {
        return;
    }
    if (judged != NULL && best > 0 && (size_t)best <= judged->count) {
        series[count++] = (dogb_series){.name = "kept epoch",
                                        .kind = DOGB_SERIES_MARKS,
                                        .mark = DOGB_MARK_DIAMOND,
                                        .color = DOGB_COLOR_TEXT,
                                        .size = 5,
                                        .x = judged->x + best - 1,
                                        .y = judged->y + best - 1,
                                        .count = 1};
    }
    dogb_chart chart = {.title = c->title,
                        .empty = "nothing yet",
                        .x = dogb_scale_numbers("epoch", 1, range.last, 0, 1),
                        .y = dogb_scale_numbers(c->label, range.low, range.high, 0, 0),
                        .series = series,
                        .series_count = count};
    dogb_page_figure(r->page, "", DOGB_FIGURE_HALF, HEIGHT, dogb_page_draw_chart, &chart);
}

static json_t *to_json(dogb_report *r, const dogb_columns *m) {
    json_t *object = json_object();
    int rc = object == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < m->column_count; i++) {
        json_t *values = json_array();
        rc = dogb_json_set(object, m->names[i], values);
        for (size_t row = 0; rc == DOGBREED_OK && row < m->row_count; row++) {
            double value = m->values[row * m->column_count + i];
            rc = dogb_json_add(values, dogb_json_maybe(value));
        }
    }
    r->page->rc = rc < 0 ? rc : r->page->rc;
    return object;
}

void dogb_section_curves(dogb_report *r) {
    const dogb_columns *m = &r->source->metrics;
    dogb_page_section(r->page, "curves", "Learning curves");
    if (m->row_count == 0) {
        dogb_page_text(r->page, DOGB_TONE_FAINT, "%s",
                       r->source->metrics_problem != NULL
                           ? r->source->metrics_problem
                           : "metrics.csv: there is none, or no epoch has ended yet.");
        return;
    }
    for (size_t i = 0; i < sizeof charts / sizeof charts[0]; i++) {
        add_chart(r, &charts[i]);
    }
    dogb_report_set(r, "metrics", to_json(r, m));
}
