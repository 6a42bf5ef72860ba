// evaluate.c - runs a model over a labelled split. The frozen part comes from the feature store
// when it may, else the whole network runs on decoded pictures.
#include "core/clock.h"
#include "core/error.h"
#include "core/thread.h"
#include "dataset/loader.h"
#include "evaluate/evaluate_struct.h"
#include "feature/feature.h"
#include "model/model_internal.h"

#include <math.h>
#include <string.h>

// More classes get no confusion matrix: at this size it takes half a gigabyte.
enum { CONFUSION_MAX = 8192 };

typedef struct job {
    dogb_arena arena;
    dogbreed_evaluate_options options;
    const dogbreed_model *model;
    const dogbreed_dataset *dataset;
    const dogb_engine *engine;
    const char *device;
    dogb_net *net;
    int32_t *classes; // of the model, by the dataset's label
    float *logits;    // of one batch
    int32_t *labels;  // of one batch, as the model's classes
    int64_t *samples; // of one batch
    int32_t threads;
    dogb_tally tally;
    dogb_scores scores;
    dogb_scores *each; // [classes], of a few
    dogb_predictions predictions;
    dogb_outputs outputs;
    dogb_scaling scaling;
    dogb_roc roc;
} job;

static int make_net(job *j, const dogb_graph *graph, const void *const *weights) {
    dogb_net_conf conf = {.device = j->device,
                          .mode = DOGB_NET_INFER,
                          .dtype = j->options.dtype,
                          .threads = j->threads,
                          .deterministic = 1,
                          .batch_norm = DOGB_BN_FROZEN,
                          .batch_max = j->options.batch_size};
    return dogb_engine_net(&j->net, j->engine, graph, weights, &conf);
}

static int compute(job *j, const void *data, int32_t dtype, int32_t count) {
    dogb_batch batch = {.data = data, .count = count, .dtype = dtype};
    int rc = dogb_engine_result(j->engine, j->engine->infer(j->net, &batch, j->logits), "evaluate");
    if (rc == DOGBREED_OK) {
        dogb_tally_add(&j->tally, j->logits, j->labels, count);
        dogb_scores_add(&j->scores, j->each, j->logits, j->tally.classes, j->labels, count);
        dogb_outputs_add(&j->outputs, j->logits, j->labels, count);
    }
    return rc == DOGBREED_OK && j->options.predictions
               ? dogb_predictions_add(&j->predictions, j->logits, j->tally.classes, j->labels,
                                      j->samples, count)
               : rc;
}

static int with_pictures(job *j) {
    dogb_loader *loader = NULL;
    dogb_loader_batch batch;
    dogb_loader_conf conf = {.dataset = j->dataset,
                             .preprocess = dogb_model_preprocess(j->model),
                             .count = dogbreed_dataset_size(j->dataset),
                             .batch_size = j->options.batch_size,
                             .threads = dogb_thread_count(j->options.loader_threads)};
    int rc = make_net(j, dogb_model_graph(j->model), dogb_model_weights(j->model));
    if (rc < 0 || (rc = dogb_loader_create(&loader, &conf)) < 0) {
        return rc;
    }
    while ((rc = dogb_loader_next(loader, &batch)) > 0) {
        for (int32_t i = 0; i < batch.count; i++) {
            j->labels[i] = j->classes[batch.labels[i]];
            j->samples[i] = batch.samples[i];
        }
        if ((rc = compute(j, batch.pixels, DOGB_DATA_U8, batch.count)) < 0) {
            break;
        }
    }
    dogb_loader_destroy(loader);
    return rc;
}

// Rows one after another through the head.
static int run_head(job *j, const dogb_feature *features) {
    size_t size = (size_t)dogb_feature_size(features);
    float *rows = dogb_alloc(&j->arena, (size_t)j->options.batch_size, size * sizeof *rows);
    int64_t samples = dogbreed_dataset_size(j->dataset);
    int32_t count = 0;
    int rc = rows == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (int64_t i = 0; rc == DOGBREED_OK && i < samples; i++) {
        const float *row = dogb_feature_row(features, i, 0);
        if (row != NULL) { // else a tolerated bad file
            memcpy(rows + (size_t)count * size, row, size * sizeof *rows);
            j->samples[count] = i;
            j->labels[count++] = j->classes[dogb_dataset_label(j->dataset, i)];
        }
        if (count == j->options.batch_size) {
            rc = compute(j, rows, DOGB_DATA_F32, count);
            count = 0;
        }
    }
    return rc == DOGBREED_OK && count > 0 ? compute(j, rows, DOGB_DATA_F32, count) : rc;
}

static int with_features(job *j) {
    dogb_part head;
    dogb_feature *features = NULL;
    dogb_feature_conf conf = {.model = j->model,
                              .dataset = j->dataset,
                              .engine = j->engine,
                              .device = j->device,
                              .cache_dir = j->options.cache_dir,
                              .threads = j->threads,
                              .loader_threads = dogb_thread_count(j->options.loader_threads),
                              .batch_size = j->options.batch_size,
                              .dtype = j->options.dtype,
                              .keep = 1};
    int rc = dogb_model_head(&head, &j->arena, j->model);
    if (rc < 0 || (rc = make_net(j, head.graph, head.weights)) < 0 ||
        (rc = dogb_feature_open(&features, &conf)) < 0) {
        return rc;
    }
    rc = run_head(j, features);
    dogb_feature_destroy(features);
    return rc;
}

