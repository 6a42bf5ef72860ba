// plan.c - what an engine makes of a model's network, as JSON.
#include "core/error.h"
#include "engine/engine.h"
#include "model/model_struct.h"

static int describe(json_t *document, const dogbreed_model *model, int32_t dtype) {
    const dogb_engine *engine = NULL;
    dogb_net *net = NULL;
    dogb_net_conf conf = {
        .device = "cpu", .mode = DOGB_NET_INFER, .dtype = dtype, .threads = 1, .batch_max = 1};
    int rc = dogb_model_engine(&engine, &conf.dtype, model, "native", "cpu");
    rc = rc < 0 ? rc
                : dogb_engine_net(&net, engine, model->graph, (const void *const *)model->weights,
                                  &conf);
    rc = rc < 0 ? rc : dogb_json_set_text(document, "architecture", model->graph->architecture);
    rc = rc < 0 ? rc : dogb_json_set_text(document, "engine", engine->name);
    rc = rc < 0 ? rc : dogb_json_set_text(document, "instruction_set", engine->version());
    rc = rc < 0 ? rc : dogb_json_set_text(document, "dtype", dogb_engine_dtype(conf.dtype));
    rc =
        rc < 0 ? rc : dogb_engine_result(engine, engine->net_describe(net, document), "model plan");
    if (net != NULL) {
        engine->net_destroy(net);
    }
    return rc;
}

int dogbreed_model_plan(char **json, const dogbreed_model *model, int32_t dtype) {
    dogb_arena scratch = {0};
    DOGB_CHECK(json != NULL, "model plan: json is NULL");
    *json = NULL;
    DOGB_CHECK(model != NULL, "model plan: model is NULL");
    DOGB_CHECK(dtype >= DOGBREED_DTYPE_F32 && dtype <= DOGBREED_DTYPE_AUTO,
               "dtype: %d is none, expected a DOGBREED_DTYPE_", (int)dtype);
    json_t *document = dogb_json_document(&scratch, "model_plan", 1);
    int rc = document == NULL ? DOGBREED_ERROR_NO_MEMORY : describe(document, model, dtype);
    if (rc == DOGBREED_OK) {
        rc = dogb_json_text_out(json, document, 1);
    }
    dogb_arena_free(&scratch);
    return rc;
}
