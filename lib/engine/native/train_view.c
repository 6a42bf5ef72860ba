// train_view.c - what views of a training net show. Activations are copied out behind a forward
// while they are watched, because the hidden layer's sums become its ReLU's values in place;
// gradients and weights are brought into torch's order when somebody looks.
#include "engine/native/train.h"

#include "engine/engine_internal.h"

#include <string.h>

// --- activations

static int make_kept(dogb_net *net) {
    dogb_head_net *head = net->head;
    if (head->count <= head->kept_capacity) {
        return DOGBREED_OK;
    }
    for (int32_t i = 1; i < net->graph->node_count; i++) {
        size_t size = (size_t)net->graph->nodes[i].shape[0] * sizeof(float);
        dogb_release(&head->memory, head->kept[i]);
        head->kept[i] = dogb_alloc_raw(&head->memory, (size_t)head->capacity, size);
        if (head->kept[i] == NULL) {
            head->kept_capacity = 0;
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    head->kept_capacity = head->capacity;
    return DOGBREED_OK;
}

// Rows of a layer's values into those of a node.
static void keep_rows(dogb_head_net *head, int32_t node, const float *values,
                      const dogb_heads_layer *layer) {
    for (int64_t i = 0; i < head->count; i++) {
        memcpy(head->kept[node] + i * layer->outputs, values + i * layer->stride,
               (size_t)layer->outputs * sizeof *values);
    }
}

// A dropout node in front of layer `index`: what it reads times its factors.
static void keep_dropout(dogb_head_net *head, int32_t index, const float *from) {
    float *to = head->kept[head->nodes.dropout[index]];
    const float *mask = head->masks[index];
    int64_t floats = head->count * head->bank->heads[0].layers[index].inputs;
    for (int64_t i = 0; i < floats; i++) {
        to[i] = mask == NULL ? from[i] : from[i] * mask[i];
    }
}

int dogb_native_keep(dogb_net *net, const dogb_batch *batch) {
    dogb_head_net *head = net->head;
    const dogb_heads *bank = head->bank;
    const dogb_heads_space *space = bank->spaces;
    const dogb_heads_layer *first = &bank->heads[0].layers[0];
    int32_t last = bank->layers - 1;
    if ((head->watch & (1u << DOGBREED_TENSOR_ACTIVATION)) == 0) {
        return DOGBREED_OK;
    }
    int rc = make_kept(net);
    if (rc < 0) {
        return rc;
    }
    if (head->nodes.dropout[0] > 0) {
        keep_dropout(head, 0, batch->data);
    }
    if (last == 1) {
        // delta is free until the loss: the sums again, from the same weights in the same order.
        dogb_heads_layer_forward(first, bank->kernel, space->packed[0], head->count, space->delta,
                                 head->threads);
        keep_rows(head, head->nodes.linear[0], space->delta, first);
        keep_rows(head, head->nodes.relu, space->values[0], first);
        if (head->nodes.dropout[1] > 0) {
            keep_dropout(head, 1, head->kept[head->nodes.relu]);
        }
    }
    keep_rows(head, head->nodes.linear[last], space->values[last], &bank->heads[0].layers[last]);
    head->kept_now = 1;
    return DOGBREED_OK;
}

// --- views

static int has(const dogb_net *net, int32_t what, int32_t place) {
    return what == DOGBREED_TENSOR_GRADIENT     ? net->head->has_grad[place]
           : what == DOGBREED_TENSOR_ACTIVATION ? net->head->kept_now
                                                : 1;
}

static int make_shown(dogb_net *net) {
    int64_t most = 0;
    for (int32_t i = 0; i < net->graph->param_count; i++) {
        most = net->graph->params[i].count > most ? net->graph->params[i].count : most;
    }
    net->head->shown = dogb_alloc_raw(&net->head->arena, (size_t)most, sizeof(float));
    return net->head->shown == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

static int data(const float **out, dogb_net *net, int32_t what, int32_t place) {
    dogb_head_net *head = net->head;
    int rc = DOGBREED_OK;
    if (what == DOGBREED_TENSOR_ACTIVATION) {
        *out = head->kept[place];
        return DOGBREED_OK;
    }
    if (head->shown == NULL && (rc = make_shown(net)) < 0) {
        return rc;
    }
    size_t size = dogb_param_bytes(&net->graph->params[place]);
    *out = head->shown;
    return what == DOGBREED_TENSOR_GRADIENT ? dogb_native_grad_read(net, place, head->shown, size)
                                            : dogb_native_param_read(net, place, head->shown, size);
}

static dogb_views views_of(dogb_net *net) {
    return (dogb_views){.net = net,
                        .graph = net->graph,
                        .watch = net->head == NULL ? 0 : net->head->watch,
                        .samples = net->head == NULL ? 0 : net->head->count,
                        .has = has,
                        .data = data};
}

int dogb_native_watch(dogb_net *net, uint32_t mask) {
    dogb_head_net *head = NULL;
    int rc = dogb_native_train(&head, net);
    if (rc == DOGBREED_OK) {
        head->watch = mask;
    }
    return rc;
}

int32_t dogb_native_tensor_count(dogb_net *net, int32_t what) {
    dogb_views views = views_of(net);
    return dogb_views_count(&views, what);
}

int dogb_native_tensor_describe(dogb_net *net, int32_t what, int32_t index, dogbreed_tensor *out) {
    dogb_views views = views_of(net);
    return dogb_views_describe(&views, what, index, out);
}

int dogb_native_tensor_read(dogb_net *net, int32_t what, int32_t index, float *out, size_t count) {
    dogb_views views = views_of(net);
    return dogb_views_read(&views, what, index, out, count);
}

int dogb_native_tensor_stats(dogb_net *net, int32_t what, int32_t index,
                             dogbreed_tensor_stats *out) {
    dogb_views views = views_of(net);
    return dogb_views_stats(&views, what, index, out);
}
