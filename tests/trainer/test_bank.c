// Trainers in a bank come to the weights, metrics and events of each one alone.
#include "../memory_limit.h"
#include "fixture.h"

#include "core/error.h"
#include "trainer/bank.h"

#include <math.h>

enum { MEMBERS = 7, EPOCHS_MAX = 4 };

// What one member differs in.
typedef struct recipe {
    double rate;
    double decay;
    double smoothing;
    int32_t epochs;
    int32_t batch;
    int32_t optimizer;
    int32_t schedule;
    int32_t nesterov;
    int32_t patience;
} recipe;

static const recipe recipes[MEMBERS] = {
    {0.05, 0, 0, 3, 8, DOGBREED_OPTIMIZER_SGD, DOGBREED_SCHEDULE_COSINE, 0, 0},
    {0.02, 1e-3, 0.1, 4, 7, DOGBREED_OPTIMIZER_SGD, DOGBREED_SCHEDULE_CONSTANT, 1, 0},
    {0.01, 0, 0, 1, 60, DOGBREED_OPTIMIZER_ADAM, DOGBREED_SCHEDULE_COSINE, 0, 0},
    {0.01, 0.1, 0, 2, 200, DOGBREED_OPTIMIZER_ADAMW, DOGBREED_SCHEDULE_ONE_CYCLE, 0, 0},
    {1e-9, 0, 0, 4, 16, DOGBREED_OPTIMIZER_SGD, DOGBREED_SCHEDULE_STEP, 0, 1},
    {0.3, 0, 0, 4, 1, DOGBREED_OPTIMIZER_ADAM, DOGBREED_SCHEDULE_STEP, 0, 0},
    {0.05, 0, 0, 3, 8, DOGBREED_OPTIMIZER_SGD, DOGBREED_SCHEDULE_COSINE, 0, 0},
};

typedef struct heard {
    dogbreed_event epochs[EPOCHS_MAX];
    int32_t count[DOGBREED_EVENT_PROGRESS + 1];
    int32_t stop_after; // epochs; 0: never
} heard;

static int listen(const dogbreed_event *event, void *userdata) {
    heard *h = userdata;
    h->count[event->kind]++;
    if (event->kind == DOGBREED_EVENT_EPOCH_END) {
        h->epochs[event->epoch] = *event;
        return event->epoch + 1 == h->stop_after ? DOGBREED_STOP : 0;
    }
    return 0;
}

static uint64_t quiet_mask(void) {
    return DOGBREED_EVENT_MASK(DOGBREED_EVENT_RUN_BEGIN) |
           DOGBREED_EVENT_MASK(DOGBREED_EVENT_RUN_END) |
           DOGBREED_EVENT_MASK(DOGBREED_EVENT_EPOCH_BEGIN) |
           DOGBREED_EVENT_MASK(DOGBREED_EVENT_EPOCH_END) |
           DOGBREED_EVENT_MASK(DOGBREED_EVENT_EVAL_BEGIN) |
           DOGBREED_EVENT_MASK(DOGBREED_EVENT_EVAL_END);
}

static dogbreed_trainer *make(const fixture *f, dogbreed_model *model, const recipe *r, heard *h) {
    dogbreed_trainer *trainer = NULL;
    dogbreed_trainer_options options = f->options;
    options.learning_rate = r->rate;
    options.weight_decay = r->decay;
    options.label_smoothing = r->smoothing;
    options.epochs = r->epochs;
    options.batch_size = r->batch;
    options.optimizer = r->optimizer;
    options.schedule = r->schedule;
    options.nesterov = r->nesterov;
    options.patience = r->patience;
    options.step_epochs = 1;
    assert_ok(dogbreed_trainer_create(&trainer, model, f->train, f->valid, &options));
    assert_ok(dogbreed_trainer_subscribe(trainer, NULL, quiet_mask(), listen, h));
    return trainer;
}

static void same(const double *a, const double *b, const char *what, int member, int epoch) {
    if (memcmp(a, b, sizeof *a) != 0) {
        fail_msg("member %d, epoch %d: %s is %.17g, alone %.17g", member, epoch, what, *a, *b);
    }
}

