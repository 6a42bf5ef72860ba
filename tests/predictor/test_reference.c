// test_reference.c - logits and features of the ImageNet weights in the data folder against those
// of an independent NumPy forward pass, on every engine there is.
#include "engine/engine.h"
#include "pictures.h"

#include <math.h>

enum { SIDE = 224, CLASSES = 1000 };

static const char *const pictures[] = {"n02085620_Chihuahua", "n02099601_golden_retriever",
                                       "n02391049_zebra"};

static const struct network {
    const char *architecture;
    const char *head;
    const char *weights;
    const char *reference; // part of the file names
    int32_t features;
} networks[] = {
    {"mobilenet_v2", "linear", "mobilenet_v2-imagenet", "mobilenet_v2_tv_folded", 1280},
    {"squeezenet1_1", "original", "squeezenet1_1-imagenet", "squeezenet1_1", 512},
};

static const float *read_floats(dogb_arena *arena, const char *folder, const char *name,
                                size_t count) {
    char path[1200];
    void *data = NULL;
    size_t size = 0;
    (void)snprintf(path, sizeof path, "%s/reference/%s", folder, name);
    assert_ok(dogb_file_read(&data, &size, arena, path, 1 << 24));
    assert_int_equal(size, count * sizeof(float));
    return data;
}

static dogbreed_model *load(const struct network *network, const char *folder) {
    char path[1200];
    dogbreed_model_options options;
    dogbreed_model *model = NULL;
    (void)snprintf(path, sizeof path, "%s/%s.safetensors", folder, network->weights);
    assert_ok(dogbreed_model_options_init(&options, sizeof options));
    options.architecture = network->architecture;
    options.head = network->head;
    options.weights = path;
    assert_ok(dogbreed_model_create(&model, NULL, &options));
    return model;
}

// Largest difference of a net's outputs from the file's, over the three pictures.
static double compare(const dogb_engine *engine, const dogb_graph *graph,
                      const void *const *weights, const char *folder, const char *ending,
                      size_t outputs) {
    dogb_net *net = NULL;
    double worst = 0.0;
    dogb_net_conf conf = {.device = "cpu", .threads = 2, .batch_max = 1};
    assert_ok(dogb_engine_net(&net, engine, graph, weights, &conf));
    for (int i = 0; i < 3; i++) {
        dogb_arena arena = {0};
        char name[200];
        (void)snprintf(name, sizeof name, "%s.imagenetnorm.1x3x224x224.f32", pictures[i]);
        const float *input = read_floats(&arena, folder, name, (size_t)3 * SIDE * SIDE);
        (void)snprintf(name, sizeof name, "%s.%s", pictures[i], ending);
        const float *expected = read_floats(&arena, folder, name, outputs);
        float *found = dogb_alloc(&arena, outputs, sizeof *found);
        dogb_batch batch = {.data = input, .count = 1, .dtype = DOGB_DATA_F32};
        assert_ok(dogb_engine_result(engine, engine->infer(net, &batch, found), "test"));
        for (size_t k = 0; k < outputs; k++) {
            double difference = fabs((double)found[k] - (double)expected[k]);
            worst = difference > worst || isnan(difference) ? difference : worst;
        }
        dogb_arena_free(&arena);
    }
    engine->net_destroy(net);
    return worst;
}

static void check(const dogb_engine *engine, const char *folder) {
    for (size_t i = 0; i < 2; i++) {
        const struct network *network = &networks[i];
        dogbreed_model *model = load(network, folder);
        char ending[100];
        (void)snprintf(ending, sizeof ending, "%s.logits1000.f32", network->reference);
        double worst = compare(engine, dogb_model_graph(model), dogb_model_weights(model), folder,
                               ending, CLASSES);
        print_message("# %s on %s: logits differ by at most %.2g\n", network->architecture,
                      engine->name, worst);
        assert_true(worst < 1e-3);
        if (strcmp(network->head, "linear") == 0) {
            dogb_arena arena = {0};
            dogb_part prefix;
            assert_ok(dogb_model_prefix(&prefix, &arena, model));
            (void)snprintf(ending, sizeof ending, "%s.feat%d.f32", network->reference,
                           (int)network->features);
            worst = compare(engine, prefix.graph, prefix.weights, folder, ending,
                            (size_t)network->features);
            assert_true(worst < 1e-3);
            dogb_arena_free(&arena);
        }
        dogbreed_model_destroy(model);
    }
}

static void reference_engine_agrees(void **state) {
    (void)state;
    test_data_or_skip(folder, "weights");
    check(dogb_engine_ref(), folder);
}

static void torch_engine_agrees(void **state) {
    (void)state;
    const dogb_engine *engine = NULL;
    test_data_or_skip(folder, "weights");
    if (dogb_engine_open(&engine, "torch", DOGB_CAN_INFER, "cpu") < 0) {
        test_skip("%s", dogbreed_error_message());
    }
    check(engine, folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_engine_agrees),
        cmocka_unit_test(torch_engine_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
