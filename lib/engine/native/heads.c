// heads.c - banks of heads: their memory, and what goes in and out of them.
#include "engine/native/heads.h"

#include "core/error.h"
#include "engine/engine_internal.h"
#include "engine/native/kernel.h"

#include <string.h>

static const dogb_heads_kernel *choose(void) {
    static const dogb_heads_kernel *const kernels[] = {
#if defined(__x86_64__)
        &dogb_heads_kernel_avx512,
        &dogb_heads_kernel_avx2,
#endif
        &dogb_heads_kernel_c,
    };
    const char *name = dogb_kernel_choose()->name;
    size_t count = sizeof kernels / sizeof kernels[0];
    for (size_t i = 0; i + 1 < count; i++) {
        if (strcmp(kernels[i]->name, name) == 0) {
            return kernels[i];
        }
    }
    return kernels[count - 1];
}

// --- creation

static int bad_share(double share) {
    return !(share >= 0 && share < 1);
}

static int check_head(const dogb_heads_conf *conf, int32_t i) {
    const dogb_optim_conf *optim = &conf->optim[i];
    if (optim->kind < DOGB_OPTIM_SGD || optim->kind > DOGB_OPTIM_ADAMW) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "head %d: optimizer %d is not known", i,
                         optim->kind);
    }
    if (!(conf->label_smoothing[i] >= 0 && conf->label_smoothing[i] <= 1)) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "head %d: label_smoothing: %g, expected 0 to 1", i,
                         conf->label_smoothing[i]);
    }
    double features = conf->dropout_features == NULL ? 0 : conf->dropout_features[i];
    if (bad_share(conf->dropout[i]) || bad_share(features)) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "head %d: dropout: %g and %g, expected 0 or more and below 1", i,
                         conf->dropout[i], features);
    }
    if (conf->hidden == 0 && conf->dropout[i] != 0) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "head %d: dropout: %g, but there is no hidden layer", i, conf->dropout[i]);
    }
    return DOGBREED_OK;
}

static int check(const dogb_heads_conf *conf) {
    if (conf->count < 1 || conf->features < 1 || conf->classes < 1 || conf->hidden < 0) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "heads: %d of %d features, %d hidden, %d classes: expected at least one",
                         conf->count, conf->features, conf->hidden, conf->classes);
    }
    for (int32_t i = 0; i < conf->count; i++) {
        int rc = check_head(conf, i);
        if (rc < 0) {
            return rc;
        }
    }
    return DOGBREED_OK;
}

