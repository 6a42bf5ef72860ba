// Studies as event files: a folder for each trial, made again with the same bytes, by a listener
// while trials run; memory that runs out.
#include "../tensorboard/records.h"
#include "out_of_memory.h"

#include <dogbreed/tuner.h>

#include <math.h>

static dogb_arena arena;

static int free_arena(void **state) {
    (void)state;
    dogb_arena_free(&arena);
    return 0;
}

static dogbreed_tuner *study(void) {
    static const char *const breeds[] = {"\xe6\x9f\xb4\xe7\x8a\xac", "bad \xff"};
    dogbreed_tuner_options options;
    dogbreed_tuner *tuner = NULL;
    assert_ok(dogbreed_tuner_options_init(&options, sizeof options));
    options.objective = DOGBREED_OBJECTIVE_MINIMIZE;
    options.sampler = DOGBREED_SAMPLER_RANDOM;
    options.pruner = DOGBREED_PRUNER_NONE;
    options.study = "the study";
    assert_ok(dogbreed_tuner_create(&tuner, &options));
    assert_ok(dogbreed_tuner_add(tuner, "rate=log:1e-4:1e-1"));
    assert_ok(dogbreed_tuner_add(tuner, "size=32,64"));
    assert_ok(dogbreed_tuner_add(tuner, "nesterov=true,false"));
    assert_ok(dogbreed_tuner_add_choice(tuner, "breed", breeds, 2));
    return tuner;
}

static int64_t ask(dogbreed_tuner *tuner) {
    char *json = NULL;
    int64_t number = -1;
    assert_ok(dogbreed_tuner_ask(tuner, &number, &json));
    dogbreed_free(json);
    return number;
}

static void play(dogbreed_tuner *tuner, int steps, int32_t end, double value) {
    int64_t number = ask(tuner);
    for (int i = 1; i <= steps; i++) {
        assert_ok(dogbreed_tuner_report(tuner, number, i, 1.0 / i, NULL));
    }
    if (end != DOGBREED_TRIAL_RUNNING) {
        assert_ok(dogbreed_tuner_tell(tuner, number, end, value));
    }
}

// Events of a trial's folder (trial -1: of the study); how often they have a text.
static int events_of(const char *folder, int trial, const char *text, int *found) {
    char path[300];
    char *data = NULL;
    size_t size = 0;
    (void)snprintf(path, sizeof path, trial < 0 ? "%s" : "%s/%04d", folder, trial);
    int count = records_read(&data, &size, &arena, scratch(path));
    *found = records_find(data, size, text);
    return count;
}

static void all_states(void **state) {
    (void)state;
    dogbreed_tuner *tuner = study();
    int found = 0;
    play(tuner, 3, DOGBREED_TRIAL_COMPLETE, 0.25);
    play(tuner, 2, DOGBREED_TRIAL_PRUNED, (double)NAN);
    play(tuner, 1, DOGBREED_TRIAL_FAIL, (double)NAN);
    play(tuner, 4, DOGBREED_TRIAL_RUNNING, 0);
    assert_ok(dogbreed_tuner_tensorboard(tuner, scratch("states")));
    assert_int_equal(events_of("states", -1, "_hparams_/experiment", &found), 2);
    assert_int_equal(found, 1);
    static const struct {
        int events; // version, begin, points, result, end
        int results;
        int ends;
    } trials[] = {{7, 1, 1}, {6, 1, 1}, {4, 0, 1}, {6, 0, 0}};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(events_of("states", i, "_hparams_/session_start_info", &found),
                         trials[i].events);
        assert_int_equal(found, 1);
        (void)events_of("states", i, "final/value", &found);
        assert_int_equal(found, trials[i].results);
        (void)events_of("states", i, "_hparams_/session_end_info", &found);
        assert_int_equal(found, trials[i].ends);
        (void)events_of("states", i, "scalars", &found); // of a tag's first value alone
        assert_int_equal(found, 1 + trials[i].results);
    }
    // Each parameter and its choices, as they are; what is no UTF-8 is replaced.
    static const char *const texts[] = {
        "the study", "rate", "size", "nesterov", "breed", "\xe6\x9f\xb4\xe7\x8a\xac", "bad ?"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        (void)events_of("states", -1, texts[i], &found);
        assert_int_equal(found, 1);
    }
    dogbreed_tuner_destroy(tuner);
}

static void read_file(char **data, size_t *size, const char *folder) {
    (void)records_read(data, size, &arena, scratch(folder));
}

// In another folder, and again in the same one: trials that are over have the same bytes.
static void the_same_bytes(void **state) {
    (void)state;
    dogbreed_tuner *tuner = study();
    char *first = NULL;
    char *second = NULL;
    size_t size = 0;
    size_t other = 0;
    play(tuner, 5, DOGBREED_TRIAL_COMPLETE, 0.5);
    assert_ok(dogbreed_tuner_tensorboard(tuner, scratch("same")));
    assert_ok(dogbreed_tuner_tensorboard(tuner, scratch("same")));
    assert_ok(dogbreed_tuner_tensorboard(tuner, scratch("other")));
    for (int i = 0; i < 2; i++) {
        read_file(&first, &size, i == 0 ? "same" : "same/0000");
        read_file(&second, &other, i == 0 ? "other" : "other/0000");
        assert_int_equal(size, other);
        assert_memory_equal(first, second, size);
    }
    dogbreed_tuner_destroy(tuner);
}

