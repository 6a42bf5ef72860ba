// checkpoint.c - writes where training stands as a directory: aside, synced, then rotated (last ->
// previous, next -> last), so that at every moment at least one intact checkpoint is there.
#include "trainer/checkpoint.h"
#include "core/error.h"
#include "core/file.h"
#include "weights/weights.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int dogb_checkpoint_fingerprints(dogbreed_trainer *trainer) {
    if (trainer->fingerprint_known) {
        return DOGBREED_OK;
    }
    int rc = dogb_dataset_fingerprint(&trainer->fingerprint_train, trainer->train,
                                      trainer->loader_threads);
    if (rc == DOGBREED_OK && trainer->valid != NULL) {
        rc = dogb_dataset_fingerprint(&trainer->fingerprint_valid, trainer->valid,
                                      trainer->loader_threads);
    }
    trainer->fingerprint_known = rc == DOGBREED_OK;
    return rc;
}

int dogb_checkpoint_digest(char out[65], const json_t *document) {
    dogb_arena scratch = {0};
    dogb_sha256 hash;
    json_t *copy = json_copy((json_t *)(uintptr_t)document); // shallow; only counts references
    int rc = DOGBREED_ERROR_NO_MEMORY;
    if (copy == NULL) {
        return dogb_fail(rc, "out of memory for JSON");
    }
    (void)json_object_del(copy, "digest");
    const char *text = dogb_json_text_in(&scratch, copy, 0);
    if (text != NULL && (rc = dogb_sha256_of(&hash, text, strlen(text))) == DOGBREED_OK) {
        dogb_sha256_text(&hash, out);
    }
    json_decref(copy);
    dogb_arena_free(&scratch);
    return rc;
}

char *dogb_checkpoint_slot_name(dogb_arena *arena, const dogbreed_trainer *trainer,
                                const dogb_slot *slot, int32_t k) {
    static const char *const names[][2] = {
        [DOGBREED_OPTIMIZER_SGD] = {"momentum_buffer", ""},
        [DOGBREED_OPTIMIZER_ADAM] = {"exp_avg", "exp_avg_sq"},
        [DOGBREED_OPTIMIZER_ADAMW] = {"exp_avg", "exp_avg_sq"},
    };
    return dogb_format(arena, "%s.%s", trainer->graph->params[slot->net_param].name,
                       names[trainer->options.optimizer][k]);
}

static void describe(dogb_weight *tensor, const dogbreed_trainer *trainer, const dogb_slot *slot,
                     const char *name, const void *data) {
    const dogb_param *param = &trainer->graph->params[slot->net_param];
    *tensor = (dogb_weight){
        .name = name,
        .data = data,
        .bytes = slot->bytes,
        .dtype = param->role == DOGB_ROLE_COUNTER ? DOGB_I64 : DOGB_F32,
        .rank = param->rank,
    };
    memcpy(tensor->shape, param->shape, (size_t)param->rank * sizeof param->shape[0]);
}

static int write_optimizer(dogbreed_trainer *trainer, const char *path) {
    dogb_arena scratch = {0};
    size_t count = 0;
    dogb_weight *tensors =
        dogb_alloc(&scratch, (size_t)trainer->slot_count * 2 + 1, sizeof *tensors);
    int rc = tensors == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (int32_t i = 0; i < trainer->slot_count && rc == DOGBREED_OK; i++) {
        const dogb_slot *slot = &trainer->slots[i];
        for (int32_t k = 0; k < slot->optim_count && rc == DOGBREED_OK; k++) {
            const char *name = dogb_checkpoint_slot_name(&scratch, trainer, slot, k);
            if (name == NULL) {
                rc = DOGBREED_ERROR_NO_MEMORY;
            } else {
                describe(&tensors[count++], trainer, slot, name, slot->optim[k]);
            }
        }
    }
    if (rc == DOGBREED_OK) {
        rc = dogb_safetensors_write(path, tensors, count, NULL);
    }
    dogb_arena_free(&scratch);
    return rc;
}

