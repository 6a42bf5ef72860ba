// describe.c - a net's plan for people and tools: what each step joins, what it costs, where its
// value lies.
#include "engine/native/native.h"

#include "core/error.h"

enum { FLOAT_BYTES = (int)sizeof(float) };

static const struct {
    dogb_step_fn run;
    const char *name;
} kinds[] = {
    {dogb_step_block, "inverted residual"}, {dogb_step_conv, "panels"},
    {dogb_step_depthwise, "depthwise"},     {dogb_step_pool, "pool"},
    {dogb_step_simple, "elementwise"},      {dogb_step_front, "expansion and depthwise"},
    {dogb_step_winograd, "winograd"},       {dogb_step_elements, "elements"},
};

static const char *kind_of(const dogb_step *step) {
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].run == step->run) {
            return kinds[i].name;
        }
    }
    return "";
}

static const char *unit_of(const dogb_step *step) {
    return step->winograd > 0 ? "tiles" : step->by_panels ? "panels" : "rows";
}

static int add_shape(json_t *row, const char *key, const dogb_node *node) {
    json_t *shape = json_array();
    int rc = dogb_json_set(row, key, shape);
    for (int32_t i = 0; rc == DOGBREED_OK && i < node->rank; i++) {
        rc = dogb_json_add(shape, json_integer(node->shape[i]));
    }
    return rc;
}

// The nodes of a step in their order, each with the activation that is applied at its store.
static int add_nodes(json_t *row, const dogb_step *step) {
    json_t *nodes = json_array();
    int rc = dogb_json_set(row, "nodes", nodes);
    for (int32_t i = 0; rc == DOGBREED_OK && i < DOGB_PARTS && step->part[i] != NULL; i++) {
        const dogb_node *node = step->part[i];
        json_t *one = json_object();
        rc = dogb_json_add(nodes, one);
        rc = rc < 0 ? rc : dogb_json_set_text(one, "name", node->name);
        rc = rc < 0 ? rc : dogb_json_set_text(one, "op", dogb_op_name(node->op));
        rc = rc < 0
                 ? rc
                 : dogb_json_set_text(one, "activation",
                                      node->activation == 0 ? "" : dogb_op_name(node->activation));
    }
    return rc;
}

static int add_value(json_t *row, const dogb_value *value) {
    json_t *place = json_object();
    int64_t border = value->border * (value->pitch + value->stride);
    int rc = dogb_json_set(row, "value", place);
    rc = rc < 0 ? rc : dogb_json_set_int(place, "offset", (value->offset - border) * value->bytes);
    rc = rc < 0 ? rc
                : dogb_json_set_int(place, "bytes",
                                    (int64_t)value->channels * value->height * value->width *
                                        value->bytes);
    // More than the channels: it is written into a concatenation.
    return rc < 0 ? rc : dogb_json_set_int(place, "stride", value->stride * value->bytes);
}

static int add_step(json_t *steps, const dogb_net *net, const dogb_step *step, int64_t totals[2]) {
    const dogb_graph *graph = net->graph;
    json_t *row = json_object();
    int64_t work = 0;
    int64_t floats = 0;
    for (int32_t i = 0; i < DOGB_PARTS && step->part[i] != NULL; i++) {
        work += dogb_graph_multiply_adds(graph, (int32_t)(step->part[i] - graph->nodes));
        floats += step->packed[i].floats;
    }
    floats += step->scale == NULL ? 0 : 2 * (int64_t)step->part[0]->channels_in;
    totals[0] += work;
    totals[1] += floats * FLOAT_BYTES;
    int rc = dogb_json_add(steps, row);
    rc = rc < 0 ? rc : dogb_json_set_text(row, "kernel", kind_of(step));
    rc = rc < 0 ? rc : add_nodes(row, step);
    rc = rc < 0 ? rc : dogb_json_set_bool(row, "adds", step->residual >= 0);
    rc = rc < 0 ? rc : add_shape(row, "input", &graph->nodes[step->input % graph->node_count]);
    rc = rc < 0 ? rc : add_shape(row, "output", &graph->nodes[step->output % graph->node_count]);
    rc = rc < 0 ? rc : dogb_json_set_int(row, "multiply_adds", work);
    rc = rc < 0 ? rc : dogb_json_set_int(row, "weight_bytes", floats * FLOAT_BYTES);
    rc = rc < 0 ? rc : dogb_json_set_int(row, "scratch_bytes", step->scratch * FLOAT_BYTES);
    rc = rc < 0 ? rc : dogb_json_set_int(row, "units", step->units);
    rc = rc < 0 ? rc : dogb_json_set_text(row, "unit", unit_of(step));
    return rc < 0 ? rc : add_value(row, &net->values[step->output]);
}

int dogb_native_describe(const dogb_net *net, json_t *object) {
    int64_t totals[2] = {0, 0};
    json_t *steps = json_array();
    int rc = dogb_json_set(object, "steps", steps);
    for (int32_t i = 0; rc == DOGBREED_OK && i < net->step_count; i++) {
        rc = add_step(steps, net, &net->steps[i], totals);
    }
    rc = rc < 0 ? rc : dogb_json_set_int(object, "multiply_adds", totals[0]);
    rc = rc < 0 ? rc : dogb_json_set_int(object, "weight_bytes", totals[1]);
    rc = rc < 0 ? rc : dogb_json_set_int(object, "value_bytes", net->value_floats * FLOAT_BYTES);
    return rc < 0 ? rc
                  : dogb_json_set_int(object, "scratch_bytes", net->scratch_floats * FLOAT_BYTES);
}
