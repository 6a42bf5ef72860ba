// train.c - training nets: creation, parameters, and the phases forward, loss and backward.
#include "engine/native/train.h"

#include "engine/engine_internal.h"

#include "core/error.h"
#include "engine/layer.h"

#include <string.h>

int dogb_native_train(dogb_head_net **out, const dogb_net *net) {
    *out = net->head;
    if (net->head == NULL) {
        return dogb_fail(DOGBREED_ERROR_STATE, "an inference net cannot be trained or watched");
    }
    return DOGBREED_OK;
}

dogb_head_place dogb_native_place(const dogb_net *net, int32_t param) {
    const dogb_param *at = &net->graph->params[param];
    return (dogb_head_place){at->node != net->head->nodes.linear[0], at->role == DOGB_ROLE_BIAS};
}

static int32_t bank_param(const dogb_net *net, int32_t param) {
    dogb_head_place place = dogb_native_place(net, param);
    return 2 * place.layer + place.is_bias;
}

// --- creation

static int make_bank(dogb_head_net *head, const dogb_graph *graph) {
    static const dogb_optim_conf none = {.kind = DOGB_OPTIM_SGD};
    static const double smoothing = 0;
    static const uint64_t seed = 0;
    const dogb_head_nodes *nodes = &head->nodes;
    const dogb_node *last = &graph->nodes[nodes->linear[nodes->layers - 1]];
    double dropout[DOGB_HEADS_LAYERS] = {0, 0};
    for (int32_t i = 0; i < nodes->layers; i++) {
        dropout[i] = nodes->dropout[i] > 0 ? graph->nodes[nodes->dropout[i]].p : 0;
    }
    dogb_heads_conf conf = {
        .count = 1,
        .features = (int32_t)graph->nodes[0].shape[0],
        .classes = last->channels_out,
        .hidden = nodes->layers == 2 ? last->channels_in : 0,
        .threads = 1,
        .optim = &none,
        .label_smoothing = &smoothing,
        .dropout = &dropout[1],
        .seeds = &seed,
        .dropout_features = &dropout[0],
        .dropout_nodes = {nodes->dropout[0], nodes->dropout[1]},
    };
    return dogb_native_heads_create(&head->bank, &conf);
}

