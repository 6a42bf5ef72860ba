// session.c - opens what one run needs from the engine: device, features of a frozen backbone, net,
// optimiser, sources of batches; and lets go of it afterwards.
#include "core/error.h"
#include "core/span.h"
#include "core/thread.h"
#include "trainer/state.h"

int dogb_session_engine(dogbreed_trainer *trainer) {
    const dogbreed_trainer_options *options = &trainer->options;
    dogb_head_nodes nodes;
    if (trainer->engine != NULL) {
        return DOGBREED_OK;
    }
    int head = trainer->cached && dogb_graph_head(&nodes, trainer->graph);
    uint32_t wanted = DOGB_CAN_INFER | (head ? DOGB_CAN_TRAIN_HEAD : DOGB_CAN_TRAIN);
    wanted |= options->dtype == DOGBREED_DTYPE_BF16 ? DOGB_CAN_TRAIN_BF16 : 0;
    const dogb_engine *engine = NULL;
    int rc = dogb_engine_open(&engine, options->engine, wanted, options->device);
    if (rc == DOGBREED_OK) {
        rc = dogb_engine_device(&trainer->device, &trainer->arena, engine, options->device);
    }
    if (rc == DOGBREED_OK) {
        trainer->engine = engine;
    }
    return rc;
}

typedef struct computing { // what the progress callback of the feature store needs
    dogbreed_trainer *trainer;
    const char *what;
    int rc; // of the first event that ended it
} computing;

static int progress(int64_t done, int64_t total, void *userdata) {
    computing *state = userdata;
    dogbreed_event event;
    dogb_loop_event(&event, state->trainer, DOGBREED_EVENT_PROGRESS);
    event.done = done;
    event.total = total;
    event.text = state->what;
    state->rc = dogb_bus_send(state->trainer->bus, &event, NULL);
    if (state->rc == DOGBREED_OK && state->trainer->stop) {
        state->rc = DOGBREED_ERROR_CANCELLED;
    }
    return state->rc;
}

static int open_feature(dogb_feature **out, dogbreed_trainer *trainer,
                        const dogbreed_dataset *dataset, int32_t views, const char *what) {
    const dogbreed_trainer_options *options = &trainer->options;
    computing state = {.trainer = trainer, .what = what};
    dogb_feature_conf conf = {
        .model = trainer->model,
        .dataset = dataset,
        .engine = trainer->engine,
        .device = trainer->device,
        .cache_dir = options->cache_dir,
        .bytes_max = options->feature_cache_bytes,
        .seed = options->seed,
        .views = views,
        .batch_size = 32,
        .threads = trainer->threads,
        .loader_threads = trainer->loader_threads,
        .dtype = options->dtype,
        .keep = 1,
        .progress = progress,
        .userdata = &state,
    };
    uint64_t span = dogb_span_begin(DOGB_SPAN_FEATURES);
    int rc = dogb_feature_open(out, &conf);
    dogb_span_end(DOGB_SPAN_FEATURES, span, dogbreed_dataset_size(dataset));
    if (rc == DOGBREED_OK) {
        trainer->features_computed += dogb_feature_computed(*out);
    } else if (state.rc != DOGBREED_OK) {
        rc = state.rc; // STOP, CANCELLED or CALLBACK: the event's reason, not the store's
    }
    return rc;
}

// Budget of decoded pictures of one of the two splits, by its share of the samples.
static int64_t cache_share(const dogbreed_trainer *trainer, const dogbreed_dataset *dataset) {
    double train = (double)dogbreed_dataset_size(trainer->train);
    double valid = trainer->valid == NULL ? 0.0 : (double)dogbreed_dataset_size(trainer->valid);
    double share = (double)dogbreed_dataset_size(dataset) / (train + valid);
    return (int64_t)((double)trainer->options.decoded_cache_bytes * share);
}

static int open_source(dogb_source **out, dogbreed_trainer *trainer, int training) {
    const dogbreed_trainer_options *options = &trainer->options;
    const dogbreed_dataset *dataset = training ? trainer->train : trainer->valid;
    dogb_source_conf conf = {
        .dataset = dataset,
        .fold = &trainer->fold,
        .part = trainer->fold.numbers == NULL ? DOGB_FOLD_ALL
                : training                    ? DOGB_FOLD_OTHERS
                                              : DOGB_FOLD_OWN,
        .preprocess = dogb_model_preprocess(trainer->model),
        .seed = options->seed,
        .cache_bytes = cache_share(trainer, dataset),
        .views = training ? options->augment_views : 0,
        .batch_size = training || !trainer->cached ? options->batch_size : DOGB_FEATURE_BATCH,
        .loader_threads = trainer->loader_threads,
        .shuffle = training,
        .augment = training ? options->augment : 0,
    };
    if (trainer->leader != NULL) {
        const dogb_session *other = trainer->leader->session;
        conf.feature =
            dogb_feature_retain(dogb_source_feature(training ? other->train : other->valid));
    } else if (trainer->cached) {
        const char *what =
            training ? "features of the training split" : "features of the validation split";
        int rc = open_feature(&conf.feature, trainer, dataset, conf.views, what);
        if (rc != DOGBREED_OK) {
            return rc;
        }
    }
    return dogb_source_create(out, &trainer->session->arena, &conf);
}

