// rule_weight.c - rules about the values of chosen tensors: ExplodingTensor, TensorVariance,
// AllZero.
#include "debug/rule_calls.h"

#include "core/stats.h"

static int exploding_see(dogb_rule_run *run, const dogb_rule_moment *m, const dogb_rule_tensor *t) {
    const dogb_exploding_params *params = run->params;
    const dogbreed_tensor_stats *stats = NULL;
    int rc = dogb_rule_judged(run, m) ? dogb_rule_stats(run, t, &stats) : 0;
    if (rc <= 0) {
        return rc;
    }
    dogb_rule_point(run);
    int64_t infinite = params->only_nan ? 0 : stats->infinity_count;
    if (stats->nan_count + infinite == 0) {
        return 0;
    }
    rc = dogb_rule_hit(run, m, "%s: %lld values are NaN, %lld are infinite, of %lld", t->name,
                       (long long)stats->nan_count, (long long)stats->infinity_count,
                       (long long)dogb_rule_elements(t));
    rc = rc < 0 ? rc : dogb_rule_evidence_text(run, "tensor", t->name);
    rc = rc < 0 ? rc : dogb_rule_evidence(run, "nan", (double)stats->nan_count);
    return rc < 0 ? rc : dogb_rule_evidence(run, "infinite", (double)stats->infinity_count);
}

const dogb_rule_calls dogb_exploding_calls = {.see = exploding_see};

static int variance_see(dogb_rule_run *run, const dogb_rule_moment *m, const dogb_rule_tensor *t) {
    const dogb_variance_params *params = run->params;
    const dogbreed_tensor_stats *stats = NULL;
    int rc = dogb_rule_judged(run, m) ? dogb_rule_stats(run, t, &stats) : 0;
    if (rc <= 0) {
        return rc;
    }
    if (stats->nan_count + stats->infinity_count > 0) {
        return dogb_rule_skip(run, DOGB_SKIP_NOT_FINITE);
    }
    double variance = dogb_stats_variance(stats);
    dogb_rule_point(run);
    if (variance > params->max_threshold) {
        return dogb_rule_tensor_hit(run, m, t, "variance", variance, "max_threshold",
                                    params->max_threshold);
    }
    if (variance < params->min_threshold) {
        return dogb_rule_tensor_hit(run, m, t, "variance", variance, "min_threshold",
                                    params->min_threshold);
    }
    return 0;
}

const dogb_rule_calls dogb_variance_calls = {.see = variance_see};

static int all_zero_see(dogb_rule_run *run, const dogb_rule_moment *m, const dogb_rule_tensor *t) {
    const dogb_all_zero_params *params = run->params;
    const dogbreed_tensor_stats *stats = NULL;
    int rc = dogb_rule_judged(run, m) ? dogb_rule_stats(run, t, &stats) : 0;
    if (rc <= 0) {
        return rc;
    }
    double percent = 100 * stats->zero_share;
    dogb_rule_point(run);
    return percent >= params->threshold
               ? dogb_rule_tensor_hit(run, m, t, "share of zeros in %", percent, "threshold",
                                      params->threshold)
               : 0;
}

const dogb_rule_calls dogb_all_zero_calls = {.see = all_zero_see};
