// freeze.c - which parameters an optimiser may touch.
#include "core/error.h"
#include "engine/engine.h"
#include "model/model_struct.h"

#include <string.h>

static const char *stages_of(const dogb_graph *graph) {
    for (int32_t i = 0; i < dogb_arch_count(); i++) {
        if (strcmp(dogb_arch_at(i)->name, graph->architecture) == 0) {
            return dogb_arch_at(i)->stages;
        }
    }
    return "module names of the network";
}

int dogb_model_freeze(dogbreed_model *model, const char *freeze) {
    const dogb_graph *graph = model->graph;
    int32_t head = dogb_model_head_start(graph);
    int32_t first = head; // first node that learns
    if (strcmp(freeze, "none") == 0) {
        first = 0;
    } else if (strcmp(freeze, "head") != 0) {
        first = *freeze == '\0' ? 0 : dogb_graph_stage_end(graph, freeze) + 1;
        DOGB_CHECK(first > 0, "freeze: \"%s\" is neither head nor none nor a stage of %s (%s)",
                   freeze, graph->architecture, stages_of(graph));
        DOGB_CHECK(first <= head, "freeze: \"%s\" would leave nothing to train in %s", freeze,
                   graph->architecture);
    }
    char *copy = dogb_strdup(&model->arena, freeze);
    if (copy == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    model->freeze = copy;
    for (int32_t i = 0; i < graph->param_count; i++) {
        const dogb_param *param = &graph->params[i];
        model->trainable[i] = param->node >= first && !dogb_graph_is_buffer(param);
    }
    return DOGBREED_OK;
}

int dogbreed_model_set_trainable(dogbreed_model *model, const char *prefix, int32_t trainable) {
    DOGB_CHECK(model != NULL && prefix != NULL, "set_trainable: model or prefix is NULL");
    int32_t found = 0;
    for (int32_t i = 0; i < model->graph->param_count; i++) {
        const dogb_param *param = &model->graph->params[i];
        if (strncmp(param->name, prefix, strlen(prefix)) == 0 && !dogb_graph_is_buffer(param)) {
            model->trainable[i] = trainable != 0;
            found++;
        }
    }
    if (found == 0) {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND,
                         "set_trainable: no parameter of %s starts with \"%s\"",
                         model->graph->architecture, prefix);
    }
    model->freeze = "custom";
    return DOGBREED_OK;
}

int dogb_model_frozen(const dogbreed_model *model) {
    const dogb_graph *graph = model->graph;
    if (graph->feature < 0) {
        return 0;
    }
    for (int32_t i = 0; i < graph->param_count; i++) {
        const dogb_param *param = &graph->params[i];
        int learns = model->trainable[i] ||
                     (dogb_graph_is_buffer(param) && model->batch_norm == DOGB_BN_TRAIN);
        if (param->node <= graph->feature && learns) {
            return 0;
        }
    }
    return 1;
}