// Weights of the best epoch: what changed only, the rest is in model.safetensors.
static int write_best(dogbreed_trainer *trainer, const char *path) {
    dogb_arena scratch = {0};
    dogb_weight *tensors = dogb_alloc(&scratch, (size_t)trainer->slot_count, sizeof *tensors);
    int rc = tensors == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (int32_t i = 0; i < trainer->slot_count && rc == DOGBREED_OK; i++) {
        const dogb_slot *slot = &trainer->slots[i];
        describe(&tensors[i], trainer, slot, trainer->graph->params[slot->net_param].name,
                 slot->best);
    }
    if (rc == DOGBREED_OK) {
        rc = dogb_safetensors_write(path, tensors, (size_t)trainer->slot_count, NULL);
    }
    dogb_arena_free(&scratch);
    return rc;
}

// Every stream is a function of the seed and these counters; nothing else is random.
static int write_rng(const dogbreed_trainer *trainer, const char *path) {
    dogb_arena scratch = {0};
    const dogb_progress *progress = &trainer->progress;
    char seed[32];
    json_t *root = dogb_json_document(&scratch, "rng", 1);
    int rc = DOGBREED_ERROR_NO_MEMORY;
    (void)snprintf(seed, sizeof seed, "%llu", (unsigned long long)trainer->options.seed);
    if (root != NULL && (rc = dogb_json_set_text(root, "generator", "philox4x32-10")) == 0 &&
        (rc = dogb_json_set_text(root, "seed", seed)) == 0 &&
        (rc = dogb_json_set_int(root, "epoch", progress->epoch)) == 0 &&
        (rc = dogb_json_set_int(root, "position", progress->position)) == 0) {
        rc = dogb_json_write(path, root);
    }
    dogb_arena_free(&scratch);
    return rc;
}

// {"name", "bytes", "sha256"} of a part that has just been written.
static int add_part(json_t *parts, dogb_arena *arena, const char *directory, const char *name) {
    dogb_sha256 hash;
    dogb_map map;
    char text[65];
    dogb_arena scratch = {0};
    json_t *part = json_object();
    const char *path = dogb_path_join(arena, directory, name);
    int rc = dogb_json_add(parts, part);
    if (path == NULL) {
        rc = DOGBREED_ERROR_NO_MEMORY;
    }
    if (rc == DOGBREED_OK && (rc = dogb_map_open(&map, &scratch, path, SIZE_MAX / 2)) == 0 &&
        (rc = dogb_sha256_of(&hash, map.data, map.size)) == DOGBREED_OK) {
        dogb_sha256_text(&hash, text);
        if ((rc = dogb_json_set_text(part, "name", name)) == DOGBREED_OK &&
            (rc = dogb_json_set_int(part, "bytes", (int64_t)map.size)) == DOGBREED_OK) {
            rc = dogb_json_set_text(part, "sha256", text);
        }
    }
    dogb_arena_free(&scratch);
    return rc;
}

static int set_hash(json_t *object, const char *key, const dogb_sha256 *hash) {
    char text[65];
    dogb_sha256_text(hash, text);
    return dogb_json_set_text(object, key, text);
}

// Sums of the running epoch.
static int add_tally(json_t *root, const dogb_tally *tally) {
    json_t *object = json_object();
    int rc = dogb_json_set(root, "tally", object);
    if (rc == DOGBREED_OK && (rc = dogb_json_set_int(object, "count", tally->count)) == 0 &&
        (rc = dogb_json_set_int(object, "correct", tally->correct)) == 0 &&
        (rc = dogb_json_set_int(object, "correct5", tally->correct5)) == 0) {
        rc = dogb_json_set_real(object, "loss_sum", tally->loss_sum);
    }
    return rc;
}

static int add_epochs(json_t *root, const dogb_progress *progress) {
    json_t *list = json_array();
    int rc = dogb_json_set(root, "epochs", list);
    for (int32_t i = 0; i < progress->epoch && rc == DOGBREED_OK; i++) {
        json_t *object = json_object();
        if ((rc = dogb_json_add(list, object)) == DOGBREED_OK) {
            rc = dogb_metrics_epoch_json(object, &progress->epochs[i], i);
        }
    }
    return rc;
}

