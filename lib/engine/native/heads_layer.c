// heads_layer.c - a linear layer of a head: where its weights lie, and the loops over panels, rows
// and inputs around the kernels. Each sum runs over inputs (forward) or rows (gradient) in order,
// one multiply-add each, and a partial sum that is stored and loaded again is the same: no result
// depends on how the loops are cut.
#include "engine/native/heads.h"

#include "core/error.h"
#include "core/team.h"

#include <string.h>

// Inputs of one block of the forward pass: a panel's weights of that many stay in the L1 cache
// while all rows go over them.
enum { BLOCK_BYTES = 24 * 1024 };

// How rows are packed.
enum {
    PIECE_GROUPS = 4, // of a row, one after the other
    PIECE = PIECE_GROUPS * DOGB_HEADS_GROUP,
    ROWS_AHEAD = 8, // that are prefetched
};

typedef struct panel {
    const dogb_heads_kernel *kernel;
    int32_t vectors;
    int64_t first; // output
    int64_t width;
} panel;

// Panel `index`; vectors 0: there are no more. Where the outputs leave half a vector over, widest
// panels and one of half vectors; else nearly equal ones, the wider ones first.
static panel panel_at(const dogb_heads_layer *layer, const dogb_heads_kernel *kernel,
                      int64_t index) {
    int64_t lanes = kernel->lanes;
    int64_t widest = kernel->vectors * lanes;
    if (layer->width % lanes != 0) {
        int64_t first = index * widest;
        int64_t width = layer->width - first < widest ? layer->width - first : widest;
        if (width == widest) {
            return (panel){kernel, kernel->vectors, first, width};
        }
        int64_t vectors = width / kernel->half->lanes;
        return (panel){kernel->half, (int32_t)(vectors > 0 ? vectors : 0), first, width};
    }
    int64_t vectors = layer->width / lanes;
    int64_t panels = (vectors + kernel->vectors - 1) / kernel->vectors;
    if (index >= panels) {
        return (panel){kernel, 0, 0, 0};
    }
    int64_t each = vectors / panels;
    int64_t longer = vectors % panels;
    int64_t before = index * each + (index < longer ? index : longer);
    int64_t own = each + (index < longer);
    return (panel){kernel, (int32_t)own, before * lanes, own * lanes};
}

// Whole vectors and an odd number of cache lines: the rows of a panel's column then lie in all sets
// of the L1 cache.
int64_t dogb_heads_stride(const dogb_heads_kernel *kernel, int64_t values) {
    int64_t padded = (values + kernel->lanes - 1) / kernel->lanes * kernel->lanes;
    int64_t lines = (padded + DOGB_HEADS_LINE - 1) / DOGB_HEADS_LINE;
    return (lines % 2 == 1 ? lines : lines + 1) * DOGB_HEADS_LINE;
}

size_t dogb_heads_layer_weights(const dogb_heads_layer *layer) {
    return (size_t)(layer->groups * DOGB_HEADS_GROUP * layer->width);
}

static void shape_layer(dogb_heads_layer *layer, const dogb_heads_kernel *kernel, int64_t inputs,
                        int64_t outputs) {
    layer->inputs = inputs;
    layer->outputs = outputs;
    layer->groups = (inputs + DOGB_HEADS_GROUP - 1) / DOGB_HEADS_GROUP;
    int64_t unit = kernel->half == NULL ? kernel->lanes : kernel->half->lanes;
    layer->width = (outputs + unit - 1) / unit * unit;
    layer->padded = (outputs + kernel->lanes - 1) / kernel->lanes * kernel->lanes;
    layer->stride = dogb_heads_stride(kernel, outputs);
}

int64_t dogb_heads_layer_floats(const dogb_heads_kernel *kernel, int64_t inputs, int64_t outputs,
                                int32_t slots) {
    dogb_heads_layer layer;
    shape_layer(&layer, kernel, inputs, outputs);
    return (1 + slots) * ((int64_t)dogb_heads_layer_weights(&layer) + layer.padded);
}

