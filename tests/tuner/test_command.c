// Programs as trials: the list does not depend on how many run at once nor on interruptions; how
// trials end; what is refused.
#include "out_of_memory.h"
#include "tuner_test.h"

#include "core/file.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

// Three steps towards a value that depends on x and word.
static const char SCRIPT[] =
    "sh -c 'for i in 1 2 3; do "
    "echo \"step $i loss: $(awk \"BEGIN {{ print ($2 - 0.3) ^ 2 + 1 / $i + ($3 == 7) }}\")\"; "
    "done; echo \"size: $3\" >&2' - {trial} {x} {n}";

static dogbreed_tuner_options command_study(const char *storage, int32_t trials) {
    dogbreed_tuner_options options = tuner_options(storage, trials);
    options.objective = DOGBREED_OBJECTIVE_MINIMIZE;
    options.round = 4;
    return options;
}

static dogbreed_command_options command_options(const char *program) {
    dogbreed_command_options options;
    assert_ok(dogbreed_command_options_init(&options, sizeof options));
    options.program = program;
    options.command_grace = 1;
    return options;
}

static dogbreed_tuner *command_open(const dogbreed_tuner_options *options,
                                    const dogbreed_command_options *command) {
    dogbreed_tuner *tuner = NULL;
    assert_ok(dogbreed_tuner_create(&tuner, options));
    assert_ok(dogbreed_tuner_add(tuner, "x=0.0..1.0"));
    assert_ok(dogbreed_tuner_add(tuner, "n=3,7"));
    assert_ok(dogbreed_tuner_command(tuner, command));
    assert_ok(dogbreed_tuner_metric(tuner, "loss: ([-+0-9.eEnaif]+)"));
    return tuner;
}

static dogbreed_tuner *script_open(const dogbreed_tuner_options *options, int32_t parallel) {
    dogbreed_command_options command = command_options(SCRIPT);
    command.parallel = parallel;
    dogbreed_tuner *tuner = command_open(options, &command);
    assert_ok(dogbreed_tuner_metric(tuner, "size: ([0-9]+)"));
    return tuner;
}

// One trial of a shell's script; the tuner has run.
static dogbreed_tuner *one(const char *script) {
    static char program[2048];
    (void)snprintf(program, sizeof program, "sh -c '%s'", script);
    dogbreed_tuner_options options = command_study("", 1);
    dogbreed_command_options command = command_options(program);
    dogbreed_tuner *tuner = command_open(&options, &command);
    assert_ok(dogbreed_tuner_run(tuner));
    return tuner;
}

static void assert_trial(const char *script, const char *state, const char *reason, double value) {
    dogbreed_tuner *tuner = one(script);
    assert_string_equal(trial_text(tuner, 0, "state"), state);
    if (strncmp(trial_text(tuner, 0, "reason"), reason, strlen(reason)) != 0) {
        fail_msg("%s: %s", script, trial_text(tuner, 0, "reason"));
    }
    assert_true(*reason != '\0' || trial_value(tuner, 0) == value);
    dogbreed_tuner_destroy(tuner);
}

// --- the list of trials

static void the_list_does_not_depend_on_how_many_run(void **state) {
    (void)state;
    dogbreed_tuner_options options = command_study("", 14);
    char *whole = trials_of(script_open(&options, 1));
    assert_non_null(strstr(whole, "\"metrics\""));
    assert_same_trials(trials_of(script_open(&options, 3)), whole);
    options.storage = new_storage(&f);
    assert_same_trials(trials_of(script_open(&options, 8)), whole);
    assert_stored(script_open(&options, 1), whole);
    options.storage = new_storage(&f);
    for (int32_t trials = 3; trials <= 15; trials += 4) { // in parts
        options.trials = trials > 14 ? 14 : trials;
        free(trials_of(script_open(&options, 2)));
    }
    assert_stored(script_open(&options, 1), whole);
    free(whole);
}

typedef struct stopper {
    dogbreed_tuner *tuner;
    int left; // events until it stops
} stopper;

