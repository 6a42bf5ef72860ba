// test_quantize.c - a model is quantised, saved, loaded, used; and everything that is refused.
#include "quantize/quantize_internal.h"

#include "core/error.h"
#include "out_of_memory.h"
#include "pictures.h"
#include "scratch.h"
#include "weights/weights.h"

#include <dogbreed/evaluate.h>
#include <dogbreed/predictor.h>
#include <dogbreed/trainer.h>
#include <math.h>

static dogbreed_dataset *valid;
static dogbreed_model *model;

static int set_up(void **state) {
    (void)scratch_make(state);
    write_split(scratch_folder, "train", 4, 2, 0);
    write_split(scratch_folder, "valid", 4, 9, 100);
    valid = open_split(scratch_folder, "valid", 0.0);
    model = make_frozen(valid, 1);
    return 0;
}

static int tear_down(void **state) {
    dogbreed_model_destroy(model);
    dogbreed_dataset_destroy(valid);
    return scratch_remove(state);
}

static dogbreed_quantize_options small_options(void) {
    dogbreed_quantize_options options;
    assert_ok(dogbreed_quantize_options_init(&options, sizeof options));
    options.images = 12;
    options.threads = 1;
    options.loader_threads = 1;
    return options;
}

static dogbreed_model *quantised(void) {
    dogbreed_model *made = NULL;
    dogbreed_quantize_options options = small_options();
    options.measure = 0;
    assert_ok(dogbreed_quantize(&made, NULL, model, valid, &options, NULL, NULL));
    return made;
}

static double number(const char *json, const char *side, const char *key) {
    dogb_arena arena = {0};
    json_t *parsed = NULL;
    assert_ok(dogb_json_parse(&parsed, &arena, json, strlen(json), "report"));
    const json_t *object = side == NULL ? parsed : json_object_get(parsed, side);
    assert_true(json_is_number(json_object_get(object, key)));
    double value = json_number_value(json_object_get(object, key));
    dogb_arena_free(&arena);
    return value;
}

static int64_t evaluate_with(const dogbreed_model *subject, const char *engine, int32_t dtype,
                             double *loss) {
    dogbreed_evaluation result = {.struct_size = sizeof result};
    dogbreed_evaluate_options options;
    assert_ok(dogbreed_evaluate_options_init(&options, sizeof options));
    options.engine = engine;
    options.dtype = dtype;
    options.feature_cache = 0;
    options.threads = 1;
    assert_ok(dogbreed_evaluate(&result, NULL, subject, valid, &options));
    *loss = result.loss;
    return result.correct;
}

static void it_is_measured(void **state) {
    (void)state;
    dogbreed_model *made = NULL;
    char *json = NULL;
    double loss = 0;
    dogbreed_quantize_options options = small_options();
    assert_ok(dogbreed_quantize(&made, &json, model, valid, &options, NULL, NULL));
    assert_true(number(json, NULL, "measured") == 36);
    assert_true(number(json, NULL, "images") == 12);
    double difference = number(json, NULL, "logit_difference");
    assert_true(difference > 0 && difference < 0.05);
    // The same numbers as an evaluation of each.
    int64_t correct = evaluate_with(model, "native", DOGBREED_DTYPE_F32, &loss);
    assert_true((double)correct == number(json, "before", "correct"));
    assert_true(loss == number(json, "before", "loss"));
    correct = evaluate_with(made, "native", DOGBREED_DTYPE_AUTO, &loss);
    assert_true((double)correct == number(json, "after", "correct"));
    assert_true(loss == number(json, "after", "loss"));
    assert_true(loss != number(json, "before", "loss"));
    // And the model says so.
    char *summary = NULL;
    assert_ok(dogbreed_model_summary(&summary, made));
    assert_non_null(strstr(summary, "\"logit_difference\""));
    dogbreed_free(summary);
    dogbreed_free(json);
    dogbreed_model_destroy(made);
}

typedef struct heard {
    int64_t ranges;
    int64_t accuracy;
    int32_t calls;
    int32_t end; // call that answers
    int answer;
} heard;

static int hear(const dogbreed_event *event, void *userdata) {
    heard *h = userdata;
    assert_int_equal(event->kind, DOGBREED_EVENT_PROGRESS);
    assert_int_equal(event->tensor_count, 0);
    assert_true(event->done >= 0 && event->done <= event->total);
    *(strcmp(event->text, "ranges") == 0 ? &h->ranges : &h->accuracy) = event->done;
    return ++h->calls == h->end ? h->answer : DOGBREED_OK;
}

