// picture.c - what the pictures of a study have in common: the objective's scale, notes of trials,
// axes of parameters.
#include "tuner/picture.h"

#include "core/error.h"
#include "core/number.h"

#include <math.h>
#include <stdlib.h>

double dogb_picture_value(const dogb_picture *picture, const dogb_trial *trial) {
    return picture->factor * trial->value;
}

double dogb_picture_bad_end(const dogb_picture *picture) {
    return picture->tuner->maximize ? picture->scale.low : picture->scale.high;
}

char *dogb_picture_number(dogb_arena *arena, double value) {
    char text[40];
    double unit = value == 0 ? 1 : pow(10, floor(log10(fabs(value))) - 4);
    double rounded = unit < 1 ? round(value / unit) / round(1 / unit) : round(value / unit) * unit;
    dogb_number_text(text, isfinite(rounded) ? rounded : value);
    return dogb_strdup(arena, text);
}

// --- points

int dogb_points_make(dogb_points_list *out, int lists, dogb_arena *arena, size_t room) {
    for (int i = 0; i < lists; i++) {
        double *numbers = dogb_alloc(arena, 3 * (room + 1), sizeof *numbers);
        const char **notes = dogb_alloc(arena, room + 1, sizeof *notes);
        if (numbers == NULL || notes == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        out[i] = (dogb_points_list){
            .x = numbers, .y = numbers + room + 1, .top = numbers + 2 * (room + 1), .notes = notes};
    }
    return DOGBREED_OK;
}

void dogb_points_add(dogb_points_list *list, double x, double y, const char *note) {
    list->x[list->count] = x;
    list->y[list->count] = y;
    list->notes[list->count++] = note;
}

void dogb_points_use(dogb_series *series, const dogb_points_list *list) {
    series->x = list->x;
    series->y = list->y;
    series->top = list->top;
    series->notes = series->kind == DOGB_SERIES_MARKS ? list->notes : NULL;
    series->count = list->count;
}

// --- the objective

// Sorted objectives, the best first (negated where larger is better).
static double *sort_values(size_t *count, const dogb_picture *picture) {
    const dogbreed_tuner *tuner = picture->tuner;
    double *sorted = dogb_alloc(picture->arena, tuner->count + 1, sizeof *sorted);
    *count = 0;
    for (size_t i = 0; sorted != NULL && i < tuner->count; i++) {
        if (dogb_trial_has_value(&tuner->trials[i], 1)) {
            sorted[(*count)++] =
                dogb_tuner_sign(tuner) * dogb_picture_value(picture, &tuner->trials[i]);
        }
    }
    if (sorted != NULL) {
        qsort(sorted, *count, sizeof *sorted, dogb_number_compare);
    }
    return sorted;
}

// One trial that went astray must not flatten the rest: of ten or more, the worst tenth may lie
// beyond the end of the axis.
static double worst_shown(const double *sorted, size_t count) {
    double best = sorted[0];
    double most = sorted[(count - 1) * 9 / 10];
    double worst = sorted[count - 1];
    int astray = count >= 10 && most > best && worst - best > 3 * (most - best);
    return astray ? most + 0.5 * (most - best) : worst;
}

static int choose_noted(dogb_picture *picture) {
    const dogbreed_tuner *tuner = picture->tuner;
    const dogb_trial *best = NULL;
    const dogb_trial *worst = NULL;
    picture->noted = dogb_alloc(picture->arena, tuner->count + 1, sizeof *picture->noted);
    if (picture->noted == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < tuner->count; i++) {
        const dogb_trial *trial = &tuner->trials[i];
        picture->noted[i] = tuner->count <= DOGB_PICTURE_NOTES;
        if (!dogb_trial_has_value(trial, 1)) {
            continue;
        }
        worst = worst == NULL || dogb_trial_better(tuner, worst, trial) ? trial : worst;
        if (trial->state == DOGB_TRIAL_COMPLETE &&
            (best == NULL || dogb_trial_better(tuner, trial, best))) {
            best = trial;
            picture->noted[i] = 1;
        }
    }
    if (worst != NULL) {
        picture->noted[worst - tuner->trials] = 1;
    }
    return DOGBREED_OK;
}

int dogb_picture_prepare(dogb_picture *picture) {
    static const struct {
        const char *label;
        double factor;
    } objectives[] = {[DOGBREED_OBJECTIVE_VAL_ACCURACY] = {"val_accuracy (%)", 100},
                      [DOGBREED_OBJECTIVE_VAL_LOSS] = {"val_loss", 1},
                      [DOGBREED_OBJECTIVE_VAL_TOP5] = {"val_top5 (%)", 100},
                      [DOGBREED_OBJECTIVE_MINIMIZE] = {"value", 1},
                      [DOGBREED_OBJECTIVE_MAXIMIZE] = {"value", 1}};
    const dogbreed_tuner *tuner = picture->tuner;
    size_t count = 0;
    picture->label = objectives[tuner->options.objective].label;
    picture->factor = objectives[tuner->options.objective].factor;
    double *sorted = sort_values(&count, picture);
    int rc = sorted == NULL ? DOGBREED_ERROR_NO_MEMORY : choose_noted(picture);
    if (rc < 0) {
        return rc;
    }
    double sign = dogb_tuner_sign(tuner);
    if (count == 0) { // no numbers along an axis without any
        static const char *const none[] = {""};
        picture->scale = dogb_scale_names(picture->label, none, 1);
        return DOGBREED_OK;
    }
    double best = sign * sorted[0];
    double worst = sign * worst_shown(sorted, count);
    picture->scale = dogb_scale_numbers(picture->label, fmin(best, worst), fmax(best, worst), 0, 0);
    return DOGBREED_OK;
}

// --- trials and parameters

static void add_params(dogb_buffer *out, const dogb_picture *picture, const dogb_trial *trial) {
    const dogbreed_tuner *tuner = picture->tuner;
    const char *before = " (";
    for (size_t i = 0; i < tuner->axis_count; i++) {
        const dogb_axis *axis = &tuner->axes[i];
        double value = trial->values[i];
        if (isnan(value)) {
            continue;
        }
        const char *text = axis->kind == DOGB_AXIS_FLOAT
                               ? dogb_picture_number(picture->arena, value)
                               : dogb_trial_text(picture->arena, axis, value);
        dogb_buffer_add(out, before);
        dogb_buffer_add(out, axis->name);
        dogb_buffer_add(out, " ");
        dogb_buffer_add(out, text == NULL ? "" : text);
        out->rc = text == NULL ? DOGBREED_ERROR_NO_MEMORY : out->rc;
        before = ", ";
    }
    dogb_buffer_add(out, *before == ',' ? ")" : "");
}

char *dogb_picture_describe(const dogb_picture *picture, const dogb_trial *trial) {
    static const char *const states[] = {"running", "complete", "pruned", "failed", "waiting"};
    dogb_buffer out = {.arena = picture->arena};
    dogb_buffer_add(&out, "trial ");
    dogb_buffer_integer(&out, trial - picture->tuner->trials);
    dogb_buffer_add(&out, ", ");
    dogb_buffer_add(&out, states[trial->state]);
    if (dogb_trial_has_value(trial, 1)) {
        const char *text = dogb_picture_number(picture->arena, dogb_picture_value(picture, trial));
        dogb_buffer_add(&out, ": ");
        dogb_buffer_add(&out, text == NULL ? "" : text);
        dogb_buffer_add(&out, picture->factor == 100 ? " %" : "");
        out.rc = text == NULL ? DOGBREED_ERROR_NO_MEMORY : out.rc;
    } else if (trial->reason != NULL) {
        dogb_buffer_add(&out, ": ");
        dogb_buffer_add(&out, trial->reason);
    }
    add_params(&out, picture, trial);
    return out.rc < 0 ? NULL : out.data;
}

int dogb_picture_note(const char **out, const dogb_picture *picture, const dogb_trial *trial) {
    *out = NULL;
    if (!picture->noted[trial - picture->tuner->trials]) {
        return DOGBREED_OK;
    }
    *out = dogb_picture_describe(picture, trial);
    return *out == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

dogb_scale dogb_picture_axis(const dogb_axis *axis) {
    if (axis->kind == DOGB_AXIS_CHOICE) {
        return dogb_scale_names(axis->name, axis->choices, axis->choice_count);
    }
    return dogb_scale_numbers(axis->name, axis->low, axis->high, axis->scale == DOGB_SCALE_LOG,
                              axis->kind == DOGB_AXIS_INT);
}