static int stop_soon(const dogbreed_trial_event *event, void *userdata) {
    stopper *s = userdata;
    (void)event;
    if (--s->left == 0) {
        dogbreed_tuner_stop(s->tuner);
    }
    return 0;
}

static void a_stopped_study_goes_on(void **state) {
    (void)state;
    dogbreed_tuner_options options = command_study("", 9);
    options.pruner = DOGBREED_PRUNER_MEDIAN;
    char *whole = trials_of(script_open(&options, 1));
    options.storage = new_storage(&f);
    int rc = DOGBREED_ERROR_CANCELLED;
    int runs = 0;
    for (; rc == DOGBREED_ERROR_CANCELLED && runs < 60; runs++) {
        stopper s = {.left = 4 + runs};
        s.tuner = script_open(&options, 1 + runs % 3);
        assert_ok(dogbreed_tuner_listen(s.tuner, stop_soon, NULL, &s));
        rc = dogbreed_tuner_run(s.tuner);
        dogbreed_tuner_destroy(s.tuner);
    }
    assert_ok(rc);
    assert_true(runs > 2);
    assert_stored(script_open(&options, 1), whole);
    free(whole);
}

// The whole process dies at any moment, its programs with it.
static void a_killed_study_goes_on(void **state) {
    (void)state;
    dogbreed_tuner_options options = command_study("", 9);
    char *whole = trials_of(script_open(&options, 1));
    options.storage = new_storage(&f);
    int status = -1;
    for (int i = 0; i < 12; i++) {
        pid_t child = fork();
        if (child == 0) {
            dogbreed_tuner *tuner = script_open(&options, 2);
            _exit(dogbreed_tuner_run(tuner) == DOGBREED_OK ? 0 : 1);
        }
        struct timespec pause = {.tv_nsec = 20000000 + 17000000 * i};
        (void)nanosleep(&pause, NULL);
        (void)kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    }
    assert_same_trials(trials_of(script_open(&options, 2)), whole);
    assert_stored(script_open(&options, 1), whole);
    free(whole);
}

static void bad_trials_are_pruned(void **state) {
    (void)state;
    dogbreed_tuner_options options = command_study("", 24);
    options.pruner = DOGBREED_PRUNER_MEDIAN;
    options.sampler = DOGBREED_SAMPLER_RANDOM;
    // Whether it has ended by then changes nothing: it is pruned by what it said before.
    dogbreed_command_options command =
        command_options("sh -c 'echo loss: $1; echo loss: $1; echo loss: 0.001' - {x}");
    char *lists[2];
    for (int32_t i = 0; i < 2; i++) {
        command.parallel = 1 + 3 * i;
        dogbreed_tuner *tuner = command_open(&options, &command);
        lists[i] = trials_of(tuner);
    }
    assert_non_null(strstr(lists[0], "PRUNED"));
    assert_non_null(strstr(lists[0], "COMPLETE"));
    assert_same_trials(lists[1], lists[0]);
    free(lists[0]);
}

static void a_pruned_program_is_ended(void **state) {
    (void)state;
    dogbreed_tuner_options options = command_study("", 12);
    options.pruner = DOGBREED_PRUNER_AUTO;
    options.sampler = DOGBREED_SAMPLER_GRID;
    dogbreed_command_options command =
        command_options("sh -c 'echo loss: $1; echo loss: $1; if [ $1 = 9 ]; then sleep 600; fi; "
                        "echo loss: 0.5' - {x}");
    dogbreed_tuner *tuner = NULL;
    assert_ok(dogbreed_tuner_create(&tuner, &options));
    assert_ok(dogbreed_tuner_add(tuner, "x=1,2,3,4,5,6,7,8,9"));
    assert_ok(dogbreed_tuner_command(tuner, &command));
    assert_ok(dogbreed_tuner_metric(tuner, "loss: ([0-9.]+)"));
    assert_ok(dogbreed_tuner_run(tuner));
    assert_string_equal(trial_text(tuner, 8, "state"), "PRUNED");
    assert_true(trial_value(tuner, 8) == 9);
    assert_string_equal(trial_text(tuner, 8, "curve"), "[9.0, 9.0]");
    assert_string_equal(trial_text(tuner, 0, "state"), "COMPLETE");
    dogbreed_tuner_destroy(tuner);
}

