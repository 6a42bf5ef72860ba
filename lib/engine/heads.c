// heads.c - what every bank of heads refuses. Compiled into plug-ins too: depends on nothing.
#include "engine/heads.h"

#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 3, 4))) static int refuse(char *line, int code, const char *format,
                                                        ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, DOGB_HEADS_TEXT, format, arguments);
    va_end(arguments);
    return code;
}

// --- creation

static int bad_share(double share) {
    return !(share >= 0 && share < 1);
}

// A mask belongs to a node of the head's graph: input, dropout, linear, ReLU, dropout, linear.
static int check_nodes(char *line, const dogb_heads_conf *conf, int32_t i, double features) {
    const int32_t *nodes = conf->dropout_nodes;
    int32_t first = features != 0 ? nodes[0] : 0;
    if ((features != 0 && nodes[0] < 1) || (conf->dropout[i] != 0 && nodes[1] < first + 3)) {
        return refuse(line, DOGBREED_ERROR_INVALID_ARGUMENT,
                      "head %d: dropout nodes %d and %d are not those of a head", i, nodes[0],
                      nodes[1]);
    }
    return DOGBREED_OK;
}

static int check_one(char *line, const dogb_heads_conf *conf, int32_t i) {
    const dogb_optim_conf *optim = &conf->optim[i];
    double features = conf->dropout_features == NULL ? 0 : conf->dropout_features[i];
    if (optim->kind < DOGB_OPTIM_SGD || optim->kind > DOGB_OPTIM_ADAMW) {
        return refuse(line, DOGBREED_ERROR_INVALID_ARGUMENT, "head %d: optimizer %d is not known",
                      i, optim->kind);
    }
    if (!(conf->label_smoothing[i] >= 0 && conf->label_smoothing[i] <= 1)) {
        return refuse(line, DOGBREED_ERROR_INVALID_ARGUMENT,
                      "head %d: label_smoothing: %g, expected 0 to 1", i, conf->label_smoothing[i]);
    }
    if (bad_share(conf->dropout[i]) || bad_share(features)) {
        return refuse(line, DOGBREED_ERROR_INVALID_ARGUMENT,
                      "head %d: dropout: %g and %g, expected 0 or more and below 1", i,
                      conf->dropout[i], features);
    }
    if (conf->hidden == 0 && conf->dropout[i] != 0) {
        return refuse(line, DOGBREED_ERROR_INVALID_ARGUMENT,
                      "head %d: dropout: %g, but there is no hidden layer", i, conf->dropout[i]);
    }
    return check_nodes(line, conf, i, features);
}

int dogb_heads_check_conf(char line[DOGB_HEADS_TEXT], const dogb_heads_conf *conf) {
    if (conf->count < 1 || conf->features < 1 || conf->classes < 1 || conf->hidden < 0) {
        return refuse(line, DOGBREED_ERROR_INVALID_ARGUMENT,
                      "heads: %d of %d features, %d hidden, %d classes: expected at least one",
                      conf->count, conf->features, conf->hidden, conf->classes);
    }
    int rc = DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < conf->count; i++) {
        rc = check_one(line, conf, i);
    }
    return rc;
}

int dogb_heads_check_head(char line[DOGB_HEADS_TEXT], const dogb_heads_shape *shape, int32_t head) {
    if (head < 0 || head >= shape->count) {
        return refuse(line, DOGBREED_ERROR_NOT_FOUND, "head %d: the bank has %d", head,
                      shape->count);
    }
    if (shape->ended[head]) {
        return refuse(line, DOGBREED_ERROR_STATE, "head %d has left the bank", head);
    }
    return DOGBREED_OK;
}

// --- training

static int check_label(char *line, const dogb_heads_shape *shape, const int32_t *labels,
                       int64_t row) {
    if (labels[row] < 0 || labels[row] >= shape->classes) {
        return refuse(line, DOGBREED_ERROR_INVALID_ARGUMENT,
                      "heads: label %d of row %lld, expected 0 to %d", labels[row], (long long)row,
                      shape->classes - 1);
    }
    return DOGBREED_OK;
}

int dogb_heads_check_labels(char line[DOGB_HEADS_TEXT], const dogb_heads_shape *shape,
                            const int32_t *labels, int32_t count) {
    int rc = DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        rc = check_label(line, shape, labels, i);
    }
    return rc;
}

