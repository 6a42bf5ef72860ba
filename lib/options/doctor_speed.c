// doctor_speed.c - which engines "auto" takes on this machine, and how fast it computes: the peak
// of one core, and pictures of a usual network.
#include "options/doctor.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/thread.h"
#include "engine/engine.h"
#include "model/model_internal.h"

#include <string.h>

static const double MEASURE_SECONDS = 0.3;
enum { SIDE = 224, LARGE_BATCH = 16 };

int dogb_doctor_engines(dogb_doctor *d) {
    static const struct {
        const char *name;
        uint32_t capabilities;
    } uses[] = {
        {"auto: inference", DOGB_CAN_INFER},
        {"auto: heads", DOGB_CAN_TRAIN_HEAD},
        {"auto: layers", DOGB_CAN_TRAIN},
    };
    int rc = DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < sizeof uses / sizeof uses[0]; i++) {
        const dogb_engine *engine = NULL;
        if (dogb_engine_auto(&engine, uses[i].capabilities, "auto") < 0) {
            rc = dogb_doctor_add(d, "engines", uses[i].name, DOGB_DOCTOR_ERROR,
                                 dogbreed_error_message(), "build it again: scripts/setup.sh");
            continue;
        }
        rc = dogb_doctor_add(d, "engines", uses[i].name, DOGB_DOCTOR_OK, engine->name, "");
    }
    return rc < 0 ? rc
                  : dogb_doctor_add(d, "cpu", "instruction set", DOGB_DOCTOR_OK,
                                    dogb_engine_native()->version(), "");
}

// A finding with its number beside the text.
static int add_speed(dogb_doctor *d, const char *name, double number, const char *unit,
                     const char *what) {
    const char *value =
        dogb_format(&d->arena, "%.*f %s, %s", number < 100 ? 1 : 0, number, unit, what);
    int rc = value == NULL ? DOGBREED_ERROR_NO_MEMORY
                           : dogb_doctor_add(d, "speed", name, DOGB_DOCTOR_OK, value, "");
    if (rc < 0) {
        return rc;
    }
    json_t *finding = json_array_get(d->findings, json_array_size(d->findings) - 1);
    rc = dogb_json_set(finding, "number", json_real(number));
    return rc < 0 ? rc : dogb_json_set_text(finding, "unit", unit);
}

static int measure_batch(double *rate, const dogb_engine *engine, dogb_net *net,
                         const dogb_batch *batch, float *out) {
    int rc = engine->infer(net, batch, out); // memory and threads are there afterwards
    double start = dogb_clock();
    double seconds = 0;
    int64_t images = 0;
    while (rc == DOGBREED_OK && seconds < MEASURE_SECONDS) {
        rc = engine->infer(net, batch, out);
        images += batch->count;
        seconds = dogb_clock() - start;
    }
    *rate = rc < 0 ? 0 : (double)images / seconds;
    return dogb_engine_result(engine, rc, "doctor");
}

// rates: images per second one by one, and by LARGE_BATCH.
static int measure_net(double rates[2], dogb_arena *arena, const dogb_engine *engine, dogb_net *net,
                       const dogb_graph *graph) {
    const size_t image = (size_t)3 * SIDE * SIDE;
    const int32_t outputs = (int32_t)graph->nodes[graph->output].shape[0];
    uint8_t *pixels = dogb_alloc(arena, LARGE_BATCH * image, 1);
    float *out = dogb_alloc(arena, LARGE_BATCH * (size_t)outputs, sizeof *out);
    if (pixels == NULL || out == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < LARGE_BATCH * image; i++) {
        pixels[i] = (uint8_t)(i * i >> 7);
    }
    dogb_batch one = {pixels, 1, DOGB_DATA_U8};
    dogb_batch many = {pixels, LARGE_BATCH, DOGB_DATA_U8};
    int rc = measure_batch(&rates[0], engine, net, &one, out);
    return rc < 0 ? rc : measure_batch(&rates[1], engine, net, &many, out);
}

static int measure_model(double rates[2], dogb_arena *arena, const dogb_engine *engine,
                         int32_t threads) {
    dogbreed_model_options options;
    dogbreed_model *model = NULL;
    dogb_net *net = NULL;
    dogb_net_conf conf = {.mode = DOGB_NET_INFER, .threads = threads, .batch_max = LARGE_BATCH};
    int rc = dogbreed_model_options_init(&options, sizeof options);
    options.architecture = "mobilenet_v2";
    options.input_size = SIDE;
    rc = rc < 0 ? rc : dogbreed_model_create(&model, NULL, &options);
    rc = rc < 0 ? rc : dogb_engine_device(&conf.device, arena, engine, "auto");
    rc = rc < 0 ? rc
                : dogb_engine_net(&net, engine, dogb_model_graph(model), dogb_model_weights(model),
                                  &conf);
    rc = rc < 0 ? rc : measure_net(rates, arena, engine, net, dogb_model_graph(model));
    if (net != NULL) {
        engine->net_destroy(net);
    }
    dogbreed_model_destroy(model);
    return rc;
}

int dogb_doctor_speed(dogb_doctor *d) {
    static const char *const names[2] = {"batch of 1", "batch of 16"};
    const dogb_engine *native = dogb_engine_native();
    const dogb_engine *engine = NULL;
    const int32_t threads = dogb_thread_count(0);
    double rates[2] = {0, 0};
    int rc = add_speed(d, "one core", native->peak(), "GFLOP/s",
                       dogb_format(&d->arena, "float32 with %s at most", native->version()));
    int tried = rc < 0 ? rc : dogb_engine_auto(&engine, DOGB_CAN_INFER, "auto");
    tried = tried < 0 ? tried : measure_model(rates, &d->arena, engine, threads);
    if (rc < 0 || tried == DOGBREED_ERROR_NO_MEMORY) {
        return rc < 0 ? rc : tried;
    }
    if (tried < 0) {
        return dogb_doctor_add(d, "speed", names[0], DOGB_DOCTOR_WARNING, dogbreed_error_message(),
                               "inference does not work here; see the engines above");
    }
    const char *what = dogb_format(&d->arena, "mobilenet_v2 at %d pixels, engine %s, %d thread%s",
                                   SIDE, engine->name, (int)threads, threads == 1 ? "" : "s");
    for (int i = 0; rc == DOGBREED_OK && i < 2; i++) {
        rc = what == NULL ? DOGBREED_ERROR_NO_MEMORY
                          : add_speed(d, names[i], rates[i], "images/s", what);
    }
    return rc;
}
