// graph_json.c - a graph as JSON: the "dogbreed.graph" member of model files. One table says which
// members an operation has; everything read is checked as a builder's call is, so a hostile file
// costs an error.
#include "graph/graph_internal.h"

#include "core/error.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MEMBER_INT, MEMBER_PAIR, MEMBER_REAL, MEMBER_SWITCH, MEMBER_ACTIVATION };

typedef struct member {
    const char *name;
    int32_t type;
    uint32_t ops; // 1 << dogb_op: those that have it
    size_t offset;
    int32_t missing; // value when the member is absent; written only when it differs
    int32_t reserved;
} member;

#define OP(name) (1u << DOGB_OP_##name)
#define WINDOWS (OP(CONV2D) | OP(MAX_POOL) | OP(AVG_POOL))
#define POOLS (OP(MAX_POOL) | OP(AVG_POOL))
#define WEIGHTS (OP(CONV2D) | OP(LINEAR))
#define ALL ((1u << DOGB_OP_COUNT) - 1)
enum { REQUIRED = INT32_MIN };

static const member members[] = {
    {"out", MEMBER_INT, WEIGHTS, offsetof(dogb_node, channels_out), REQUIRED, 0},
    {"kernel", MEMBER_PAIR, WINDOWS | OP(ADAPTIVE_AVG_POOL), offsetof(dogb_node, kernel), REQUIRED,
     0},
    {"stride", MEMBER_PAIR, WINDOWS, offsetof(dogb_node, stride), 1, 0},
    {"padding", MEMBER_PAIR, WINDOWS, offsetof(dogb_node, padding), 0, 0},
    {"dilation", MEMBER_PAIR, OP(CONV2D), offsetof(dogb_node, dilation), 1, 0},
    {"groups", MEMBER_INT, OP(CONV2D), offsetof(dogb_node, groups), 1, 0},
    {"bias", MEMBER_SWITCH, WEIGHTS, offsetof(dogb_node, has_bias), 0, 0},
    {"ceil_mode", MEMBER_SWITCH, POOLS, offsetof(dogb_node, ceil_mode), 0, 0},
    {"count_pad", MEMBER_SWITCH, OP(AVG_POOL), offsetof(dogb_node, count_pad), 0, 0},
    {"activation", MEMBER_ACTIVATION, WEIGHTS, offsetof(dogb_node, activation), 0, 0},
    {"residual", MEMBER_SWITCH, OP(CONV2D), offsetof(dogb_node, residual), 0, 0},
    {"eps", MEMBER_REAL, OP(BATCH_NORM), offsetof(dogb_node, eps), REQUIRED, 0},
    {"momentum", MEMBER_REAL, OP(BATCH_NORM), offsetof(dogb_node, momentum), REQUIRED, 0},
    {"p", MEMBER_REAL, OP(DROPOUT), offsetof(dogb_node, p), REQUIRED, 0},
    {"step", MEMBER_REAL, ALL, offsetof(dogb_node, step), 0, 0},
    {"zero", MEMBER_INT, ALL, offsetof(dogb_node, zero), 0, 0},
    {"int8", MEMBER_SWITCH, WEIGHTS, offsetof(dogb_node, int8), 0, 0},
};
enum { MEMBER_COUNT = sizeof members / sizeof members[0] };

static const char *const init_names[] = {
    "zero", "one", "kaiming_normal", "kaiming_uniform", "normal", "uniform_fan_in"};
enum { INIT_COUNT = sizeof init_names / sizeof init_names[0] };

// --- writing

static json_t *ints(const int64_t *values, int32_t count) {
    json_t *array = json_array();
    for (int32_t i = 0; array != NULL && i < count; i++) {
        if (json_array_append_new(array, json_integer(values[i])) != 0) {
            json_decref(array);
            array = NULL;
        }
    }
    return array;
}

static int set_member(json_t *object, const dogb_node *node, const member *row) {
    const void *field = (const char *)node + row->offset;
    int32_t value[2] = {0, 0};
    if (row->type == MEMBER_REAL) {
        double real = 0;
        memcpy(&real, field, sizeof real);
        if (row->missing != REQUIRED && real == 0) {
            return DOGBREED_OK;
        }
        return dogb_json_set_real(object, row->name, real);
    }
    memcpy(value, field, row->type == MEMBER_PAIR ? sizeof value : sizeof value[0]);
    if (value[0] == row->missing && (row->type != MEMBER_PAIR || value[1] == row->missing)) {
        return DOGBREED_OK;
    }
    switch (row->type) {
    case MEMBER_PAIR:
        return dogb_json_set(object, row->name, ints((int64_t[]){value[0], value[1]}, 2));
    case MEMBER_SWITCH:
        return dogb_json_set_bool(object, row->name, value[0]);
    case MEMBER_ACTIVATION:
        return dogb_json_set_text(object, row->name, dogb_op_name(value[0]));
    default:
        return dogb_json_set_int(object, row->name, value[0]);
    }
}

