// net.c - nets: creation, parameters, and the phases forward and backward of a training step.
#include "engine/engine_internal.h"
#include "engine/layer.h"
#include "engine/ref/ref.h"

#include "core/error.h"

#include <string.h>

int dogb_ref_check_train(const dogb_net *net) {
    if (net->conf.mode != DOGB_NET_TRAIN) {
        return dogb_fail(DOGBREED_ERROR_STATE, "an inference net cannot be trained or watched");
    }
    return DOGBREED_OK;
}

void dogb_ref_load(const dogb_net *net, float *out, const dogb_batch *batch, int64_t first,
                   int64_t count) {
    const dogb_node *input = &net->graph->nodes[0];
    int64_t size = dogb_ref_size(input);
    if (batch->dtype == DOGB_DATA_F32) {
        memcpy(out, (const float *)batch->data + first * size,
               (size_t)(count * size) * sizeof *out);
        return;
    }
    int64_t plane = input->shape[1] * input->shape[2];
    const uint8_t *pixels = (const uint8_t *)batch->data + first * size;
    for (int64_t n = 0; n < count; n++) {
        for (int64_t c = 0; c < 3; c++) {
            for (int64_t i = 0; i < plane; i++) {
                out[(n * 3 + c) * plane + i] =
                    ((float)pixels[(n * plane + i) * 3 + c] / 255.0f - net->graph->mean[c]) /
                    net->graph->deviation[c];
            }
        }
    }
}

static int copy_params(dogb_net *net, const void *const *weights) {
    for (int32_t i = 0; i < net->graph->param_count; i++) {
        const dogb_param *param = &net->graph->params[i];
        net->params[i] = dogb_alloc_raw(&net->arena, 1, dogb_param_bytes(param));
        if (net->params[i] == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        memcpy(net->params[i], weights[i], dogb_param_bytes(param));
        net->trainable[i] = !dogb_graph_is_buffer(param);
    }
    return DOGBREED_OK;
}

static int make(dogb_net *net, const dogb_graph *graph, const void *const *weights) {
    size_t nodes = (size_t)graph->node_count;
    size_t params = (size_t)graph->param_count + 1;
    int rc = dogb_graph_copy(&net->graph, graph);
    if (rc < 0) {
        return rc;
    }
    net->params = dogb_alloc(&net->arena, params, sizeof *net->params);
    net->grads_param = dogb_alloc(&net->arena, params, sizeof *net->grads_param);
    net->trainable = dogb_alloc(&net->arena, params, 1);
    net->last_use = dogb_alloc(&net->arena, nodes, sizeof *net->last_use);
    net->values = dogb_alloc(&net->arena, nodes, sizeof *net->values);
    net->grads = dogb_alloc(&net->arena, nodes, sizeof *net->grads);
    net->saved = dogb_alloc(&net->arena, nodes, sizeof *net->saved);
    net->wanted = dogb_alloc(&net->arena, nodes, 1);
    if (net->params == NULL || net->grads_param == NULL || net->trainable == NULL ||
        net->last_use == NULL || net->values == NULL || net->grads == NULL || net->saved == NULL ||
        net->wanted == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; i < graph->node_count; i++) {
        for (int32_t k = 0; k < graph->nodes[i].input_count; k++) {
            net->last_use[graph->nodes[i].inputs[k]] = i;
        }
    }
    net->last_use[graph->output] = graph->node_count;
    return copy_params(net, weights);
}

int dogb_ref_net_create(dogb_net **out, const dogb_graph *graph, const void *const *weights,
                        const dogb_net_conf *conf) {
    *out = NULL;
    int rc = dogb_device_check(conf->device);
    if (rc < 0) {
        return rc;
    }
    if (conf->dtype != DOGB_DTYPE_F32) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED, "data type %d: this engine has only f32",
                         conf->dtype);
    }
    dogb_net *net = dogb_malloc(1, sizeof *net);
    if (net == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    net->conf = *conf;
    net->conf.device = "cpu";
    if ((rc = make(net, graph, weights)) < 0) {
        dogb_ref_net_destroy(net);
        return rc;
    }
    *out = net;
    return DOGBREED_OK;
}

