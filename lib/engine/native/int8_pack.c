// int8_pack.c - layers computed with integers: their weights in words of 32 bits, and what becomes
// of sums, in the order in which the kernels have output channels.
#include "engine/native/native.h"

#include <math.h>
#include <string.h>

enum { SUM_INPUTS_MAX = 60000 }; // products of 255 and 127 whose sum stays below 2^31

static int64_t area_of(const dogb_node *node) {
    return node->op == DOGB_OP_LINEAR ? 1 : (int64_t)node->kernel[0] * node->kernel[1];
}

int dogb_int8_fits(const dogb_node *node) {
    return node->op == DOGB_OP_CONV2D && node->int8 && node->step > 0 &&
           area_of(node) * (node->channels_in / node->groups) <= SUM_INPUTS_MAX;
}

// A float weight as the whole number that it is a multiple of.
static int32_t whole(float weight, float scale) {
    float number = rintf(weight / scale);
    return !(number >= -127.0f) ? -127 : number > 127.0f ? 127 : (int32_t)number;
}

// A layer while it is filled: its arrays by place, in the kernels' order of output channels, a
// group's rounded up to whole vectors.
typedef struct layer {
    const dogb_int8_layer *from;
    dogb_int8 *int8;
    float *scale;
    float *bias;
    int32_t *start;
    int32_t *words; // weights
    int32_t *place; // by output channel
    int64_t padded; // places of a group
    int64_t taps;
} layer;

