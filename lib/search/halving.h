// halving.h - successive halving, the rule under asha and hyperband.
#ifndef DOGB_SEARCH_HALVING_H
#define DOGB_SEARCH_HALVING_H

#include "search/pruner.h"

// The configuration with its defaults filled in.
dogb_pruner_conf dogb_pruner_filled(const dogb_pruner_conf *conf);

int dogb_asha_stops(const dogb_pruner_conf *conf, const dogb_curve *trial, const dogb_curve *others,
                    int64_t count);
int dogb_hyperband_stops(const dogb_pruner_conf *conf, const dogb_curve *trial,
                         const dogb_curve *others, int64_t count);

#endif
