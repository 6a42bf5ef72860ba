// space.c - axes: checks, and the mapping between values and the unit interval. An axis of steps
// (integers, or floats with a step) maps a range widened by half a step on each side, so that the
// first and the last value are as likely as the others.
#include "search/space.h"

#include "core/error.h"
#include "core/number.h"

#include <math.h>
#include <string.h>

static const double integer_max = 9007199254740992.0; // 2^53: doubles count no further

static double clamp(double value, double low, double high) {
    return value < low ? low : value > high ? high : value;
}

static int fail_value(const dogb_axis *axis, const char *what, double value, const char *expected) {
    char text[40];
    dogb_number_text(text, value);
    return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "search: %s: %s is %s, expected %s",
                     axis->name, what, text, expected);
}

static int check_choices(dogb_axis *axis) {
    if (axis->choice_count < 1 || axis->choices == NULL) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "search: %s: no choices", axis->name);
    }
    axis->low = 0;
    axis->high = axis->choice_count - 1;
    axis->step = 1;
    axis->scale = DOGB_SCALE_LINEAR;
    return 0;
}

static int check_integers(const dogb_axis *axis) {
    const struct {
        const char *what;
        double value;
    } parts[] = {{"low", axis->low}, {"high", axis->high}, {"step", axis->step}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (floor(parts[i].value) != parts[i].value || fabs(parts[i].value) > integer_max) {
            return fail_value(axis, parts[i].what, parts[i].value, "a whole number within 2^53");
        }
    }
    return 0;
}

static int check_scale(const dogb_axis *axis) {
    if (axis->scale < DOGB_SCALE_AUTO || axis->scale > DOGB_SCALE_REVERSE_LOG) {
        return fail_value(axis, "scale", axis->scale, "auto, linear, log or reverse-log");
    }
    if (axis->scale == DOGB_SCALE_LOG && axis->low <= 0) {
        return fail_value(axis, "low", axis->low, "more than 0 on a log scale");
    }
    if (axis->scale == DOGB_SCALE_REVERSE_LOG && (axis->low < 0 || axis->high >= 1)) {
        return fail_value(axis, axis->low < 0 ? "low" : "high",
                          axis->low < 0 ? axis->low : axis->high,
                          "0 or more and below 1 on a reverse-log scale");
    }
    if (axis->scale == DOGB_SCALE_REVERSE_LOG && axis->kind == DOGB_AXIS_INT) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "search: %s: a reverse-log scale takes floats, not integers", axis->name);
    }
    double free_step = axis->kind == DOGB_AXIS_INT ? 1 : 0;
    if (axis->scale > DOGB_SCALE_LINEAR && axis->step != free_step) {
        return fail_value(axis, "step", axis->step, "none on a log or reverse-log scale");
    }
    return 0;
}

// Moves high down to the last step, once: a range that was checked stays as it is.
static int check_step(dogb_axis *axis) {
    if (!isfinite(axis->high - axis->low + axis->step)) { // the range widened by half a step
        return fail_value(axis, "step", axis->step, "less, so that the range is finite");
    }
    if (axis->step < (fabs(axis->low) + fabs(axis->high)) * 0x1p-51) {
        return fail_value(axis, "step", axis->step, "at least 2^-51 of the ends of the range");
    }
    double steps = (axis->high - axis->low) / axis->step;
    if (fabs(axis->low + round(steps) * axis->step - axis->high) > 1e-9 * axis->step) {
        axis->high = axis->low + floor(steps) * axis->step;
    }
    return 0;
}

