// advise.c - which settings are best on this machine, measured in a few seconds before a run: some
// pictures are loaded with each number of threads, and batches of each size go through the network.
#include "core/clock.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/thread.h"
#include "dataset/loader.h"
#include "engine/engine.h"
#include "model/model_internal.h"
#include "profile/doc.h"
#include "profile/nvml.h"
#include "profile/profile_internal.h"
#include "trainer/trainer_internal.h"

#include <stdio.h>
#include <string.h>

enum { PICTURES_MIN = 16, PICTURES_MAX = 256, ROUNDS = 3, BATCH_LOADED = 16, BATCHES_MAX = 8 };
static const double ROUND_SECONDS = 0.25; // about, of loading with one thread
static const double BATCH_SECONDS = 0.5;  // larger batches are not tried when one takes longer
static const double NEAR_BEST = 0.95;     // what counts as well as the best

typedef struct adviser {
    dogb_arena arena;
    dogb_doc doc;
    const dogbreed_trainer *trainer;
    const dogbreed_trainer_options *options;
    json_t *advice;
    json_t *measured;
    int64_t *order; // of the pictures that are loaded
    int64_t pictures;
} adviser;

static void advise(adviser *a, const char *option, const char *value, int safe,
                   const char *reason) {
    dogb_profile_advise_add(&a->doc, a->advice, option, value, safe, reason);
}

// --- loading

static int load(adviser *a, int32_t threads, int64_t count, double *seconds) {
    dogb_loader *loader = NULL;
    dogb_loader_batch batch;
    dogb_loader_conf conf = {
        .dataset = dogb_trainer_train_set(a->trainer),
        .preprocess = dogb_model_preprocess(dogb_trainer_model(a->trainer)),
        .order = a->order,
        .count = count,
        .seed = a->options->seed,
        .batch_size = BATCH_LOADED,
        .threads = threads,
        .augment = a->options->augment,
        .population = dogbreed_dataset_size(dogb_trainer_train_set(a->trainer)),
    };
    double begin = dogb_clock();
    int rc = dogb_loader_create(&loader, &conf);
    while (rc == DOGBREED_OK && (rc = dogb_loader_next(loader, &batch)) > 0) {
        rc = DOGBREED_OK;
    }
    dogb_loader_destroy(loader);
    *seconds = dogb_clock() - begin;
    return rc;
}

// Evenly spread over the split; as many as one thread loads in a short time. Loading them once
// also brings the files into memory, for all numbers of threads alike.
static int choose_pictures(adviser *a) {
    int64_t size = dogbreed_dataset_size(dogb_trainer_train_set(a->trainer));
    int64_t most = size < PICTURES_MAX ? size : PICTURES_MAX;
    double seconds = 0.0;
    a->order = dogb_alloc(&a->arena, (size_t)most + 1, sizeof *a->order);
    if (a->order == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int64_t i = 0; i < most; i++) {
        a->order[i] = i * size / most;
    }
    int64_t few = most < PICTURES_MIN ? most : PICTURES_MIN;
    int rc = load(a, 1, few, &seconds);
    if (rc < 0) {
        return rc;
    }
    double wanted = seconds > 0.0 ? ROUND_SECONDS * (double)few / seconds : (double)most;
    a->pictures = wanted >= (double)most ? most : (int64_t)wanted;
    a->pictures = a->pictures < few ? few : a->pictures;
    return load(a, dogb_core_count(), a->pictures, &seconds);
}

// 1, 2, 4, ... and all cores; 0 behind the last one.
static int32_t next_count(int32_t count, int32_t all) {
    return count == 0 ? 1 : count >= all ? 0 : 2 * count > all ? all : 2 * count;
}