static int prepare(job *j, const dogbreed_evaluate_options *options) {
    int rc = dogb_table_import(&j->options, &dogb_evaluate_table, options, &j->arena);
    if (rc < 0) {
        return rc;
    }
    int32_t classes = dogbreed_model_class_count(j->model);
    if (dogbreed_dataset_size(j->dataset) == 0) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "evaluate: the split %s of %s is empty",
                         dogb_dataset_split_name(j->dataset), dogb_dataset_root(j->dataset));
    }
    if ((rc = dogb_model_match_classes(&j->classes, &j->arena, j->model, j->dataset)) < 0 ||
        (rc = dogb_tally_init(&j->tally, &j->arena, classes, classes <= CONFUSION_MAX)) < 0 ||
        (rc = dogb_outputs_open(&j->outputs, &j->arena, classes,
                                dogbreed_dataset_size(j->dataset))) < 0 ||
        (rc = dogb_model_engine(&j->engine, &j->options.dtype, j->model, j->options.engine,
                                j->options.device)) < 0 ||
        (rc = dogb_engine_device(&j->device, &j->arena, j->engine, j->options.device)) < 0) {
        return rc;
    }
    j->threads = dogb_thread_count(j->options.threads);
    size_t batch = (size_t)j->options.batch_size;
    j->predictions.arena = &j->arena;
    j->labels = dogb_alloc(&j->arena, batch, sizeof *j->labels);
    j->samples = dogb_alloc(&j->arena, batch, sizeof *j->samples);
    if (classes <= DOGB_SCORE_CLASSES) {
        j->each = dogb_alloc(&j->arena, (size_t)classes, sizeof *j->each);
        if (j->each == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    j->logits = dogb_alloc(&j->arena, batch, (size_t)classes * sizeof *j->logits);
    return j->labels == NULL || j->samples == NULL || j->logits == NULL ? DOGBREED_ERROR_NO_MEMORY
                                                                        : DOGBREED_OK;
}

static int to_json(char **json, job *j, double seconds) {
    int32_t count = dogbreed_model_class_count(j->model);
    const char **names = dogb_alloc(&j->arena, (size_t)count, sizeof *names);
    json_t *object = dogb_json_document(&j->arena, "evaluation", 1);
    if (names == NULL || object == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; i < count; i++) {
        names[i] = dogbreed_model_class_name(j->model, i);
    }
    int rc = dogb_json_set_text(object, "split", dogb_dataset_split_name(j->dataset));
    rc = rc < 0 ? rc : dogb_json_set_real(object, "seconds", seconds);
    rc = rc < 0 ? rc : dogb_json_set_text(object, "engine", j->engine->name);
    rc = rc < 0 ? rc : dogb_json_set_text(object, "device", j->device);
    rc = rc < 0 ? rc : dogb_json_set_text(object, "dtype", dogb_engine_dtype(j->options.dtype));
    rc = rc < 0 ? rc : dogb_tally_json_names(object, &j->tally, &j->scaling, names);
    rc = rc < 0 ? rc : dogb_scores_json(object, &j->scores, j->each, count);
    rc = rc < 0 ? rc : dogb_roc_json(object, &j->roc);
    if (rc == DOGBREED_OK && j->options.predictions) {
        rc = dogb_predictions_json(object, &j->predictions, j->dataset);
    }
    return rc < 0 ? rc : dogb_json_text_out(json, object, 1);
}

// What needs the outputs of all samples at once.
static int judge(job *j) {
    dogb_scaling_fit(&j->scaling, &j->outputs);
    return dogb_roc_make(&j->roc, &j->outputs);
}

static void give(dogbreed_evaluation *out, const job *j, double seconds) {
    dogbreed_evaluation full;
    dogb_tally_finish(&full, &j->tally);
    full.seconds = seconds;
    full.temperature = j->scaling.temperature;
    full.scaled_ece =
        isnan(j->scaling.temperature) ? (double)NAN : dogb_calibration_error(j->scaling.bins);
    full.scaled_loss = j->scaling.loss;
    full.auc = j->roc.auc;
    full.average_precision = j->roc.average_precision;
    full.struct_size = out->struct_size;
    memset(out, 0, out->struct_size);
    memcpy(out, &full, full.struct_size < sizeof full ? full.struct_size : sizeof full);
}

int dogbreed_evaluate(dogbreed_evaluation *out, char **json, const dogbreed_model *model,
                      const dogbreed_dataset *dataset, const dogbreed_evaluate_options *options) {
    if (json != NULL) {
        *json = NULL;
    }
    DOGB_CHECK(out != NULL && model != NULL && dataset != NULL,
               "evaluate: out, model or dataset is NULL");
    DOGB_CHECK(out->struct_size >= 8 && out->struct_size <= (1U << 20),
               "evaluate: struct_size of the result is not set");
    double start = dogb_clock();
    job j = {.model = model, .dataset = dataset};
    int rc = prepare(&j, options);
    if (rc == DOGBREED_OK) {
        rc = j.options.feature_cache && dogb_model_frozen(model) ? with_features(&j)
                                                                 : with_pictures(&j);
    }
    rc = rc < 0 ? rc : judge(&j);
    if (rc == DOGBREED_OK && json != NULL) {
        rc = to_json(json, &j, dogb_clock() - start);
    }
    if (rc == DOGBREED_OK) {
        give(out, &j, dogb_clock() - start);
    }
    if (j.net != NULL) {
        j.engine->net_destroy(j.net);
    }
    dogb_arena_free(&j.arena);
    return rc;
}
