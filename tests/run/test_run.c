// The run directory: its files, equal bytes for equal runs, resume after kills with torn logs, and
// the lock.
#include "../trainer/fixture.h"
#include "../trainer/worker.h"

#include <jansson.h>
#include <sys/file.h>

static void set_up(fixture *f) {
    f->options.epochs = 5;
    f->options.batch_size = 4;
    f->options.learning_rate = 0.02;
}

// Trains into root/name; NULL config is fine.
static int train_into(const fixture *f, const char *name, const char *config) {
    char directory[400];
    char *path = NULL;
    dogbreed_model *model = fixture_model(f);
    dogbreed_trainer *trainer = fixture_trainer(f, model);
    (void)snprintf(directory, sizeof directory, "%s/%s", f->root, name);
    int rc = dogbreed_run_attach(&path, trainer, directory, config);
    if (rc == 0) {
        assert_string_equal(path, directory);
        rc = dogbreed_trainer_run(trainer);
    } else {
        assert_null(path);
    }
    dogbreed_free(path);
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    return rc;
}

static json_t *document(const char *root, const char *name) {
    json_error_t error;
    json_t *value = json_loads(fixture_text(root, name), JSON_REJECT_DUPLICATES, &error);
    if (value == NULL) {
        fail_msg("%s: %s", name, error.text);
    }
    return value;
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    assert_non_null(text);
    return text;
}

static json_int_t int_of(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static int exists(const char *root, const char *name) {
    char path[600];
    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    return access(path, F_OK) == 0;
}

static size_t lines(const char *text) {
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += *text == '\n';
    }
    return count;
}

// Every line of metrics.jsonl is a whole object; counts the kinds.
static void check_jsonl(const char *root, const char *name, int epochs, int evals) {
    char text[1 << 16];
    int found[2] = {0, 0};
    (void)snprintf(text, sizeof text, "%s", fixture_text(root, name));
    char *next = text;
    while (*next != '\0') {
        char *end = strchr(next, '\n');
        json_error_t error;
        assert_non_null(end);
        *end = '\0';
        json_t *line = json_loads(next, JSON_REJECT_DUPLICATES, &error);
        assert_non_null(line);
        assert_int_equal(strlen(text_of(line, "time")), 27);
        assert_true(json_is_real(json_object_get(line, "t")));
        assert_true(json_is_object(json_object_get(line, "metrics")));
        json_t *gpu = json_object_get(json_object_get(line, "metrics"), "gpu_memory_bytes");
        assert_int_equal(json_integer_value(gpu), 0); // a CPU's memory is not a GPU's
        found[0] += strcmp(text_of(line, "kind"), "epoch") == 0;
        found[1] += strcmp(text_of(line, "kind"), "eval") == 0;
        json_decref(line);
        next = end + 1;
    }
    assert_int_equal(found[0], epochs);
    assert_int_equal(found[1], evals);
}

static void a_run_leaves_its_files(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f, 6, 3);
    set_up(&f);
    assert_ok(train_into(&f, "runs/a", "{\"command\": \"train\", \"arch\": \"tiny\"}"));
    const char *csv = fixture_text(f.root, "runs/a/metrics.csv");
    assert_int_equal(lines(csv), 6);
    assert_true(strncmp(csv,
                        "epoch,step,train_loss,train_accuracy,val_loss,val_accuracy,"
                        "val_top5_accuracy,lr\n1,5,",
                        78) == 0);
    check_jsonl(f.root, "runs/a/metrics.jsonl", 5, 5);
    json_t *config = document(f.root, "runs/a/config.json");
    assert_string_equal(text_of(config, "format"), "dogbreed.config");
    assert_string_equal(text_of(config, "command"), "train");
    assert_int_equal(int_of(config, "batch_size"), 4);
    json_decref(config);
    json_t *status = document(f.root, "runs/a/status.json");
    assert_string_equal(text_of(status, "state"), "completed");
    assert_int_equal(int_of(status, "exit_code"), 0);
    assert_int_equal(int_of(status, "epoch"), 5);
    assert_int_equal(int_of(status, "step"), 25);
    assert_string_equal(text_of(json_object_get(status, "best"), "metric"), "val_accuracy");
    json_decref(status);
    json_t *manifest = document(f.root, "runs/a/manifest.json");
    static const char *const groups[] = {"run",    "config",      "seeds",   "library", "host",
                                         "engine", "determinism", "dataset", "model",   "outputs"};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        assert_non_null(json_object_get(manifest, groups[i]));
    }
    assert_string_equal(text_of(json_object_get(manifest, "engine"), "engine"), "ref");
    assert_string_equal(text_of(json_object_get(manifest, "run"), "id"), "a");
    assert_string_equal(text_of(json_object_get(manifest, "model"), "architecture"), "tiny");
    assert_int_equal(int_of(json_object_get(manifest, "model"), "trainable_parameters"), 99);
    json_decref(manifest);
    assert_true(exists(f.root, "runs/a/checkpoint/last/checkpoint.json"));
    assert_true(exists(f.root, "runs/a/checkpoint/best/model.safetensors"));
    assert_false(exists(f.root, "runs/a/run.lock"));
    char *text = NULL;
    char directory[400];
    (void)snprintf(directory, sizeof directory, "%s/runs/a", f.root);
    assert_ok(dogbreed_run_config(&text, directory));
    assert_non_null(strstr(text, "\"command\": \"train\""));
    dogbreed_free(text);
    fixture_close(&f);
}