static void destroy_net(void *pointer) {
    const dogbreed_trainer *trainer = pointer;
    if (trainer->session->optim != NULL) {
        trainer->engine->optim_destroy(trainer->session->optim);
    }
    if (trainer->session->net != NULL) {
        trainer->engine->net_destroy(trainer->session->net);
    }
}

// Products of a head's step that one core does in about a millisecond: waking threads for them
// costs more than it saves, most of all on a machine that others use too.
static const double SMALL_STEP = 64e6;

int32_t dogb_session_threads(const dogbreed_trainer *trainer) {
    double weights = (double)dogb_graph_parameter_total(trainer->graph);
    int small = weights * (double)trainer->options.batch_size < SMALL_STEP;
    return trainer->cached && trainer->options.threads == 0 && small ? 1 : trainer->threads;
}

void dogb_session_optim(dogb_optim_conf *out, const dogbreed_trainer *trainer) {
    const dogbreed_trainer_options *options = &trainer->options;
    *out = (dogb_optim_conf){
        .kind = options->optimizer,
        .nesterov = options->nesterov,
        .momentum = options->momentum,
        .weight_decay = options->weight_decay,
        .beta1 = options->beta1,
        .beta2 = options->beta2,
        .epsilon = options->epsilon,
    };
}

static int open_net(dogbreed_trainer *trainer) {
    const dogbreed_trainer_options *options = &trainer->options;
    const dogb_engine *engine = trainer->engine;
    dogb_session *session = trainer->session;
    dogb_optim_conf optim;
    dogb_net_conf conf = {
        .device = trainer->device,
        .mode = DOGB_NET_TRAIN,
        .dtype = options->dtype,
        .threads = dogb_session_threads(trainer),
        .deterministic = options->deterministic,
        .batch_norm = dogb_model_batch_norm(trainer->model),
        .batch_max = options->batch_size,
    };
    dogb_session_optim(&optim, trainer);
    int rc = dogb_engine_net(&session->net, engine, trainer->graph, trainer->weights, &conf);
    if (rc < 0) {
        return rc;
    }
    // The engine's default is that every weight is trained: switch off the frozen ones. What was
    // frozen when the trainer was created counts; slots are in the order of the parameters.
    for (int32_t i = 0, k = 0; i < trainer->graph->param_count && rc == DOGBREED_OK; i++) {
        const dogb_param *param = &trainer->graph->params[i];
        int changes = k < trainer->slot_count && trainer->slots[k].net_param == i;
        k += changes;
        if (!dogb_graph_is_buffer(param)) {
            rc = engine->param_trainable(session->net, i, changes);
            rc = dogb_engine_result(engine, rc, param->name);
        }
    }
    if (rc == DOGBREED_OK) {
        rc = engine->optim_create(&session->optim, session->net, &optim);
        rc = dogb_engine_result(engine, rc, "optimiser");
    }
    return rc < 0 ? rc : dogb_slots_write(trainer);
}

static int open_all(dogbreed_trainer *trainer) {
    dogb_session *session = trainer->session;
    size_t classes = (size_t)dogbreed_model_class_count(trainer->model);
    int rc = dogb_defer(&session->arena, destroy_net, trainer);
    if (rc < 0 || (rc = open_source(&session->train, trainer, 1)) != DOGBREED_OK) {
        return rc;
    }
    if (trainer->valid != NULL) {
        if ((rc = open_source(&session->valid, trainer, 0)) != DOGBREED_OK) {
            return rc;
        }
        size_t rows = trainer->cached ? DOGB_FEATURE_BATCH : (size_t)trainer->options.batch_size;
        size_t samples = (size_t)dogb_source_samples(session->valid);
        session->logits = dogb_alloc_raw(&session->arena, rows * classes, sizeof(float));
        session->val_labels = dogb_alloc_raw(&session->arena, samples, sizeof(int32_t));
        session->val_predictions = dogb_alloc_raw(&session->arena, samples, sizeof(int32_t));
        if (session->logits == NULL || session->val_labels == NULL ||
            session->val_predictions == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    dogb_schedule_init(&session->schedule, &trainer->options, dogb_source_steps(session->train));
    if (trainer->banked) { // the net is a head of the bank
        session->fresh = 1;
        session->synced = 1;
        return DOGBREED_OK;
    }
    return open_net(trainer);
}

int dogb_session_open(dogbreed_trainer *trainer) {
    trainer->session = dogb_malloc(1, sizeof *trainer->session);
    if (trainer->session == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    trainer->features_computed = 0;
    int rc = open_all(trainer);
    if (rc != DOGBREED_OK) {
        dogb_session_close(trainer);
    }
    return rc;
}

void dogb_session_close(dogbreed_trainer *trainer) {
    if (trainer->session != NULL) {
        dogb_arena_free(&trainer->session->arena);
        dogb_free(trainer->session);
        trainer->session = NULL;
    }
}
