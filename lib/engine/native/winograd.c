// winograd.c - convolutions of 3 x 3 with stride 1 by Winograd's way: each tile of outputs costs
// one product per place of its transformed pixels instead of nine per output. Tiles are taken in
// groups: pixels are transformed, each place is a product of panels with the group's tiles, and the
// products are transformed back with bias, residual and activation.
#include "engine/native/native.h"

#include "core/error.h"

#include <stddef.h>

enum {
    SIZE_SMALL = 4,
    SIZE_LARGE = 6,
    GROUP_MAX = 64,         // tiles
    GROUP_MIN = 16,         //
    GROUP_FLOATS = 1 << 18, // of transformed pixels and products, unless that is below GROUP_MIN
    TILES_MIN = 32          // fewer: the weights, more than for the plain way, are read too seldom
};

// Transforms of the kernel's rows: G of F(2 x 2, 3 x 3) and F(4 x 4, 3 x 3).
static const double transform_4[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
static const double transform_6[6][3] = {{1.0 / 4, 0, 0},
                                         {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                         {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                         {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                         {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                         {0, 0, 1}};

static int32_t tiles_of(int64_t outputs, int32_t size) {
    return (int32_t)((outputs + size - 3) / (size - 2));
}

static int32_t all_tiles(const dogb_node *node, int32_t size) {
    return tiles_of(node->shape[1], size) * tiles_of(node->shape[2], size);
}

// Size of the tiles that cost least; 0: the plain way.
int32_t dogb_native_winograd_size(const dogb_kernel *kernel, const dogb_node *node) {
    int plain = node->op == DOGB_OP_CONV2D && node->groups == 1 && node->kernel[0] == 3 &&
                node->kernel[1] == 3 && node->stride[0] == 1 && node->stride[1] == 1 &&
                node->dilation[0] == 1 && node->dilation[1] == 1 &&
                node->channels_in % kernel->lanes == 0 && node->channels_out % kernel->lanes == 0 &&
                node->channels_in >= 2 * kernel->lanes;
    static const int32_t sizes[] = {SIZE_SMALL, SIZE_LARGE};
    int32_t best = 0;
    int64_t least = 9 * node->shape[1] * node->shape[2]; // products of the plain way
    for (size_t i = 0; plain && i < sizeof sizes / sizeof sizes[0]; i++) {
        int64_t tiles = all_tiles(node, sizes[i]);
        int64_t products = tiles * sizes[i] * sizes[i];
        if (tiles >= TILES_MIN && products < least) {
            least = products;
            best = sizes[i];
        }
    }
    return best;
}

// Weights of a place as a kernel of 1 x 1: [out][in].
static void transform(float *to, const float *from, int64_t count, int32_t size, int32_t row,
                      int32_t column) {
    const double *left = size == 4 ? transform_4[row] : transform_6[row];
    const double *right = size == 4 ? transform_4[column] : transform_6[column];
    for (int64_t i = 0; i < count; i++, from += 9) {
        double sum = 0;
        for (int32_t y = 0; y < 3; y++) {
            for (int32_t x = 0; x < 3; x++) {
                sum += left[y] * right[x] * (double)from[y * 3 + x];
            }
        }
        to[i] = (float)sum;
    }
}

// Products of a place are a convolution of 1 x 1: the places are groups of one such.
static int pack(dogb_packed *out, dogb_net *net, const dogb_node *node, const float *weights,
                int32_t size) {
    dogb_arena arena = {0};
    int64_t count = (int64_t)node->channels_in * node->channels_out;
    int32_t places = size * size;
    float *all = NULL;
    if (net->packing.mapped == NULL) {
        all = dogb_alloc_raw(&arena, (size_t)(count * places), sizeof *all);
        if (all == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        for (int32_t i = 0; i < places; i++) {
            transform(all + i * count, weights, count, size, i / size, i % size);
        }
    }
    dogb_node product = *node;
    product.kernel[0] = product.kernel[1] = 1;
    product.groups = places;
    product.channels_in *= places;
    product.channels_out *= places;
    int rc = dogb_native_pack(out, net, &(dogb_layer){.node = &product, .weights = all, .taps = 1});
    dogb_arena_free(&arena);
    return rc;
}

// Pointers of a group, and its transformed pixels and products.
typedef struct memory {
    int64_t in;       // pointers to pixels
    int64_t out;      // to outputs
    int64_t residual; //
    int64_t rows;     // of a product
    int64_t pixels;
    int64_t products;
    int64_t end;
} memory;

static memory lay_out(const dogb_node *node, int32_t size, int64_t group) {
    int64_t places = (int64_t)size * size;
    int64_t outputs = (int64_t)(size - 2) * (size - 2);
    memory m = {0};
    m.out = m.in + places * group * DOGB_POINTER;
    m.residual = m.out + outputs * group * DOGB_POINTER;
    m.rows = m.residual + outputs * group * DOGB_POINTER;
    m.pixels = (m.rows + group * DOGB_POINTER + 15) / 16 * 16;
    m.products = m.pixels + places * group * node->channels_in;
    m.end = m.products + places * group * node->channels_out;
    return m;
}

int dogb_native_winograd_plan(dogb_step *step, dogb_net *net, const dogb_node *node,
                              const float *weights, const float *bias, int32_t size) {
    const int64_t tile = (int64_t)size * size * (node->channels_in + node->channels_out);
    float *own = dogb_packing_take(&net->packing, &net->arena, (size_t)node->channels_out);
    if (own == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t c = 0; net->packing.mapped == NULL && c < node->channels_out; c++) {
        own[c] = bias == NULL ? 0.0f : bias[c];
    }
    step->run = dogb_step_winograd;
    step->bias = own;
    step->residual = node->residual ? node->inputs[1] : -1;
    step->winograd = size;
    step->units = all_tiles(node, size);
    step->group = GROUP_FLOATS / tile;
    step->group = step->group < GROUP_MIN ? GROUP_MIN : step->group;
    step->group = step->group > GROUP_MAX ? GROUP_MAX : step->group;
    step->scratch = lay_out(node, size, step->group).end;
    return pack(&step->packed[0], net, node, weights, size);
}

// Where the pixels and outputs of tile `index` lie.
static void point(const dogb_pass *pass, const dogb_step *step, int64_t index, const float **in,
                  float **out, const float **residual) {
    const dogb_net *net = pass->net;
    const dogb_node *node = step->part[0];
    const dogb_value *from = &net->values[step->input];
    const dogb_value *to = &net->values[step->output];
    const int32_t size = step->winograd;
    const int64_t across = tiles_of(to->width, size);
    const int64_t y = index / across * (size - 2);
    const int64_t x = index % across * (size - 2);
    for (int64_t iy = y - node->padding[0]; iy < y - node->padding[0] + size; iy++) {
        for (int64_t ix = x - node->padding[1]; ix < x - node->padding[1] + size; ix++) {
            int inside = iy >= 0 && iy < from->height && ix >= 0 && ix < from->width;
            *in++ = inside ? pass->values + from->offset + iy * from->pitch + ix * from->stride
                           : net->zeros;
        }
    }
    const dogb_value *other = step->residual < 0 ? NULL : &net->values[step->residual];
    for (int64_t oy = y; oy < y + size - 2; oy++) {
        for (int64_t ox = x; ox < x + size - 2; ox++) {
            int inside = oy < to->height && ox < to->width;
            *out++ = inside ? pass->values + to->offset + oy * to->pitch + ox * to->stride : NULL;
            *residual++ = inside && other != NULL ? pass->values + other->offset +
                                                        oy * other->pitch + ox * other->stride
                                                  : NULL;
        }
    }
}

static void run_group(const dogb_pass *pass, const dogb_step *step, int64_t from, int64_t tiles,
                      float *scratch) {
    const dogb_kernel *kernel = pass->net->kernel;
    const dogb_node *node = step->part[0];
    const dogb_packed *packed = &step->packed[0];
    const int32_t size = step->winograd;
    const memory m = lay_out(node, size, step->group);
    const float **in = (const float **)(void *)(scratch + m.in);
    float **out = (float **)(void *)(scratch + m.out);
    const float **residual = (const float **)(void *)(scratch + m.residual);
    const void **rows = (const void **)(void *)(scratch + m.rows);
    for (int64_t i = 0; i < tiles; i++) {
        int64_t outputs = (int64_t)(size - 2) * (size - 2);
        point(pass, step, from + i, in + i * size * size, out + i * outputs,
              residual + i * outputs);
    }
    dogb_winograd w = {.in = in,
                       .out = out,
                       .residual = residual,
                       .sums = scratch + m.pixels,
                       .bias = step->bias,
                       .tiles = tiles,
                       .channels = node->channels_in,
                       .plane = tiles * node->channels_in,
                       .size = size};
    kernel->winograd_spread(&w);
    dogb_points points = {.rows = rows,
                          .taps = 1,
                          .channels = node->channels_in,
                          .pixels = tiles,
                          .out_stride = node->channels_out,
                          .panel_to = packed->panels};
    for (int32_t place = 0; place < size * size; place++) {
        // A group's channels lie behind those of the groups before it.
        points.out = scratch + m.products + place * (tiles - 1) * node->channels_out;
        for (int64_t i = 0; i < tiles; i++) {
            rows[i] = w.sums + place * w.plane + i * node->channels_in;
        }
        dogb_native_points(pass->net, packed, place, &points, 0);
    }
    w.sums = scratch + m.products;
    w.channels = node->channels_out;
    w.plane = tiles * node->channels_out;
    dogb_native_limits(node->activation, &w.low, &w.high);
    kernel->winograd_gather(&w);
}

void dogb_step_winograd(const dogb_pass *pass, const dogb_step *step, int64_t from, int64_t to,
                        float *scratch) {
    int64_t groups = (to - from + step->group - 1) / step->group;
    for (int64_t i = 0; i < groups; i++) {
        int64_t first = from + (to - from) * i / groups;
        int64_t end = from + (to - from) * (i + 1) / groups;
        run_group(pass, step, first, end - first, scratch);
    }
}
