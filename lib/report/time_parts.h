// time_parts.h - what time.c, time_loop.c and time_series.c share.
#ifndef DOGB_REPORT_TIME_PARTS_H
#define DOGB_REPORT_TIME_PARTS_H

#include "report/section.h"

enum { DOGB_TIME_PARTS_MAX = 10 };
typedef struct dogb_time_part {
    const char *name;
    double value; // seconds; NaN: unknown
} dogb_time_part;
void dogb_time_shares(dogb_report *r, const char *title, const dogb_time_part *parts, size_t count);

// A percentile of a system metric: "cpu", "p95". NaN: none.
double dogb_time_metric(const json_t *profile, const char *metric, const char *column);
double dogb_time_layer(const json_t *row); // forward and backward, ns

void dogb_time_series(dogb_report *r, const json_t *series); // the system over time
void dogb_time_loop(dogb_report *r, const json_t *profile);  // the training loop, part by part

#endif