static int set_init(json_t *object, const dogb_graph *graph, int32_t index) {
    dogb_node_init init;
    dogb_graph_node_init(graph, index, &init);
    int rc = DOGBREED_OK;
    if (init.weight != DOGB_INIT_ZERO) {
        rc = dogb_json_set_text(object, "init", init_names[init.weight]);
    }
    if (rc == DOGBREED_OK && init.bias != DOGB_INIT_ZERO) {
        rc = dogb_json_set_text(object, "init_bias", init_names[init.bias]);
    }
    return rc == DOGBREED_OK && init.scale > 0 ? dogb_json_set_real(object, "scale", init.scale)
                                               : rc;
}

static json_t *node_to_json(const dogb_graph *graph, int32_t index) {
    const dogb_node *node = &graph->nodes[index];
    json_t *object = json_object();
    json_t *inputs = json_array();
    int rc = object == NULL || inputs == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < node->input_count; i++) {
        rc = dogb_json_add(inputs, json_integer(node->inputs[i]));
    }
    if (rc < 0 || dogb_json_set_text(object, "name", node->name) < 0 ||
        dogb_json_set_text(object, "op", dogb_op_name(node->op)) < 0) {
        rc = DOGBREED_ERROR_NO_MEMORY;
    } else if (node->op == DOGB_OP_INPUT) {
        rc = dogb_json_set(object, "shape", ints(node->shape, node->rank));
    } else {
        rc = dogb_json_set(object, "inputs", json_incref(inputs));
    }
    for (size_t i = 0; rc == DOGBREED_OK && i < MEMBER_COUNT; i++) {
        if ((members[i].ops & (1u << node->op)) != 0) {
            rc = set_member(object, node, &members[i]);
        }
    }
    if (rc == DOGBREED_OK) {
        rc = set_init(object, graph, index);
    }
    json_decref(inputs);
    if (rc < 0) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *channels_to_json(const float values[3]) {
    json_t *array = json_array();
    for (int i = 0; array != NULL && i < 3; i++) {
        if (json_array_append_new(array, json_real((double)values[i])) != 0) {
            json_decref(array);
            array = NULL;
        }
    }
    return array;
}

int dogb_graph_to_json(json_t **out, dogb_arena *arena, const dogb_graph *graph) {
    *out = NULL;
    json_t *object = dogb_json_object(arena);
    json_t *nodes = json_array();
    int rc = object == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_json_set(object, "nodes", nodes);
    if (object == NULL) {
        json_decref(nodes);
    }
    for (int32_t i = 0; rc == DOGBREED_OK && i < graph->node_count; i++) {
        rc = dogb_json_add(nodes, node_to_json(graph, i));
    }
    if (rc == DOGBREED_OK) {
        rc = dogb_json_set_text(object, "architecture", graph->architecture);
    }
    if (rc == DOGBREED_OK) {
        rc = dogb_json_set_int(object, "output", graph->output);
    }
    if (rc == DOGBREED_OK) {
        rc = dogb_json_set_int(object, "feature", graph->feature);
    }
    if (rc == DOGBREED_OK) {
        rc = dogb_json_set(object, "mean", channels_to_json(graph->mean));
    }
    if (rc == DOGBREED_OK) {
        rc = dogb_json_set(object, "deviation", channels_to_json(graph->deviation));
    }
    *out = rc == DOGBREED_OK ? object : NULL;
    return rc;
}

// --- reading

static int bad(const char *what, const char *name, const char *expected) {
    return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: graph: %s: expected %s", what, name, expected);
}

static int get_int(int32_t *out, const json_t *value) {
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < -1 || number > INT32_MAX) {
        return -1;
    }
    *out = (int32_t)number;
    return 0;
}

static int find_name(const char *const *names, int32_t count, const json_t *value) {
    const char *text = json_string_value(value);
    for (int32_t i = 0; text != NULL && i < count; i++) {
        if (strcmp(names[i], text) == 0) {
            return i;
        }
    }
    return -1;
}