static void same_heard(const heard *a, const heard *b, int member) {
    for (int kind = 0; kind <= DOGBREED_EVENT_PROGRESS; kind++) {
        assert_int_equal(a->count[kind], b->count[kind]);
    }
    for (int e = 0; e < a->count[DOGBREED_EVENT_EPOCH_END]; e++) {
        const dogbreed_event *x = &a->epochs[e];
        const dogbreed_event *y = &b->epochs[e];
        same(&x->train_loss, &y->train_loss, "train_loss", member, e);
        same(&x->train_accuracy, &y->train_accuracy, "train_accuracy", member, e);
        same(&x->val_loss, &y->val_loss, "val_loss", member, e);
        same(&x->val_accuracy, &y->val_accuracy, "val_accuracy", member, e);
        same(&x->val_top5, &y->val_top5, "val_top5", member, e);
        same(&x->learning_rate, &y->learning_rate, "learning_rate", member, e);
        assert_int_equal(x->step, y->step);
        assert_int_equal(x->done, y->done);
        assert_int_equal(x->improved, y->improved);
    }
}

// The kept weights, through the file that a user gets.
static void same_weights(dogbreed_trainer *banked, const dogbreed_model *alone, const char *root,
                         int member) {
    char path[400];
    dogbreed_model *found = NULL;
    (void)snprintf(path, sizeof path, "%s/%d.safetensors", root, member);
    assert_ok(dogb_trainer_save_kept(banked, path));
    assert_ok(dogbreed_model_load(&found, path));
    if (fixture_weights(found) != fixture_weights(alone)) {
        fail_msg("member %d: other weights than alone", member);
    }
    dogbreed_model_destroy(found);
}

static void check(fixture *f, int32_t threads, int32_t stop_after) {
    heard together[MEMBERS] = {{.stop_after = 0}};
    dogbreed_trainer *trainers[MEMBERS];
    dogbreed_model *model = fixture_model(f);
    f->options.threads = threads;
    for (int i = 0; i < MEMBERS; i++) {
        together[i].stop_after = i == 1 ? stop_after : 0;
        trainers[i] = make(f, model, &recipes[i], &together[i]);
    }
    assert_null(dogb_trainer_bank_refusal(trainers, MEMBERS));
    assert_ok(dogb_trainer_bank_run(trainers, MEMBERS, NULL, NULL));
    f->options.threads = 1;
    for (int i = 0; i < MEMBERS; i++) {
        heard single = {.stop_after = i == 1 ? stop_after : 0};
        dogb_trainer_status found;
        dogb_trainer_status wanted;
        dogbreed_model *own = fixture_model(f);
        dogbreed_trainer *alone = make(f, own, &recipes[i], &single);
        assert_ok(dogbreed_trainer_run(alone));
        dogb_trainer_status_get(&found, trainers[i]);
        dogb_trainer_status_get(&wanted, alone);
        assert_int_equal(found.end, wanted.end);
        assert_int_equal(found.best, wanted.best);
        assert_int_equal(found.epoch_count, wanted.epoch_count);
        same_heard(&together[i], &single, i);
        same_weights(trainers[i], own, f->root, i);
        dogbreed_trainer_destroy(alone);
        dogbreed_model_destroy(own);
    }
    for (int i = 0; i < MEMBERS; i++) {
        dogbreed_trainer_destroy(trainers[i]);
    }
    dogbreed_model_destroy(model);
}

static void each_member_is_as_alone(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f, 20, 6);
    check(&f, 1, 0);
    check(&f, 3, 2);
    f.options.class_weights = DOGBREED_CLASS_WEIGHTS_BALANCED;
    f.options.augment_views = 3;
    f.model.head = "mlp:11:0.3";
    check(&f, 2, 1);
    fixture_close(&f);
}

static void a_diverged_member_fails_alone(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f, 12, 4);
    heard h[2] = {{.stop_after = 0}};
    recipe wild = recipes[0];
    wild.rate = 100;
    wild.decay = 10;
    wild.epochs = 40;
    dogbreed_model *model = fixture_model(&f);
    dogbreed_trainer *trainers[2] = {make(&f, model, &wild, &h[0]),
                                     make(&f, model, &recipes[1], &h[1])};
    dogb_trainer_status status;
    assert_ok(dogb_trainer_bank_run(trainers, 2, NULL, NULL));
    dogb_trainer_status_get(&status, trainers[0]);
    assert_int_equal(status.end, DOGB_END_FAILED);
    assert_int_equal(status.end_code, DOGBREED_ERROR_NUMERIC);
    assert_non_null(strstr(status.message, "too high"));
    assert_int_equal(h[0].count[DOGBREED_EVENT_RUN_END], 1);
    dogb_trainer_status_get(&status, trainers[1]);
    assert_int_equal(status.end, DOGB_END_COMPLETED);
    assert_int_equal(status.epoch_count, recipes[1].epochs);
    dogbreed_trainer_destroy(trainers[0]);
    dogbreed_trainer_destroy(trainers[1]);
    dogbreed_model_destroy(model);
    fixture_close(&f);
}

