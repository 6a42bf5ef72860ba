// clock.c - the two clocks.
#include "core/clock.h"

#include <stdio.h>
#include <time.h>

double dogb_clock(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double dogb_clock_wall(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void dogb_clock_text(char out[28]) {
    struct timespec now;
    struct tm utc;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &utc);
    size_t used = strftime(out, 28, "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(out + used, 28 - used, ".%06dZ", (int)(now.tv_nsec / 1000));
}
