// test_model.c - creating, freezing, cutting, saving and loading models.
#include "engine/engine.h"
#include "model_test.h"
#include "scratch.h"
#include "weights/weights.h"

#include <math.h>

static void same_seed_gives_same_weights(void **state) {
    (void)state;
    dogbreed_model *a = make_model("tiny", "linear", "none", "", 5);
    dogbreed_model *b = make_model("tiny", "linear", "none", "", 5);
    assert_same_weights(a, b);
    // A layer of the same name and shape starts the same whatever the classes are.
    dogbreed_model *c = make_model("tiny", "linear", "none", "", 9);
    int32_t conv = find_parameter(a, "conv2.weight");
    assert_memory_equal(parameter(a, conv).data, parameter(c, conv).data, parameter_bytes(a, conv));
    assert_int_equal(dogbreed_model_class_count(c), 9);
    assert_string_equal(dogbreed_model_class_name(c, 8), "8");
    assert_null(dogbreed_model_class_name(c, 9));
    dogbreed_model_destroy(a);
    dogbreed_model_destroy(b);
    dogbreed_model_destroy(c);
}

static void seeds_differ(void **state) {
    (void)state;
    dogbreed_model_options options;
    dogbreed_model *a = NULL;
    dogbreed_model *b = NULL;
    assert_ok(dogbreed_model_options_init(&options, sizeof options));
    options.architecture = "tiny";
    assert_ok(dogbreed_model_create(&a, NULL, &options));
    options.seed = 2;
    assert_ok(dogbreed_model_create(&b, NULL, &options));
    assert_int_equal(dogbreed_model_class_count(a), 1000);
    int32_t conv = find_parameter(a, "conv1.weight");
    assert_memory_not_equal(parameter(a, conv).data, parameter(b, conv).data,
                            parameter_bytes(a, conv));
    dogbreed_model_destroy(a);
    dogbreed_model_destroy(b);
}

// Deviation of values of one parameter.
static double deviation(const dogbreed_model *model, const char *name, double *largest) {
    int32_t index = find_parameter(model, name);
    const float *data = parameter(model, index).data;
    size_t count = parameter_bytes(model, index) / 4;
    double sum = 0.0;
    *largest = 0.0;
    for (size_t i = 0; i < count; i++) {
        sum += (double)data[i] * (double)data[i];
        *largest = fabs((double)data[i]) > *largest ? fabs((double)data[i]) : *largest;
    }
    return sqrt(sum / (double)count);
}

static void initial_values_are_those_of_torchvision(void **state) {
    (void)state;
    double largest = 0.0;
    dogbreed_model *model = make_model("resnet18", "linear", "none", "", 50);
    // He et al., fan out: 512 outputs of a 3x3 kernel.
    double expected = sqrt(2.0 / (512 * 9));
    double found = deviation(model, "layer4.1.conv1.weight", &largest);
    assert_true(fabs(found - expected) < 0.01 * expected);
    assert_true(largest > 3 * expected); // a normal, not a uniform distribution
    // torch.nn.Linear: uniform up to 1 / sqrt(inputs), deviation of it / sqrt(3).
    double bound = 1.0 / sqrt(512.0);
    found = deviation(model, "fc.weight", &largest);
    assert_true(largest <= bound && largest > 0.99 * bound);
    assert_true(fabs(found - bound / sqrt(3.0)) < 0.02 * bound);
    (void)deviation(model, "fc.bias", &largest);
    assert_true(largest <= bound && largest > 0.8 * bound);
    assert_true(deviation(model, "bn1.weight", &largest) == 1.0);
    assert_true(deviation(model, "bn1.bias", &largest) == 0.0);
    assert_true(deviation(model, "bn1.running_var", &largest) == 1.0);
    assert_true(deviation(model, "bn1.running_mean", &largest) == 0.0);
    dogbreed_model_destroy(model);
}

