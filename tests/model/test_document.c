// test_document.c - model files that were edited, cut or made up: each refused with its own line.
#include "out_of_memory.h"
#include "model/model_struct.h"
#include "model_test.h"
#include "scratch.h"

static char path[512];

static int set_up(void **state) {
    (void)scratch_make(state);
    (void)snprintf(path, sizeof path, "%s/model.safetensors", scratch_folder);
    return 0;
}

// The two documents of a small good model, to be edited.
typedef struct good {
    dogb_arena arena;
    dogbreed_model *model;
    json_t *document;
    json_t *graph;
} good;

static good make_good(void) {
    good g = {.model = make_model("tiny", "linear", "head", "", 3)};
    assert_ok(dogb_model_to_document(&g.document, &g.arena, g.model));
    assert_ok(dogb_graph_to_json(&g.graph, &g.arena, dogb_model_graph(g.model)));
    return g;
}

static void drop_good(good *g) {
    dogb_arena_free(&g->arena);
    dogbreed_model_destroy(g->model);
}

static int parse(good *g) {
    dogbreed_model *model = NULL;
    char *document = dogb_json_text_in(&g->arena, g->document, 0);
    char *graph = dogb_json_text_in(&g->arena, g->graph, 0);
    int rc = dogb_model_parse(&model, document, graph, "x.safetensors");
    assert_true((rc == 0) == (model != NULL));
    dogbreed_model_destroy(model);
    return rc;
}

// One edit: the JSON text `value` at "a.b" of the document (NULL: removed), and what comes of it.
static const struct edit {
    const char *key;
    const char *value;
    int code;
    const char *part;
} edits[] = {
    {"format", "\"dogbreed.report\"", DOGBREED_ERROR_FORMAT, "\"dogbreed.model\""},
    {"format", NULL, DOGBREED_ERROR_FORMAT, "\"dogbreed.model\""},
    {"version", "2", DOGBREED_ERROR_UNSUPPORTED, "model document version 2"},
    {"version", "\"1\"", DOGBREED_ERROR_FORMAT, "version"},
    {"version", "-1", DOGBREED_ERROR_UNSUPPORTED, "version -1"},
    {"architecture", "7", DOGBREED_ERROR_FORMAT, "architecture: expected a name and the head"},
    {"architecture.name", "\"resnet18\"", DOGBREED_ERROR_MISMATCH,
     "the document is for resnet18, but the network is tiny"},
    {"classes", "[]", DOGBREED_ERROR_FORMAT, "classes: expected a list of names"},
    {"classes", "\"a\"", DOGBREED_ERROR_FORMAT, "classes: expected a list of names"},
    {"classes", "[\"a\",\"b\",3]", DOGBREED_ERROR_FORMAT, "classes: expected a list of names"},
    {"classes", "[\"a\",\"b\",\"a\"]", DOGBREED_ERROR_FORMAT, "two classes are named \"a\""},
    {"classes", "[\"a\",\"b\",\"\"]", DOGBREED_ERROR_FORMAT, "class 2 has an empty name"},
    {"classes", "[\"a\",\"b\"]", DOGBREED_ERROR_MISMATCH, "3 outputs, but there are 2 class names"},
    {"input", NULL, DOGBREED_ERROR_FORMAT, "width: expected a whole number"},
    {"input.width", "64", DOGBREED_ERROR_MISMATCH, "input does not fit"},
    {"input.channels", "1", DOGBREED_ERROR_FORMAT, "channels: expected a whole number from 3 to 3"},
    {"preprocess", NULL, DOGBREED_ERROR_FORMAT, "preprocess: expected an object"},
    {"preprocess.crop", "0", DOGBREED_ERROR_FORMAT, "crop: expected a whole number from 1"},
    {"preprocess.crop", "1e3", DOGBREED_ERROR_FORMAT, "crop"},
    {"preprocess.crop", "64", DOGBREED_ERROR_MISMATCH, "input does not fit"},
    {"preprocess.resize", "99999999999999999", DOGBREED_ERROR_FORMAT, "resize"},
    {"preprocess.filter", "\"nearest\"", DOGBREED_ERROR_UNSUPPORTED,
     "filter: this library does not know \"nearest\""},
    {"preprocess.filter", "1", DOGBREED_ERROR_FORMAT, "filter: expected a text"},
    {"preprocess.resample", "\"opencv\"", DOGBREED_ERROR_UNSUPPORTED, "resample"},
    {"preprocess.range", "\"-1..1\"", DOGBREED_ERROR_UNSUPPORTED, "range"},
    {"preprocess.decode_scale", "\"auto\"", DOGBREED_ERROR_UNSUPPORTED, "decode_scale"},
    {"preprocess.color", "\"icc\"", DOGBREED_ERROR_UNSUPPORTED, "color"},
    {"preprocess.exif_orientation", "\"guess\"", DOGBREED_ERROR_UNSUPPORTED, "exif_orientation"},
    {"preprocess.mean", "[0.5,0.5]", DOGBREED_ERROR_FORMAT, "mean: expected three numbers"},
    {"preprocess.mean", "[0.5,\"NaN\",0.5]", DOGBREED_ERROR_FORMAT, "mean"},
    {"preprocess.std", "[0.5,0,0.5]", DOGBREED_ERROR_FORMAT, "std: expected three numbers"},
    {"preprocess.std", "[1e300,1,1]", DOGBREED_ERROR_FORMAT, "std"},
    {"training.freeze", "5", DOGBREED_ERROR_FORMAT, "freeze: expected a text"},
    {"training.freeze", "\"layer8\"", DOGBREED_ERROR_FORMAT, "freeze: expected head"},
    {"training.freeze", "\"\"", DOGBREED_ERROR_FORMAT, "freeze: expected head"},
    {"training.batch_norm", "\"maybe\"", DOGBREED_ERROR_UNSUPPORTED, "batch_norm"},
};