static int add_progress(json_t *root, const dogbreed_trainer *trainer) {
    const dogb_progress *progress = &trainer->progress;
    int rc = DOGBREED_OK;
    if ((rc = dogb_json_set_int(root, "epoch", progress->epoch)) < 0 ||
        (rc = dogb_json_set_int(root, "position", progress->position)) < 0 ||
        (rc = dogb_json_set_int(root, "cursor", progress->cursor)) < 0 ||
        (rc = dogb_json_set_bool(root, "finished", progress->finished)) < 0 ||
        (rc = dogb_json_set_int(root, "best_epoch", progress->best + 1)) < 0 ||
        (rc = dogb_json_set_real(root, "best_value", progress->best_value)) < 0 ||
        (rc = dogb_json_set_int(root, "waited", progress->waited)) < 0 ||
        (rc = dogb_json_set_real(root, "waiting_value", progress->waiting_value)) < 0 ||
        (rc = dogb_json_set_real(root, "learning_rate", progress->rate)) < 0 ||
        (rc = dogb_json_set_int(root, "optimizer_steps", trainer->optim_steps)) < 0 ||
        (rc = add_tally(root, &progress->tally)) < 0) {
        return rc;
    }
    return add_epochs(root, progress);
}

static int add_origin(json_t *root, dogbreed_trainer *trainer) {
    json_t *options = json_object();
    int rc = dogb_json_set(root, "options", options);
    if (rc < 0 || (rc = dogb_table_to_json(options, &dogb_trainer_table, &trainer->options)) < 0 ||
        (rc = dogb_json_set_text(root, "architecture",
                                 dogb_model_graph(trainer->model)->architecture)) < 0 ||
        (rc = set_hash(root, "data_train", &trainer->fingerprint_train)) < 0) {
        return rc;
    }
    if (trainer->valid != NULL) {
        rc = set_hash(root, "data_valid", &trainer->fingerprint_valid);
    }
    if (rc == DOGBREED_OK && trainer->engine != NULL) {
        rc = dogb_json_set_text(root, "engine", trainer->engine->name);
    }
    return rc < 0 ? rc : dogb_json_set_int(root, "threads", trainer->threads);
}

static int write_document(dogbreed_trainer *trainer, dogb_arena *arena, const char *directory,
                          const char *kind, const char *const *parts) {
    char digest[65];
    json_t *root = dogb_json_document(arena, "checkpoint", DOGB_CHECKPOINT_VERSION);
    json_t *list = json_array();
    const char *path = dogb_path_join(arena, directory, DOGB_CHECKPOINT_FILE);
    int rc = root == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_json_set(root, "parts", list);
    if (root == NULL) {
        json_decref(list);
    }
    for (size_t i = 0; parts[i] != NULL && rc == DOGBREED_OK; i++) {
        rc = add_part(list, arena, directory, parts[i]);
    }
    if (rc < 0 || (rc = dogb_json_set_text(root, "kind", kind)) < 0 ||
        (rc = add_progress(root, trainer)) < 0 || (rc = add_origin(root, trainer)) < 0 ||
        (rc = dogb_checkpoint_digest(digest, root)) < 0 ||
        (rc = dogb_json_set_text(root, "digest", digest)) < 0) {
        return rc;
    }
    return path == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_json_write(path, root);
}

// The model file with the weights of `which`; the model itself stays as it is.
static int write_model(dogbreed_trainer *trainer, const char *path, int which) {
    dogb_slots_swap(trainer, which);
    int rc = dogb_model_write(trainer->model, path);
    dogb_slots_swap(trainer, which);
    return rc;
}

// 1 when the best weights are the last ones.
static int best_is_last(const dogb_progress *progress) {
    return progress->best < 0 || (progress->position == 0 && progress->best == progress->epoch - 1);
}

static int write_parts(dogbreed_trainer *trainer, dogb_arena *arena, const char *next) {
    const char *model = dogb_path_join(arena, next, DOGB_CHECKPOINT_MODEL);
    const char *optimizer = dogb_path_join(arena, next, DOGB_CHECKPOINT_OPTIMIZER);
    const char *best = dogb_path_join(arena, next, DOGB_CHECKPOINT_BEST);
    const char *rng = dogb_path_join(arena, next, DOGB_CHECKPOINT_RNG);
    int apart = !best_is_last(&trainer->progress);
    const char *parts[] = {DOGB_CHECKPOINT_MODEL, DOGB_CHECKPOINT_OPTIMIZER, DOGB_CHECKPOINT_RNG,
                           apart ? DOGB_CHECKPOINT_BEST : NULL, NULL};
    int rc = DOGBREED_ERROR_NO_MEMORY;
    if (model == NULL || optimizer == NULL || best == NULL || rng == NULL ||
        (rc = dogb_directory_make(next)) < 0 ||
        (rc = write_model(trainer, model, DOGB_SLOTS_LAST)) < 0 ||
        (rc = write_optimizer(trainer, optimizer)) < 0 || (rc = write_rng(trainer, rng)) < 0 ||
        (apart && (rc = write_best(trainer, best)) < 0)) {
        return rc;
    }
    return write_document(trainer, arena, next, "state", parts);
}

