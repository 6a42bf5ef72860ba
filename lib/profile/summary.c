// summary.c - see summary.h. Everything is read off the accounting and the series.
#include "profile/summary.h"

#include "core/error.h"
#include "core/number.h"
#include "profile/doc.h"
#include "profile/quantile.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS_MAX = 500, HISTOGRAM_BINS = 40, ACTIVITIES_MAX = 100 };

typedef struct writing {
    dogb_doc doc;
    dogb_arena arena; // for the time of the call
    const dogb_profile_data *data;
    json_t *root;
} writing;

static double seconds_of(int64_t ns) {
    return 1e-9 * (double)ns;
}

static double share_of(double part, double whole) {
    return whole > 0.0 ? part / whole : 0.0;
}

// Microseconds since 1970 as a date are the reader's affair: seconds are enough.
static void put_job(writing *w) {
    const dogb_account *a = &w->data->account;
    json_t *job = dogb_doc_object(&w->doc, w->root, "job");
    int64_t total = dogb_account_total(a);
    int64_t first = a->first_step == 0 ? total : (int64_t)(a->first_step - a->begin);
    int64_t last = a->first_step == 0 ? total : (int64_t)(a->last_loop - a->begin);
    last = last < first ? first : last;
    dogb_doc_real(&w->doc, job, "start", w->data->wall_zero);
    dogb_doc_real(&w->doc, job, "end", w->data->wall_zero + seconds_of(total));
    dogb_doc_real(&w->doc, job, "seconds", seconds_of(total));
    dogb_doc_real(&w->doc, job, "initialisation_s", seconds_of(first));
    dogb_doc_real(&w->doc, job, "loop_s", seconds_of(last - first));
    dogb_doc_real(&w->doc, job, "finalisation_s", seconds_of(total - last));
}

static void put_modes(writing *w) {
    static const char *const names[DOGB_SHARES] = {"TRAIN", "EVAL", "others"};
    int64_t modes[DOGB_SHARES];
    double total = (double)dogb_account_total(&w->data->account);
    json_t *all = dogb_doc_object(&w->doc, w->root, "modes");
    dogb_account_modes(&w->data->account, modes);
    for (int i = 0; i < DOGB_SHARES; i++) {
        json_t *mode = dogb_doc_object(&w->doc, all, names[i]);
        dogb_doc_int(&w->doc, mode, "ns", modes[i]);
        dogb_doc_real(&w->doc, mode, "share", share_of((double)modes[i], total));
    }
}

// "wait" of training steps, "evaluation_wait", "features_wait".
static void phase_name(char *out, size_t size, int32_t context, int32_t kind) {
    static const struct {
        const char *prefix;
        int32_t own;
    } contexts[DOGB_CONTEXTS] = {
        [DOGB_CONTEXT_NONE] = {"", -1},
        [DOGB_CONTEXT_STEP] = {"", -1},
        [DOGB_CONTEXT_EVALUATION] = {"evaluation_", DOGB_SPAN_EVALUATION},
        [DOGB_CONTEXT_FEATURES] = {"features_", DOGB_SPAN_FEATURES},
    };
    (void)snprintf(out, size, "%s%s", kind == contexts[context].own ? "" : contexts[context].prefix,
                   dogb_span_name(kind));
}

static void put_phases(writing *w) {
    const dogb_account *a = &w->data->account;
    double total = (double)dogb_account_total(a);
    json_t *list = dogb_doc_array(&w->doc, w->root, "phases");
    for (int32_t context = 0; context < DOGB_CONTEXTS; context++) {
        for (int32_t kind = 0; kind < DOGB_SPAN_KINDS; kind++) {
            if (a->ns[context][kind] == 0 && a->count[context][kind] == 0) {
                continue;
            }
            char name[64];
            phase_name(name, sizeof name, context, kind);
            json_t *phase = dogb_doc_object(&w->doc, list, NULL);
            dogb_doc_text(&w->doc, phase, "name", name);
            dogb_doc_int(&w->doc, phase, "ns", a->ns[context][kind]);
            dogb_doc_real(&w->doc, phase, "share", share_of((double)a->ns[context][kind], total));
            dogb_doc_int(&w->doc, phase, "count", a->count[context][kind]);
        }
    }
}

static void put_union(writing *w, json_t *list, const char *name, const dogb_union *u) {
    if (u->threads > 0) {
        json_t *entry = dogb_doc_object(&w->doc, list, NULL);
        dogb_doc_text(&w->doc, entry, "name", name);
        dogb_doc_int(&w->doc, entry, "ns", u->ns);
        dogb_doc_int(&w->doc, entry, "threads", u->threads);
    }
}