int dogb_heads_layer_make(dogb_heads_layer *layer, dogb_arena *arena,
                          const dogb_heads_kernel *kernel, int64_t inputs, int64_t outputs,
                          int32_t slots) {
    shape_layer(layer, kernel, inputs, outputs);
    size_t weights = dogb_heads_layer_weights(layer);
    layer->weights = dogb_alloc(arena, weights, sizeof(float));
    layer->bias = dogb_alloc(arena, (size_t)layer->padded, sizeof(float));
    if (layer->weights == NULL || layer->bias == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t slot = 0; slot < slots; slot++) {
        layer->weight_slot[slot] = dogb_alloc(arena, weights, sizeof(float));
        layer->bias_slot[slot] = dogb_alloc(arena, (size_t)layer->padded, sizeof(float));
        if (layer->weight_slot[slot] == NULL || layer->bias_slot[slot] == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    return DOGBREED_OK;
}

// Some inputs of all outputs of a panel: the part of both layouts that the first cache holds.
enum { INPUTS_AT_ONCE = 16 };

static void read_weights(const dogb_heads_layer *layer, const dogb_heads_kernel *kernel,
                         const float *packed, float *out) {
    panel p;
    for (int64_t i = 0; (p = panel_at(layer, kernel, i)).vectors > 0; i++) {
        const float *from = packed + p.first * layer->groups * DOGB_HEADS_GROUP;
        for (int64_t first = 0; first < layer->inputs; first += INPUTS_AT_ONCE) {
            int64_t end =
                first + INPUTS_AT_ONCE < layer->inputs ? first + INPUTS_AT_ONCE : layer->inputs;
            for (int64_t n = 0; n < p.width && p.first + n < layer->outputs; n++) {
                float *row = out + (p.first + n) * layer->inputs;
                for (int64_t k = first; k < end; k++) {
                    row[k] = from[k * p.width + n];
                }
            }
        }
    }
}

static void write_weights(const dogb_heads_layer *layer, const dogb_heads_kernel *kernel,
                          float *packed, const float *data) {
    panel p;
    for (int64_t i = 0; (p = panel_at(layer, kernel, i)).vectors > 0; i++) {
        float *to = packed + p.first * layer->groups * DOGB_HEADS_GROUP;
        for (int64_t n = 0; n < p.width && p.first + n < layer->outputs; n++) {
            for (int64_t k = 0; k < layer->inputs; k++) {
                to[k * p.width + n] = data[(p.first + n) * layer->inputs + k];
            }
        }
    }
}

void dogb_heads_layer_read(const dogb_heads_layer *layer, const dogb_heads_kernel *kernel,
                           int32_t is_bias, const float *from, float *out) {
    if (is_bias) {
        memcpy(out, from, (size_t)layer->outputs * sizeof *out);
    } else {
        read_weights(layer, kernel, from, out);
    }
}

void dogb_heads_layer_write(const dogb_heads_layer *layer, const dogb_heads_kernel *kernel,
                            int32_t is_bias, float *to, const float *data) {
    if (is_bias) {
        memcpy(to, data, (size_t)layer->outputs * sizeof *to);
    } else {
        write_weights(layer, kernel, to, data);
    }
}

static void forward_panel(const dogb_heads_layer *layer, const panel *p, int64_t group,
                          int64_t groups, const float *packed, int64_t rows, float *out) {
    int64_t pitch = (rows + DOGB_HEADS_SPARE) * DOGB_HEADS_GROUP;
    int64_t most = p->kernel->rows[p->vectors];
    int64_t tiles = (rows + most - 1) / most;
    dogb_heads_forward f = {
        .weights = layer->weights + p->first * layer->groups * DOGB_HEADS_GROUP +
                   group * DOGB_HEADS_GROUP * p->width,
        .bias = group == 0 ? layer->bias + p->first : NULL,
        .pitch = pitch,
        .stride = layer->stride,
        .groups = groups,
    };
    for (int64_t t = 0, row = 0; t < tiles; t++, row += f.rows) {
        f.rows = (int32_t)(rows / tiles + (t < rows % tiles));
        f.packed = packed + group * pitch + row * DOGB_HEADS_GROUP;
        f.out = out + row * layer->stride + p->first;
        p->kernel->forward[p->vectors](&f);
    }
}

// A product that threads share: each has every so-manieth panel, whose sums nobody else touches.
typedef struct product {
    const dogb_heads_layer *layer;
    const dogb_heads_kernel *kernel;
    const float *packed;
    float *out;                  // forward
    const dogb_heads_update *at; // update
    int64_t rows;
} product;

static void share(dogb_team_fn fn, product *p, int32_t threads) {
    if (threads > 1) {
        dogb_team_run(threads, fn, p);
    } else {
        fn(0, 1, p);
    }
}

static void forward_part(int32_t member, int32_t members, void *userdata) {
    const product *f = userdata;
    const dogb_heads_kernel *kernel = f->kernel;
    int64_t group_bytes =
        DOGB_HEADS_GROUP * kernel->vectors * kernel->lanes * (int64_t)sizeof(float);
    int64_t block = BLOCK_BYTES / group_bytes;
    block = block > 0 ? block : 1;
    for (int64_t group = 0; group < f->layer->groups; group += block) {
        int64_t left = f->layer->groups - group;
        panel p;
        for (int64_t i = member; (p = panel_at(f->layer, kernel, i)).vectors > 0; i += members) {
            forward_panel(f->layer, &p, group, left < block ? left : block, f->packed, f->rows,
                          f->out);
        }
    }
}

void dogb_heads_layer_forward(const dogb_heads_layer *layer, const dogb_heads_kernel *kernel,
                              const float *packed, int64_t rows, float *out, int32_t threads) {
    product f = {.layer = layer, .kernel = kernel, .packed = packed, .out = out, .rows = rows};
    share(forward_part, &f, threads);
}

// What lies behind the last input stays 0 whatever the rule does with gradients of 0.
static void clear_spare(const dogb_heads_layer *layer, const panel *p, float *weights) {
    for (int64_t k = layer->inputs; k < layer->groups * DOGB_HEADS_GROUP; k++) {
        memset(weights + k * p->width, 0, (size_t)p->width * sizeof *weights);
    }
}

static void update_part(int32_t member, int32_t members, void *userdata) {
    const product *f = userdata;
    const dogb_heads_layer *layer = f->layer;
    dogb_heads_update u = *f->at;
    if (layer->bias != NULL && member == 0) {
        f->kernel->bias(&u, layer->padded);
    }
    panel p;
    for (int64_t i = member;
         layer->weights != NULL && (p = panel_at(layer, f->kernel, i)).vectors > 0; i += members) {
        int64_t at = p.first * layer->groups * DOGB_HEADS_GROUP;
        u.delta = f->at->delta + p.first;
        u.weights = layer->weights + at;
        for (int32_t slot = 0; slot < u.rule->slots; slot++) {
            u.slot[slot] = layer->weight_slot[slot] + at;
        }
        p.kernel->update[p.vectors](&u);
        clear_spare(layer, &p, u.weights);
    }
}

void dogb_heads_layer_update(const dogb_heads_layer *layer, const dogb_heads_kernel *kernel,
                             const dogb_heads_rule *rule, const float *packed, const float *delta,
                             int64_t rows, int32_t threads) {
    dogb_heads_update u = {
        .packed = packed,
        .delta = delta,
        .weights = layer->bias,
        .slot = {layer->bias_slot[0], layer->bias_slot[1]},
        .rule = rule,
        .pitch = (rows + DOGB_HEADS_SPARE) * DOGB_HEADS_GROUP,
        .stride = layer->stride,
        .rows = rows,
        .groups = layer->groups,
    };
    product f = {.layer = layer, .kernel = kernel, .at = &u};
    share(update_part, &f, threads);
}

void dogb_heads_layer_transpose(dogb_heads_layer *to, const dogb_heads_layer *from,
                                const dogb_heads_kernel *kernel) {
    panel p;
    panel q;
    for (int64_t i = 0; (p = panel_at(from, kernel, i)).vectors > 0; i++) {
        const float *a = from->weights + p.first * from->groups * DOGB_HEADS_GROUP;
        for (int64_t j = 0; (q = panel_at(to, kernel, j)).vectors > 0; j++) {
            float *b = to->weights + q.first * to->groups * DOGB_HEADS_GROUP;
            for (int64_t n = 0; n < p.width && p.first + n < from->outputs; n++) {
                for (int64_t k = 0; k < q.width && q.first + k < from->inputs; k++) {
                    b[(p.first + n) * q.width + k] = a[(q.first + k) * p.width + n];
                }
            }
        }
    }
}

int64_t dogb_heads_packed_floats(int64_t inputs, int64_t rows) {
    return (inputs + DOGB_HEADS_GROUP - 1) / DOGB_HEADS_GROUP * (rows + DOGB_HEADS_SPARE) *
           DOGB_HEADS_GROUP;
}

static void pack_part(float *to, const float *from, const float *mask, int64_t count) {
    for (int64_t i = 0; i < DOGB_HEADS_GROUP; i++) {
        float value = i < count ? from[i] : 0.0f;
        to[i] = mask != NULL && i < count ? value * mask[i] : value;
    }
}

static const float *row_of(const dogb_heads_rows *from, int64_t row) {
    return from->values + (from->order == NULL ? row : from->order[row]) * from->stride;
}

// A piece of all rows, then the next one: few lines of a group are written at a time, side by side,
// and those of the rows to come are on their way from memory.
void dogb_heads_pack(float *packed, int64_t inputs, int64_t rows, const dogb_heads_rows *from) {
    int64_t pitch = (rows + DOGB_HEADS_SPARE) * DOGB_HEADS_GROUP;
    for (int64_t first = 0; first < inputs; first += PIECE) {
        int64_t end = first + PIECE < inputs ? first + PIECE : inputs;
        for (int64_t row = 0; row < rows; row++) {
            const float *values = row_of(from, row);
            const float *mask = from->mask == NULL ? NULL : from->mask + row * inputs;
            float *to = packed + first / DOGB_HEADS_GROUP * pitch + row * DOGB_HEADS_GROUP;
            if (row + ROWS_AHEAD < rows) {
                const float *ahead = row_of(from, row + ROWS_AHEAD);
                for (int64_t k = first; k < end; k += DOGB_HEADS_LINE) {
                    __builtin_prefetch(ahead + k);
                }
            }
            for (int64_t k = first; k < end; k += DOGB_HEADS_GROUP, to += pitch) {
                if (mask == NULL && k + DOGB_HEADS_GROUP <= end) {
                    memcpy(to, values + k, DOGB_HEADS_GROUP * sizeof *to);
                } else {
                    pack_part(to, values + k, mask == NULL ? NULL : mask + k, end - k);
                }
            }
        }
    }
}