static void equal_runs_have_equal_files(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f, 6, 3);
    set_up(&f);
    assert_ok(train_into(&f, "a", NULL));
    f.options.loader_threads = 1;
    assert_ok(train_into(&f, "b", NULL));
    assert_string_equal(fixture_text(f.root, "a/metrics.csv"),
                        fixture_text(f.root, "b/metrics.csv"));
    json_t *a = document(f.root, "a/manifest.json");
    json_t *b = document(f.root, "b/manifest.json");
    const json_t *one = json_array_get(json_object_get(a, "outputs"), 2);
    const json_t *two = json_array_get(json_object_get(b, "outputs"), 2);
    assert_string_equal(text_of(one, "file"), "model.safetensors");
    assert_string_equal(text_of(one, "sha256"), text_of(two, "sha256"));
    static const char *const groups[] = {"seeds", "library", "determinism", "dataset", "model"};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        assert_true(json_equal(json_object_get(a, groups[i]), json_object_get(b, groups[i])));
    }
    json_decref(a);
    json_decref(b);
    fixture_close(&f);
}

static void directories_are_numbered_and_never_overwritten(void **state) {
    (void)state;
    fixture f;
    char before[1024];
    fixture_open(&f, 3, 2);
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(f.root), 0);
    for (int i = 1; i <= 3; i++) {
        char wanted[32];
        char *path = NULL;
        dogbreed_model *model = fixture_model(&f);
        dogbreed_trainer *trainer = fixture_trainer(&f, model);
        assert_ok(dogbreed_run_attach(&path, trainer, NULL, NULL));
        (void)snprintf(wanted, sizeof wanted, "runs/train-%d", i);
        assert_string_equal(path, wanted);
        dogbreed_free(path);
        dogbreed_trainer_destroy(trainer); // never ran: the lock goes all the same
        dogbreed_model_destroy(model);
        assert_false(exists(f.root, "runs/train-1/run.lock"));
    }
    assert_int_equal(chdir(before), 0);
    assert_fails(train_into(&f, "runs/train-2", NULL), DOGBREED_ERROR_EXISTS, "another run");
    assert_fails(train_into(&f, "c", "[1]"), DOGBREED_ERROR_INVALID_ARGUMENT, "config");
    assert_fails(train_into(&f, "d", "{"), DOGBREED_ERROR_FORMAT, "config");
    assert_fails(dogbreed_run_attach(NULL, NULL, "x", NULL), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "trainer");
    char *text = NULL;
    assert_fails(dogbreed_run_config(&text, f.root), DOGBREED_ERROR_NOT_FOUND, "run directory");
    assert_null(text);
    fixture_close(&f);
}

// The other process: attaches or resumes, trains.
static int work(const char *root, const char *name) {
    fixture f;
    char directory[400];
    memset(&f, 0, sizeof f);
    (void)snprintf(f.root, sizeof f.root, "%s", root);
    (void)snprintf(directory, sizeof directory, "%s/%s", root, name);
    fixture_open_data(&f);
    set_up(&f);
    if (strcmp(name, "held") == 0) {
        f.options.epochs = 100000;
        f.options.time_limit = 20.0;
    }
    dogbreed_model *model = fixture_model(&f);
    dogbreed_trainer *trainer = fixture_trainer(&f, model);
    int rc = dogbreed_run_resume(trainer, directory);
    if (rc == DOGBREED_ERROR_NOT_FOUND) {
        rc = dogb_directory_exists(directory) ? dogb_directory_remove(directory) : 0;
        rc = rc < 0 ? rc : dogbreed_run_attach(NULL, trainer, directory, NULL);
    }
    if (rc == 0) {
        rc = dogbreed_trainer_run(trainer);
    }
    if (rc < 0) {
        (void)fprintf(stderr, "worker: %s\n", dogbreed_error_message());
    }
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    fixture_close_data(&f);
    return rc < 0 ? 1 : 0;
}

