// rules_gpu.c - rules that look at how busy GPUs and cores are.
#include "profile/rule.h"

#include "core/error.h"

#include <math.h>
#include <stdio.h>

enum { BOTTLENECKS_MAX = 1000 }; // that are listed

typedef struct columns {
    const dogb_series *const *items;
    size_t count;
} columns;

static columns all(dogb_profile_call *call, const char *type, const char *dimension) {
    columns c = {0};
    c.items = dogb_series_all(&call->doc.rc, &call->arena, &call->data->series, type, dimension,
                              &c.count);
    return c;
}

static json_t *node_of(dogb_profile_call *call) {
    return dogb_doc_object(&call->doc, call->details, "algo-1");
}

static void put_last_time(dogb_profile_call *call) {
    const dogb_series_set *set = &call->data->series;
    double last = set->count == 0 ? 0.0 : set->times[set->count - 1];
    dogb_doc_int(&call->doc, call->details, "last_timestamp",
                 (int64_t)((call->data->wall_zero + last) * 1e6));
}

static int too_few(dogb_profile_call *call) {
    call->reason = "too_few_points";
    return DOGBREED_OK;
}

// Under-used, or used in bursts.
static int is_low(dogb_profile_call *call, const float *values, size_t count) {
    size_t window = (size_t)dogb_profile_rule_value(call, "window");
    double p95 = dogb_profile_rule_window(call, values, count, window, 0.95);
    double p5 = dogb_profile_rule_window(call, values, count, window, 0.05);
    double high = dogb_profile_rule_value(call, "threshold_p95");
    return p95 < high || (p95 > high && p5 < dogb_profile_rule_value(call, "threshold_p5"));
}

int dogb_profile_rule_low_gpu(dogb_profile_call *call) {
    const dogb_series_set *set = &call->data->series;
    columns gpus = all(call, "gpu", "GPUUtilization");
    size_t window = (size_t)dogb_profile_rule_value(call, "window");
    json_t *node = node_of(call);
    int judged = 0;
    for (size_t g = 0; g < gpus.count; g++) {
        const float *values = gpus.items[g]->values;
        size_t row = 0;
        for (size_t n = dogb_profile_rule_scan(call, &row); n > 0;
             n = dogb_profile_rule_scan(call, &row)) {
            if (dogb_profile_rule_patient(call, n)) {
                judged = 1;
                call->violations += is_low(call, values, n);
            }
        }
        json_t *gpu = dogb_doc_object(&call->doc, node, gpus.items[g]->name);
        dogb_doc_real(&call->doc, gpu, "gpu_max",
                      dogb_profile_rule_window(call, values, set->count, window, 1));
        dogb_doc_real(&call->doc, gpu, "gpu_95",
                      dogb_profile_rule_window(call, values, set->count, window, 0.95));
        dogb_doc_real(&call->doc, gpu, "gpu_5",
                      dogb_profile_rule_window(call, values, set->count, window, 0.05));
        dogb_profile_rule_box(call, gpu, values, set->count);
    }
    put_last_time(call);
    call->datapoints = (int64_t)set->count;
    call->triggered = call->violations;
    return judged ? DOGBREED_OK : too_few(call);
}

int dogb_profile_rule_gpu_never_used(dogb_profile_call *call) {
    const dogb_series_set *set = &call->data->series;
    columns gpus = all(call, "gpu", "GPUUtilization");
    double last = set->count == 0 ? 0.0 : set->times[set->count - 1];
    call->datapoints = (int64_t)set->count;
    json_t *node = node_of(call);
    double most = 0.0;
    for (size_t g = 0; g < gpus.count; g++) {
        double own =
            dogb_profile_rule_window(call, gpus.items[g]->values, set->count, set->count, 1.0);
        dogb_doc_real(&call->doc, node, gpus.items[g]->name, own);
        most = own > most ? own : most;
    }
    if (most > 0.0) {
        return DOGBREED_OK;
    }
    if (last < dogb_profile_rule_value(call, "seconds")) {
        return too_few(call);
    }
    call->violations = (int64_t)gpus.count;
    call->triggered = 1;
    return DOGBREED_OK;
}

