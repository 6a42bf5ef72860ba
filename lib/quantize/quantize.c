// quantize.c - from a model to a quantised one: fold, look at activations, round weights, report.
#include "quantize/quantize_internal.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/thread.h"
#include "dataset/loader.h"
#include "engine/engine.h"
#include "evaluate/evaluate_internal.h"
#include "model/model_internal.h"

#include <math.h>
#include <string.h>

typedef dogb_quantize_job job;

static void destroy_graph(void *graph) {
    dogb_graph_destroy(graph);
}

static int prepare(job *j, const dogbreed_quantize_options *options) {
    const dogb_graph *graph = dogb_model_graph(j->model);
    int64_t size = dogbreed_dataset_size(j->dataset);
    int rc = dogb_table_import(&j->options, &dogb_quantize_table, options, &j->arena);
    if (rc < 0) {
        return rc;
    }
    DOGB_CHECK(!dogb_graph_quantised(graph), "quantize: the model is quantised already");
    DOGB_CHECK(size > 0, "quantize: the split %s of %s is empty",
               dogb_dataset_split_name(j->dataset), dogb_dataset_root(j->dataset));
    j->threads = dogb_thread_count(j->options.threads);
    j->images = size < j->options.images ? (int32_t)size : j->options.images;
    if ((rc = dogb_model_match_classes(&j->classes, &j->arena, j->model, j->dataset)) < 0 ||
        (rc = dogb_engine_open(&j->engine, "native", DOGB_CAN_INFER | DOGB_CAN_INT8, "cpu")) < 0 ||
        (rc = dogb_graph_fold(&j->graph, &j->weights, graph, dogb_model_weights(j->model))) < 0) {
        return rc;
    }
    if ((rc = dogb_defer(&j->arena, destroy_graph, j->graph)) < 0) {
        return rc; // the graph is gone
    }
    j->ranges = dogb_alloc(&j->arena, (size_t)j->graph->node_count, sizeof *j->ranges);
    if (j->ranges == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; i < j->graph->node_count; i++) {
        j->ranges[i].bins = dogb_alloc(&j->arena, DOGB_RANGE_BINS, sizeof *j->ranges[i].bins);
        if (j->ranges[i].bins == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    return DOGBREED_OK;
}

// --- activations

static int see(const dogb_observed *value, void *userdata) {
    job *j = userdata;
    int32_t node = dogb_graph_find_node(j->graph, value->node);
    for (int64_t i = 0; node >= 0 && i < value->count; i++) {
        j->look(&j->ranges[node], value->data + i * value->stride, value->channels);
    }
    return DOGBREED_OK;
}

static int observe(job *j, dogb_net *net, dogb_loader *loader, int64_t done) {
    dogb_loader_batch batch;
    int rc;
    while ((rc = dogb_loader_next(loader, &batch)) > 0) {
        const dogb_batch in = {.data = batch.pixels, .count = batch.count, .dtype = DOGB_DATA_U8};
        rc = dogb_engine_result(j->engine, j->engine->observe(net, &in, see, j), "quantize");
        done += batch.count;
        rc = rc < 0 ? rc : dogb_quantize_tell(j, "ranges", done, 2 * (int64_t)j->images);
        if (rc < 0) {
            return rc;
        }
    }
    return rc;
}

// Looks at the calibration pictures, evenly spread over the dataset. done: pictures seen before.
static int pass(job *j, dogb_net *net, int64_t done) {
    dogb_loader *loader = NULL;
    int64_t size = dogbreed_dataset_size(j->dataset);
    int64_t *order = dogb_alloc(&j->arena, (size_t)j->images, sizeof *order);
    if (order == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int64_t i = 0; i < j->images; i++) {
        order[i] = i * size / j->images;
    }
    const dogb_loader_conf conf = {.dataset = j->dataset,
                                   .preprocess = dogb_model_preprocess(j->model),
                                   .order = order,
                                   .count = j->images,
                                   .batch_size = j->options.batch_size,
                                   .threads = dogb_thread_count(j->options.loader_threads)};
    int rc = dogb_loader_create(&loader, &conf);
    rc = rc < 0 ? rc : observe(j, net, loader, done);
    dogb_loader_destroy(loader);
    return rc;
}

// The picture's bytes have a range that needs no looking.
static void see_input(job *j) {
    const dogb_graph *graph = j->graph;
    for (int c = 0; c < 3; c++) {
        float ends[2] = {(0.0f - graph->mean[c]) / graph->deviation[c],
                         (1.0f - graph->mean[c]) / graph->deviation[c]};
        dogb_range_widen(&j->ranges[0], ends, 2);
    }
}

static int calibrate(job *j) {
    dogb_net *net = NULL;
    int rc = dogb_quantize_net(&net, j, j->graph, j->weights, DOGB_NET_OBSERVE, DOGB_DTYPE_F32);
    rc = rc < 0 ? rc : dogb_quantize_tell(j, "ranges", 0, 2 * (int64_t)j->images);
    if (rc == DOGBREED_OK) {
        j->look = dogb_range_widen;
        rc = pass(j, net, 0);
    }
    if (rc == DOGBREED_OK) {
        j->look = dogb_range_count;
        rc = pass(j, net, j->images);
    }
    if (net != NULL) {
        j->engine->net_destroy(net);
    }
    see_input(j);
    return rc;
}

// --- weights

// A quantised copy of the folded graph: steps of activations and layers with scales.
static int rewrite(dogb_graph **out, const job *j) {
    static const dogbreed_quantize_options all = {.range = DOGBREED_RANGE_MINMAX};
    for (int32_t i = 0; i < j->graph->node_count; i++) {
        dogb_node *node = &j->graph->nodes[i];
        int layer = node->op == DOGB_OP_CONV2D || node->op == DOGB_OP_LINEAR;
        node->int8 = layer;
        if (node->rank == 3) {
            dogb_range_choose(&node->step, &node->zero, &j->ranges[i], i == 0 ? &all : &j->options);
        }
    }
    return dogb_graph_copy(out, j->graph); // with the parameters of the new scales
}

static const float *folded_weight(const job *j, const char *name) {
    int32_t param = dogb_graph_find_param(j->graph, name);
    return param < 0 ? NULL : j->weights[param];
}

// Fills the parameters of the new model: weights as multiples of scales, and those scales.
static void round_weights(job *j, dogbreed_model *made) {
    const dogb_graph *graph = dogb_model_graph(made);
    for (int32_t i = 0; i < graph->node_count; i++) {
        const dogb_node *node = &graph->nodes[i];
        float *scales = NULL;
        float *weights = NULL;
        int64_t count = 0;
        for (int32_t k = node->first_param; k < node->first_param + node->param_count; k++) {
            const dogb_param *param = &graph->params[k];
            float *to = dogb_model_weight(made, k);
            if (param->role == DOGB_ROLE_WEIGHT_SCALE) {
                scales = to;
                continue;
            }
            const size_t bytes = param->role == DOGB_ROLE_COUNTER ? sizeof(int64_t) : sizeof *to;
            memcpy(to, folded_weight(j, param->name), (size_t)param->count * bytes);
            if (param->role == DOGB_ROLE_WEIGHT) {
                weights = to;
                count = param->count;
            }
        }
        for (int32_t c = 0; scales != NULL && c < node->channels_out; c++) {
            int64_t each = count / node->channels_out;
            scales[c] = dogb_quantize_channel(weights + c * each, each);
        }
    }
}

// --- what is reported

static int add_side(json_t *object, const char *key, const dogb_tally *tally) {
    json_t *side = json_object();
    dogbreed_evaluation found;
    dogb_tally_finish(&found, tally);
    if (dogb_json_set(object, key, side) < 0 || dogb_json_set_real(side, "top1", found.top1) < 0 ||
        dogb_json_set_real(side, "loss", found.loss) < 0) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    return dogb_json_set_int(side, "correct", found.correct);
}

static int report(json_t **out, job *j, const dogb_measured *m) {
    json_t *object = dogb_json_document(&j->arena, "quantization", 1);
    json_t *options = json_object();
    int rc = object == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_json_set(object, "options", options);
    if (object == NULL) {
        json_decref(options);
        return rc;
    }
    rc = rc < 0 ? rc : dogb_table_to_json(options, &dogb_quantize_table, &j->options);
    rc = rc < 0 ? rc : dogb_json_set_text(object, "split", dogb_dataset_split_name(j->dataset));
    rc = rc < 0 ? rc : dogb_json_set_int(object, "images", j->images);
    if (rc == DOGBREED_OK && j->options.measure) {
        double logits = (double)m->after.count * dogbreed_model_class_count(j->model);
        rc = dogb_json_set_int(object, "measured", m->after.count);
        rc = rc < 0 ? rc : add_side(object, "before", &m->before);
        rc = rc < 0 ? rc : add_side(object, "after", &m->after);
        rc = rc < 0 ? rc
                    : dogb_json_set_real(object, "logit_difference",
                                         logits > 0 ? m->difference / logits : 0);
    }
    *out = object;
    return rc;
}

static int listen(job *j, dogbreed_event_fn fn, void *userdata) {
    int rc = dogb_bus_create(&j->bus, &j->arena);
    j->begin = dogb_clock();
    return rc < 0 || fn == NULL
               ? rc
               : dogb_bus_subscribe(j->bus, NULL, DOGBREED_EVENT_MASK(DOGBREED_EVENT_PROGRESS), fn,
                                    userdata);
}

static int run(dogbreed_model **out, json_t **about, job *j) {
    dogb_graph *graph = NULL;
    dogb_measured m = {0};
    int rc = calibrate(j);
    rc = rc < 0 ? rc : rewrite(&graph, j);
    rc = rc < 0 ? rc : dogb_model_rebuild(out, j->model, graph);
    if (rc == DOGBREED_OK) {
        round_weights(j, *out);
        rc = j->options.measure ? dogb_quantize_measure(j, &m, *out) : rc;
    }
    rc = rc < 0 ? rc : report(about, j, &m);
    return rc < 0 ? rc : dogb_model_set_info(*out, "quantization", *about);
}

int dogbreed_quantize(dogbreed_model **out, char **json, const dogbreed_model *model,
                      const dogbreed_dataset *dataset, const dogbreed_quantize_options *options,
                      dogbreed_event_fn fn, void *userdata) {
    json_t *about = NULL;
    dogbreed_model *made = NULL;
    if (json != NULL) {
        *json = NULL;
    }
    DOGB_CHECK(out != NULL, "quantize: out is NULL");
    *out = NULL;
    DOGB_CHECK(model != NULL && dataset != NULL, "quantize: model or dataset is NULL");
    job j = {.model = model, .dataset = dataset};
    int rc = prepare(&j, options);
    rc = rc < 0 ? rc : listen(&j, fn, userdata);
    rc = rc < 0 ? rc : run(&made, &about, &j);
    if (rc == DOGBREED_OK && json != NULL) {
        rc = dogb_json_text_out(json, about, 1);
    }
    if (rc == DOGBREED_OK) {
        *out = made;
        made = NULL;
    }
    dogbreed_model_destroy(made);
    dogb_arena_free(&j.arena);
    return rc;
}
