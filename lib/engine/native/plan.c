// plan.c - from a folded graph to steps: what is fused, where values live, which kernels run.
#include "engine/native/plan.h"

#include "core/error.h"

#include <math.h>
#include <string.h>

enum {
    FEW_ROWS = 8,
    DEPTH_ROWS_MAX = 16,
    PANEL_FLOATS = 7 * 1024,   // rows of one panel of an inverted residual: in the first cache
    JOIN_CHANNELS = 8,         // fewer inputs than this: kernel columns are joined
    POINTS_FLOATS = 64 * 1024, // inputs of the points of a convolution that are worked on together
    POINTS_MIN = 48,
    POINTS_MAX = 128,
    BLOCK_FLOATS = 64 * 1024 // of an inverted residual's scratch: half of a small second cache
};

static const float *weight_of(const dogb_plan *p, const dogb_node *node, int32_t role) {
    for (int32_t i = node->first_param;
         p->weights != NULL && i < node->first_param + node->param_count; i++) {
        if (p->graph->params[i].role == role) {
            return p->weights[i];
        }
    }
    return NULL;
}

static int is_depthwise(const dogb_node *node) {
    return node->op == DOGB_OP_CONV2D && node->groups > 1 && node->groups == node->channels_in &&
           node->groups == node->channels_out && !node->residual;
}

static int is_pointwise(const dogb_node *node) {
    return node->op == DOGB_OP_CONV2D && node->groups == 1 && node->kernel[0] == 1 &&
           node->kernel[1] == 1 && node->stride[0] == 1 && node->stride[1] == 1 &&
           node->padding[0] == 0 && node->padding[1] == 0;
}

// --- inverted residuals

static void find_blocks(dogb_plan *p) {
    for (int32_t i = 1; i < p->graph->node_count; i++) {
        const dogb_node *node = &p->graph->nodes[i];
        if (!is_pointwise(node)) {
            continue;
        }
        int32_t depth = node->inputs[0];
        const dogb_node *middle = &p->graph->nodes[depth];
        if (!is_depthwise(middle) || p->uses[depth] != 1) {
            continue;
        }
        int32_t before = middle->inputs[0];
        const dogb_node *wide = &p->graph->nodes[before];
        // A projection of the block before is not this one's expansion.
        if (wide->op == DOGB_OP_CONV2D && wide->groups == 1 && !wide->residual &&
            p->uses[before] == 1 && p->inside[before] < 0 && middle->kernel[0] <= DEPTH_ROWS_MAX) {
            int32_t last = middle->shape[1] <= FEW_ROWS ? depth : i;
            p->inside[before] = last;
            p->inside[depth] = last;
            p->inside[last] = last;
        }
    }
}

// --- layers computed with integers or in bf16, and the values that they read

// Number of the elements of a node: its own value, or made of it.
static int32_t elements_of(const dogb_plan *p, int32_t node) {
    return dogb_plan_is_elements(p, node) ? node : p->graph->node_count + node;
}

static int fits(const dogb_plan *p, int32_t index) {
    const dogb_node *node = &p->graph->nodes[index];
    if (p->net->bf16 != NULL) {
        return node->op == DOGB_OP_CONV2D || node->op == DOGB_OP_LINEAR;
    }
    if (!dogb_int8_fits(node)) {
        return 0;
    }
    for (int32_t k = 0; k < node->input_count; k++) {
        if (!(p->graph->nodes[node->inputs[k]].step > 0)) {
            return 0;
        }
    }
    return 1;
}

// The projection that reads a depthwise part whose only reader it is.
static int32_t projection_of(const dogb_plan *p, int32_t depth) {
    int32_t i = depth + 1;
    while (p->graph->nodes[i].inputs[0] != depth) {
        i++;
    }
    return i;
}

static void find_elements(dogb_plan *p) {
    const dogb_graph *graph = p->graph;
    for (int32_t i = 1; p->net->element_bytes > 0 && i < graph->node_count; i++) {
        const dogb_node *node = &graph->nodes[i];
        int32_t first = i;
        if (p->inside[i] == i) {
            int32_t depth = is_depthwise(node) ? i : node->inputs[0];
            int32_t last = depth == i ? projection_of(p, i) : i;
            first = graph->nodes[depth].inputs[0];
            p->whole[i] = fits(p, first) && fits(p, depth) && fits(p, last);
        } else if (p->inside[i] < 0) {
            p->whole[i] = fits(p, i) && !is_depthwise(node);
        }
        if (p->whole[i]) {
            p->wanted[graph->nodes[first].inputs[0]]++;
            p->wanted[node->inputs[1 * node->residual]] += node->residual;
        }
    }
}

