// refit.c - dogbreed run: look at the data, tune, train the winner, test it once, report.
#include "remote.h"
#include "study.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Findings of the data check, one warning each.
static int check_data(job *j) {
    tool *t = j->t;
    dogbreed_dataset *data = NULL;
    char *text = NULL;
    int rc = dogbreed_dataset_open(&data, value_of(t, "data"), &t->settings.dataset);
    rc = rc < 0 ? rc : dogbreed_dataset_check(&text, data, &t->settings.check);
    dogbreed_dataset_destroy(data);
    if (rc < 0) {
        return fail(t, PHASE_DATA, rc);
    }
    j->check = parse_json(text);
    int invalid = strcmp(text_of(j->check, "verdict"), "invalid") == 0;
    size_t i = 0;
    json_t *reason = NULL;
    json_array_foreach(json_object_get(j->check, "reasons"), i, reason) {
        warn("%s", text_of(reason, "text"));
    }
    return invalid ? fail_with(t, TOOL_DATA,
                               "%s: the data check says invalid; see dogbreed data "
                               "check",
                               value_of(t, "data"))
                   : TOOL_OK;
}

// config.json of the training: the winner's values in place of those that were searched.
static int apply_winner(tool *t, const json_t *params) {
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)params, key, value) {
        char text[PARAM_SIZE];
        dogbreed_option_info info;
        uint32_t kind = find_option(&info, DOGBREED_KIND_TRAINER, key) ? DOGBREED_KIND_TRAINER
                                                                       : DOGBREED_KIND_MODEL;
        param_text(text, sizeof text, value);
        int rc = dogbreed_options_set(settings_of(&t->settings, kind), key, text);
        if (rc < 0) {
            return fail(t, PHASE_OTHER, rc);
        }
    }
    return TOOL_OK;
}

static void print_text(const job *j, const study *s, const json_t *metrics) {
    const tool *t = j->t;
    char value[40];
    print_best(s, "winner");
    if (t->settings.tuner.kfold > 0) {
        value_text(value, t, real_of(json_object_get(metrics, "best"), "value"));
        out("%-15s %s %s on the valid split, trained on the train split\n", "", objective_name(t),
            value);
    }
    if (j->report != NULL) {
        print_evaluation(j->report, "test accuracy");
    }
    job_say_findings(j);
    const char *run = remote_name(t, j->run);
    out("%-15s %s\n%-15s %s predict %s PHOTO.jpg --top-k 5\n", "run", run, "predict", t->program,
        run);
}

static void print_result(const job *j, const study *s, const json_t *metrics) {
    if (!j->t->json) {
        print_text(j, s, metrics);
        return;
    }
    json_t *result = json_pack("{s:s,s:o,s:s,s:I,s:O?,s:O?}", "command", "run", "run",
                               json_text(remote_name(j->t, j->run)), "state", "completed", "trials",
                               (json_int_t)json_array_size(s->trials), "winner", best_trial(s),
                               "best", json_object_get(metrics, "best"));
    add_noise(result, s);
    (void)json_object_set_new(result, "seconds", json_real(now_seconds() - j->started));
    if (j->report != NULL) {
        (void)json_object_set_new(result, "test", short_report(j->report));
    }
    job_add_findings(j, result);
    (void)json_object_set_new(result, "exit_code", json_integer(TOOL_OK));
    out_json(result);
}

// Trains the best trial into the run directory; a training that was begun there goes on.
static int refit(job *j, study *s, const char *folder) {
    tool *t = j->t;
    char config[3100];
    json_t *metrics = NULL;
    dogbreed_model_destroy(j->model);
    j->model = NULL;
    int rc = dogbreed_tuner_trainer(&j->trainer, &j->model, s->tuner, s->best);
    if (rc < 0) {
        return fail(t, PHASE_OTHER, rc);
    }
    (void)snprintf(config, sizeof config, "%s/config.json", folder);
    j->resume = access(config, F_OK) == 0 ? folder : NULL;
    set_value(t, "out", folder);
    int exit_code = apply_winner(t, json_object_get(best_trial(s), "params"));
    exit_code = exit_code == TOOL_OK ? job_subscribe(j) : exit_code;
    exit_code = exit_code == TOOL_OK ? job_watch(j) : exit_code;
    exit_code = exit_code == TOOL_OK ? job_attach(j) : exit_code;
    exit_code = exit_code == TOOL_OK ? job_keep_watch(j) : exit_code;
    exit_code = exit_code == TOOL_OK ? job_profile(j) : exit_code;
    exit_code = exit_code == TOOL_OK ? job_train(j, &metrics) : exit_code;
    exit_code = exit_code == TOOL_OK ? job_test(j) : exit_code;
    if (exit_code == TOOL_OK) {
        print_result(j, s, metrics);
    }
    json_decref(metrics);
    return exit_code;
}

