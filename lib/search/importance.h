// importance.h - how much each axis mattered for reaching the best results: PED-ANOVA (Watanabe et
// al., 2023; conditional parameters: 2026), the numbers of Optuna 5's PedAnovaImportanceEvaluator.
#ifndef DOGB_SEARCH_IMPORTANCE_H
#define DOGB_SEARCH_IMPORTANCE_H

#include "search/history.h"

// out[axes], 0 or more, sum 1. Points without a finite objective are left out. Where nothing can be
// told (fewer than two points, axes of one value) all axes are equal.
int dogb_importance(double *out, const dogb_history *history);

#endif
