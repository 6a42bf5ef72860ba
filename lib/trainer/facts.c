// facts.c - what the layers above may know of a trainer (trainer_internal.h): its parts, its state,
// facts for manifests, and the kept weights as a model file.
#include "core/error.h"
#include "core/span.h"
#include "trainer/state.h"

#include <string.h>

static const char *const end_names[] = {
    [DOGB_END_NONE] = "none",        [DOGB_END_COMPLETED] = "completed",
    [DOGB_END_EARLY] = "early_stop", [DOGB_END_TIME] = "time_limit",
    [DOGB_END_STOP] = "stopped",     [DOGB_END_CANCELLED] = "cancelled",
    [DOGB_END_FAILED] = "failed",
};

const char *dogb_trainer_end_name(int32_t end) {
    size_t count = sizeof end_names / sizeof end_names[0];
    return end >= 0 && (size_t)end < count ? end_names[end] : "none";
}

const dogbreed_trainer_options *dogb_trainer_options(const dogbreed_trainer *trainer) {
    return &trainer->options;
}

const dogbreed_model *dogb_trainer_model(const dogbreed_trainer *trainer) {
    return trainer->model;
}

const dogb_graph *dogb_trainer_graph(const dogbreed_trainer *trainer) {
    return trainer->graph;
}

int32_t dogb_trainer_param(const dogbreed_trainer *trainer, int32_t param) {
    return trainer->params[param];
}

const dogb_engine *dogb_trainer_engine(const dogbreed_trainer *trainer, const char **device) {
    *device = trainer->device;
    return trainer->engine;
}

int dogb_trainer_cached(const dogbreed_trainer *trainer) {
    return trainer->cached;
}

int dogb_trainer_tell(dogbreed_trainer *trainer, const dogbreed_event *finding) {
    dogbreed_event event;
    dogb_loop_event(&event, trainer, DOGBREED_EVENT_FINDING);
    event.epoch = finding->epoch;
    event.step = finding->step;
    event.rule = finding->rule;
    event.status = finding->status;
    event.text = finding->text;
    return dogb_bus_send(trainer->bus, &event, NULL);
}

const dogbreed_dataset *dogb_trainer_train_set(const dogbreed_trainer *trainer) {
    return trainer->train;
}

const dogbreed_dataset *dogb_trainer_valid_set(const dogbreed_trainer *trainer) {
    return trainer->valid;
}

int dogb_trainer_defer(dogbreed_trainer *trainer, void (*fn)(void *), void *userdata) {
    return dogb_defer(&trainer->arena, fn, userdata);
}

void dogb_trainer_status_get(dogb_trainer_status *out, const dogbreed_trainer *trainer) {
    const dogb_progress *progress = &trainer->progress;
    int64_t peak = 0;
    *out = (dogb_trainer_status){
        .end = trainer->end,
        .end_code = trainer->end_code,
        .message = trainer->end_text,
        .step = progress->epoch > 0 ? progress->epochs[progress->epoch - 1].step : 0,
        .epoch_count = progress->epoch,
        .resumable = !trainer->broken && !trainer->in_step,
        .epochs = progress->epochs,
        .monitor = dogb_metrics_name(trainer->options.monitor),
        .best_value = progress->best_value,
        .best = progress->best,
        .epochs_total = trainer->options.epochs,
    };
    out->step += progress->position;
    int gpu = trainer->device != NULL && strcmp(trainer->device, "cpu") != 0;
    if (gpu && trainer->engine->memory != NULL &&
        trainer->engine->memory(trainer->device, &out->gpu_memory, &peak) < 0) {
        out->gpu_memory = 0;
    }
}

int dogb_trainer_facts(const dogbreed_trainer *trainer, json_t *object) {
    int rc = DOGBREED_OK;
    if (trainer->engine != NULL) {
        if ((rc = dogb_json_set_text(object, "engine", trainer->engine->name)) < 0 ||
            (rc = dogb_json_set_text(object, "engine_version", trainer->engine->version())) < 0 ||
            (rc = dogb_json_set_text(object, "device", trainer->device)) < 0) {
            return rc;
        }
    }
    if ((rc = dogb_json_set_int(object, "threads", trainer->threads)) < 0 ||
        (rc = dogb_json_set_int(object, "training_threads", dogb_session_threads(trainer))) < 0 ||
        (rc = dogb_json_set_int(object, "loader_threads", trainer->loader_threads)) < 0 ||
        (rc = dogb_json_set_bool(object, "deterministic", trainer->options.deterministic)) < 0 ||
        (rc = dogb_json_set_bool(object, "cached_features", trainer->cached)) < 0 ||
        (rc = dogb_json_set_int(object, "features_computed", trainer->features_computed)) < 0) {
        return rc;
    }
    json_int_t seed = (json_int_t)trainer->options.seed;
    return dogb_json_set_int(object, "seed", seed);
}

// {"valid": {"accuracy", "top5_accuracy", "loss", "count"}} of the epoch whose weights are kept.
static int set_metrics(const dogbreed_trainer *trainer, int32_t index) {
    const dogb_epoch *epoch = &trainer->progress.epochs[index];
    dogb_arena scratch = {0};
    json_t *root = dogb_json_object(&scratch);
    json_t *valid = json_object();
    int rc = root == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_json_set(root, "valid", valid);
    if (root == NULL) {
        json_decref(valid);
    }
    if (rc == DOGBREED_OK &&
        (rc = dogb_json_set_real(valid, "accuracy", epoch->val_accuracy)) == 0 &&
        (rc = dogb_json_set_real(valid, "top5_accuracy", epoch->val_top5)) == 0 &&
        (rc = dogb_json_set_real(valid, "loss", epoch->val_loss)) == 0 &&
        (rc = dogb_json_set_int(valid, "count", epoch->val_count)) == 0) {
        rc = dogb_model_set_info(trainer->model, "metrics", root);
    }
    dogb_arena_free(&scratch);
    return rc;
}

void dogb_trainer_detach(dogbreed_trainer *trainer) {
    trainer->detached = 1;
}

int dogb_trainer_save_kept(const dogbreed_trainer *trainer, const char *path) {
    const dogb_progress *progress = &trainer->progress;
    int best = trainer->options.keep == DOGBREED_KEEP_BEST && progress->best >= 0;
    int32_t index = best ? progress->best : progress->epoch - 1;
    int rc = DOGBREED_OK;
    if (index >= 0 && progress->epochs[index].val_count > 0 &&
        (rc = set_metrics(trainer, index)) < 0) {
        return rc;
    }
    // The model holds the weights of the last epoch, or those that it shares with other trainers;
    // it is lent the kept ones.
    int which = best ? DOGB_SLOTS_BEST : DOGB_SLOTS_LAST;
    uint64_t span = dogb_span_begin(DOGB_SPAN_CHECKPOINT);
    dogb_slots_swap(trainer, which);
    rc = dogb_model_write(trainer->model, path);
    dogb_span_end(DOGB_SPAN_CHECKPOINT, span, 0);
    dogb_slots_swap(trainer, which);
    return rc;
}
