// Checkpoints: a training that is killed at any moment and resumed ends with the same bits; damaged
// and foreign checkpoints are refused or passed over.
#include "fixture.h"
#include "worker.h"

#include "core/log.h"

#include <math.h>

// How the workers and their reference train. "head": stored features; "net": everything.
static void set_up(fixture *f, const char *mode) {
    f->options.epochs = 5;
    f->options.batch_size = 4;
    f->options.optimizer = DOGBREED_OPTIMIZER_ADAM;
    f->options.learning_rate = 0.01;
    f->options.warmup_epochs = 0.5;
    if (strcmp(mode, "net") == 0) {
        fixture_whole(f);
        f->model.batch_norm = DOGBREED_BATCH_NORM_TRAIN;
        f->model.head = "mlp:6:0.3";
        f->options.optimizer = DOGBREED_OPTIMIZER_SGD;
    } else {
        f->options.augment_views = 2;
    }
}

typedef struct saver {
    dogbreed_trainer *trainer;
    char directory[300];
    int64_t every; // steps between two checkpoints; 0: at the ends of epochs only
    int failures;
} saver_state;

static int save(const dogbreed_event *event, void *userdata) {
    saver_state *saver = userdata;
    int now = event->kind == DOGBREED_EVENT_EPOCH_END ||
              (saver->every > 0 && (event->step + 1) % saver->every == 0);
    return now ? dogbreed_trainer_checkpoint(saver->trainer, saver->directory) : 0;
}

static void add_saver(saver_state *saver, dogbreed_trainer *trainer, const fixture *f,
                      int64_t every) {
    memset(saver, 0, sizeof *saver);
    saver->trainer = trainer;
    saver->every = every;
    (void)snprintf(saver->directory, sizeof saver->directory, "%s/checkpoint", f->root);
    assert_ok(dogbreed_trainer_subscribe(trainer, NULL,
                                         DOGBREED_EVENT_MASK(DOGBREED_EVENT_EPOCH_END) |
                                             DOGBREED_EVENT_MASK(DOGBREED_EVENT_STEP_END),
                                         save, saver));
}

// The other process: resumes when there is something to resume, trains, leaves its weights' sum.
static int work(const char *root, const char *mode) {
    fixture f;
    saver_state saver;
    char text[64];
    char path[400];
    memset(&f, 0, sizeof f);
    (void)snprintf(f.root, sizeof f.root, "%s", root);
    fixture_open_data(&f);
    set_up(&f, mode);
    dogbreed_model *model = fixture_model(&f);
    dogbreed_trainer *trainer = fixture_trainer(&f, model);
    add_saver(&saver, trainer, &f, 2);
    int rc = dogbreed_trainer_resume(trainer, saver.directory);
    if (rc == DOGBREED_ERROR_NOT_FOUND) {
        rc = 0;
    }
    if (rc == 0) {
        rc = dogbreed_trainer_run(trainer);
    }
    if (rc < 0) {
        (void)fprintf(stderr, "worker: %s\n", dogbreed_error_message());
    } else {
        int length =
            snprintf(text, sizeof text, "%llx", (unsigned long long)fixture_weights(model));
        (void)snprintf(path, sizeof path, "%s/sum", root);
        rc = dogb_file_replace(path, text, (size_t)length);
    }
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    fixture_close_data(&f);
    return rc < 0 ? 1 : 0;
}

static uint64_t uninterrupted(const fixture *f) {
    dogbreed_model *model = fixture_model(f);
    dogbreed_trainer *trainer = fixture_trainer(f, model);
    assert_ok(dogbreed_trainer_run(trainer));
    uint64_t sum = fixture_weights(model);
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    return sum;
}

static void kills(const char *mode, uint64_t seed) {
    fixture f;
    char wanted[64];
    char forget[400];
    fixture_open(&f, 6, 3);
    set_up(&f, mode);
    (void)snprintf(wanted, sizeof wanted, "%llx", (unsigned long long)uninterrupted(&f));
    (void)snprintf(forget, sizeof forget, "%s/checkpoint", f.root);
    (void)worker_kill_often(f.root, mode, forget, seed, NULL);
    assert_string_equal(fixture_text(f.root, "sum"), wanted);
    fixture_close(&f);
}

static void a_killed_training_ends_with_the_same_bits(void **state) {
    (void)state;
    kills("head", 1);
    kills("net", 2);
}

static char warnings[8192];