static int find_op(const json_t *value) {
    const char *text = json_string_value(value);
    for (int32_t i = 0; text != NULL && i < DOGB_OP_COUNT; i++) {
        if (strcmp(dogb_op_name(i), text) == 0) {
            return i;
        }
    }
    return -1;
}

static int get_member(dogb_node *node, const member *row, const json_t *value, const char *what) {
    void *field = (char *)node + row->offset;
    int32_t number[2] = {row->missing, row->missing};
    double real = json_number_value(value);
    int failed = 0;
    if (value == NULL) {
        failed = row->missing == REQUIRED;
    } else if (row->type == MEMBER_REAL) {
        failed = !json_is_number(value) || !isfinite(real);
    } else if (row->type == MEMBER_PAIR) {
        failed = json_array_size(value) != 2 || get_int(&number[0], json_array_get(value, 0)) < 0 ||
                 get_int(&number[1], json_array_get(value, 1)) < 0;
    } else if (row->type == MEMBER_SWITCH) {
        failed = !json_is_boolean(value);
        number[0] = json_is_true(value);
    } else if (row->type == MEMBER_ACTIVATION) {
        number[0] = find_op(value);
        failed = number[0] <= 0; // infer checks which
    } else {
        failed = get_int(&number[0], value) < 0;
    }
    if (failed) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: graph: node %s (%s): member \"%s\" %s", what,
                         node->name, dogb_op_name(node->op), row->name,
                         value == NULL ? "is missing" : "has the wrong type or range");
    }
    if (row->type == MEMBER_REAL) {
        memcpy(field, &real, sizeof real);
    } else {
        memcpy(field, number, row->type == MEMBER_PAIR ? sizeof number : sizeof number[0]);
    }
    return DOGBREED_OK;
}

// A member that this version does not know could change what the network computes.
static int check_known(const json_t *object, const dogb_node *node, const char *what) {
    static const char *const common[] = {"name", "op",        "inputs", "shape",
                                         "init", "init_bias", "scale"};
    void *iterator = json_object_iter((json_t *)(uintptr_t)object);
    for (; iterator != NULL;
         iterator = json_object_iter_next((json_t *)(uintptr_t)object, iterator)) {
        const char *key = json_object_iter_key(iterator);
        int known = 0;
        for (size_t i = 0; i < sizeof common / sizeof common[0]; i++) {
            known |= strcmp(key, common[i]) == 0;
        }
        for (size_t i = 0; i < MEMBER_COUNT; i++) {
            known |= (members[i].ops & (1u << node->op)) != 0 && strcmp(key, members[i].name) == 0;
        }
        if (!known) {
            return dogb_fail(DOGBREED_ERROR_FORMAT,
                             "%s: graph: node %s (%s): unknown member \"%s\"", what, node->name,
                             dogb_op_name(node->op), key);
        }
    }
    return DOGBREED_OK;
}

static int get_input_shape(dogb_node *node, const json_t *shape, const char *what) {
    size_t rank = json_array_size(shape);
    if (rank != 1 && rank != 3) {
        return bad(what, "the input node's shape", "[features] or [channels, height, width]");
    }
    node->rank = (int32_t)rank;
    for (size_t i = 0; i < rank; i++) {
        int32_t size = 0;
        if (get_int(&size, json_array_get(shape, i)) < 0) {
            return bad(what, "the input node's shape", "integers");
        }
        node->shape[i] = size;
    }
    return DOGBREED_OK;
}

static int get_init(dogb_node_init *init, const json_t *object, const char *what) {
    const json_t *weight = json_object_get(object, "init");
    const json_t *bias = json_object_get(object, "init_bias");
    const json_t *scale = json_object_get(object, "scale");
    *init = (dogb_node_init){DOGB_INIT_ZERO, DOGB_INIT_ZERO, 0};
    if (weight != NULL && (init->weight = find_name(init_names, INIT_COUNT, weight)) < 0) {
        return bad(what, "init", "the name of an initialisation");
    }
    if (bias != NULL && (init->bias = find_name(init_names, INIT_COUNT, bias)) < 0) {
        return bad(what, "init_bias", "the name of an initialisation");
    }
    if (scale != NULL) {
        init->scale = json_number_value(scale);
        if (!json_is_number(scale) || !(init->scale >= 0 && init->scale <= 1e6)) {
            return bad(what, "scale", "a number of 0 to 1e6");
        }
    }
    return DOGBREED_OK;
}

