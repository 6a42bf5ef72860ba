// Every event of a run: kinds, order, counts, numbers, tensor views; and callbacks that stop,
// abort, release themselves or call what they may not.
#include "fixture.h"

#include <math.h>

enum { LOG_MAX = 4096 };

typedef struct log {
    char text[LOG_MAX]; // one letter per event
    size_t length;
    dogbreed_trainer *trainer;
    int64_t steps;
    double loss_sum; // of STEP_END, by samples
    int64_t samples;
} event_log;

static const char letters[] = "RrEeSbfgsVvcFp"; // index = kind

static int note(const dogbreed_event *event, void *userdata) {
    event_log *log = userdata;
    assert_int_equal(event->struct_size, sizeof *event);
    assert_true(event->kind >= 0 && event->kind < (int)sizeof letters - 1);
    assert_true(log->length + 1 < LOG_MAX);
    log->text[log->length++] = letters[event->kind];
    assert_true(event->time >= 0.0);
    assert_int_equal(event->epochs, 2);
    if (event->kind == DOGBREED_EVENT_STEP_END) {
        assert_true(isfinite(event->loss));
        assert_int_equal(event->step, log->steps++);
        int64_t batch = event->done - log->samples;
        log->loss_sum += event->loss * (double)batch;
        log->samples = event->done;
    } else if (event->kind == DOGBREED_EVENT_STEP_BEGIN) {
        assert_int_equal(event->step, log->steps);
        assert_true(isnan(event->loss));
        assert_true(event->learning_rate > 0.0);
    } else if (event->kind == DOGBREED_EVENT_EPOCH_BEGIN) {
        log->loss_sum = 0.0;
        log->samples = 0;
    } else if (event->kind == DOGBREED_EVENT_EPOCH_END) {
        // Means over samples, not over batches: the last batch is shorter.
        assert_int_equal(event->total, 15);
        assert_int_equal(log->samples, event->done);
        assert_true(fabs(event->train_loss - log->loss_sum / (double)event->done) < 1e-12);
        assert_true(isfinite(event->val_loss) && event->val_accuracy >= 0.0);
        assert_int_equal(event->epoch, event->step / event->steps - 1);
    }
    return 0;
}

static void every_kind_comes_in_order(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f, 5, 2); // 15 pictures: batches of 4, 4, 4, 3
    event_log log = {0};
    f.options.epochs = 2;
    f.options.batch_size = 4;
    dogbreed_model *model = fixture_model(&f);
    dogbreed_trainer *trainer = fixture_trainer(&f, model);
    assert_ok(dogbreed_trainer_subscribe(trainer, NULL, DOGBREED_EVENT_ALL, note, &log));
    assert_ok(dogbreed_trainer_run(trainer));
    // Features of both splits first (p, as often as the store likes), then the two epochs.
    char *p = log.text + 1;
    assert_int_equal(log.text[0], 'R');
    assert_int_equal(*p, 'p');
    p += strspn(p, "p");
    assert_string_equal(p, "ESbfgsSbfgsSbfgsSbfgsVve"
                           "ESbfgsSbfgsSbfgsSbfgsVve"
                           "r");
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    fixture_close(&f);
}

typedef struct viewer_state {
    dogbreed_model *model;
    int activations;
    int gradients;
    int weights;
    float before[4096]; // the head's weight before the step
    float gradient[4096];
} viewer_state;

