// rules_time.c - rules about the training loop: how long until it begins, steps that take much
// longer than others, how many threads load.
#include "profile/rule.h"

#include "core/error.h"

#include "core/number.h"
#include "profile/quantile.h"

#include <math.h>
#include <stdlib.h>

enum { HISTOGRAM_BINS = 100, STEPS_MIN = 100, LISTED_MAX = 1000 };

int dogb_profile_rule_initialisation(dogb_profile_call *call) {
    const dogb_account *account = &call->data->account;
    double limit = 60.0 * dogb_profile_rule_value(call, "threshold");
    double end = dogb_profile_seconds(call->data);
    double first =
        account->first_step == 0 ? end : 1e-9 * (double)(account->first_step - account->begin);
    call->datapoints = account->steps.all;
    call->violations = first > limit;
    call->triggered = call->violations;
    dogb_doc_real(&call->doc, call->details, "job_start", call->data->wall_zero);
    dogb_doc_real(&call->doc, call->details, "job_end", call->data->wall_zero + end);
    json_t *steps = dogb_doc_object(&call->doc, call->details, "step_num");
    if (account->first_step != 0) {
        double last = 1e-9 * (double)(account->last_loop - account->begin);
        dogb_doc_int(&call->doc, steps, "first", (int64_t)((call->data->wall_zero + first) * 1e6));
        dogb_doc_int(&call->doc, steps, "last", (int64_t)((call->data->wall_zero + last) * 1e6));
    }
    dogb_doc_real(&call->doc, call->own, "seconds_to_first_step", first);
    if (account->first_step == 0 && first <= limit) {
        call->reason = "too_few_points";
    }
    return DOGBREED_OK;
}

// Seconds of durations, in order; *count of them. NULL: no memory.
static double *sorted_seconds(dogb_profile_call *call, const dogb_durations *from, size_t *count) {
    double *out = dogb_alloc_raw(&call->arena, from->count + 1, sizeof *out);
    for (size_t i = 0; out != NULL && i < from->count; i++) {
        out[i] = 1e-9 * (double)from->items[i].ns;
    }
    if (out == NULL) {
        call->doc.rc = DOGBREED_ERROR_NO_MEMORY;
    } else {
        qsort(out, from->count, sizeof *out, dogb_number_compare);
    }
    *count = out == NULL ? 0 : from->count;
    return out;
}

// "probs" and "binedges" of values up to a limit.
static void put_histogram(dogb_profile_call *call, json_t *object, const double *sorted,
                          size_t count, double limit) {
    json_t *probs = dogb_doc_array(&call->doc, object, "probs");
    json_t *edges = dogb_doc_array(&call->doc, object, "binedges");
    double bins[HISTOGRAM_BINS] = {0};
    size_t kept = 0;
    while (kept < count && sorted[kept] <= limit) {
        kept++;
    }
    if (kept == 0) {
        return;
    }
    double low = sorted[0];
    double width = (sorted[kept - 1] - low) / HISTOGRAM_BINS;
    for (size_t i = 0; i < kept; i++) {
        size_t bin = width > 0.0 ? (size_t)((sorted[i] - low) / width) : 0;
        bins[bin < HISTOGRAM_BINS ? bin : HISTOGRAM_BINS - 1] += 1.0;
    }
    for (int i = 0; i <= HISTOGRAM_BINS; i++) {
        dogb_doc_real(&call->doc, edges, NULL, low + width * i);
        if (i < HISTOGRAM_BINS) {
            dogb_doc_real(&call->doc, probs, NULL, bins[i] / (double)kept);
        }
    }
}

typedef struct spread {
    double mean;
    double deviation; // population
} spread;

static spread spread_of(const double *values, size_t count) {
    spread s = {0.0, 0.0};
    for (size_t i = 0; i < count; i++) {
        s.mean += values[i];
    }
    s.mean = count > 0 ? s.mean / (double)count : 0.0;
    for (size_t i = 0; i < count; i++) {
        s.deviation += (values[i] - s.mean) * (values[i] - s.mean);
    }
    s.deviation = count > 0 ? sqrt(s.deviation / (double)count) : 0.0;
    return s;
}

