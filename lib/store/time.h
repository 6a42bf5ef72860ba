// time.h - times as other people's documents write them.
#ifndef DOGB_STORE_TIME_H
#define DOGB_STORE_TIME_H

// Seconds since 1970 of an RFC 3339 time: "2026-01-31T12:00:00Z", "2026-01-31T13:00:00.5+01:00".
// FORMAT: anything else.
int dogb_time_parse(double *out, const char *text);

#endif
