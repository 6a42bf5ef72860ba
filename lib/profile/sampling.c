// sampling.c - one sample of a recorded run: into the series, the file of samples and the curves of
// the trace; with it, how much of the time since the last one the run waited and threads loaded.
#include "profile/profile_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void put(dogb_sampling *s, int64_t microseconds, int kept, const dogb_probe_value *m) {
    double value = round(m->value * 1e4) / 1e4; // what the file says
    if (kept) {
        dogb_series_put(&s->data->series, m->type, m->name, m->dimension, value);
    }
    if (s->trace != NULL) {
        dogb_trace_sample(s->trace, microseconds, m->type, m->name, m->dimension, value);
    }
}

// Curves for the trace's viewers.
static void count(dogb_sampling *s, uint64_t now, const dogb_probe_value *m) {
    static const struct {
        const char *type;
        const char *dimension;
        const char *member;
    } counters[] = {
        {"cpu", "CPUUtilization", "percent"},     {"memory", "memory", "percent"},
        {"gpu", "GPUUtilization", "percent"},     {"gpu", "GPUMemoryBytes", "gpu_memory_bytes"},
        {"process", "CPUUtilization", "percent"}, {"process", "ResidentBytes", "rss_bytes"},
    };
    char name[64];
    for (size_t i = 0; s->trace != NULL && i < sizeof counters / sizeof *counters; i++) {
        if (strcmp(m->type, counters[i].type) == 0 &&
            strcmp(m->dimension, counters[i].dimension) == 0) {
            (void)snprintf(name, sizeof name, "%s %s", m->name, m->dimension);
            dogb_trace_counter(s->trace, now, name, counters[i].member,
                               round(m->value * 1e4) / 1e4);
        }
    }
}

static void put_shares(dogb_sampling *s, int64_t microseconds, int kept, uint64_t now) {
    int64_t wait = dogb_account_kind(&s->data->account, DOGB_SPAN_WAIT);
    int64_t loader = s->data->account.loader.ns;
    double ns = (double)(now - s->last);
    const dogb_probe_value shares[] = {
        {"span", "run", "WaitPercentage", 100.0 * (double)(wait - s->last_wait) / ns},
        {"span", "loader", "BusyPercentage", 100.0 * (double)(loader - s->last_loader) / ns},
    };
    for (size_t i = 0; i < 2 && ns > 0.0; i++) {
        put(s, microseconds, kept, &shares[i]);
    }
    s->last_wait = wait;
    s->last_loader = loader;
    s->last = now;
}

void dogb_sampling_take(dogb_sampling *s, uint64_t now) {
    const dogb_probe_value *metrics = NULL;
    size_t found = dogb_probe_take(s->probe, &metrics, 1e-9 * (double)now);
    int64_t microseconds = (int64_t)((now - s->zero) / 1000);
    int kept = dogb_series_row(&s->data->series, 1e-6 * (double)microseconds);
    for (size_t i = 0; i < found; i++) {
        put(s, microseconds, kept, &metrics[i]);
        count(s, now, &metrics[i]);
    }
    put_shares(s, microseconds, kept, now);
}
