// Every network has torchvision's keys and shapes; heads and bad options.
#include "test.h"

#include "arch/arch.h"

#include <dogbreed/model.h>

static dogb_graph *build(const char *name, const char *head, int32_t classes, int32_t side) {
    const dogb_arch *arch = NULL;
    dogb_graph *graph = NULL;
    dogb_arch_options options = {head, classes, side};
    assert_ok(dogb_arch_find(&arch, name));
    assert_ok(dogb_arch_build(&graph, arch, &options));
    return graph;
}

static void shape_text(char *out, size_t size, const dogb_param *param) {
    size_t used = 0;
    (void)snprintf(out, size, "-");
    for (int32_t i = 0; i < param->rank; i++) {
        used += (size_t)snprintf(out + used, size - used, "%s%lld", i == 0 ? "" : "x",
                                 (long long)param->shape[i]);
    }
}

// The golden files list torchvision's state dicts; order does not matter, names and shapes do.
static void test_keys_equal_torchvision(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int32_t keys;
        int64_t weights; // torchvision's num_params
    } rows[] = {
        {"resnet18", 122, 11689512},    {"resnet34", 218, 21797672},
        {"resnet50", 320, 25557032},    {"resnet101", 626, 44549160},
        {"resnet152", 932, 60192808},   {"mobilenet_v2", 314, 3504872},
        {"squeezenet1_0", 52, 1248424}, {"squeezenet1_1", 52, 1235496},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        dogb_graph *graph = build(rows[i].name, "original", 1000, 0);
        char path[128];
        (void)snprintf(path, sizeof path, "arch/golden/%s.txt", rows[i].name);
        FILE *file = fopen(test_file(path), "r");
        assert_non_null(file);
        char key[160];
        char shape[64];
        int32_t count = 0;
        while (fscanf(file, "%159s %63s", key, shape) == 2) {
            int32_t at = dogb_graph_find_param(graph, key);
            char found[64];
            if (at < 0) {
                fail_msg("%s: no parameter %s", rows[i].name, key);
            }
            shape_text(found, sizeof found, &graph->params[at]);
            assert_string_equal(found, shape);
            count++;
        }
        (void)fclose(file);
        assert_int_equal(count, rows[i].keys);
        assert_int_equal(graph->param_count, rows[i].keys);
        assert_true(dogb_graph_parameter_total(graph) == rows[i].weights);
        dogb_graph_destroy(graph);
    }
}

// torchvision's "_ops" in 10^9 multiply-adds, as published with its weights.
static void test_multiply_adds_equal_torchvision(void **state) {
    (void)state;
    static const struct {
        const char *name;
        double giga;
    } rows[] = {{"resnet18", 1.814},      {"resnet34", 3.664},     {"resnet50", 4.089},
                {"resnet101", 7.801},     {"resnet152", 11.514},   {"mobilenet_v2", 0.301},
                {"squeezenet1_0", 0.819}, {"squeezenet1_1", 0.349}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        dogb_graph *graph = build(rows[i].name, "original", 1000, 0);
        double giga = (double)dogb_graph_multiply_adds(graph, -1) * 1e-9;
        assert_true(giga > rows[i].giga - 0.001 && giga < rows[i].giga + 0.001);
        dogb_graph_destroy(graph);
    }
}

static void test_every_row_builds_with_every_head(void **state) {
    (void)state;
    static const char *const heads[] = {"original", "linear", "mlp:32", "mlp:32:0.25"};
    for (int32_t i = 0; i < dogb_arch_count(); i++) {
        const dogb_arch *arch = dogb_arch_at(i);
        assert_int_equal(arch->filter, DOGBREED_FILTER_BILINEAR);
        for (size_t h = 0; h < 4; h++) {
            dogb_graph *graph = build(arch->name, heads[h], 7, 0);
            const dogb_node *out = &graph->nodes[graph->output];
            assert_int_equal(out->rank, 1);
            assert_int_equal(out->shape[0], 7);
            if (h > 0) {
                assert_true(graph->feature > 0);
                assert_int_equal(graph->nodes[graph->feature].rank, 1);
            }
            char stages[1024];
            (void)snprintf(stages, sizeof stages, "%s", arch->stages);
            int32_t last = -1;
            for (char *stage = strtok(stages, ","); stage != NULL; stage = strtok(NULL, ",")) {
                int32_t end = dogb_graph_stage_end(graph, stage);
                assert_true(end > last);
                last = end;
            }
            dogb_graph_destroy(graph);
        }
    }
    assert_null(dogb_arch_at(-1));
    assert_null(dogb_arch_at(dogb_arch_count()));
}