static int end_now(void *userdata) {
    int32_t *left = userdata;
    return --*left == 0 ? dogb_fail(DOGBREED_ERROR_CANCELLED, "enough") : 0;
}

static void a_bank_can_be_ended(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f, 12, 4);
    heard h[2] = {{.stop_after = 0}};
    dogbreed_model *model = fixture_model(&f);
    dogbreed_trainer *trainers[2] = {make(&f, model, &recipes[0], &h[0]),
                                     make(&f, model, &recipes[1], &h[1])};
    dogb_trainer_status status;
    int32_t left = 2;
    assert_fails(dogb_trainer_bank_run(trainers, 2, end_now, &left), DOGBREED_ERROR_CANCELLED,
                 "enough");
    for (int i = 0; i < 2; i++) {
        dogb_trainer_status_get(&status, trainers[i]);
        assert_int_equal(status.epoch_count, 2);
        assert_true(status.end == DOGB_END_FAILED || status.end == DOGB_END_CANCELLED);
        assert_int_equal(h[i].count[DOGBREED_EVENT_RUN_END], 1);
        dogbreed_trainer_destroy(trainers[i]);
    }
    dogbreed_model_destroy(model);
    fixture_close(&f);
}

static void refusals(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f, 6, 2);
    heard h[2] = {{.stop_after = 0}};
    dogbreed_model *model = fixture_model(&f);
    dogbreed_trainer *trainers[2] = {make(&f, model, &recipes[0], &h[0]), NULL};
    f.options.seed = 7; // other orders are fine, other features are not: views are drawn from it
    trainers[1] = make(&f, model, &recipes[1], &h[1]);
    assert_non_null(dogb_trainer_bank_refusal(trainers, 2));
    assert_fails(dogb_trainer_bank_run(trainers, 2, NULL, NULL), DOGBREED_ERROR_STATE, "bank");
    assert_ok(dogbreed_trainer_subscribe(
        trainers[0], NULL, DOGBREED_EVENT_MASK(DOGBREED_EVENT_STEP_END), listen, &h[0]));
    assert_non_null(strstr(dogb_trainer_bank_refusal(trainers, 1), "steps"));
    dogbreed_trainer_destroy(trainers[0]);
    dogbreed_trainer_destroy(trainers[1]);
    dogbreed_model_destroy(model);
    fixture_close(&f);
}

// Bytes in use at most while a bank trains, its trainers included.
static size_t peak_of(const fixture *f, dogbreed_model *model, int32_t count, int64_t *said) {
    heard h = {.stop_after = 0};
    dogbreed_trainer *trainers[MEMBERS];
    memory_watch watch;
    memory_limit(&watch, SIZE_MAX);
    size_t before = watch.peak;
    for (int i = 0; i < count; i++) {
        trainers[i] = make(f, model, &recipes[i], &h);
    }
    *said = dogb_trainer_bank_bytes(trainers, count);
    assert_ok(dogb_trainer_bank_run(trainers, count, NULL, NULL));
    memory_unlimited();
    for (int i = 0; i < count; i++) {
        dogbreed_trainer_destroy(trainers[i]);
    }
    return watch.peak - before;
}

// Of heads that are large beside what every trainer has.
static void the_bytes_of_a_bank_are_known(void **state) {
    (void)state;
    if (!MEMORY_IS_EXACT) {
        test_skip("this allocator's numbers are not exact");
    }
    static const char *const heads[] = {"linear", "mlp:3000", "mlp:2000:0.4"};
    const double SLACK = 256 * 1024;
    fixture f;
    fixture_open(&f, 60, 20);
    f.options.threads = 1;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        f.options.augment_views = i == 2 ? 4 : 0;
        f.model.head = heads[i];
        dogbreed_model *model = fixture_model(&f);
        int64_t said = 0;
        (void)peak_of(&f, model, 1, &said); // features are computed
        for (int32_t count = 1; count <= MEMBERS; count += 3) {
            double peak = (double)peak_of(&f, model, count, &said);
            double share = (double)said / peak;
            if (fabs((double)said - peak) > SLACK && !(share > 0.9 && share < 1.3)) {
                fail_msg("%d heads %s: %.0f bytes, said to be %lld", (int)count, heads[i], peak,
                         (long long)said);
            }
        }
        dogbreed_model_destroy(model);
    }
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_member_is_as_alone),
        cmocka_unit_test(a_diverged_member_fails_alone),
        cmocka_unit_test(a_bank_can_be_ended),
        cmocka_unit_test(refusals),
        cmocka_unit_test(the_bytes_of_a_bank_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