// Puts the file in front of the builder's own message, which knows only the node.
static int name_input(int rc, const char *what) {
    char message[900];
    (void)snprintf(message, sizeof message, "%s", dogbreed_error_message());
    return rc == DOGBREED_ERROR_FORMAT ? dogb_fail(rc, "%s: %s", what, message) : rc;
}

static int read_node(dogb_graph *graph, const json_t *object, int32_t *inputs, const char *what) {
    const json_t *list = json_object_get(object, "inputs");
    dogb_node node = {.name = json_string_value(json_object_get(object, "name")),
                      .op = find_op(json_object_get(object, "op")),
                      .dilation = {1, 1}};
    dogb_node_init init;
    int rc;
    if (node.name == NULL || node.op < 0) {
        return bad(what, "a node", "an object with a \"name\" and a known \"op\"");
    }
    if (strlen(node.name) > DOGB_GRAPH_NAME_MAX) {
        return bad(what, "a node's name", "at most 200 bytes");
    }
    if ((rc = check_known(object, &node, what)) < 0 || (rc = get_init(&init, object, what)) < 0) {
        return rc;
    }
    if (node.op == DOGB_OP_INPUT &&
        (rc = get_input_shape(&node, json_object_get(object, "shape"), what)) < 0) {
        return rc;
    }
    size_t count = json_array_size(list);
    if (count > DOGB_GRAPH_NODE_MAX) {
        return bad(what, node.name, "at most 16384 inputs");
    }
    for (size_t i = 0; i < count; i++) {
        if (get_int(&inputs[i], json_array_get(list, i)) < 0) {
            return bad(what, node.name, "inputs that are node numbers");
        }
    }
    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        if ((members[i].ops & (1u << node.op)) != 0 &&
            (rc = get_member(&node, &members[i], json_object_get(object, members[i].name), what)) <
                0) {
            return rc;
        }
    }
    if (dogb_graph_append(graph, &node, inputs, (int32_t)count, &init) < 0) {
        return name_input(graph->status, what);
    }
    return DOGBREED_OK;
}

static int get_channels(float out[3], const json_t *value, float above, const char *what,
                        const char *name) {
    for (size_t i = 0; i < 3; i++) {
        const json_t *item = json_array_get(value, i);
        double number = json_number_value(item);
        if (json_array_size(value) != 3 || !json_is_number(item) ||
            !(number > (double)above && number < 1e6)) {
            return bad(what, name, "three numbers (deviations above 0)");
        }
        out[i] = (float)number;
    }
    return DOGBREED_OK;
}

static int read_graph(dogb_graph *graph, const json_t *value, const char *what) {
    dogb_arena scratch = {0};
    const json_t *nodes = json_object_get(value, "nodes");
    int32_t output = 0;
    int rc;
    int32_t *inputs = dogb_alloc(&scratch, DOGB_GRAPH_NODE_MAX, sizeof *inputs);
    if (inputs == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (!json_is_array(nodes) || get_int(&output, json_object_get(value, "output")) < 0 ||
        get_int(&graph->feature, json_object_get(value, "feature")) < 0) {
        rc = bad(what, "the graph", "an object with nodes, output and feature");
        goto out;
    }
    if ((rc = get_channels(graph->mean, json_object_get(value, "mean"), -1e6f, what, "mean")) < 0 ||
        (rc = get_channels(graph->deviation, json_object_get(value, "deviation"), 0.0f, what,
                           "deviation")) < 0) {
        goto out;
    }
    for (size_t i = 0; i < json_array_size(nodes); i++) {
        if ((rc = read_node(graph, json_array_get(nodes, i), inputs, what)) < 0) {
            goto out;
        }
    }
    rc = name_input(dogb_graph_finish(graph, output), what);
out:
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_graph_from_json(dogb_graph **out, const json_t *value, const char *what) {
    const char *architecture = json_string_value(json_object_get(value, "architecture"));
    dogb_graph *graph = NULL;
    *out = NULL;
    if (architecture == NULL || strlen(architecture) > DOGB_GRAPH_NAME_MAX) {
        return bad(what, "architecture", "a name of at most 200 bytes");
    }
    int rc = dogb_graph_create(&graph, architecture);
    if (rc < 0 || (rc = read_graph(graph, value, what)) < 0) {
        dogb_graph_destroy(graph);
        return rc;
    }
    *out = graph;
    return DOGBREED_OK;
}
