// init.c - initial values as torchvision draws them, from numbers that depend on the seed and the
// parameter's name alone: the same layer starts the same in every network that has it.
#include "core/error.h"
#include "core/rng.h"
#include "model/model_struct.h"

#include <math.h>

// FNV-1a, 64 bits (Fowler, Noll, Vo).
static uint64_t name_hash(const char *name) {
    uint64_t hash = 0xCBF29CE484222325U;
    for (const char *c = name; *c != '\0'; c++) {
        hash = (hash ^ (uint8_t)*c) * 0x100000001B3U;
    }
    return hash;
}

// Inputs of one output, and outputs of one input, as torch.nn.init counts them. A bias has those of
// its layer's weight.
static void fans(const dogb_graph *graph, const dogb_param *param, double *fan_in,
                 double *fan_out) {
    const dogb_param *weight =
        param->rank >= 2 ? param : &graph->params[graph->nodes[param->node].first_param];
    double field = 1.0; // kernel positions
    for (int32_t i = 2; i < weight->rank; i++) {
        field *= (double)weight->shape[i];
    }
    *fan_in = (weight->rank >= 2 ? (double)weight->shape[1] : 1.0) * field;
    *fan_out = (double)weight->shape[0] * field;
}

static void fill_uniform(float *out, int64_t count, dogb_rng *rng, double bound) {
    for (int64_t i = 0; i < count; i++) {
        out[i] = (float)((2.0 * dogb_rng_uniform(rng) - 1.0) * bound);
    }
}

static void fill_normal(float *out, int64_t count, dogb_rng *rng, double deviation) {
    for (int64_t i = 0; i < count; i++) {
        out[i] = (float)(dogb_rng_normal(rng) * deviation);
    }
}

int dogb_model_draw(dogbreed_model *model, int32_t index, uint64_t seed) {
    const dogb_param *param = &model->graph->params[index];
    int rc = dogb_model_make_weight(model, index);
    if (rc < 0) {
        return rc;
    }
    float *out = model->weights[index];
    model->fresh[index] = 1;
    if (param->role == DOGB_ROLE_COUNTER) {
        *(int64_t *)model->weights[index] = 0;
        return DOGBREED_OK;
    }
    double fan_in = 1.0;
    double fan_out = 1.0;
    dogb_rng rng;
    dogb_rng_init(&rng, seed, DOGB_RNG_INIT, name_hash(param->name), 0);
    fans(model->graph, param, &fan_in, &fan_out);
    switch (param->init) {
    case DOGB_INIT_ZERO:
    case DOGB_INIT_ONE:
        for (int64_t i = 0; i < param->count; i++) {
            out[i] = param->init == DOGB_INIT_ONE ? 1.0F : 0.0F;
        }
        break;
    case DOGB_INIT_KAIMING_NORMAL_FAN_OUT:
        fill_normal(out, param->count, &rng, sqrt(2.0 / fan_out));
        break;
    case DOGB_INIT_KAIMING_UNIFORM:
        fill_uniform(out, param->count, &rng, sqrt(6.0 / fan_in));
        break;
    case DOGB_INIT_NORMAL:
        fill_normal(out, param->count, &rng, param->scale);
        break;
    case DOGB_INIT_UNIFORM_FAN_IN:
        fill_uniform(out, param->count, &rng, 1.0 / sqrt(fan_in));
        break;
    default:
        return dogb_fail(DOGBREED_ERROR_INTERNAL, "%s: unknown initialisation %d", param->name,
                         (int)param->init);
    }
    return DOGBREED_OK;
}