static void hear(int32_t level, const char *line, void *userdata) {
    (void)userdata;
    if (level <= DOGBREED_LOG_WARNING && strlen(warnings) + strlen(line) + 2 < sizeof warnings) {
        (void)strncat(warnings, line, sizeof warnings - strlen(warnings) - 1);
    }
}

// Trains some epochs with a checkpoint after each, as if killed behind the last of them.
static void train_some(fixture *f, int32_t epochs, int64_t every) {
    saver_state saver;
    dogbreed_model *model = fixture_model(f);
    dogbreed_trainer *trainer = fixture_trainer(f, model);
    add_saver(&saver, trainer, f, every);
    f->options.epochs = epochs;
    assert_ok(dogbreed_trainer_run(trainer));
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
}

// Resumes and finishes; returns the sum of the weights.
static uint64_t finish(const fixture *f, const char *directory) {
    dogbreed_model *model = fixture_model(f);
    dogbreed_trainer *trainer = fixture_trainer(f, model);
    assert_ok(dogbreed_trainer_resume(trainer, directory));
    assert_ok(dogbreed_trainer_run(trainer));
    uint64_t sum = fixture_weights(model);
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    return sum;
}

static int resume_only(const fixture *f, const char *directory) {
    dogbreed_model *model = fixture_model(f);
    dogbreed_trainer *trainer = fixture_trainer(f, model);
    int rc = dogbreed_trainer_resume(trainer, directory);
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    return rc;
}

typedef struct stopper {
    int64_t step;
} stopper_state;

static int stop_at(const dogbreed_event *event, void *userdata) {
    const stopper_state *stopper = userdata;
    if (event->step == stopper->step) {
        return DOGBREED_STOP;
    }
    return 0;
}

static dogbreed_trainer *stopped;

static int stop_in_epoch(const dogbreed_event *event, void *userdata) {
    const stopper_state *stopper = userdata;
    if (event->step == stopper->step) {
        dogbreed_trainer_stop(stopped);
    }
    return 0;
}

// After dogbreed_trainer_stop in the middle of an epoch the same trainer, or another one from its
// checkpoint, goes on as if nothing had been.
static void a_stopped_training_goes_on_exactly(void **state) {
    (void)state;
    for (int mode = 0; mode < 2; mode++) {
        fixture f;
        fixture_open(&f, 6, 3);
        set_up(&f, mode == 0 ? "head" : "net");
        uint64_t wanted = uninterrupted(&f);
        char directory[300];
        stopper_state stopper = {.step = 7}; // the second epoch's third step
        int32_t id = 0;
        (void)snprintf(directory, sizeof directory, "%s/stopped", f.root);
        dogbreed_model *model = fixture_model(&f);
        stopped = fixture_trainer(&f, model);
        assert_ok(dogbreed_trainer_subscribe(
            stopped, &id, DOGBREED_EVENT_MASK(DOGBREED_EVENT_STEP_END), stop_in_epoch, &stopper));
        assert_fails(dogbreed_trainer_run(stopped), DOGBREED_ERROR_CANCELLED, "epoch 2 of 5");
        assert_ok(dogbreed_trainer_checkpoint(stopped, directory));
        assert_true(finish(&f, directory) == wanted);
        assert_ok(dogbreed_trainer_release(stopped, id));
        assert_ok(dogbreed_trainer_run(stopped));
        assert_true(fixture_weights(model) == wanted);
        dogbreed_trainer_destroy(stopped);
        dogbreed_model_destroy(model);
        fixture_close(&f);
    }
}

