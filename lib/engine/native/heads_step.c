// heads_step.c - the phases of one step of one head, and the memory of a thread at work: what banks
// and training nets share.
#include "engine/native/heads.h"

#include "engine/engine_internal.h"

#include <math.h>
#include <stddef.h>

// --- memory

// Floats of each part of a thread's memory.
typedef struct sizes {
    int64_t packed[DOGB_HEADS_LAYERS];
    int64_t values[DOGB_HEADS_LAYERS];
    int64_t mask[DOGB_HEADS_LAYERS];
    int64_t delta; // of two layers, as what follows
    int64_t packed_delta;
    int64_t transposed;
} sizes;

static sizes sizes_of(const dogb_heads *heads, int64_t batch) {
    sizes s = {{0}, {0}, {0}, 0, 0, 0};
    int64_t inputs[DOGB_HEADS_LAYERS] = {heads->features, heads->hidden};
    for (int32_t layer = 0; layer < heads->layers; layer++) {
        int64_t outputs = layer + 1 < heads->layers ? heads->hidden : heads->classes;
        s.packed[layer] = dogb_heads_packed_floats(inputs[layer], batch);
        s.values[layer] = dogb_heads_stride(heads->kernel, outputs) * batch;
        s.mask[layer] = heads->drops[layer] ? inputs[layer] * batch : 1;
    }
    if (heads->layers == 2) {
        s.delta = dogb_heads_stride(heads->kernel, heads->hidden) * batch;
        s.packed_delta = dogb_heads_packed_floats(heads->classes, batch);
        s.transposed = dogb_heads_layer_floats(heads->kernel, heads->classes, heads->hidden, 0);
    }
    return s;
}

int64_t dogb_heads_space_bytes(const dogb_heads *heads, int64_t batch) {
    sizes s = sizes_of(heads, batch);
    int64_t floats = s.delta + s.packed_delta + s.transposed + batch; // with labels
    for (int32_t layer = 0; layer < heads->layers; layer++) {
        floats += s.packed[layer] + s.values[layer] + s.mask[layer];
    }
    return floats * (int64_t)sizeof(float);
}

