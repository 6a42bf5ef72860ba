// slots.c - the parameters that training changes, and their way between the model's host memory,
// the trainer's own copies (where training stands, the best epoch) and the engine's net and
// optimiser.
#include "core/error.h"
#include "trainer/state.h"

#include <string.h>

static int find_part(dogbreed_trainer *trainer) {
    const dogbreed_model *model = trainer->model;
    if (trainer->cached) {
        dogb_part part;
        int rc = dogb_model_head(&part, &trainer->arena, model);
        trainer->graph = part.graph;
        trainer->weights = part.weights;
        trainer->params = part.params;
        return rc;
    }
    const dogb_graph *graph = dogb_model_graph(model);
    const void *const *weights = dogb_model_weights(model);
    size_t count = (size_t)graph->param_count;
    trainer->graph = graph;
    trainer->weights = dogb_alloc(&trainer->arena, count, sizeof *trainer->weights);
    trainer->params = dogb_alloc(&trainer->arena, count, sizeof *trainer->params);
    if (trainer->weights == NULL || trainer->params == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; i < graph->param_count; i++) {
        trainer->weights[i] = weights[i];
        trainer->params[i] = i;
    }
    return DOGBREED_OK;
}

// Weights that are not frozen change, and running statistics when batch norm trains.
static int changes(const dogbreed_trainer *trainer, int32_t net_param) {
    const dogb_param *param = &trainer->graph->params[net_param];
    return dogb_graph_is_buffer(param)
               ? dogb_model_batch_norm(trainer->model) == DOGB_BN_TRAIN
               : dogb_model_trainable(trainer->model, trainer->params[net_param]);
}

static int fill_slot(dogbreed_trainer *trainer, dogb_slot *slot, int32_t net_param) {
    const dogb_param *param = &trainer->graph->params[net_param];
    slot->param = trainer->params[net_param];
    slot->net_param = net_param;
    slot->trainable = !dogb_graph_is_buffer(param);
    slot->count = (size_t)param->count;
    slot->bytes = slot->count * (param->role == DOGB_ROLE_COUNTER ? 8 : sizeof(float));
    slot->last = dogb_alloc_raw(&trainer->arena, slot->bytes, 1);
    slot->best = dogb_alloc_raw(&trainer->arena, slot->bytes, 1);
    if (slot->last == NULL || slot->best == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    memcpy(slot->last, trainer->weights[net_param], slot->bytes);
    memcpy(slot->best, slot->last, slot->bytes);
    trainer->weights[net_param] = slot->last;
    return DOGBREED_OK;
}

int dogb_slots_create(dogbreed_trainer *trainer) {
    int rc = find_part(trainer);
    if (rc < 0) {
        return rc;
    }
    size_t count = (size_t)trainer->graph->param_count;
    int32_t trainable = 0;
    trainer->slots = dogb_alloc(&trainer->arena, count, sizeof *trainer->slots);
    if (trainer->slots == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; i < trainer->graph->param_count; i++) {
        if (changes(trainer, i)) {
            dogb_slot *slot = &trainer->slots[trainer->slot_count];
            if ((rc = fill_slot(trainer, slot, i)) < 0) {
                return rc;
            }
            trainable += slot->trainable;
            trainer->slot_count++;
        }
    }
    DOGB_CHECK(trainable > 0, "model: every parameter is frozen, there is nothing to train");
    return DOGBREED_OK;
}

void dogb_slots_keep(dogbreed_trainer *trainer) {
    for (int32_t i = 0; i < trainer->slot_count; i++) {
        memcpy(trainer->slots[i].best, trainer->slots[i].last, trainer->slots[i].bytes);
    }
}

void dogb_slots_to_model(const dogbreed_trainer *trainer, int which) {
    for (int32_t i = 0; i < trainer->slot_count; i++) {
        const dogb_slot *slot = &trainer->slots[i];
        void *target = dogb_model_weight(trainer->model, slot->param);
        memcpy(target, which == DOGB_SLOTS_BEST ? slot->best : slot->last, slot->bytes);
    }
}

static void swap_bytes(uint8_t *a, uint8_t *b, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint8_t byte = a[i];
        a[i] = b[i];
        b[i] = byte;
    }
}