void dogb_ref_net_destroy(dogb_net *net) {
    if (net != NULL) {
        dogb_arena_free(&net->buffers);
        dogb_arena_free(&net->arena);
        dogb_graph_destroy(net->graph);
        dogb_free(net);
    }
}

int dogb_ref_param_read(dogb_net *net, int32_t param, void *out, size_t size) {
    int rc = dogb_param_check_size(net->graph, param, size);
    if (rc == DOGBREED_OK) {
        memcpy(out, net->params[param], size);
    }
    return rc;
}

int dogb_ref_param_write(dogb_net *net, int32_t param, const void *data, size_t size) {
    int rc = dogb_ref_check_train(net);
    if (rc == DOGBREED_OK) {
        rc = dogb_param_check_size(net->graph, param, size);
    }
    if (rc == DOGBREED_OK) {
        memcpy(net->params[param], data, size);
    }
    return rc;
}

int dogb_ref_param_trainable(dogb_net *net, int32_t param, int32_t trainable) {
    int rc = dogb_ref_check_train(net);
    if (rc == DOGBREED_OK) {
        rc = dogb_param_check(net->graph, param);
    }
    if (rc == DOGBREED_OK && trainable && dogb_graph_is_buffer(&net->graph->params[param])) {
        rc = dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "%s: statistics are not trained",
                       net->graph->params[param].name);
    }
    if (rc == DOGBREED_OK) {
        net->trainable[param] = trainable != 0;
    }
    return rc;
}

int dogb_ref_grad_read(dogb_net *net, int32_t param, float *out, size_t size) {
    int rc = dogb_param_check_size(net->graph, param, size);
    if (rc == DOGBREED_OK && net->grads_param[param] == NULL) {
        rc = dogb_fail(DOGBREED_ERROR_STATE, "%s: has no gradient", net->graph->params[param].name);
    }
    if (rc == DOGBREED_OK) {
        memcpy(out, net->grads_param[param], size);
    }
    return rc;
}

