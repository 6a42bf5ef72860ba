// part.c - a model cut at its features: the frozen prefix and the head, as graphs of their own, and
// the hash that names a prefix.
#include "core/error.h"
#include "core/hash.h"
#include "model/model_struct.h"

#include <string.h>

static void destroy_graph(void *graph) {
    dogb_graph_destroy(graph);
}

static int cut(dogb_part *out, dogb_arena *arena, const dogbreed_model *model, int32_t from,
               int32_t to) {
    dogb_graph *graph = NULL;
    memset(out, 0, sizeof *out);
    int rc = dogb_graph_slice(&graph, model->graph, from, to);
    if (rc < 0 || (rc = dogb_defer(arena, destroy_graph, graph)) < 0) {
        return rc;
    }
    const void **weights = dogb_alloc(arena, (size_t)graph->param_count + 1, sizeof *weights);
    int32_t *params = dogb_alloc(arena, (size_t)graph->param_count + 1, sizeof *params);
    if (weights == NULL || params == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; i < graph->param_count; i++) {
        params[i] = dogb_graph_find_param(model->graph, graph->params[i].name);
        if (params[i] < 0) {
            return dogb_fail(DOGBREED_ERROR_INTERNAL, "%s: slicing changed a name",
                             graph->params[i].name);
        }
        weights[i] = model->weights[params[i]];
    }
    out->graph = graph;
    out->weights = weights;
    out->params = params;
    return DOGBREED_OK;
}

static int need_feature(const dogbreed_model *model) {
    if (model->graph->feature < 0) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                         "%s: this network has no feature vector in front of its head; use head = "
                         "linear",
                         model->graph->architecture);
    }
    return DOGBREED_OK;
}

int dogb_model_prefix(dogb_part *out, dogb_arena *arena, const dogbreed_model *model) {
    int rc = need_feature(model);
    return rc < 0 ? rc : cut(out, arena, model, 0, model->graph->feature);
}

int dogb_model_head(dogb_part *out, dogb_arena *arena, const dogbreed_model *model) {
    int rc = need_feature(model);
    return rc < 0 ? rc : cut(out, arena, model, model->graph->feature, model->graph->output);
}

int dogb_model_prefix_hash(dogb_sha256 *out, const dogbreed_model *model) {
    dogb_arena scratch = {0};
    dogb_part part;
    dogb_hasher *hasher = NULL;
    json_t *nodes = NULL;
    char *text = NULL;
    int rc = dogb_model_prefix(&part, &scratch, model);
    if (rc < 0 || (rc = dogb_graph_to_json(&nodes, &scratch, part.graph)) < 0 ||
        (rc = dogb_hasher_create(&hasher, &scratch)) < 0) {
        goto out;
    }
    text = dogb_json_text_in(&scratch, nodes, 0);
    rc = text == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_hasher_add(hasher, text, strlen(text) + 1);
    for (int32_t i = 0; rc == DOGBREED_OK && i < part.graph->param_count; i++) {
        const dogb_param *param = &part.graph->params[i];
        if (param->role != DOGB_ROLE_COUNTER) { // the counter changes no output
            rc = dogb_hasher_add(hasher, part.weights[i], (size_t)param->count * sizeof(float));
        }
    }
    if (rc == DOGBREED_OK) {
        rc = dogb_hasher_end(hasher, out);
    }
out:
    dogb_arena_free(&scratch);
    return rc;
}
