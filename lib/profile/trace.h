// trace.h - trace.json: a Chrome trace that Perfetto opens, one event a line, so that what a crash
// leaves can be read; and system.jsonl: one value a line.
#ifndef DOGB_PROFILE_TRACE_H
#define DOGB_PROFILE_TRACE_H

#include "core/buffer.h"
#include "core/json.h"
#include "core/span.h"
#include "profile/activity.h"
#include "profile/sample.h"

typedef struct dogb_trace dogb_trace;

typedef struct dogb_trace_conf {
    const char *trace;    // path; NULL: none
    const char *system;   // path; NULL: none
    const json_t *header; // member "otherData"
    int64_t bytes_max;    // of trace.json, about
    uint64_t zero;        // time of its 0
    int64_t wall_zero;    // microseconds since 1970 of it
    int32_t parity;       // 1: phases have the reference product's names
    int32_t reserved;
} dogb_trace_conf;

// Closed by the arena. IO.
int dogb_trace_open(dogb_trace **out, dogb_arena *arena, const dogb_trace_conf *conf);
// A phase that has ended; label: quoted JSON text of a layer, op likewise; else NULL. Phases of
// other threads than the run's end at half of the size. 0: there is no room for it.
int dogb_trace_span(dogb_trace *trace, const dogb_span_event *end, const char *label,
                    const char *op);
// What an engine recorded. 0: there is no room for it.
int dogb_trace_activity(dogb_trace *trace, const dogb_activity *activity);
void dogb_trace_thread(dogb_trace *trace, int32_t thread, const char *name);
void dogb_trace_counter(dogb_trace *trace, uint64_t time, const char *name, const char *member,
                        double value);
void dogb_trace_instant(dogb_trace *trace, uint64_t time, const char *name, const json_t *args);
// microseconds: since wall_zero's.
void dogb_trace_sample(dogb_trace *trace, int64_t microseconds, const char *type, const char *name,
                       const char *dimension, double value);
// Writes what has been gathered. The first failure is warned about and ends the file.
void dogb_trace_flush(dogb_trace *trace);
void dogb_trace_finish(dogb_trace *trace); // ends both files

#endif