// The next free runs/run-N, or --out, or --resume.
static int choose_folder(tool *t, char out[3000]) {
    const char *name = value_of(t, "resume") != NULL ? value_of(t, "resume") : value_of(t, "out");
    if (name != NULL) {
        return snprintf(out, 3000, "%s", name) < 2900 ? TOOL_OK
                                                      : usage_error(t, "--out: too long a name");
    }
    for (int number = 1; number < 1000000; number++) {
        (void)snprintf(out, 3000, "runs/run-%d", number);
        if (access(out, F_OK) != 0) {
            return TOOL_OK;
        }
    }
    return fail_with(t, TOOL_FAILED, "runs: there are too many runs");
}

static int work(job *j, const char *folder) {
    tool *t = j->t;
    char tune[3100];
    study s = {.t = t};
    (void)snprintf(tune, sizeof tune, "%s/tune", folder);
    int exit_code = study_run(&s, j, tune, value_of(t, "resume") == NULL ? NULL : tune);
    if (j->check != NULL && access(folder, W_OK) == 0) { // also of an interrupted one
        write_document(folder, "check.json", j->check);
    }
    int again = exit_code != TOOL_OK && s.trials != NULL;
    if (exit_code == TOOL_OK && s.best < 0) {
        exit_code = fail_with(t, TOOL_TIME_LIMIT, "no trial has finished within the time limit");
    } else if (exit_code == TOOL_OK) {
        exit_code = refit(j, &s, folder);
    }
    if (again) {
        say("go on  %s run --resume %s\n", t->program, remote_name(t, folder));
    }
    study_close(&s);
    return exit_code;
}

static int run(tool *t) {
    job j = {.t = t, .started = now_seconds()};
    char folder[3000];
    if (t->word_count > 0) {
        set_value(t, "data", t->words[0]);
    }
    if (value_of(t, "data") == NULL) {
        return usage_error(t, "the folder of images is missing; usage: dogbreed run %s",
                           t->command->arguments);
    }
    if (value_of(t, "resume") != NULL && value_of(t, "out") != NULL) {
        return usage_error(t, "--out and --resume contradict: a resumed run stays in its folder");
    }
    int exit_code = choose_folder(t, folder);
    exit_code = exit_code == TOOL_OK ? job_choose_format(&j) : exit_code;
    exit_code = exit_code == TOOL_OK ? job_open_splits(&j) : exit_code;
    if (exit_code == TOOL_OK && is_on(t, "check", 1) && value_of(t, "resume") == NULL) {
        exit_code = check_data(&j);
    }
    exit_code = exit_code == TOOL_OK ? job_open_model(&j) : exit_code;
    exit_code = exit_code == TOOL_OK ? work(&j, folder) : exit_code;
    job_close(&j);
    return exit_code;
}

static int base(tool *t) {
    char tune[3100];
    const char *folder = value_of(t, "resume");
    if (folder == NULL) {
        return TOOL_OK;
    }
    (void)snprintf(tune, sizeof tune, "%s/tune", folder);
    return study_base(t, tune);
}

static const flag flags[] = {
    {"data", "DIR", "folder of images; the same as the word DIR", 1},
    {"search", "NAME=VALUES", "what is searched: log:1e-4:1e-1, 6..10 or 32,64; may be repeated",
     FLAG_LIST},
    {"plots", "KIND", "pictures in the run directory: svg (default), png (both), off", 1},
    JOB_BOARD_FLAG,
    STUDY_WARM_FLAG,
    STUDY_QUEUE_FLAG,
    {"out", "DIR", "run directory to make; default: the next free runs/run-N", 0},
    {"resume", "RUN", "go on with an interrupted run, with its own configuration", 0},
    {"check", NULL, "look at the data first (--no-check: do not); default on", 1},
    {"test", NULL, "measure the test split at the end (--no-test: do not); default on", 1},
    JOB_WATCH_FLAGS,
    {"profile", NULL, "record times, the system and advice of the winner's training", 1},
    {"metrics-format", "NAME", "lines on stdout: text, katib-text, katib-json, jsonl", 0},
    {NULL, NULL, NULL, 0},
};

const command command_run = {
    .name = "run",
    .arguments = "DIR [NAME=VALUE...] [OPTIONS...]",
    .summary = "check the data, tune, train the winner, test it once",
    .examples =
        "  dogbreed run PHOTOS --arch mobilenet_v2 --weights FILE --trials 160 --out runs/r\n"
        "  dogbreed run --resume runs/r\n",
    .flags = flags,
    .kinds = {DOGBREED_KIND_DATASET, DOGBREED_KIND_MODEL, DOGBREED_KIND_TRAINER,
              DOGBREED_KIND_TUNER, DOGBREED_KIND_DEBUG, DOGBREED_KIND_PROFILE, DOGBREED_KIND_STORE},
    .words_max = 1,
    .remote_words = 1,
    .remote_out = OUT_RUN,
    .run = run,
    .base = base,
};
