// rules_pair.c - rules that compare: a GPU's memory with what it was, GPUs with each other.
#include "profile/rule.h"

#include "core/error.h"

#include <math.h>
#include <string.h>

enum { BINS = 50, BIN_WIDTH = 2 }; // percent

// Mean of values[first .. last).
static double mean_of(const float *values, size_t first, size_t last) {
    double sum = 0.0;
    for (size_t i = first; i < last; i++) {
        sum += (double)values[i];
    }
    return last > first ? sum / (double)(last - first) : (double)NAN;
}

// Growth at the n-th sample. Parity: the older window ends two samples before the newest one and
// has one value less, so that the two overlap.
static double growth(const dogb_profile_call *call, const float *values, size_t n, size_t window) {
    double now = mean_of(values, n - window, n);
    return call->parity ? now - mean_of(values, n - window - 1, n - 2)
                        : now - mean_of(values, n - 2 * window, n - window);
}

// Most memory in use until the end of the first whole cycle of training and validation; from then
// on more is growth. NaN: there was no whole cycle.
static double cycle_maximum(const dogb_profile_call *call, const float *values) {
    const dogb_series_set *set = &call->data->series;
    const dogb_account *account = &call->data->account;
    double most = (double)NAN;
    if (account->cycle == 0) {
        return most;
    }
    double end = 1e-9 * (double)(account->cycle - account->begin);
    for (size_t i = 0; i < set->count && set->times[i] <= end; i++) {
        most = !((double)values[i] <= most) ? (double)values[i] : most;
    }
    return most;
}

static int64_t count_growth(dogb_profile_call *call, const float *values, double *largest) {
    const dogb_series_set *set = &call->data->series;
    size_t window = (size_t)dogb_profile_rule_value(call, "window");
    double limit = dogb_profile_rule_value(call, "increase");
    double most = cycle_maximum(call, values);
    size_t first = call->parity ? window + 2 : 2 * window;
    int64_t found = 0;
    *largest = 0.0;
    for (size_t n = first; n <= set->count; n++) {
        if (!dogb_profile_rule_patient(call, n)) {
            continue;
        }
        double by = growth(call, values, n, window);
        int counts = call->parity || mean_of(values, n - window, n) > most;
        if (counts && by > *largest) {
            *largest = by;
        }
        found += counts && by > limit;
    }
    return found;
}

int dogb_profile_rule_gpu_memory(dogb_profile_call *call) {
    const dogb_series_set *set = &call->data->series;
    size_t count = 0;
    const dogb_series *const *gpus =
        dogb_series_all(&call->doc.rc, &call->arena, set, "gpu", "GPUMemoryUtilization", &count);
    json_t *node = dogb_doc_object(&call->doc, call->details, "algo-1");
    size_t window = (size_t)dogb_profile_rule_value(call, "window");
    int judged = set->count > (call->parity ? window + 1 : 2 * window) &&
                 dogb_profile_rule_patient(call, set->count);
    for (size_t g = 0; g < count; g++) {
        double largest = 0.0;
        const float *values = gpus[g]->values;
        judged = judged && (call->parity || !isnan(cycle_maximum(call, values)));
        call->violations += judged ? count_growth(call, values, &largest) : 0;
        json_t *gpu = dogb_doc_object(&call->doc, node, gpus[g]->name);
        dogb_doc_real(&call->doc, gpu, "increase", largest);
        dogb_doc_real(&call->doc, gpu, "gpu_max",
                      dogb_profile_rule_window(call, values, set->count, set->count, 1.0));
        dogb_doc_real(&call->doc, gpu, "p05",
                      dogb_profile_rule_window(call, values, set->count, set->count, 0.05));
        dogb_profile_rule_box(call, gpu, values, set->count);
    }
    call->triggered = call->violations;
    call->datapoints = (int64_t)set->count;
    call->reason = judged ? NULL : "too_few_points";
    return DOGBREED_OK;
}

// --- load balancing

static double sum_of(const double *values, size_t count) {
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        sum += values[i];
    }
    return sum;
}

double dogb_profile_rule_distance(const double *a, const double *b, size_t bins) {
    double all[2] = {sum_of(a, bins), sum_of(b, bins)};
    double divergence = 0.0;
    if (all[0] <= 0.0 || all[1] <= 0.0) {
        return all[0] <= 0.0 && all[1] <= 0.0 ? 0.0 : sqrt(log(2.0));
    }
    for (size_t i = 0; i < bins; i++) {
        double p = a[i] / all[0];
        double q = b[i] / all[1];
        double m = 0.5 * (p + q);
        divergence += p > 0.0 ? 0.5 * p * log(p / m) : 0.0;
        divergence += q > 0.0 ? 0.5 * q * log(q / m) : 0.0;
    }
    return sqrt(divergence > 0.0 ? divergence : 0.0);
}

// Parity drops what lies above 98 %.
static void fill(double bins[BINS], const float *values, size_t count, int parity) {
    memset(bins, 0, BINS * sizeof *bins);
    for (size_t i = 0; i < count; i++) {
        double value = (double)values[i];
        if (isnan(value) || value < 0.0 || value > 100.0 || (parity && value > 98.0)) {
            continue;
        }
        size_t bin = (size_t)(value / BIN_WIDTH);
        size_t last = parity ? BINS - 2 : BINS - 1;
        bins[bin > last ? last : bin] += 1.0;
    }
}

int dogb_profile_rule_load_balancing(dogb_profile_call *call) {
    const dogb_series_set *set = &call->data->series;
    size_t count = 0;
    const dogb_series *const *gpus =
        dogb_series_all(&call->doc.rc, &call->arena, set, "gpu", "GPUUtilization", &count);
    call->datapoints = (int64_t)set->count;
    if (count < 2) {
        call->reason = "not_applicable";
        return DOGBREED_OK;
    }
    if (!dogb_profile_rule_patient(call, set->count)) {
        call->reason = "too_few_points";
        return DOGBREED_OK;
    }
    double(*bins)[BINS] = dogb_alloc(&call->arena, count, sizeof *bins);
    if (bins == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    json_t *node = dogb_doc_object(&call->doc, call->details, "algo-1");
    json_t *workloads = dogb_doc_object(&call->doc, node, "workloads");
    json_t *distances = dogb_doc_object(&call->doc, node, "distances");
    for (size_t g = 0; g < count; g++) {
        fill(bins[g], gpus[g]->values, set->count, call->parity);
        json_t *list = dogb_doc_array(&call->doc, workloads, gpus[g]->name);
        for (size_t k = 0; k < (call->parity ? BINS - 1 : BINS); k++) {
            dogb_doc_real(&call->doc, list, NULL, bins[g][k]);
        }
    }
    for (size_t g = 0; g < count; g++) {
        json_t *row = dogb_doc_object(&call->doc, distances, gpus[g]->name);
        // The reference product compares each GPU with itself alone.
        for (size_t k = call->parity ? g : g + 1; k < (call->parity ? g + 1 : count); k++) {
            double distance = dogb_profile_rule_distance(bins[g], bins[k], BINS);
            dogb_doc_real(&call->doc, row, gpus[k]->name, distance);
            call->violations += distance > dogb_profile_rule_value(call, "threshold");
        }
    }
    call->triggered = call->violations;
    return DOGBREED_OK;
}