static int make_space(dogb_heads_space *space, dogb_heads *heads, int64_t batch) {
    sizes s = sizes_of(heads, batch);
    dogb_arena *memory = &heads->memory;
    space->threads = 1;
    for (int32_t layer = 0; layer < heads->layers; layer++) {
        space->packed[layer] = dogb_alloc(memory, (size_t)s.packed[layer], sizeof(float));
        space->values[layer] = dogb_alloc(memory, (size_t)s.values[layer], sizeof(float));
        space->mask[layer] = dogb_alloc(memory, (size_t)s.mask[layer], sizeof(float));
        if (space->packed[layer] == NULL || space->values[layer] == NULL ||
            space->mask[layer] == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    space->labels = dogb_alloc(memory, (size_t)batch, sizeof *space->labels);
    if (space->labels == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (heads->layers == 1) {
        return DOGBREED_OK;
    }
    space->delta = dogb_alloc(memory, (size_t)s.delta, sizeof(float));
    space->packed_delta = dogb_alloc(memory, (size_t)s.packed_delta, sizeof(float));
    if (space->delta == NULL || space->packed_delta == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    return dogb_heads_layer_make(&space->transposed, memory, heads->kernel, heads->classes,
                                 heads->hidden, 0);
}

int dogb_heads_prepare(dogb_heads *heads, int64_t batch) {
    int rc = DOGBREED_OK;
    if (batch <= heads->batch) {
        return DOGBREED_OK;
    }
    dogb_arena_free(&heads->memory);
    heads->batch = 0;
    heads->spaces = dogb_alloc(&heads->memory, (size_t)heads->threads, sizeof *heads->spaces);
    if (heads->spaces == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; i < heads->threads; i++) {
        if ((rc = make_space(&heads->spaces[i], heads, batch)) < 0) {
            return rc;
        }
    }
    heads->batch = batch;
    return DOGBREED_OK;
}

// --- phases

dogb_heads_rule dogb_head_rule(const dogb_optim_conf *optim, int64_t steps, double rate) {
    int decoupled = optim->kind == DOGB_OPTIM_ADAMW;
    dogb_heads_rule rule = {
        .kind = optim->kind,
        .nesterov = optim->nesterov,
        .slots = dogb_optim_slot_count(optim),
        .rate = (float)rate,
        .momentum = (float)optim->momentum,
        .decay = decoupled ? 0.0f : (float)optim->weight_decay,
        .keep = decoupled ? (float)(1 - rate * optim->weight_decay) : 1.0f,
    };
    if (optim->kind != DOGB_OPTIM_SGD) {
        double number = (double)steps;
        rule.beta1 = (float)(1 - optim->beta1);
        rule.beta2 = (float)optim->beta2;
        rule.beta2_rest = (float)(1 - optim->beta2);
        rule.size = (float)(rate / (1 - pow(optim->beta1, number)));
        rule.correction = (float)(1 / sqrt(1 - pow(optim->beta2, number)));
        rule.epsilon = (float)optim->epsilon;
    }
    return rule;
}

void dogb_head_gather(dogb_heads_space *space, const dogb_heads *heads, const dogb_heads_data *data,
                      const int64_t *order, int64_t first, int64_t rows, const float *mask) {
    dogb_heads_rows from = {.values = data->features, .mask = mask, .stride = data->stride};
    if (order == NULL) {
        from.values += first * data->stride;
    } else {
        from.order = order + first;
    }
    dogb_heads_pack(space->packed[0], heads->features, rows, &from);
    for (int64_t i = 0; data->labels != NULL && i < rows; i++) {
        space->labels[i] = data->labels[order == NULL ? first + i : order[first + i]];
    }
}

const float *dogb_head_draw(dogb_heads_space *space, const dogb_heads *heads, const dogb_head *head,
                            int32_t layer, int64_t rows, int64_t step) {
    double share = head->dropout[layer];
    if (share == 0) {
        return NULL;
    }
    dogb_dropout_mask(space->mask[layer], rows * head->layers[layer].inputs, share, head->seed,
                      heads->nodes[layer], step);
    return space->mask[layer];
}

void dogb_head_product(dogb_heads_space *space, const dogb_heads *heads, const dogb_head *head,
                       int32_t layer, int64_t rows) {
    dogb_heads_layer_forward(&head->layers[layer], heads->kernel, space->packed[layer], rows,
                             space->values[layer], space->threads);
}

void dogb_head_hidden(dogb_heads_space *space, const dogb_heads *heads, const dogb_head *head,
                      int64_t rows, const float *mask) {
    int64_t stride = head->layers[0].stride;
    float *values = space->values[0];
    for (int64_t i = 0; i < rows * stride; i++) {
        values[i] = values[i] < 0.0f ? 0.0f : values[i]; // NaN stays
    }
    dogb_heads_rows hidden = {.values = values, .mask = mask, .stride = stride};
    dogb_heads_pack(space->packed[1], heads->hidden, rows, &hidden);
}

float *dogb_head_forward(dogb_heads_space *space, const dogb_heads *heads, const dogb_head *head,
                         int64_t rows, const float *mask) {
    dogb_head_product(space, heads, head, 0, rows);
    if (heads->layers == 2) {
        dogb_head_hidden(space, heads, head, rows, mask);
        dogb_head_product(space, heads, head, 1, rows);
    }
    return space->values[heads->layers - 1];
}

void dogb_head_product_back(dogb_heads_space *space, const dogb_heads *heads, const dogb_head *head,
                            int64_t rows, const float *gradient) {
    const dogb_heads_layer *last = &head->layers[1];
    dogb_heads_layer_transpose(&space->transposed, last, heads->kernel);
    dogb_heads_rows logits = {.values = gradient, .stride = last->stride};
    dogb_heads_pack(space->packed_delta, heads->classes, rows, &logits);
    dogb_heads_layer_forward(&space->transposed, heads->kernel, space->packed_delta, rows,
                             space->delta, space->threads);
}

void dogb_head_hidden_back(dogb_heads_space *space, const dogb_heads *heads, const dogb_head *head,
                           int64_t rows, const float *mask) {
    int64_t stride = head->layers[0].stride;
    for (int64_t i = 0; i < rows; i++) {
        float *delta = space->delta + i * stride;
        const float *values = space->values[0] + i * stride;
        for (int64_t k = 0; k < stride; k++) {
            float factor = mask == NULL || k >= heads->hidden ? 1.0f : mask[i * heads->hidden + k];
            delta[k] = values[k] > 0.0f ? delta[k] * factor : 0.0f;
        }
    }
}

void dogb_head_backward(dogb_heads_space *space, const dogb_heads *heads, const dogb_head *head,
                        int64_t rows, const float *mask, const float *gradient) {
    dogb_head_product_back(space, heads, head, rows, gradient);
    dogb_head_hidden_back(space, heads, head, rows, mask);
}
