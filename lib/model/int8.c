// int8.c - quantised models: their weights in files, and which number format and engine a network
// is computed with.
#include "core/error.h"
#include "engine/engine.h"
#include "model/model_struct.h"

#include <math.h>
#include <string.h>

int dogb_model_is_int8(const dogb_graph *graph, int32_t param) {
    const dogb_param *info = &graph->params[param];
    return info->role == DOGB_ROLE_WEIGHT && graph->nodes[info->node].int8;
}

// The scale's parameter is the last of its layer's.
static int32_t scale_of(const dogb_graph *graph, int32_t param) {
    const dogb_node *node = &graph->nodes[graph->params[param].node];
    return node->first_param + node->param_count - 1;
}

int dogb_model_int8_tensor(dogb_weight *tensor, dogb_arena *arena, const dogbreed_model *model,
                           int32_t param) {
    const dogb_param *info = &model->graph->params[param];
    const float *weights = model->weights[param];
    const float *scales = model->weights[scale_of(model->graph, param)];
    const int64_t each = info->count / info->shape[0];
    int8_t *whole = dogb_alloc(arena, (size_t)info->count, sizeof *whole);
    if (whole == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int64_t i = 0; i < info->count; i++) {
        whole[i] = (int8_t)rintf(weights[i] / scales[i / each]);
    }
    tensor->data = whole;
    tensor->dtype = DOGB_I8;
    tensor->bytes = (size_t)info->count;
    return DOGBREED_OK;
}

int dogb_model_int8_expand(dogbreed_model *model, const char *path) {
    const dogb_graph *graph = model->graph;
    for (int32_t p = 0; p < graph->param_count; p++) {
        const dogb_param *info = &graph->params[p];
        if (!dogb_model_is_int8(graph, p)) {
            continue;
        }
        const float *scales = model->weights[scale_of(graph, p)];
        float *weights = model->weights[p];
        const int64_t each = info->count / info->shape[0];
        for (int64_t i = 0; i < info->count; i++) {
            float scale = scales[i / each];
            if (weights[i] < -127 || !(scale >= 1e-12f && scale <= 1e9f)) {
                return dogb_fail(DOGBREED_ERROR_FORMAT,
                                 "%s: tensor %s: value %d with scale %g, expected -127 to 127 and "
                                 "a scale of 1e-12 to 1e9",
                                 path, info->name, (int)weights[i], (double)scale);
            }
            weights[i] *= scale;
        }
    }
    return DOGBREED_OK;
}

int dogb_model_engine(const dogb_engine **out, int32_t *dtype, const dogbreed_model *model,
                      const char *name, const char *device) {
    const int quantised = dogb_graph_quantised(model->graph);
    const int chosen = *dtype == DOGBREED_DTYPE_AUTO;
    DOGB_CHECK(*dtype != DOGBREED_DTYPE_INT8 || quantised,
               "dtype: int8 needs a quantised model (see dogbreed model quantize)");
    if (quantised && (chosen || *dtype == DOGBREED_DTYPE_INT8)) {
        *dtype = DOGBREED_DTYPE_INT8;
        int rc = dogb_engine_open(out, name, DOGB_CAN_INFER | DOGB_CAN_INT8, device);
        if (rc == DOGBREED_OK || !chosen) {
            return rc;
        }
    }
    *dtype = chosen ? DOGBREED_DTYPE_F32 : *dtype;
    uint32_t bf16 = *dtype == DOGBREED_DTYPE_BF16 ? DOGB_CAN_BF16 : 0;
    return dogb_engine_open(out, name, DOGB_CAN_INFER | bf16, device);
}
