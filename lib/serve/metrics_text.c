// metrics_text.c - the counters as text: Prometheus (seconds, snake_case), and JSON under the names
// that CloudWatch gives to an endpoint's (microseconds, CamelCase).
#include "core/number.h"
#include "serve/metrics.h"

#include <dogbreed/common.h>

#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static void number(dogb_buffer *out, double value) {
    char text[40];
    dogb_number_text(text, value);
    dogb_buffer_add(out, text);
}

static void line(dogb_buffer *out, const char *name, const char *labels, double value) {
    dogb_buffer_add(out, name);
    dogb_buffer_add(out, labels);
    dogb_buffer_add(out, " ");
    number(out, value);
    dogb_buffer_add(out, "\n");
}

static void head(dogb_buffer *out, const char *name, const char *type, const char *help) {
    const char *parts[] = {"# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        dogb_buffer_add(out, parts[i]);
    }
}

static void single(dogb_buffer *out, const char *name, const char *type, const char *help,
                   double value) {
    head(out, name, type, help);
    line(out, name, "", value);
}

static const char *route_name(size_t row) {
    return row < dogb_route_count ? dogb_routes[row].path : "other";
}

static void requests(dogb_buffer *out, const dogb_metrics *metrics) {
    static const char name[] = "dogbreed_http_requests_total";
    head(out, name, "counter", "Requests by address and status.");
    for (size_t row = 0; row <= DOGB_METRICS_ROUTES; row++) {
        for (size_t i = 0; i < DOGB_METRICS_STATUSES; i++) {
            uint64_t count = atomic_load(&metrics->requests[row][i]);
            char labels[160];
            if (count == 0) {
                continue;
            }
            (void)snprintf(labels, sizeof labels, "{route=\"%s\",method=\"%s\",code=\"%d\"}",
                           route_name(row), row < dogb_route_count ? dogb_routes[row].method : "",
                           (int)dogb_metrics_statuses[i]); // 0: another one
            line(out, name, labels, (double)count);
        }
    }
}

static void bucket(dogb_buffer *out, const char *name, const char *edge, uint64_t count) {
    char full[64];
    char labels[32];
    (void)snprintf(full, sizeof full, "%s_bucket", name);
    (void)snprintf(labels, sizeof labels, "{le=\"%s\"}", edge);
    line(out, full, labels, (double)count);
}

static void sum_and_count(dogb_buffer *out, const char *name, double sum, uint64_t count) {
    char full[64];
    (void)snprintf(full, sizeof full, "%s_sum", name);
    line(out, full, "", sum);
    (void)snprintf(full, sizeof full, "%s_count", name);
    line(out, full, "", (double)count);
}

static void histogram(dogb_buffer *out, const char *name, const char *help,
                      const dogb_histogram *values) {
    uint64_t count = 0;
    head(out, name, "histogram", help);
    for (size_t i = 0; i <= DOGB_HISTOGRAM_BUCKETS; i++) {
        count += atomic_load(&values->buckets[i]);
        bucket(out, name, dogb_metrics_edges[i], count);
    }
    sum_and_count(out, name, 1e-9 * (double)atomic_load(&values->sum), count);
}

static void batches(dogb_buffer *out, const dogb_metrics *metrics) {
    static const char name[] = "dogbreed_batch_size";
    uint64_t count = 0;
    head(out, name, "histogram", "Pictures that were computed together, by picture.");
    for (size_t i = 0; i < DOGB_BATCH_BUCKETS; i++) {
        char edge[16];
        count += atomic_load(&metrics->batches[i]);
        (void)snprintf(edge, sizeof edge, "%d", 1 << i);
        bucket(out, name, edge, count);
    }
    bucket(out, name, "+Inf", count);
    sum_and_count(out, name, (double)atomic_load(&metrics->batches_sum), count);
}

// One counter with a label; rows that are "" are left out.
static void labelled(dogb_buffer *out, const char *name, const char *help, const char *label,
                     const char *const *names, const _Atomic uint64_t *values, size_t count) {
    head(out, name, "counter", help);
    for (size_t i = 0; i < count; i++) {
        char labels[96];
        if (names[i] != NULL) {
            (void)snprintf(labels, sizeof labels, "{%s=\"%s\"}", label, names[i]);
            line(out, name, labels, (double)atomic_load(&values[i]));
        }
    }
}

static void rejected(dogb_buffer *out, const dogb_metrics *metrics, const dogb_gauges *gauges) {
    static const char *const names[DOGB_REJECTED_COUNT] = {
        "guard", "token", "too_large", "queue_full", "deadline", NULL, "bodies_full"};
    labelled(out, "dogbreed_rejected_total", "Requests that were not served.", "reason", names,
             metrics->rejected, DOGB_REJECTED_COUNT);
    line(out, "dogbreed_rejected_total", "{reason=\"slow\"}", (double)gauges->slow);
}