static void append(const char *root, const char *name, const char *text) {
    char path[600];
    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *file = fopen(path, "ab");
    if (file != NULL) {
        (void)fputs(text, file);
        (void)fclose(file);
    }
}

// What a kill inside write() may leave.
static void tear_logs(const char *root) {
    append(root, "killed/metrics.csv", "9,99,0.1");
    append(root, "killed/metrics.jsonl", "{\"kind\":\"epo");
}

static void killed_runs_end_like_uninterrupted_ones(void **state) {
    (void)state;
    fixture f;
    char forget[400];
    fixture_open(&f, 6, 3);
    set_up(&f);
    assert_ok(train_into(&f, "whole", NULL));
    assert_int_equal(setenv("DOGBREED_CHECKPOINT_SECONDS", "0", 1), 0);
    (void)snprintf(forget, sizeof forget, "%s/killed", f.root);
    (void)worker_kill_often(f.root, "killed", forget, 7, tear_logs);
    assert_int_equal(unsetenv("DOGBREED_CHECKPOINT_SECONDS"), 0);
    assert_string_equal(fixture_text(f.root, "whole/metrics.csv"),
                        fixture_text(f.root, "killed/metrics.csv"));
    check_jsonl(f.root, "killed/metrics.jsonl", 5, 5);
    json_t *a = document(f.root, "whole/manifest.json");
    json_t *b = document(f.root, "killed/manifest.json");
    assert_string_equal(text_of(json_array_get(json_object_get(a, "outputs"), 2), "sha256"),
                        text_of(json_array_get(json_object_get(b, "outputs"), 2), "sha256"));
    json_decref(a);
    json_decref(b);
    json_t *status = document(f.root, "killed/status.json");
    assert_string_equal(text_of(status, "state"), "completed");
    json_decref(status);
    assert_false(exists(f.root, "killed/run.lock"));
    fixture_close(&f);
}

// What a process leaves that was killed right behind the start.
static void a_stale_lock_alone_is_no_run(void **state) {
    (void)state;
    fixture f;
    char path[400];
    char *name = NULL;
    fixture_open(&f, 6, 3);
    set_up(&f);
    (void)snprintf(path, sizeof path, "%s/stale", f.root);
    assert_int_equal(mkdir(path, 0777), 0);
    (void)snprintf(path, sizeof path, "%s/stale/run.lock", f.root);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    *strrchr(path, '/') = '\0';
    dogbreed_model *model = fixture_model(&f);
    dogbreed_trainer *trainer = fixture_trainer(&f, model);
    assert_ok(dogbreed_run_attach(&name, trainer, path, NULL));
    dogbreed_free(name);
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    fixture_close(&f);
}

static void the_lock_stops_a_second_process(void **state) {
    (void)state;
    fixture f;
    char directory[400];
    fixture_open(&f, 6, 3);
    set_up(&f);
    (void)snprintf(directory, sizeof directory, "%s/held", f.root);
    pid_t pid = worker_start(f.root, "held", "");
    for (int i = 0; i < 500 && !exists(f.root, "held/status.json"); i++) {
        worker_sleep(10);
    }
    assert_true(exists(f.root, "held/run.lock"));
    char holder[32];
    (void)snprintf(holder, sizeof holder, "process %ld", (long)pid);
    f.options.epochs = 100000;
    dogbreed_model *model = fixture_model(&f);
    dogbreed_trainer *trainer = fixture_trainer(&f, model);
    assert_fails(dogbreed_run_resume(trainer, directory), DOGBREED_ERROR_STATE, holder);
    assert_fails(dogbreed_run_attach(NULL, trainer, directory, NULL), DOGBREED_ERROR_EXISTS,
                 "held");
    (void)kill(pid, SIGKILL);
    assert_int_equal(worker_wait(pid), -SIGKILL);
    assert_true(exists(f.root, "held/run.lock")); // stale: it is taken over
    assert_ok(dogbreed_run_resume(trainer, directory));
    // The same process cannot write it twice either.
    dogbreed_trainer *second = fixture_trainer(&f, model);
    assert_fails(dogbreed_run_resume(second, directory), DOGBREED_ERROR_STATE, "being written");
    dogbreed_trainer_destroy(second);
    dogbreed_trainer_destroy(trainer);
    assert_false(exists(f.root, "held/run.lock"));
    dogbreed_model_destroy(model);
    fixture_close(&f);
}