int dogb_axis_check(dogb_axis *axis) {
    DOGB_CHECK(axis->name != NULL && axis->name[0] != 0, "search: an axis has no name");
    if (axis->kind == DOGB_AXIS_CHOICE) {
        return check_choices(axis);
    }
    int rc;
    if (axis->kind != DOGB_AXIS_FLOAT && axis->kind != DOGB_AXIS_INT) {
        return fail_value(axis, "kind", axis->kind, "float, int or choice");
    }
    if (!isfinite(axis->low) || !isfinite(axis->high) || !isfinite(axis->high - axis->low)) {
        return fail_value(axis, isfinite(axis->low) ? "high" : "low",
                          isfinite(axis->low) ? axis->high : axis->low, "a finite number");
    }
    if (axis->low > axis->high) {
        return fail_value(axis, "low", axis->low, "no more than high");
    }
    if (axis->kind == DOGB_AXIS_INT && axis->step == 0) {
        axis->step = 1;
    }
    if (!(axis->step >= 0 && isfinite(axis->step))) {
        return fail_value(axis, "step", axis->step, "more than 0");
    }
    if (axis->kind == DOGB_AXIS_INT && (rc = check_integers(axis)) < 0) {
        return rc;
    }
    if ((rc = check_scale(axis)) < 0) {
        return rc;
    }
    if (axis->scale == DOGB_SCALE_AUTO) {
        int stepped = axis->step != (axis->kind == DOGB_AXIS_INT ? 1 : 0);
        axis->scale = !stepped && axis->low > 0 && axis->high / axis->low >= 100
                          ? DOGB_SCALE_LOG
                          : DOGB_SCALE_LINEAR;
    }
    return axis->step > 0 ? check_step(axis) : 0;
}

int dogb_space_check(const dogb_space *space) {
    DOGB_CHECK(space->count >= 1 && space->axes != NULL, "search: nothing to search, no axis");
    for (int32_t i = 0; i < space->count; i++) {
        dogb_axis axis = space->axes[i];
        int rc = dogb_axis_check(&axis);
        if (rc < 0) {
            return rc;
        }
        DOGB_CHECK(axis.scale == space->axes[i].scale && axis.high == space->axes[i].high &&
                       axis.step == space->axes[i].step,
                   "search: %s: the axis was not checked", axis.name);
        for (int32_t j = 0; j < i; j++) {
            DOGB_CHECK(strcmp(axis.name, space->axes[j].name) != 0, "search: %s stands twice",
                       axis.name);
        }
    }
    return 0;
}

// --- scales

static double scaled(int32_t scale, double value) {
    return scale == DOGB_SCALE_LOG           ? log(value)
           : scale == DOGB_SCALE_REVERSE_LOG ? -log1p(-value)
                                             : value;
}

static double unscaled(int32_t scale, double value) {
    return scale == DOGB_SCALE_LOG           ? exp(value)
           : scale == DOGB_SCALE_REVERSE_LOG ? -expm1(-value)
                                             : value;
}

double dogb_axis_scaled(const dogb_axis *axis, double value) {
    return scaled(axis->scale, value);
}

void dogb_axis_bounds(const dogb_axis *axis, double *low, double *high) {
    *low = scaled(axis->scale, axis->low - axis->step / 2);
    *high = scaled(axis->scale, axis->high + axis->step / 2);
}

static double nearest(const dogb_axis *axis, double value) {
    if (axis->step > 0) {
        value = axis->low + round((value - axis->low) / axis->step) * axis->step;
    }
    return clamp(value, axis->low, axis->high);
}

double dogb_axis_value(const dogb_axis *axis, double unit) {
    double low, high;
    dogb_axis_bounds(axis, &low, &high);
    double at = low + clamp(unit, 0, 1) * (high - low);
    return nearest(axis, unscaled(axis->scale, at));
}

double dogb_axis_unit(const dogb_axis *axis, double value) {
    double low, high;
    dogb_axis_bounds(axis, &low, &high);
    if (!(high > low)) {
        return 0.5;
    }
    double at = scaled(axis->scale, clamp(value, axis->low, axis->high));
    return clamp((at - low) / (high - low), 0, 1);
}

int64_t dogb_axis_count(const dogb_axis *axis) {
    if (axis->step > 0) {
        return (int64_t)round((axis->high - axis->low) / axis->step) + 1;
    }
    return axis->low == axis->high ? 1 : 0;
}

double dogb_axis_at(const dogb_axis *axis, int64_t index) {
    return nearest(axis, axis->low + (double)index * axis->step);
}

int64_t dogb_grid_count(const dogb_space *space) {
    int64_t count = 1;
    for (int32_t i = 0; i < space->count; i++) {
        int64_t here = dogb_axis_count(&space->axes[i]);
        if (here == 0 || count > (INT64_C(1) << 62) / here) {
            return 0;
        }
        count *= here;
    }
    return count;
}
