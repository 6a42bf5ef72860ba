// picture_history.c - the trials in their order with the best value so far, and the bars of
// importance.
#include "tuner/picture.h"

#include "core/error.h"

#include <math.h>
#include <stdlib.h>

// --- history

enum { COMPLETE, PRUNED, FAILED, BEST, SERIES };

static void add_row(dogb_picture *picture, const dogb_trial *trial, double best) {
    dogb_buffer_cell_number(&picture->csv, (double)(trial - picture->tuner->trials));
    dogb_buffer_cell(&picture->csv, dogb_trial_state_name(trial->state));
    dogb_buffer_cell_number(&picture->csv, trial->value);
    dogb_buffer_cell_number(&picture->csv, best);
    dogb_buffer_line(&picture->csv);
}

static int sort(dogb_points_list series[SERIES], dogb_picture *picture) {
    const dogbreed_tuner *tuner = picture->tuner;
    const dogb_trial *best = NULL;
    dogb_buffer_add(&picture->csv, "trial,state,value,best\n");
    for (size_t i = 0; i < tuner->count; i++) {
        const dogb_trial *trial = &tuner->trials[i];
        int known = dogb_trial_has_value(trial, 1);
        if (known && trial->state == DOGB_TRIAL_COMPLETE &&
            (best == NULL || dogb_trial_better(tuner, trial, best))) {
            best = trial;
        }
        add_row(picture, trial, best == NULL ? (double)NAN : best->value);
        if (!dogb_trial_is_over(trial)) {
            continue;
        }
        const char *note = NULL;
        int rc = dogb_picture_note(&note, picture, trial);
        if (rc < 0) {
            return rc;
        }
        if (!known) {
            dogb_points_add(&series[FAILED], (double)i, dogb_picture_bad_end(picture), note);
        } else {
            dogb_points_add(&series[trial->state == DOGB_TRIAL_COMPLETE ? COMPLETE : PRUNED],
                            (double)i, dogb_picture_value(picture, trial), note);
        }
        if (best != NULL) {
            dogb_points_add(&series[BEST], (double)i, dogb_picture_value(picture, best), NULL);
        }
    }
    return DOGBREED_OK;
}

int dogb_picture_history(dogb_picture *picture) {
    enum { WIDTH = 900, HEIGHT = 440, MARGIN = 12 };
    dogb_points_list sorted[SERIES];
    const dogbreed_tuner *tuner = picture->tuner;
    double width = picture->width > 0 ? picture->width : WIDTH;
    char *title = dogb_format(picture->arena, "%s: %zu trials", tuner->options.study, tuner->count);
    int rc = title == NULL ? DOGBREED_ERROR_NO_MEMORY
                           : dogb_points_make(sorted, SERIES, picture->arena, tuner->count);
    rc = rc < 0 ? rc : sort(sorted, picture);
    rc = rc < 0 ? rc : dogb_drawing_open(&picture->drawing, picture->arena, width, HEIGHT, title);
    if (rc < 0) {
        return rc;
    }
    dogb_series series[SERIES] = {
        {.name = "best so far", .kind = DOGB_SERIES_STEPS, .color = DOGB_COLOR_GREEN, .size = 2},
        {.name = "complete", .color = DOGB_COLOR_ALPHA(DOGB_COLOR_BLUE, 170)},
        {.name = "pruned", .mark = DOGB_MARK_RING, .color = DOGB_COLOR_ORANGE},
        {.name = "failed", .mark = DOGB_MARK_CROSS, .color = DOGB_COLOR_RED}};
    static const int from[SERIES] = {BEST, COMPLETE, PRUNED, FAILED};
    for (int i = 0; i < SERIES; i++) {
        dogb_points_use(&series[i], &sorted[from[i]]);
    }
    double last = tuner->count < 2 ? 1 : (double)tuner->count - 1;
    dogb_chart chart = {.title = title,
                        .empty = DOGB_PICTURE_EMPTY,
                        .x = dogb_scale_numbers("trial", 0, last, 0, 1),
                        .y = picture->scale,
                        .series = series,
                        .series_count = SERIES};
    dogb_chart_draw(&picture->drawing, &chart,
                    (dogb_box){MARGIN, MARGIN, width - 2 * MARGIN, HEIGHT - 2 * MARGIN});
    return picture->drawing.rc;
}

// --- importance

typedef struct share {
    double value;
    size_t axis;
} share;

static int compare(const void *a, const void *b) {
    const share *left = a;
    const share *right = b;
    double more = right->value - left->value;
    return more > 0 ? 1 : more < 0 ? -1 : left->axis > right->axis ? 1 : -1;
}

static int fill(dogb_bars *bars, dogb_picture *picture) {
    const dogbreed_tuner *tuner = picture->tuner;
    size_t count = tuner->axis_count;
    double *shares = NULL;
    share *order = dogb_alloc(picture->arena, count, sizeof *order);
    double *values = dogb_alloc(picture->arena, count, sizeof *values);
    const char **names = dogb_alloc(picture->arena, count, sizeof *names);
    const char **texts = dogb_alloc(picture->arena, count, sizeof *texts);
    int rc = order == NULL || values == NULL || names == NULL || texts == NULL
                 ? DOGBREED_ERROR_NO_MEMORY
                 : dogb_tuner_importance(&shares, picture->arena, tuner);
    if (rc < 0) {
        return rc;
    }
    for (size_t i = 0; i < count; i++) {
        order[i] = (share){shares[i], i};
    }
    qsort(order, count, sizeof *order, compare);
    for (size_t i = 0; i < count; i++) {
        dogb_buffer text = {.arena = picture->arena};
        dogb_buffer_fixed(&text, 100 * order[i].value, 1);
        dogb_buffer_add(&text, " %");
        texts[i] = text.data;
        names[i] = tuner->axes[order[i].axis].name;
        values[i] = 100 * order[i].value;
        dogb_buffer_cell(&picture->csv, names[i]);
        dogb_buffer_cell_number(&picture->csv, order[i].value);
        dogb_buffer_line(&picture->csv);
        rc = text.rc < 0 ? text.rc : rc;
    }
    bars->names = names;
    bars->texts = texts;
    bars->values = values;
    bars->count = count;
    return rc;
}

int dogb_picture_importance(dogb_picture *picture) {
    enum { WIDTH = 720, MARGIN = 12 };
    int64_t known = 0;
    for (size_t i = 0; i < picture->tuner->count; i++) {
        const dogb_trial *trial = &picture->tuner->trials[i];
        known += trial->state == DOGB_TRIAL_COMPLETE && isfinite(trial->value);
    }
    double width = picture->width > 0 ? picture->width : WIDTH;
    dogb_bars bars = {.title = "What mattered for reaching the best tenth of the trials",
                      .label = "importance (%)",
                      .empty = "fewer than two complete trials"};
    dogb_buffer_add(&picture->csv, "parameter,importance\n");
    int rc = known < 2 ? DOGBREED_OK : fill(&bars, picture);
    double height = DOGB_BARS_MORE + DOGB_BAR_HEIGHT * fmax(1, (double)bars.count) + 2 * MARGIN;
    rc = rc < 0 ? rc
                : dogb_drawing_open(&picture->drawing, picture->arena, width, height, bars.title);
    if (rc < 0) {
        return rc;
    }
    dogb_bars_draw(&picture->drawing, &bars,
                   (dogb_box){MARGIN, MARGIN, width - 2 * MARGIN, height - 2 * MARGIN});
    return picture->drawing.rc;
}
