// mark.c - outlines of marks; shared by the library and the module that draws.
#include "plot/module.h"

size_t dogb_mark_outline(const double **points, int32_t mark) {
    static const double diamond[] = {0, -1.2, 1.2, 0, 0, 1.2, -1.2, 0};
    static const double up[] = {0, -1.2, 1.1, 0.9, -1.1, 0.9};
    static const double down[] = {0, 1.2, 1.1, -0.9, -1.1, -0.9};
    static const double cross[] = {-1, -1, 1, 1, -1, 1, 1, -1}; // two strokes
    static const double dash[] = {-1, -0.1, 1, -0.1, 1, 0.1, -1, 0.1};
    static const struct {
        const double *points;
        size_t count;
    } outlines[] = {
        [DOGB_MARK_CROSS] = {cross, 4}, [DOGB_MARK_DIAMOND] = {diamond, 4},
        [DOGB_MARK_UP] = {up, 3},       [DOGB_MARK_DOWN] = {down, 3},
        [DOGB_MARK_DASH] = {dash, 4},
    };
    if (mark < 0 || (size_t)mark >= sizeof outlines / sizeof outlines[0]) {
        return 0;
    }
    *points = outlines[mark].points;
    return outlines[mark].count;
}
