// train_optim.c - gradients of training nets and the optimisers that use them up: one pass of the
// bank's kernel sums a tile of gradients and takes the step with it.
#include "engine/native/train.h"

#include "engine/engine_internal.h"

#include "core/error.h"
#include "engine/layer.h"

#include <string.h>

struct dogb_optim {
    dogb_arena arena;
    dogb_net *net;
    dogb_optim_conf conf;
    int64_t steps;
    // Slots by layer, in the kernels' order; NULL where not trainable at creation.
    float *weight_slot[DOGB_HEADS_LAYERS][DOGB_HEADS_SLOTS];
    float *bias_slot[DOGB_HEADS_LAYERS][DOGB_HEADS_SLOTS];
};

// A step of `layer`, a copy whose tensors are those that change, with the gradients of the last
// backward.
static void update(const dogb_head_net *head, int32_t index, const dogb_heads_layer *layer,
                   const dogb_heads_rule *rule) {
    const dogb_heads *bank = head->bank;
    const dogb_heads_space *space = bank->spaces;
    const float *delta = index + 1 == bank->layers ? head->delta : space->delta;
    dogb_heads_layer_update(layer, bank->kernel, rule, space->packed[index], delta, head->count,
                            head->threads);
}

// --- gradients

static size_t floats_of(const dogb_heads_layer *layer, int32_t is_bias) {
    return is_bias ? (size_t)layer->padded : dogb_heads_layer_weights(layer);
}

