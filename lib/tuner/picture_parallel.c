// picture_parallel.c - the parameters of all trials side by side, coloured by their results.
#include "tuner/picture.h"

#include "core/error.h"

#include <math.h>
#include <stdlib.h>

typedef struct rank {
    double loss; // smaller is better
    const dogb_trial *trial;
} rank;

// The worst first, so that the best lie above.
static int compare(const void *a, const void *b) {
    const rank *left = a;
    const rank *right = b;
    double more = right->loss - left->loss;
    return more > 0 ? 1 : more < 0 ? -1 : left->trial > right->trial ? 1 : -1;
}

static size_t collect(rank *out, const dogb_picture *picture) {
    const dogbreed_tuner *tuner = picture->tuner;
    size_t count = 0;
    for (size_t i = 0; i < tuner->count; i++) {
        if (dogb_trial_has_value(&tuner->trials[i], 1)) {
            out[count++] =
                (rank){dogb_tuner_sign(tuner) * tuner->trials[i].value, &tuner->trials[i]};
        }
    }
    qsort(out, count, sizeof *out, compare);
    return count;
}

// Of many: every so-many-th of the worse ones, from the worst on, and the better ones all.
static size_t thin(rank *ranks, size_t count) {
    const size_t half = DOGB_PICTURE_LINES / 2;
    size_t others = count > 2 * half ? count - half : 0;
    size_t step = (others + half - 1) / half;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (i >= others || i % step == 0) {
            ranks[kept++] = ranks[i];
        }
    }
    return kept;
}

static int add_table(dogb_picture *picture) {
    const dogbreed_tuner *tuner = picture->tuner;
    int rc = DOGBREED_OK;
    dogb_buffer_cell(&picture->csv, "trial");
    for (size_t i = 0; i < tuner->axis_count; i++) {
        dogb_buffer_cell(&picture->csv, tuner->axes[i].name);
    }
    dogb_buffer_cell(&picture->csv, "value");
    dogb_buffer_line(&picture->csv);
    for (size_t i = 0; rc == DOGBREED_OK && i < tuner->count; i++) {
        const dogb_trial *trial = &tuner->trials[i];
        if (dogb_trial_has_value(trial, 1)) {
            dogb_buffer_cell_number(&picture->csv, (double)i);
            rc = dogb_trial_cells(&picture->csv, picture->arena, tuner, trial);
            dogb_buffer_cell_number(&picture->csv, trial->value);
            dogb_buffer_line(&picture->csv);
        }
    }
    return rc;
}

static int fill(dogb_parallel *out, dogb_picture *picture) {
    const dogbreed_tuner *tuner = picture->tuner;
    size_t columns = tuner->axis_count + 1;
    rank *ranks = dogb_alloc(picture->arena, tuner->count + 1, sizeof *ranks);
    dogb_scale *scales = dogb_alloc(picture->arena, columns, sizeof *scales);
    size_t all = ranks == NULL ? 0 : collect(ranks, picture);
    size_t count = ranks == NULL ? 0 : thin(ranks, all);
    double *values = dogb_alloc(picture->arena, (count + 1) * columns, sizeof *values);
    double *shades = dogb_alloc(picture->arena, count + 1, sizeof *shades);
    const char **notes = dogb_alloc(picture->arena, count + 1, sizeof *notes);
    if (ranks == NULL || scales == NULL || values == NULL || shades == NULL || notes == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < tuner->axis_count; i++) {
        scales[i] = dogb_picture_axis(&tuner->axes[i]);
    }
    scales[columns - 1] = picture->scale;
    for (size_t i = 0; i < count; i++) {
        const dogb_trial *trial = ranks[i].trial;
        double value = dogb_picture_value(picture, trial);
        double place = dogb_scale_place(&picture->scale, value);
        for (size_t k = 0; k < tuner->axis_count; k++) {
            values[i * columns + k] = trial->values[k];
        }
        values[i * columns + columns - 1] = value;
        shades[i] = tuner->maximize ? place : 1 - place;
        notes[i] = dogb_picture_describe(picture, trial);
        if (notes[i] == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    if (count < all) {
        out->title = dogb_format(picture->arena, "%s: %zu of %zu trials", out->title, count, all);
        if (out->title == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    out->scales = scales;
    out->scale_count = columns;
    out->values = values;
    out->shades = shades;
    out->notes = notes;
    out->line_count = count;
    return DOGBREED_OK;
}

int dogb_picture_parallel(dogb_picture *picture) {
    enum { LEAST = 900, MOST = 8000, APART = 130, HEIGHT = 460, MARGIN = 12 };
    double columns = (double)picture->tuner->axis_count + 1;
    double width = fmin(fmax(LEAST, columns * APART), MOST);
    dogb_parallel p = {.title = "Parameters and results",
                       .empty = DOGB_PICTURE_EMPTY,
                       .label = picture->label,
                       .worst = "worse",
                       .best = "better"};
    int rc = fill(&p, picture);
    rc = rc < 0 ? rc : add_table(picture);
    rc = rc < 0 ? rc : dogb_drawing_open(&picture->drawing, picture->arena, width, HEIGHT, p.title);
    if (rc < 0) {
        return rc;
    }
    dogb_parallel_draw(&picture->drawing, &p,
                       (dogb_box){MARGIN, MARGIN, width - 2 * MARGIN, HEIGHT - 2 * MARGIN});
    return picture->drawing.rc;
}