// --- steps

static int64_t taps_of(const dogb_step *step, int32_t part) {
    const dogb_node *node = step->part[part];
    return (int64_t)node->kernel[0] * (part == 0 && step->joined ? 1 : node->kernel[1]);
}

// Part of a step that computes with integers. `store` is how its results are kept.
static int pack_integers(dogb_plan *p, dogb_step *step, int32_t part, const dogb_node *node,
                         int32_t store, int32_t most) {
    const dogb_node *nodes = p->graph->nodes;
    const dogb_int8_layer layer = {.node = node,
                                   .in = &nodes[node->inputs[0]],
                                   .other = node->residual ? &nodes[node->inputs[1]] : NULL,
                                   .weights = weight_of(p, node, DOGB_ROLE_WEIGHT),
                                   .bias = weight_of(p, node, DOGB_ROLE_BIAS),
                                   .scales = weight_of(p, node, DOGB_ROLE_WEIGHT_SCALE),
                                   .store = store};
    if (part == 1) {
        return dogb_int8_pack_depthwise(&step->packed[1], p->net, &layer, &step->packed[0]);
    }
    const int64_t taps = taps_of(step, part);
    int rc = dogb_int8_pack(&step->packed[part], p->net, &layer, taps, most);
    if (rc == DOGBREED_OK && part == 0) {
        int64_t pixel = step->packed[0].inputs / taps;
        step->zeros = dogb_int8_zeros(p->net, pixel * node->groups, layer.in->zero);
        rc = step->zeros == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    }
    return rc;
}

// How the last part of a step keeps its results.
static int32_t store_of(const dogb_plan *p, int32_t node) {
    return dogb_plan_is_elements(p, node) ? DOGB_STORE_ELEMENTS : DOGB_STORE_FLOATS;
}

static int pack(dogb_plan *p, dogb_step *step, int32_t part, const dogb_node *node, int32_t most) {
    const int32_t index = (int32_t)(node - p->graph->nodes);
    step->part[part] = node;
    if (step->elements && p->net->int8 != NULL) {
        int32_t store = index == step->output ? store_of(p, index)
                        : part == 0           ? DOGB_STORE_SHORTS
                                              : DOGB_STORE_ELEMENTS;
        return pack_integers(p, step, part, node, store, most);
    }
    // In front of a depthwise part, which counts in floats, are floats.
    const dogb_layer layer = {.node = node,
                              .weights = weight_of(p, node, DOGB_ROLE_WEIGHT),
                              .bias = weight_of(p, node, DOGB_ROLE_BIAS),
                              .taps = taps_of(step, part),
                              .most = most,
                              .bf16 = step->elements,
                              .floats_out =
                                  index != step->output || !dogb_plan_is_elements(p, index)};
    return is_depthwise(node) ? dogb_native_pack_depthwise(&step->packed[part], p->net, node,
                                                           layer.weights, layer.bias)
                              : dogb_native_pack(&step->packed[part], p->net, &layer);
}

// The first convolution reads a picture with borders: the columns of its kernel are neighbours.
static int is_joined(const dogb_plan *p, const dogb_node *node) {
    return node->op == DOGB_OP_CONV2D && node->inputs[0] == 0 && p->uses[0] == 1 &&
           p->graph->nodes[0].rank == 3 && node->groups == 1 && node->dilation[1] == 1 &&
           node->channels_in <= JOIN_CHANNELS;
}

// Vectors of an expansion's panel: its rows should stay in the first cache.
static int32_t block_vectors(const dogb_plan *p, const dogb_step *step, int64_t rows) {
    const dogb_kernel *kernel = p->net->kernel;
    int64_t vector = rows * step->part[0]->shape[2] * kernel->lanes;
    int64_t fit = PANEL_FLOATS / vector;
    return fit < kernel->least ? kernel->least : fit > kernel->most ? kernel->most : (int32_t)fit;
}