static void what_an_earlier_study_left(void **state) {
    (void)state;
    dogbreed_tuner *tuner = study();
    for (int i = 0; i < 4; i++) {
        play(tuner, 1, DOGBREED_TRIAL_COMPLETE, i);
    }
    assert_ok(dogbreed_tuner_tensorboard(tuner, scratch("left")));
    dogbreed_tuner_destroy(tuner);
    assert_ok(dogb_file_put(scratch("left/0002/mine.txt"), "x", 1));
    tuner = study();
    play(tuner, 1, DOGBREED_TRIAL_COMPLETE, 7);
    play(tuner, 0, DOGBREED_TRIAL_RUNNING, 0);
    assert_ok(dogbreed_tuner_tensorboard(tuner, scratch("left")));
    for (int i = 0; i < 4; i++) {
        char path[32];
        (void)snprintf(path, sizeof path, "left/%04d", i);
        assert_int_equal(records_files(scratch(path), NULL), i < 2);
        assert_int_equal(dogb_directory_exists(scratch(path)), i < 3);
    }
    assert_true(dogb_file_exists(scratch("left/0002/mine.txt")));
    dogbreed_tuner_destroy(tuner);
}

static int watch(const dogbreed_trial_event *event, void *userdata) {
    dogbreed_tuner **tuner = userdata;
    (void)event;
    return dogbreed_tuner_tensorboard(*tuner, scratch("watched"));
}

// Programs; a file that is written while its trial runs ends as one that is written at the end.
static void by_a_listener(void **state) {
    (void)state;
    dogbreed_tuner *tuner = NULL;
    dogbreed_tuner_options options;
    dogbreed_command_options command;
    assert_ok(dogbreed_tuner_options_init(&options, sizeof options));
    assert_ok(dogbreed_command_options_init(&command, sizeof command));
    options.objective = DOGBREED_OBJECTIVE_MAXIMIZE;
    options.sampler = DOGBREED_SAMPLER_RANDOM;
    options.pruner = DOGBREED_PRUNER_NONE;
    options.trials = 3;
    command.program = "sh -c 'for i in 1 2 3; do echo acc: 0.$i loss: 9; done' {x}";
    assert_ok(dogbreed_tuner_create(&tuner, &options));
    assert_ok(dogbreed_tuner_add(tuner, "x=0..1"));
    assert_ok(dogbreed_tuner_command(tuner, &command));
    assert_ok(dogbreed_tuner_metric(tuner, "acc: ([0-9.]+)"));
    assert_ok(dogbreed_tuner_metric(tuner, "loss: ([0-9.]+)"));
    assert_ok(dogbreed_tuner_listen(tuner, watch, NULL, &tuner));
    assert_ok(dogbreed_tuner_run(tuner));
    for (int i = 0; i < 3; i++) {
        int found = 0;
        assert_int_equal(events_of("watched", i, "final/loss", &found), 8);
        assert_int_equal(found, 1);
        (void)events_of("watched", i, "acc", &found);
        assert_int_equal(found, 4);
    }
    dogbreed_tuner_destroy(tuner);
}

static void wrong_input(void **state) {
    (void)state;
    dogbreed_tuner *tuner = study();
    assert_fails(dogbreed_tuner_tensorboard(NULL, "x"), DOGBREED_ERROR_INVALID_ARGUMENT, "tuner");
    assert_fails(dogbreed_tuner_tensorboard(tuner, NULL), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "directory");
    assert_fails(dogbreed_tuner_tensorboard(tuner, ""), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "directory");
    assert_ok(dogb_file_put(scratch("file"), "x", 1));
    assert_fails(dogbreed_tuner_tensorboard(tuner, scratch("file")), DOGBREED_ERROR_IO, "file");
    dogbreed_tuner_destroy(tuner);
}

static int write_files(void *tuner) {
    return dogbreed_tuner_tensorboard(tuner, scratch("memory"));
}

static void memory_may_run_out_anywhere(void **state) {
    (void)state;
    dogbreed_tuner *tuner = study();
    for (int i = 0; i < 3; i++) {
        play(tuner, 2, DOGBREED_TRIAL_COMPLETE, i);
    }
    for (int again = 0; again < 2; again++) { // files are written; they are there
        assert_true(memory_fails_each(write_files, tuner, 1) > 20);
    }
    dogbreed_tuner_destroy(tuner);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(all_states, free_arena),
        cmocka_unit_test_teardown(the_same_bytes, free_arena),
        cmocka_unit_test_teardown(what_an_earlier_study_left, free_arena),
        cmocka_unit_test_teardown(by_a_listener, free_arena),
        cmocka_unit_test(wrong_input),
        cmocka_unit_test_teardown(memory_may_run_out_anywhere, free_arena),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