// Who prints one number has nothing left to stop, unless more were promised.
static void the_last_number_is_not_pruned(void **state) {
    (void)state;
    for (int32_t steps = 0; steps < 3; steps++) {
        dogbreed_tuner_options options = command_study("", 16);
        options.pruner = DOGBREED_PRUNER_AUTO;
        dogbreed_command_options command = command_options("sh -c 'echo loss: $0' {x}");
        command.steps = steps;
        char *list = trials_of(command_open(&options, &command));
        assert_int_equal(strstr(list, "PRUNED") != NULL, steps == 2);
        free(list);
    }
}

// --- one trial

static void how_trials_end(void **state) {
    (void)state;
    assert_trial("echo loss: 3; echo loss: 1e-05; echo loss: 2", "COMPLETE", "", 2);
    assert_trial("echo x loss: 3 loss: -0.3 y >&2", "COMPLETE", "", -0.3);
    assert_trial("echo loss: 1; exit 3", "FAIL", "exit code 3: loss: 1", 0);
    assert_trial("echo loss: 1; echo Traceback >&2; exit 1", "FAIL", "exit code 1: Traceback", 0);
    assert_trial("echo loss: 1; kill -SEGV $$", "FAIL", "signal 11 ended it", 0);
    assert_trial("echo hello", "FAIL", "metric loss: no line had a number", 0);
    assert_trial(
        "echo loss: high; echo loss: none", "FAIL",
        "metric loss: no line had a number; 2 have \"loss:\", the last one is \"loss: none", 0);
    assert_trial("echo loss: 1; echo loss: nan", "FAIL", "the objective is not a finite number", 0);
    assert_trial("echo loss: -inf", "FAIL", "the objective is not a finite number", 0);
}

static void a_failure_does_not_end_the_study(void **state) {
    (void)state;
    dogbreed_tuner_options options = command_study(new_storage(&f), 8);
    dogbreed_command_options command =
        command_options("sh -c 'echo loss: $1; [ $2 = 3 ] || exit 9' - {x} {n}");
    dogbreed_tuner *tuner = command_open(&options, &command);
    char *list = trials_of(tuner);
    assert_non_null(strstr(list, "exit code 9"));
    assert_non_null(strstr(list, "COMPLETE"));
    assert_stored(command_open(&options, &command), list);
    free(list);
}

static void time_is_limited(void **state) {
    (void)state;
    dogbreed_tuner_options options = command_study("", 2);
    dogbreed_command_options command = command_options("sh -c 'echo loss: 1; sleep 600'");
    command.command_time_limit = 0.2;
    command.parallel = 2;
    dogbreed_tuner *tuner = command_open(&options, &command);
    assert_ok(dogbreed_tuner_run(tuner));
    for (int i = 0; i < 2; i++) {
        assert_string_equal(trial_text(tuner, i, "state"), "FAIL");
        assert_string_equal(trial_text(tuner, i, "reason"), "it ran longer than 0.2 s: loss: 1");
        assert_string_equal(trial_text(tuner, i, "curve"), "[1.0]");
    }
    dogbreed_tuner_destroy(tuner);
}

static void every_number_is_a_step_up_to_a_limit(void **state) {
    (void)state;
    dogbreed_tuner *tuner = one("seq -f \"loss: %.0f\" 5000");
    json_t *trial = trial_json(tuner, 0);
    assert_int_equal(json_array_size(json_object_get(trial, "curve")), 4096);
    assert_true(json_real_value(json_object_get(trial, "value")) == 5000);
    json_decref(trial);
    dogbreed_tuner_destroy(tuner);
}