static int move(const char *from, const char *to) {
    if (rename(from, to) != 0 && errno != ENOENT) {
        return dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be renamed to %s", from, to);
    }
    return DOGBREED_OK;
}

static int remove_if_there(const char *directory) {
    return dogb_directory_exists(directory) ? dogb_directory_remove(directory) : DOGBREED_OK;
}

// What a kill between the two renames left: `next` is whole and `last` is missing.
static int tidy(dogb_arena *arena, const char *last, const char *next) {
    json_t *document = NULL;
    if (!dogb_directory_exists(next)) {
        return DOGBREED_OK;
    }
    if (!dogb_directory_exists(last) && dogb_checkpoint_open(&document, arena, next) == 0) {
        return move(next, last);
    }
    return dogb_directory_remove(next);
}

// best/: model file and document of the best epoch, for people and tools; a resume does not need
// it.
static int keep_best(dogbreed_trainer *trainer, dogb_arena *arena, const char *directory) {
    const char *best = dogb_path_join(arena, directory, "best");
    const char *aside = dogb_path_join(arena, directory, "best.next");
    const char *parts[] = {DOGB_CHECKPOINT_MODEL, NULL};
    json_t *old = NULL;
    if (best == NULL || aside == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    dogb_error_state error;
    dogb_error_save(&error, 0);
    if (dogb_checkpoint_open(&old, arena, best) == DOGBREED_OK &&
        json_integer_value(json_object_get(old, "best_epoch")) == trainer->progress.best + 1 &&
        dogb_checkpoint_real(old, "best_value") == trainer->progress.best_value) {
        return DOGBREED_OK;
    }
    (void)dogb_error_restore(&error);
    const char *model = dogb_path_join(arena, aside, DOGB_CHECKPOINT_MODEL);
    const char *last = dogb_format(arena, "%s/last/%s", directory, DOGB_CHECKPOINT_MODEL);
    int rc = model == NULL || last == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc < 0 || (rc = remove_if_there(aside)) < 0 || (rc = dogb_directory_make(aside)) < 0) {
        return rc;
    }
    // Files of a checkpoint are never changed, so the same weights may share one.
    int shared = best_is_last(&trainer->progress) && link(last, model) == 0;
    if ((!shared && (rc = write_model(trainer, model, DOGB_SLOTS_BEST)) < 0) ||
        (rc = write_document(trainer, arena, aside, "best", parts)) < 0 ||
        (rc = remove_if_there(best)) < 0) {
        return rc;
    }
    return move(aside, best);
}

int dogb_checkpoint_write(dogbreed_trainer *trainer, const char *directory) {
    dogb_arena scratch = {0};
    const char *last = dogb_path_join(&scratch, directory, "last");
    const char *previous = dogb_path_join(&scratch, directory, "previous");
    const char *next = dogb_path_join(&scratch, directory, "next");
    const char *old = dogb_path_join(&scratch, directory, "old"); // a previous one on its way out
    int rc = DOGBREED_ERROR_NO_MEMORY;
    if (last == NULL || previous == NULL || next == NULL || old == NULL ||
        (rc = dogb_directory_make(directory)) < 0 ||
        (rc = dogb_checkpoint_fingerprints(trainer)) < 0 || (rc = tidy(&scratch, last, next)) < 0 ||
        (rc = remove_if_there(old)) < 0 || (rc = write_parts(trainer, &scratch, next)) < 0 ||
        (rc = move(previous, old)) < 0 || (rc = move(last, previous)) < 0 ||
        (rc = move(next, last)) < 0 || (rc = dogb_directory_sync(directory)) < 0 ||
        (rc = remove_if_there(old)) < 0) {
        goto out;
    }
    if (trainer->progress.best >= 0) {
        rc = keep_best(trainer, &scratch, directory);
    }
out:
    dogb_arena_free(&scratch);
    return rc;
}
