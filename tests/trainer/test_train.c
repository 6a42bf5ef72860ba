// Training as a whole: accuracy, determinism, refusals, best and last,
// early stopping, limits and stops.
#include "fixture.h"

#include <dogbreed/evaluate.h>

#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <sys/time.h>

static json_t *metrics_of(const dogbreed_trainer *trainer) {
    char *text = NULL;
    json_error_t error;
    assert_ok(dogbreed_trainer_metrics(&text, trainer));
    json_t *root = json_loads(text, 0, &error);
    dogbreed_free(text);
    assert_non_null(root);
    return root;
}

static double number(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static const json_t *epoch_at(const json_t *root, size_t index) {
    const json_t *epoch = json_array_get(json_object_get(root, "epochs"), index);
    assert_non_null(epoch);
    return epoch;
}

static void learns(fixture *f, double wanted) {
    dogbreed_model *model = fixture_model(f);
    dogbreed_trainer *trainer = fixture_trainer(f, model);
    dogbreed_evaluation result = {.struct_size = sizeof result};
    dogbreed_evaluate_options options;
    assert_ok(dogbreed_trainer_run(trainer));
    json_t *root = metrics_of(trainer);
    json_t *best = json_object_get(root, "best");
    assert_string_equal(json_string_value(json_object_get(root, "end")), "completed");
    assert_true(number(best, "value") >= wanted);
    // The model holds the best weights: an evaluation gives the number of that epoch.
    assert_ok(dogbreed_evaluate_options_init(&options, sizeof options));
    options.engine = f->options.engine;
    options.cache_dir = f->cache;
    options.threads = 1;
    assert_ok(dogbreed_evaluate(&result, NULL, model, f->valid, &options));
    size_t index = (size_t)number(best, "epoch") - 1;
    assert_true(result.top1 == number(epoch_at(root, index), "val_accuracy"));
    assert_true(fabs(result.loss - number(epoch_at(root, index), "val_loss")) < 1e-6);
    json_decref(root);
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
}

static void a_head_on_frozen_features_learns(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f, 20, 8);
    f.options.epochs = 10;
    learns(&f, 0.95);
    f.options.augment_views = 3;
    learns(&f, 0.95);
    f.options.engine = "ref"; // the whole network, though only its head learns
    f.options.engine = "ref"; // the whole network runs, though only its head learns
    f.options.feature_cache = DOGBREED_CACHE_OFF;
    f.options.augment_views = 0;
    f.options.augment = 0;
    learns(&f, 0.95);
    fixture_close(&f);
}

static void a_whole_network_learns(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f, 16, 6);
    fixture_whole(&f);
    f.model.batch_norm = DOGBREED_BATCH_NORM_TRAIN;
    f.options.epochs = 4;
    f.options.learning_rate = 0.01;
    f.options.optimizer = DOGBREED_OPTIMIZER_ADAM;
    f.options.class_weights = DOGBREED_CLASS_WEIGHTS_BALANCED;
    f.options.label_smoothing = 0.05;
    f.options.decoded_cache_bytes = 1 << 20;
    learns(&f, 0.9);
    fixture_close(&f);
}

static uint64_t train_once(const fixture *f, char metrics[4096]) {
    dogbreed_model *model = fixture_model(f);
    dogbreed_trainer *trainer = fixture_trainer(f, model);
    metrics[0] = '\0';
    assert_ok(dogbreed_trainer_run(trainer));
    json_t *root = metrics_of(trainer);
    for (size_t i = 0; i < json_array_size(json_object_get(root, "epochs")); i++) {
        const json_t *epoch = epoch_at(root, i);
        size_t length = strlen(metrics);
        (void)snprintf(metrics + length, 4096 - length, "%.17g %.17g %.17g %.17g\n",
                       number(epoch, "train_loss"), number(epoch, "train_accuracy"),
                       number(epoch, "val_loss"), number(epoch, "val_accuracy"));
    }
    json_decref(root);
    uint64_t weights = fixture_weights(model);
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    return weights;
}

static void same_with_any_number_of_threads(fixture *f) {
    char first[4096];
    char other[4096];
    f->options.loader_threads = 1;
    uint64_t weights = train_once(f, first);
    for (int32_t threads = 1; threads <= 3; threads += 2) {
        f->options.loader_threads = threads;
        f->options.threads = threads;
        assert_true(train_once(f, other) == weights);
        assert_string_equal(first, other);
    }
    f->options.seed = 2;
    assert_false(train_once(f, other) == weights);
    f->options.seed = 1;
    f->options.threads = 1;
}

