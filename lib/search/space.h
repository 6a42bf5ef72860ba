// space.h - what is searched: axes (floats, integers, choices), their scales, and the mapping
// between a value and its place in the unit interval. Values are as Optuna stores them: a float,
// an integer as a double, or the index of a choice.
#ifndef DOGB_SEARCH_SPACE_H
#define DOGB_SEARCH_SPACE_H

#include "core/arena.h"

#include <stdint.h>

enum { DOGB_AXIS_FLOAT = 0, DOGB_AXIS_INT = 1, DOGB_AXIS_CHOICE = 2 };
enum {
    DOGB_SCALE_AUTO = 0,
    DOGB_SCALE_LINEAR = 1,
    DOGB_SCALE_LOG = 2,
    DOGB_SCALE_REVERSE_LOG = 3 // on -log(1 - x), 0 <= x < 1
};

typedef struct dogb_axis {
    const char *name;
    int32_t kind;
    int32_t scale;              // never AUTO behind dogb_axis_check
    double low;                 // float, int: inclusive; choice: 0
    double high;                // choice: choice_count - 1
    double step;                // 0: continuous; int: 1 or more
    const char *const *choices; // text of each
    int32_t choice_count;
    int32_t reserved;
} dogb_axis;

typedef struct dogb_space {
    const dogb_axis *axes;
    int32_t count;
    int32_t reserved;
} dogb_space;

// Resolves AUTO (log where low > 0 and high / low >= 100 and there is no step, else linear) and
// moves high down to the last step. INVALID_ARGUMENT names the axis, the value, what was expected.
int dogb_axis_check(dogb_axis *axis);

// Axes that dogb_axis_check has seen, 1 or more, each name once.
int dogb_space_check(const dogb_space *space);

// "learning_rate=log:1e-4:1e-1", "batch_size=32,64", "epochs=6..10", "x=linear:0:1:0.25" (step),
// "epochs=int:6:10:2"; docs/search.md has all forms. The axis is checked; its texts live in the
// arena.
int dogb_axis_parse(dogb_axis *out, dogb_arena *arena, const char *text);

// unit in [0, 1]; what lies outside is clamped, on both sides.
double dogb_axis_value(const dogb_axis *axis, double unit);
double dogb_axis_unit(const dogb_axis *axis, double value);

// Distinct values of the axis; 0: a continuum. Value number `index` of those.
int64_t dogb_axis_count(const dogb_axis *axis);
double dogb_axis_at(const dogb_axis *axis, int64_t index);

// Points of the grid over all axes; 0: an axis is continuous, or more than 2^62.
int64_t dogb_grid_count(const dogb_space *space);

// Ends of the axis on its scale, widened by half a step where there are steps: what units 0 and 1
// stand for. dogb_axis_scaled takes a value there.
void dogb_axis_bounds(const dogb_axis *axis, double *low, double *high);
double dogb_axis_scaled(const dogb_axis *axis, double value);

#endif