// Finds a tensor by name and reads it.
static size_t read_tensor(const dogbreed_event *event, const char *name, float *out, size_t max) {
    for (int32_t i = 0; i < event->tensor_count; i++) {
        dogbreed_tensor tensor = {.struct_size = sizeof tensor};
        assert_ok(dogbreed_event_tensor(&tensor, event, i));
        if (strcmp(tensor.name, name) == 0) {
            size_t count = 1;
            for (int32_t k = 0; k < tensor.rank; k++) {
                count *= (size_t)tensor.shape[k];
            }
            assert_true(count <= max);
            assert_ok(dogbreed_event_tensor_read(event, i, out, count));
            dogbreed_tensor_stats stats = {.struct_size = sizeof stats};
            assert_ok(dogbreed_event_tensor_stats(&stats, event, i));
            double sum = 0.0;
            for (size_t k = 0; k < count; k++) {
                sum += (double)out[k];
                assert_true((double)out[k] >= stats.minimum && (double)out[k] <= stats.maximum);
            }
            assert_true(fabs(stats.mean - sum / (double)count) < 1e-5);
            assert_int_equal(stats.nan_count, 0);
            return count;
        }
    }
    fail_msg("no tensor %s", name);
    return 0;
}

static int view(const dogbreed_event *event, void *userdata) {
    viewer_state *viewer = userdata;
    static float buffer[1 << 16];
    if (event->kind == DOGBREED_EVENT_FORWARD_END) {
        assert_true(event->tensor_count > 0);
        assert_int_equal(read_tensor(event, "fc", buffer, 1 << 16), 8 * 3); // logits
        viewer->activations++;
    } else if (event->kind == DOGBREED_EVENT_BACKWARD_END) {
        assert_int_equal(read_tensor(event, "fc.weight", viewer->gradient, 4096), 32 * 3);
        viewer->gradients++;
    } else if (event->kind == DOGBREED_EVENT_STEP_END) {
        assert_int_equal(read_tensor(event, "fc.weight", buffer, 4096), 32 * 3);
        if (viewer->weights++ == 0) {
            // Plain sgd: what the gradient's view says is what the step did.
            for (size_t i = 0; i < 32 * 3; i++) {
                float wanted =
                    viewer->before[i] - (float)event->learning_rate * viewer->gradient[i];
                assert_true(fabsf(buffer[i] - wanted) < 1e-6f);
            }
        }
    } else if (event->kind == DOGBREED_EVENT_BATCH_READY) {
        assert_int_equal(event->tensor_count, 2);
        assert_int_equal(read_tensor(event, "input", buffer, 1 << 16), 8 * 32); // features
        assert_int_equal(read_tensor(event, "labels", buffer, 8), 8);
    } else if (event->kind != DOGBREED_EVENT_EVAL_END) {
        assert_int_equal(event->tensor_count, 0);
    }
    return 0;
}

static void views_show_what_the_step_does(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f, 8, 2);
    static viewer_state viewer;
    memset(&viewer, 0, sizeof viewer);
    f.options.epochs = 1;
    f.options.batch_size = 8;
    f.options.optimizer = DOGBREED_OPTIMIZER_SGD;
    f.options.momentum = 0.0;
    viewer.model = fixture_model(&f);
    for (int32_t i = 0; i < dogbreed_model_parameter_count(viewer.model); i++) {
        dogbreed_parameter parameter = {.struct_size = sizeof parameter};
        assert_ok(dogbreed_model_parameter(viewer.model, i, &parameter));
        if (strcmp(parameter.name, "fc.weight") == 0) {
            memcpy(viewer.before, parameter.data, 32 * 3 * sizeof(float));
        }
    }
    dogbreed_trainer *trainer = fixture_trainer(&f, viewer.model);
    assert_ok(dogbreed_trainer_subscribe(trainer, NULL, DOGBREED_EVENT_ALL, view, &viewer));
    assert_ok(dogbreed_trainer_run(trainer));
    assert_int_equal(viewer.activations, 3);
    assert_int_equal(viewer.gradients, 3);
    assert_int_equal(viewer.weights, 3);
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(viewer.model);
    fixture_close(&f);
}

// What torch.optim keeps behind its first step, of the gradient g: sgd the buffer g, adam the
// averages (1 - beta1) g and (1 - beta2) g^2.
typedef struct state_case {
    int32_t optimizer;
    double momentum;
    int32_t count;
    const char *names[2];
    double linear[2]; // factor of g
    double square[2]; // of g^2
    int32_t seen;     // steps
    float gradient[4096];
} state_case;

