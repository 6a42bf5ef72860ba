// int8.c - layers computed with integers at work: rows and panels of sums. Which layers, decides
// plan.c; their weights are int8_pack.c's.
#include "engine/native/native.h"

#include <math.h>

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

// One row of a depthwise layer, for channels from `first` on.
void dogb_int8_lines(const dogb_net *net, const dogb_packed *packed, const dogb_lines *lines,
                     int32_t first) {
    const int32_t *words = (const int32_t *)(const void *)packed->weights;
    dogb_finish finish = packed->int8->finish;
    finish.scale += 2 * (int64_t)first;
    finish.bias += 2 * (int64_t)first;
    words += 2 * (int64_t)first * dogb_pairs(lines->height, lines->width);
    net->int8->lines(lines, words, &finish);
}

// How often a tile fetches.
static int64_t runs_of(const dogb_tile8 *tile) {
    return tile->taps * (tile->words / DOGB_RUN_WORDS);
}

// `tiles` tiles of tile->pixels outputs, from output `at` on.
static void run_tiles(dogb_tile8 *tile, const dogb_net *net, const dogb_points *points,
                      int32_t vectors, int64_t channel, int64_t at, int64_t tiles) {
    const int64_t bytes = tile->finish.store == DOGB_STORE_ELEMENTS ? net->int8->bytes
                          : tile->finish.store == DOGB_STORE_SHORTS ? (int64_t)sizeof(int16_t)
                                                                    : (int64_t)sizeof(float);
    tile->tiles = tiles;
    tile->rows = points->rows + points->taps * at;
    tile->out = (char *)points->out + (channel + at * points->out_stride) * bytes;
    tile->residual = points->residual == NULL
                         ? NULL
                         : (const char *)points->residual +
                               (channel + at * points->residual_stride) * net->int8->bytes;
    net->int8->tiles[vectors](tile);
    tile->next += tiles * runs_of(tile) * tile->fetch * DOGB_FETCH_FLOATS;
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
        const int64_t size = points->taps * int8->words * vectors * net->kernel->lanes;
        tile.next = tile.weights + size;
        if (runs_of(&tile) > 0) {
            tile.fetch = size / DOGB_FETCH_FLOATS / (tiles * runs_of(&tile)) + 1;
        }
        tile.start = int8->start + own;
        tile.finish.scale += own;
        tile.finish.bias += own;
        tile.pixels = (int32_t)each + 1;
        run_tiles(&tile, net, points, vectors, channel, 0, longer);
        tile.pixels = (int32_t)each;
        run_tiles(&tile, net, points, vectors, channel, longer * (each + 1), tiles - longer);
    }
}