typedef struct stopper {
    dogbreed_trainer *trainer;
    int64_t step;
    int result;
} stopper_state;

static int stop_at(const dogbreed_event *event, void *userdata) {
    const stopper_state *self = userdata;
    if (event->step != self->step) {
        return 0;
    }
    if (self->result == 0) {
        dogbreed_trainer_stop(self->trainer);
    }
    return self->result;
}

// How each kind of end shows in status.json.
static void status_tells_how_it_ended(void **state) {
    (void)state;
    static const struct {
        int result; // of the callback; 0: dogbreed_trainer_stop
        int code;
        const char *state;
        int exit_code;
    } cases[] = {
        {0, DOGBREED_ERROR_CANCELLED, "interrupted", 5},
        {DOGBREED_STOP, DOGBREED_OK, "stopped", 0},
        {-3, DOGBREED_ERROR_CALLBACK, "failed", 5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture f;
        char directory[400];
        fixture_open(&f, 6, 3);
        set_up(&f);
        (void)snprintf(directory, sizeof directory, "%s/run", f.root);
        dogbreed_model *model = fixture_model(&f);
        dogbreed_trainer *trainer = fixture_trainer(&f, model);
        stopper_state self = {.trainer = trainer, .step = 7, .result = cases[i].result};
        assert_ok(dogbreed_run_attach(NULL, trainer, directory, NULL));
        assert_ok(dogbreed_trainer_subscribe(
            trainer, NULL, DOGBREED_EVENT_MASK(DOGBREED_EVENT_STEP_END), stop_at, &self));
        assert_int_equal(dogbreed_trainer_run(trainer), cases[i].code);
        json_t *status = document(f.root, "run/status.json");
        assert_string_equal(text_of(status, "state"), cases[i].state);
        assert_int_equal(int_of(status, "exit_code"), cases[i].exit_code);
        json_decref(status);
        dogbreed_trainer_destroy(trainer);
        dogbreed_model_destroy(model);
        if (cases[i].result == 0) { // goes on in the middle of the epoch, to the same end
            assert_ok(train_into(&f, "whole", NULL));
            model = fixture_model(&f);
            trainer = fixture_trainer(&f, model);
            assert_ok(dogbreed_run_resume(trainer, directory));
            assert_ok(dogbreed_trainer_run(trainer));
            assert_string_equal(fixture_text(f.root, "whole/metrics.csv"),
                                fixture_text(f.root, "run/metrics.csv"));
            dogbreed_trainer_destroy(trainer);
            dogbreed_model_destroy(model);
        }
        fixture_close(&f);
    }
}

// A directory that cannot be written ends the training with the reason.
static void a_write_that_fails_is_named(void **state) {
    (void)state;
    fixture f;
    char directory[400];
    char path[500];
    fixture_open(&f, 6, 3);
    set_up(&f);
    (void)snprintf(directory, sizeof directory, "%s/run", f.root);
    (void)snprintf(path, sizeof path, "%s/metrics.csv", directory);
    dogbreed_model *model = fixture_model(&f);
    dogbreed_trainer *trainer = fixture_trainer(&f, model);
    assert_ok(dogbreed_run_attach(NULL, trainer, directory, NULL));
    assert_ok(dogb_directory_make(path)); // in the place of the file
    assert_fails(dogbreed_trainer_run(trainer), DOGBREED_ERROR_CALLBACK, "metrics.csv");
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    fixture_close(&f);
}

int main(int argc, char **argv) {
    if (argc == 5 && strcmp(argv[1], "worker") == 0) {
        return work(argv[2], argv[3]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_leaves_its_files),
        cmocka_unit_test(equal_runs_have_equal_files),
        cmocka_unit_test(directories_are_numbered_and_never_overwritten),
        cmocka_unit_test(killed_runs_end_like_uninterrupted_ones),
        cmocka_unit_test(a_stale_lock_alone_is_no_run),
        cmocka_unit_test(the_lock_stops_a_second_process),
        cmocka_unit_test(status_tells_how_it_ended),
        cmocka_unit_test(a_write_that_fails_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