static int view_state(const dogbreed_event *event, void *userdata) {
    state_case *c = userdata;
    static float buffer[4096];
    if (event->kind == DOGBREED_EVENT_BACKWARD_END) {
        assert_int_equal(read_tensor(event, "fc.weight", c->gradient, 4096), 32 * 3);
        return 0;
    }
    int32_t weights = 0;
    for (int32_t i = 0; i < event->tensor_count; i++) {
        dogbreed_tensor tensor = {.struct_size = sizeof tensor};
        assert_ok(dogbreed_event_tensor(&tensor, event, i));
        int is_state = tensor.what == DOGBREED_TENSOR_OPTIMIZER;
        assert_true(is_state || tensor.what == DOGBREED_TENSOR_WEIGHT);
        assert_true(is_state == (weights == 2)); // weight and bias of the head, then its state
        weights += !is_state;
    }
    assert_int_equal(event->tensor_count, 2 + 2 * c->count);
    for (int32_t k = 0; k < c->count && c->seen == 0; k++) {
        assert_int_equal(read_tensor(event, c->names[k], buffer, 4096), 32 * 3);
        for (size_t i = 0; i < 32 * 3; i++) {
            double g = (double)c->gradient[i];
            double wanted = c->linear[k] * g + c->square[k] * g * g;
            assert_true(fabs((double)buffer[i] - wanted) <= 1e-6 * fabs(wanted) + 1e-12);
        }
    }
    c->seen++;
    return 0;
}

static void the_optimizers_state_stands_behind_the_weights(void **state) {
    (void)state;
    static state_case cases[] = {
        {DOGBREED_OPTIMIZER_SGD, 0.0, 0, {NULL, NULL}, {0, 0}, {0, 0}, 0, {0}},
        {DOGBREED_OPTIMIZER_SGD,
         0.9,
         1,
         {"fc.weight.momentum_buffer", NULL},
         {1, 0},
         {0, 0},
         0,
         {0}},
        {DOGBREED_OPTIMIZER_ADAM,
         0.0,
         2,
         {"fc.weight.exp_avg", "fc.weight.exp_avg_sq"},
         {0.1, 0},
         {0, 0.001},
         0,
         {0}},
    };
    fixture f;
    fixture_open(&f, 8, 2);
    f.options.epochs = 1;
    f.options.batch_size = 8;
    f.options.weight_decay = 0.0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        f.options.optimizer = cases[i].optimizer;
        f.options.momentum = cases[i].momentum;
        dogbreed_model *model = fixture_model(&f);
        dogbreed_trainer *trainer = fixture_trainer(&f, model);
        assert_ok(dogbreed_trainer_subscribe(trainer, NULL,
                                             DOGBREED_EVENT_MASK(DOGBREED_EVENT_BACKWARD_END) |
                                                 DOGBREED_EVENT_MASK(DOGBREED_EVENT_STEP_END),
                                             view_state, &cases[i]));
        assert_ok(dogbreed_trainer_run(trainer));
        assert_int_equal(cases[i].seen, 3);
        dogbreed_trainer_destroy(trainer);
        dogbreed_model_destroy(model);
    }
    fixture_close(&f);
}

// Labels and predictions of a validation say the accuracy that the event says.
static int judge(const dogbreed_event *event, void *userdata) {
    float labels[6];
    float predictions[6];
    double correct = 0.0;
    assert_int_equal(event->tensor_count, 2);
    assert_int_equal(read_tensor(event, "labels", labels, 6), 6);
    assert_int_equal(read_tensor(event, "predictions", predictions, 6), 6);
    for (int i = 0; i < 6; i++) {
        assert_true(labels[i] == (float)(i / 2)); // in the order of the split
        assert_true(predictions[i] >= 0.0f && predictions[i] < 3.0f);
        correct += predictions[i] == labels[i];
    }
    assert_true(fabs(event->val_accuracy - correct / 6.0) < 1e-12);
    ++*(int *)userdata;
    return 0;
}

