// int8.c - layers computed with integers: weights in words of 32 bits, and what becomes of sums.
// Which layers, decides plan.c.
#include "engine/native/native.h"

#include "core/error.h"

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

static int check_scales(const dogb_int8_layer *layer) {
    for (int32_t c = 0; c < layer->node->channels_out; c++) {
        if (!(layer->scales[c] >= 1e-12f && layer->scales[c] <= 1e9f)) {
            return dogb_fail(DOGBREED_ERROR_FORMAT,
                             "%s.weight_scale: element %d is %g, expected 1e-12 to 1e9",
                             layer->node->name, (int)c, (double)layer->scales[c]);
        }
    }
    return DOGBREED_OK;
}

// A layer while it is filled: its arrays by output channel, a group's rounded up to whole vectors.
typedef struct layer {
    const dogb_int8_layer *from;
    dogb_int8 *int8;
    float *scale;
    float *bias;
    int32_t *start;
    int32_t *words; // weights
    int64_t padded; // channels of a group
    int64_t taps;
} layer;

static int make(layer *l, dogb_net *net, int64_t words) {
    size_t channels = (size_t)(l->padded * l->from->node->groups);
    l->int8 = dogb_alloc(&net->arena, 1, sizeof *l->int8);
    l->scale = dogb_alloc(&net->arena, channels, sizeof *l->scale);
    l->bias = dogb_alloc(&net->arena, channels, sizeof *l->bias);
    l->start = dogb_alloc(&net->arena, channels, sizeof *l->start);
    l->words = dogb_alloc(&net->arena, (size_t)words + 1, sizeof *l->words);
    if (l->int8 == NULL || l->scale == NULL || l->bias == NULL || l->start == NULL ||
        l->words == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    l->int8->start = l->start;
    l->int8->finish.scale = l->scale;
    l->int8->finish.bias = l->bias;
    return DOGBREED_OK;
}

static int64_t padded_of(const dogb_net *net, int64_t channels) {
    return (channels + net->kernel->lanes - 1) / net->kernel->lanes * net->kernel->lanes;
}

static void fill_finish(layer *l) {
    const dogb_int8_layer *from = l->from;
    const dogb_node *node = from->node;
    const double step = from->store == DOGB_STORE_FLOATS ? 1.0 : node->step;
    const int32_t channels = node->channels_out / node->groups;
    dogb_finish *f = &l->int8->finish;
    for (int32_t c = 0; c < node->channels_out; c++) {
        int64_t at = c / channels * l->padded + c % channels;
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
    int32_t channel; // the first
    int32_t width;
    int32_t valid;
    int32_t reserved;
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

static void fill_panel(int32_t *to, int32_t *sums, const panel *p, int32_t group) {
    const int32_t bits = 32 / group;
    const uint32_t mask = (uint32_t)((1ull << bits) - 1);
    for (int64_t tap = 0; tap < p->taps; tap++) {
        for (int64_t k = 0; k < p->words; k++, to += p->width) {
            for (int32_t lane = 0; lane < p->valid; lane++) {
                uint32_t word = 0;
                for (int32_t i = 0; i < group && k * group + i < p->inputs; i++) {
                    int32_t weight = weight_at(p, tap, k * group + i, lane);
                    word |= ((uint32_t)weight & mask) << (i * bits);
                    sums[lane] += weight;
                }
                memcpy(&to[lane], &word, sizeof word);
            }
        }
    }
}

static void fill_group(dogb_packed *out, const dogb_net *net, const layer *l, int32_t group) {
    int32_t *start = l->start + group * l->padded;
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
                          .channel = group * out->channels + first,
                          .width = vectors * net->kernel->lanes,
                          .valid = (vectors - 1) * net->kernel->lanes + tail};
        fill_panel(l->words + group * out->group_weights + first * l->taps * at.words,
                   start + first, &at, net->int8->group);
        out->panels = p + 1;
        out->points = points < out->points ? points : out->points;
    }
    for (int32_t c = 0; c < out->channels; c++) {
        start[c] *= -l->from->in->zero;
    }
}

int dogb_int8_pack(dogb_packed *out, dogb_net *net, const dogb_int8_layer *from, int64_t taps,
                   int32_t most) {
    const dogb_node *node = from->node;
    const int32_t channels = node->channels_out / node->groups;
    const int64_t inputs = node->channels_in / node->groups * area_of(node);
    const int64_t words = (inputs / taps + net->int8->group - 1) / net->int8->group;
    layer l = {.from = from, .padded = padded_of(net, channels), .taps = taps};
    int rc = check_scales(from);
    if (rc < 0 || (rc = make(&l, net, l.padded * taps * words * node->groups)) < 0) {
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

// In depth floats count: whole numbers whose sums stay below 2^24 are exact.
int dogb_int8_pack_depthwise(dogb_packed *out, dogb_net *net, const dogb_int8_layer *from) {
    dogb_arena scratch = {0};
    const int64_t area = area_of(from->node);
    dogb_node flat = *from->node; // scale and bias lie without gaps
    flat.groups = 1;
    const dogb_int8_layer one = {.node = &flat,
                                 .in = from->in,
                                 .bias = from->bias,
                                 .scales = from->scales,
                                 .store = from->store};
    layer l = {.from = &one, .padded = padded_of(net, flat.channels_out)};
    int rc = check_scales(from);
    size_t count = (size_t)(flat.channels_out * area);
    float *weights = dogb_alloc(&scratch, count, sizeof *weights);
    if (rc == DOGBREED_OK) {
        rc = weights == NULL ? DOGBREED_ERROR_NO_MEMORY : make(&l, net, 0);
    }
    for (size_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        weights[i] = (float)whole(from->weights[i], from->scales[i / (size_t)area]);
    }
    if (rc == DOGBREED_OK) {
        rc = dogb_native_pack_depthwise(out, net, from->node, weights, NULL);
    }
    if (rc == DOGBREED_OK) {
        fill_finish(&l);
        out->int8 = l.int8;
    }
    dogb_arena_free(&scratch);
    return rc;
}

// From floats to elements: no weights.
int dogb_int8_pack_elements(dogb_packed *out, dogb_net *net, const dogb_node *value) {
    dogb_node unit = {.channels_out = (int32_t)value->shape[0],
                      .groups = 1,
                      .step = value->step,
                      .zero = value->zero};
    const dogb_int8_layer one = {.node = &unit};
    layer l = {.from = &one, .padded = padded_of(net, unit.channels_out)};
    int rc = make(&l, net, 0);
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

// One float as the kernels would have it.
int32_t dogb_int8_element(const dogb_node *node, float value) {
    float steps = value * (float)(1.0 / node->step);
    float low = (float)-node->zero;
    steps = steps > low ? steps : low;
    steps = steps < low + 255.0f ? steps : low + 255.0f;
    return (int32_t)rintf(steps) + node->zero;
}

void dogb_int8_put(const dogb_net *net, void *row, int64_t at, int32_t value) {
    if (net->int8->bytes == 1) {
        ((uint8_t *)row)[at] = (uint8_t)value;
    } else {
        ((int16_t *)row)[at] = (int16_t)value;
    }
}

void *dogb_int8_zeros(dogb_net *net, int64_t count, int32_t zero) {
    void *zeros = dogb_alloc(&net->arena, (size_t)count + 4, (size_t)net->int8->bytes);
    for (int64_t i = 0; zeros != NULL && i < count; i++) {
        dogb_int8_put(net, zeros, i, zero);
    }
    return zeros;
}

// `tiles` tiles of tile->pixels outputs, from output `at` on.
static void run_tiles(dogb_tile8 *tile, const dogb_net *net, const dogb_points *points,
                      int32_t vectors, int64_t channel, int64_t at, int64_t tiles) {
    const int64_t bytes =
        tile->finish.store == DOGB_STORE_ELEMENTS ? net->int8->bytes : (int64_t)sizeof(float);
    tile->tiles = tiles;
    tile->rows = points->rows + points->taps * at;
    tile->out = (char *)points->out + (channel + at * points->out_stride) * bytes;
    tile->residual = points->residual == NULL
                         ? NULL
                         : (const char *)points->residual +
                               (channel + at * points->residual_stride) * net->int8->bytes;
    net->int8->tiles[vectors](tile);
}

void dogb_int8_points(const dogb_net *net, const dogb_packed *packed, int32_t group,
                      const dogb_points *points) {
    const dogb_int8 *int8 = packed->int8;
    const int64_t tiles = (points->pixels + packed->points - 1) / packed->points;
    const int64_t each = points->pixels / tiles;
    const int64_t longer = points->pixels % tiles; // tiles that have one output more
    for (int32_t p = points->panel_from; p < points->panel_to; p++) {
        dogb_tile8 tile = {.taps = points->taps,
                           .words = int8->words,
                           .out_stride = points->out_stride,
                           .residual_stride = points->residual_stride,
                           .finish = int8->finish};
        int32_t first = 0;
        int32_t vectors =
            dogb_native_panel(net->kernel, packed->channels, packed->most, p, &first, &tile.tail);
        int64_t own = group * packed->group_bias + first;
        int64_t channel = points->whole ? 0 : (int64_t)group * packed->channels + first;
        tile.tail = points->whole ? net->kernel->lanes : tile.tail;
        tile.weights = (const int32_t *)(const void *)packed->weights +
                       group * packed->group_weights + first * points->taps * int8->words;
        tile.start = int8->start + own;
        tile.finish.scale += own;
        tile.finish.bias += own;
        tile.pixels = (int32_t)each + 1;
        run_tiles(&tile, net, points, vectors, channel, 0, longer);
        tile.pixels = (int32_t)each;
        run_tiles(&tile, net, points, vectors, channel, longer * (each + 1), tiles - longer);
    }
}