static void edit(json_t *root, const char *key, const char *value) {
    char name[64];
    (void)snprintf(name, sizeof name, "%s", key);
    char *dot = strchr(name, '.');
    json_t *object = root;
    char *last = name;
    if (dot != NULL) {
        *dot = '\0';
        object = json_object_get(root, name);
        last = dot + 1;
    }
    if (value == NULL) {
        assert_int_equal(json_object_del(object, last), 0);
    } else {
        json_t *parsed = json_loads(value, JSON_DECODE_ANY, NULL);
        assert_non_null(parsed);
        assert_int_equal(json_object_set_new(object, last, parsed), 0);
    }
}

static void edited_documents_are_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        good g = make_good();
        assert_ok(parse(&g));
        edit(g.document, edits[i].key, edits[i].value);
        assert_fails(parse(&g), edits[i].code, edits[i].part);
        assert_non_null(strstr(dogbreed_error_message(), "x.safetensors"));
        drop_good(&g);
    }
}

static void custom_trainable_is_checked(void **state) {
    (void)state;
    good g = make_good();
    edit(g.document, "training.freeze", "\"custom\"");
    edit(g.document, "training.trainable", "[\"bn1.running_mean\"]");
    assert_fails(parse(&g), DOGBREED_ERROR_FORMAT, "trainable");
    edit(g.document, "training.trainable", "[\"conv1.weight\"]");
    assert_ok(parse(&g));
    edit(g.document, "training.trainable", "[{}]");
    assert_fails(parse(&g), DOGBREED_ERROR_FORMAT, "trainable");
    drop_good(&g);
}

static void unknown_members_are_kept(void **state) {
    (void)state;
    good g = make_good();
    dogbreed_model *model = NULL;
    dogb_arena arena = {0};
    json_t *again = NULL;
    edit(g.document, "calibration", "{\"temperature\":1.5}");
    assert_ok(dogb_model_parse(&model, dogb_json_text_in(&g.arena, g.document, 0),
                               dogb_json_text_in(&g.arena, g.graph, 0), "x"));
    assert_ok(dogb_model_to_document(&again, &arena, model));
    assert_true(json_equal(json_object_get(again, "calibration"),
                           json_object_get(g.document, "calibration")));
    assert_true(json_equal(again, g.document));
    dogb_arena_free(&arena);
    dogbreed_model_destroy(model);
    drop_good(&g);
}

