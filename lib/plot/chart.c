// chart.c - marks, lines, steps and bands over two axes, with a legend.
#include "plot/chart.h"

#include "core/error.h"

#include <math.h>

enum { LEGEND_ROW = 20, SAMPLE = 18, LEGEND_GAP = 16 };
static const double mark_radius = 3.5;
static const double line_width = 1.8;

// --- legend

static void draw_sample(dogb_drawing *drawing, const dogb_series *series, double x, double y) {
    double radius = series->size > 0 ? series->size : mark_radius;
    const double points[] = {x, y, x + SAMPLE - 4, y};
    if (series->kind == DOGB_SERIES_MARKS) {
        dogb_draw_mark(drawing, series->mark, series->color, fmin(radius, 5), x + SAMPLE / 2.0 - 2,
                       y, NULL);
    } else if (series->kind == DOGB_SERIES_BAND) {
        dogb_draw_box(drawing, series->color, (dogb_box){x, y - 5, SAMPLE - 4, 10});
    } else {
        dogb_draw_line(drawing, series->color, line_width, points, 2);
    }
}

double dogb_chart_legend(dogb_drawing *drawing, const dogb_series *all, size_t count, dogb_box box,
                         double y) {
    double x = box.x;
    int begun = 0;
    for (size_t i = 0; i < count; i++) {
        const dogb_series *series = &all[i];
        if (series->name == NULL || series->count == 0) {
            continue;
        }
        double width = dogb_draw_width(drawing, &dogb_font_tick, series->name) + SAMPLE;
        if (begun && x + width > box.x + box.width) {
            x = box.x;
            y += LEGEND_ROW;
        }
        draw_sample(drawing, series, x, y + 8);
        dogb_draw_text_within(drawing, &dogb_font_tick, x + SAMPLE, y + 12, series->name,
                              box.x + box.width - x - SAMPLE);
        x += width + LEGEND_GAP;
        begun = 1;
    }
    return begun ? y + LEGEND_ROW + 4 : y;
}

// --- series

typedef struct view {
    const dogb_scale *x;
    const dogb_scale *y;
    dogb_box plot;
} view;

static double x_of(const view *v, double value) {
    return v->plot.x + v->plot.width * dogb_scale_place(v->x, value);
}

// Beyond the ends: at the edge.
static double y_of(const view *v, double value) {
    double place = dogb_scale_place(v->y, value);
    place = isnan(place) ? place : fmin(fmax(place, 0), 1);
    return v->plot.y + v->plot.height * (1 - place);
}

static void draw_marks(dogb_drawing *drawing, const view *v, const dogb_series *s) {
    double radius = s->size > 0 ? s->size : mark_radius;
    for (size_t i = 0; i < s->count; i++) {
        double x = x_of(v, s->x[i]);
        double y = y_of(v, s->y[i]);
        double place = dogb_scale_place(v->y, s->y[i]);
        int32_t mark = place > 1 ? DOGB_MARK_UP : place < 0 ? DOGB_MARK_DOWN : s->mark;
        if (isfinite(x) && isfinite(y)) {
            dogb_draw_mark(drawing, mark, s->color, radius, x, y,
                           s->notes == NULL ? NULL : s->notes[i]);
        }
    }
}

// Points of the series from `at` on without a gap, into points; forth: y, back: top, from the end.
static size_t run_of(double *points, const view *v, const dogb_series *s, size_t at) {
    size_t count = 0;
    for (; at < s->count; at++) {
        double x = x_of(v, s->x[at]);
        double y = y_of(v, s->y[at]);
        if (!isfinite(x) || !isfinite(y)) {
            break;
        }
        if (s->kind == DOGB_SERIES_STEPS && count > 0) {
            points[2 * count] = x;
            points[2 * count + 1] = points[2 * count - 1];
            count++;
        }
        points[2 * count] = x;
        points[2 * count + 1] = y;
        count++;
    }
    return count;
}

static void draw_lines(dogb_drawing *drawing, const view *v, const dogb_series *s) {
    double *points = dogb_alloc(drawing->arena, 4 * s->count + 4, sizeof *points);
    if (points == NULL) {
        drawing->rc = DOGBREED_ERROR_NO_MEMORY;
        return;
    }
    for (size_t at = 0; at < s->count;) {
        size_t count = run_of(points, v, s, at);
        dogb_draw_line(drawing, s->color, s->size > 0 ? s->size : line_width, points, count);
        at += 1 + (s->kind == DOGB_SERIES_STEPS ? count / 2 : count == 0 ? 0 : count - 1);
    }
    dogb_release(drawing->arena, points);
}

static void draw_band(dogb_drawing *drawing, const view *v, const dogb_series *s) {
    double *points = dogb_alloc(drawing->arena, 4 * s->count + 4, sizeof *points);
    if (points == NULL) {
        drawing->rc = DOGBREED_ERROR_NO_MEMORY;
        return;
    }
    size_t count = 0;
    for (size_t i = 0; i < 2 * s->count; i++) {
        size_t at = i < s->count ? i : 2 * s->count - 1 - i;
        double x = x_of(v, s->x[at]);
        double y = y_of(v, i < s->count ? s->y[at] : s->top[at]);
        if (isfinite(x) && isfinite(y)) {
            points[2 * count] = x;
            points[2 * count + 1] = y;
            count++;
        }
    }
    dogb_draw_area(drawing, s->color, points, count);
    dogb_release(drawing->arena, points);
}

static int has_points(const dogb_chart *chart) {
    for (size_t k = 0; k < chart->series_count; k++) {
        const dogb_series *s = &chart->series[k];
        for (size_t i = 0; i < s->count; i++) {
            if (isfinite(s->x[i]) && isfinite(s->y[i])) {
                return 1;
            }
        }
    }
    return 0;
}

void dogb_chart_series(dogb_drawing *drawing, const dogb_series *series, const dogb_scale *x,
                       const dogb_scale *y, dogb_box plot) {
    static void (*const kinds[])(dogb_drawing * drawing, const view *v,
                                 const dogb_series *s) = {[DOGB_SERIES_MARKS] = draw_marks,
                                                          [DOGB_SERIES_LINE] = draw_lines,
                                                          [DOGB_SERIES_STEPS] = draw_lines,
                                                          [DOGB_SERIES_BAND] = draw_band};
    view v = {x, y, plot};
    kinds[series->kind](drawing, &v, series);
}

void dogb_chart_draw(dogb_drawing *drawing, const dogb_chart *chart, dogb_box box) {
    double top = chart->title == NULL ? box.y : dogb_frame_title(drawing, chart->title, box);
    top = dogb_chart_legend(drawing, chart->series, chart->series_count, box, top) + 6;
    double height = box.y + box.height - top - DOGB_TICK_ROOM - DOGB_LABEL_ROOM;
    double left = (*chart->y.label == 0 ? 0 : DOGB_LABEL_ROOM) +
                  dogb_frame_tick_width(drawing, &chart->y, height) + 8;
    dogb_box plot = {box.x + left, top, box.width - left - 16, height};
    if (!has_points(chart)) {
        dogb_frame_empty(drawing, chart->empty, plot);
        return;
    }
    dogb_frame_x(drawing, &chart->x, plot);
    dogb_frame_y(drawing, &chart->y, plot, box.x);
    for (size_t i = 0; drawing->rc == DOGBREED_OK && i < chart->series_count; i++) {
        dogb_chart_series(drawing, &chart->series[i], &chart->x, &chart->y, plot);
    }
}
