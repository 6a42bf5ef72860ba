// picture_slices.c - each parameter against the objective, with what a Gaussian process makes of
// all trials: its mean along the parameter while the others are as in the best trial.
#include "tuner/picture.h"

#include "core/error.h"
#include "search/surface.h"

#include <math.h>
#include <string.h>

enum {
    FIT_POINTS = 81,
    PANEL_WIDTH = 330,
    PANEL_HEIGHT = 260,
    COLUMNS = 3,
    MARGIN = 12,
    HEAD = 60
};
enum { BAND, PRUNED, COMPLETE, FIT, BEST, SERIES }; // in the order in which they are drawn

typedef struct slices {
    dogb_picture *picture;
    dogb_surface surface;
    const dogb_trial *best; // NULL: none
    double *values;         // [axes], of a point of the curve
    const char **notes;     // [trials]
    int32_t fitted;
    int32_t reserved;
} slices;

// Trials of one choice stand side by side.
static double spread(const dogb_axis *axis, double value, size_t number) {
    double turn = 0.6180339887 * (double)number;
    return axis->kind == DOGB_AXIS_CHOICE ? value + 0.5 * (turn - floor(turn) - 0.5) : value;
}

// parameter, kind, trial, at, value, low, high
static void add_row(slices *s, const dogb_axis *axis, const char *kind, double trial, double at,
                    const double results[3]) {
    dogb_buffer *csv = &s->picture->csv;
    char *text = dogb_trial_text(s->picture->arena, axis, at);
    dogb_buffer_cell(csv, axis->name);
    dogb_buffer_cell(csv, kind);
    dogb_buffer_cell_number(csv, trial);
    dogb_buffer_cell(csv, text == NULL ? "" : text);
    csv->rc = text == NULL ? DOGBREED_ERROR_NO_MEMORY : csv->rc;
    for (int i = 0; i < 3; i++) {
        dogb_buffer_cell_number(csv, results[i]);
    }
    dogb_buffer_line(csv);
}

// --- a panel

static void add_trials(slices *s, dogb_points_list lists[SERIES], size_t index) {
    const dogbreed_tuner *tuner = s->picture->tuner;
    const dogb_axis *axis = &tuner->axes[index];
    for (size_t i = 0; i < tuner->count; i++) {
        const dogb_trial *trial = &tuner->trials[i];
        double at = trial->values[index];
        if (dogb_trial_has_value(trial, 1) && !isnan(at)) {
            const double results[3] = {trial->value, (double)NAN, (double)NAN};
            int list = trial == s->best                      ? BEST
                       : trial->state == DOGB_TRIAL_COMPLETE ? COMPLETE
                                                             : PRUNED;
            dogb_points_add(&lists[list], spread(axis, at, i),
                            dogb_picture_value(s->picture, trial), s->notes[i]);
            add_row(s, axis, "trial", (double)i, at, results);
        }
    }
}

// Places on the curve: every value where these are few.
static size_t curve_count(const dogb_axis *axis) {
    int64_t count = dogb_axis_count(axis);
    return count > 0 && count <= FIT_POINTS ? (size_t)count : FIT_POINTS;
}

static double curve_at(const dogb_axis *axis, size_t index, size_t count) {
    int64_t all = dogb_axis_count(axis);
    return all > 0 && all <= FIT_POINTS
               ? dogb_axis_at(axis, (int64_t)index)
               : dogb_axis_value(axis, (double)index / (double)(count - 1));
}

static void add_curve(slices *s, dogb_points_list lists[SERIES], size_t index) {
    const dogbreed_tuner *tuner = s->picture->tuner;
    const dogb_axis *axis = &tuner->axes[index];
    double sign = dogb_tuner_sign(tuner);
    double factor = s->picture->factor;
    size_t count = curve_count(axis);
    memcpy(s->values, s->best->values, tuner->axis_count * sizeof *s->values);
    for (size_t i = 0; i < count; i++) {
        double mean, low, high;
        double at = curve_at(axis, i, count);
        s->values[index] = at;
        dogb_surface_at(&s->surface, s->values, &mean, &low, &high);
        const double results[3] = {sign * mean, fmin(sign * low, sign * high),
                                   fmax(sign * low, sign * high)};
        dogb_points_add(&lists[FIT], at, factor * results[0], NULL);
        lists[BAND].top[lists[BAND].count] = factor * results[2];
        dogb_points_add(&lists[BAND], at, factor * results[1], NULL);
        add_row(s, axis, "curve", (double)NAN, at, results);
    }
}

// A choice has no curve: a mark for each word.
static void make_series(dogb_series out[SERIES], int choice) {
    const dogb_series series[SERIES] = {
        [BAND] = {.name = "one deviation either way",
                  .kind = DOGB_SERIES_BAND,
                  .color = DOGB_COLOR_ALPHA(DOGB_COLOR_GREEN, 40)},
        [FIT] = {.name = "expected, the others as in the best trial",
                 .kind = choice ? DOGB_SERIES_MARKS : DOGB_SERIES_LINE,
                 .mark = DOGB_MARK_DASH,
                 .size = choice ? 16 : 2,
                 .color = DOGB_COLOR_GREEN},
        [PRUNED] = {.name = "pruned", .mark = DOGB_MARK_RING, .color = DOGB_COLOR_ORANGE},
        [COMPLETE] = {.name = "complete", .color = DOGB_COLOR_ALPHA(DOGB_COLOR_BLUE, 150)},
        [BEST] = {
            .name = "best trial", .mark = DOGB_MARK_DIAMOND, .size = 5.5, .color = DOGB_COLOR_RED}};
    memcpy(out, series, sizeof series);
}