static int measure_loader(adviser *a) {
    json_t *list = dogb_doc_array(&a->doc, a->measured, "loader");
    int32_t all = dogb_core_count();
    double speeds[16] = {0};
    int32_t counts[16] = {0};
    int tried = 0;
    int rc = choose_pictures(a);
    for (int32_t n = next_count(0, all); rc == DOGBREED_OK && n > 0 && tried < 16;
         n = next_count(n, all)) {
        double best = 0.0;
        for (int round = 0; rc == DOGBREED_OK && round < ROUNDS; round++) {
            double seconds = 0.0;
            rc = load(a, n, a->pictures, &seconds);
            double speed = seconds > 0.0 ? (double)a->pictures / seconds : 0.0;
            best = speed > best ? speed : best;
        }
        json_t *entry = dogb_doc_object(&a->doc, list, NULL);
        dogb_doc_int(&a->doc, entry, "threads", n);
        dogb_doc_real(&a->doc, entry, "images_per_second", best);
        counts[tried] = n;
        speeds[tried++] = best;
    }
    if (rc < 0) {
        return rc;
    }
    int best = 0;
    for (int i = 1; i < tried; i++) {
        best = speeds[i] > speeds[best] ? i : best;
    }
    int chosen = 0; // the fewest that are as good
    while (speeds[chosen] < NEAR_BEST * speeds[best]) {
        chosen++;
    }
    char value[24];
    char reason[160];
    int32_t now = dogb_thread_count(a->options->loader_threads);
    (void)snprintf(value, sizeof value, "%d", (int)counts[chosen]);
    (void)snprintf(
        reason, sizeof reason, "%lld pictures: %.0f images/s with %d of %d threads, %.0f with one",
        (long long)a->pictures, speeds[chosen], (int)counts[chosen], (int)all, speeds[0]);
    if (counts[chosen] != now) {
        advise(a, "loader_threads", value, 1, reason);
    }
    return DOGBREED_OK;
}

// --- evaluation

static int time_batch(const dogb_engine *engine, dogb_net *net, const dogb_batch *batch,
                      float *logits, double *seconds) {
    int rc = DOGBREED_OK;
    *seconds = 1e9;
    for (int round = 0; rc == DOGBREED_OK && round < ROUNDS; round++) {
        double begin = dogb_clock();
        rc = dogb_engine_result(engine, engine->infer(net, batch, logits), "evaluation");
        double taken = dogb_clock() - begin;
        *seconds = taken < *seconds ? taken : *seconds;
        if (taken > BATCH_SECONDS) {
            break;
        }
    }
    return rc;
}

typedef struct batch_trial {
    int32_t size;
    int32_t reserved;
    double speed; // images per second
} batch_trial;

static int try_batches(adviser *a, const dogb_engine *engine, dogb_net *net, batch_trial *trials,
                       int *tried) {
    static const int32_t sizes[BATCHES_MAX] = {1, 4, 8, 16, 32, 64, 128, 256};
    const dogbreed_model *model = dogb_trainer_model(a->trainer);
    size_t side = (size_t)dogb_model_preprocess(model)->crop;
    size_t classes = (size_t)dogbreed_model_class_count(model);
    json_t *list = dogb_doc_array(&a->doc, a->measured, "evaluation");
    int rc = DOGBREED_OK;
    for (int i = 0; rc == DOGBREED_OK && i < BATCHES_MAX; i++) {
        dogb_arena scratch = {0};
        double seconds = 0.0;
        dogb_batch batch = {.count = sizes[i], .dtype = DOGB_DATA_U8};
        float *logits = dogb_alloc(&scratch, (size_t)sizes[i] * classes, sizeof *logits);
        batch.data = dogb_alloc(&scratch, (size_t)sizes[i] * side * side, 3);
        rc = batch.data == NULL || logits == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
        rc = rc < 0 ? rc : time_batch(engine, net, &batch, logits, &seconds);
        dogb_arena_free(&scratch);
        if (rc < 0) {
            break;
        }
        trials[(*tried)++] = (batch_trial){sizes[i], 0, sizes[i] / seconds};
        json_t *entry = dogb_doc_object(&a->doc, list, NULL);
        dogb_doc_int(&a->doc, entry, "batch_size", sizes[i]);
        dogb_doc_real(&a->doc, entry, "images_per_second", sizes[i] / seconds);
        if (seconds > BATCH_SECONDS) {
            break;
        }
    }
    return rc;
}

static void choose_batch(adviser *a, const batch_trial *trials, int tried) {
    char value[24];
    char reason[160];
    double best = 0.0;
    double now = 0.0;
    int chosen = 0;
    for (int i = 0; i < tried; i++) {
        best = trials[i].speed > best ? trials[i].speed : best;
        now = trials[i].size <= 32 ? trials[i].speed : now; // what an evaluation has by default
    }
    while (chosen < tried && trials[chosen].speed < NEAR_BEST * best) {
        chosen++;
    }
    if (chosen == tried || now >= NEAR_BEST * best) {
        return;
    }
    (void)snprintf(value, sizeof value, "%d", (int)trials[chosen].size);
    (void)snprintf(reason, sizeof reason, "%.0f images/s, %.0f in batches of 32",
                   trials[chosen].speed, now);
    advise(a, "evaluate.batch_size", value, 1, reason);
}

