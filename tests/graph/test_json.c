// JSON keeps everything; what a hostile file may say is refused with its node's name.
#include "test.h"

#include "arch/arch.h"

static char *text_of(const dogb_graph *graph) {
    dogb_arena arena = {0};
    json_t *json = NULL;
    char *text = NULL;
    assert_ok(dogb_graph_to_json(&json, &arena, graph));
    assert_ok(dogb_json_text_out(&text, json, 0));
    dogb_arena_free(&arena);
    return text;
}

static int read_text(dogb_graph **out, const char *text) {
    dogb_arena arena = {0};
    json_t *json = NULL;
    assert_ok(dogb_json_parse(&json, &arena, text, strlen(text), "test"));
    int rc = dogb_graph_from_json(out, json, "m.safetensors");
    dogb_arena_free(&arena);
    return rc;
}

static void compare(const dogb_graph *a, const dogb_graph *b) {
    assert_string_equal(a->architecture, b->architecture);
    assert_int_equal(a->node_count, b->node_count);
    assert_int_equal(a->param_count, b->param_count);
    assert_int_equal(a->output, b->output);
    assert_int_equal(a->feature, b->feature);
    assert_memory_equal(a->mean, b->mean, sizeof a->mean);
    assert_memory_equal(a->deviation, b->deviation, sizeof a->deviation);
    for (int32_t i = 0; i < a->node_count; i++) {
        dogb_node x = a->nodes[i];
        dogb_node y = b->nodes[i];
        assert_string_equal(x.name, y.name);
        assert_memory_equal(x.inputs, y.inputs, (size_t)x.input_count * sizeof *x.inputs);
        x.name = y.name = NULL;
        x.inputs = y.inputs = NULL;
        // Windows of operations without one are not written.
        if (x.op != DOGB_OP_CONV2D && x.op != DOGB_OP_MAX_POOL && x.op != DOGB_OP_AVG_POOL) {
            memset(x.dilation, 0, sizeof x.dilation);
            memset(y.dilation, 0, sizeof y.dilation);
        }
        assert_memory_equal(&x, &y, sizeof x);
    }
    for (int32_t i = 0; i < a->param_count; i++) {
        assert_string_equal(a->params[i].name, b->params[i].name);
        assert_int_equal(a->params[i].init, b->params[i].init);
        assert_memory_equal(a->params[i].shape, b->params[i].shape, sizeof a->params[i].shape);
        assert_true(a->params[i].scale == b->params[i].scale);
    }
}

static void test_round_trip(void **state) {
    (void)state;
    static const char *const heads[] = {"original", "linear", "mlp:7:0.3"};
    for (int32_t i = 0; i < dogb_arch_count(); i++) {
        dogb_graph *graph = NULL;
        dogb_graph *back = NULL;
        dogb_arch_options options = {heads[i % 3], 9, 0};
        assert_ok(dogb_arch_build(&graph, dogb_arch_at(i), &options));
        graph->mean[1] = 0.1f;
        char *text = text_of(graph);
        assert_ok(read_text(&back, text));
        compare(graph, back);
        char *again = text_of(back);
        assert_string_equal(text, again);
        dogbreed_free(again);
        dogbreed_free(text);
        dogb_graph_destroy(back);
        dogb_graph_destroy(graph);
    }
}

#define HEAD "{\"architecture\":\"a\",\"mean\":[0,0,0],\"deviation\":[1,1,1],\"feature\":-1,"
#define IN "{\"name\":\"input\",\"op\":\"input\",\"shape\":[3,8,8]}"
#define CONV(members) "{\"name\":\"c\",\"op\":\"conv2d\",\"inputs\":[0]," members "}"
#define NET(nodes, output) HEAD "\"output\":" output ",\"nodes\":[" nodes "]}"

static void test_folded_members_are_read(void **state) {
    (void)state;
    dogb_graph *graph = NULL;
    assert_ok(read_text(&graph, NET(IN ",{\"name\":\"c\",\"op\":\"conv2d\",\"inputs\":[0,0],"
                                       "\"out\":3,\"kernel\":[3,1],\"padding\":[1,0],\"bias\":true,"
                                       "\"residual\":true,\"activation\":\"relu6\"}",
                                    "1")));
    assert_int_equal(graph->nodes[1].activation, DOGB_OP_RELU6);
    assert_int_equal(graph->nodes[1].residual, 1);
    assert_int_equal(graph->nodes[1].kernel[1], 1);
    dogb_graph_destroy(graph);
}

