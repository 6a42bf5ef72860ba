// pruner.c - the table of pruners, and the two median rules.
#include "search/pruner.h"

#include "core/arena.h"
#include "core/error.h"
#include "core/number.h"
#include "search/halving.h"

#include <math.h>
#include <stdlib.h>

static int none_stops(const dogb_pruner_conf *conf, const dogb_curve *trial,
                      const dogb_curve *others, int64_t count) {
    (void)conf;
    (void)trial;
    (void)others;
    (void)count;
    return 0;
}

// --- medians

// What a curve contributes after `epochs` values; NaN: it stays out.
typedef double (*measure)(const dogb_curve *curve, int32_t epochs);

static double running_average(const dogb_curve *curve, int32_t epochs) {
    double sum = 0;
    for (int32_t i = 0; i < epochs; i++) {
        sum += curve->values[i]; // a missing value makes it NaN
    }
    return sum / epochs;
}

static double last_value(const dogb_curve *curve, int32_t epochs) {
    return curve->values[epochs - 1];
}

static double best_value(const dogb_curve *curve, int32_t epochs) {
    double best = NAN;
    for (int32_t i = 0; i < epochs; i++) {
        best = fmin(best, curve->values[i]); // ignores NaN
    }
    return best;
}

// Stops when `own` of the trial is worse than the median of `theirs` over the others.
static int median_rule(const dogb_pruner_conf *conf, const dogb_curve *trial,
                       const dogb_curve *others, int64_t count, measure own, measure theirs) {
    int32_t epochs = trial->count;
    if (epochs < 1 || epochs <= conf->warmup) {
        return 0;
    }
    double *sorted = dogb_malloc((size_t)count + 1, sizeof *sorted);
    if (sorted == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int64_t found = 0;
    for (int64_t i = 0; i < count; i++) {
        if (others[i].number != trial->number && others[i].count >= epochs) {
            double value = theirs(&others[i], epochs);
            if (!isnan(value)) {
                sorted[found++] = value;
            }
        }
    }
    int stop = 0;
    if (found >= conf->min_trials && found > 0) {
        qsort(sorted, (size_t)found, sizeof *sorted, dogb_number_compare);
        double median =
            found % 2 == 1 ? sorted[found / 2] : (sorted[found / 2 - 1] + sorted[found / 2]) / 2;
        stop = own(trial, epochs) > median;
    }
    dogb_free(sorted);
    return stop;
}

static int auto_stops(const dogb_pruner_conf *conf, const dogb_curve *trial,
                      const dogb_curve *others, int64_t count) {
    return median_rule(conf, trial, others, count, last_value, running_average);
}

static int median_stops(const dogb_pruner_conf *conf, const dogb_curve *trial,
                        const dogb_curve *others, int64_t count) {
    return median_rule(conf, trial, others, count, best_value, last_value);
}

// --- all kinds

static const struct {
    int (*stops)(const dogb_pruner_conf *, const dogb_curve *, const dogb_curve *, int64_t);
    int32_t min_trials; // defaults
    int32_t eta;
} kinds[] = {
    [DOGB_PRUNER_NONE] = {none_stops, 0, 2},
    [DOGB_PRUNER_AUTO] = {auto_stops, 4, 2},
    [DOGB_PRUNER_MEDIAN] = {median_stops, 5, 2},
    [DOGB_PRUNER_ASHA] = {dogb_asha_stops, 0, 4},
    [DOGB_PRUNER_HYPERBAND] = {dogb_hyperband_stops, 0, 3},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

dogb_pruner_conf dogb_pruner_filled(const dogb_pruner_conf *conf) {
    dogb_pruner_conf filled = *conf;
    filled.min_trials = conf->min_trials > 0 ? conf->min_trials : kinds[conf->kind].min_trials;
    filled.min_resource = conf->min_resource > 0 ? conf->min_resource : 1;
    filled.eta = conf->eta > 0 ? conf->eta : kinds[conf->kind].eta;
    return filled;
}

int dogb_pruner_check(const dogb_pruner_conf *conf) {
    DOGB_CHECK(conf->kind >= 0 && conf->kind < KINDS, "search: pruner %d is not known", conf->kind);
    const struct {
        const char *name;
        int32_t value;
    } parts[] = {{"min_trials", conf->min_trials},
                 {"warmup", conf->warmup},
                 {"min_resource", conf->min_resource},
                 {"max_resource", conf->max_resource},
                 {"eta", conf->eta}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        DOGB_CHECK(parts[i].value >= 0, "search: %s is %d, expected 0 or more", parts[i].name,
                   parts[i].value);
    }
    dogb_pruner_conf filled = dogb_pruner_filled(conf);
    DOGB_CHECK(filled.eta >= 2, "search: eta is %d, expected 2 or more", filled.eta);
    if (conf->kind == DOGB_PRUNER_HYPERBAND) {
        DOGB_CHECK(filled.max_resource >= filled.min_resource,
                   "search: max_resource is %d, expected at least min_resource, %d",
                   filled.max_resource, filled.min_resource);
        DOGB_CHECK(conf->study != NULL, "search: hyperband needs the name of the study");
    }
    return 0;
}

int dogb_pruner_stops(const dogb_pruner_conf *conf, const dogb_curve *trial,
                      const dogb_curve *others, int64_t count) {
    int rc = dogb_pruner_check(conf);
    if (rc < 0) {
        return rc;
    }
    dogb_pruner_conf filled = dogb_pruner_filled(conf);
    return kinds[conf->kind].stops(&filled, trial, others, count);
}
