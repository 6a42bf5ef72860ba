// history.h - finished and pending trials as samplers see them.
#ifndef DOGB_SEARCH_HISTORY_H
#define DOGB_SEARCH_HISTORY_H

#include "search/space.h"

typedef struct dogb_point {
    const double *values; // [space->count], NaN: this trial lacks the parameter
    double objective;     // smaller is better; NaN: failed or pending
    int64_t number;
} dogb_point;

typedef struct dogb_history {
    const dogb_space *space;
    const dogb_point *points; // finished, in the order of their numbers
    int64_t count;
    const dogb_point *pending; // suggested, without a result yet
    int64_t pending_count;
} dogb_history;

// Points of the history that have a result.
int64_t dogb_history_finished(const dogb_history *history);

// 1: the point has axes first .. first + count - 1.
int dogb_point_has(const dogb_point *point, int32_t first, int32_t count);

#endif
