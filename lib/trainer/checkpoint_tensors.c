// checkpoint_tensors.c - the tensors of a checkpoint: all are checked against the network before
// the first one is taken over.
#include "core/error.h"
#include "core/file.h"
#include "trainer/checkpoint.h"
#include "weights/weights.h"

#include <string.h>

// The tensor `name` of a file, when it has the type and shape of `param`.
static int find(const dogb_weight **out, const dogb_weights *file, const char *name,
                const dogb_param *param) {
    const dogb_weight *tensor = dogb_weights_find(file, name);
    int32_t dtype = param->role == DOGB_ROLE_COUNTER ? DOGB_I64 : DOGB_F32;
    int same = tensor != NULL && tensor->dtype == dtype && tensor->rank == param->rank;
    for (int32_t i = 0; same && i < param->rank; i++) {
        same = tensor->shape[i] == param->shape[i];
    }
    *out = tensor;
    if (tensor == NULL) {
        return dogb_fail(DOGBREED_ERROR_MISMATCH, "%s: there is no tensor %s", file->path, name);
    }
    return same ? DOGBREED_OK
                : dogb_fail(DOGBREED_ERROR_MISMATCH,
                            "%s: tensor %s has another type or shape than in the model", file->path,
                            name);
}

// Whole model; take 0: check only.
static int model(dogbreed_trainer *trainer, const dogb_weights *file, int take) {
    const dogb_graph *graph = dogb_model_graph(trainer->model);
    for (int32_t i = 0; i < graph->param_count; i++) {
        const dogb_weight *tensor = NULL;
        int rc = find(&tensor, file, graph->params[i].name, &graph->params[i]);
        if (rc < 0) {
            return rc;
        }
        if (take) {
            memcpy(dogb_model_weight(trainer->model, i), tensor->data, tensor->bytes);
        }
    }
    for (int32_t i = 0; i < trainer->slot_count && take; i++) {
        dogb_slot *slot = &trainer->slots[i];
        memcpy(slot->last, dogb_model_weights(trainer->model)[slot->param], slot->bytes);
        memcpy(slot->best, slot->last, slot->bytes);
    }
    return DOGBREED_OK;
}

static int best(dogbreed_trainer *trainer, const dogb_weights *file, int take) {
    for (int32_t i = 0; i < trainer->slot_count; i++) {
        dogb_slot *slot = &trainer->slots[i];
        const dogb_param *param = &trainer->graph->params[slot->net_param];
        const dogb_weight *tensor = NULL;
        int rc = find(&tensor, file, param->name, param);
        if (rc < 0) {
            return rc;
        }
        if (take) {
            memcpy(slot->best, tensor->data, slot->bytes);
        }
    }
    return DOGBREED_OK;
}

static int optimizer(dogbreed_trainer *trainer, const dogb_weights *file, int take) {
    dogb_arena scratch = {0};
    int rc = DOGBREED_OK;
    for (int32_t i = 0; i < trainer->slot_count && rc == DOGBREED_OK; i++) {
        dogb_slot *slot = &trainer->slots[i];
        const dogb_param *param = &trainer->graph->params[slot->net_param];
        int32_t count = 0;
        for (int32_t k = 0; k < 2 && slot->trainable && rc == DOGBREED_OK; k++) {
            const dogb_weight *tensor = NULL;
            const char *name = dogb_checkpoint_slot_name(&scratch, trainer, slot, k);
            if (name == NULL) {
                rc = DOGBREED_ERROR_NO_MEMORY;
                break;
            }
            if (dogb_weights_find(file, name) == NULL) {
                break; // plain sgd has no state, sgd with momentum one
            }
            rc = find(&tensor, file, name, param);
            if (rc == DOGBREED_OK && slot->optim[k] == NULL) {
                slot->optim[k] = dogb_alloc(&trainer->arena, slot->count, sizeof(float));
                rc = slot->optim[k] == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
            }
            if (rc == DOGBREED_OK && take) {
                memcpy(slot->optim[k], tensor->data, slot->bytes);
            }
            count++;
        }
        if (take) {
            slot->optim_count = count;
        }
    }
    dogb_arena_free(&scratch);
    return rc;
}

typedef int (*part_fn)(dogbreed_trainer *trainer, const dogb_weights *file, int take);

static int is_part(const json_t *document, const char *name) {
    const json_t *parts = json_object_get(document, "parts");
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const char *part = json_string_value(json_object_get(json_array_get(parts, i), "name"));
        if (part != NULL && strcmp(part, name) == 0) {
            return 1;
        }
    }
    return 0;
}

int dogb_checkpoint_tensors(dogbreed_trainer *trainer, const char *directory,
                            const json_t *document, int take) {
    // In this order: the model also presets the best weights.
    static const struct part {
        const char *name;
        part_fn fn;
        int optional;
    } parts[] = {
        {DOGB_CHECKPOINT_MODEL, model, 0},
        {DOGB_CHECKPOINT_BEST, best, 1}, // only when it is another one than the last
        {DOGB_CHECKPOINT_OPTIMIZER, optimizer, 0},
    };
    dogb_arena scratch = {0};
    int rc = DOGBREED_OK;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && rc == DOGBREED_OK; i++) {
        dogb_weights *file = NULL;
        const char *path = dogb_path_join(&scratch, directory, parts[i].name);
        if (path == NULL) {
            rc = DOGBREED_ERROR_NO_MEMORY;
        } else if (!parts[i].optional || is_part(document, parts[i].name)) {
            rc = dogb_weights_open(&file, path);
            if (rc == DOGBREED_OK) {
                rc = parts[i].fn(trainer, file, take);
            }
            dogb_weights_destroy(file);
        }
    }
    dogb_arena_free(&scratch);
    return rc;
}