static void broken_texts_are_refused(void **state) {
    (void)state;
    dogbreed_model *model = NULL;
    good g = make_good();
    char *document = dogb_json_text_in(&g.arena, g.document, 0);
    char *graph = dogb_json_text_in(&g.arena, g.graph, 0);
    assert_fails(dogb_model_parse(&model, "", graph, "x"), DOGBREED_ERROR_FORMAT, "x: not valid");
    assert_fails(dogb_model_parse(&model, "[]", graph, "x"), DOGBREED_ERROR_FORMAT, "format");
    assert_fails(dogb_model_parse(&model, document, "{}", "x"), DOGBREED_ERROR_FORMAT, "x");
    assert_fails(dogb_model_parse(&model, "{\"a\":1,\"a\":2}", graph, "x"), DOGBREED_ERROR_FORMAT,
                 "duplicate");
    // Every cut of either text is refused, none crashes.
    size_t length = strlen(document);
    for (size_t i = 0; i < length; i += 7) {
        char *cut = dogb_strndup(&g.arena, document, i);
        assert_int_equal(dogb_model_parse(&model, cut, graph, "x"), DOGBREED_ERROR_FORMAT);
    }
    length = strlen(graph);
    for (size_t i = 0; i < length; i += 31) {
        char *cut = dogb_strndup(&g.arena, graph, i);
        assert_int_equal(dogb_model_parse(&model, document, cut, "x"), DOGBREED_ERROR_FORMAT);
    }
    drop_good(&g);
}

// Writes a file with the good model's documents and other tensors.
static void write_file(good *g, const dogb_weight *tensors, size_t count, int with_document) {
    json_t *metadata = dogb_json_object(&g->arena);
    char *document = dogb_json_text_in(&g->arena, g->document, 0);
    char *graph = dogb_json_text_in(&g->arena, g->graph, 0);
    assert_ok(dogb_json_set_text(metadata, "format", "pt"));
    if (with_document) {
        assert_ok(dogb_json_set_text(metadata, "dogbreed", document));
        assert_ok(dogb_json_set_text(metadata, "dogbreed.graph", graph));
    }
    assert_ok(dogb_safetensors_write(path, tensors, count, metadata));
}

static void tensors_must_fit_the_network(void **state) {
    (void)state;
    good g = make_good();
    dogbreed_model *model = NULL;
    const dogb_graph *graph = dogb_model_graph(g.model);
    size_t count = (size_t)graph->param_count;
    dogb_weight *tensors = dogb_alloc(&g.arena, count + 1, sizeof *tensors);
    for (size_t i = 0; i < count; i++) {
        const dogb_param *p = &graph->params[i];
        tensors[i].name = p->name;
        tensors[i].data = dogb_model_weights(g.model)[i];
        tensors[i].dtype = p->role == DOGB_ROLE_COUNTER ? DOGB_I64 : DOGB_F32;
        tensors[i].bytes = parameter_bytes(g.model, (int32_t)i);
        tensors[i].rank = p->rank;
        memcpy(tensors[i].shape, p->shape, sizeof p->shape);
    }
    write_file(&g, tensors, count, 1);
    assert_ok(dogbreed_model_load(&model, path));
    dogbreed_model_destroy(model);

    write_file(&g, tensors, count, 0);
    assert_fails(dogbreed_model_load(&model, path), DOGBREED_ERROR_FORMAT,
                 "weights without a model document");
    write_file(&g, tensors, count - 1, 1);
    assert_fails(dogbreed_model_load(&model, path), DOGBREED_ERROR_MISMATCH,
                 "there is no tensor fc.bias");
    tensors[count] = tensors[0];
    tensors[count].name = "extra.weight";
    write_file(&g, tensors, count + 1, 1);
    assert_fails(dogbreed_model_load(&model, path), DOGBREED_ERROR_MISMATCH,
                 "tensor extra.weight is not part of its network");
    dogb_weight kept = tensors[0];
    tensors[0].shape[0] /= 2;
    tensors[0].bytes /= 2;
    write_file(&g, tensors, count, 1);
    assert_fails(dogbreed_model_load(&model, path), DOGBREED_ERROR_MISMATCH,
                 "tensor conv1.weight has shape [8, 3, 3, 3], tiny needs [16, 3, 3, 3]");
    tensors[0] = kept;
    tensors[0].dtype = DOGB_I32;
    write_file(&g, tensors, count, 1);
    assert_fails(dogbreed_model_load(&model, path), DOGBREED_ERROR_MISMATCH,
                 "tensor conv1.weight has type I32, expected F32, F16, BF16 or F64");
    assert_null(model);
    assert_fails(dogbreed_model_load(&model, "/nowhere/m"), DOGBREED_ERROR_NOT_FOUND, "/nowhere/m");
    assert_fails(dogbreed_model_load(&model, ""), DOGBREED_ERROR_INVALID_ARGUMENT, "path is empty");
    drop_good(&g);
}