static void put_concurrent(writing *w) {
    json_t *list = dogb_doc_array(&w->doc, w->root, "concurrent");
    for (int32_t kind = 0; kind < DOGB_SPAN_KINDS; kind++) {
        put_union(w, list, dogb_span_name(kind), &w->data->account.kinds[kind]);
    }
    put_union(w, list, "loader", &w->data->account.loader);
}

static void put_histogram(writing *w, json_t *steps, const double *sorted, size_t count) {
    json_t *histogram = dogb_doc_object(&w->doc, steps, "histogram");
    json_t *edges = dogb_doc_array(&w->doc, histogram, "edges");
    json_t *counts = dogb_doc_array(&w->doc, histogram, "counts");
    if (count == 0) {
        return;
    }
    double low = sorted[0];
    double width = (sorted[count - 1] - low) / HISTOGRAM_BINS;
    size_t next = 0;
    dogb_doc_real(&w->doc, edges, NULL, low);
    for (int i = 1; i <= HISTOGRAM_BINS; i++) {
        double edge = i == HISTOGRAM_BINS ? sorted[count - 1] : low + width * i;
        int64_t inside = 0;
        for (; next < count && (sorted[next] < edge || i == HISTOGRAM_BINS); next++) {
            inside++;
        }
        dogb_doc_real(&w->doc, edges, NULL, edge);
        dogb_doc_int(&w->doc, counts, NULL, inside);
    }
}

static void put_slowest(writing *w, json_t *steps) {
    const dogb_account *a = &w->data->account;
    json_t *list = dogb_doc_array(&w->doc, steps, "slowest");
    for (int32_t i = 0; i < a->slowest_count; i++) {
        json_t *entry = dogb_doc_object(&w->doc, list, NULL);
        dogb_doc_int(&w->doc, entry, "step", a->slowest[i].number);
        dogb_doc_real(&w->doc, entry, "seconds", seconds_of(a->slowest[i].ns));
        json_t *phases = dogb_doc_object(&w->doc, entry, "phases");
        for (int32_t kind = 0; kind < DOGB_SPAN_KINDS; kind++) {
            if (a->slowest[i].phases[kind] > 0) {
                dogb_doc_real(&w->doc, phases, dogb_span_name(kind),
                              seconds_of(a->slowest[i].phases[kind]));
            }
        }
    }
}