static void same_seed_same_bits(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f, 7, 3);
    f.options.epochs = 2;
    f.options.batch_size = 4;
    same_with_any_number_of_threads(&f);
    f.options.augment_views = 2;
    same_with_any_number_of_threads(&f);
    f.options.augment_views = 0;
    fixture_whole(&f);
    f.model.batch_norm = DOGBREED_BATCH_NORM_TRAIN;
    f.model.head = "mlp:8:0.5"; // dropout too
    same_with_any_number_of_threads(&f);
    fixture_close(&f);
}

static void refuses_what_would_spoil_the_result(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f, 4, 2);
    dogbreed_dataset *test = NULL;
    dogbreed_trainer *trainer = NULL;
    dogbreed_model *model = fixture_model(&f);
    assert_ok(dogbreed_dataset_split(&test, f.all, "test"));
    assert_fails(dogbreed_trainer_create(&trainer, model, test, f.valid, &f.options),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "train: this is the test split");
    assert_null(trainer);
    assert_fails(dogbreed_trainer_create(&trainer, model, f.train, test, &f.options),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "valid: this is the test split");
    assert_fails(dogbreed_trainer_create(&trainer, model, f.all, NULL, &f.options),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "covers all splits");
    assert_fails(dogbreed_trainer_create(NULL, model, f.train, NULL, NULL),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "out");
    assert_fails(dogbreed_trainer_create(&trainer, NULL, f.train, NULL, NULL),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "model");
    assert_fails(dogbreed_trainer_create(&trainer, model, NULL, NULL, NULL),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "train");
    dogbreed_trainer_options options = f.options;
    options.nesterov = 1;
    options.optimizer = DOGBREED_OPTIMIZER_ADAM;
    assert_fails(dogbreed_trainer_create(&trainer, model, f.train, f.valid, &options),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "nesterov");
    options = f.options;
    options.epochs = 0;
    assert_fails(dogbreed_trainer_create(&trainer, model, f.train, f.valid, &options),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "epochs: 0");
    options = f.options;
    options.engine = "abacus";
    assert_ok(dogbreed_trainer_create(&trainer, model, f.train, f.valid, &options));
    assert_fails(dogbreed_trainer_run(trainer), DOGBREED_ERROR_NOT_FOUND, "abacus");
    dogbreed_trainer_destroy(trainer);
    assert_ok(dogbreed_model_set_trainable(model, "", 0));
    assert_fails(dogbreed_trainer_create(&trainer, model, f.train, f.valid, &f.options),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "frozen");
    dogbreed_model_destroy(model);
    dogbreed_dataset_destroy(test);
    dogbreed_trainer_destroy(NULL);
    fixture_close(&f);
}

static void refuses_other_classes(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f, 4, 2);
    dogbreed_trainer *trainer = NULL;
    dogbreed_model *model = NULL;
    f.model.classes = 3;
    assert_ok(dogbreed_model_create(&model, NULL, &f.model));
    assert_fails(dogbreed_trainer_create(&trainer, model, f.train, f.valid, &f.options),
                 DOGBREED_ERROR_MISMATCH, "ant");
    dogbreed_model_destroy(model);
    f.model.classes = 5;
    assert_ok(dogbreed_model_create(&model, NULL, &f.model));
    assert_fails(dogbreed_trainer_create(&trainer, model, f.train, f.valid, &f.options),
                 DOGBREED_ERROR_MISMATCH, "5 classes");
    dogbreed_model_destroy(model);
    fixture_close(&f);
}