// The outliers of one mode's steps; -1: there are too few steps.
static int64_t judge_steps(dogb_profile_call *call, json_t *node, const dogb_durations *steps) {
    size_t count = 0;
    const double *sorted = sorted_seconds(call, steps, &count);
    if (sorted == NULL || count <= STEPS_MIN) {
        return -1;
    }
    spread s = spread_of(sorted, count);
    double limit = s.mean + dogb_profile_rule_value(call, "stddev") * s.deviation;
    int64_t found = 0;
    json_t *stats = dogb_doc_object(&call->doc, node, "step_stats");
    dogb_doc_real(&call->doc, stats, "mean", s.mean);
    dogb_doc_real(&call->doc, stats, "max", sorted[count - 1]);
    dogb_doc_real(&call->doc, stats, "p99", dogb_quantile(sorted, count, 0.99));
    dogb_doc_real(&call->doc, stats, "p95", dogb_quantile(sorted, count, 0.95));
    dogb_doc_real(&call->doc, stats, "p50", dogb_quantile(sorted, count, 0.5));
    dogb_doc_real(&call->doc, stats, "min", sorted[0]);
    json_t *numbers = dogb_doc_array(&call->doc, node, "step_numbers");
    for (size_t i = 0; i < count; i++) {
        if (1e-9 * (double)steps->items[i].ns > limit) {
            found++;
            if (found <= LISTED_MAX) {
                dogb_doc_real(&call->doc, numbers, NULL, (double)steps->items[i].number);
            }
        }
    }
    dogb_doc_int(&call->doc, node, "number_of_outliers", found);
    dogb_doc_real(&call->doc, node, "stddev", s.deviation);
    put_histogram(call, node, sorted, count, limit);
    return found;
}

int dogb_profile_rule_step_outlier(dogb_profile_call *call) {
    const struct {
        const char *name; // in SageMaker's words
        const char *phase;
        const dogb_durations *steps;
    } modes[] = {{"algo-1", "Step:ModeKeys.TRAIN", &call->data->account.steps},
                 {"algo-1_EVAL", "Step:ModeKeys.EVAL", &call->data->account.evaluations}};
    json_t *details = dogb_doc_object(&call->doc, call->details, "step_details");
    int judged = 0;
    for (size_t m = 0; m < sizeof modes / sizeof *modes; m++) {
        call->datapoints += modes[m].steps->all;
        json_t *node = dogb_doc_object(&call->doc, details, modes[m].name);
        int64_t found = judge_steps(call, node, modes[m].steps);
        if (found < 0) {
            continue;
        }
        json_t *phase = dogb_doc_object(&call->doc, node, "phase");
        dogb_doc_int(&call->doc, phase, modes[m].phase, found);
        judged = 1;
        call->violations += found;
        call->triggered += found > (int64_t)dogb_profile_rule_value(call, "n_outliers");
    }
    call->reason = judged ? NULL : "too_few_points";
    return DOGBREED_OK;
}

static void put_waits(dogb_profile_call *call) {
    size_t count = 0;
    const double *sorted = sorted_seconds(call, &call->data->account.waits, &count);
    json_t *times = dogb_doc_object(&call->doc, call->details, "dataloading_time");
    if (sorted == NULL || count == 0) {
        return;
    }
    dogb_doc_real(&call->doc, times, "p25", dogb_quantile(sorted, count, 0.25));
    dogb_doc_real(&call->doc, times, "p50", dogb_quantile(sorted, count, 0.5));
    dogb_doc_real(&call->doc, times, "p95", dogb_quantile(sorted, count, 0.95));
    put_histogram(call, times, sorted, count, sorted[count - 1]);
}

int dogb_profile_rule_dataloader(dogb_profile_call *call) {
    const dogb_account *account = &call->data->account;
    int32_t cores = call->parity ? call->data->cores : call->data->allowed;
    size_t seen = 0;
    double *counts = dogb_alloc_raw(&call->arena, account->second_count + 1, sizeof *counts);
    if (counts == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < account->second_count; i++) {
        if (account->loader_seconds[i] > 0) {
            counts[seen++] = account->loader_seconds[i];
        }
    }
    qsort(counts, seen, sizeof *counts, dogb_number_compare);
    double median = dogb_quantile(counts, seen, 0.5);
    call->datapoints = (int64_t)seen;
    dogb_doc_int(&call->doc, call->details, "pin_memory", 0);
    dogb_doc_int(&call->doc, call->details, "num_workers",
                 (int64_t)dogb_profile_fact(call->data, "trainer", "loader_threads"));
    dogb_doc_int(&call->doc, call->details, "prefetch", 1);
    dogb_doc_int(&call->doc, call->details, "cores", cores);
    if (seen > 0) {
        dogb_doc_real(&call->doc, call->details, "dataloaders", median);
    }
    put_waits(call);
    if ((double)seen <= dogb_profile_rule_value(call, "patience")) {
        call->reason = seen == 0 ? "not_applicable" : "too_few_points";
        return DOGBREED_OK;
    }
    call->violations = median < dogb_profile_rule_value(call, "min_threshold") / 100.0 * cores ||
                       median > dogb_profile_rule_value(call, "max_threshold") / 100.0 * cores;
    call->triggered = call->violations;
    return DOGBREED_OK;
}
