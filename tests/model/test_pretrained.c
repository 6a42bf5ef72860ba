// test_pretrained.c - weights from other files: what fits, what is drawn anew, what is refused.
#include "core/file.h"
#include "engine/engine.h"
#include "model_test.h"
#include "scratch.h"
#include "weights/weights.h"

static char path[512];

static int set_up(void **state) {
    (void)scratch_make(state);
    (void)snprintf(path, sizeof path, "%s/weights.safetensors", scratch_folder);
    return 0;
}

static int create(dogbreed_model **out, const char *architecture, const char *head,
                  int32_t classes) {
    dogbreed_model_options options;
    assert_ok(dogbreed_model_options_init(&options, sizeof options));
    options.architecture = architecture;
    options.head = head;
    options.weights = path;
    options.classes = classes;
    options.seed = 99;
    return dogbreed_model_create(out, NULL, &options);
}

static void assert_equal_parameter(const dogbreed_model *a, const dogbreed_model *b,
                                   const char *name, int equal) {
    int32_t i = find_parameter(a, name);
    int32_t j = find_parameter(b, name);
    size_t bytes = parameter_bytes(a, i) < parameter_bytes(b, j) ? parameter_bytes(a, i)
                                                                 : parameter_bytes(b, j);
    int same = memcmp(parameter(a, i).data, parameter(b, j).data, bytes) == 0;
    assert_int_equal(same, equal);
}

static void a_head_of_the_same_size_is_loaded(void **state) {
    (void)state;
    dogbreed_model *loaded = NULL;
    dogbreed_model *model = make_model("tiny", "linear", "head", "", 5);
    assert_ok(dogbreed_model_export(model, path, NULL));
    assert_ok(create(&loaded, "tiny", "linear", 5));
    assert_same_weights(model, loaded);
    assert_int_equal(dogb_model_batch_norm(loaded), DOGB_BN_FROZEN);
    assert_int_equal(dogb_model_frozen(loaded), 1);
    char *summary = NULL;
    assert_ok(dogbreed_model_summary(&summary, loaded));
    assert_non_null(strstr(summary, "\"source\": \"weights.safetensors\""));
    dogbreed_free(summary);
    dogbreed_model_destroy(model);
    dogbreed_model_destroy(loaded);
}

static void another_head_is_drawn_anew(void **state) {
    (void)state;
    static const char *const heads[] = {"linear", "mlp:16:0.1"};
    dogbreed_model *model = make_model("tiny", "linear", "head", "", 5);
    assert_ok(dogbreed_model_export(model, path, NULL));
    for (int i = 0; i < 2; i++) {
        dogbreed_model *loaded = NULL;
        assert_ok(create(&loaded, "tiny", heads[i], 4));
        assert_equal_parameter(model, loaded, "conv3.weight", 1);
        assert_equal_parameter(model, loaded, "bn1.running_var", 1);
        if (i == 0) {
            assert_equal_parameter(model, loaded, "fc.weight", 0);
            assert_equal_parameter(model, loaded, "fc.bias", 0); // the whole head, not a part of it
        }
        dogbreed_model_destroy(loaded);
    }
    // A file with an MLP head serves a linear one too.
    dogbreed_model *deep = make_model("tiny", "mlp:16", "head", "", 4);
    dogbreed_model *loaded = NULL;
    assert_ok(dogbreed_model_export(deep, path, NULL));
    assert_ok(create(&loaded, "tiny", "linear", 4));
    assert_equal_parameter(deep, loaded, "conv1.weight", 1);
    dogbreed_model_destroy(loaded);
    dogbreed_model_destroy(deep);
    dogbreed_model_destroy(model);
}

static void a_model_file_with_other_classes_gives_no_head(void **state) {
    (void)state;
    dogbreed_model *loaded = NULL;
    dogbreed_model *model = make_model("tiny", "linear", "head", "", 5);
    assert_ok(dogbreed_model_save(model, path));
    assert_ok(create(&loaded, "tiny", "linear", 5)); // the same names: "0" to "4"
    assert_equal_parameter(model, loaded, "fc.weight", 1);
    dogbreed_model_destroy(loaded);
    // The same file with another class name in its document.
    dogb_arena arena = {0};
    void *bytes = NULL;
    size_t size = 0;
    assert_ok(dogb_file_read(&bytes, &size, &arena, path, 1 << 24));
    char *name = NULL;
    for (size_t i = 0; i + 40 < size && name == NULL; i++) {
        if (memcmp((char *)bytes + i, "\\\"classes\\\":[\\\"0", 16) == 0) {
            name = (char *)bytes + i + 15;
        }
    }
    assert_non_null(name);
    *name = 'z';
    assert_ok(dogb_file_write(path, bytes, size));
    dogb_arena_free(&arena);
    assert_ok(create(&loaded, "tiny", "linear", 5));
    assert_equal_parameter(model, loaded, "fc.weight", 0);
    assert_equal_parameter(model, loaded, "conv1.weight", 1);
    dogbreed_model_destroy(loaded);
    dogbreed_model_destroy(model);
}