static void async(dogb_buffer *out, const dogb_metrics *metrics, const dogb_gauges *gauges) {
    static const char *const names[DOGB_ASYNC_COUNT] = {
        "accepted", "done", "failed", "cancelled", "expired", "delivered", "undelivered"};
    labelled(out, "dogbreed_async_total", "Requests whose results are fetched later.", "event",
             names, metrics->async, DOGB_ASYNC_COUNT);
    single(out, "dogbreed_async_waiting", "gauge", "Those that wait.",
           (double)gauges->async_waiting);
    single(out, "dogbreed_async_kept", "gauge", "Those that wait, and results.",
           (double)gauges->async_kept);
    single(out, "dogbreed_async_bytes", "gauge", "Their bodies and results.",
           (double)gauges->async_bytes);
}

static void decode_errors(dogb_buffer *out, const dogb_metrics *metrics) {
    const char *names[DOGB_METRICS_CODES] = {NULL};
    for (int i = 0; i < DOGB_METRICS_CODES; i++) {
        int used = atomic_load(&metrics->decode_errors[i]) > 0;
        names[i] = used ? dogbreed_error_name(-i) : NULL;
    }
    labelled(out, "dogbreed_decode_errors_total", "Pictures that could not be read.", "reason",
             names, metrics->decode_errors, DOGB_METRICS_CODES);
}