// Room for batches of that many rows.
static int make_room(dogb_head_net *head, int64_t rows) {
    const dogb_heads_target *target = &head->bank->heads[0].target;
    int rc = dogb_heads_prepare(head->bank, rows);
    if (rc < 0 || rows <= head->capacity) {
        return rc;
    }
    head->bank->spaces[0].threads = head->threads;
    dogb_arena_free(&head->memory);
    memset(head->kept, 0,
           (size_t)(head->nodes.linear[head->nodes.layers - 1] + 1) * sizeof *head->kept);
    head->kept_capacity = 0;
    head->capacity = 0;
    head->delta = dogb_alloc(&head->memory, (size_t)(rows * target->stride), sizeof *head->delta);
    if (head->delta == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    head->capacity = rows;
    return DOGBREED_OK;
}

static int fill(dogb_net *net, const void *const *weights, const dogb_net_conf *conf) {
    dogb_head_net *head = net->head;
    const dogb_graph *graph = net->graph;
    size_t params = (size_t)graph->param_count;
    int rc = make_bank(head, graph);
    if (rc < 0) {
        return rc;
    }
    head->trainable = dogb_alloc(&head->arena, params, 1);
    head->has_grad = dogb_alloc(&head->arena, params, 1);
    head->kept = dogb_alloc(&head->arena, (size_t)graph->node_count, sizeof *head->kept);
    head->smooth =
        dogb_alloc(&head->arena, (size_t)head->bank->heads[0].target.padded, sizeof *head->smooth);
    if (head->trainable == NULL || head->has_grad == NULL || head->kept == NULL ||
        head->smooth == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    memset(head->trainable, 1, params);
    for (int32_t i = 0; rc == DOGBREED_OK && i < graph->param_count; i++) {
        rc = dogb_native_param_write(net, i, weights[i], dogb_param_bytes(&graph->params[i]));
    }
    return rc == DOGBREED_OK && conf->batch_max > 0 ? make_room(head, conf->batch_max) : rc;
}

int dogb_native_train_create(dogb_net *net, const void *const *weights, const dogb_net_conf *conf) {
    dogb_head_nodes nodes;
    if (!dogb_graph_head(&nodes, net->graph)) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED, DOGB_TRAINS_HEADS_ONLY);
    }
    net->head = dogb_malloc(1, sizeof *net->head);
    if (net->head == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    net->head->nodes = nodes;
    net->head->threads = conf->threads;
    return fill(net, weights, conf);
}

void dogb_native_train_destroy(dogb_head_net *head) {
    if (head != NULL) {
        dogb_native_heads_destroy(head->bank);
        dogb_arena_free(&head->memory);
        dogb_arena_free(&head->arena);
        dogb_free(head);
    }
}

// --- parameters

int dogb_native_param_read(dogb_net *net, int32_t param, void *out, size_t size) {
    dogb_head_net *head = NULL;
    int rc = dogb_native_train(&head, net);
    if (rc < 0 || (rc = dogb_param_check_size(net->graph, param, size)) < 0) {
        return rc;
    }
    return dogb_native_heads_read(head->bank, 0, bank_param(net, param), out, size);
}

int dogb_native_param_write(dogb_net *net, int32_t param, const void *data, size_t size) {
    dogb_head_net *head = NULL;
    int rc = dogb_native_train(&head, net);
    if (rc < 0 || (rc = dogb_param_check_size(net->graph, param, size)) < 0) {
        return rc;
    }
    return dogb_native_heads_write(head->bank, 0, bank_param(net, param), data, size);
}

int dogb_native_param_trainable(dogb_net *net, int32_t param, int32_t trainable) {
    dogb_head_net *head = NULL;
    int rc = dogb_native_train(&head, net);
    if (rc == DOGBREED_OK && (rc = dogb_param_check(net->graph, param)) == DOGBREED_OK) {
        head->trainable[param] = trainable != 0;
    }
    return rc;
}

// --- phases

// As dogb_head_forward and dogb_head_backward, with the time of each node. The gradients of weights
// are summed by the optimiser's step (train_optim.c).
static void forward(dogb_net *net, int64_t rows) {
    const dogb_head_net *head = net->head;
    const dogb_heads *bank = head->bank;
    for (int32_t i = 0; i < bank->layers; i++) {
        uint64_t span = dogb_layer_begin(DOGB_SPAN_LAYER_FORWARD);
        dogb_head_product(bank->spaces, bank, bank->heads, i, rows);
        dogb_layer_end(DOGB_SPAN_LAYER_FORWARD, span, &net->graph->nodes[head->nodes.linear[i]]);
        if (i + 1 < bank->layers) {
            span = dogb_layer_begin(DOGB_SPAN_LAYER_FORWARD);
            dogb_head_hidden(bank->spaces, bank, bank->heads, rows, head->masks[1]);
            dogb_layer_end(DOGB_SPAN_LAYER_FORWARD, span, &net->graph->nodes[head->nodes.relu]);
        }
    }
}

static void backward(dogb_net *net) {
    const dogb_head_net *head = net->head;
    const dogb_heads *bank = head->bank;
    uint64_t span = dogb_layer_begin(DOGB_SPAN_LAYER_BACKWARD);
    dogb_head_product_back(bank->spaces, bank, bank->heads, head->count, head->delta);
    dogb_layer_end(DOGB_SPAN_LAYER_BACKWARD, span, &net->graph->nodes[head->nodes.linear[1]]);
    span = dogb_layer_begin(DOGB_SPAN_LAYER_BACKWARD);
    dogb_head_hidden_back(bank->spaces, bank, bank->heads, head->count, head->masks[1]);
    dogb_layer_end(DOGB_SPAN_LAYER_BACKWARD, span, &net->graph->nodes[head->nodes.relu]);
}

int dogb_native_forward(dogb_net *net, const dogb_batch *batch, int32_t mode, uint64_t seed,
                        int64_t step) {
    dogb_head_net *head = NULL;
    int rc = dogb_native_train(&head, net);
    if (rc < 0 || (rc = dogb_batch_check(net->graph, batch)) < 0) {
        return rc;
    }
    head->count = 0;
    head->has_loss = 0;
    head->graded = 0;
    head->kept_now = 0;
    memset(head->has_grad, 0, (size_t)net->graph->param_count);
    if ((rc = make_room(head, batch->count)) < 0) {
        return rc;
    }
    dogb_heads *bank = head->bank;
    dogb_heads_data data = {
        .features = batch->data, .rows = batch->count, .stride = bank->features};
    head->training = mode == DOGB_MODE_TRAIN;
    bank->heads[0].seed = seed;
    for (int32_t i = 0; i < bank->layers; i++) {
        head->masks[i] = !head->training ? NULL
                                         : dogb_head_draw(bank->spaces, bank, bank->heads, i,
                                                          batch->count, step);
    }
    dogb_head_gather(bank->spaces, bank, &data, NULL, 0, batch->count, head->masks[0]);
    forward(net, batch->count);
    head->count = batch->count;
    rc = dogb_native_keep(net, batch);
    head->count = rc < 0 ? 0 : batch->count;
    return rc;
}

int dogb_native_output_read(dogb_net *net, float *out, size_t size) {
    dogb_head_net *head = NULL;
    int rc = dogb_native_train(&head, net);
    if (rc < 0 || (rc = dogb_output_check(net->graph, head->count, size)) < 0) {
        return rc;
    }
    const dogb_heads *bank = head->bank;
    const dogb_heads_target *target = &bank->heads[0].target;
    for (int64_t i = 0; i < head->count; i++) {
        memcpy(out + i * target->classes,
               bank->spaces[0].values[bank->layers - 1] + i * target->stride,
               (size_t)target->classes * sizeof *out);
    }
    return DOGBREED_OK;
}

// The logits stay; their gradient goes to delta.
int dogb_native_loss(dogb_net *net, const dogb_target *target, dogb_loss *out) {
    dogb_head_net *head = NULL;
    int rc = dogb_native_train(&head, net);
    if (rc < 0 || (rc = dogb_target_check(net->graph, target, head->count)) < 0) {
        return rc;
    }
    const dogb_heads *bank = head->bank;
    const float *logits = bank->spaces[0].values[bank->layers - 1];
    dogb_heads_target own = bank->heads[0].target;
    own.class_weights = target->class_weights;
    own.smoothing = target->label_smoothing;
    if (own.smoothing != 0) {
        own.smooth = head->smooth;
        own.smooth_sum =
            dogb_heads_smooth(head->smooth, own.class_weights, own.classes, own.smoothing);
    }
    *out = (dogb_loss){0, 0, 0};
    for (int64_t i = 0; i < head->count; i++) {
        int64_t rank = dogb_label_rank(logits + i * own.stride, own.classes, target->labels[i]);
        out->correct += rank < 1;
        out->correct5 += rank < 5;
    }
    memcpy(head->delta, logits, (size_t)(head->count * own.stride) * sizeof *head->delta);
    out->loss = dogb_heads_loss(bank->kernel, &own, head->delta, target->labels, head->count);
    head->has_loss = 1;
    return DOGBREED_OK;
}

int dogb_native_backward(dogb_net *net) {
    dogb_head_net *head = NULL;
    int rc = dogb_native_train(&head, net);
    if (rc < 0 ||
        (rc = dogb_backward_check(head->count > 0 && head->has_loss && head->training)) < 0) {
        return rc;
    }
    int deep = 0; // something in front of the last layer learns
    for (int32_t i = 0; i < net->graph->param_count; i++) {
        head->has_grad[i] = head->trainable[i];
        deep |= head->trainable[i] && dogb_native_place(net, i).layer + 1 < head->bank->layers;
    }
    if (deep) {
        backward(net);
    }
    head->has_loss = 0; // used up
    head->graded = 1;
    return DOGBREED_OK;
}