// Writes the tensors of a tiny model, one of them changed.
static void write_changed(const dogbreed_model *model, const char *prefix, const char *drop,
                          const char *add, int32_t dtype) {
    dogb_arena arena = {0};
    const dogb_graph *graph = dogb_model_graph(model);
    dogb_weight *tensors = dogb_alloc(&arena, (size_t)graph->param_count + 1, sizeof *tensors);
    size_t count = 0;
    for (int32_t i = 0; i < graph->param_count; i++) {
        const dogb_param *p = &graph->params[i];
        if (drop != NULL && strstr(p->name, drop) != NULL) {
            continue;
        }
        dogb_weight *t = &tensors[count++];
        t->name = dogb_format(&arena, "%s%s", prefix, p->name);
        t->data = dogb_model_weights(model)[i];
        t->dtype = p->role == DOGB_ROLE_COUNTER ? DOGB_I64 : DOGB_F32;
        t->bytes = parameter_bytes(model, i);
        t->rank = p->rank;
        memcpy(t->shape, p->shape, sizeof p->shape);
    }
    if (add != NULL) {
        tensors[count] = tensors[0];
        tensors[count++].name = add;
    }
    tensors[0].dtype = dtype;
    assert_ok(dogb_safetensors_write(path, tensors, count, NULL));
    dogb_arena_free(&arena);
}

static void a_backbone_must_fit(void **state) {
    (void)state;
    dogbreed_model *loaded = NULL;
    dogbreed_model *model = make_model("tiny", "linear", "head", "", 5);
    write_changed(model, "", "bn2.bias", NULL, DOGB_F32);
    assert_fails(create(&loaded, "tiny", "linear", 5), DOGBREED_ERROR_MISMATCH,
                 "there is no tensor bn2.bias, which tiny needs");
    write_changed(model, "", NULL, "layer9.weight", DOGB_F32);
    assert_fails(create(&loaded, "tiny", "linear", 5), DOGBREED_ERROR_MISMATCH,
                 "tensor layer9.weight is not part of tiny");
    write_changed(model, "", NULL, NULL, DOGB_I32);
    assert_fails(create(&loaded, "tiny", "linear", 5), DOGBREED_ERROR_MISMATCH,
                 "tensor conv1.weight has type I32");
    write_changed(model, "", NULL, NULL, DOGB_F32);
    assert_fails(create(&loaded, "resnet18", "linear", 5), DOGBREED_ERROR_MISMATCH,
                 "tensor conv1.weight has shape [16, 3, 3, 3], resnet18 needs [64, 3, 7, 7]");
    assert_null(loaded);
    // Files of before PyTorch 0.4.1 lack the counters; DataParallel puts a word in front.
    write_changed(model, "module.", "num_batches", NULL, DOGB_F32);
    assert_ok(create(&loaded, "tiny", "linear", 5));
    assert_same_weights(model, loaded);
    dogbreed_model_destroy(loaded);
    dogbreed_model_destroy(model);
}

static void imagenet_mobilenet_loads(void **state) {
    (void)state;
    test_data_or_skip(file, "weights/mobilenet_v2-imagenet.safetensors");
    dogbreed_model *whole = make_model("mobilenet_v2", "linear", "head", file, 1000);
    dogbreed_model *dogs = make_model("mobilenet_v2", "linear", "head", file, 120);
    assert_int_equal(dogbreed_model_parameter_count(whole), 314);
    assert_int_equal(dogb_model_frozen(dogs), 1);
    dogb_weights *weights = NULL;
    assert_ok(dogb_weights_open(&weights, file));
    const dogb_weight *tensor = dogb_weights_find(weights, "classifier.1.weight");
    int32_t index = find_parameter(whole, "classifier.1.weight");
    assert_memory_equal(tensor->data, parameter(whole, index).data, tensor->bytes);
    assert_equal_parameter(whole, dogs, "features.18.0.weight", 1);
    assert_equal_parameter(whole, dogs, "classifier.1.weight", 0);
    dogb_weights_destroy(weights);
    dogbreed_model_destroy(whole);
    dogbreed_model_destroy(dogs);
}

static void imagenet_squeezenet_loads(void **state) {
    (void)state;
    test_data_or_skip(file, "weights/squeezenet1_1-imagenet.safetensors");
    dogbreed_model *whole = make_model("squeezenet1_1", "original", "head", file, 1000);
    assert_int_equal(dogbreed_model_parameter_count(whole), 52);
    assert_int_equal(parameter(whole, find_parameter(whole, "classifier.1.bias")).trainable, 1);
    assert_int_equal(parameter(whole, find_parameter(whole, "features.0.weight")).trainable, 0);
    dogbreed_model *dogs = make_model("squeezenet1_1", "linear", "head", file, 120);
    assert_int_equal(dogb_model_frozen(dogs), 1);
    dogbreed_model_destroy(whole);
    dogbreed_model_destroy(dogs);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_of_the_same_size_is_loaded),
        cmocka_unit_test(another_head_is_drawn_anew),
        cmocka_unit_test(a_model_file_with_other_classes_gives_no_head),
        cmocka_unit_test(a_backbone_must_fit),
        cmocka_unit_test(imagenet_mobilenet_loads),
        cmocka_unit_test(imagenet_squeezenet_loads),
    };
    return cmocka_run_group_tests(tests, set_up, scratch_remove);
}