void dogb_slots_swap(const dogbreed_trainer *trainer, int which) {
    for (int32_t i = 0; i < trainer->slot_count; i++) {
        const dogb_slot *slot = &trainer->slots[i];
        swap_bytes(dogb_model_weight(trainer->model, slot->param),
                   which == DOGB_SLOTS_BEST ? slot->best : slot->last, slot->bytes);
    }
}

static int failed(const dogbreed_trainer *trainer, const dogb_slot *slot, int rc) {
    const char *name = trainer->graph->params[slot->net_param].name;
    return dogb_engine_result(trainer->engine, rc, name);
}

int dogb_slots_read(dogbreed_trainer *trainer) {
    dogb_session *session = trainer->session;
    int rc = DOGBREED_OK;
    for (int32_t i = 0; i < trainer->slot_count && !session->fresh && rc == DOGBREED_OK; i++) {
        dogb_slot *slot = &trainer->slots[i];
        rc = trainer->engine->param_read(session->net, slot->net_param, slot->last, slot->bytes);
        rc = failed(trainer, slot, rc);
    }
    session->fresh = rc == DOGBREED_OK;
    return rc;
}

// Optimiser state is rarely needed (checkpoints, end of a run): its memory comes when it is.
static int prepare_optim(dogbreed_trainer *trainer, dogb_slot *slot, int32_t count) {
    for (int32_t k = 0; k < count; k++) {
        if (slot->optim[k] == NULL) {
            slot->optim[k] = dogb_alloc(&trainer->arena, slot->count, sizeof(float));
            if (slot->optim[k] == NULL) {
                return DOGBREED_ERROR_NO_MEMORY;
            }
        }
    }
    return DOGBREED_OK;
}

int dogb_slots_sync(dogbreed_trainer *trainer) {
    const dogb_engine *engine = trainer->engine;
    dogb_session *session = trainer->session;
    int rc = dogb_slots_read(trainer);
    if (rc < 0 || session->synced) {
        return rc;
    }
    int32_t count = engine->optim_slots(session->optim);
    for (int32_t i = 0; i < trainer->slot_count && rc == DOGBREED_OK; i++) {
        dogb_slot *slot = &trainer->slots[i];
        if (!slot->trainable || (rc = prepare_optim(trainer, slot, count)) < 0) {
            continue;
        }
        for (int32_t k = 0; k < count && rc == DOGBREED_OK; k++) {
            rc = engine->optim_read(session->optim, slot->net_param, k, slot->optim[k],
                                    slot->count * sizeof(float));
        }
        rc = failed(trainer, slot, rc);
        slot->optim_count = count;
    }
    trainer->optim_steps = engine->optim_steps(session->optim);
    session->synced = rc == DOGBREED_OK;
    return rc;
}

int dogb_slots_write(dogbreed_trainer *trainer) {
    const dogb_engine *engine = trainer->engine;
    dogb_session *session = trainer->session;
    int32_t count = engine->optim_slots(session->optim);
    int rc = DOGBREED_OK;
    for (int32_t i = 0; i < trainer->slot_count && rc == DOGBREED_OK; i++) {
        dogb_slot *slot = &trainer->slots[i];
        rc = engine->param_write(session->net, slot->net_param, slot->last, slot->bytes);
        for (int32_t k = 0; k < slot->optim_count && k < count && rc == DOGBREED_OK; k++) {
            rc = engine->optim_write(session->optim, slot->net_param, k, slot->optim[k],
                                     slot->count * sizeof(float));
        }
        rc = failed(trainer, slot, rc);
    }
    if (rc == DOGBREED_OK && trainer->optim_steps > 0) {
        rc = engine->optim_set_steps(session->optim, trainer->optim_steps);
        rc = dogb_engine_result(engine, rc, "optimiser steps");
    }
    return rc;
}