// A rate of 0 never improves: best stays the first epoch, patience counts from there.
static void early_stopping_waits_as_long_as_asked(void **state) {
    (void)state;
    static const int32_t monitors[] = {DOGBREED_MONITOR_VAL_ACCURACY, DOGBREED_MONITOR_VAL_LOSS,
                                       DOGBREED_MONITOR_VAL_TOP5, DOGBREED_MONITOR_TRAIN_LOSS};
    fixture f;
    fixture_open(&f, 4, 2);
    f.options.learning_rate = 0.0;
    f.options.epochs = 9;
    f.options.patience = 3;
    f.options.batch_size = 4;
    for (size_t i = 0; i < sizeof monitors / sizeof *monitors; i++) {
        f.options.monitor = monitors[i];
        f.options.min_delta =
            i == 3 ? 1e-3 : 0.0; // sums over another order differ in the last bits
        dogbreed_model *model = fixture_model(&f);
        dogbreed_trainer *trainer = fixture_trainer(&f, model);
        assert_ok(dogbreed_trainer_run(trainer));
        json_t *root = metrics_of(trainer);
        assert_int_equal(json_array_size(json_object_get(root, "epochs")), 4);
        assert_string_equal(json_string_value(json_object_get(root, "end")), "early_stop");
        json_decref(root);
        assert_ok(dogbreed_trainer_run(trainer)); // it is over: nothing more happens
        root = metrics_of(trainer);
        assert_int_equal(json_array_size(json_object_get(root, "epochs")), 4);
        json_decref(root);
        dogbreed_trainer_destroy(trainer);
        dogbreed_model_destroy(model);
    }
    fixture_close(&f);
}

// A loss that falls all the time is an improvement in the right direction: nothing stops.
static void early_stopping_knows_the_direction(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f, 8, 4);
    f.options.learning_rate = 0.001;
    f.options.epochs = 6;
    f.options.patience = 1;
    f.options.monitor = DOGBREED_MONITOR_VAL_LOSS;
    dogbreed_model *model = fixture_model(&f);
    dogbreed_trainer *trainer = fixture_trainer(&f, model);
    assert_ok(dogbreed_trainer_run(trainer));
    json_t *root = metrics_of(trainer);
    assert_string_equal(json_string_value(json_object_get(root, "end")), "completed");
    json_t *best = json_object_get(root, "best");
    assert_string_equal(json_string_value(json_object_get(best, "metric")), "val_loss");
    assert_int_equal((int)number(best, "epoch"), 6);
    json_decref(root);
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    fixture_close(&f);
}

typedef struct weights_log {
    dogbreed_model *model;
    uint64_t weights[16]; // at each EPOCH_END
    int32_t improved[16];
    int32_t count;
} weights_log;

static int note_weights(const dogbreed_event *event, void *userdata) {
    weights_log *log = userdata;
    log->weights[log->count] = fixture_weights(log->model);
    log->improved[log->count++] = event->improved;
    return 0;
}

static void keeps_the_best_or_the_last(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f, 6, 3);
    f.options.epochs = 5;
    f.options.learning_rate = 3.0; // so high that it goes up and down
    for (int32_t keep = DOGBREED_KEEP_BEST; keep <= DOGBREED_KEEP_LAST; keep++) {
        weights_log log = {.model = fixture_model(&f)};
        f.options.keep = keep;
        f.options.monitor = DOGBREED_MONITOR_VAL_LOSS;
        dogbreed_trainer *trainer = fixture_trainer(&f, log.model);
        assert_ok(dogbreed_trainer_subscribe(
            trainer, NULL, DOGBREED_EVENT_MASK(DOGBREED_EVENT_EPOCH_END), note_weights, &log));
        assert_ok(dogbreed_trainer_run(trainer));
        int32_t best = 0;
        assert_int_equal(log.count, 5);
        assert_int_equal(log.improved[0], 1);
        for (int32_t i = 0; i < log.count; i++) {
            best = log.improved[i] ? i : best;
        }
        json_t *root = metrics_of(trainer);
        assert_int_equal((int)number(json_object_get(root, "best"), "epoch"), best + 1);
        json_decref(root);
        assert_true(fixture_weights(log.model) ==
                    log.weights[keep == DOGBREED_KEEP_BEST ? best : 4]);
        dogbreed_trainer_destroy(trainer);
        dogbreed_model_destroy(log.model);
    }
    fixture_close(&f);
}

static void without_validation_the_last_epoch_is_the_best(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f, 4, 2);
    dogbreed_model *model = fixture_model(&f);
    dogbreed_trainer *trainer = NULL;
    f.options.patience = 1;
    assert_ok(dogbreed_trainer_create(&trainer, model, f.train, NULL, &f.options));
    assert_ok(dogbreed_trainer_run(trainer));
    json_t *root = metrics_of(trainer);
    assert_int_equal((int)number(json_object_get(root, "best"), "epoch"), 3);
    assert_null(json_object_get(epoch_at(root, 0), "val_loss"));
    json_decref(root);
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    fixture_close(&f);
}

