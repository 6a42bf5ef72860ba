// rebuild.c - a model with another network for the same pictures and classes.
#include "core/error.h"
#include "model/model_struct.h"

#include <string.h>

static int copy_document(dogbreed_model *model, const dogbreed_model *from) {
    json_t *copy = json_deep_copy(from->document);
    int rc = copy == NULL || json_object_update(model->document, copy) != 0
                 ? dogb_fail(DOGBREED_ERROR_NO_MEMORY, "no memory for the model document")
                 : DOGBREED_OK;
    json_decref(copy);
    return rc;
}

static int fill(dogbreed_model *model, const dogbreed_model *from) {
    int rc = copy_document(model, from);
    rc = rc < 0 ? rc : dogb_model_take_classes(model, from->classes, from->class_count, "model");
    rc = rc < 0 ? rc : dogb_model_freeze(model, "head");
    for (int32_t i = 0; rc == DOGBREED_OK && i < model->graph->param_count; i++) {
        rc = dogb_model_make_weight(model, i);
    }
    model->preprocess = from->preprocess;
    model->batch_norm = DOGB_BN_FROZEN;
    model->head = dogb_strdup(&model->arena, from->head);
    return rc == DOGBREED_OK && model->head == NULL ? DOGBREED_ERROR_NO_MEMORY : rc;
}

int dogb_model_rebuild(dogbreed_model **out, const dogbreed_model *from, dogb_graph *graph) {
    dogbreed_model *model = NULL;
    *out = NULL;
    int rc = dogb_model_new(&model);
    if (rc < 0) {
        dogb_graph_destroy(graph);
        return rc;
    }
    rc = dogb_model_take_graph(model, graph);
    rc = rc < 0 ? rc : fill(model, from);
    if (rc < 0) {
        dogbreed_model_destroy(model);
        return rc;
    }
    *out = model;
    return DOGBREED_OK;
}