static int make(layer *l, dogb_net *net, int64_t words, int32_t groups) {
    size_t channels = (size_t)(l->padded * groups);
    l->int8 = dogb_alloc(&net->arena, 1, sizeof *l->int8);
    l->scale = dogb_alloc(&net->arena, channels, sizeof *l->scale);
    l->bias = dogb_alloc(&net->arena, channels, sizeof *l->bias);
    l->start = dogb_alloc(&net->arena, channels, sizeof *l->start);
    l->words = dogb_alloc(&net->arena, (size_t)words + 1, sizeof *l->words);
    l->place = dogb_alloc(&net->arena, (size_t)l->from->node->channels_out, sizeof *l->place);
    if (l->int8 == NULL || l->scale == NULL || l->bias == NULL || l->start == NULL ||
        l->words == NULL || l->place == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    l->int8->start = l->start;
    l->int8->finish.scale = l->scale;
    l->int8->finish.bias = l->bias;
    const int32_t own = l->from->node->channels_out / groups;
    for (int32_t c = 0; c < own * groups; c++) {
        l->place[c] = (int32_t)(c / own * l->padded + c % own);
    }
    return DOGBREED_OK;
}

static int64_t padded_of(const dogb_net *net, int64_t channels) {
    return (channels + net->kernel->lanes - 1) / net->kernel->lanes * net->kernel->lanes;
}

static void fill_finish(layer *l) {
    const dogb_int8_layer *from = l->from;
    const dogb_node *node = from->node;
    const double step = from->store == DOGB_STORE_FLOATS ? 1.0 : node->step;
    dogb_finish *f = &l->int8->finish;
    for (int32_t c = 0; c < node->channels_out; c++) {
        int32_t at = l->place[c];
        l->scale[at] = (float)(from->in->step * (double)from->scales[c] / step);
        l->bias[at] = from->bias == NULL ? 0.0f : (float)((double)from->bias[c] / step);
    }
    dogb_native_limits(node->activation, &f->low, &f->high);
    f->high = (float)((double)f->high / step);
    if (from->store != DOGB_STORE_FLOATS) {
        f->low = fmaxf(f->low, (float)-node->zero);
        f->high = fminf(f->high, (float)(255 - node->zero));
    }
    f->zero = node->zero;
    f->store = from->store;
    if (from->other != NULL) {
        f->other_scale = (float)(from->other->step / step);
        f->other_zero = from->other->zero;
    }
}

// One panel: [taps][words][width], each word `group` neighbouring weights of one output channel.
typedef struct panel {
    const dogb_int8_layer *layer;
    int64_t taps;
    int64_t inputs; // of a tap
    int64_t words;
    const int32_t *place; // by output channel
    int32_t channel;      // the first
    int32_t width;
    int32_t valid;
    int32_t first; // place
} panel;

static int32_t weight_at(const panel *p, int64_t tap, int64_t input, int32_t lane) {
    const dogb_node *node = p->layer->node;
    const int64_t area = area_of(node);
    const int64_t index = tap * p->inputs + input; // in the order row, column, channel
    const int64_t channels = p->taps * p->inputs / area;
    const int64_t channel = p->channel + lane;
    const float *from = p->layer->weights + channel * area * channels;
    return whole(from[index % channels * area + index / channels], p->layer->scales[channel]);
}

// sums: of the weights, by place.
static void fill_panel(int32_t *to, int32_t *sums, const panel *p, int32_t group) {
    const int32_t *places = p->place + p->channel;
    const int32_t bits = 32 / group;
    const uint32_t mask = (uint32_t)((1ull << bits) - 1);
    for (int64_t tap = 0; tap < p->taps; tap++) {
        for (int64_t k = 0; k < p->words; k++, to += p->width) {
            for (int32_t lane = 0; lane < p->valid; lane++) {
                uint32_t word = 0;
                for (int32_t i = 0; i < group && k * group + i < p->inputs; i++) {
                    int32_t weight = weight_at(p, tap, k * group + i, lane);
                    word |= ((uint32_t)weight & mask) << (i * bits);
                    sums[places[lane]] += weight;
                }
                memcpy(&to[places[lane] - p->first], &word, sizeof word);
            }
        }
    }
}

// Places of a panel's channels: whole blocks of two vectors, then an odd vector.
static void place_panel(int32_t *place, const panel *p, int32_t lanes) {
    for (int32_t c = 0; c < p->valid; c++) {
        int32_t block = c / (2 * lanes) * 2 * lanes;
        int32_t own = block + 2 * lanes > p->width ? c - block : dogb_block_place(c - block, lanes);
        place[p->channel + c] = p->first + block + own;
    }
}

static void fill_group(dogb_packed *out, const dogb_net *net, const layer *l, int32_t group) {
    const int32_t base = (int32_t)(group * l->padded);
    int32_t first = 0;
    int32_t tail = 0;
    int32_t vectors = 0;
    for (int32_t p = 0;
         (vectors = dogb_native_panel(net->kernel, out->channels, out->most, p, &first, &tail)) > 0;
         p++) {
        const int32_t points = net->int8->pixels[vectors];
        const panel at = {.layer = l->from,
                          .taps = l->taps,
                          .inputs = out->inputs / l->taps,
                          .words = l->int8->words,
                          .place = l->place,
                          .channel = group * out->channels + first,
                          .first = base + first,
                          .width = vectors * net->kernel->lanes,
                          .valid = (vectors - 1) * net->kernel->lanes + tail};
        place_panel(l->place, &at, net->kernel->lanes);
        fill_panel(l->words + group * out->group_weights + first * l->taps * at.words, l->start,
                   &at, net->int8->group);
        out->panels = p + 1;
        out->points = points < out->points ? points : out->points;
    }
    for (int64_t i = base; i < base + l->padded; i++) {
        l->start[i] *= -l->from->in->zero;
    }
}

int dogb_int8_pack(dogb_packed *out, dogb_net *net, const dogb_int8_layer *from, int64_t taps,
                   int32_t most) {
    const dogb_node *node = from->node;
    const int32_t channels = node->channels_out / node->groups;
    const int64_t inputs = node->channels_in / node->groups * area_of(node);
    const int64_t words = (inputs / taps + net->int8->group - 1) / net->int8->group;
    layer l = {.from = from, .padded = padded_of(net, channels), .taps = taps};
    int rc = make(&l, net, l.padded * taps * words * node->groups, node->groups);
    if (rc < 0) {
        return rc;
    }
    l.int8->words = words;
    *out = (dogb_packed){.int8 = l.int8,
                         .weights = (const float *)(const void *)l.words,
                         .group_weights = l.padded * taps * words,
                         .group_bias = l.padded,
                         .inputs = inputs,
                         .floats = l.padded * node->groups * (taps * words + 3),
                         .channels = channels,
                         .most = most == 0 || most > net->int8->most ? net->int8->most : most,
                         .points = DOGB_PIXELS_MAX};
    for (int32_t g = 0; g < node->groups; g++) {
        fill_group(out, net, &l, g);
    }
    fill_finish(&l);
    return DOGBREED_OK;
}

// Places of the channels that the panels of `wide` hand on: blocks of two vectors, twice as many as
// vectors, so that a panel's begin at twice its first channel.
static void place_blocks(int32_t *place, const dogb_net *net, const dogb_packed *wide) {
    const int32_t lanes = net->kernel->lanes;
    int32_t first = 0;
    int32_t tail = 0;
    int32_t vectors = 0;
    for (int32_t p = 0; (vectors = dogb_native_panel(net->kernel, wide->channels, wide->most, p,
                                                     &first, &tail)) > 0;
         p++) {
        for (int32_t c = 0; c < (vectors - 1) * lanes + tail; c++) {
            int32_t block = c / (2 * lanes) * 2 * lanes;
            place[first + c] = 2 * first + block + dogb_block_place(c - block, lanes);
        }
    }
}

// Words of two taps: [blocks][pairs][block].
static void fill_pairs(const layer *l, int32_t block) {
    const dogb_node *node = l->from->node;
    const int64_t area = area_of(node);
    const int32_t pairs = dogb_pairs(node->kernel[0], node->kernel[1]);
    for (int32_t c = 0; c < node->channels_out; c++) {
        int32_t *to = l->words + (int64_t)(l->place[c] / block) * block * pairs;
        for (int32_t i = 0; i < pairs; i++) {
            int32_t taps[2];
            uint32_t word = 0;
            dogb_pair(taps, node->kernel[0], node->kernel[1], i);
            for (int32_t k = 0; k < 2 && taps[k] >= 0; k++) {
                int32_t weight = whole(l->from->weights[c * area + taps[k]], l->from->scales[c]);
                word |= ((uint32_t)weight & 0xffffu) << (16 * k);
            }
            memcpy(&to[(int64_t)i * block + l->place[c] % block], &word, sizeof word);
        }
    }
}

int dogb_int8_pack_depthwise(dogb_packed *out, dogb_net *net, const dogb_int8_layer *from,
                             const dogb_packed *wide) {
    const int32_t pairs = dogb_pairs(from->node->kernel[0], from->node->kernel[1]);
    const int64_t padded = padded_of(net, from->node->channels_out);
    layer l = {.from = from, .padded = 2 * padded};
    int rc = make(&l, net, l.padded * pairs, 1);
    if (rc < 0) {
        return rc;
    }
    place_blocks(l.place, net, wide);
    fill_pairs(&l, 2 * net->kernel->lanes);
    fill_finish(&l);
    *out = (dogb_packed){.int8 = l.int8,
                         .weights = (const float *)(const void *)l.words,
                         .bias = l.bias,
                         .inputs = area_of(from->node),
                         .floats = padded * (pairs + 2),
                         .channels = from->node->channels_out};
    return DOGBREED_OK;
}

// From floats to elements: no weights.
int dogb_int8_pack_elements(dogb_packed *out, dogb_net *net, const dogb_node *value) {
    dogb_node unit = {.channels_out = (int32_t)value->shape[0],
                      .groups = 1,
                      .step = value->step,
                      .zero = value->zero};
    const dogb_int8_layer one = {.node = &unit};
    layer l = {.from = &one, .padded = padded_of(net, unit.channels_out)};
    int rc = make(&l, net, 0, 1);
    for (int64_t c = 0; rc == DOGBREED_OK && c < unit.channels_out; c++) {
        l.scale[c] = (float)(1.0 / value->step);
    }
    if (rc == DOGBREED_OK) {
        l.int8->finish.low = (float)-value->zero;
        l.int8->finish.high = (float)(255 - value->zero);
        l.int8->finish.zero = value->zero;
        *out = (dogb_packed){.int8 = l.int8};
    }
    return rc;
}
