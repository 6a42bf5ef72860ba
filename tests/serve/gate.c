// gate.c - an engine whose opening takes as long as the file that DOGBREED_TEST_GATE names is
// there, and then fails: for tests of what a server does while its model is being loaded.
#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *version(void) {
    return "gate";
}

static const char *last_error(void) {
    return "the gate is open";
}

static int open_engine(dogbreed_log_fn log, void *userdata) {
    const char *gate = getenv("DOGBREED_TEST_GATE");
    (void)log;
    (void)userdata;
    while (gate != NULL && access(gate, F_OK) == 0) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    return DOGBREED_ERROR_DEVICE;
}

static void close_engine(void) {
}

static uint32_t capabilities(void) {
    return DOGB_CAN_INFER;
}

static int32_t device_count(void) {
    return 1;
}

static int device_info(dogb_device *out, int32_t index) {
    (void)index;
    memset(out, 0, sizeof *out);
    return 0;
}

static int net_create(dogb_net **out, const dogb_graph *graph, const void *const *weights,
                      const dogb_net_conf *conf) {
    (void)graph;
    (void)weights;
    (void)conf;
    *out = NULL;
    return DOGBREED_ERROR_DEVICE;
}

static void net_destroy(dogb_net *net) {
    (void)net;
}

static int infer(dogb_net *net, const dogb_batch *batch, float *out) {
    (void)net;
    (void)batch;
    (void)out;
    return DOGBREED_ERROR_DEVICE;
}

static const dogb_engine table = {
    .abi = DOGB_ENGINE_ABI,
    .size = offsetof(dogb_engine, heads_create),
    .name = "torch",
    .version = version,
    .error = last_error,
    .open = open_engine,
    .close = close_engine,
    .capabilities = capabilities,
    .device_count = device_count,
    .device_info = device_info,
    .net_create = net_create,
    .net_destroy = net_destroy,
    .infer = infer,
};

__attribute__((visibility("default"))) const dogb_engine *dogb_engine_v1(void) {
    return &table;
}