static void freezing_marks_parameters(void **state) {
    (void)state;
    dogbreed_model *model = make_model("tiny", "linear", "head", "", 4);
    for (int32_t i = 0; i < dogbreed_model_parameter_count(model); i++) {
        dogbreed_parameter p = parameter(model, i);
        assert_int_equal(p.trainable, strncmp(p.name, "fc.", 3) == 0);
        assert_int_equal(p.buffer,
                         strstr(p.name, "running") != NULL || strstr(p.name, "tracked") != NULL);
        assert_int_equal(p.data == NULL, strstr(p.name, "tracked") != NULL);
    }
    assert_int_equal(dogb_model_frozen(model), 0); // batch norm learns without pretrained weights
    assert_ok(dogbreed_model_set_trainable(model, "conv3", 1));
    assert_int_equal(parameter(model, find_parameter(model, "conv3.weight")).trainable, 1);
    assert_fails(dogbreed_model_set_trainable(model, "layer9", 1), DOGBREED_ERROR_NOT_FOUND,
                 "no parameter of tiny starts with \"layer9\"");
    dogbreed_model_destroy(model);
    model = make_model("tiny", "linear", "bn2", "", 4);
    assert_int_equal(parameter(model, find_parameter(model, "bn2.weight")).trainable, 0);
    assert_int_equal(parameter(model, find_parameter(model, "conv3.weight")).trainable, 1);
    dogbreed_model_destroy(model);
}

static void frozen_needs_frozen_batch_norm(void **state) {
    (void)state;
    dogbreed_model_options options;
    dogbreed_model *model = NULL;
    assert_ok(dogbreed_model_options_init(&options, sizeof options));
    options.architecture = "tiny";
    options.batch_norm = DOGBREED_BATCH_NORM_FROZEN;
    assert_ok(dogbreed_model_create(&model, NULL, &options));
    assert_int_equal(dogb_model_frozen(model), 1);
    assert_int_equal(dogb_model_batch_norm(model), DOGB_BN_FROZEN);
    assert_ok(dogbreed_model_set_trainable(model, "bn3", 1));
    assert_int_equal(dogb_model_frozen(model), 0);
    dogbreed_model_destroy(model);
}

static void options_are_refused(void **state) {
    (void)state;
    dogbreed_model_options options;
    dogbreed_model *model = (dogbreed_model *)&options;
    assert_ok(dogbreed_model_options_init(&options, sizeof options));
    options.architecture = "resnet19";
    assert_fails(dogbreed_model_create(&model, NULL, &options), DOGBREED_ERROR_NOT_FOUND,
                 "resnet1");
    assert_null(model);
    options.architecture = "tiny";
    options.freeze = "layer1";
    assert_fails(dogbreed_model_create(&model, NULL, &options), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "freeze: \"layer1\" is neither head nor none nor a stage of tiny (bn1,bn2,bn3)");
    options.freeze = "fc";
    assert_fails(dogbreed_model_create(&model, NULL, &options), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "nothing to train");
    options.freeze = "head";
    options.head = "mlp";
    assert_fails(dogbreed_model_create(&model, NULL, &options), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "head");
    options.head = "linear";
    options.resize = 20;
    assert_fails(dogbreed_model_create(&model, NULL, &options), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "resize: 20 is smaller than the input size 32");
    options.resize = 0;
    options.classes = -1;
    assert_fails(dogbreed_model_create(&model, NULL, &options), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "classes");
    options.classes = 0;
    options.weights = "/nowhere/file.safetensors";
    assert_fails(dogbreed_model_create(&model, NULL, &options), DOGBREED_ERROR_NOT_FOUND,
                 "/nowhere/file.safetensors");
    assert_fails(dogbreed_model_create(NULL, NULL, &options), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "out is NULL");
    dogbreed_parameter p = {.struct_size = sizeof p};
    model = make_model("tiny", "linear", "head", "", 4);
    assert_fails(dogbreed_model_parameter(model, 10000, &p), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "10000 is out of range");
    dogbreed_model_destroy(model);
    dogbreed_model_destroy(NULL);
}

static void input_size_scales_resize(void **state) {
    (void)state;
    dogbreed_model_options options;
    dogbreed_model *model = NULL;
    assert_ok(dogbreed_model_options_init(&options, sizeof options));
    options.architecture = "resnet18";
    options.input_size = 64;
    options.filter = DOGBREED_FILTER_BICUBIC;
    assert_ok(dogbreed_model_create(&model, NULL, &options));
    const dogb_preprocess *p = dogb_model_preprocess(model);
    assert_int_equal(p->crop, 64);
    assert_int_equal(p->resize, 73); // 64 * 256 / 224
    assert_int_equal(p->filter, DOGBREED_FILTER_BICUBIC);
    assert_int_equal(dogb_model_graph(model)->nodes[0].shape[1], 64);
    dogbreed_model_destroy(model);
}