static void progress_is_told(void **state) {
    (void)state;
    dogbreed_model *made = NULL;
    char *json = NULL;
    heard all = {0};
    dogbreed_quantize_options options = small_options();
    options.batch_size = 5;
    assert_ok(dogbreed_quantize(&made, &json, model, valid, &options, hear, &all));
    assert_int_equal(all.ranges, 24);
    assert_int_equal(all.accuracy, 36);
    assert_int_equal(all.calls, 1 + 3 + 3 + 1 + 8);
    dogbreed_free(json);
    dogbreed_model_destroy(made);
    for (int32_t end = 1; end <= all.calls; end++) {
        heard some = {.end = end, .answer = end % 2 == 0 ? DOGBREED_STOP : -7};
        assert_fails(dogbreed_quantize(&made, &json, model, valid, &options, hear, &some),
                     end % 2 == 0 ? DOGBREED_ERROR_CANCELLED : DOGBREED_ERROR_CALLBACK,
                     end % 2 == 0 ? "asked to stop" : "returned -7");
        assert_null(made);
        assert_null(json);
        assert_int_equal(some.calls, end);
    }
}

static void files_keep_every_bit(void **state) {
    (void)state;
    char path[400];
    char plain[400];
    dogbreed_model *made = quantised();
    dogbreed_model *loaded = NULL;
    double before = 0;
    double after = 0;
    struct stat small;
    struct stat large;
    (void)snprintf(path, sizeof path, "%s/small.safetensors", scratch_folder);
    (void)snprintf(plain, sizeof plain, "%s/large.safetensors", scratch_folder);
    assert_ok(dogbreed_model_save(made, path));
    assert_ok(dogbreed_model_save(model, plain));
    assert_ok(dogbreed_model_load(&loaded, path));
    assert_int_equal(dogbreed_model_parameter_count(made), dogbreed_model_parameter_count(loaded));
    for (int32_t i = 0; i < dogbreed_model_parameter_count(made); i++) {
        dogbreed_parameter a = {.struct_size = sizeof a};
        dogbreed_parameter b = {.struct_size = sizeof b};
        assert_ok(dogbreed_model_parameter(made, i, &a));
        assert_ok(dogbreed_model_parameter(loaded, i, &b));
        assert_string_equal(a.name, b.name);
        int64_t count = a.shape[0] * a.shape[1] * a.shape[2] * a.shape[3];
        assert_memory_equal(a.data, b.data, (size_t)count * sizeof(float));
    }
    char *plan = NULL; // what auto would run
    assert_ok(dogbreed_model_plan(&plan, made, DOGBREED_DTYPE_AUTO));
    assert_non_null(strstr(plan, "\"dtype\": \"int8\""));
    dogbreed_free(plan);
    assert_ok(dogbreed_model_plan(&plan, made, DOGBREED_DTYPE_F32));
    assert_non_null(strstr(plan, "\"dtype\": \"f32\""));
    dogbreed_free(plan);
    (void)evaluate_with(made, "native", DOGBREED_DTYPE_INT8, &before);
    (void)evaluate_with(loaded, "native", DOGBREED_DTYPE_INT8, &after);
    assert_true(before == after);
    assert_int_equal(stat(path, &small), 0);
    assert_int_equal(stat(plain, &large), 0);
    dogb_weights *file = NULL;
    assert_ok(dogb_weights_open(&file, path));
    size_t whole = 0;
    for (size_t i = 0; i < file->count; i++) {
        whole += file->tensors[i].dtype == DOGB_I8;
    }
    assert_true(whole > 3);
    dogb_weights_destroy(file);
    dogbreed_model_destroy(loaded);
    dogbreed_model_destroy(made);
}

// Other engines and dtype f32 take the rounded weights as floats.
static void every_engine_runs_it(void **state) {
    (void)state;
    dogbreed_model *made = quantised();
    double ref = 0;
    double native = 0;
    (void)evaluate_with(made, "ref", DOGBREED_DTYPE_AUTO, &ref);
    (void)evaluate_with(made, "native", DOGBREED_DTYPE_F32, &native);
    assert_true(fabs(ref - native) < 1e-5);
    dogbreed_predictor *predictor = NULL;
    assert_ok(dogbreed_predictor_create_from_model(&predictor, made, NULL));
    dogbreed_sample sample = {.struct_size = sizeof sample};
    dogbreed_prediction best;
    assert_ok(dogbreed_dataset_sample(valid, 0, &sample));
    assert_ok(dogbreed_predictor_predict_file(predictor, sample.path, NULL, &best, 1));
    dogbreed_predictor_destroy(predictor);
    dogbreed_model_destroy(made);
}