// The network's input as (value / 255 - mean) / deviation of the pictures' own bytes.
static int look_at_input(const dogbreed_event *event, void *userdata) {
    static float input[8 * 3 * FIXTURE_SIDE * FIXTURE_SIDE];
    float labels[8];
    const size_t plane = (size_t)FIXTURE_SIDE * FIXTURE_SIDE;
    static const double means[3] = {0.485, 0.456, 0.406}; // the default preprocessing
    static const double deviations[3] = {0.229, 0.224, 0.225};
    size_t count = read_tensor(event, "input", input, sizeof input / sizeof *input);
    size_t samples = count / (3 * plane);
    assert_int_equal(read_tensor(event, "labels", labels, 8), samples);
    for (size_t i = 0; i < samples; i++) {
        int32_t label = (int32_t)labels[i];
        for (int32_t c = 0; c < 3; c++) { // the class's own channel has a mean of 200, others 60
            double sum = 0.0;
            for (size_t k = 0; k < plane; k++) {
                double value = (double)input[(i * 3 + (size_t)c) * plane + k];
                sum += (value * deviations[c] + means[c]) * 255.0;
            }
            double wanted = c == label ? 200.0 : 60.0;
            assert_true(fabs(sum / (double)plane - wanted) < 12.0);
        }
    }
    ++*(int *)userdata;
    return 0;
}

static void inputs_labels_and_predictions_can_be_seen(void **state) {
    (void)state;
    fixture f;
    int judged = 0;
    int seen = 0;
    fixture_open(&f, 4, 2);
    f.options.epochs = 2;
    f.options.augment = 0;
    fixture_whole(&f);
    dogbreed_model *model = fixture_model(&f);
    dogbreed_trainer *trainer = fixture_trainer(&f, model);
    assert_ok(dogbreed_trainer_subscribe(
        trainer, NULL, DOGBREED_EVENT_MASK(DOGBREED_EVENT_EVAL_END), judge, &judged));
    assert_ok(dogbreed_trainer_subscribe(
        trainer, NULL, DOGBREED_EVENT_MASK(DOGBREED_EVENT_BATCH_READY), look_at_input, &seen));
    assert_ok(dogbreed_trainer_run(trainer));
    assert_int_equal(judged, 2);
    assert_int_equal(seen, 4);
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    fixture_close(&f);
}

typedef struct sometimes {
    dogbreed_trainer *trainer;
    int32_t id;
    int32_t seen;
} sometimes;

static int on_gradients(const dogbreed_event *event, void *userdata) {
    sometimes *s = userdata;
    assert_int_equal(event->step % 2, 1);
    assert_true(event->tensor_count > 0);
    s->seen++;
    assert_ok(dogbreed_trainer_release(s->trainer, s->id));
    return 0;
}

static int on_begin(const dogbreed_event *event, void *userdata) {
    sometimes *s = userdata;
    if (event->step % 2 == 1) {
        assert_ok(dogbreed_trainer_subscribe(
            s->trainer, &s->id, DOGBREED_EVENT_MASK(DOGBREED_EVENT_BACKWARD_END), on_gradients, s));
    }
    return 0;
}

static void who_subscribes_when_a_step_begins_sees_that_step(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f, 8, 2);
    f.options.epochs = 2;
    f.options.batch_size = 4; // 6 steps
    dogbreed_model *model = fixture_model(&f);
    sometimes s = {.trainer = fixture_trainer(&f, model)};
    assert_ok(dogbreed_trainer_subscribe(
        s.trainer, NULL, DOGBREED_EVENT_MASK(DOGBREED_EVENT_STEP_BEGIN), on_begin, &s));
    assert_ok(dogbreed_trainer_run(s.trainer));
    assert_int_equal(s.seen, 6);
    dogbreed_trainer_destroy(s.trainer);
    dogbreed_model_destroy(model);
    fixture_close(&f);
}