static void put_steps(writing *w) {
    static const struct {
        const char *name;
        double q;
    } points[] = {{"min", 0.0}, {"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}, {"max", 1.0}};
    const dogb_durations *from = &w->data->account.steps;
    json_t *steps = dogb_doc_object(&w->doc, w->root, "steps");
    double *sorted = dogb_alloc_raw(&w->arena, from->count + 1, sizeof *sorted);
    double sum = 0.0;
    if (sorted == NULL) {
        w->doc.rc = DOGBREED_ERROR_NO_MEMORY;
        return;
    }
    for (size_t i = 0; i < from->count; i++) {
        sorted[i] = seconds_of(from->items[i].ns);
        sum += sorted[i];
    }
    qsort(sorted, from->count, sizeof *sorted, dogb_number_compare);
    dogb_doc_int(&w->doc, steps, "count", from->all);
    dogb_doc_known(&w->doc, steps, "mean",
                   from->count > 0 ? sum / (double)from->count : (double)NAN);
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        dogb_doc_known(&w->doc, steps, points[i].name,
                       dogb_quantile(sorted, from->count, points[i].q));
    }
    put_histogram(w, steps, sorted, from->count);
    put_slowest(w, steps);
}

// --- system

typedef struct metric_row {
    const char *metric;
    const char *unit;
    const char *type;
    const char *dimension;
    const char *series; // its name in "series"; NULL: not there
} metric_row;

static const metric_row metrics[] = {
    {"cpu", "percent", "cpu", "CPUUtilization", "cpu"},
    {"iowait", "percent", "cpu", "I/OWaitPercentage", "iowait"},
    {"memory", "percent", "memory", "memory", "memory"},
    {"gpu", "percent", "gpu", "GPUUtilization", "gpu"},
    {"gpu_memory", "percent", "gpu", "GPUMemoryUtilization", "gpu_memory"},
    {"disk_read", "bytes/s", "disk", "ReadBytesPerSecond", NULL},
    {"disk_write", "bytes/s", "disk", "WriteBytesPerSecond", NULL},
    {"network", "bytes/s", "network", "Algorithm", NULL},
    {"process_cpu", "percent of a core", "process", "CPUUtilization", "process_cpu"},
    {"process_memory", "bytes", "process", "ResidentBytes", NULL},
    {"process_threads", "threads", "process", "Threads", NULL},
    {"context_switches", "1/s", "process", "ContextSwitchesPerSecond", NULL},
    {"wait", "percent", "span", "WaitPercentage", "wait"},
    {"loader", "percent", "span", "BusyPercentage", "loader"},
};

static void put_series(writing *w, json_t *series, const char *name, const float *mean) {
    const dogb_series_set *set = &w->data->series;
    size_t bucket = (set->count + POINTS_MAX - 1) / POINTS_MAX;
    json_t *list = dogb_doc_array(&w->doc, series, name);
    for (size_t first = 0; mean != NULL && first < set->count; first += bucket) {
        double sum = 0.0;
        int known = 0;
        for (size_t i = first; i < set->count && i < first + bucket; i++) {
            sum += isnan(mean[i]) ? 0.0 : (double)mean[i];
            known += !isnan(mean[i]);
        }
        dogb_doc_known(&w->doc, list, NULL, known > 0 ? sum / known : (double)NAN);
    }
}

static void put_times(writing *w, json_t *series) {
    const dogb_series_set *set = &w->data->series;
    size_t bucket = (set->count + POINTS_MAX - 1) / POINTS_MAX;
    json_t *list = dogb_doc_array(&w->doc, series, "time");
    for (size_t first = 0; first < set->count; first += bucket) {
        size_t last = first + bucket <= set->count ? first + bucket - 1 : set->count - 1;
        dogb_doc_real(&w->doc, list, NULL, set->times[last]);
    }
}

static void put_system(writing *w) {
    const dogb_series_set *set = &w->data->series;
    json_t *system = dogb_doc_array(&w->doc, w->root, "system");
    json_t *series = dogb_doc_object(&w->doc, w->root, "series");
    dogb_doc_real(&w->doc, series, "interval_s",
                  1e-3 * dogb_profile_fact(w->data, "profile", "interval_ms"));
    put_times(w, series);
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        size_t count = 0;
        const dogb_series *const *columns = dogb_series_all(
            &w->doc.rc, &w->arena, set, metrics[i].type, metrics[i].dimension, &count);
        const float *mean = dogb_series_mean(&w->doc.rc, &w->arena, set, columns, count);
        if (metrics[i].series != NULL) {
            put_series(w, series, metrics[i].series, mean);
        }
        if (mean != NULL && set->count > 0) {
            json_t *entry = dogb_doc_object(&w->doc, system, NULL);
            dogb_doc_text(&w->doc, entry, "metric", metrics[i].metric);
            dogb_doc_text(&w->doc, entry, "unit", metrics[i].unit);
            dogb_profile_rule_quantiles(&w->doc, &w->arena, entry, mean, set->count);
        }
    }
}

// --- the rest

static void put_layers(writing *w) {
    const dogb_profile_data *data = w->data;
    json_t *list = dogb_doc_array(&w->doc, w->root, "layers");
    for (size_t i = 0; i < data->account.layer_count && i < data->label_count; i++) {
        const dogb_layer_time *layer = &data->account.layers[i];
        json_t *entry = dogb_doc_object(&w->doc, list, NULL);
        dogb_doc_text(&w->doc, entry, "name", data->labels[i].name);
        dogb_doc_text(&w->doc, entry, "op", data->labels[i].op);
        dogb_doc_int(&w->doc, entry, "forward_ns", layer->ns[0]);
        dogb_doc_int(&w->doc, entry, "backward_ns", layer->ns[1]);
        dogb_doc_int(&w->doc, entry, "count", layer->count[0]);
    }
}

static int by_own(const void *a, const void *b) {
    const dogb_activity_sum *x = a;
    const dogb_activity_sum *y = b;
    if (x->own_ns != y->own_ns) {
        return x->own_ns < y->own_ns ? 1 : -1;
    }
    int names = strcmp(x->name, y->name);
    return names != 0 ? names : x->device - y->device;
}

