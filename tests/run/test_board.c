// What a run writes for TensorBoard: curves by epoch and by step, the configuration; what a resumed
// run says is void; nothing where it is not wanted.
#include "../tensorboard/values.h"
#include "../trainer/fixture.h"

enum { EPOCHS = 5, STEPS = 5 }; // 20 pictures in batches of 4

static const char *const by_epoch[] = {
    "train/loss", "train/accuracy", "train/lr",          "train/images_per_s",
    "val/loss",   "val/accuracy",   "val/top5_accuracy", "val/ece",
};
enum { BY_EPOCH = sizeof by_epoch / sizeof by_epoch[0] };

typedef struct run {
    fixture f;
    char folder[400];
    char steps[420];
    dogbreed_model *model;
    dogbreed_trainer *trainer;
    float losses[EPOCHS * STEPS]; // as the events have them
    int64_t stop;                 // behind so many steps; 0: never
} run;

static int listen(const dogbreed_event *event, void *userdata) {
    run *r = userdata;
    r->losses[event->step] = (float)event->loss;
    if (event->step + 1 == r->stop) {
        dogbreed_trainer_stop(r->trainer);
    }
    return DOGBREED_OK;
}

static void set_up(run *r) {
    fixture_open(&r->f, 6, 3);
    r->f.options.epochs = EPOCHS;
    r->f.options.batch_size = 4;
    r->f.options.learning_rate = 0.02;
    (void)snprintf(r->folder, sizeof r->folder, "%s/run", r->f.root);
    (void)snprintf(r->steps, sizeof r->steps, "%s/steps", r->folder);
}

static void open_trainer(run *r) {
    r->model = fixture_model(&r->f);
    r->trainer = fixture_trainer(&r->f, r->model);
    assert_ok(dogbreed_trainer_subscribe(r->trainer, NULL,
                                         DOGBREED_EVENT_MASK(DOGBREED_EVENT_STEP_END), listen, r));
}

static void close_trainer(run *r) {
    dogbreed_trainer_destroy(r->trainer);
    dogbreed_model_destroy(r->model);
}

// Trains in a new directory, up to `stop`.
static void train(run *r, const char *config, int64_t stop) {
    r->stop = stop;
    open_trainer(r);
    assert_ok(dogbreed_run_attach(NULL, r->trainer, r->folder, config));
    assert_int_equal(dogbreed_trainer_run(r->trainer),
                     stop == 0 ? DOGBREED_OK : DOGBREED_ERROR_CANCELLED);
    close_trainer(r);
}

static void go_on(run *r) {
    r->stop = 0;
    open_trainer(r);
    assert_ok(dogbreed_run_resume(r->trainer, r->folder));
    assert_ok(dogbreed_trainer_run(r->trainer));
    close_trainer(r);
}

// A curve has a point at each of these steps, and one only.
static void assert_steps(board_values *values, const char *tag, int64_t from, int64_t to) {
    int64_t next = from;
    (void)board_first(values, tag, "scalars");
    for (size_t i = 0; i < values->count; i++) {
        if (strcmp(values->items[i].tag, tag) == 0) {
            assert_int_equal(values->items[i].step, next++);
        }
    }
    assert_int_equal(next, to + 1);
}

static void check_losses(const board_values *values, const run *r) {
    for (size_t i = 0; i < values->count; i++) {
        const board_value *v = &values->items[i];
        if (strcmp(v->tag, "train/loss") == 0) {
            assert_memory_equal(&v->number, &r->losses[v->step - 1], sizeof v->number);
        }
    }
}

static void curves_and_configuration(void **state) {
    (void)state;
    static run r;
    static board_values values;
    dogb_arena arena = {0};
    set_up(&r);
    train(&r, "{\"arch\": \"a `b`\"}", 0);
    board_read(&values, &arena, r.folder);
    assert_int_equal(values.restart, 1);
    assert_int_equal(values.count, EPOCHS * BY_EPOCH + 1);
    for (size_t i = 0; i < BY_EPOCH; i++) {
        assert_steps(&values, by_epoch[i], 1, EPOCHS);
    }
    assert_true(board_first(&values, "train/images_per_s", "scalars")->number > 0);
    board_value *config = board_first(&values, "config", "text");
    assert_int_equal(config->step, 0);
    const char *text = board_text(config, &arena);
    assert_true(strncmp(text, "```json\n{", 9) == 0);
    assert_non_null(strstr(text, "\"arch\": \"a `b`\""));
    assert_non_null(strstr(text, "\"batch_size\": 4"));
    board_read(&values, &arena, r.steps);
    assert_int_equal(values.restart, 1);
    assert_int_equal(values.count, 2 * EPOCHS * STEPS);
    assert_steps(&values, "train/loss", 1, EPOCHS * STEPS);
    assert_steps(&values, "train/lr", 1, EPOCHS * STEPS);
    check_losses(&values, &r);
    dogb_arena_free(&arena);
    fixture_close(&r.f);
}

static void a_resumed_run_voids_what_comes_again(void **state) {
    (void)state;
    enum { STOP = 7 }; // in the middle of epoch 2
    static run r;
    static board_values values;
    dogb_arena arena = {0};
    set_up(&r);
    train(&r, NULL, STOP);
    board_read(&values, &arena, r.steps);
    assert_steps(&values, "train/loss", 1, STOP);
    go_on(&r);
    assert_int_equal(records_files(r.folder, NULL), 2);
    assert_int_equal(records_files(r.steps, NULL), 2);
    board_read(&values, &arena, r.folder);
    assert_int_equal(values.restart, 2);
    assert_steps(&values, "train/loss", 2, EPOCHS);
    assert_int_equal(board_count(&values, "config"), 0); // the first file has it
    board_read(&values, &arena, r.steps);
    assert_int_equal(values.restart, STOP + 1);
    assert_steps(&values, "train/loss", STOP + 1, EPOCHS * STEPS);
    check_losses(&values, &r);
    dogb_arena_free(&arena);
    fixture_close(&r.f);
}

// Of a network that sees pictures; once.
static void pictures_of_the_first_batch(void **state) {
    (void)state;
    static run r;
    static board_values values;
    dogb_arena arena = {0};
    set_up(&r);
    fixture_whole(&r.f);
    train(&r, NULL, 7);
    board_read(&values, &arena, r.folder);
    board_value *batch = board_first(&values, "data/first_batch", "images");
    assert_int_equal(board_images(batch, FIXTURE_SIDE), 4);
    assert_int_equal(batch->step, 1);
    go_on(&r);
    assert_int_equal(records_files(r.folder, NULL), 2);
    board_read(&values, &arena, r.folder);
    assert_int_equal(board_count(&values, "data/first_batch"), 0);
    dogb_arena_free(&arena);
    fixture_close(&r.f);
}

static void nothing_where_it_is_not_wanted(void **state) {
    (void)state;
    static run r;
    set_up(&r);
    train(&r, "{\"tensorboard\": false}", 7);
    go_on(&r);
    assert_int_equal(records_files(r.folder, NULL), 0);
    assert_false(dogb_directory_exists(r.steps));
    fixture_close(&r.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(curves_and_configuration),
        cmocka_unit_test(a_resumed_run_voids_what_comes_again),
        cmocka_unit_test(pictures_of_the_first_batch),
        cmocka_unit_test(nothing_where_it_is_not_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