typedef struct actor_state {
    dogbreed_trainer *trainer;
    int32_t kind; // acts at this event
    int64_t step; // from this step on
    int result;
    int32_t id; // released at the action; 0: no
    int destroy;
    int calls;
} actor_state;

static int act(const dogbreed_event *event, void *userdata) {
    actor_state *actor = userdata;
    if (event->kind != actor->kind || event->step < actor->step) {
        return 0;
    }
    actor->calls++;
    if (actor->id != 0) {
        assert_ok(dogbreed_trainer_release(actor->trainer, actor->id));
    }
    assert_fails(dogbreed_trainer_run(actor->trainer), DOGBREED_ERROR_STATE, "callback");
    assert_fails(dogbreed_trainer_resume(actor->trainer, "x"), DOGBREED_ERROR_STATE, "callback");
    if (event->kind == DOGBREED_EVENT_FORWARD_END || event->kind == DOGBREED_EVENT_BACKWARD_END) {
        assert_fails(dogbreed_trainer_checkpoint(actor->trainer, "unused"), DOGBREED_ERROR_STATE,
                     "inside a step");
    }
    if (actor->destroy) {
        dogbreed_trainer_destroy(actor->trainer);
    }
    return actor->result;
}

// Runs with an actor; *log hears everything.
static int play(fixture *f, actor_state *actor, event_log *log, const char *end) {
    dogbreed_model *model = fixture_model(f);
    dogbreed_trainer *trainer = fixture_trainer(f, model);
    actor->trainer = trainer;
    int32_t id = 0;
    memset(log, 0, sizeof *log);
    assert_ok(dogbreed_trainer_subscribe(trainer, &id, DOGBREED_EVENT_ALL, act, actor));
    actor->id = actor->id != 0 ? id : 0;
    assert_ok(dogbreed_trainer_subscribe(
        trainer, NULL, DOGBREED_EVENT_ALL ^ DOGBREED_EVENT_MASK(DOGBREED_EVENT_PROGRESS), note,
        log));
    int rc = dogbreed_trainer_run(trainer);
    char message[1024];
    (void)snprintf(message, sizeof message, "%s", dogbreed_error_message());
    if (!actor->destroy) {
        char *text = NULL;
        char wanted[64];
        assert_ok(dogbreed_trainer_metrics(&text, trainer));
        (void)snprintf(wanted, sizeof wanted, "\"end\":\"%s\"", end);
        assert_non_null(strstr(text, wanted));
        dogbreed_free(text);
        dogbreed_trainer_destroy(trainer);
    }
    dogbreed_model_destroy(model);
    if (rc < 0) { // what run said, for the caller's assertions
        assert_non_null(strstr(message, rc == DOGBREED_ERROR_CALLBACK ? "-7" : "stopped"));
    }
    return rc;
}

static void a_stop_ends_with_the_bookkeeping_of_the_epoch(void **state) {
    (void)state;
    static const struct {
        int32_t kind;
        int64_t step;
        const char *wanted;
    } cases[] = {
        {DOGBREED_EVENT_RUN_BEGIN, 0, "Rr"},
        {DOGBREED_EVENT_EPOCH_BEGIN, 0, "REr"},
        {DOGBREED_EVENT_EPOCH_BEGIN, 2, "RESbfgsSbfgsVveEr"},
        {DOGBREED_EVENT_EPOCH_END, 0, "RESbfgsSbfgsVver"},
        {DOGBREED_EVENT_EVAL_BEGIN, 0, "RESbfgsSbfgsVver"},
        {DOGBREED_EVENT_STEP_BEGIN, 0, "RESbfgsVver"}, // the step is finished, the epoch cut short
    };
    fixture f;
    event_log log;
    fixture_open(&f, 5, 2);
    f.options.epochs = 2;
    f.options.batch_size = 8;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        actor_state actor = {.kind = cases[i].kind, .step = cases[i].step, .result = DOGBREED_STOP};
        assert_int_equal(play(&f, &actor, &log, "stopped"), 0);
        assert_string_equal(log.text, cases[i].wanted);
        assert_int_equal(actor.calls, 1);
    }
    fixture_close(&f);
}

