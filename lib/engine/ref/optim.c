// optim.c - SGD, Adam and AdamW with torch.optim's arithmetic (torch/optim/sgd.py, adam.py,
// adamw.py: single-tensor forms, amsgrad and dampening off).
#include "engine/engine_internal.h"
#include "engine/ref/ref.h"

#include <math.h>
#include <string.h>

struct dogb_optim {
    dogb_arena arena;
    dogb_net *net;
    dogb_optim_conf conf;
    int64_t steps;
    float **slots[2]; // by slot, by parameter; NULL where not trainable at creation
};

static int make(dogb_optim *optim) {
    const dogb_graph *graph = optim->net->graph;
    for (int32_t slot = 0; slot < dogb_optim_slot_count(&optim->conf); slot++) {
        optim->slots[slot] =
            dogb_alloc(&optim->arena, (size_t)graph->param_count + 1, sizeof *optim->slots[slot]);
        if (optim->slots[slot] == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        for (int32_t i = 0; i < graph->param_count; i++) {
            if (!optim->net->trainable[i]) {
                continue;
            }
            optim->slots[slot][i] =
                dogb_alloc(&optim->arena, (size_t)graph->params[i].count, sizeof(float));
            if (optim->slots[slot][i] == NULL) {
                return DOGBREED_ERROR_NO_MEMORY;
            }
        }
    }
    return DOGBREED_OK;
}

int dogb_ref_optim_create(dogb_optim **out, dogb_net *net, const dogb_optim_conf *conf) {
    *out = NULL;
    int rc = dogb_ref_check_train(net);
    if (rc < 0 || (rc = dogb_optim_check(conf)) < 0) {
        return rc;
    }
    dogb_optim *optim = dogb_malloc(1, sizeof *optim);
    if (optim == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    optim->net = net;
    optim->conf = *conf;
    if ((rc = make(optim)) < 0) {
        dogb_ref_optim_destroy(optim);
        return rc;
    }
    *out = optim;
    return DOGBREED_OK;
}

void dogb_ref_optim_destroy(dogb_optim *optim) {
    if (optim != NULL) {
        dogb_arena_free(&optim->arena);
        dogb_free(optim);
    }
}

// A momentum buffer of zeros makes the first step equal to torch's, which starts the buffer with
// the gradient.
static void step_sgd(const dogb_optim_conf *conf, double rate, float *value, const float *gradient,
                     float *buffer, int64_t count) {
    float momentum = (float)conf->momentum;
    float decay = (float)conf->weight_decay;
    float factor = (float)rate;
    for (int64_t i = 0; i < count; i++) {
        float g = decay != 0.0f ? gradient[i] + decay * value[i] : gradient[i];
        if (buffer != NULL) {
            buffer[i] = momentum * buffer[i] + g;
            g = conf->nesterov ? g + momentum * buffer[i] : buffer[i];
        }
        value[i] -= factor * g;
    }
}

static void step_adam(const dogb_optim_conf *conf, double rate, int64_t number, float *value,
                      const float *gradient, float *const slots[2], int64_t count) {
    double correction1 = 1 - pow(conf->beta1, (double)number);
    double correction2 = sqrt(1 - pow(conf->beta2, (double)number));
    double size = rate / correction1;
    double keep = conf->kind == DOGB_OPTIM_ADAMW ? 1 - rate * conf->weight_decay : 1;
    double decay = conf->kind == DOGB_OPTIM_ADAMW ? 0 : conf->weight_decay;
    for (int64_t i = 0; i < count; i++) {
        double p = (double)value[i] * keep;
        double g = (double)gradient[i] + decay * p;
        double m = (double)slots[0][i] + (1 - conf->beta1) * (g - (double)slots[0][i]);
        double v = (double)slots[1][i] * conf->beta2 + (1 - conf->beta2) * g * g;
        slots[0][i] = (float)m;
        slots[1][i] = (float)v;
        value[i] = (float)(p - size * m / (sqrt(v) / correction2 + conf->epsilon));
    }
}

int dogb_ref_optim_step(dogb_optim *optim, double learning_rate) {
    dogb_net *net = optim->net;
    int32_t slots = dogb_optim_slot_count(&optim->conf);
    optim->steps++;
    for (int32_t i = 0; i < net->graph->param_count; i++) {
        const float *gradient = net->grads_param[i];
        if (!net->trainable[i] || gradient == NULL || (slots > 0 && optim->slots[0][i] == NULL)) {
            continue;
        }
        float *state[2] = {slots > 0 ? optim->slots[0][i] : NULL,
                           slots > 1 ? optim->slots[1][i] : NULL};
        int64_t count = net->graph->params[i].count;
        if (optim->conf.kind == DOGB_OPTIM_SGD) {
            step_sgd(&optim->conf, learning_rate, net->params[i], gradient, state[0], count);
        } else {
            step_adam(&optim->conf, learning_rate, optim->steps, net->params[i], gradient, state,
                      count);
        }
    }
    return DOGBREED_OK;
}

int32_t dogb_ref_optim_slots(dogb_optim *optim) {
    return dogb_optim_slot_count(&optim->conf);
}

static int find_state(float **out, const dogb_optim *optim, int32_t param, int32_t slot,
                      size_t size) {
    int rc = dogb_param_check(optim->net->graph, param);
    if (rc < 0) {
        return rc;
    }
    int there = slot >= 0 && slot < dogb_optim_slot_count(&optim->conf) &&
                optim->slots[slot][param] != NULL;
    rc = dogb_slot_check(optim->net->graph, param, slot, there, size);
    if (rc == DOGBREED_OK) {
        *out = optim->slots[slot][param];
    }
    return rc;
}

int dogb_ref_optim_read(dogb_optim *optim, int32_t param, int32_t slot, float *out, size_t size) {
    float *state = NULL;
    int rc = find_state(&state, optim, param, slot, size);
    if (rc == DOGBREED_OK) {
        memcpy(out, state, size);
    }
    return rc;
}

int dogb_ref_optim_write(dogb_optim *optim, int32_t param, int32_t slot, const float *data,
                         size_t size) {
    float *state = NULL;
    int rc = find_state(&state, optim, param, slot, size);
    if (rc == DOGBREED_OK) {
        memcpy(state, data, size);
    }
    return rc;
}

int64_t dogb_ref_optim_steps(dogb_optim *optim) {
    return optim->steps;
}

int dogb_ref_optim_set_steps(dogb_optim *optim, int64_t steps) {
    int rc = dogb_steps_check(steps);
    if (rc == DOGBREED_OK) {
        optim->steps = steps;
    }
    return rc;
}
