// rule_call.c - what rules use: their parameters, members of their results, windows of samples.
#include "profile/rule.h"

#include "core/error.h"
#include "profile/quantile.h"

#include <math.h>
#include <string.h>

enum { POINTS_MIN = 10 };        // samples for a judgement
static const double SCAN = 60.0; // seconds

double dogb_profile_rule_value(const dogb_profile_call *call, const char *param) {
    int index = dogb_profile_rule_param(call->rule, param, strlen(param));
    return index < 0 ? 0.0 : call->values[index];
}

size_t dogb_profile_rule_scan(const dogb_profile_call *call, size_t *row) {
    const dogb_series_set *set = &call->data->series;
    if (*row >= set->count) {
        return 0;
    }
    double end = (floor(set->times[*row] / SCAN) + 1.0) * SCAN;
    while (*row < set->count && set->times[*row] < end) {
        ++*row;
    }
    return *row;
}

int dogb_profile_rule_patient(const dogb_profile_call *call, size_t count) {
    const dogb_series_set *set = &call->data->series;
    if (call->parity) {
        return (double)count > dogb_profile_rule_value(call, "patience");
    }
    if (count < POINTS_MIN || count > set->count) {
        return 0;
    }
    double now = set->times[count - 1];
    return now >= dogb_profile_rule_value(call, "patience_seconds") ||
           now >= dogb_profile_rule_value(call, "patience_share") * set->times[set->count - 1];
}

double dogb_profile_rule_window(dogb_profile_call *call, const float *values, size_t count,
                                size_t window, double q) {
    window = window < count ? window : count;
    size_t known = window;
    double *sorted =
        dogb_quantile_sort(&call->doc.rc, &call->arena, values + (count - window), &known);
    double result = sorted == NULL ? (double)NAN : dogb_quantile(sorted, known, q);
    dogb_release(&call->arena, sorted);
    return result;
}

void dogb_profile_rule_box(dogb_profile_call *call, json_t *object, const float *values,
                           size_t count) {
    size_t known = count;
    const double *sorted = dogb_quantile_sort(&call->doc.rc, &call->arena, values, &known);
    if (sorted == NULL || known == 0) {
        return;
    }
    double p25 = dogb_quantile(sorted, known, 0.25);
    double p75 = dogb_quantile(sorted, known, 0.75);
    double reach = 1.5 * (p75 - p25);
    dogb_doc_real(&call->doc, object, "p25", p25);
    dogb_doc_real(&call->doc, object, "p50", dogb_quantile(sorted, known, 0.5));
    dogb_doc_real(&call->doc, object, "p75", p75);
    dogb_doc_real(&call->doc, object, "p95", dogb_quantile(sorted, known, 0.95));
    dogb_doc_real(&call->doc, object, "upper", fmin(p75 + reach, sorted[known - 1]));
    dogb_doc_real(&call->doc, object, "lower", fmax(p25 - reach, sorted[0]));
}

void dogb_profile_rule_quantiles(dogb_doc *doc, dogb_arena *arena, json_t *object,
                                 const float *values, size_t count) {
    static const struct {
        const char *name;
        double q;
    } points[] = {{"max", 1.0}, {"p99", 0.99}, {"p95", 0.95}, {"p50", 0.5}, {"min", 0.0}};
    size_t known = count;
    const double *sorted = dogb_quantile_sort(&doc->rc, arena, values, &known);
    for (size_t i = 0; sorted != NULL && known > 0 && i < sizeof points / sizeof *points; i++) {
        dogb_doc_real(doc, object, points[i].name, dogb_quantile(sorted, known, points[i].q));
    }
}