static void saved_model_loads_equal(void **state) {
    (void)state;
    dogbreed_model *loaded = NULL;
    dogbreed_model *model = make_model("tiny", "mlp:8:0.5", "bn1", "", 3);
    json_t *metrics = json_pack("{s:{s:f,s:i}}", "valid", "accuracy", 0.5, "count", 4);
    assert_ok(dogb_model_set_info(model, "metrics", metrics));
    json_decref(metrics);
    *(int64_t *)dogb_model_weight(model, find_parameter(model, "bn1.num_batches_tracked")) =
        123456789012;
    assert_ok(dogbreed_model_save(model, scratch("model.safetensors")));
    assert_ok(dogbreed_model_load(&loaded, scratch_folder)); // a run directory
    assert_same_weights(model, loaded);
    assert_int_equal(dogbreed_model_class_count(loaded), 3);
    assert_string_equal(dogbreed_model_class_name(loaded, 2), "2");
    assert_memory_equal(dogb_model_preprocess(model), dogb_model_preprocess(loaded),
                        sizeof(dogb_preprocess));
    assert_memory_equal(dogb_model_graph(loaded)->mean, dogb_model_preprocess(model)->mean, 12);
    for (int32_t i = 0; i < dogbreed_model_parameter_count(model); i++) {
        assert_int_equal(parameter(model, i).trainable, parameter(loaded, i).trainable);
    }
    assert_int_equal(dogb_model_batch_norm(loaded), DOGB_BN_TRAIN);
    // Saving what was loaded gives the same bytes.
    dogb_arena arena = {0};
    void *a = NULL;
    void *b = NULL;
    size_t a_size = 0;
    size_t b_size = 0;
    assert_ok(dogbreed_model_save(loaded, scratch("again.safetensors")));
    assert_ok(dogb_file_read(&a, &a_size, &arena, scratch("model.safetensors"), 1 << 24));
    assert_ok(dogb_file_read(&b, &b_size, &arena, scratch("again.safetensors"), 1 << 24));
    assert_int_equal(a_size, b_size);
    assert_memory_equal(a, b, a_size);
    dogb_arena_free(&arena);
    char *summary = NULL;
    assert_ok(dogbreed_model_summary(&summary, loaded));
    assert_non_null(strstr(summary, "\"accuracy\": 0.5"));
    assert_non_null(strstr(summary, "\"trainable_parameters\""));
    dogbreed_free(summary);
    dogbreed_model_destroy(model);
    dogbreed_model_destroy(loaded);
}

static int64_t total(const json_t *plan, const char *key) {
    int64_t sum = 0;
    size_t index = 0;
    json_t *step = NULL;
    json_array_foreach(json_object_get(plan, "steps"), index, step) {
        sum += json_integer_value(json_object_get(step, key));
    }
    return sum;
}