static int draw_panel(slices *s, size_t index) {
    dogb_picture *picture = s->picture;
    const dogb_axis *axis = &picture->tuner->axes[index];
    dogb_points_list lists[SERIES];
    dogb_series series[SERIES];
    size_t room = picture->tuner->count > FIT_POINTS ? picture->tuner->count : FIT_POINTS;
    int rc = dogb_points_make(lists, SERIES, picture->arena, room);
    if (rc < 0) {
        return rc;
    }
    add_trials(s, lists, index);
    if (s->fitted && axis->high > axis->low) {
        add_curve(s, lists, index);
    }
    int choice = axis->kind == DOGB_AXIS_CHOICE;
    make_series(series, choice);
    for (int i = 0; i < SERIES; i++) {
        dogb_points_use(&series[i], &lists[i]);
        series[i].name = NULL; // the legend is the picture's
    }
    series[BAND].count = choice ? 0 : series[BAND].count;
    dogb_chart chart = {.empty = DOGB_PICTURE_EMPTY,
                        .x = dogb_picture_axis(axis),
                        .y = picture->scale,
                        .series = series,
                        .series_count = SERIES};
    chart.y.label = index % COLUMNS == 0 ? chart.y.label : "";
    dogb_box box = {MARGIN + PANEL_WIDTH * (double)(index % COLUMNS),
                    MARGIN + HEAD + PANEL_HEIGHT * (double)(index / COLUMNS), PANEL_WIDTH - 14,
                    PANEL_HEIGHT - 14};
    dogb_chart_draw(&picture->drawing, &chart, box);
    return picture->drawing.rc;
}

// --- the picture

static int prepare(slices *s) {
    dogb_picture *picture = s->picture;
    const dogbreed_tuner *tuner = picture->tuner;
    dogb_space *space = dogb_alloc(picture->arena, 1, sizeof *space);
    dogb_point *points = NULL;
    int64_t best = dogb_tuner_best(tuner);
    s->best = best < 0 ? NULL : &tuner->trials[best];
    s->values = dogb_alloc(picture->arena, tuner->axis_count, sizeof *s->values);
    s->notes = dogb_alloc(picture->arena, tuner->count + 1, sizeof *s->notes);
    if (space == NULL || s->values == NULL || s->notes == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    *space = dogb_tuner_space(tuner);
    for (size_t i = 0; i < tuner->count; i++) {
        int rc = dogb_picture_note(&s->notes[i], picture, &tuner->trials[i]);
        if (rc < 0) {
            return rc;
        }
    }
    dogb_history history = {.space = space};
    int rc = dogb_tuner_results(&points, &history.count, picture->arena, tuner, 1);
    history.points = points;
    int64_t used = rc < 0 ? rc : dogb_surface_fit(&s->surface, picture->arena, &history);
    s->fitted = used >= DOGB_SURFACE_LEAST && s->best != NULL &&
                dogb_point_has(&(dogb_point){.values = s->best->values}, 0, space->count);
    return used < 0 ? (int)used : DOGBREED_OK;
}

static void draw_head(slices *s, dogb_box box) {
    dogb_series series[SERIES];
    dogb_drawing *drawing = &s->picture->drawing;
    make_series(series, 0);
    for (size_t i = 0; i < s->picture->tuner->count; i++) {
        const dogb_trial *trial = &s->picture->tuner->trials[i];
        int list = trial->state == DOGB_TRIAL_PRUNED ? PRUNED : COMPLETE;
        series[trial == s->best ? BEST : list].count += dogb_trial_has_value(trial, 1) != 0;
    }
    series[BAND].count = series[FIT].count = s->fitted != 0;
    double y = dogb_frame_title(drawing, drawing->title, box);
    (void)dogb_chart_legend(drawing, series, SERIES, box, y);
}

int dogb_picture_slices(dogb_picture *picture) {
    size_t axes = picture->tuner->axis_count;
    size_t columns = axes < COLUMNS ? axes : COLUMNS;
    double width = fmax(PANEL_WIDTH * (double)columns, 700) + 2 * MARGIN;
    double height = HEAD + PANEL_HEIGHT * (double)((axes + COLUMNS - 1) / COLUMNS) + 2 * MARGIN;
    slices s = {.picture = picture};
    dogb_buffer_add(&picture->csv, "parameter,kind,trial,at,value,low,high\n");
    int rc = prepare(&s);
    rc = rc < 0 ? rc
                : dogb_drawing_open(&picture->drawing, picture->arena, width, height,
                                    "Each parameter against the result");
    if (rc == DOGBREED_OK) {
        draw_head(&s, (dogb_box){MARGIN, MARGIN, width - 2 * MARGIN, height});
    }
    for (size_t i = 0; rc == DOGBREED_OK && i < axes; i++) {
        rc = draw_panel(&s, i);
    }
    return rc < 0 ? rc : picture->drawing.rc;
}
