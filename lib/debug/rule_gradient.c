// rule_gradient.c - VanishingGradient.
#include "debug/rule_calls.h"

static int vanishing_see(dogb_rule_run *run, const dogb_rule_moment *m, const dogb_rule_tensor *t) {
    const dogb_vanishing_params *params = run->params;
    const dogbreed_tensor_stats *stats = NULL;
    if (!dogb_rule_judged(run, m)) {
        return 0;
    }
    if (!t->trainable) {
        return dogb_rule_skip(run, DOGB_SKIP_FROZEN);
    }
    int rc = dogb_rule_stats(run, t, &stats);
    if (rc <= 0) {
        return rc;
    }
    if (stats->nan_count + stats->infinity_count > 0) {
        return dogb_rule_skip(run, DOGB_SKIP_NOT_FINITE);
    }
    dogb_rule_point(run);
    if (stats->absolute_mean < params->threshold) {
        return dogb_rule_tensor_hit(run, m, t, "mean of absolute values", stats->absolute_mean,
                                    "threshold", params->threshold);
    }
    return 0;
}

const dogb_rule_calls dogb_vanishing_calls = {.see = vanishing_see};