static void a_diverging_loss_names_epoch_and_step(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f, 6, 2);
    fixture_whole(&f);
    f.model.batch_norm = DOGBREED_BATCH_NORM_FROZEN;
    f.options.optimizer = DOGBREED_OPTIMIZER_SGD;
    f.options.learning_rate = 100.0;
    f.options.schedule = DOGBREED_SCHEDULE_CONSTANT;
    f.options.epochs = 30;
    dogbreed_model *model = fixture_model(&f);
    dogbreed_trainer *trainer = fixture_trainer(&f, model);
    assert_fails(dogbreed_trainer_run(trainer), DOGBREED_ERROR_NUMERIC, "epoch ");
    assert_non_null(strstr(dogbreed_error_message(), "step "));
    assert_non_null(strstr(dogbreed_error_message(), "learning_rate"));
    assert_fails(dogbreed_trainer_run(trainer), DOGBREED_ERROR_STATE, "resume");
    assert_fails(dogbreed_trainer_checkpoint(trainer, f.root), DOGBREED_ERROR_STATE, "resume");
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    fixture_close(&f);
}

static void the_time_limit_ends_a_run_cleanly(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f, 8, 4);
    f.options.epochs = 100000;
    f.options.time_limit = 0.4;
    dogbreed_model *model = fixture_model(&f);
    dogbreed_trainer *trainer = fixture_trainer(&f, model);
    assert_ok(dogbreed_trainer_run(trainer));
    json_t *root = metrics_of(trainer);
    assert_string_equal(json_string_value(json_object_get(root, "end")), "time_limit");
    assert_true(json_array_size(json_object_get(root, "epochs")) < 100000);
    json_decref(root);
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    fixture_close(&f);
}

static dogbreed_trainer *interrupted;

static void on_alarm(int number) {
    (void)number;
    dogbreed_trainer_stop(interrupted);
}

static void stops_from_a_signal_handler(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f, 8, 4);
    f.options.epochs = 100000;
    dogbreed_model *model = fixture_model(&f);
    interrupted = fixture_trainer(&f, model);
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval timer = {.it_value = {.tv_usec = 300000}};
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
    assert_fails(dogbreed_trainer_run(interrupted), DOGBREED_ERROR_CANCELLED, "stopped");
    json_t *root = metrics_of(interrupted);
    assert_string_equal(json_string_value(json_object_get(root, "end")), "cancelled");
    json_decref(root);
    dogbreed_trainer_stop(interrupted); // before a run: it returns at once
    assert_fails(dogbreed_trainer_run(interrupted), DOGBREED_ERROR_CANCELLED, "stopped");
    dogbreed_trainer_stop(NULL);
    dogbreed_trainer_destroy(interrupted);
    dogbreed_model_destroy(model);
    fixture_close(&f);
}

static void handles_may_be_destroyed_in_any_order(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f, 4, 2);
    dogbreed_model *model = fixture_model(&f);
    dogbreed_trainer *trainer = fixture_trainer(&f, model);
    dogbreed_model_destroy(model);
    fixture_close_data(&f);
    assert_ok(dogbreed_trainer_run(trainer));
    dogbreed_trainer_destroy(trainer);
    assert_ok(dogb_directory_remove(f.root));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_on_frozen_features_learns),
        cmocka_unit_test(a_whole_network_learns),
        cmocka_unit_test(same_seed_same_bits),
        cmocka_unit_test(refuses_what_would_spoil_the_result),
        cmocka_unit_test(refuses_other_classes),
        cmocka_unit_test(early_stopping_waits_as_long_as_asked),
        cmocka_unit_test(early_stopping_knows_the_direction),
        cmocka_unit_test(keeps_the_best_or_the_last),
        cmocka_unit_test(without_validation_the_last_epoch_is_the_best),
        cmocka_unit_test(a_diverging_loss_names_epoch_and_step),
        cmocka_unit_test(the_time_limit_ends_a_run_cleanly),
        cmocka_unit_test(stops_from_a_signal_handler),
        cmocka_unit_test(handles_may_be_destroyed_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