static void test_hostile_graphs_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *part;
    } rows[] = {
        {"[]", "architecture"},
        {"{\"architecture\":3}", "architecture"},
        {"{\"architecture\":\"a\"}", "nodes"},
        {HEAD "\"output\":1,\"nodes\":{}}", "nodes"},
        {NET("", "1"), "output"},
        {NET(IN, "0"), "output"},
        {NET(IN, "1.5"), "output"},
        {NET(IN, "99999999999"), "output"},
        {NET("3", "1"), "node"},
        {NET("{\"name\":\"x\",\"op\":\"exec\"}", "1"), "op"},
        {NET("{\"name\":\"x\",\"op\":\"input\"}", "1"), "shape"},
        {NET("{\"name\":\"x\",\"op\":\"input\",\"shape\":[3,-1,8]}", "1"), "height"},
        {NET("{\"name\":\"x\",\"op\":\"input\",\"shape\":[16777216,65536,65536]}", "1"),
         "elements"},
        {NET("{\"name\":\"x\",\"op\":\"input\",\"shape\":[3,8,\"8\"]}", "1"), "shape"},
        {NET(IN "," IN, "1"), "input"},
        {NET(IN ",{\"name\":\"r\",\"op\":\"relu\"}", "1"), "r (relu)"},
        {NET(IN ",{\"name\":\"r\",\"op\":\"relu\",\"inputs\":[1]}", "1"), "r (relu)"},
        {NET(IN ",{\"name\":\"r\",\"op\":\"relu\",\"inputs\":[0,0]}", "1"), "r (relu)"},
        {NET(IN ",{\"name\":\"r\",\"op\":\"relu\",\"inputs\":[\"0\"]}", "1"), "r:"},
        {NET(IN ",{\"name\":\"r\\u001b[2J\",\"op\":\"relu\",\"inputs\":[0]}", "1"), "r?[2J"},
        {NET(IN ",{\"name\":\"r\",\"op\":\"relu\",\"inputs\":[0],\"kernel\":[1,1]}", "1"),
         "kernel"},
        {NET(IN "," CONV("\"out\":4"), "1"), "kernel"},
        {NET(IN "," CONV("\"kernel\":[3,3]"), "1"), "out"},
        {NET(IN "," CONV("\"out\":4,\"kernel\":3"), "1"), "kernel"},
        {NET(IN "," CONV("\"out\":4,\"kernel\":[3,0]"), "1"), "kernel"},
        {NET(IN "," CONV("\"out\":-1,\"kernel\":[3,3]"), "1"), "channels"},
        {NET(IN "," CONV("\"out\":4,\"kernel\":[3,3],\"groups\":0"), "1"), "groups"},
        {NET(IN "," CONV("\"out\":4,\"kernel\":[3,3],\"stride\":[0,1]"), "1"), "stride"},
        {NET(IN "," CONV("\"out\":4,\"kernel\":[3,3],\"bias\":1"), "1"), "bias"},
        {NET(IN "," CONV("\"out\":4,\"kernel\":[3,3],\"activation\":\"flatten\""), "1"),
         "activation"},
        {NET(IN "," CONV("\"out\":4,\"kernel\":[3,3],\"residual\":true"), "1"), "inputs"},
        {NET(IN "," CONV("\"out\":4,\"kernel\":[3,3],\"init\":\"magic\""), "1"), "init"},
        {NET(IN "," CONV("\"out\":4,\"kernel\":[3,3],\"scale\":-1"), "1"), "scale"},
        {NET(IN ",{\"name\":\"d\",\"op\":\"dropout\",\"inputs\":[0],\"p\":1}", "1"), "d (dropout)"},
        {NET(IN ",{\"name\":\"d\",\"op\":\"dropout\",\"inputs\":[0],\"p\":\"NaN\"}", "1"), "p"},
        {NET(IN ",{\"name\":\"b\",\"op\":\"batch_norm\",\"inputs\":[0],\"eps\":1e-5}", "1"),
         "momentum"},
        {"{\"architecture\":\"a\",\"mean\":[0,0],\"deviation\":[1,1,1],\"feature\":-1,\"output\":0,"
         "\"nodes\":[]}",
         "mean"},
        {"{\"architecture\":\"a\",\"mean\":[0,0,0],\"deviation\":[1,0,1],\"feature\":-1,"
         "\"output\":0,\"nodes\":[]}",
         "deviation"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        dogb_graph *graph = NULL;
        int rc = read_text(&graph, rows[i].text);
        if (rc != DOGBREED_ERROR_FORMAT || strstr(dogbreed_error_message(), rows[i].part) == NULL) {
            fail_msg("row %zu: expected FORMAT with \"%s\", got %d: %s", i, rows[i].part, rc,
                     dogbreed_error_message());
        }
        assert_null(graph);
    }
}

// Fails the call number `left`, of the library's allocations and of the JSON library's.
static int left = -1;

static int fail_ours(size_t size, void *userdata) {
    (void)size;
    (void)userdata;
    return left-- == 0;
}

static void *fail_theirs(size_t size) {
    return left-- == 0 ? NULL : malloc(size);
}

static void test_out_of_memory_everywhere(void **state) {
    (void)state;
    dogb_graph *graph = NULL;
    dogb_arch_options options = {"mlp:4:0.5", 3, 16};
    const dogb_arch *arch = NULL;
    assert_ok(dogb_arch_find(&arch, "tiny"));
    assert_ok(dogb_arch_build(&graph, arch, &options));
    json_set_alloc_funcs(fail_theirs, free);
    dogb_alloc_test(fail_ours, NULL);
    int reached = 0;
    for (int what = 0; what < 2; what++) {
        int rc = -1;
        for (int at = 0; rc < 0 && at < 5000; at++, reached++) {
            dogb_arena arena = {0};
            json_t *json = NULL;
            dogb_graph *back = NULL;
            left = what == 0 ? at : -1;
            rc = dogb_graph_to_json(&json, &arena, graph);
            if (rc == 0 && what == 1) {
                left = at;
                rc = dogb_graph_from_json(&back, json, "test");
            }
            left = -1;
            if (rc < 0) {
                assert_int_equal(rc, DOGBREED_ERROR_NO_MEMORY);
                assert_null(back);
            }
            dogb_graph_destroy(back);
            dogb_arena_free(&arena);
        }
        assert_int_equal(rc, 0);
    }
    assert_true(reached > 100);
    dogb_alloc_test(NULL, NULL);
    json_set_alloc_funcs(malloc, free);
    dogb_graph_destroy(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_folded_members_are_read),
        cmocka_unit_test(test_hostile_graphs_are_refused),
        cmocka_unit_test(test_out_of_memory_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