static void a_negative_result_aborts(void **state) {
    (void)state;
    static const struct {
        int32_t kind;
        const char *wanted;
    } cases[] = {
        {DOGBREED_EVENT_RUN_BEGIN, "r"},      {DOGBREED_EVENT_EPOCH_BEGIN, "Rr"},
        {DOGBREED_EVENT_BATCH_READY, "RESr"}, {DOGBREED_EVENT_FORWARD_END, "RESbr"},
        {DOGBREED_EVENT_STEP_END, "RESbfgr"}, {DOGBREED_EVENT_EVAL_END, "RESbfgsSbfgsVr"},
    };
    fixture f;
    event_log log;
    fixture_open(&f, 5, 2);
    f.options.epochs = 2;
    f.options.batch_size = 8;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        actor_state actor = {.kind = cases[i].kind, .result = -7};
        assert_int_equal(play(&f, &actor, &log, "failed"), DOGBREED_ERROR_CALLBACK);
        assert_string_equal(log.text, cases[i].wanted);
    }
    fixture_close(&f);
}

static void a_callback_may_release_itself_or_destroy_the_trainer(void **state) {
    (void)state;
    fixture f;
    event_log log;
    fixture_open(&f, 5, 2);
    f.options.epochs = 2;
    f.options.batch_size = 8;
    actor_state leaves = {.kind = DOGBREED_EVENT_BACKWARD_END, .id = 1};
    assert_int_equal(play(&f, &leaves, &log, "completed"), 0);
    assert_int_equal(leaves.calls, 1);
    assert_string_equal(log.text, "RESbfgsSbfgsVveESbfgsSbfgsVver");
    actor_state destroys = {.kind = DOGBREED_EVENT_STEP_END, .destroy = 1};
    assert_int_equal(play(&f, &destroys, &log, ""), DOGBREED_ERROR_CANCELLED);
    assert_string_equal(log.text, "RESbfgsr");
    fixture_close(&f);
}

static void bad_calls_are_refused(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f, 3, 2);
    dogbreed_model *model = fixture_model(&f);
    dogbreed_trainer *trainer = fixture_trainer(&f, model);
    int32_t id = 0;
    assert_fails(dogbreed_trainer_subscribe(trainer, &id, 0, note, NULL),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "mask");
    assert_fails(dogbreed_trainer_subscribe(trainer, &id, 1, NULL, NULL),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "fn");
    assert_fails(dogbreed_trainer_subscribe(NULL, &id, 1, note, NULL),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "trainer");
    assert_fails(dogbreed_trainer_release(trainer, 5), DOGBREED_ERROR_NOT_FOUND, "5");
    assert_fails(dogbreed_trainer_run(NULL), DOGBREED_ERROR_INVALID_ARGUMENT, "trainer");
    assert_fails(dogbreed_trainer_checkpoint(trainer, ""), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "directory");
    assert_fails(dogbreed_trainer_resume(trainer, NULL), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "directory");
    assert_fails(dogbreed_trainer_metrics(NULL, trainer), DOGBREED_ERROR_INVALID_ARGUMENT, "json");
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_comes_in_order),
        cmocka_unit_test(views_show_what_the_step_does),
        cmocka_unit_test(the_optimizers_state_stands_behind_the_weights),
        cmocka_unit_test(inputs_labels_and_predictions_can_be_seen),
        cmocka_unit_test(who_subscribes_when_a_step_begins_sees_that_step),
        cmocka_unit_test(a_stop_ends_with_the_bookkeeping_of_the_epoch),
        cmocka_unit_test(a_negative_result_aborts),
        cmocka_unit_test(a_callback_may_release_itself_or_destroy_the_trainer),
        cmocka_unit_test(bad_calls_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