static double resident_bytes(void) {
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL || fscanf(file, "%*u %llu", &pages) != 1) {
        pages = 0;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double open_descriptors(void) {
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    for (; folder != NULL && readdir(folder) != NULL;) {
        count++;
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    return count > 3 ? count - 3 : 0; // ".", "..", the folder itself
}

static void process(dogb_buffer *out, const dogb_metrics *metrics) {
    struct timespec cpu = {0};
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    single(out, "process_resident_memory_bytes", "gauge", "Memory of the process in RAM.",
           resident_bytes());
    single(out, "process_cpu_seconds_total", "counter", "Time on CPUs.",
           (double)cpu.tv_sec + 1e-9 * (double)cpu.tv_nsec);
    single(out, "process_open_fds", "gauge", "Open descriptors.", open_descriptors());
    single(out, "process_start_time_seconds", "gauge", "Begin of the process, since 1970.",
           metrics->started);
}

static const struct {
    const char *name;
    const char *help;
} times[DOGB_TIME_COUNT] = {
    {"dogbreed_queue_seconds", "Waiting for a batch, by request."},
    {"dogbreed_decode_seconds", "Decoding and resizing, by request."},
    {"dogbreed_model_seconds", "Computing the network, by request."},
    {"dogbreed_overhead_seconds", "From the last byte of a request to its reply, less the model."},
    {"dogbreed_request_seconds", "From the last byte of a request to its reply."},
    {"dogbreed_model_load_seconds", "Loading a model that a request asked for."},
    {"dogbreed_model_load_wait_seconds", "From such a request to the model, other loads included."},
    {"dogbreed_model_unload_seconds", "Closing such a model."},
};

// Models that requests load.
static void models(dogb_buffer *out, const dogb_metrics *metrics, const dogb_gauges *gauges) {
    single(out, "dogbreed_models_loaded", "gauge", "Models that are loaded.",
           (double)gauges->models);
    single(out, "dogbreed_models_bytes", "gauge", "Memory of those that requests have loaded.",
           (double)gauges->models_bytes);
    single(out, "dogbreed_model_cache_hits_total", "counter",
           "Invocations of a model that was loaded.", (double)atomic_load(&metrics->model_hits));
    single(out, "dogbreed_model_cache_misses_total", "counter",
           "Invocations of a model that was not loaded.",
           (double)atomic_load(&metrics->model_misses));
    single(out, "dogbreed_model_evictions_total", "counter",
           "Models that were closed to make room for others.",
           (double)atomic_load(&metrics->evictions));
}

void dogb_metrics_text(dogb_buffer *out, const dogb_metrics *metrics, const dogb_gauges *gauges) {
    const char *engine = atomic_load(&metrics->engine);
    char labels[96];
    requests(out, metrics);
    rejected(out, metrics, gauges);
    async(out, metrics, gauges);
    single(out, "dogbreed_model_errors_total", "counter", "Requests that the model failed.",
           (double)atomic_load(&metrics->model_errors));
    decode_errors(out, metrics);
    single(out, "dogbreed_exif_orientation_ignored_total", "counter",
           "Pictures whose EXIF orientation was not applied.",
           (double)atomic_load(&metrics->exif_ignored));
    for (size_t i = 0; i < DOGB_TIME_COUNT; i++) {
        histogram(out, times[i].name, times[i].help, &metrics->times[i]);
    }
    batches(out, metrics);
    single(out, "dogbreed_queue_depth", "gauge", "Requests that wait.",
           (double)gauges->queue_depth);
    single(out, "dogbreed_inflight_requests", "gauge", "Requests that are not answered yet.",
           (double)atomic_load(&metrics->inflight));
    single(out, "dogbreed_connections", "gauge", "Open connections.", (double)gauges->connections);
    single(out, "dogbreed_model_setup_seconds", "gauge", "Time to load the model.",
           1e-9 * (double)atomic_load(&metrics->setup_ns));
    models(out, metrics, gauges);
    (void)snprintf(labels, sizeof labels, "{version=\"%s\",abi=\"%d\",engine=\"%s\"}",
                   dogbreed_version(), (int)dogbreed_abi(), engine == NULL ? "none" : engine);
    head(out, "dogbreed_build_info", "gauge", "The library.");
    line(out, "dogbreed_build_info", labels, 1.0);
    process(out, metrics);
}

// --- CloudWatch

static void member(dogb_buffer *out, const char *name, double value) {
    dogb_buffer_add(out, out->length == 1 ? "\"" : ",\"");
    dogb_buffer_add(out, name);
    dogb_buffer_add(out, "\":");
    number(out, value);
}

// Invocations that found their model loaded are 1, others 0.
static void cache_hits(dogb_buffer *out, const dogb_metrics *metrics) {
    uint64_t hits = atomic_load(&metrics->model_hits);
    dogb_buffer_add(out, ",\"ModelCacheHit\":{\"Unit\":\"None\"");
    member(out, "SampleCount", (double)(hits + atomic_load(&metrics->model_misses)));
    member(out, "Sum", (double)hits);
    dogb_buffer_add(out, "}");
}

static void statistic(dogb_buffer *out, const char *name, const dogb_histogram *values) {
    uint64_t count = 0;
    for (size_t i = 0; i <= DOGB_HISTOGRAM_BUCKETS; i++) {
        count += atomic_load(&values->buckets[i]);
    }
    dogb_buffer_add(out, ",\"");
    dogb_buffer_add(out, name);
    dogb_buffer_add(out, "\":{\"Unit\":\"Microseconds\"");
    member(out, "SampleCount", (double)count);
    member(out, "Sum", 1e-3 * (double)atomic_load(&values->sum));
    member(out, "Minimum", 1e-3 * (double)atomic_load(&values->low));
    member(out, "Maximum", 1e-3 * (double)atomic_load(&values->high));
    dogb_buffer_add(out, "}");
}

// Requests of routes that compute, with a status of low..high.
static double invocations(const dogb_metrics *metrics, int32_t low, int32_t high) {
    uint64_t count = 0;
    for (size_t row = 0; row < dogb_route_count; row++) {
        for (size_t i = 0; i < DOGB_METRICS_STATUSES; i++) {
            int32_t status = dogb_metrics_statuses[i];
            if ((dogb_routes[row].flags & DOGB_ROUTE_INFERENCE) && status >= low &&
                status <= high) {
                count += atomic_load(&metrics->requests[row][i]);
            }
        }
    }
    return (double)count;
}

void dogb_metrics_json(dogb_buffer *out, const dogb_metrics *metrics, const dogb_gauges *gauges) {
    dogb_buffer_add(out, "{");
    member(out, "Invocations", invocations(metrics, 0, 599));
    member(out, "Invocation4XXErrors", invocations(metrics, 400, 499));
    member(out, "Invocation5XXErrors", invocations(metrics, 500, 599));
    member(out, "InvocationModelErrors", (double)atomic_load(&metrics->model_errors));
    statistic(out, "ModelLatency", &metrics->times[DOGB_TIME_MODEL]);
    statistic(out, "OverheadLatency", &metrics->times[DOGB_TIME_OVERHEAD]);
    statistic(out, "ModelLoadingTime", &metrics->times[DOGB_TIME_LOAD]);
    statistic(out, "ModelLoadingWaitTime", &metrics->times[DOGB_TIME_LOAD_WAIT]);
    statistic(out, "ModelUnloadingTime", &metrics->times[DOGB_TIME_UNLOAD]);
    cache_hits(out, metrics);
    member(out, "ModelSetupTime", 1e-3 * (double)atomic_load(&metrics->setup_ns));
    member(out, "LoadedModelCount", (double)gauges->models);
    member(out, "QueueDepth", (double)gauges->queue_depth);
    member(out, "ApproximateBacklogSize", (double)gauges->async_waiting);
    dogb_buffer_add(out, "}\n");
}
