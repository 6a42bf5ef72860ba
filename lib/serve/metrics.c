// metrics.c - counting.
#include "serve/metrics.h"
#include "core/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const int32_t dogb_metrics_statuses[DOGB_METRICS_STATUSES] = {
    200, 202, 400, 401, 403, 404, 405, 408, 409, 413, 414, 415, 422, 429, 431, 500, 503, 507, 0};

// 10 us to 10 s, in steps of 1, 2.5, 5.
static const uint64_t edges[DOGB_HISTOGRAM_BUCKETS] = {
    10000,     25000,      50000,      100000,     250000,      500000,     1000000,
    2500000,   5000000,    10000000,   25000000,   50000000,    100000000,  250000000,
    500000000, 1000000000, 2500000000, 5000000000, 10000000000, 25000000000};
const char *const dogb_metrics_edges[DOGB_HISTOGRAM_BUCKETS + 1] = {
    "1e-05",  "2.5e-05", "5e-05", "0.0001", "0.00025", "0.0005", "0.001",
    "0.0025", "0.005",   "0.01",  "0.025",  "0.05",    "0.1",    "0.25",
    "0.5",    "1",       "2.5",   "5",      "10",      "25",     "+Inf"};

// When the process began: now, less what the kernel says it has been running.
static double process_start(void) {
    char text[1024] = "";
    FILE *file = fopen("/proc/self/stat", "re");
    size_t got = file == NULL ? 0 : fread(text, 1, sizeof text - 1, file);
    if (file != NULL) {
        (void)fclose(file);
    }
    text[got] = '\0';
    // The name of the program, in brackets, may hold anything; field 3 follows the last bracket.
    const char *at = strrchr(text, ')');
    unsigned long long ticks = 0;
    struct timespec up;
    if (at == NULL ||
        sscanf(at + 1,
               " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
               &ticks) != 1 ||
        clock_gettime(CLOCK_BOOTTIME, &up) != 0) {
        return dogb_clock_wall();
    }
    double uptime = (double)up.tv_sec + 1e-9 * (double)up.tv_nsec;
    return dogb_clock_wall() - uptime + (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

void dogb_metrics_start(dogb_metrics *metrics) {
    metrics->started = process_start();
}

void dogb_metrics_request(dogb_metrics *metrics, const dogb_route *route, int32_t status) {
    size_t row = route == NULL ? DOGB_METRICS_ROUTES : (size_t)(route - dogb_routes);
    size_t column = 0;
    while (column < DOGB_METRICS_STATUSES - 1 && dogb_metrics_statuses[column] != status) {
        column++;
    }
    (void)atomic_fetch_add(&metrics->requests[row][column], 1);
}

void dogb_metrics_time(dogb_metrics *metrics, int32_t which, uint64_t nanoseconds) {
    dogb_histogram *histogram = &metrics->times[which];
    size_t bucket = 0;
    uint64_t value = nanoseconds == 0 ? 1 : nanoseconds; // 0 stands for "none yet"
    while (bucket < DOGB_HISTOGRAM_BUCKETS && value > edges[bucket]) {
        bucket++;
    }
    (void)atomic_fetch_add(&histogram->buckets[bucket], 1);
    (void)atomic_fetch_add(&histogram->sum, value);
    uint64_t seen = atomic_load(&histogram->high);
    while (value > seen && !atomic_compare_exchange_weak(&histogram->high, &seen, value)) {
    }
    seen = atomic_load(&histogram->low);
    while ((seen == 0 || value < seen) &&
           !atomic_compare_exchange_weak(&histogram->low, &seen, value)) {
    }
}

void dogb_metrics_batch(dogb_metrics *metrics, int32_t pictures) {
    size_t bucket = 0;
    while (bucket < DOGB_BATCH_BUCKETS - 1 && pictures > 1 << bucket) {
        bucket++;
    }
    (void)atomic_fetch_add(&metrics->batches[bucket], 1);
    (void)atomic_fetch_add(&metrics->batches_sum, (uint64_t)pictures);
}

void dogb_metrics_decode_error(dogb_metrics *metrics, int32_t code) {
    size_t row = code < 0 && -code < DOGB_METRICS_CODES ? (size_t)-code : 0;
    (void)atomic_fetch_add(&metrics->decode_errors[row], 1);
}