static int32_t residual_of(const dogb_plan *p, const dogb_step *step, const dogb_node *node) {
    int32_t other = node->residual ? node->inputs[1] : -1;
    return step->elements && other >= 0 ? elements_of(p, other) : other;
}

// index: the projection, or the depthwise part of a block whose projection is a step of its own.
static int plan_block(dogb_plan *p, dogb_step *step, int32_t index) {
    const dogb_node *nodes = p->graph->nodes;
    const dogb_node *project = is_depthwise(&nodes[index]) ? NULL : &nodes[index];
    const dogb_node *depth = project == NULL ? &nodes[index] : &nodes[project->inputs[0]];
    const dogb_node *wide = &nodes[depth->inputs[0]];
    step->run = project == NULL ? dogb_step_front : dogb_step_block;
    step->input = step->elements ? elements_of(p, wide->inputs[0]) : wide->inputs[0];
    step->part[0] = wide;
    step->part[1] = depth;
    step->part[2] = project;
    step->joined = is_joined(p, wide);
    step->residual = project == NULL ? -1 : residual_of(p, step, project);
    step->group = depth->shape[1];
    dogb_block_memory memory = dogb_native_block_memory(p->net, step);
    while (project != NULL && memory.expanded + memory.convolved > BLOCK_FLOATS &&
           step->group > 1) {
        step->group--;
        memory = dogb_native_block_memory(p->net, step);
    }
    step->scratch = memory.pointers + memory.expanded + memory.convolved + memory.line;
    int64_t rows = (step->group - 1) * depth->stride[0] + depth->kernel[0];
    int rc = pack(p, step, 0, wide, block_vectors(p, step, rows));
    if (rc < 0 || (rc = pack(p, step, 1, depth, 0)) < 0) {
        return rc;
    }
    return project == NULL ? DOGBREED_OK : pack(p, step, 2, project, 0);
}

static int plan_conv(dogb_plan *p, dogb_step *step, const dogb_node *node) {
    step->joined = is_joined(p, node);
    step->input = step->elements ? elements_of(p, step->input) : step->input;
    int32_t size = step->elements ? 0 : dogb_native_winograd_size(p->net->kernel, node);
    if (size > 0) {
        return dogb_native_winograd_plan(step, p->net, node, weight_of(p, node, DOGB_ROLE_WEIGHT),
                                         weight_of(p, node, DOGB_ROLE_BIAS), size);
    }
    int rc = pack(p, step, 0, node, 0);
    if (rc < 0) {
        return rc;
    }
    if (is_depthwise(node)) {
        step->run = dogb_step_depthwise;
        step->scratch = step->packed[0].inputs * node->shape[2] * DOGB_POINTER;
        return rc;
    }
    step->run = dogb_step_conv;
    step->residual = residual_of(p, step, node);
    int64_t taps = node->op == DOGB_OP_LINEAR ? 1 : (int64_t)node->kernel[0] * node->kernel[1];
    step->group = POINTS_FLOATS / (step->packed[0].inputs / taps);
    step->group = step->group < POINTS_MIN ? POINTS_MIN : step->group;
    step->group = step->group > POINTS_MAX ? POINTS_MAX : step->group;
    step->sums = (taps * step->group * DOGB_POINTER + 15) / 16 * 16;
    step->scratch = step->sums + step->group * DOGB_VECTORS_MAX * DOGB_LANES_MAX;
    return rc;
}

