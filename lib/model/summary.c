// summary.c - a model as JSON for people and tools: layers with shapes, sizes and costs, classes,
// preprocessing.
#include "core/error.h"
#include "model/model_struct.h"

#include <string.h>

static int add_layer(json_t *layers, const dogbreed_model *model, int32_t index) {
    const dogb_graph *graph = model->graph;
    const dogb_node *node = &graph->nodes[index];
    int64_t parameters = 0;
    int32_t trainable = 0;
    json_t *shape = json_array();
    json_t *layer = json_object();
    int rc = dogb_json_add(layers, layer);
    if (rc < 0) {
        json_decref(shape);
        return rc;
    }
    for (int32_t i = 0; i < node->param_count; i++) {
        const dogb_param *param = &graph->params[node->first_param + i];
        parameters += dogb_graph_is_buffer(param) ? 0 : param->count;
        trainable |= model->trainable[node->first_param + i];
    }
    rc = dogb_json_set(layer, "shape", shape);
    for (int32_t i = 0; rc == DOGBREED_OK && i < node->rank; i++) {
        rc = dogb_json_add(shape, json_integer(node->shape[i]));
    }
    rc = rc < 0 ? rc : dogb_json_set_text(layer, "name", node->name);
    rc = rc < 0 ? rc : dogb_json_set_text(layer, "op", dogb_op_name(node->op));
    rc = rc < 0 ? rc : dogb_json_set_int(layer, "parameters", parameters);
    rc = rc < 0 ? rc : dogb_json_set_bool(layer, "trainable", trainable);
    return rc < 0
               ? rc
               : dogb_json_set_int(layer, "multiply_adds", dogb_graph_multiply_adds(graph, index));
}

static int64_t count_trainable(const dogbreed_model *model) {
    int64_t count = 0;
    for (int32_t i = 0; i < model->graph->param_count; i++) {
        count += model->trainable[i] ? model->graph->params[i].count : 0;
    }
    return count;
}

static int build(json_t **out, dogb_arena *arena, const dogbreed_model *model) {
    const dogb_graph *graph = model->graph;
    json_t *document = NULL;
    int rc = dogb_model_to_document(&document, arena, model);
    if (rc < 0) {
        return rc;
    }
    json_t *layers = json_array();
    rc = dogb_json_set(document, "layers", layers);
    for (int32_t i = 0; rc == DOGBREED_OK && i < graph->node_count; i++) {
        rc = add_layer(layers, model, i);
    }
    rc = rc < 0 ? rc : dogb_json_set_text(document, "format", "dogbreed.model_summary");
    rc = rc < 0 ? rc : dogb_json_set_text(document, "head", model->head);
    rc = rc < 0 ? rc : dogb_json_set_int(document, "class_count", model->class_count);
    rc = rc < 0 ? rc : dogb_json_set_int(document, "parameters", dogb_graph_parameter_total(graph));
    rc = rc < 0 ? rc : dogb_json_set_int(document, "trainable_parameters", count_trainable(model));
    rc = rc < 0 ? rc
                : dogb_json_set_int(document, "multiply_adds", dogb_graph_multiply_adds(graph, -1));
    *out = document;
    return rc;
}

int dogbreed_model_summary(char **json, const dogbreed_model *model) {
    DOGB_CHECK(json != NULL, "model summary: json is NULL");
    *json = NULL;
    DOGB_CHECK(model != NULL, "model summary: model is NULL");
    dogb_arena scratch = {0};
    json_t *document = NULL;
    int rc = build(&document, &scratch, model);
    if (rc == DOGBREED_OK) {
        rc = dogb_json_text_out(json, document, 1);
    }
    dogb_arena_free(&scratch);
    return rc;
}
