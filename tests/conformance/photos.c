// photos.c - real weights on real photos: features and logits of an independent forward pass, whose
// values lie with the optional data. Skipped, visibly, without it.
#include "conformance/conformance.h"

#include "arch/arch.h"
#include "core/file.h"
#include "weights/weights.h"

static const char *const photos[] = {"n02085620_Chihuahua", "n02099601_golden_retriever",
                                     "n02391049_zebra"};
enum { PHOTOS = sizeof photos / sizeof photos[0], SIDE = 224, OUTPUTS = 1000 };

// "weights/reference/<photo>.<rest>", exactly `count` floats.
static float *read_floats(const char *photo, const char *rest, size_t count) {
    dogb_arena arena = {0};
    const char *root = getenv("DOGBREED_TEST_DATA");
    char path[1024];
    void *data = NULL;
    size_t size = 0;
    (void)snprintf(path, sizeof path, "%s/weights/reference/%s.%s",
                   root == NULL ? "../shared/data" : root, photo, rest);
    assert_ok(dogb_file_read(&data, &size, &arena, path, 1 << 24));
    assert_int_equal(size, count * sizeof(float));
    float *values = floats_of(count);
    memcpy(values, data, size);
    dogb_arena_free(&arena);
    return values;
}

static void **load(const dogb_graph *graph, const char *path) {
    dogb_weights *file = NULL;
    void **weights = nets_weights(graph, 0);
    assert_ok(dogb_weights_open(&file, path));
    for (int32_t i = 0; i < graph->param_count; i++) {
        const dogb_param *param = &graph->params[i];
        const dogb_weight *tensor = dogb_weights_find(file, param->name);
        if (tensor == NULL) {
            fail_msg("%s: no tensor %s", path, param->name);
        }
        if (param->role != DOGB_ROLE_COUNTER) {
            assert_ok(dogb_weight_to_f32(weights[i], (size_t)param->count, tensor));
        }
    }
    dogb_weights_destroy(file);
    return weights;
}

static float *run(const dogb_graph *graph, void **weights, const float *input, size_t outputs) {
    dogb_net *net = NULL;
    dogb_net_conf conf = {.device = tested_device, .threads = 1, .batch_max = 1};
    dogb_batch batch = {input, 1, DOGB_DATA_F32};
    float *out = floats_of(outputs);
    assert_ok(dogb_engine_net(&net, tested, graph, (const void *const *)weights, &conf));
    assert_ok(dogb_engine_result(tested, tested->infer(net, &batch, out), "infer"));
    tested->net_destroy(net);
    return out;
}

// features: 0 when the network has no such node. The reference was computed with other orders of
// sums; its own notes expect agreement to 1e-3.
static void compare(const char *path, const char *name, const char *tag, size_t features) {
    const dogb_arch *arch = NULL;
    dogb_graph *graph = NULL;
    dogb_graph *prefix = NULL;
    dogb_arch_options options = {"original", OUTPUTS, SIDE};
    char rest[64];
    assert_ok(dogb_arch_find(&arch, name));
    assert_ok(dogb_arch_build(&graph, arch, &options));
    void **weights = load(graph, path);
    for (size_t i = 0; i < PHOTOS; i++) {
        float *input = read_floats(photos[i], "imagenetnorm.1x3x224x224.f32", 3 * SIDE * SIDE);
        (void)snprintf(rest, sizeof rest, "%s.logits1000.f32", tag);
        float *expected = read_floats(photos[i], rest, OUTPUTS);
        float *found = run(graph, weights, input, OUTPUTS);
        assert_near(photos[i], found, expected, OUTPUTS, 1e-3);
        free(found);
        free(expected);
        if (features > 0) { // parameters up to the features are the first of the graph
            assert_ok(dogb_graph_slice(&prefix, graph, 0, graph->feature));
            (void)snprintf(rest, sizeof rest, "%s.feat%zu.f32", tag, features);
            expected = read_floats(photos[i], rest, features);
            found = run(prefix, weights, input, features);
            assert_near(photos[i], found, expected, features, 1e-3);
            free(found);
            free(expected);
            dogb_graph_destroy(prefix);
        }
        free(input);
    }
    nets_free(graph, weights);
    dogb_graph_destroy(graph);
}

void test_mobilenet_v2_on_photos(void **state) {
    (void)state;
    test_data_or_skip(path, "weights/mobilenet_v2-imagenet.safetensors");
    compare(path, "mobilenet_v2", "mobilenet_v2_tv_folded", 1280);
}

void test_squeezenet1_1_on_photos(void **state) {
    (void)state;
    test_data_or_skip(path, "weights/squeezenet1_1-imagenet.safetensors");
    compare(path, "squeezenet1_1", "squeezenet1_1", 0);
}