static int plan_norm(dogb_plan *p, dogb_step *step, const dogb_node *node) {
    int64_t channels = node->channels_in;
    float *scale = dogb_packing_take(&p->net->packing, &p->net->arena, (size_t)channels);
    float *shift = dogb_packing_take(&p->net->packing, &p->net->arena, (size_t)channels);
    if (scale == NULL || shift == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    const float *gamma = weight_of(p, node, DOGB_ROLE_WEIGHT);
    const float *beta = weight_of(p, node, DOGB_ROLE_BIAS);
    const float *mean = weight_of(p, node, DOGB_ROLE_RUNNING_MEAN);
    const float *var = weight_of(p, node, DOGB_ROLE_RUNNING_VAR);
    for (int64_t c = 0; p->net->packing.mapped == NULL && c < channels; c++) {
        double factor = (double)gamma[c] / sqrt((double)var[c] + node->eps);
        scale[c] = (float)factor;
        shift[c] = (float)((double)beta[c] - (double)mean[c] * factor);
    }
    step->scale = scale;
    step->shift = shift;
    step->run = dogb_step_simple;
    return DOGBREED_OK;
}

static void plan_pool(const dogb_plan *p, dogb_step *step, const dogb_node *node) {
    const int64_t *in = p->graph->nodes[step->input].shape;
    int adaptive = node->op == DOGB_OP_ADAPTIVE_AVG_POOL; // a window may be the whole picture
    int64_t height = adaptive ? in[1] : node->kernel[0];
    int64_t width = adaptive ? in[2] : node->kernel[1];
    step->run = dogb_step_pool;
    step->sums = (height * width * DOGB_POINTER + 15) / 16 * 16;
    step->scratch = step->sums;
    if (height * width > DOGB_POOL_TAPS) {
        step->scratch += height * node->shape[0];
    }
}

static int plan_step(dogb_plan *p, dogb_step *step, int32_t index) {
    const dogb_node *node = &p->graph->nodes[index];
    *step = (dogb_step){.part = {node},
                        .input = node->inputs[0],
                        .residual = -1,
                        .output = index,
                        .elements = p->whole[index]};
    switch (node->op) {
    case DOGB_OP_CONV2D:
    case DOGB_OP_LINEAR:
        if (p->inside[index] == index) {
            return plan_block(p, step, index);
        }
        return plan_conv(p, step, node);
    case DOGB_OP_BATCH_NORM:
        return plan_norm(p, step, node);
    case DOGB_OP_MAX_POOL:
    case DOGB_OP_AVG_POOL:
    case DOGB_OP_ADAPTIVE_AVG_POOL:
        plan_pool(p, step, node);
        return DOGBREED_OK;
    default:
        step->run = dogb_step_simple;
        step->residual = node->op == DOGB_OP_ADD ? node->inputs[1] : -1;
        return DOGBREED_OK;
    }
}

// Elements of what a layer of floats made, when layers of elements read it.
static int plan_elements(dogb_plan *p, int32_t index) {
    dogb_net *net = p->net;
    const dogb_node *node = &p->graph->nodes[index];
    if (p->wanted[index] == 0 || dogb_plan_is_elements(p, index)) {
        return DOGBREED_OK;
    }
    dogb_step *step = &net->steps[net->step_count++];
    *step = (dogb_step){.run = dogb_step_elements,
                        .part = {node},
                        .input = index,
                        .residual = -1,
                        .output = elements_of(p, index),
                        .units = node->rank == 3 ? (int32_t)node->shape[1] : 1};
    return net->int8 == NULL ? DOGBREED_OK : dogb_int8_pack_elements(&step->packed[0], net, node);
}

static int plan_steps(dogb_plan *p) {
    dogb_net *net = p->net;
    net->steps = dogb_alloc(&net->arena, 2 * (size_t)p->graph->node_count, sizeof *net->steps);
    int rc = net->steps == NULL ? DOGBREED_ERROR_NO_MEMORY : plan_elements(p, 0);
    if (rc < 0) {
        return rc;
    }
    for (int32_t i = 1; i < p->graph->node_count; i++) {
        if (p->inside[i] >= 0 && p->inside[i] != i) {
            continue;
        }
        dogb_step *step = &net->steps[net->step_count];
        if ((rc = plan_step(p, step, i)) < 0) {
            return rc;
        }
        const dogb_node *last = &p->graph->nodes[i];
        int32_t rows = last->rank == 3 ? (int32_t)last->shape[1] : 1;
        step->by_panels =
            step->run == dogb_step_front || (step->run == dogb_step_conv && last->groups == 1 &&
                                             rows <= FEW_ROWS && step->packed[0].panels > rows / 2);
        if (step->units == 0) {
            step->units = step->by_panels ? step->packed[0].panels : rows;
        }
        net->scratch_floats =
            step->scratch > net->scratch_floats ? step->scratch : net->scratch_floats;
        net->step_count++;
        if ((rc = plan_elements(p, i)) < 0) {
            return rc;
        }
    }
    // The linear layers at the end, each reading the one before.
    net->tail = net->step_count;
    int32_t reader = p->graph->output;
    while (net->tail > 0) {
        const dogb_step *step = &net->steps[net->tail - 1];
        if (step->output != reader || step->part[0]->op != DOGB_OP_LINEAR ||
            p->uses[step->output] != 1) {
            break;
        }
        reader = step->input;
        net->tail--;
    }
    return DOGBREED_OK;
}

static int make_zeros(dogb_plan *p) {
    int64_t widest = 1;
    for (int32_t s = 0; s < p->net->step_count; s++) {
        for (int32_t part = 0; part < DOGB_PARTS; part++) {
            const dogb_packed *packed = &p->net->steps[s].packed[part];
            widest = packed->inputs > widest ? packed->inputs : widest;
            widest = packed->channels > widest ? packed->channels : widest;
        }
        if (p->net->steps[s].part[1] != NULL) { // a row of a panel
            const dogb_step *step = &p->net->steps[s];
            int64_t row = step->part[0]->shape[2] * DOGB_VECTORS_MAX * DOGB_LANES_MAX;
            widest = row > widest ? row : widest;
        }
    }
    p->net->zeros = dogb_alloc(&p->net->arena, (size_t)widest, sizeof *p->net->zeros);
    for (int32_t s = 0; s < p->net->step_count; s++) {
        dogb_step *step = &p->net->steps[s];
        step->zeros = step->zeros == NULL ? p->net->zeros : step->zeros;
    }
    return p->net->zeros == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

static int prepare(dogb_plan *p) {
    size_t nodes = (size_t)p->graph->node_count;
    size_t count = (size_t)dogb_plan_values(p);
    p->uses = dogb_alloc(&p->scratch, nodes, sizeof *p->uses);
    p->inside = dogb_alloc(&p->scratch, nodes, sizeof *p->inside);
    p->whole = dogb_alloc(&p->scratch, nodes, sizeof *p->whole);
    p->wanted = dogb_alloc(&p->scratch, nodes, sizeof *p->wanted);
    p->owner = dogb_alloc(&p->scratch, count, sizeof *p->owner);
    p->size = dogb_alloc(&p->scratch, count, sizeof *p->size);
    p->place = dogb_alloc(&p->scratch, count, sizeof *p->place);
    p->birth = dogb_alloc(&p->scratch, count, sizeof *p->birth);
    p->death = dogb_alloc(&p->scratch, count, sizeof *p->death);
    p->net->values = dogb_alloc(&p->net->arena, count, sizeof *p->net->values);
    if (p->uses == NULL || p->inside == NULL || p->whole == NULL || p->wanted == NULL ||
        p->place == NULL || p->owner == NULL || p->size == NULL || p->birth == NULL ||
        p->death == NULL || p->net->values == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; i < p->graph->node_count; i++) {
        dogb_node *node = &p->net->graph->nodes[i];
        if (node->op == DOGB_OP_LINEAR) { // a convolution of one pixel
            node->kernel[0] = node->kernel[1] = 1;
            node->stride[0] = node->stride[1] = 1;
            node->dilation[0] = node->dilation[1] = 1;
            node->groups = 1;
        }
        p->inside[i] = -1;
        for (int32_t k = 0; k < node->input_count; k++) {
            p->uses[node->inputs[k]]++;
        }
    }
    p->uses[p->graph->output]++;
    return DOGBREED_OK;
}

static void make_levels(dogb_net *net) {
    for (int32_t c = 0; c < 3; c++) {
        for (int32_t level = 0; level < 256; level++) {
            net->levels[c][level] =
                ((float)level / 255.0f - net->graph->mean[c]) / net->graph->deviation[c];
        }
    }
}

int dogb_native_plan(dogb_net *net, const void *const *weights) {
    dogb_plan p = {.net = net, .graph = net->graph, .weights = weights};
    int rc = prepare(&p);
    if (rc == DOGBREED_OK) {
        if (!net->observed) {
            find_blocks(&p);
        }
        find_elements(&p);
        rc = plan_steps(&p);
    }
    if (rc == DOGBREED_OK) {
        make_levels(net);
        dogb_plan_place(&p);
        rc = make_zeros(&p);
    }
    if (rc == DOGBREED_OK && dogb_plan_is_elements(&p, 0)) {
        rc = dogb_native_lookup(net);
    }
    dogb_arena_free(&p.scratch);
    return rc;
}