static void cut_files_are_refused(void **state) {
    (void)state;
    dogb_arena arena = {0};
    void *bytes = NULL;
    size_t size = 0;
    dogbreed_model *model = make_model("tiny", "linear", "head", "", 3);
    assert_ok(dogbreed_model_save(model, path));
    dogbreed_model_destroy(model);
    assert_ok(dogb_file_read(&bytes, &size, &arena, path, 1 << 24));
    for (size_t cut = 0; cut < size; cut += 1 + size / 97) {
        assert_ok(dogb_file_write(path, bytes, cut));
        assert_fails(dogbreed_model_load(&model, path), DOGBREED_ERROR_FORMAT, "model.safetensors");
    }
    dogb_arena_free(&arena);
}

// Every allocation fails once: an error each time, nothing lost (the leak check sees the rest).
static void allocation_failures_are_clean(void **state) {
    (void)state;
    int failures = 0;
    int silent = 0;
    for (int i = 0;; i += 1 + i / 150) {
        dogbreed_model *model = NULL;
        dogbreed_model *loaded = NULL;
        char *summary = NULL;
        dogbreed_model_options options;
        assert_ok(dogbreed_model_options_init(&options, sizeof options));
        options.architecture = "tiny";
        options.classes = 3;
        memory_fail_after(i);
        int rc = dogbreed_model_create(&model, NULL, &options);
        rc = rc < 0 ? rc : dogbreed_model_save(model, path);
        rc = rc < 0 ? rc : dogbreed_model_load(&loaded, path);
        rc = rc < 0 ? rc : dogbreed_model_summary(&summary, loaded);
        int failed = memory_restore();
        dogbreed_free(summary);
        dogbreed_model_destroy(model);
        dogbreed_model_destroy(loaded);
        if (!failed) {
            assert_int_equal(rc, 0);
            break;
        }
        // jansson's parser says "invalid token" when a token finds no memory, and nothing at all
        // when that token reads as another one without the letter: lex_save passes over what
        // strbuffer_append_byte says.
        assert_true(rc == DOGBREED_ERROR_NO_MEMORY || rc == DOGBREED_ERROR_FORMAT || rc == 0);
        failures++;
        silent += rc == 0;
    }
    assert_true(silent <= 3);
    assert_true(failures > 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edited_documents_are_refused),
        cmocka_unit_test(custom_trainable_is_checked),
        cmocka_unit_test(unknown_members_are_kept),
        cmocka_unit_test(broken_texts_are_refused),
        cmocka_unit_test(tensors_must_fit_the_network),
        cmocka_unit_test(cut_files_are_refused),
        cmocka_unit_test(allocation_failures_are_clean),
    };
    return cmocka_run_group_tests(tests, set_up, scratch_remove);
}