static int count_events(const dogbreed_trial_event *event, void *userdata) {
    int *counts = userdata;
    counts[event->kind]++;
    assert_int_equal(event->epochs, 7);
    if (event->kind == DOGBREED_TRIAL_EVENT_EPOCH) {
        assert_true(event->value == 1.0 / event->epoch);
    }
    return 0;
}

static void what_a_program_finds(void **state) {
    (void)state;
    char folder[500];
    char path[600];
    (void)snprintf(folder, sizeof folder, "%s/trials", f.root);
    dogbreed_tuner_options options = command_study("", 3);
    dogbreed_command_options command = command_options(
        "sh -c 'echo $DOGBREED_TRIAL $DOGBREED_PARAM_X $DOGBREED_PARAM_N $0 > $1/file; pwd; "
        "echo loss: 1 loss: 0.5' {x}/{n}/{trial} {out}");
    command.trial_folder = folder;
    command.steps = 7;
    (void)setenv("DOGBREED_TRIAL", "99", 1); // of a study that runs this one
    int counts[3] = {0};
    dogbreed_tuner *tuner = command_open(&options, &command);
    assert_ok(dogbreed_tuner_listen(tuner, count_events, NULL, counts));
    assert_ok(dogbreed_tuner_run(tuner));
    (void)unsetenv("DOGBREED_TRIAL");
    assert_int_equal(counts[0], 3);
    assert_int_equal(counts[1], 6);
    assert_int_equal(counts[2], 3);
    for (int i = 0; i < 3; i++) {
        char own[200] = "";
        char expected[200];
        json_t *trial = trial_json(tuner, i);
        const json_t *params = json_object_get(trial, "params");
        double x = json_real_value(json_object_get(params, "x"));
        long n = (long)json_integer_value(json_object_get(params, "n"));
        json_decref(trial);
        (void)snprintf(path, sizeof path, "%s/%04d/file", folder, i);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        assert_non_null(fgets(own, sizeof own, file));
        (void)fclose(file);
        char *end = NULL;
        assert_int_equal(strtol(own, &end, 10), i);
        assert_true(strtod(end, &end) == x); // with all its digits
        assert_int_equal(strtol(end, &end, 10), n);
        assert_true(strtod(end, &end) == x);
        (void)snprintf(expected, sizeof expected, "/%ld/%d\n", n, i);
        assert_string_equal(end, expected);
        (void)snprintf(path, sizeof path, "%s/%04d/log.txt", folder, i);
        assert_true(dogb_file_exists(path));
    }
    dogbreed_tuner_destroy(tuner);
}

// --- wrong input

static void wrong_commands(void **state) {
    (void)state;
    static const struct {
        const char *program;
        const char *part;
    } rows[] = {
        {"", "command: is empty"},
        {"a > b", "is for a shell"},
        {"a {", "expected {name}"},
    };
    static const struct {
        const char *program;
        const char *part;
    } later[] = {
        {"sh {y}", "{y} is no parameter that is searched"},
        {"sh {out}", "trial_folder: is empty, but the command has {out}"},
    };
    dogbreed_tuner_options options = command_study("", 3);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        dogbreed_command_options command = command_options(rows[i].program);
        dogbreed_tuner *tuner = NULL;
        assert_ok(dogbreed_tuner_create(&tuner, &options));
        assert_fails(dogbreed_tuner_command(tuner, &command), DOGBREED_ERROR_INVALID_ARGUMENT,
                     rows[i].part);
        dogbreed_tuner_destroy(tuner);
    }
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        dogbreed_command_options command = command_options(later[i].program);
        dogbreed_tuner *tuner = command_open(&options, &command);
        assert_fails(dogbreed_tuner_run(tuner), DOGBREED_ERROR_INVALID_ARGUMENT, later[i].part);
        dogbreed_tuner_destroy(tuner);
    }
    dogbreed_command_options command = command_options("no-such-program {x}");
    dogbreed_tuner *tuner = command_open(&options, &command);
    assert_fails(dogbreed_tuner_run(tuner), DOGBREED_ERROR_NOT_FOUND, "no such program in PATH");
    assert_int_equal(dogbreed_tuner_trial_count(tuner), DOGBREED_ERROR_NOT_FOUND);
    dogbreed_tuner_destroy(tuner);
    command = command_options("no-such-{n} {x}"); // known when it begins: the trial's failure
    tuner = command_open(&options, &command);
    assert_ok(dogbreed_tuner_run(tuner));
    assert_string_equal(trial_text(tuner, 2, "state"), "FAIL");
    assert_non_null(strstr(trial_text(tuner, 2, "reason"), "there is no such program in PATH"));
    dogbreed_tuner_destroy(tuner);
}

