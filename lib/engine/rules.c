// rules.c - what built-in engines must agree on: which batches, labels, parameters and state fit a
// net, which inputs a pooled output sees, and where a label ranks among the logits.
#include "engine/engine_internal.h"

#include "core/error.h"
#include "engine/heads.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

int dogb_device_check(const char *device) {
    if (strcmp(device, "cpu") != 0) {
        return dogb_fail(DOGBREED_ERROR_DEVICE, "device %s: this engine has only cpu", device);
    }
    return DOGBREED_OK;
}

int dogb_heads_result(int rc, const char *line) {
    return rc < 0 ? dogb_fail(rc, "%s", line) : rc;
}

int dogb_heads_conf_check(const dogb_heads_conf *conf) {
    char line[DOGB_HEADS_TEXT];
    int rc = dogb_heads_result(dogb_heads_check_conf(line, conf), line);
    return rc < 0 ? rc : dogb_device_check(conf->device == NULL ? "cpu" : conf->device);
}

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

int dogb_target_check(const dogb_graph *graph, const dogb_target *target, int64_t count) {
    const dogb_node *node = &graph->nodes[graph->output];
    if (count == 0) {
        return dogb_fail(DOGBREED_ERROR_STATE, "loss: forward has not run");
    }
    if (node->rank != 1) {
        return dogb_fail(DOGBREED_ERROR_MISMATCH, "loss: the net's output is not a row of logits");
    }
    if (target->count != count) {
        return dogb_fail(DOGBREED_ERROR_MISMATCH, "loss: %d labels for a batch of %lld",
                         target->count, (long long)count);
    }
    if (!(target->label_smoothing >= 0 && target->label_smoothing <= 1)) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "label_smoothing: %g, expected 0 to 1",
                         target->label_smoothing);
    }
    for (int32_t i = 0; i < target->count; i++) {
        if (target->labels[i] < 0 || target->labels[i] >= node->shape[0]) {
            return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                             "loss: label %d of sample %d, expected 0 to %lld", target->labels[i],
                             i, (long long)node->shape[0] - 1);
        }
    }
    return DOGBREED_OK;
}

int dogb_output_check(const dogb_graph *graph, int64_t count, size_t size) {
    const dogb_node *node = &graph->nodes[graph->output];
    size_t bytes = (size_t)count * sizeof(float);
    for (int32_t i = 0; i < node->rank; i++) {
        bytes *= (size_t)node->shape[i];
    }
    if (count == 0) {
        return dogb_fail(DOGBREED_ERROR_STATE, "no output yet: forward has not run");
    }
    if (size != bytes) {
        return dogb_fail(DOGBREED_ERROR_MISMATCH, "output: %zu bytes given, it has %zu", size,
                         bytes);
    }
    return DOGBREED_OK;
}

int dogb_backward_check(int ready) {
    return ready ? DOGBREED_OK
                 : dogb_fail(DOGBREED_ERROR_STATE, "backward: a forward in training mode and its "
                                                   "loss must come first");
}

// --- parameters and optimisers

size_t dogb_param_bytes(const dogb_param *param) {
    return (size_t)param->count *
           (param->role == DOGB_ROLE_COUNTER ? sizeof(int64_t) : sizeof(float));
}

int dogb_param_check(const dogb_graph *graph, int32_t param) {
    if (param < 0 || param >= graph->param_count) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "parameter %d, expected 0 to %d", param,
                         graph->param_count - 1);
    }
    return DOGBREED_OK;
}

int dogb_param_check_size(const dogb_graph *graph, int32_t param, size_t size) {
    int rc = dogb_param_check(graph, param);
    size_t bytes = rc < 0 ? 0 : dogb_param_bytes(&graph->params[param]);
    if (rc == DOGBREED_OK && size != bytes) {
        rc = dogb_fail(DOGBREED_ERROR_MISMATCH, "%s: %zu bytes given, it has %zu",
                       graph->params[param].name, size, bytes);
    }
    return rc;
}

int dogb_slot_check(const dogb_graph *graph, int32_t param, int32_t slot, int there, size_t size) {
    const dogb_param *at = &graph->params[param];
    size_t bytes = (size_t)at->count * sizeof(float);
    if (!there) {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "%s: the optimiser has no state %d of it",
                         at->name, slot);
    }
    if (size != bytes) {
        return dogb_fail(DOGBREED_ERROR_MISMATCH, "%s: state of %zu bytes given, it has %zu",
                         at->name, size, bytes);
    }
    return DOGBREED_OK;
}

int dogb_steps_check(int64_t steps) {
    if (steps < 0) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "optimiser steps: %lld, expected 0 or more", (long long)steps);
    }
    return DOGBREED_OK;
}

int32_t dogb_optim_slot_count(const dogb_optim_conf *conf) {
    return conf->kind != DOGB_OPTIM_SGD ? 2 : conf->momentum != 0;
}

int dogb_optim_check(const dogb_optim_conf *conf) {
    if (conf->kind < DOGB_OPTIM_SGD || conf->kind > DOGB_OPTIM_ADAMW) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "optimizer %d is not known", conf->kind);
    }
    return DOGBREED_OK;
}

// --- values

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
