// metrics.h - metric lines on stdout while training.
#ifndef TOOL_METRICS_H
#define TOOL_METRICS_H

#include "tool.h"

enum {
    METRICS_NONE = -1,
    METRICS_TEXT = 0,
    METRICS_KATIB_TEXT = 1,
    METRICS_KATIB_JSON = 2,
    METRICS_JSONL = 3
};
enum { METRICS_MAX = 7 };

int metrics_format(const char *name); // METRICS_; -1: there is no such form
// A dogbreed_event_fn for EPOCH_END; userdata: int with the form.
int metrics_event(const dogbreed_event *event, void *userdata);

#endif
