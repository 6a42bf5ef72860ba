// golden.h - numbers of PyTorch, scikit-learn, scipy and torchmetrics (golden/make.py): logits of
// 60 samples and 7 classes with their labels, and what they amount to.
#ifndef DOGB_TEST_EVALUATE_GOLDEN_H
#define DOGB_TEST_EVALUATE_GOLDEN_H

#include "core/file.h"
#include "evaluate/evaluate_struct.h"
#include "test.h"

#include <math.h>

static inline void assert_near(double a, double b, double tolerance) {
    if (!(fabs(a - b) <= tolerance)) {
        fail_msg("%.17g and %.17g differ by more than %g", a, b, tolerance);
    }
}

static inline double number(const json_t *array, size_t index) {
    const json_t *value = json_array_get(array, index);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

// Row i of the golden logits; its label.
static inline int32_t golden_row(float logits[7], const json_t *golden, size_t i) {
    const json_t *row = json_array_get(json_object_get(golden, "logits"), i);
    for (size_t c = 0; c < 7; c++) {
        logits[c] = (float)number(row, c);
    }
    return (int32_t)number(json_object_get(golden, "labels"), i);
}

#endif
