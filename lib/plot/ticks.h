// ticks.h - round numbers along an axis, and their texts.
#ifndef DOGB_PLOT_TICKS_H
#define DOGB_PLOT_TICKS_H

#include <stdint.h>

enum { DOGB_TICKS_MAX = 24 };

typedef struct dogb_tick {
    double value;
    char text[32];
} dogb_tick;

typedef struct dogb_ticks {
    dogb_tick tick[DOGB_TICKS_MAX];
    int32_t count;
    int32_t reserved;
} dogb_ticks;

// Steps of 1, 2 or 5 times a power of ten, about `wanted` (2 to 12) of them, all within low ..
// high (finite, low < high). integers: no step below 1.
void dogb_ticks_linear(dogb_ticks *out, double low, double high, int32_t wanted, int integers);

// Powers of ten; where these are few, 2 and 5 times them as well, or linear ones. 0 < low.
void dogb_ticks_log(dogb_ticks *out, double low, double high, int32_t wanted);

// Makes low .. high an axis: finite, low < high, wide enough to be told apart. log: 0 < low, too.
void dogb_ticks_range(double *low, double *high, int log);

#endif
