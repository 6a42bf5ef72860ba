// history.c - see history.h.
#include "search/history.h"

#include <math.h>

int64_t dogb_history_finished(const dogb_history *history) {
    int64_t count = 0;
    for (int64_t i = 0; i < history->count; i++) {
        count += !isnan(history->points[i].objective);
    }
    return count;
}

int dogb_point_has(const dogb_point *point, int32_t first, int32_t count) {
    for (int32_t i = first; i < first + count; i++) {
        if (isnan(point->values[i])) {
            return 0;
        }
    }
    return 1;
}