int dogb_profile_rule_batch_size(dogb_profile_call *call) {
    const dogb_series_set *set = &call->data->series;
    columns gpus = all(call, "gpu", "GPUUtilization");
    columns memory = all(call, "gpu", "GPUMemoryUtilization");
    columns cores = all(call, "cpu", "CPUUtilization");
    const float *cpu = dogb_series_mean(&call->doc.rc, &call->arena, set, cores.items, cores.count);
    size_t window = (size_t)dogb_profile_rule_value(call, "window");
    json_t *node = node_of(call);
    char name[48];
    int judged = 0;
    if (cpu == NULL || memory.count < gpus.count) {
        return too_few(call);
    }
    size_t row = 0;
    for (size_t n = dogb_profile_rule_scan(call, &row); n > 0;
         n = dogb_profile_rule_scan(call, &row)) {
        if (!dogb_profile_rule_patient(call, n) || (call->parity && n <= window)) {
            continue;
        }
        int small = 0;
        for (size_t g = 0; g < gpus.count; g++) {
            small |= dogb_profile_rule_window(call, gpus.items[g]->values, n, window, 0.95) <
                         dogb_profile_rule_value(call, "gpu_threshold_p95") &&
                     dogb_profile_rule_window(call, memory.items[g]->values, n, window, 0.95) <
                         dogb_profile_rule_value(call, "gpu_memory_threshold_p95");
        }
        double p95 = dogb_profile_rule_window(call, cpu, n, window, 0.95);
        call->violations += small && p95 < dogb_profile_rule_value(call, "cpu_threshold_p95");
        judged = 1;
    }
    dogb_profile_rule_box(call, dogb_doc_object(&call->doc, node, "cpu"), cpu, set->count);
    for (size_t g = 0; g < gpus.count; g++) {
        dogb_profile_rule_box(call, dogb_doc_object(&call->doc, node, gpus.items[g]->name),
                              gpus.items[g]->values, set->count);
        (void)snprintf(name, sizeof name, "%s_memory", gpus.items[g]->name);
        dogb_profile_rule_box(call, dogb_doc_object(&call->doc, node, name),
                              memory.items[g]->values, set->count);
    }
    put_last_time(call);
    call->datapoints = (int64_t)set->count;
    call->triggered = call->violations;
    return judged ? DOGBREED_OK : too_few(call);
}

static int count_over(const columns *c, size_t row, double limit, int over) {
    int found = 0;
    for (size_t k = 0; k < c->count; k++) {
        double value = (double)c->items[k]->values[row];
        found += over ? value > limit : value < limit; // NaN: neither
    }
    return found;
}

typedef struct bottleneck {
    columns gpus;
    columns cores; // what may be the neck: use, or waiting for a disk
    double limit;  // above which a core is
    int32_t any;   // 1: one core is enough
    int32_t reserved;
    const dogb_series *wait;   // of the run's thread for a batch; NULL: not known
    const dogb_series *loader; // threads at work
} bottleneck;

// The corrected test of a snapshot with an idle GPU: the step waits for a batch while the loader
// works. Without spans, half of the cores have to be over the limit.
static int is_neck(const dogb_profile_call *call, const bottleneck *b, size_t row, int cores) {
    if (call->parity || b->any) {
        return cores > 0;
    }
    float wait = b->wait == NULL ? (float)NAN : b->wait->values[row];
    float loader = b->loader == NULL ? (float)NAN : b->loader->values[row];
    if (!isnan(wait) && !isnan(loader)) {
        return wait > 50.0f && loader > 50.0f;
    }
    return 2 * cores >= (call->data->allowed > 0 ? call->data->allowed : 1);
}

static int judge_bottleneck(dogb_profile_call *call, const bottleneck *b) {
    const dogb_series_set *set = &call->data->series;
    json_t *list = dogb_doc_object(&call->doc, call->details, "bottlenecks");
    double gpu_limit = dogb_profile_rule_value(call, "gpu_threshold");
    int64_t low = 0;
    int64_t necks = 0;
    size_t done = 0;
    size_t row = 0;
    int judged = 0;
    for (size_t n = dogb_profile_rule_scan(call, &row); n > 0;
         n = dogb_profile_rule_scan(call, &row)) {
        for (; done < n; done++) {
            int gpus = count_over(&b->gpus, done, gpu_limit, 0);
            int cores = count_over(&b->cores, done, b->limit, 1);
            low += gpus > 0;
            if (gpus > 0 && is_neck(call, b, done, cores)) {
                char time[40];
                necks++;
                (void)snprintf(time, sizeof time, "%.6f", call->data->wall_zero + set->times[done]);
                if (necks <= BOTTLENECKS_MAX) {
                    json_t *entry = dogb_doc_object(&call->doc, list, time);
                    dogb_doc_int(&call->doc, entry, "GPUs", gpus);
                    dogb_doc_int(&call->doc, entry, "CPUs", cores);
                }
            }
        }
        if (dogb_profile_rule_patient(call, n)) {
            judged = 1;
            call->triggered +=
                100.0 * (double)necks / (double)n > dogb_profile_rule_value(call, "threshold");
        }
    }
    dogb_doc_int(&call->doc, call->details, "low_gpu_utilization", low);
    call->violations = necks;
    call->datapoints = (int64_t)set->count;
    return judged ? DOGBREED_OK : too_few(call);
}

int dogb_profile_rule_cpu_bottleneck(dogb_profile_call *call) {
    const dogb_series_set *set = &call->data->series;
    bottleneck b = {
        .gpus = all(call, "gpu", "GPUUtilization"),
        .cores = all(call, "cpu", "CPUUtilization"),
        .limit = dogb_profile_rule_value(call, "cpu_threshold"),
        .wait = dogb_series_find(set, "span", "run", "WaitPercentage"),
        .loader = dogb_series_find(set, "span", "loader", "BusyPercentage"),
    };
    return judge_bottleneck(call, &b);
}

int dogb_profile_rule_io_bottleneck(dogb_profile_call *call) {
    bottleneck b = {
        .gpus = all(call, "gpu", "GPUUtilization"),
        .cores = all(call, "cpu", "I/OWaitPercentage"),
        .limit = dogb_profile_rule_value(call, "io_threshold"),
        .any = 1, // one thread that waits for a disk
    };
    return judge_bottleneck(call, &b);
}
