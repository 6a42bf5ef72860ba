// rules.c - what built-in engines must agree on: which batches fit a net, which inputs a pooled
// output sees, and where a label ranks among the logits.
#include "engine/engine_internal.h"

#include "core/error.h"

#include <math.h>
#include <stddef.h>

int dogb_batch_check(const dogb_graph *graph, const dogb_batch *batch) {
    const dogb_node *input = &graph->nodes[0];
    if (batch->count < 1 || batch->data == NULL) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "batch of %d samples, expected 1 or more",
                         batch->count);
    }
    if (batch->dtype != DOGB_DATA_F32 && batch->dtype != DOGB_DATA_U8) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "batch data type %d is not known",
                         batch->dtype);
    }
    if (batch->dtype == DOGB_DATA_U8 && (input->rank != 3 || input->shape[0] != 3)) {
        return dogb_fail(DOGBREED_ERROR_MISMATCH,
                         "batch: bytes need a net whose input is 3 channels of pixels");
    }
    return DOGBREED_OK;
}

dogb_span dogb_pool_span(const dogb_node *node, int axis, int64_t size, int64_t out) {
    if (node->op == DOGB_OP_ADAPTIVE_AVG_POOL) {
        int64_t first = out * size / node->kernel[axis];
        int64_t last = ((out + 1) * size + node->kernel[axis] - 1) / node->kernel[axis];
        return (dogb_span){first, last, last - first};
    }
    int64_t first = out * node->stride[axis] - node->padding[axis];
    int64_t last = first + node->kernel[axis];
    int64_t limit = size + node->padding[axis];
    return (dogb_span){first < 0 ? 0 : first, last > size ? size : last,
                       (last > limit ? limit : last) - first};
}

int64_t dogb_label_rank(const float *row, int64_t classes, int32_t label) {
    int64_t rank = 0;
    if (isnan(row[label])) {
        return classes;
    }
    for (int64_t c = 0; c < classes; c++) {
        rank += row[c] > row[label] || isnan(row[c]) || (row[c] == row[label] && c < label);
    }
    return rank;
}
