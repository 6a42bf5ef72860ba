// clock.h - time: monotonic seconds and RFC 3339 text.
#ifndef DOGB_CORE_CLOCK_H
#define DOGB_CORE_CLOCK_H

double dogb_clock(void);            // monotonic, seconds
double dogb_clock_wall(void);       // seconds since 1970, UTC
void dogb_clock_text(char out[28]); // now in UTC, "2026-01-31T12:00:00.000000Z"

#endif
