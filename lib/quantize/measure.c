// measure.c - a model and the quantised one side by side on all pictures of a split; and what a
// callback is told on the way.
#include "quantize/quantize_internal.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/thread.h"
#include "dataset/loader.h"
#include "model/model_internal.h"

#include <math.h>

int dogb_quantize_tell(dogb_quantize_job *j, const char *what, int64_t done, int64_t total) {
    dogbreed_event event = {.struct_size = (uint32_t)sizeof event,
                            .kind = DOGBREED_EVENT_PROGRESS,
                            .done = done,
                            .total = total,
                            .time = dogb_clock() - j->begin,
                            .loss = NAN,
                            .train_loss = NAN,
                            .train_accuracy = NAN,
                            .val_loss = NAN,
                            .val_accuracy = NAN,
                            .val_top5 = NAN,
                            .images_per_second = NAN,
                            .text = what};
    int rc = dogb_bus_send(j->bus, &event, NULL);
    return rc == DOGBREED_STOP
               ? dogb_fail(DOGBREED_ERROR_CANCELLED, "quantize: a callback asked to stop")
               : rc;
}

int dogb_quantize_net(dogb_net **out, const dogb_quantize_job *j, const dogb_graph *graph,
                      const void *const *weights, int32_t mode, int32_t dtype) {
    const dogb_net_conf conf = {.device = "cpu",
                                .mode = mode,
                                .dtype = dtype,
                                .threads = j->threads,
                                .deterministic = 1,
                                .batch_norm = DOGB_BN_FROZEN,
                                .batch_max = j->options.batch_size};
    return dogb_engine_net(out, j->engine, graph, weights, &conf);
}

static int compare_batch(dogb_quantize_job *j, dogb_measured *m, dogb_net *const nets[2],
                         float *logits[2], int32_t *labels, const dogb_loader_batch *batch) {
    const dogb_batch in = {.data = batch->pixels, .count = batch->count, .dtype = DOGB_DATA_U8};
    const int64_t numbers = (int64_t)batch->count * dogbreed_model_class_count(j->model);
    for (int k = 0; k < 2; k++) {
        int rc =
            dogb_engine_result(j->engine, j->engine->infer(nets[k], &in, logits[k]), "quantize");
        if (rc < 0) {
            return rc;
        }
    }
    for (int32_t i = 0; i < batch->count; i++) {
        labels[i] = j->classes[batch->labels[i]];
    }
    dogb_tally_add(&m->before, logits[0], labels, batch->count);
    dogb_tally_add(&m->after, logits[1], labels, batch->count);
    for (int64_t i = 0; i < numbers; i++) {
        m->difference += fabs((double)logits[0][i] - (double)logits[1][i]);
    }
    return DOGBREED_OK;
}

static int compare(dogb_quantize_job *j, dogb_measured *m, dogb_net *const nets[2]) {
    dogb_loader *loader = NULL;
    dogb_loader_batch batch;
    size_t count = (size_t)j->options.batch_size;
    int32_t classes = dogbreed_model_class_count(j->model);
    const dogb_loader_conf conf = {.dataset = j->dataset,
                                   .preprocess = dogb_model_preprocess(j->model),
                                   .count = dogbreed_dataset_size(j->dataset),
                                   .batch_size = j->options.batch_size,
                                   .threads = dogb_thread_count(j->options.loader_threads)};
    float *logits[2] = {dogb_alloc(&j->arena, count * (size_t)classes, sizeof(float)),
                        dogb_alloc(&j->arena, count * (size_t)classes, sizeof(float))};
    int32_t *labels = dogb_alloc(&j->arena, count, sizeof *labels);
    if (logits[0] == NULL || logits[1] == NULL || labels == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = dogb_tally_init(&m->before, &j->arena, classes, 0);
    rc = rc < 0 ? rc : dogb_tally_init(&m->after, &j->arena, classes, 0);
    rc = rc < 0 ? rc : dogb_quantize_tell(j, "accuracy", 0, conf.count);
    rc = rc < 0 ? rc : dogb_loader_create(&loader, &conf);
    while (rc >= 0 && (rc = dogb_loader_next(loader, &batch)) > 0) {
        rc = compare_batch(j, m, nets, logits, labels, &batch);
        rc = rc < 0 ? rc : dogb_quantize_tell(j, "accuracy", m->after.count, conf.count);
    }
    dogb_loader_destroy(loader);
    return rc;
}

int dogb_quantize_measure(dogb_quantize_job *j, dogb_measured *m, const dogbreed_model *made) {
    dogb_net *nets[2] = {NULL, NULL};
    int rc = dogb_quantize_net(&nets[0], j, dogb_model_graph(j->model),
                               dogb_model_weights(j->model), DOGB_NET_INFER, DOGB_DTYPE_F32);
    rc = rc < 0 ? rc
                : dogb_quantize_net(&nets[1], j, dogb_model_graph(made), dogb_model_weights(made),
                                    DOGB_NET_INFER, DOGB_DTYPE_INT8);
    rc = rc < 0 ? rc : compare(j, m, nets);
    for (int k = 0; k < 2; k++) {
        if (nets[k] != NULL) {
            j->engine->net_destroy(nets[k]);
        }
    }
    return rc;
}