static void wrong_studies(void **state) {
    (void)state;
    dogbreed_tuner_options options = tuner_options("", 3); // val_loss
    dogbreed_command_options command = command_options("true");
    dogbreed_tuner *tuner = NULL;
    assert_ok(dogbreed_tuner_create(&tuner, &options));
    assert_fails(dogbreed_tuner_command(tuner, &command), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "expected minimize or maximize");
    assert_fails(dogbreed_tuner_command(NULL, &command), DOGBREED_ERROR_INVALID_ARGUMENT, "tuner");
    assert_fails(dogbreed_tuner_metric(tuner, "a=(.)"), DOGBREED_ERROR_STATE,
                 "dogbreed_tuner_command");
    dogbreed_tuner_destroy(tuner);
    tuner = tuner_small(&f, "", 3);
    assert_fails(dogbreed_tuner_metric(tuner, NULL), DOGBREED_ERROR_INVALID_ARGUMENT, "metric");
    dogbreed_tuner_destroy(tuner);
    options = command_study("", 3);
    assert_ok(dogbreed_tuner_create(&tuner, &options));
    assert_ok(dogbreed_tuner_command(tuner, &command));
    assert_fails(dogbreed_tuner_command(tuner, &command), DOGBREED_ERROR_STATE, "already");
    assert_fails(dogbreed_tuner_metric(tuner, "a=."), DOGBREED_ERROR_INVALID_ARGUMENT, "0 groups");
    assert_fails(dogbreed_tuner_run(tuner), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "search: a program has no parameters");
    assert_ok(dogbreed_tuner_add(tuner, "x=1..2"));
    assert_fails(dogbreed_tuner_run(tuner), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "metric: there is none");
    assert_ok(dogbreed_tuner_metric(tuner, "loss=(.)"));
    assert_fails(dogbreed_tuner_metric(tuner, "loss: (.)"), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "two are called \"loss\"");
    for (int i = 1; i < 40; i++) {
        char pattern[32];
        (void)snprintf(pattern, sizeof pattern, "m%d=(.)", i);
        assert_ok(dogbreed_tuner_metric(tuner, pattern));
    }
    assert_fails(dogbreed_tuner_metric(tuner, "one more=(.)"), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "at most 40");
    dogbreed_tuner_destroy(tuner);
    static const struct {
        const char *space[2];
        const char *part;
    } rows[] = {{{"out=1..2", "x=1..2"}, "{out} has a meaning of its own"},
                {{"lr=1..2", "LR=1..2"}, "the same variable DOGBREED_PARAM_LR"}};
    for (size_t i = 0; i < 2; i++) {
        assert_ok(dogbreed_tuner_create(&tuner, &options));
        assert_ok(dogbreed_tuner_add(tuner, rows[i].space[0]));
        assert_ok(dogbreed_tuner_add(tuner, rows[i].space[1]));
        assert_ok(dogbreed_tuner_command(tuner, &command));
        assert_ok(dogbreed_tuner_metric(tuner, "loss=(.)"));
        assert_fails(dogbreed_tuner_run(tuner), DOGBREED_ERROR_INVALID_ARGUMENT, rows[i].part);
        dogbreed_tuner_destroy(tuner);
    }
    options.pruner = DOGBREED_PRUNER_HYPERBAND;
    tuner = command_open(&options, &command);
    assert_fails(dogbreed_tuner_run(tuner), DOGBREED_ERROR_INVALID_ARGUMENT, "steps: hyperband");
    dogbreed_tuner_destroy(tuner);
}

