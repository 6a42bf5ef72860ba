// heads.c - banks of heads: their memory, and what goes in and out of them.
#include "engine/native/heads.h"

#include "engine/engine_internal.h"
#include "engine/native/kernel.h"

#include <string.h>

static const dogb_heads_kernel *choose(void) {
    static const dogb_heads_kernel *const kernels[] = {
#if defined(__x86_64__)
        &dogb_heads_kernel_avx512,
        &dogb_heads_kernel_avx2,
#endif
        &dogb_heads_kernel_c,
    };
    const char *name = dogb_kernel_choose()->name;
    size_t count = sizeof kernels / sizeof kernels[0];
    for (size_t i = 0; i + 1 < count; i++) {
        if (strcmp(kernels[i]->name, name) == 0) {
            return kernels[i];
        }
    }
    return kernels[count - 1];
}

// --- creation

static int make_smooth(dogb_head *head, const dogb_heads *heads) {
    dogb_heads_target *target = &head->target;
    if (target->smoothing == 0) {
        return DOGBREED_OK;
    }
    float *smooth = dogb_alloc(&head->arena, (size_t)target->padded, sizeof *smooth);
    if (smooth == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    target->smooth_sum =
        dogb_heads_smooth(smooth, target->class_weights, heads->classes, target->smoothing);
    target->smooth = smooth;
    return DOGBREED_OK;
}

static int make_head(dogb_heads *heads, const dogb_heads_conf *conf, int32_t i,
                     const float *class_weights) {
    dogb_head *head = &heads->heads[i];
    head->optim = conf->optim[i];
    head->seed = conf->seeds[i];
    head->dropout[0] = conf->dropout_features == NULL ? 0 : conf->dropout_features[i];
    head->dropout[1] = conf->dropout[i];
    head->slots = dogb_optim_slot_count(&head->optim);
    int64_t inputs = heads->features;
    for (int32_t layer = 0; layer < heads->layers; layer++) {
        int64_t outputs = layer + 1 < heads->layers ? heads->hidden : heads->classes;
        int rc = dogb_heads_layer_make(&head->layers[layer], &head->arena, heads->kernel, inputs,
                                       outputs, head->slots);
        if (rc < 0) {
            return rc;
        }
        inputs = outputs;
    }
    head->target = (dogb_heads_target){.class_weights = class_weights,
                                       .smoothing = conf->label_smoothing[i],
                                       .classes = heads->classes,
                                       .padded = head->layers[heads->layers - 1].padded,
                                       .stride = head->layers[heads->layers - 1].stride};
    return make_smooth(head, heads);
}

static int make(dogb_heads *heads, const dogb_heads_conf *conf) {
    float *class_weights = NULL;
    heads->heads = dogb_alloc(&heads->arena, (size_t)conf->count, sizeof *heads->heads);
    heads->ended = dogb_alloc(&heads->arena, (size_t)conf->count, sizeof *heads->ended);
    if (heads->heads == NULL || heads->ended == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    heads->count = conf->count;
    if (conf->class_weights != NULL) {
        size_t bytes = (size_t)conf->classes * sizeof *class_weights;
        class_weights = dogb_alloc(&heads->arena, bytes, 1);
        if (class_weights == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        memcpy(class_weights, conf->class_weights, bytes);
    }
    for (int32_t i = 0; i < conf->count; i++) {
        int rc = make_head(heads, conf, i, class_weights);
        if (rc < 0) {
            return rc;
        }
    }
    return DOGBREED_OK;
}

// The shape of a bank; no more threads than heads can work at once.
static void describe(dogb_heads *heads, const dogb_heads_conf *conf) {
    heads->kernel = choose();
    heads->features = conf->features;
    heads->classes = conf->classes;
    heads->hidden = conf->hidden;
    heads->layers = conf->hidden > 0 ? 2 : 1;
    heads->threads = conf->threads < conf->count ? conf->threads : conf->count;
    heads->threads = heads->threads < 1 ? 1 : heads->threads;
    memcpy(heads->nodes, conf->dropout_nodes, sizeof heads->nodes);
    for (int32_t i = 0; i < conf->count; i++) {
        heads->drops[0] |= conf->dropout_features != NULL && conf->dropout_features[i] != 0;
        heads->drops[1] |= conf->dropout[i] != 0;
    }
}

int dogb_native_heads_create(dogb_heads **out, const dogb_heads_conf *conf) {
    *out = NULL;
    int rc = dogb_heads_conf_check(conf);
    if (rc < 0) {
        return rc;
    }
    dogb_heads *heads = dogb_malloc(1, sizeof *heads);
    if (heads == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    describe(heads, conf);
    if ((rc = make(heads, conf)) < 0) {
        dogb_native_heads_destroy(heads);
        return rc;
    }
    *out = heads;
    return DOGBREED_OK;
}

int64_t dogb_native_heads_bytes(const dogb_heads_conf *conf, const int32_t *batches, int64_t rows) {
    dogb_heads heads = {.count = conf->count};
    int64_t floats = 0;
    int64_t batch = 0;
    describe(&heads, conf);
    for (int32_t i = 0; i < conf->count; i++) {
        int32_t slots = dogb_optim_slot_count(&conf->optim[i]);
        int64_t inputs = conf->features;
        if (heads.layers == 2) {
            floats += dogb_heads_layer_floats(heads.kernel, inputs, heads.hidden, slots);
            inputs = heads.hidden;
        }
        floats += dogb_heads_layer_floats(heads.kernel, inputs, heads.classes, slots);
        batch = batches[i] > batch ? batches[i] : batch;
    }
    batch = batch < rows ? batch : rows;
    return floats * (int64_t)sizeof(float) + heads.threads * dogb_heads_space_bytes(&heads, batch);
}

void dogb_native_heads_destroy(dogb_heads *heads) {
    if (heads == NULL) {
        return;
    }
    for (int32_t i = 0; i < heads->count; i++) {
        dogb_arena_free(&heads->heads[i].arena);
    }
    dogb_arena_free(&heads->memory);
    dogb_arena_free(&heads->arena);
    dogb_free(heads);
}

dogb_heads_shape dogb_native_heads_shape(const dogb_heads *heads) {
    return (dogb_heads_shape){.count = heads->count,
                              .features = (int32_t)heads->features,
                              .classes = (int32_t)heads->classes,
                              .hidden = (int32_t)heads->hidden,
                              .ended = heads->ended};
}

static int find(dogb_head **out, dogb_heads *heads, int32_t index) {
    char line[DOGB_HEADS_TEXT];
    dogb_heads_shape shape = dogb_native_heads_shape(heads);
    int rc = dogb_heads_check_head(line, &shape, index);
    *out = rc < 0 ? NULL : &heads->heads[index];
    return dogb_heads_result(rc, line);
}

int dogb_native_heads_end(dogb_heads *heads, int32_t head) {
    dogb_head *found = NULL;
    int rc = find(&found, heads, head);
    if (rc == DOGBREED_OK) {
        dogb_arena_free(&found->arena);
        heads->ended[head] = 1;
    }
    return rc;
}

// --- parameters and their state: a layer's weight and bias have even and odd indices

// slot -1: the parameter itself. It has been checked.
static float *data_of(const dogb_heads_layer *layer, int32_t is_bias, int32_t slot) {
    if (slot < 0) {
        return is_bias ? layer->bias : layer->weights;
    }
    return is_bias ? layer->bias_slot[slot] : layer->weight_slot[slot];
}

static int check_param(dogb_heads *heads, int32_t head, int32_t param, size_t size) {
    char line[DOGB_HEADS_TEXT];
    dogb_heads_shape shape = dogb_native_heads_shape(heads);
    return dogb_heads_result(dogb_heads_check_param(line, &shape, head, param, size), line);
}

static int check_slot(dogb_heads *heads, int32_t head, int32_t param, int32_t slot, size_t size) {
    char line[DOGB_HEADS_TEXT];
    dogb_heads_shape shape = dogb_native_heads_shape(heads);
    int32_t slots = head < 0 || head >= heads->count ? 0 : heads->heads[head].slots;
    return dogb_heads_result(dogb_heads_check_slot(line, &shape, head, param, slot, slots, size),
                             line);
}

static void read_tensor(const dogb_heads *heads, int32_t head, int32_t param, int32_t slot,
                        float *out) {
    const dogb_heads_layer *layer = &heads->heads[head].layers[param / 2];
    dogb_heads_layer_read(layer, heads->kernel, param % 2, data_of(layer, param % 2, slot), out);
}

static void write_tensor(dogb_heads *heads, int32_t head, int32_t param, int32_t slot,
                         const float *data) {
    const dogb_heads_layer *layer = &heads->heads[head].layers[param / 2];
    dogb_heads_layer_write(layer, heads->kernel, param % 2, data_of(layer, param % 2, slot), data);
}

int dogb_native_heads_read(dogb_heads *heads, int32_t head, int32_t param, float *out,
                           size_t size) {
    int rc = check_param(heads, head, param, size);
    if (rc == DOGBREED_OK) {
        read_tensor(heads, head, param, -1, out);
    }
    return rc;
}

int dogb_native_heads_write(dogb_heads *heads, int32_t head, int32_t param, const float *data,
                            size_t size) {
    int rc = check_param(heads, head, param, size);
    if (rc == DOGBREED_OK) {
        write_tensor(heads, head, param, -1, data);
    }
    return rc;
}

int dogb_native_heads_slot_read(dogb_heads *heads, int32_t head, int32_t param, int32_t slot,
                                float *out, size_t size) {
    int rc = check_slot(heads, head, param, slot, size);
    if (rc == DOGBREED_OK) {
        read_tensor(heads, head, param, slot, out);
    }
    return rc;
}

int dogb_native_heads_slot_write(dogb_heads *heads, int32_t head, int32_t param, int32_t slot,
                                 const float *data, size_t size) {
    int rc = check_slot(heads, head, param, slot, size);
    if (rc == DOGBREED_OK) {
        write_tensor(heads, head, param, slot, data);
    }
    return rc;
}

int64_t dogb_native_heads_steps(dogb_heads *heads, int32_t head) {
    dogb_head *found = NULL;
    int rc = find(&found, heads, head);
    return rc < 0 ? rc : found->steps;
}

int dogb_native_heads_set_steps(dogb_heads *heads, int32_t head, int64_t steps) {
    char line[DOGB_HEADS_TEXT];
    dogb_heads_shape shape = dogb_native_heads_shape(heads);
    int rc = dogb_heads_result(dogb_heads_check_steps(line, &shape, head, steps), line);
    if (rc == DOGBREED_OK) {
        heads->heads[head].steps = steps;
    }
    return rc;
}