static void put_activities(writing *w) {
    const dogb_activities *all = &w->data->activities;
    json_t *activities = dogb_doc_object(&w->doc, w->root, "activities");
    json_t *rows = dogb_doc_array(&w->doc, activities, "rows");
    dogb_activity_sum *sorted = dogb_alloc_raw(&w->arena, all->count + 1, sizeof *sorted);
    dogb_doc_int(&w->doc, activities, "steps", all->steps);
    if (sorted == NULL) {
        w->doc.rc = DOGBREED_ERROR_NO_MEMORY;
        return;
    }
    if (all->count > 0) {
        memcpy(sorted, all->sums, all->count * sizeof *sorted);
        qsort(sorted, all->count, sizeof *sorted, by_own);
    }
    for (size_t i = 0; i < all->count && i < ACTIVITIES_MAX; i++) {
        json_t *row = dogb_doc_object(&w->doc, rows, NULL);
        dogb_doc_text(&w->doc, row, "name", sorted[i].name);
        dogb_doc_text(&w->doc, row, "kind", dogb_activity_kind_name(sorted[i].kind));
        dogb_doc_int(&w->doc, row, "device", sorted[i].device);
        dogb_doc_int(&w->doc, row, "count", sorted[i].count);
        dogb_doc_int(&w->doc, row, "ns", sorted[i].ns);
        dogb_doc_int(&w->doc, row, "own_ns", sorted[i].own_ns);
    }
}

static void put_loader(writing *w) {
    const dogb_profile_data *data = w->data;
    const dogb_account *a = &data->account;
    json_t *loader = dogb_doc_object(&w->doc, w->root, "loader");
    int64_t wait = dogb_account_kind(a, DOGB_SPAN_WAIT);
    dogb_doc_int(&w->doc, loader, "threads",
                 (int64_t)dogb_profile_fact(data, "trainer", "loader_threads"));
    dogb_doc_int(&w->doc, loader, "threads_at_once", a->loader.threads);
    dogb_doc_int(&w->doc, loader, "cores", data->allowed);
    dogb_doc_int(&w->doc, loader, "busy_ns", a->loader.ns);
    dogb_doc_int(&w->doc, loader, "wait_ns", wait);
    dogb_doc_real(&w->doc, loader, "wait_share",
                  share_of((double)wait, (double)dogb_account_total(a)));
}

static void put_overhead(writing *w) {
    const dogb_profile_data *data = w->data;
    json_t *overhead = dogb_doc_object(&w->doc, w->root, "overhead");
    dogb_doc_int(&w->doc, overhead, "samples", data->series.seen);
    dogb_doc_int(&w->doc, overhead, "samples_missed", data->missed);
    dogb_doc_int(&w->doc, overhead, "spans_dropped", data->dropped);
    dogb_doc_int(&w->doc, overhead, "spans_unwritten", data->unwritten);
    dogb_doc_int(&w->doc, overhead, "collector_ns", data->collector_ns);
}

static void put_facts(writing *w) {
    json_t *copy = json_deep_copy(w->data->facts);
    (void)json_object_del(copy, "format");
    (void)json_object_del(copy, "version");
    (void)dogb_doc_put(&w->doc, w->root, "facts", copy); // which frees it when it cannot be put
}

int dogb_profile_summary(json_t **out, dogb_arena *arena, const dogb_profile_data *data,
                         const dogb_profile_judging *judging) {
    writing w = {.data = data};
    json_t *rules = NULL;
    json_t *advice = NULL;
    w.root = dogb_json_document(arena, "profile", 1);
    *out = w.root;
    if (w.root == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    (void)dogb_doc_put(&w.doc, w.root, "finished", json_boolean(data->finished));
    dogb_doc_text(&w.doc, w.root, "mode", judging->parity ? "parity" : "default");
    put_job(&w);
    put_modes(&w);
    put_phases(&w);
    put_concurrent(&w);
    put_steps(&w);
    put_system(&w);
    put_layers(&w);
    put_activities(&w);
    put_loader(&w);
    put_overhead(&w);
    put_facts(&w);
    int rc = w.doc.rc;
    if (rc == DOGBREED_OK &&
        (rc = dogb_profile_judge(&rules, &w.arena, data, judging)) == DOGBREED_OK &&
        (rc = dogb_profile_advice(&advice, &w.arena, data)) == DOGBREED_OK) {
        (void)dogb_doc_put(&w.doc, w.root, "rules", json_incref(rules));
        (void)dogb_doc_put(&w.doc, w.root, "advice", json_incref(advice));
        rc = w.doc.rc;
    }
    dogb_arena_free(&w.arena);
    return rc;
}