static int make_smooth(dogb_head *head, const dogb_heads *heads) {
    dogb_heads_target *target = &head->target;
    if (target->smoothing == 0) {
        return DOGBREED_OK;
    }
    float *smooth = dogb_alloc(&head->arena, (size_t)target->padded, sizeof *smooth);
    if (smooth == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    target->smooth_sum =
        dogb_heads_smooth(smooth, target->class_weights, heads->classes, target->smoothing);
    target->smooth = smooth;
    return DOGBREED_OK;
}

static int make_head(dogb_heads *heads, const dogb_heads_conf *conf, int32_t i,
                     const float *class_weights) {
    dogb_head *head = &heads->heads[i];
    head->optim = conf->optim[i];
    head->seed = conf->seeds[i];
    head->dropout[0] = conf->dropout_features == NULL ? 0 : conf->dropout_features[i];
    head->dropout[1] = conf->dropout[i];
    head->slots = dogb_optim_slot_count(&head->optim);
    int64_t inputs = heads->features;
    for (int32_t layer = 0; layer < heads->layers; layer++) {
        int64_t outputs = layer + 1 < heads->layers ? heads->hidden : heads->classes;
        int rc = dogb_heads_layer_make(&head->layers[layer], &head->arena, heads->kernel, inputs,
                                       outputs, head->slots);
        if (rc < 0) {
            return rc;
        }
        inputs = outputs;
    }
    head->target = (dogb_heads_target){.class_weights = class_weights,
                                       .smoothing = conf->label_smoothing[i],
                                       .classes = heads->classes,
                                       .padded = head->layers[heads->layers - 1].padded,
                                       .stride = head->layers[heads->layers - 1].stride};
    return make_smooth(head, heads);
}

static int make(dogb_heads *heads, const dogb_heads_conf *conf) {
    float *class_weights = NULL;
    heads->heads = dogb_alloc(&heads->arena, (size_t)conf->count, sizeof *heads->heads);
    if (heads->heads == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    heads->count = conf->count;
    if (conf->class_weights != NULL) {
        size_t bytes = (size_t)conf->classes * sizeof *class_weights;
        class_weights = dogb_alloc(&heads->arena, bytes, 1);
        if (class_weights == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        memcpy(class_weights, conf->class_weights, bytes);
    }
    for (int32_t i = 0; i < conf->count; i++) {
        int rc = make_head(heads, conf, i, class_weights);
        if (rc < 0) {
            return rc;
        }
    }
    return DOGBREED_OK;
}

int dogb_native_heads_create(dogb_heads **out, const dogb_heads_conf *conf) {
    *out = NULL;
    int rc = check(conf);
    if (rc < 0) {
        return rc;
    }
    dogb_heads *heads = dogb_malloc(1, sizeof *heads);
    if (heads == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    heads->kernel = choose();
    heads->features = conf->features;
    heads->classes = conf->classes;
    heads->hidden = conf->hidden;
    heads->layers = conf->hidden > 0 ? 2 : 1;
    heads->threads = conf->threads < 1 ? 1 : conf->threads;
    memcpy(heads->nodes, conf->dropout_nodes, sizeof heads->nodes);
    if ((rc = make(heads, conf)) < 0) {
        dogb_native_heads_destroy(heads);
        return rc;
    }
    *out = heads;
    return DOGBREED_OK;
}

void dogb_native_heads_destroy(dogb_heads *heads) {
    if (heads == NULL) {
        return;
    }
    for (int32_t i = 0; i < heads->count; i++) {
        dogb_arena_free(&heads->heads[i].arena);
    }
    dogb_arena_free(&heads->memory);
    dogb_arena_free(&heads->arena);
    dogb_free(heads);
}

int dogb_native_heads_find(dogb_head **out, dogb_heads *heads, int32_t index) {
    if (index < 0 || index >= heads->count) {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "head %d: the bank has %d", index, heads->count);
    }
    if (heads->heads[index].ended) {
        return dogb_fail(DOGBREED_ERROR_STATE, "head %d has left the bank", index);
    }
    *out = &heads->heads[index];
    return DOGBREED_OK;
}

int dogb_native_heads_end(dogb_heads *heads, int32_t head) {
    dogb_head *found = NULL;
    int rc = dogb_native_heads_find(&found, heads, head);
    if (rc == DOGBREED_OK) {
        dogb_arena_free(&found->arena);
        found->ended = 1;
    }
    return rc;
}

// --- parameters and their state: a layer's weight and bias have even and odd indices

typedef struct tensor {
    const dogb_heads_layer *layer;
    float *data;
    int32_t is_bias;
} tensor;

// slot -1: the parameter itself.
static int find_tensor(tensor *out, dogb_heads *heads, int32_t head, int32_t param, int32_t slot,
                       size_t size) {
    dogb_head *found = NULL;
    int rc = dogb_native_heads_find(&found, heads, head);
    if (rc < 0) {
        return rc;
    }
    if (param < 0 || param >= 2 * heads->layers || slot >= found->slots) {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND,
                         "head %d: has no parameter %d or no state %d of it", head, param, slot);
    }
    const dogb_heads_layer *layer = &found->layers[param / 2];
    out->layer = layer;
    out->is_bias = param % 2;
    if (slot < 0) {
        out->data = out->is_bias ? layer->bias : layer->weights;
    } else {
        out->data = out->is_bias ? layer->bias_slot[slot] : layer->weight_slot[slot];
    }
    size_t bytes =
        (size_t)(layer->outputs * (out->is_bias ? 1 : layer->inputs)) * sizeof *out->data;
    if (size != bytes) {
        return dogb_fail(DOGBREED_ERROR_MISMATCH,
                         "head %d, parameter %d: %zu bytes given, it has %zu", head, param, size,
                         bytes);
    }
    return DOGBREED_OK;
}

static int read_tensor(dogb_heads *heads, int32_t head, int32_t param, int32_t slot, float *out,
                       size_t size) {
    tensor found;
    int rc = find_tensor(&found, heads, head, param, slot, size);
    if (rc == DOGBREED_OK) {
        dogb_heads_layer_read(found.layer, heads->kernel, found.is_bias, found.data, out);
    }
    return rc;
}

static int write_tensor(dogb_heads *heads, int32_t head, int32_t param, int32_t slot,
                        const float *data, size_t size) {
    tensor found;
    int rc = find_tensor(&found, heads, head, param, slot, size);
    if (rc == DOGBREED_OK) {
        dogb_heads_layer_write(found.layer, heads->kernel, found.is_bias, found.data, data);
    }
    return rc;
}

static int check_slot(int32_t head, int32_t slot) {
    return slot >= 0 ? DOGBREED_OK
                     : dogb_fail(DOGBREED_ERROR_NOT_FOUND, "head %d: has no state %d", head, slot);
}

int dogb_native_heads_read(dogb_heads *heads, int32_t head, int32_t param, float *out,
                           size_t size) {
    return read_tensor(heads, head, param, -1, out, size);
}

int dogb_native_heads_write(dogb_heads *heads, int32_t head, int32_t param, const float *data,
                            size_t size) {
    return write_tensor(heads, head, param, -1, data, size);
}

int dogb_native_heads_slot_read(dogb_heads *heads, int32_t head, int32_t param, int32_t slot,
                                float *out, size_t size) {
    int rc = check_slot(head, slot);
    return rc < 0 ? rc : read_tensor(heads, head, param, slot, out, size);
}

int dogb_native_heads_slot_write(dogb_heads *heads, int32_t head, int32_t param, int32_t slot,
                                 const float *data, size_t size) {
    int rc = check_slot(head, slot);
    return rc < 0 ? rc : write_tensor(heads, head, param, slot, data, size);
}

int64_t dogb_native_heads_steps(dogb_heads *heads, int32_t head) {
    dogb_head *found = NULL;
    int rc = dogb_native_heads_find(&found, heads, head);
    return rc < 0 ? rc : found->steps;
}

int dogb_native_heads_set_steps(dogb_heads *heads, int32_t head, int64_t steps) {
    dogb_head *found = NULL;
    int rc = dogb_native_heads_find(&found, heads, head);
    if (rc == DOGBREED_OK && steps < 0) {
        rc =
            dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                      "head %d: optimiser steps: %lld, expected 0 or more", head, (long long)steps);
    }
    if (rc == DOGBREED_OK) {
        found->steps = steps;
    }
    return rc;
}
