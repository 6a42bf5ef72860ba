// fake.c - plug-ins for tests of the loader, one per FAKE_ value: a sound one, and those that must
// be refused.
#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>

enum { SOUND = 0, OTHER_ABI = 1, SHORT = 2, GAP = 3, NO_ENTRY = 4, BAD_OPEN = 5, NEEDS = 6 };

#if FAKE == 6
// Filled in by the test: the version of a library that is mapped already, or another one.
__attribute__((used)) static const char needs[] = DOGB_ENGINE_NEEDS FAKE_NEEDS ";";
#endif

static const char *version(void) {
    // What the loader set before it opened this file.
    const char *policy = getenv("OMP_WAIT_POLICY");
    return policy == NULL ? "unset" : policy;
}

static const char *last_error(void) {
    return "the fake engine's own line";
}

static int open_engine(dogbreed_log_fn log, void *userdata) {
    if (log != NULL) {
        log(DOGBREED_LOG_INFO, "fake engine opened", userdata);
    }
    return FAKE == BAD_OPEN ? DOGBREED_ERROR_DEVICE : 0;
}

static void close_engine(void) {
}

static uint32_t capabilities(void) {
    return DOGB_CAN_INFER | DOGB_CAN_CUDA;
}

static int32_t device_count(void) {
    return 2;
}

static int device_info(dogb_device *out, int32_t index) {
    memset(out, 0, sizeof *out);
    strcpy(out->id, index == 0 ? "cpu" : "cuda:0");
    strcpy(out->name, out->id);
    return 0;
}

static int net_create(dogb_net **out, const dogb_graph *graph, const void *const *weights,
                      const dogb_net_conf *conf) {
    (void)weights;
    (void)conf;
    *out = NULL;
    // Inference nets come folded: no batch norm is left.
    for (int32_t i = 0; i < graph->node_count; i++) {
        if (graph->nodes[i].op == DOGB_OP_BATCH_NORM) {
            return DOGBREED_ERROR_INTERNAL;
        }
    }
    return DOGBREED_ERROR_DEVICE_MEMORY;
}

static void net_destroy(dogb_net *net) {
    (void)net;
}

static int infer(dogb_net *net, const dogb_batch *batch, float *out) {
    (void)net;
    (void)batch;
    (void)out;
    return 0;
}

static dogb_engine table = {
    .abi = FAKE == OTHER_ABI ? DOGB_ENGINE_ABI + 1 : DOGB_ENGINE_ABI,
    .size = FAKE == SHORT ? 64 : offsetof(dogb_engine, heads_create),
    .name = "fake",
    .version = version,
    .error = last_error,
    .open = open_engine,
    .close = close_engine,
    .capabilities = FAKE == GAP ? (uint32_t(*)(void))0 : capabilities,
    .device_count = device_count,
    .device_info = device_info,
    .net_create = net_create,
    .net_destroy = net_destroy,
    .infer = infer,
    // Behind the table's end as this plug-in declares it: must not be read.
    .range = (int (*)(const char *))1,
};

#if FAKE == 4
const dogb_engine *dogb_engine_v0(void);
const dogb_engine *dogb_engine_v0(void) {
    return &table;
}
#else
__attribute__((visibility("default"))) const dogb_engine *dogb_engine_v1(void) {
    return &table;
}
#endif