static void test_heads_are_named_as_in_torch(void **state) {
    (void)state;
    dogb_graph *graph = build("mobilenet_v2", "linear", 5, 0);
    assert_true(dogb_graph_find_node(graph, "classifier.0") == graph->feature + 1);
    assert_true(dogb_graph_find_param(graph, "classifier.1.weight") >= 0);
    dogb_graph_destroy(graph);

    graph = build("mobilenet_v2", "mlp:64:0.5", 5, 0);
    int32_t dropout = dogb_graph_find_node(graph, "classifier.1.2");
    assert_true(dropout > 0);
    assert_true(graph->nodes[dropout].p == 0.5);
    int32_t weight = dogb_graph_find_param(graph, "classifier.1.3.weight");
    assert_true(weight >= 0 && graph->params[weight].shape[1] == 64);
    dogb_graph_destroy(graph);

    graph = build("squeezenet1_1", "linear", 5, 0);
    weight = dogb_graph_find_param(graph, "classifier.1.weight");
    assert_true(weight >= 0 && graph->params[weight].rank == 2);
    assert_int_equal(graph->params[weight].shape[1], 512);
    dogb_graph_destroy(graph);

    graph = build("resnet18", "mlp:16", 5, 64);
    assert_true(dogb_graph_find_param(graph, "fc.0.bias") >= 0);
    assert_int_equal(graph->nodes[0].shape[1], 64);
    dogb_graph_destroy(graph);
}

static void test_tiny_is_small(void **state) {
    (void)state;
    dogb_graph *graph = build("tiny", "linear", 10, 0);
    assert_true(dogb_graph_parameter_total(graph) == 14416 + 330);
    dogb_graph_destroy(graph);
}

// Initial values as torchvision's constructors draw them.
static void test_initialisation(void **state) {
    (void)state;
    static const struct {
        const char *arch;
        const char *param;
        int32_t init;
        double scale;
    } rows[] = {
        {"resnet18", "layer1.0.conv1.weight", DOGB_INIT_KAIMING_NORMAL_FAN_OUT, 0},
        {"resnet18", "layer1.0.bn1.weight", DOGB_INIT_ONE, 0},
        {"resnet18", "layer1.0.bn1.bias", DOGB_INIT_ZERO, 0},
        {"resnet18", "layer1.0.bn1.running_mean", DOGB_INIT_ZERO, 0},
        {"resnet18", "layer1.0.bn1.running_var", DOGB_INIT_ONE, 0},
        {"resnet18", "fc.weight", DOGB_INIT_UNIFORM_FAN_IN, 0},
        {"resnet18", "fc.bias", DOGB_INIT_UNIFORM_FAN_IN, 0},
        {"mobilenet_v2", "features.1.conv.0.0.weight", DOGB_INIT_KAIMING_NORMAL_FAN_OUT, 0},
        {"mobilenet_v2", "classifier.1.weight", DOGB_INIT_NORMAL, 0.01},
        {"mobilenet_v2", "classifier.1.bias", DOGB_INIT_ZERO, 0},
        {"squeezenet1_1", "features.3.squeeze.weight", DOGB_INIT_KAIMING_UNIFORM, 0},
        {"squeezenet1_1", "features.3.squeeze.bias", DOGB_INIT_ZERO, 0},
        {"squeezenet1_1", "classifier.1.weight", DOGB_INIT_NORMAL, 0.01},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        dogb_graph *graph = build(rows[i].arch, "original", 10, 0);
        int32_t at = dogb_graph_find_param(graph, rows[i].param);
        assert_true(at >= 0);
        assert_int_equal(graph->params[at].init, rows[i].init);
        assert_true(graph->params[at].scale == rows[i].scale);
        dogb_graph_destroy(graph);
    }
}

static void test_bad_options_are_named(void **state) {
    (void)state;
    static const char *const heads[] = {
        "",        "mlp",       "mlp:",    "mlp:0",  "mlp:-3",
        "mlp:8:1", "mlp:8:",    "mlp:8:x", "mlp:8x", "mlp:99999999999999999999",
        "mlp: 8",  "mlp:8:nan", "conv"};
    const dogb_arch *arch = NULL;
    dogb_graph *graph = NULL;
    assert_fails(dogb_arch_find(&arch, "resnet19"), DOGBREED_ERROR_NOT_FOUND, "resnet18");
    assert_fails(dogb_arch_find(&arch, "vision_giant"), DOGBREED_ERROR_NOT_FOUND, "vision_giant");
    assert_null(arch);
    assert_ok(dogb_arch_find(&arch, "tiny"));
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        dogb_arch_options options = {heads[i], 3, 0};
        assert_fails(dogb_arch_build(&graph, arch, &options), DOGBREED_ERROR_INVALID_ARGUMENT,
                     "head");
        assert_null(graph);
    }
    dogb_arch_options options = {"linear", 0, 0};
    assert_fails(dogb_arch_build(&graph, arch, &options), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "classes");
    options = (dogb_arch_options){"linear", 3, 5};
    assert_fails(dogb_arch_build(&graph, arch, &options), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "input_size");
    assert_ok(dogb_arch_find(&arch, "squeezenet1_0")); // 16 pixels do not survive its pools
    options = (dogb_arch_options){"linear", 3, 16};
    assert_int_equal(dogb_arch_build(&graph, arch, &options), DOGBREED_ERROR_FORMAT);
    assert_null(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_equal_torchvision),
        cmocka_unit_test(test_multiply_adds_equal_torchvision),
        cmocka_unit_test(test_every_row_builds_with_every_head),
        cmocka_unit_test(test_heads_are_named_as_in_torch),
        cmocka_unit_test(test_tiny_is_small),
        cmocka_unit_test(test_initialisation),
        cmocka_unit_test(test_bad_options_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