static int make_summed(dogb_head_net *head) {
    size_t most = 0;
    for (int32_t i = 0; i < head->bank->layers; i++) {
        size_t own = dogb_heads_layer_weights(&head->bank->heads[0].layers[i]);
        most = own > most ? own : most;
    }
    head->summed = dogb_alloc_raw(&head->arena, most, sizeof *head->summed);
    return head->summed == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

// A step of rate 1 from zeros is minus the gradient.
int dogb_native_grad_read(dogb_net *net, int32_t param, float *out, size_t size) {
    // A step of size -1 from zero.
    static const dogb_heads_rule whole = {.kind = DOGB_OPTIM_SGD, .rate = -1, .keep = 1};
    dogb_head_net *head = NULL;
    int rc = dogb_native_train(&head, net);
    if (rc < 0 || (rc = dogb_param_check_size(net->graph, param, size)) < 0) {
        return rc;
    }
    if (!head->has_grad[param]) {
        return dogb_fail(DOGBREED_ERROR_STATE, "%s: has no gradient",
                         net->graph->params[param].name);
    }
    if (head->summed == NULL && (rc = make_summed(head)) < 0) {
        return rc;
    }
    dogb_head_place place = dogb_native_place(net, param);
    dogb_heads_layer layer = head->bank->heads[0].layers[place.layer];
    memset(head->summed, 0, floats_of(&layer, place.is_bias) * sizeof *head->summed);
    layer.weights = place.is_bias ? NULL : head->summed;
    layer.bias = place.is_bias ? head->summed : NULL;
    update(head, place.layer, &layer, &whole);
    dogb_heads_layer_read(&layer, head->bank->kernel, place.is_bias, head->summed, out);
    return DOGBREED_OK;
}

// --- optimisers

static float **slot_at(dogb_optim *optim, int32_t param, int32_t slot) {
    dogb_head_place place = dogb_native_place(optim->net, param);
    return place.is_bias ? &optim->bias_slot[place.layer][slot]
                         : &optim->weight_slot[place.layer][slot];
}

static int make_slots(dogb_optim *optim) {
    const dogb_net *net = optim->net;
    for (int32_t i = 0; i < net->graph->param_count; i++) {
        dogb_head_place place = dogb_native_place(net, i);
        size_t floats = floats_of(&net->head->bank->heads[0].layers[place.layer], place.is_bias);
        for (int32_t slot = 0; slot < dogb_optim_slot_count(&optim->conf); slot++) {
            float **at = slot_at(optim, i, slot);
            if (net->head->trainable[i] &&
                (*at = dogb_alloc(&optim->arena, floats, sizeof **at)) == NULL) {
                return DOGBREED_ERROR_NO_MEMORY;
            }
        }
    }
    return DOGBREED_OK;
}

int dogb_native_optim_create(dogb_optim **out, dogb_net *net, const dogb_optim_conf *conf) {
    dogb_head_net *head = NULL;
    *out = NULL;
    int rc = dogb_native_train(&head, net);
    if (rc < 0 || (rc = dogb_optim_check(conf)) < 0) {
        return rc;
    }
    dogb_optim *optim = dogb_malloc(1, sizeof *optim);
    if (optim == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    optim->net = net;
    optim->conf = *conf;
    if ((rc = make_slots(optim)) < 0) {
        dogb_native_optim_destroy(optim);
        return rc;
    }
    *out = optim;
    return DOGBREED_OK;
}

void dogb_native_optim_destroy(dogb_optim *optim) {
    if (optim != NULL) {
        dogb_arena_free(&optim->arena);
        dogb_free(optim);
    }
}

// What the step of one layer changes: parameters with a gradient, and with state where the
// optimiser has any.
static dogb_heads_layer changing(dogb_optim *optim, int32_t index) {
    const dogb_net *net = optim->net;
    dogb_heads_layer layer = net->head->bank->heads[0].layers[index];
    float *weights = NULL;
    float *bias = NULL;
    int32_t slots = dogb_optim_slot_count(&optim->conf);
    for (int32_t i = 0; i < net->graph->param_count; i++) {
        dogb_head_place place = dogb_native_place(net, i);
        if (place.layer == index && net->head->trainable[i] && net->head->has_grad[i] &&
            (slots == 0 || *slot_at(optim, i, 0) != NULL)) {
            weights = place.is_bias ? weights : layer.weights;
            bias = place.is_bias ? layer.bias : bias;
        }
    }
    layer.weights = weights;
    layer.bias = bias;
    memcpy(layer.weight_slot, optim->weight_slot[index], sizeof layer.weight_slot);
    memcpy(layer.bias_slot, optim->bias_slot[index], sizeof layer.bias_slot);
    return layer;
}

int dogb_native_optim_step(dogb_optim *optim, double learning_rate) {
    const dogb_head_net *head = optim->net->head;
    if (!head->graded) {
        return dogb_fail(DOGBREED_ERROR_STATE,
                         "optimiser step: a forward and its backward must come first");
    }
    optim->steps++;
    dogb_heads_rule rule = dogb_head_rule(&optim->conf, optim->steps, learning_rate);
    for (int32_t index = head->bank->layers - 1; index >= 0; index--) {
        dogb_heads_layer layer = changing(optim, index);
        uint64_t span = dogb_layer_begin(DOGB_SPAN_LAYER_BACKWARD); // with the step: it is one pass
        update(head, index, &layer, &rule);
        dogb_layer_end(DOGB_SPAN_LAYER_BACKWARD, span,
                       &optim->net->graph->nodes[head->nodes.linear[index]]);
    }
    return DOGBREED_OK;
}

int32_t dogb_native_optim_slots(dogb_optim *optim) {
    return dogb_optim_slot_count(&optim->conf);
}

static int find_state(float **out, dogb_optim *optim, int32_t param, int32_t slot, size_t size) {
    const dogb_graph *graph = optim->net->graph;
    int rc = dogb_param_check(graph, param);
    if (rc < 0) {
        return rc;
    }
    int known = slot >= 0 && slot < dogb_optim_slot_count(&optim->conf);
    *out = known ? *slot_at(optim, param, slot) : NULL;
    return dogb_slot_check(graph, param, slot, *out != NULL, size);
}

int dogb_native_optim_read(dogb_optim *optim, int32_t param, int32_t slot, float *out,
                           size_t size) {
    float *state = NULL;
    int rc = find_state(&state, optim, param, slot, size);
    if (rc < 0) {
        return rc;
    }
    const dogb_heads *bank = optim->net->head->bank;
    dogb_head_place place = dogb_native_place(optim->net, param);
    dogb_heads_layer_read(&bank->heads[0].layers[place.layer], bank->kernel, place.is_bias, state,
                          out);
    return DOGBREED_OK;
}

int dogb_native_optim_write(dogb_optim *optim, int32_t param, int32_t slot, const float *data,
                            size_t size) {
    float *state = NULL;
    int rc = find_state(&state, optim, param, slot, size);
    if (rc < 0) {
        return rc;
    }
    const dogb_heads *bank = optim->net->head->bank;
    dogb_head_place place = dogb_native_place(optim->net, param);
    dogb_heads_layer_write(&bank->heads[0].layers[place.layer], bank->kernel, place.is_bias, state,
                           data);
    return DOGBREED_OK;
}

int64_t dogb_native_optim_steps(dogb_optim *optim) {
    return optim->steps;
}

int dogb_native_optim_set_steps(dogb_optim *optim, int64_t steps) {
    int rc = dogb_steps_check(steps);
    if (rc == DOGBREED_OK) {
        optim->steps = steps;
    }
    return rc;
}