// Buffers for `count` samples: values of all nodes are kept for backward and for views.
static int make_room(dogb_net *net, int64_t count) {
    const dogb_graph *graph = net->graph;
    size_t nodes = (size_t)graph->node_count;
    if (count <= net->capacity) {
        return DOGBREED_OK;
    }
    dogb_arena_free(&net->buffers);
    net->capacity = 0;
    net->output_grad = NULL;
    memset(net->values, 0, nodes * sizeof *net->values);
    memset(net->grads, 0, nodes * sizeof *net->grads);
    memset(net->saved, 0, nodes * sizeof *net->saved);
    for (int32_t i = 0; i < graph->node_count; i++) {
        const dogb_node *node = &graph->nodes[i];
        size_t size = (size_t)dogb_ref_size(node) * sizeof(float);
        net->values[i] = dogb_alloc_raw(&net->buffers, (size_t)count, size);
        if (node->op == DOGB_OP_BATCH_NORM) {
            net->saved[i] =
                dogb_alloc_raw(&net->buffers, (size_t)node->channels_in, 2 * sizeof(float));
        }
        if (net->values[i] == NULL || (node->op == DOGB_OP_BATCH_NORM && net->saved[i] == NULL)) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    net->output_grad =
        dogb_alloc_raw(&net->buffers, (size_t)count,
                       (size_t)dogb_ref_size(&graph->nodes[graph->output]) * sizeof(float));
    if (net->output_grad == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    net->capacity = count;
    return DOGBREED_OK;
}

static dogb_ref_pass pass_of(const dogb_net *net) {
    dogb_ref_pass pass = {.graph = net->graph,
                          .params = net->params,
                          .grads_param = net->grads_param,
                          .values = net->values,
                          .grads = net->grads,
                          .saved = net->saved,
                          .count = net->count,
                          .seed = net->seed,
                          .step = net->step,
                          .training = net->training,
                          .norm = net->training && net->conf.batch_norm == DOGB_BN_TRAIN,
                          .threads = net->conf.threads};
    return pass;
}

int dogb_ref_forward(dogb_net *net, const dogb_batch *batch, int32_t mode, uint64_t seed,
                     int64_t step) {
    int rc;
    if ((rc = dogb_ref_check_train(net)) < 0 || (rc = dogb_batch_check(net->graph, batch)) < 0) {
        return rc;
    }
    net->count = 0;
    net->has_loss = 0;
    if ((rc = make_room(net, batch->count)) < 0) {
        return rc;
    }
    net->training = mode == DOGB_MODE_TRAIN;
    net->seed = seed;
    net->step = step;
    dogb_ref_load(net, net->values[0], batch, 0, batch->count);
    dogb_ref_pass pass = pass_of(net);
    pass.count = batch->count;
    for (int32_t i = 1; rc == DOGBREED_OK && i < net->graph->node_count; i++) {
        const dogb_node *node = &net->graph->nodes[i];
        uint64_t span = dogb_layer_begin(DOGB_SPAN_LAYER_FORWARD);
        rc = dogb_ref_ops[node->op].forward(&pass, i);
        dogb_layer_end(DOGB_SPAN_LAYER_FORWARD, span, node);
    }
    net->count = rc == DOGBREED_OK ? batch->count : 0;
    return rc;
}

int dogb_ref_output_read(dogb_net *net, float *out, size_t size) {
    int rc = dogb_output_check(net->graph, net->count, size);
    if (rc == DOGBREED_OK) {
        memcpy(out, net->values[net->graph->output], size);
    }
    return rc;
}

// Gradients of trainable parameters, zeroed; those of frozen ones go.
static int prepare_params(dogb_net *net) {
    for (int32_t i = 0; i < net->graph->param_count; i++) {
        const dogb_param *param = &net->graph->params[i];
        if (!net->trainable[i]) {
            dogb_release(&net->arena, net->grads_param[i]);
            net->grads_param[i] = NULL;
            continue;
        }
        if (net->grads_param[i] == NULL) {
            net->grads_param[i] = dogb_alloc_raw(&net->arena, 1, dogb_param_bytes(param));
        }
        if (net->grads_param[i] == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        memset(net->grads_param[i], 0, dogb_param_bytes(param));
    }
    return DOGBREED_OK;
}

// A gradient must reach a node when it, or something in front of it, has trainable parameters.
static int prepare_nodes(dogb_net *net) {
    for (int32_t i = 0; i < net->graph->node_count; i++) {
        const dogb_node *node = &net->graph->nodes[i];
        size_t size = (size_t)dogb_ref_size(node) * sizeof(float);
        net->wanted[i] = 0;
        for (int32_t k = 0; k < node->input_count; k++) {
            net->wanted[i] |= net->wanted[node->inputs[k]];
        }
        for (int32_t k = node->first_param; k < node->first_param + node->param_count; k++) {
            net->wanted[i] |= net->trainable[k];
        }
        if (!net->wanted[i]) {
            dogb_release(&net->buffers, net->grads[i]);
            net->grads[i] = NULL;
            continue;
        }
        if (net->grads[i] == NULL) {
            net->grads[i] = dogb_alloc_raw(&net->buffers, (size_t)net->capacity, size);
        }
        if (net->grads[i] == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        memset(net->grads[i], 0, (size_t)net->count * size);
    }
    return DOGBREED_OK;
}

int dogb_ref_backward(dogb_net *net) {
    int rc;
    if ((rc = dogb_ref_check_train(net)) < 0 ||
        (rc = dogb_backward_check(net->count > 0 && net->has_loss && net->training)) < 0) {
        return rc;
    }
    net->has_loss = 0; // used up
    if ((rc = prepare_params(net)) < 0 || (rc = prepare_nodes(net)) < 0) {
        return rc;
    }
    int32_t output = net->graph->output;
    dogb_ref_pass pass = pass_of(net);
    if (net->wanted[output]) {
        memcpy(net->grads[output], net->output_grad,
               (size_t)(net->count * dogb_ref_size(&net->graph->nodes[output])) * sizeof(float));
    }
    for (int32_t i = output; rc == DOGBREED_OK && i > 0; i--) {
        if (net->wanted[i]) {
            const dogb_node *node = &net->graph->nodes[i];
            uint64_t span = dogb_layer_begin(DOGB_SPAN_LAYER_BACKWARD);
            rc = dogb_ref_ops[node->op].backward(&pass, i);
            dogb_layer_end(DOGB_SPAN_LAYER_BACKWARD, span, node);
        }
    }
    return rc;
}