// Every layer is in one step; the sums are those of the network.
static void plan_has_every_layer(void **state) {
    (void)state;
    static const char *const names[] = {"tiny", "mobilenet_v2", "squeezenet1_1", "resnet18"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *text = NULL;
        dogbreed_model *model = make_model(names[i], "linear", "head", "", 5);
        const dogb_graph *graph = dogb_model_graph(model);
        assert_ok(dogbreed_model_plan(&text, model, DOGBREED_DTYPE_AUTO));
        json_t *plan = json_loads(text, 0, NULL);
        assert_non_null(plan);
        assert_string_equal(json_string_value(json_object_get(plan, "architecture")), names[i]);
        assert_string_equal(json_string_value(json_object_get(plan, "dtype")), "f32");
        for (int32_t n = 0; n < graph->node_count; n++) {
            int32_t op = graph->nodes[n].op;
            int counted = op == DOGB_OP_CONV2D || op == DOGB_OP_LINEAR || op == DOGB_OP_MAX_POOL;
            assert_true(!counted || strstr(text, graph->nodes[n].name) != NULL);
        }
        assert_int_equal(json_integer_value(json_object_get(plan, "multiply_adds")),
                         dogb_graph_multiply_adds(graph, -1));
        assert_int_equal(total(plan, "multiply_adds"), dogb_graph_multiply_adds(graph, -1));
        int64_t bytes = json_integer_value(json_object_get(plan, "weight_bytes"));
        assert_int_equal(total(plan, "weight_bytes"), bytes);
        // Padded to whole vectors; batch norms are gone.
        assert_true(bytes > 3 * dogb_graph_parameter_total(graph));
        assert_true(bytes < 8 * dogb_graph_parameter_total(graph));
        json_decref(plan);
        dogbreed_free(text);
        dogbreed_model_destroy(model);
    }
    char *none = (char *)1;
    assert_int_equal(dogbreed_model_plan(&none, NULL, DOGBREED_DTYPE_F32),
                     DOGBREED_ERROR_INVALID_ARGUMENT);
    assert_null(none);
    dogbreed_model *plain = make_model("tiny", "linear", "head", "", 5);
    assert_int_equal(dogbreed_model_plan(&none, plain, DOGBREED_DTYPE_INT8),
                     DOGBREED_ERROR_INVALID_ARGUMENT);
    assert_int_equal(dogbreed_model_plan(&none, plain, 9), DOGBREED_ERROR_INVALID_ARGUMENT);
    dogbreed_model_destroy(plain);
}

static void custom_trainable_survives_a_file(void **state) {
    (void)state;
    dogbreed_model *loaded = NULL;
    dogbreed_model *model = make_model("tiny", "linear", "head", "", 3);
    assert_ok(dogbreed_model_set_trainable(model, "conv1", 1));
    assert_ok(dogbreed_model_save(model, scratch("custom.safetensors")));
    assert_ok(dogbreed_model_load(&loaded, scratch("custom.safetensors")));
    for (int32_t i = 0; i < dogbreed_model_parameter_count(model); i++) {
        assert_int_equal(parameter(model, i).trainable, parameter(loaded, i).trainable);
    }
    dogbreed_model_destroy(model);
    dogbreed_model_destroy(loaded);
}

static void exports_hold_the_weights(void **state) {
    (void)state;
    static const char *const names[] = {"plain.safetensors", "plain.pth", "plain.pt"};
    dogbreed_model *model = make_model("tiny", "linear", "none", "", 3);
    for (size_t k = 0; k < 3; k++) {
        dogb_weights *file = NULL;
        assert_ok(dogbreed_model_export(model, scratch(names[k]), NULL));
        assert_ok(dogb_weights_open(&file, scratch(names[k])));
        assert_int_equal(file->count, dogbreed_model_parameter_count(model));
        for (int32_t i = 0; i < dogbreed_model_parameter_count(model); i++) {
            const dogb_weight *tensor = dogb_weights_find(file, parameter(model, i).name);
            assert_non_null(tensor);
            assert_int_equal(tensor->bytes, parameter_bytes(model, i));
            assert_memory_equal(tensor->data, dogb_model_weights(model)[i], tensor->bytes);
        }
        dogb_weights_destroy(file);
    }
    assert_ok(dogbreed_model_export(model, scratch("strange.bin"), "pth"));
    assert_fails(dogbreed_model_export(model, scratch("plain.onnx"), NULL),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "\"onnx\" is no format");
    assert_fails(dogbreed_model_save(model, scratch("no/such/folder.safetensors")),
                 DOGBREED_ERROR_NOT_FOUND, "no/such/folder.safetensors");
    dogbreed_model_destroy(model);
}

static void parts_cover_the_network(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_part prefix;
    dogb_part head;
    dogbreed_model *model = make_model("tiny", "mlp:8", "head", "", 3);
    assert_ok(dogb_model_prefix(&prefix, &arena, model));
    assert_ok(dogb_model_head(&head, &arena, model));
    assert_int_equal(prefix.graph->param_count + head.graph->param_count,
                     dogbreed_model_parameter_count(model));
    assert_int_equal(prefix.graph->nodes[prefix.graph->output].shape[0], 32);
    assert_int_equal(head.graph->nodes[0].rank, 1);
    assert_int_equal(head.graph->nodes[head.graph->output].shape[0], 3);
    for (int32_t i = 0; i < head.graph->param_count; i++) {
        assert_ptr_equal(head.weights[i], dogb_model_weights(model)[head.params[i]]);
        assert_string_equal(head.graph->params[i].name, parameter(model, head.params[i]).name);
    }
    dogb_arena_free(&arena);
    dogbreed_model_destroy(model);
}

