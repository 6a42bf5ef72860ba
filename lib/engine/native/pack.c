// pack.c - weights in the order in which the kernels read them. A group's output channels are cut
// into panels of nearly equal numbers of vectors; a panel holds, for each weight of an output
// channel in the order of the sum (kernel row, kernel column, input channel), the vectors of its
// channels. Lanes behind the last channel are zeros.
#include "engine/native/native.h"

#include <string.h>

int32_t dogb_native_panel(const dogb_kernel *kernel, int32_t channels, int32_t most, int32_t index,
                          int32_t *first, int32_t *tail) {
    int32_t vectors = (channels + kernel->lanes - 1) / kernel->lanes;
    if (most == 0) {
        most = vectors % kernel->even == 0 ? kernel->even : kernel->most;
    }
    int32_t panels = (vectors + most - 1) / most;
    if (index >= panels) {
        return 0;
    }
    // The first vectors % panels panels have one vector more.
    int32_t each = vectors / panels;
    int32_t longer = vectors % panels;
    int32_t before = index * each + (index < longer ? index : longer);
    int32_t own = each + (index < longer);
    *first = before * kernel->lanes;
    int32_t left = channels - *first;
    *tail = left >= own * kernel->lanes ? kernel->lanes : left - (own - 1) * kernel->lanes;
    return own;
}

// Weight number `index` of an output channel, in the order of the sum, from torch's
// [out][in][row][column].
static int64_t source(const dogb_node *node, int64_t index, int64_t inputs) {
    int64_t area = (int64_t)node->kernel[0] * node->kernel[1];
    if (node->op == DOGB_OP_LINEAR) {
        return index;
    }
    int64_t channel = index % (inputs / area);
    int64_t place = index / (inputs / area);
    return channel * area + place;
}

// Two weights as bf16.
static void put_word(float *to, float low, float high) {
    const uint32_t word = dogb_bf16_of(low) | (uint32_t)dogb_bf16_of(high) << 16;
    memcpy(to, &word, sizeof word);
}

// The panel whose first channel's weights are `from`.
static void fill_panel(float *to, const dogb_layer *layer, const float *from, int64_t inputs,
                       int32_t width, int32_t valid) {
    const int64_t each = inputs / layer->taps;
    for (int64_t tap = 0; tap < layer->taps; tap++) {
        for (int64_t k = 0; k < each; k += layer->bf16 ? 2 : 1, to += width) {
            const int64_t at = source(layer->node, tap * each + k, inputs);
            const int pair = layer->bf16 && k + 1 < each;
            const int64_t next = pair ? source(layer->node, tap * each + k + 1, inputs) : 0;
            for (int32_t lane = 0; lane < valid; lane++) {
                const float *own = from + lane * inputs;
                if (layer->bf16) {
                    put_word(&to[lane], own[at], pair ? own[next] : 0.0f);
                } else {
                    to[lane] = own[at];
                }
            }
            for (int32_t lane = valid; lane < width; lane++) {
                to[lane] = 0.0f;
            }
        }
    }
}

// Vectors of a panel at most; 0: as the kernel likes it.
static int32_t most_of(const dogb_net *net, const dogb_layer *layer) {
    const int32_t most = layer->most;
    return layer->bf16 && (most == 0 || most > net->bf16->most) ? net->bf16->most : most;
}

int dogb_native_pack(dogb_packed *out, dogb_net *net, const dogb_layer *layer) {
    const dogb_kernel *kernel = net->kernel;
    const int32_t most = most_of(net, layer);
    const dogb_node *node = layer->node;
    int32_t groups = node->groups;
    int32_t channels = node->channels_out / groups;
    int64_t inputs = (int64_t)node->channels_in / groups * node->kernel[0] * node->kernel[1];
    int64_t each = inputs / layer->taps;
    int64_t words = layer->taps * (layer->bf16 ? (each + 1) / 2 : each);
    int64_t padded = (int64_t)(channels + kernel->lanes - 1) / kernel->lanes * kernel->lanes;
    float *packed =
        dogb_packing_take(&net->packing, &net->arena, (size_t)(padded * words * groups));
    float *biases = dogb_packing_take(&net->packing, &net->arena, (size_t)(padded * groups));
    const int fresh = net->packing.mapped == NULL;
    if (packed == NULL || biases == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    *out = (dogb_packed){.weights = packed,
                         .bias = biases,
                         .group_weights = padded * words,
                         .group_bias = padded,
                         .inputs = inputs,
                         .words = words / layer->taps,
                         .floats = padded * groups * (words + 1),
                         .channels = channels,
                         .most = most,
                         .bf16 = layer->bf16,
                         .floats_out = layer->floats_out,
                         .points = DOGB_PIXELS_MAX};
    for (int32_t g = 0; g < groups; g++) {
        int32_t first = 0;
        int32_t tail = 0;
        int32_t vectors = 0;
        for (int32_t p = 0;
             (vectors = dogb_native_panel(kernel, channels, most, p, &first, &tail)) > 0; p++) {
            int32_t valid = (vectors - 1) * kernel->lanes + tail;
            if (fresh) {
                fill_panel(packed + g * out->group_weights + first * words, layer,
                           layer->weights + ((int64_t)g * channels + first) * inputs, inputs,
                           vectors * kernel->lanes, valid);
            }
            out->panels = p + 1;
            out->points =
                kernel->pixels[vectors] < out->points ? kernel->pixels[vectors] : out->points;
        }
        for (int32_t c = 0; fresh && c < padded; c++) {
            biases[g * padded + c] = layer->bias == NULL || c >= channels
                                         ? 0.0f
                                         : layer->bias[(int64_t)g * channels + c];
        }
    }
    return DOGBREED_OK;
}

int dogb_native_pack_depthwise(dogb_packed *out, dogb_net *net, const dogb_node *node,
                               const float *weights, const float *bias) {
    int64_t area = (int64_t)node->kernel[0] * node->kernel[1];
    int32_t lanes = net->kernel->lanes;
    int64_t padded = (int64_t)(node->channels_out + lanes - 1) / lanes * lanes;
    float *packed = dogb_packing_take(&net->packing, &net->arena, (size_t)(padded * area));
    float *biases = dogb_packing_take(&net->packing, &net->arena, (size_t)padded);
    if (packed == NULL || biases == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int64_t c = 0; net->packing.mapped == NULL && c < padded; c++) {
        int valid = c < node->channels_out;
        for (int64_t tap = 0; tap < area; tap++) {
            packed[tap * padded + c] = valid ? weights[c * area + tap] : 0.0f;
        }
        biases[c] = valid && bias != NULL ? bias[c] : 0.0f;
    }
    *out = (dogb_packed){.weights = packed,
                         .bias = biases,
                         .inputs = area,
                         .floats = padded * (area + 1),
                         .channels = node->channels_out};
    return DOGBREED_OK;
}