static int measure_evaluation(adviser *a) {
    const dogb_engine *engine = NULL;
    const dogbreed_model *model = dogb_trainer_model(a->trainer);
    const char *device = NULL;
    dogb_net *net = NULL;
    batch_trial trials[BATCHES_MAX];
    int tried = 0;
    int rc = dogb_engine_open(&engine, a->options->engine, DOGB_CAN_INFER, a->options->device);
    if (rc < 0 || (rc = dogb_engine_device(&device, &a->arena, engine, a->options->device)) < 0) {
        return rc;
    }
    dogb_net_conf conf = {.device = device,
                          .mode = DOGB_NET_INFER,
                          .dtype = a->options->dtype,
                          .threads = dogb_thread_count(a->options->threads),
                          .deterministic = 1,
                          .batch_norm = DOGB_BN_FROZEN,
                          .batch_max = 256};
    rc = dogb_engine_net(&net, engine, dogb_model_graph(model), dogb_model_weights(model), &conf);
    if (rc == DOGBREED_OK) {
        rc = try_batches(a, engine, net, trials, &tried);
        engine->net_destroy(net);
    }
    if (rc == DOGBREED_OK) {
        choose_batch(a, trials, tried);
        dogb_nvml *gpus = NULL;
        rc = dogb_nvml_open(&gpus, &a->arena);
        if (gpus != NULL && strcmp(device, "cpu") == 0) {
            char reason[220];
            (void)snprintf(reason, sizeof reason,
                           "%s is there, and engine %s computes on the CPU; engine torch with CUDA "
                           "would use it",
                           dogb_nvml_name(gpus, 0), engine->name);
            advise(a, "device", "cuda", 0, reason);
        }
    }
    return rc;
}

// --- what needs no measurement

static void look_at_caches(adviser *a) {
    int frozen = dogb_model_frozen(dogb_trainer_model(a->trainer));
    int cached = frozen && a->options->feature_cache == DOGBREED_CACHE_ON;
    char value[32];
    char why[80];
    char reason[240];
    if (frozen && !cached && a->options->epochs > 1) {
        advise(a, "feature_cache", "on", 0,
               "the backbone is frozen: its features can be computed once instead of each epoch");
    }
    if (cached || a->options->epochs < 2) {
        return;
    }
    double need = dogb_profile_decoded_bytes(a->trainer);
    double free = (double)dogb_memory_free();
    dogb_doc_real(&a->doc, a->measured, "decoded_bytes", need);
    dogb_doc_real(&a->doc, a->measured, "memory_free", free);
    if (need > 0.0 && need < 0.5 * free && (double)a->options->decoded_cache_bytes < need) {
        (void)snprintf(value, sizeof value, "%.0f", need);
        (void)snprintf(why, sizeof why, "%d epochs would decode each picture once",
                       (int)a->options->epochs);
        dogb_profile_decoded_reason(reason, why, need, free);
        advise(a, "decoded_cache_bytes", value, 1, reason);
    }
}

int dogbreed_profile_advise(char **json, const dogbreed_trainer *trainer) {
    DOGB_CHECK(json != NULL, "json: is NULL");
    *json = NULL;
    DOGB_CHECK(trainer != NULL, "trainer: is NULL");
    adviser a = {.trainer = trainer, .options = dogb_trainer_options(trainer)};
    double begin = dogb_clock();
    json_t *root = dogb_json_object(&a.arena);
    a.advice = dogb_doc_array(&a.doc, root, "advice");
    a.measured = dogb_doc_object(&a.doc, root, "measured");
    int rc = a.doc.rc < 0 ? a.doc.rc : measure_loader(&a);
    rc = rc < 0 ? rc : measure_evaluation(&a);
    if (rc == DOGBREED_OK) {
        look_at_caches(&a);
        dogb_doc_real(&a.doc, a.measured, "seconds", dogb_clock() - begin);
        rc = a.doc.rc;
    }
    rc = rc < 0 ? rc : dogb_json_text_out(json, root, 0);
    dogb_arena_free(&a.arena);
    return rc;
}