static void another_program_is_another_study(void **state) {
    (void)state;
    dogbreed_tuner_options options = command_study(new_storage(&f), 2);
    free(trials_of(script_open(&options, 1)));
    dogbreed_command_options command = command_options("sh -c 'echo loss: 1'");
    dogbreed_tuner *tuner = command_open(&options, &command);
    assert_fails(dogbreed_tuner_run(tuner), DOGBREED_ERROR_MISMATCH, "it was begun with");
    dogbreed_tuner_destroy(tuner);
}

static int refuse(const dogbreed_trial_event *event, void *userdata) {
    (void)userdata;
    return event->kind == DOGBREED_TRIAL_EVENT_EPOCH ? -5 : 0;
}

static void a_listener_that_fails_ends_the_programs(void **state) {
    (void)state;
    dogbreed_tuner_options options = command_study("", 4);
    dogbreed_command_options command = command_options("sh -c 'echo loss: 1; exec sleep 600'");
    command.parallel = 4;
    dogbreed_tuner *tuner = command_open(&options, &command);
    assert_ok(dogbreed_tuner_listen(tuner, refuse, NULL, NULL));
    assert_fails(dogbreed_tuner_run(tuner), DOGBREED_ERROR_CALLBACK, "returned -5");
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    dogbreed_tuner_destroy(tuner);
}

static int run_small(const dogbreed_tuner_options *options) {
    dogbreed_command_options command = {0};
    dogbreed_tuner *tuner = NULL;
    (void)dogbreed_command_options_init(&command, sizeof command);
    command.program = "sh -c 'echo loss: $1' - {x}";
    int rc = dogbreed_tuner_create(&tuner, options);
    rc = rc < 0 ? rc : dogbreed_tuner_add(tuner, "x=0.0..1.0");
    rc = rc < 0 ? rc : dogbreed_tuner_command(tuner, &command);
    rc = rc < 0 ? rc : dogbreed_tuner_metric(tuner, "loss: ([0-9.e-]+)");
    rc = rc < 0 ? rc : dogbreed_tuner_run(tuner);
    dogbreed_tuner_destroy(tuner);
    return rc;
}

static void memory_may_run_out_anywhere(void **state) {
    (void)state;
    int failures = 0;
    dogbreed_tuner_options options = command_study("", 2);
    int step = getenv("DOGBREED_TEST_SHORT") == NULL ? 3 : 11;
    for (int i = 0, failed = 1; failed; i += step) {
        memory_fail_after(i);
        int rc = run_small(&options);
        failed = memory_restore();
        int parsing = rc == DOGBREED_ERROR_FORMAT; // jansson: a token without memory
        if (rc != DOGBREED_OK && !(failed && (rc == DOGBREED_ERROR_NO_MEMORY || parsing))) {
            fail_msg("allocation %d: %s: %s", i, dogbreed_error_name(rc), dogbreed_error_message());
        }
        failures += rc < 0;
    }
    assert_true(failures > 10);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_does_not_depend_on_how_many_run),
        cmocka_unit_test(a_stopped_study_goes_on),
        cmocka_unit_test(a_killed_study_goes_on),
        cmocka_unit_test(bad_trials_are_pruned),
        cmocka_unit_test(a_pruned_program_is_ended),
        cmocka_unit_test(the_last_number_is_not_pruned),
        cmocka_unit_test(how_trials_end),
        cmocka_unit_test(a_failure_does_not_end_the_study),
        cmocka_unit_test(time_is_limited),
        cmocka_unit_test(every_number_is_a_step_up_to_a_limit),
        cmocka_unit_test(what_a_program_finds),
        cmocka_unit_test(wrong_commands),
        cmocka_unit_test(wrong_studies),
        cmocka_unit_test(another_program_is_another_study),
        cmocka_unit_test(a_listener_that_fails_ends_the_programs),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
