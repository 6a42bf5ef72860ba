// conv.c - convolution, forward and back, through one kernel: planes are copied into padded ones,
// so the kernel knows no borders. The gradient of the input is a convolution too: of the output's
// gradient, spread by the stride, with the kernel turned round.
#include "engine/ref/ref.h"

#include "core/error.h"

#include <string.h>

typedef struct conv {
    dogb_ref_pass *pass;
    const dogb_node *node;
    int32_t index;
    int32_t reserved;
    int64_t in;      // channels per group
    int64_t out;     // channels per group
    int64_t blocks;  // of REF_LANES output channels per group
    int64_t size[2]; // of the input planes
    int64_t pad[2];  // of the padded planes: height, width
    int64_t steps;
    int64_t *offsets;
    float *packed; // [group][block][step][lane]
} conv;

static int64_t round_up(int64_t count) {
    return (count + REF_LANES - 1) / REF_LANES;
}

static int fill_offsets(conv *c, dogb_arena *arena, int64_t channels) {
    const dogb_node *node = c->node;
    c->steps = channels * node->kernel[0] * node->kernel[1];
    c->offsets = dogb_alloc(arena, (size_t)c->steps, sizeof *c->offsets);
    if (c->offsets == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int64_t step = 0;
    for (int64_t i = 0; i < channels; i++) {
        for (int64_t y = 0; y < node->kernel[0]; y++) {
            for (int64_t x = 0; x < node->kernel[1]; x++) {
                c->offsets[step++] =
                    (i * c->pad[0] + y * node->dilation[0]) * c->pad[1] + x * node->dilation[1];
            }
        }
    }
    return DOGBREED_OK;
}

static void describe(conv *c, dogb_ref_pass *pass, int32_t index) {
    const dogb_node *node = &pass->graph->nodes[index];
    const dogb_node *from = &pass->graph->nodes[node->inputs[0]];
    memset(c, 0, sizeof *c);
    c->pass = pass;
    c->node = node;
    c->index = index;
    c->in = node->channels_in / node->groups;
    c->out = node->channels_out / node->groups;
    c->size[0] = from->shape[1];
    c->size[1] = from->shape[2];
}

static float *padded(const conv *c, dogb_arena *arena, int64_t channels) {
    return dogb_alloc(arena, (size_t)(channels * c->pad[0]), (size_t)c->pad[1] * sizeof(float));
}

// Copies planes into the middle of zeroed padded ones.
static void pad_planes(const conv *c, float *to, const float *from, int64_t channels) {
    for (int64_t i = 0; i < channels; i++) {
        for (int64_t y = 0; y < c->size[0]; y++) {
            memcpy(to + (i * c->pad[0] + y + c->node->padding[0]) * c->pad[1] + c->node->padding[1],
                   from + (i * c->size[0] + y) * c->size[1], (size_t)c->size[1] * sizeof *to);
        }
    }
}

static dogb_ref_window window_of(const conv *c, const float *input) {
    dogb_ref_window window = {.input = input,
                              .offsets = c->offsets,
                              .steps = c->steps,
                              .row = c->pad[1],
                              .height = c->node->shape[1],
                              .width = c->node->shape[2],
                              .stride = {c->node->stride[0], c->node->stride[1]}};
    return window;
}

// --- forward

static int pack_forward(conv *c, dogb_arena *arena) {
    const float *weights = dogb_ref_param(c->pass, c->index, DOGB_ROLE_WEIGHT);
    c->blocks = round_up(c->out);
    c->packed = dogb_alloc(arena, (size_t)(c->node->groups * c->blocks * c->steps),
                           REF_LANES * sizeof *c->packed);
    if (c->packed == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int64_t g = 0; g < c->node->groups; g++) {
        for (int64_t o = 0; o < c->out; o++) {
            const float *from = weights + (g * c->out + o) * c->steps;
            float *to =
                c->packed + (g * c->blocks + o / REF_LANES) * c->steps * REF_LANES + o % REF_LANES;
            for (int64_t k = 0; k < c->steps; k++) {
                to[k * REF_LANES] = from[k];
            }
        }
    }
    return DOGBREED_OK;
}

// One sample and group.
static int forward_part(int64_t index, void *userdata) {
    conv *c = userdata;
    dogb_arena arena = {0};
    int64_t sample = index / c->node->groups;
    int64_t group = index % c->node->groups;
    int64_t plane = c->node->shape[1] * c->node->shape[2];
    const float *bias = dogb_ref_param(c->pass, c->index, DOGB_ROLE_BIAS);
    const float *from = dogb_ref_input(c->pass, c->index, 0) +
                        (sample * c->node->groups + group) * c->in * c->size[0] * c->size[1];
    float *to = c->pass->values[c->index] + (sample * c->node->groups + group) * c->out * plane;
    float *input = padded(c, &arena, c->in);
    if (input == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    pad_planes(c, input, from, c->in);
    dogb_ref_window window = window_of(c, input);
    for (int64_t block = 0; block < c->blocks; block++) {
        int64_t first = block * REF_LANES;
        int64_t lanes = c->out - first < REF_LANES ? c->out - first : REF_LANES;
        dogb_ref_window_forward(&window,
                                c->packed + (group * c->blocks + block) * c->steps * REF_LANES,
                                bias == NULL ? NULL : bias + group * c->out + first,
                                to + first * plane, plane, (int32_t)lanes, 0);
    }
    dogb_arena_free(&arena);
    return DOGBREED_OK;
}

int dogb_ref_conv_forward(dogb_ref_pass *pass, int32_t index) {
    conv c;
    dogb_arena arena = {0};
    describe(&c, pass, index);
    for (int i = 0; i < 2; i++) {
        c.pad[i] = c.size[i] + 2 * (int64_t)c.node->padding[i];
    }
    int rc = fill_offsets(&c, &arena, c.in);
    if (rc == DOGBREED_OK) {
        rc = pack_forward(&c, &arena);
    }
    if (rc == DOGBREED_OK) {
        int64_t parts = pass->count * c.node->groups;
        rc = dogb_ref_loop(pass, parts,
                           (double)parts *
                               (double)(c.out * c.node->shape[1] * c.node->shape[2] * c.steps),
                           forward_part, &c);
    }
    dogb_arena_free(&arena);
    if (rc == DOGBREED_OK && c.node->residual) {
        dogb_ref_axpy(pass->values[index], 1.0f, dogb_ref_input(pass, index, 1),
                      pass->count * dogb_ref_size(c.node));
    }
    if (rc == DOGBREED_OK) {
        dogb_ref_activate(pass, index);
    }
    return rc;
}

// --- gradient of the weights and bias

// One group and block of output channels over all samples: so each sum has one writer.
static int weights_part(int64_t index, void *userdata) {
    conv *c = userdata;
    dogb_arena arena = {0};
    int64_t group = index / c->blocks;
    int64_t first = index % c->blocks * REF_LANES;
    int64_t lanes = c->out - first < REF_LANES ? c->out - first : REF_LANES;
    int64_t plane = c->node->shape[1] * c->node->shape[2];
    float *to = dogb_ref_param_grad(c->pass, c->index, DOGB_ROLE_WEIGHT);
    double *sums = dogb_alloc(&arena, (size_t)c->steps * REF_LANES, sizeof *sums);
    float *gradient = dogb_alloc(&arena, (size_t)plane * REF_LANES, sizeof *gradient);
    float *input = padded(c, &arena, c->in);
    int rc =
        sums == NULL || gradient == NULL || input == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (int64_t sample = 0; rc == DOGBREED_OK && sample < c->pass->count; sample++) {
        int64_t part = sample * c->node->groups + group;
        const float *from = c->pass->grads[c->index] + (part * c->out + first) * plane;
        for (int64_t j = 0; j < lanes; j++) {
            for (int64_t p = 0; p < plane; p++) {
                gradient[p * REF_LANES + j] = from[j * plane + p];
            }
        }
        pad_planes(c, input,
                   dogb_ref_input(c->pass, c->index, 0) + part * c->in * c->size[0] * c->size[1],
                   c->in);
        dogb_ref_window window = window_of(c, input);
        dogb_ref_window_weights(&window, gradient, sums);
    }
    for (int64_t j = 0; rc == DOGBREED_OK && j < lanes; j++) {
        for (int64_t k = 0; k < c->steps; k++) {
            to[(group * c->out + first + j) * c->steps + k] += (float)sums[k * REF_LANES + j];
        }
    }
    dogb_arena_free(&arena);
    return rc;
}

static int backward_weights(dogb_ref_pass *pass, int32_t index) {
    conv c;
    dogb_arena arena = {0};
    describe(&c, pass, index);
    for (int i = 0; i < 2; i++) {
        c.pad[i] = c.size[i] + 2 * (int64_t)c.node->padding[i];
    }
    c.blocks = round_up(c.out);
    int rc = fill_offsets(&c, &arena, c.in);
    if (rc == DOGBREED_OK) {
        int64_t parts = c.node->groups * c.blocks;
        rc = dogb_ref_loop(pass, parts,
                           (double)pass->count *
                               (double)(parts * c.steps * c.node->shape[1] * c.node->shape[2]),
                           weights_part, &c);
    }
    dogb_arena_free(&arena);
    return rc;
}

static void backward_bias(dogb_ref_pass *pass, int32_t index) {
    const dogb_node *node = &pass->graph->nodes[index];
    float *to = dogb_ref_param_grad(pass, index, DOGB_ROLE_BIAS);
    const float *from = pass->grads[index];
    int64_t plane = node->shape[1] * node->shape[2];
    for (int64_t o = 0; to != NULL && o < node->channels_out; o++) {
        double sum = 0;
        for (int64_t n = 0; n < pass->count; n++) {
            for (int64_t p = 0; p < plane; p++) {
                sum += (double)from[(n * node->channels_out + o) * plane + p];
            }
        }
        to[o] += (float)sum;
    }
}

// --- gradient of the input

// Weights with input and output exchanged and the kernel turned by 180 degrees.
static int pack_backward(conv *c, dogb_arena *arena) {
    const float *weights = dogb_ref_param(c->pass, c->index, DOGB_ROLE_WEIGHT);
    int64_t window = (int64_t)c->node->kernel[0] * c->node->kernel[1];
    c->blocks = round_up(c->in);
    c->packed = dogb_alloc(arena, (size_t)(c->node->groups * c->blocks * c->steps),
                           REF_LANES * sizeof *c->packed);
    if (c->packed == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int64_t g = 0; g < c->node->groups; g++) {
        for (int64_t o = 0; o < c->out; o++) {
            for (int64_t i = 0; i < c->in; i++) {
                const float *from = weights + ((g * c->out + o) * c->in + i) * window;
                float *to = c->packed + (g * c->blocks + i / REF_LANES) * c->steps * REF_LANES +
                            i % REF_LANES;
                for (int64_t k = 0; k < window; k++) {
                    to[(o * window + window - 1 - k) * REF_LANES] = from[k];
                }
            }
        }
    }
    return DOGBREED_OK;
}

// Row or column of the padded planes where output position `at` goes; -1: it touches no input.
static int64_t spread(const conv *c, int axis, int64_t at) {
    int64_t reach = (int64_t)c->node->dilation[axis] * (c->node->kernel[axis] - 1);
    int64_t place = at * c->node->stride[axis] + reach - c->node->padding[axis];
    return place >= 0 && place < c->pad[axis] ? place : -1;
}

static int input_part(int64_t index, void *userdata) {
    conv *c = userdata;
    dogb_arena arena = {0};
    int64_t group = index % c->node->groups;
    int64_t plane = c->size[0] * c->size[1];
    const float *from =
        c->pass->grads[c->index] + index * c->out * c->node->shape[1] * c->node->shape[2];
    float *to = dogb_ref_input_grad(c->pass, c->index, 0) + index * c->in * plane;
    float *gradient = padded(c, &arena, c->out);
    if (gradient == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int64_t o = 0; o < c->out; o++) {
        for (int64_t y = 0; y < c->node->shape[1]; y++) {
            int64_t row = spread(c, 0, y);
            for (int64_t x = 0; row >= 0 && x < c->node->shape[2]; x++) {
                int64_t column = spread(c, 1, x);
                if (column >= 0) {
                    gradient[(o * c->pad[0] + row) * c->pad[1] + column] =
                        from[(o * c->node->shape[1] + y) * c->node->shape[2] + x];
                }
            }
        }
    }
    dogb_ref_window window = {.input = gradient,
                              .offsets = c->offsets,
                              .steps = c->steps,
                              .row = c->pad[1],
                              .height = c->size[0],
                              .width = c->size[1],
                              .stride = {1, 1}};
    for (int64_t block = 0; block < c->blocks; block++) {
        int64_t first = block * REF_LANES;
        int64_t lanes = c->in - first < REF_LANES ? c->in - first : REF_LANES;
        dogb_ref_window_forward(&window,
                                c->packed + (group * c->blocks + block) * c->steps * REF_LANES,
                                NULL, to + first * plane, plane, (int32_t)lanes, 1);
    }
    dogb_arena_free(&arena);
    return DOGBREED_OK;
}

static int backward_input(dogb_ref_pass *pass, int32_t index) {
    conv c;
    dogb_arena arena = {0};
    describe(&c, pass, index);
    for (int i = 0; i < 2; i++) {
        c.pad[i] = c.size[i] + (int64_t)c.node->dilation[i] * (c.node->kernel[i] - 1);
    }
    int rc = fill_offsets(&c, &arena, c.out);
    if (rc == DOGBREED_OK) {
        rc = pack_backward(&c, &arena);
    }
    if (rc == DOGBREED_OK) {
        int64_t parts = pass->count * c.node->groups;
        rc = dogb_ref_loop(pass, parts,
                           (double)parts * (double)(c.in * c.size[0] * c.size[1] * c.steps),
                           input_part, &c);
    }
    dogb_arena_free(&arena);
    return rc;
}

int dogb_ref_conv_backward(dogb_ref_pass *pass, int32_t index) {
    const dogb_node *node = &pass->graph->nodes[index];
    int rc = DOGBREED_OK;
    dogb_ref_activate_backward(pass, index);
    if (node->residual && dogb_ref_input_grad(pass, index, 1) != NULL) {
        dogb_ref_axpy(dogb_ref_input_grad(pass, index, 1), 1.0f, pass->grads[index],
                      pass->count * dogb_ref_size(node));
    }
    backward_bias(pass, index);
    if (dogb_ref_param_grad(pass, index, DOGB_ROLE_WEIGHT) != NULL) {
        rc = backward_weights(pass, index);
    }
    if (rc == DOGBREED_OK && dogb_ref_input_grad(pass, index, 0) != NULL) {
        rc = backward_input(pass, index);
    }
    return rc;
}
