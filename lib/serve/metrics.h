// metrics.h - what the server counts, as Prometheus text and under CloudWatch's names. Counters are
// atomic: any thread, no lock.
#ifndef DOGB_SERVE_METRICS_H
#define DOGB_SERVE_METRICS_H

#include "core/buffer.h"
#include "serve/route.h"

#include <stdint.h>

// Histograms. Of requests that were computed; then of models that requests load.
enum {
    DOGB_TIME_QUEUE = 0,
    DOGB_TIME_DECODE = 1,
    DOGB_TIME_MODEL = 2,
    DOGB_TIME_OVERHEAD = 3, // reply - receive - model
    DOGB_TIME_TOTAL = 4,
    DOGB_TIME_LOAD = 5,
    DOGB_TIME_LOAD_WAIT = 6, // from the last byte of the request to load it until it is there
    DOGB_TIME_UNLOAD = 7,
    DOGB_TIME_COUNT = 8
};

// Why a request was not served.
enum {
    DOGB_REJECTED_GUARD = 0,
    DOGB_REJECTED_TOKEN = 1,
    DOGB_REJECTED_TOO_LARGE = 2,
    DOGB_REJECTED_QUEUE_FULL = 3,
    DOGB_REJECTED_DEADLINE = 4,
    DOGB_REJECTED_SLOW = 5, // given to the text as a gauge: the reaper counts it
    DOGB_REJECTED_BODIES_FULL = 6,
    DOGB_REJECTED_COUNT = 7
};

// What became of requests whose results are fetched later.
enum {
    DOGB_ASYNC_ACCEPTED = 0,
    DOGB_ASYNC_DONE = 1,
    DOGB_ASYNC_FAILED = 2,    // computed; the result is an error
    DOGB_ASYNC_CANCELLED = 3, // by a request
    DOGB_ASYNC_EXPIRED = 4,
    DOGB_ASYNC_DELIVERED = 5, // callbacks
    DOGB_ASYNC_UNDELIVERED = 6,
    DOGB_ASYNC_COUNT = 7
};

enum { DOGB_METRICS_ROUTES = 40, DOGB_METRICS_STATUSES = 19, DOGB_METRICS_CODES = 32 };
enum { DOGB_HISTOGRAM_BUCKETS = 20 }; // and +Inf
enum { DOGB_BATCH_BUCKETS = 13 };

typedef struct dogb_histogram {
    _Atomic uint64_t buckets[DOGB_HISTOGRAM_BUCKETS + 1]; // not cumulative; the last is +Inf
    _Atomic uint64_t sum;                                 // ns
    _Atomic uint64_t low;                                 // ns; 0: none yet
    _Atomic uint64_t high;
} dogb_histogram;

// All zero at the beginning.
typedef struct dogb_metrics {
    // By row of dogb_routes (the last: no such address), by status (the last: others).
    _Atomic uint64_t requests[DOGB_METRICS_ROUTES + 1][DOGB_METRICS_STATUSES];
    _Atomic uint64_t rejected[DOGB_REJECTED_COUNT];
    _Atomic uint64_t async[DOGB_ASYNC_COUNT];
    _Atomic uint64_t decode_errors[DOGB_METRICS_CODES]; // by -code
    _Atomic uint64_t model_errors;
    _Atomic uint64_t exif_ignored;
    _Atomic uint64_t model_hits;   // invocations whose model was loaded
    _Atomic uint64_t model_misses; // and was not
    _Atomic uint64_t evictions;
    dogb_histogram times[DOGB_TIME_COUNT];
    // Pictures by how many were computed with them: 1, 2, 4 ... 4096 at most.
    _Atomic uint64_t batches[DOGB_BATCH_BUCKETS];
    _Atomic uint64_t batches_sum;
    _Atomic int64_t inflight;   // requests that are whole and not answered
    const char *_Atomic engine; // its name; static; NULL: none yet
    _Atomic uint64_t setup_ns;  // loading the own model
    double started;             // of the process, seconds since 1970
} dogb_metrics;

// What is asked at the moment of reading.
typedef struct dogb_gauges {
    int64_t queue_depth;
    int64_t connections;
    int64_t models;
    int64_t models_bytes; // of those that requests have loaded
    int64_t async_waiting;
    int64_t async_kept;
    int64_t async_bytes;
    int64_t slow; // connections closed by the reaper
} dogb_gauges;

void dogb_metrics_start(dogb_metrics *metrics);
void dogb_metrics_request(dogb_metrics *metrics, const dogb_route *route, int32_t status);
void dogb_metrics_time(dogb_metrics *metrics, int32_t which, uint64_t nanoseconds);
// A picture that was computed in a batch of so many.
void dogb_metrics_batch(dogb_metrics *metrics, int32_t pictures);
void dogb_metrics_decode_error(dogb_metrics *metrics, int32_t code);

// Prometheus text 0.0.4; and JSON with CloudWatch's names, times in microseconds.
void dogb_metrics_text(dogb_buffer *out, const dogb_metrics *metrics, const dogb_gauges *gauges);
void dogb_metrics_json(dogb_buffer *out, const dogb_metrics *metrics, const dogb_gauges *gauges);

extern const int32_t dogb_metrics_statuses[DOGB_METRICS_STATUSES];       // 0: others
extern const char *const dogb_metrics_edges[DOGB_HISTOGRAM_BUCKETS + 1]; // seconds, "+Inf"

#endif