static void refusals(void **state) {
    (void)state;
    dogbreed_model *made = quantised();
    dogbreed_model *again = NULL;
    dogbreed_trainer *trainer = NULL;
    dogbreed_predictor *predictor = NULL;
    dogbreed_quantize_options options = small_options();
    assert_fails(dogbreed_quantize(&again, NULL, made, valid, &options, NULL, NULL),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "quantised already");
    assert_null(again);
    assert_fails(dogbreed_quantize(NULL, NULL, model, valid, NULL, NULL, NULL),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "out is NULL");
    options.images = 0;
    assert_fails(dogbreed_quantize(&again, NULL, model, valid, &options, NULL, NULL),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "images");
    assert_fails(dogbreed_trainer_create(&trainer, made, valid, valid, NULL),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "cannot be trained");
    dogbreed_predictor_options chosen;
    assert_ok(dogbreed_predictor_options_init(&chosen, sizeof chosen));
    chosen.dtype = DOGBREED_DTYPE_INT8;
    assert_fails(dogbreed_predictor_create_from_model(&predictor, model, &chosen),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "int8 needs a quantised model");
    chosen.engine = "ref";
    assert_fails(dogbreed_predictor_create_from_model(&predictor, made, &chosen),
                 DOGBREED_ERROR_UNSUPPORTED, "does not offer int8");
    dogbreed_model_destroy(made);
}

// A file's tensor with one value changed.
static void change(const char *path, const char *tensor, int32_t dtype, const void *value) {
    dogb_weights *file = NULL;
    dogb_arena arena = {0};
    assert_ok(dogb_weights_open(&file, path));
    for (size_t i = 0; i < file->count; i++) {
        dogb_weight *t = &file->tensors[i];
        if (strcmp(t->name, tensor) == 0) {
            char *data = dogb_alloc(&arena, t->bytes, 1);
            assert_non_null(data);
            assert_int_equal(t->dtype, dtype);
            memcpy(data, t->data, t->bytes);
            memcpy(data, value, dogb_dtype_size(dtype));
            t->data = data;
        }
    }
    char copy[500];
    (void)snprintf(copy, sizeof copy, "%s.changed", path);
    assert_ok(dogb_safetensors_write(copy, file->tensors, file->count, file->metadata));
    dogb_weights_destroy(file);
    dogb_arena_free(&arena);
}

static void hostile_files(void **state) {
    (void)state;
    char path[400];
    char changed[500];
    char layer[200] = "";
    char scale[220];
    dogbreed_model *made = quantised();
    dogbreed_model *loaded = NULL;
    (void)snprintf(path, sizeof path, "%s/hostile.safetensors", scratch_folder);
    (void)snprintf(changed, sizeof changed, "%s.changed", path);
    assert_ok(dogbreed_model_save(made, path));
    const dogb_graph *graph = dogb_model_graph(made);
    for (int32_t i = 0; i < graph->param_count; i++) {
        if (graph->params[i].role == DOGB_ROLE_WEIGHT) {
            (void)snprintf(layer, sizeof layer, "%s", graph->params[i].name);
        }
    }
    (void)snprintf(scale, sizeof scale, "%s_scale", layer);
    change(path, layer, DOGB_I8, &(int8_t){-128});
    assert_fails(dogbreed_model_load(&loaded, changed), DOGBREED_ERROR_FORMAT, "value -128");
    static const float scales[] = {0.0f, -1.0f, NAN, INFINITY};
    for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++) {
        change(path, scale, DOGB_F32, &scales[i]);
        assert_fails(dogbreed_model_load(&loaded, changed), DOGBREED_ERROR_FORMAT, "scale");
        assert_null(loaded);
    }
    dogbreed_model_destroy(made);
}

static void out_of_memory(void **state) {
    (void)state;
    dogbreed_quantize_options options = small_options();
    options.images = 2;
    int failed = 1;
    for (int count = 0; failed; count += 1 + count / 40) {
        dogbreed_model *made = NULL;
        char *json = NULL;
        memory_fail_after(count);
        int rc = dogbreed_quantize(&made, &json, model, valid, &options, NULL, NULL);
        failed = memory_restore();
        assert_int_equal(rc, failed ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK);
        dogbreed_model_destroy(made);
        dogbreed_free(json);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_measured),
        cmocka_unit_test(progress_is_told),
        cmocka_unit_test(files_keep_every_bit),
        cmocka_unit_test(every_engine_runs_it),
        cmocka_unit_test(refusals),
        cmocka_unit_test(hostile_files),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