static int check_work(char *line, const dogb_heads_shape *shape, const dogb_heads_data *data,
                      const dogb_heads_work *work) {
    int rc = dogb_heads_check_head(line, shape, work->head);
    if (rc < 0) {
        return rc;
    }
    if (work->batch < 1 || work->samples < 0 ||
        (work->order == NULL && work->samples > data->rows)) {
        return refuse(line, DOGBREED_ERROR_INVALID_ARGUMENT,
                      "head %d: batches of %d of %lld samples, the data have %lld rows", work->head,
                      work->batch, (long long)work->samples, (long long)data->rows);
    }
    for (int64_t i = 0; rc == DOGBREED_OK && i < work->samples; i++) {
        int64_t row = work->order == NULL ? i : work->order[i];
        if (row < 0 || row >= data->rows) {
            return refuse(line, DOGBREED_ERROR_INVALID_ARGUMENT,
                          "head %d: row %lld of sample %lld, expected 0 to %lld", work->head,
                          (long long)row, (long long)i, (long long)data->rows - 1);
        }
        rc = check_label(line, shape, data->labels, row);
    }
    return rc;
}

int dogb_heads_check_run(char line[DOGB_HEADS_TEXT], const dogb_heads_shape *shape,
                         const dogb_heads_data *data, const dogb_heads_work *work, int32_t count) {
    if (data->stride < shape->features) {
        return refuse(line, DOGBREED_ERROR_INVALID_ARGUMENT,
                      "heads: rows of %lld features, expected %d", (long long)data->stride,
                      shape->features);
    }
    int rc = DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        rc = check_work(line, shape, data, &work[i]);
        for (int32_t k = 0; rc == DOGBREED_OK && k < i; k++) {
            if (work[k].head == work[i].head) {
                rc = refuse(line, DOGBREED_ERROR_INVALID_ARGUMENT,
                            "head %d stands twice in one run", work[i].head);
            }
        }
    }
    return rc;
}

int32_t dogb_heads_one_step(dogb_heads_work *work, const dogb_heads_shape *shape, int32_t count,
                            const double *rates, int64_t step, double *losses) {
    int32_t items = 0;
    for (int32_t i = 0; i < shape->count; i++) {
        if (shape->ended[i]) {
            losses[i] = 0;
            continue;
        }
        work[items++] = (dogb_heads_work){.head = i,
                                          .batch = count,
                                          .samples = count,
                                          .rates = rates + i,
                                          .losses = losses + i,
                                          .step = step};
    }
    return items;
}

// --- values

int32_t dogb_heads_params(const dogb_heads_shape *shape) {
    return shape->hidden > 0 ? DOGB_HEADS_PARAMS : DOGB_HEADS_PARAMS / 2;
}

int64_t dogb_heads_param_count(const dogb_heads_shape *shape, int32_t param) {
    int64_t inputs = param >= 2 ? shape->hidden : shape->features;
    int64_t outputs = param < 2 && shape->hidden > 0 ? shape->hidden : shape->classes;
    return param % 2 == 0 ? inputs * outputs : outputs;
}

static int check_size(char *line, const dogb_heads_shape *shape, int32_t head, int32_t param,
                      size_t size) {
    size_t bytes = (size_t)dogb_heads_param_count(shape, param) * sizeof(float);
    if (size != bytes) {
        return refuse(line, DOGBREED_ERROR_MISMATCH,
                      "head %d, parameter %d: %zu bytes given, it has %zu", head, param, size,
                      bytes);
    }
    return DOGBREED_OK;
}

int dogb_heads_check_param(char line[DOGB_HEADS_TEXT], const dogb_heads_shape *shape, int32_t head,
                           int32_t param, size_t size) {
    int rc = dogb_heads_check_head(line, shape, head);
    if (rc == DOGBREED_OK && (param < 0 || param >= dogb_heads_params(shape))) {
        rc = refuse(line, DOGBREED_ERROR_NOT_FOUND, "head %d: has no parameter %d", head, param);
    }
    return rc < 0 ? rc : check_size(line, shape, head, param, size);
}

int dogb_heads_check_slot(char line[DOGB_HEADS_TEXT], const dogb_heads_shape *shape, int32_t head,
                          int32_t param, int32_t slot, int32_t slots, size_t size) {
    int rc = dogb_heads_check_head(line, shape, head);
    if (rc == DOGBREED_OK &&
        (param < 0 || param >= dogb_heads_params(shape) || slot < 0 || slot >= slots)) {
        rc = refuse(line, DOGBREED_ERROR_NOT_FOUND, "head %d: has no state %d of parameter %d",
                    head, slot, param);
    }
    return rc < 0 ? rc : check_size(line, shape, head, param, size);
}

int dogb_heads_check_steps(char line[DOGB_HEADS_TEXT], const dogb_heads_shape *shape, int32_t head,
                           int64_t steps) {
    int rc = dogb_heads_check_head(line, shape, head);
    if (rc == DOGBREED_OK && steps < 0) {
        rc = refuse(line, DOGBREED_ERROR_INVALID_ARGUMENT,
                    "head %d: optimiser steps: %lld, expected 0 or more", head, (long long)steps);
    }
    return rc;
}