static void damage(const char *root, const char *name, long at) {
    char path[600];
    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    if (at < 0) {
        assert_int_equal(unlink(path), 0);
        return;
    }
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    int byte = fgetc(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_not_equal(fputc(byte ^ 1, file), EOF);
    assert_int_equal(fclose(file), 0);
}

// What a resume would take, without a word.
static void assert_found(const saver_state *saver, const char *name) {
    char *found = NULL;
    char wanted[600];
    warnings[0] = '\0';
    dogbreed_log_set(hear, NULL, DOGBREED_LOG_WARNING);
    assert_ok(dogbreed_trainer_find_checkpoint(&found, saver->directory));
    dogbreed_log_set(NULL, NULL, DOGBREED_LOG_WARNING);
    (void)snprintf(wanted, sizeof wanted, "%s/%s", saver->directory, name);
    assert_string_equal(found, wanted);
    assert_string_equal(warnings, "");
    dogbreed_free(found);
}

static void a_damaged_checkpoint_gives_way_to_the_previous_one(void **state) {
    (void)state;
    static const struct {
        const char *name;
        long at;
    } cases[] = {
        {"checkpoint/last/model.safetensors", 5000},
        {"checkpoint/last/optimizer.safetensors", 300},
        {"checkpoint/last/checkpoint.json", 400},
        {"checkpoint/last/checkpoint.json", 0},
        {"checkpoint/last/rng.json", 20},
        {"checkpoint/last/rng.json", -1},
        {"checkpoint/last/checkpoint.json", -1},
        {"checkpoint/last/model.safetensors", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture f;
        stopper_state stopper = {.step = 15}; // behind the third epoch
        saver_state saver;
        fixture_open(&f, 6, 3);
        set_up(&f, "head");
        uint64_t wanted = uninterrupted(&f);
        dogbreed_model *model = fixture_model(&f);
        dogbreed_trainer *trainer = fixture_trainer(&f, model);
        add_saver(&saver, trainer, &f, 0);
        assert_ok(dogbreed_trainer_subscribe(
            trainer, NULL, DOGBREED_EVENT_MASK(DOGBREED_EVENT_EPOCH_END), stop_at, &stopper));
        assert_ok(dogbreed_trainer_run(trainer));
        dogbreed_trainer_destroy(trainer);
        dogbreed_model_destroy(model);
        assert_found(&saver, "last");
        damage(f.root, cases[i].name, cases[i].at);
        assert_found(&saver, "previous");
        warnings[0] = '\0';
        dogbreed_log_set(hear, NULL, DOGBREED_LOG_WARNING);
        assert_true(finish(&f, saver.directory) == wanted);
        dogbreed_log_set(NULL, NULL, DOGBREED_LOG_WARNING);
        assert_non_null(strstr(warnings, "checkpoint/last"));
        assert_non_null(strstr(warnings, "checkpoint/previous: continuing from here"));
        damage(f.root, "checkpoint/previous/model.safetensors", 999);
        assert_fails(resume_only(&f, saver.directory), DOGBREED_ERROR_FORMAT, "no intact");
        fixture_close(&f);
    }
}

static void rename_in(const char *root, const char *from, const char *to) {
    char a[600];
    char b[600];
    (void)snprintf(a, sizeof a, "%s/%s", root, from);
    (void)snprintf(b, sizeof b, "%s/%s", root, to);
    assert_int_equal(rename(a, b), 0);
}

static void a_kill_between_the_two_renames_loses_nothing(void **state) {
    (void)state;
    fixture f;
    saver_state saver;
    stopper_state stopper = {.step = 15};
    fixture_open(&f, 6, 3);
    set_up(&f, "head");
    uint64_t wanted = uninterrupted(&f);
    dogbreed_model *model = fixture_model(&f);
    dogbreed_trainer *trainer = fixture_trainer(&f, model);
    add_saver(&saver, trainer, &f, 0);
    assert_ok(dogbreed_trainer_subscribe(
        trainer, NULL, DOGBREED_EVENT_MASK(DOGBREED_EVENT_EPOCH_END), stop_at, &stopper));
    assert_ok(dogbreed_trainer_run(trainer));
    rename_in(f.root, "checkpoint/last", "checkpoint/next");
    assert_true(finish(&f, saver.directory) == wanted);
    // The next checkpoint puts it in order: what was `next` becomes `previous`.
    assert_ok(dogbreed_trainer_checkpoint(trainer, saver.directory));
    assert_non_null(
        strstr(fixture_text(f.root, "checkpoint/previous/checkpoint.json"), "\"epoch\": 3,"));
    assert_true(finish(&f, saver.directory) == wanted);
    // The run directory and the checkpoint itself are fine names too.
    assert_true(finish(&f, f.root) == wanted);
    char one[400];
    (void)snprintf(one, sizeof one, "%s/last", saver.directory);
    assert_true(finish(&f, one) == wanted);
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    fixture_close(&f);
}

static void foreign_checkpoints_are_refused(void **state) {
    (void)state;
    fixture f;
    char directory[300];
    fixture_open(&f, 4, 2);
    set_up(&f, "head");
    (void)snprintf(directory, sizeof directory, "%s/checkpoint", f.root);
    assert_fails(resume_only(&f, directory), DOGBREED_ERROR_NOT_FOUND, "no checkpoint");
    char *found = NULL;
    assert_fails(dogbreed_trainer_find_checkpoint(&found, directory), DOGBREED_ERROR_NOT_FOUND,
                 "no checkpoint");
    assert_null(found);
    train_some(&f, 2, 0);
    f.options.epochs = 5;
    assert_ok(resume_only(&f, directory));
    f.options.learning_rate = 0.02;
    assert_fails(resume_only(&f, directory), DOGBREED_ERROR_MISMATCH, "learning_rate 0.01");
    f.options.learning_rate = 0.01;
    f.options.epochs = 6; // the cosine would have another end
    assert_fails(resume_only(&f, directory), DOGBREED_ERROR_MISMATCH, "epochs 5");
    f.options.epochs = 5;
    f.options.patience = 4; // these may change
    f.options.loader_threads = 3;
    f.options.time_limit = 1000.0;
    assert_ok(resume_only(&f, directory));
    f.model.head = "mlp:7";
    assert_fails(resume_only(&f, directory), DOGBREED_ERROR_MISMATCH, "tensor");
    f.model.head = "linear";
    f.model.architecture = "squeezenet1_1";
    f.model.input_size = 64;
    f.model.resize = 64;
    assert_fails(resume_only(&f, directory), DOGBREED_ERROR_MISMATCH, "tiny");
    f.model.architecture = "tiny";
    f.model.input_size = FIXTURE_SIDE;
    f.model.resize = FIXTURE_SIDE;
    dogbreed_dataset *valid = f.valid;
    f.valid = NULL;
    assert_fails(resume_only(&f, directory), DOGBREED_ERROR_MISMATCH, "validation");
    f.valid = valid;
    fixture_close_data(&f);
    damage(f.root, "data/train/ant/000.png", 40);
    f.options.seed = 1;
    char root[256];
    (void)snprintf(root, sizeof root, "%s", f.root);
    memset(&f, 0, sizeof f);
    (void)snprintf(f.root, sizeof f.root, "%s", root);
    fixture_open_data(&f);
    set_up(&f, "head");
    assert_fails(resume_only(&f, directory), DOGBREED_ERROR_MISMATCH, "training split differ");
    fixture_close(&f);
}

// Where files are copied one by one, one of an older checkpoint may lie there.
static void a_file_that_is_no_part_is_not_read(void **state) {
    (void)state;
    fixture f;
    char path[400];
    fixture_open(&f, 4, 2);
    set_up(&f, "head");
    f.options.epochs = 1;
    train_some(&f, 1, 0);
    (void)snprintf(path, sizeof path, "%s/checkpoint/last/best.safetensors", f.root);
    assert_false(dogb_file_exists(path)); // one epoch is the best and the last
    assert_ok(dogb_file_replace(path, "stray", 5));
    (void)snprintf(path, sizeof path, "%s/checkpoint", f.root);
    assert_ok(resume_only(&f, path));
    fixture_close(&f);
}

static void best_is_kept_beside_the_last(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f, 6, 3);
    set_up(&f, "head");
    f.options.learning_rate = 5.0;
    f.options.monitor = DOGBREED_MONITOR_TRAIN_LOSS;
    uint64_t wanted = uninterrupted(&f);
    train_some(&f, 5, 2); // also where the best weights are not the last ones
    dogbreed_model *model = NULL;
    char path[400];
    (void)snprintf(path, sizeof path, "%s/checkpoint/best/model.safetensors", f.root);
    assert_ok(dogbreed_model_load(&model, path));
    assert_true(fixture_weights(model) == wanted);
    dogbreed_model_destroy(model);
    (void)snprintf(path, sizeof path, "%s/checkpoint", f.root);
    assert_true(finish(&f, path) == wanted); // all epochs done: the best weights come back
    fixture_close(&f);
}

int main(int argc, char **argv) {
    if (argc == 5 && strcmp(argv[1], "worker") == 0) {
        return work(argv[2], argv[3]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_training_ends_with_the_same_bits),
        cmocka_unit_test(a_stopped_training_goes_on_exactly),
        cmocka_unit_test(a_damaged_checkpoint_gives_way_to_the_previous_one),
        cmocka_unit_test(a_kill_between_the_two_renames_loses_nothing),
        cmocka_unit_test(foreign_checkpoints_are_refused),
        cmocka_unit_test(a_file_that_is_no_part_is_not_read),
        cmocka_unit_test(best_is_kept_beside_the_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
