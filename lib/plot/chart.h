// chart.h - charts on a drawing: marks, lines, steps and bands over two axes; bars; parallel
// coordinates.
#ifndef DOGB_PLOT_CHART_H
#define DOGB_PLOT_CHART_H

#include "plot/drawing.h"
#include "plot/ticks.h"

typedef struct dogb_scale {
    const char *label; // with its unit
    double low;        // ends of the axis (dogb_ticks_range has seen them)
    double high;
    int32_t log;
    int32_t integers;         // ticks are whole numbers
    const char *const *names; // of 0, 1, ... name_count - 1 in place of numbers; NULL: none
    int32_t name_count;
    int32_t reserved;
} dogb_scale;

// An axis over low .. high, with a little room at both ends; of names.
dogb_scale dogb_scale_numbers(const char *label, double low, double high, int log, int integers);
dogb_scale dogb_scale_names(const char *label, const char *const *names, int32_t count);
// 0 at the low end, 1 at the high one; NaN: it has no place.
double dogb_scale_place(const dogb_scale *scale, double value);
// About `wanted` ticks, or one for each name; and what stands at one.
void dogb_scale_ticks(dogb_ticks *out, const dogb_scale *scale, int32_t wanted);
const char *dogb_scale_text(const dogb_scale *scale, const dogb_tick *tick);

enum {
    DOGB_SERIES_MARKS = 0,
    DOGB_SERIES_LINE = 1,
    DOGB_SERIES_STEPS = 2, // level until the next x
    DOGB_SERIES_BAND = 3   // between y and top
};

typedef struct dogb_series {
    const char *name; // in the legend; NULL: not there
    int32_t kind;     // DOGB_SERIES_
    int32_t mark;     // DOGB_MARK_
    uint32_t color;
    int32_t reserved;
    double size; // radius of a mark, width of a line; 0: the usual one
    size_t count;
    const double *x; // NaN: a gap
    const double *y; // beyond the ends of its axis: a mark at the edge
    const double *top;
    const char *const *notes; // [count], or NULL
} dogb_series;

typedef struct dogb_chart {
    const char *title; // NULL: none
    const char *empty; // in the middle where no series has a point
    dogb_scale x;
    dogb_scale y;
    const dogb_series *series; // later ones lie above earlier ones
    size_t series_count;
} dogb_chart;
// The names of series that have points, in rows from y on; returns the y below them.
double dogb_chart_legend(dogb_drawing *drawing, const dogb_series *all, size_t count, dogb_box box,
                         double y);
void dogb_chart_draw(dogb_drawing *drawing, const dogb_chart *chart, dogb_box box);
// One series over axes that are there.
void dogb_chart_series(dogb_drawing *drawing, const dogb_series *series, const dogb_scale *x,
                       const dogb_scale *y, dogb_box plot);

typedef struct dogb_bars {
    const char *title;
    const char *label;        // of the values' axis
    const char *empty;        // where there is no bar
    const char *const *names; // [count], from above
    const char *const *texts; // [count], at the bars' ends
    const double *values;     // [count], 0 or more
    size_t count;
} dogb_bars;
enum { DOGB_BAR_HEIGHT = 30 }; // of one bar; the rest of a picture needs DOGB_BARS_MORE
enum { DOGB_BARS_MORE = 92 };
void dogb_bars_draw(dogb_drawing *drawing, const dogb_bars *bars, dogb_box box);

typedef struct dogb_parallel {
    const char *title;
    const char *empty;
    const char *label; // of the colour
    const char *worst; // text at the pale end, and at the dark one
    const char *best;
    const dogb_scale *scales; // [scale_count], from the left
    size_t scale_count;
    const double *values; // [line_count][scale_count], NaN: the line has a gap there
    const double *shades; // [line_count], 0 to 1; NaN: grey
    const char *const *notes;
    size_t line_count; // later ones lie above earlier ones
} dogb_parallel;
void dogb_parallel_draw(dogb_drawing *drawing, const dogb_parallel *parallel, dogb_box box);

// Upright bars between edges: a histogram, or one column for each of several names.
typedef struct dogb_histogram_chart {
    const char *title;
    const char *empty;
    dogb_scale x; // over the edges, or names
    const char *label;
    const double *edges;  // [count + 1]
    const double *values; // [count], NaN: none
    size_t count;
    double high; // of the upright axis; 0: that of the values
    uint32_t color;
    int32_t integers;          // the upright axis has whole numbers
    const dogb_series *series; // drawn above the bars, over the same axes
    size_t series_count;
    const char *const *notes; // [count], or NULL
} dogb_histogram_chart;
void dogb_histogram_draw(dogb_drawing *drawing, const dogb_histogram_chart *histogram,
                         dogb_box box);

// Parts of one whole: a bar of pieces, and below it their names.
typedef struct dogb_shares {
    const char *title;
    const char *empty;
    const char *const *names;
    const char *const *texts; // behind the names
    const double *values;     // 0 or more
    size_t count;
} dogb_shares;
double dogb_shares_height(size_t count);
void dogb_shares_draw(dogb_drawing *drawing, const dogb_shares *shares, dogb_box box);

// So many of a matrix's rows and columns, from the first one on.
typedef struct dogb_cells {
    size_t first;
    size_t count;
} dogb_cells;

// A square of cells: rows are what is true, columns what was said. Where cells are too small for
// numbers, names are left out too.
typedef struct dogb_matrix {
    const char *title;
    const char *const *names;
    const double *values; // [count][count]
    size_t count;
    const dogb_cells *frames; // to be framed, on the diagonal
    size_t frame_count;
} dogb_matrix;
void dogb_matrix_draw(dogb_drawing *drawing, const dogb_matrix *matrix, dogb_box box);
double dogb_matrix_row(const dogb_matrix *matrix, size_t row); // sum of its values
uint32_t dogb_matrix_color(double value, double row);          // of a cell in such a row

// What all charts have in common (frame.c).
extern const dogb_font dogb_font_title, dogb_font_label, dogb_font_tick;
dogb_font dogb_font_at(const dogb_font *font, double anchor); // the same, anchored
// The title; returns the y below it.
double dogb_frame_title(dogb_drawing *drawing, const char *title, dogb_box box);
void dogb_frame_empty(dogb_drawing *drawing, const char *text, dogb_box plot);
// Grid, ticks, labels of both axes around `plot`.
void dogb_frame_x(dogb_drawing *drawing, const dogb_scale *scale, dogb_box plot);
void dogb_frame_y(dogb_drawing *drawing, const dogb_scale *scale, dogb_box plot, double left);
double dogb_frame_tick_width(dogb_drawing *drawing, const dogb_scale *scale, double height);
enum { DOGB_TICK_ROOM = 22, DOGB_LABEL_ROOM = 20 }; // heights below a plot

#endif
