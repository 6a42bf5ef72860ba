// halving.c - successive halving as Optuna does it, read off the curves: a trial has the value of
// rung r when it has reached that epoch, min_resource * eta^r, because every epoch is reported.
#include "search/halving.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

// Epoch of the first rung at or behind the trial's last one. first: rungs that are left out.
static int64_t rung_epoch(const dogb_pruner_conf *conf, int32_t first, int32_t count) {
    int64_t epoch = conf->min_resource;
    for (int32_t i = 0; i < first || epoch < count; i++) {
        epoch *= conf->eta;
        if (epoch > INT32_MAX) {
            break;
        }
    }
    return epoch;
}

// The share 1 / eta of the competitors (others that have this rung, and the trial) goes on.
static int stops(const dogb_pruner_conf *conf, int32_t first, const dogb_curve *trial,
                 const dogb_curve *others, int64_t count,
                 int (*competes)(const dogb_pruner_conf *, const dogb_curve *,
                                 const dogb_curve *)) {
    if (trial->count < 1 || rung_epoch(conf, first, trial->count) != trial->count) {
        return 0;
    }
    int32_t at = trial->count - 1;
    double value = trial->values[at];
    if (isnan(value)) {
        return 1;
    }
    int64_t competitors = 1;
    int64_t better = 0;
    for (int64_t i = 0; i < count; i++) {
        const dogb_curve *other = &others[i];
        if (other->number != trial->number && other->count > at && !isnan(other->values[at]) &&
            competes(conf, trial, other)) {
            competitors++;
            better += other->values[at] < value;
        }
    }
    int64_t promoted = competitors / conf->eta;
    return better >= (promoted > 0 ? promoted : 1);
}

static int everybody(const dogb_pruner_conf *conf, const dogb_curve *trial,
                     const dogb_curve *other) {
    (void)conf;
    (void)trial;
    (void)other;
    return 1;
}

int dogb_asha_stops(const dogb_pruner_conf *conf, const dogb_curve *trial, const dogb_curve *others,
                    int64_t count) {
    return stops(conf, 0, trial, others, count, everybody);
}

// --- hyperband: brackets that leave out 0, 1, 2, ... rungs

int32_t dogb_hyperband_brackets(const dogb_pruner_conf *conf) {
    dogb_pruner_conf filled = dogb_pruner_filled(conf);
    // In doubles, rounding included: Optuna's Python does the same.
    double ratio = (double)filled.max_resource / filled.min_resource;
    return (int32_t)floor(log(ratio) / log(filled.eta)) + 1;
}

int64_t dogb_hyperband_budget(const dogb_pruner_conf *conf, int32_t bracket) {
    dogb_pruner_conf filled = dogb_pruner_filled(conf);
    int32_t brackets = dogb_hyperband_brackets(conf);
    int32_t s = brackets - 1 - bracket;
    return (int64_t)ceil(brackets * pow(filled.eta, s) / (s + 1));
}

int32_t dogb_hyperband_bracket(const dogb_pruner_conf *conf, int64_t number) {
    int32_t brackets = dogb_hyperband_brackets(conf);
    int64_t sum = 0;
    for (int32_t i = 0; i < brackets; i++) {
        sum += dogb_hyperband_budget(conf, i);
    }
    char text[32];
    (void)snprintf(text, sizeof text, "_%lld", (long long)number);
    uLong crc = crc32_z(0, (const Bytef *)conf->study, strlen(conf->study));
    crc = crc32_z(crc, (const Bytef *)text, strlen(text));
    int64_t left = (int64_t)crc % sum;
    int32_t bracket = 0;
    while (bracket < brackets - 1 && left >= dogb_hyperband_budget(conf, bracket)) {
        left -= dogb_hyperband_budget(conf, bracket++);
    }
    return bracket;
}

static int same_bracket(const dogb_pruner_conf *conf, const dogb_curve *trial,
                        const dogb_curve *other) {
    return dogb_hyperband_bracket(conf, trial->number) ==
           dogb_hyperband_bracket(conf, other->number);
}

int dogb_hyperband_stops(const dogb_pruner_conf *conf, const dogb_curve *trial,
                         const dogb_curve *others, int64_t count) {
    int32_t first = dogb_hyperband_bracket(conf, trial->number);
    return stops(conf, first, trial, others, count, same_bracket);
}