static void prefix_hash_sees_weights_of_the_prefix_only(void **state) {
    (void)state;
    dogb_sha256 first;
    dogb_sha256 second;
    dogbreed_model *model = make_model("tiny", "linear", "head", "", 3);
    dogbreed_model *other = make_model("tiny", "mlp:8", "none", "", 9);
    assert_ok(dogb_model_prefix_hash(&first, model));
    assert_ok(dogb_model_prefix_hash(&second, other));
    assert_memory_equal(&first, &second, sizeof first);
    float *weight = dogb_model_weight(model, find_parameter(model, "fc.weight"));
    weight[0] += 1.0F;
    assert_ok(dogb_model_prefix_hash(&second, model));
    assert_memory_equal(&first, &second, sizeof first);
    weight = dogb_model_weight(model, find_parameter(model, "bn3.running_var"));
    weight[0] += 1.0F;
    assert_ok(dogb_model_prefix_hash(&second, model));
    assert_memory_not_equal(&first, &second, sizeof first);
    dogbreed_model_destroy(model);
    dogbreed_model_destroy(other);
    model = make_model("squeezenet1_1", "original", "head", "", 3);
    assert_fails(dogb_model_prefix_hash(&first, model), DOGBREED_ERROR_UNSUPPORTED,
                 "no feature vector");
    assert_int_equal(dogb_model_frozen(model), 0);
    dogbreed_model_destroy(model);
}

static void every_architecture_is_described(void **state) {
    (void)state;
    dogbreed_architecture info = {.struct_size = sizeof info};
    int found = 0;
    for (int32_t i = 0; i < dogbreed_architecture_count(); i++) {
        assert_ok(dogbreed_architecture_info(&info, i));
        assert_true(info.parameter_count > 0 && info.multiply_add_count > 0);
        assert_true(info.feature_size > 0 && info.resize >= info.input_size);
        if (strcmp(info.name, "mobilenet_v2") == 0) {
            found++;
            assert_int_equal(info.parameter_count, 3504872); // torchvision's figure
            assert_int_equal(info.feature_size, 1280);
        }
        if (strcmp(info.name, "resnet50") == 0) {
            found++;
            assert_int_equal(info.parameter_count, 25557032);
            assert_int_equal(info.feature_size, 2048);
        }
    }
    assert_int_equal(found, 2);
    assert_fails(dogbreed_architecture_info(&info, 1000), DOGBREED_ERROR_NOT_FOUND, "1000");
    // A caller with an older, shorter struct gets what fits.
    struct {
        dogbreed_architecture info;
        char guard[16];
    } old;
    memset(&old, 0x5A, sizeof old);
    old.info.struct_size = offsetof(dogbreed_architecture, family);
    assert_ok(dogbreed_architecture_info(&old.info, 0));
    assert_non_null(old.info.name);
    assert_int_equal(((unsigned char *)&old)[offsetof(dogbreed_architecture, family)], 0x5A);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_gives_same_weights),
        cmocka_unit_test(seeds_differ),
        cmocka_unit_test(initial_values_are_those_of_torchvision),
        cmocka_unit_test(freezing_marks_parameters),
        cmocka_unit_test(frozen_needs_frozen_batch_norm),
        cmocka_unit_test(options_are_refused),
        cmocka_unit_test(input_size_scales_resize),
        cmocka_unit_test(saved_model_loads_equal),
        cmocka_unit_test(plan_has_every_layer),
        cmocka_unit_test(custom_trainable_survives_a_file),
        cmocka_unit_test(exports_hold_the_weights),
        cmocka_unit_test(parts_cover_the_network),
        cmocka_unit_test(prefix_hash_sees_weights_of_the_prefix_only),
        cmocka_unit_test(every_architecture_is_described),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
