// tune.c - dogbreed tune: many trials of one training, on a table of the best.
#include "remote.h"
#include "study.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

// The winner's parameters as flags.
static void print_flags(const json_t *params) {
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)params, key, value) {
        char name[96];
        char text[PARAM_SIZE];
        (void)snprintf(name, sizeof name, "%s", key);
        for (char *c = name; *c != '\0'; c++) {
            *c = *c == '_' ? '-' : *c;
        }
        param_text(text, sizeof text, value);
        out(" --%s %s", name, text);
    }
}

static void print_text(const study *s) {
    const tool *t = s->t;
    const char *folder = remote_name(t, s->folder);
    print_trials(s);
    print_best(s, "best");
    print_importance(s);
    if (s->pictures) {
        out("%-15s %s/plots\n", "pictures", folder);
    }
    if (s->board_next > 0) {
        out("%-15s tensorboard --logdir %s\n", "curves", folder);
    }
    out("%-15s %s\n", "run", folder);
    if (!study_is_command(t)) {
        out("%-15s %s train --config %s/config.json", "train it", t->program, folder);
        print_flags(json_object_get(best_trial(s), "params"));
        out("\n");
    } else if (*t->settings.command.trial_folder == '\0') {
        out("%-15s %s/trials/%04lld/log.txt\n", "its log", folder, (long long)s->best);
    }
}

static void print_json(const study *s, int exit_code) {
    json_t *result = json_pack(
        "{s:s,s:o,s:s,s:I,s:I,s:I,s:O?,s:o?}", "command", "tune", "run",
        json_text(remote_name(s->t, s->folder)), "state", s->limited ? "time_limit" : "completed",
        "trials", (json_int_t)json_array_size(s->trials), "pruned", (json_int_t)s->pruned, "failed",
        (json_int_t)s->failed, "best", best_trial(s), "importance", study_importance(s));
    add_noise(result, s);
    (void)json_object_set_new(result, "seconds", json_real(now_seconds() - s->started));
    (void)json_object_set_new(result, "exit_code", json_integer(exit_code));
    out_json(result);
}

static void print_worker(const study *s) {
    if (s->t->json) {
        out_json(json_pack("{s:s,s:s,s:I,s:I,s:i}", "command", "tune", "state",
                           s->limited ? "time_limit" : "completed", "trained",
                           (json_int_t)s->trained, "trials", (json_int_t)json_array_size(s->trials),
                           "exit_code", TOOL_OK));
    } else if (!s->t->quiet) {
        out("%-15s %lld of %zu trials were trained here\n", "worker", (long long)s->trained,
            json_array_size(s->trials));
    }
}

static int tune(tool *t, const job *j) {
    study s = {.t = t, .worker = is_on(t, "worker", 0)};
    int exit_code = study_run(&s, j, value_of(t, "out"), value_of(t, "resume"));
    if (exit_code == TOOL_OK) {
        exit_code = s.limited ? TOOL_TIME_LIMIT : TOOL_OK;
        if (s.worker) {
            print_worker(&s);
        } else if (t->json) {
            print_json(&s, exit_code);
        } else if (s.best >= 0) {
            print_text(&s);
        }
    }
    if (exit_code != TOOL_OK && !s.worker && s.trials != NULL && json_array_size(s.trials) > 0) {
        say("go on  %s tune --resume %s\n", t->program, remote_name(t, s.folder));
    }
    study_close(&s);
    return exit_code;
}

// A goal that nobody has named: larger is better, unless the pattern speaks of a loss.
static int choose_goal(tool *t) {
    const char *metric = value_of(t, "metric");
    char text[600] = "";
    if (t->settings.tuner.objective != DOGBREED_OBJECTIVE_VAL_ACCURACY) {
        return TOOL_OK;
    }
    for (size_t i = 0;
         metric != NULL && i + 1 < sizeof text && metric[i] != '\0' && metric[i] != '\n'; i++) {
        text[i] = (char)tolower((unsigned char)metric[i]);
    }
    if (strstr(text, "loss") != NULL || strstr(text, "err") != NULL) {
        return usage_error(t, "--metric %s: say --goal minimize, or --goal maximize", text);
    }
    t->settings.tuner.objective = DOGBREED_OBJECTIVE_MAXIMIZE;
    return TOOL_OK;
}

static int run_command(tool *t) {
    const job none = {.t = t};
    if (t->word_count > 0) {
        return usage_error(t, "%s: a command has no folder of images", t->words[0]);
    }
    int exit_code = choose_goal(t);
    return exit_code == TOOL_OK ? tune(t, &none) : exit_code;
}

static int run_job(tool *t) {
    job j = {.t = t};
    if (t->word_count > 0) {
        set_value(t, "data", t->words[0]);
    }
    if (value_of(t, "data") == NULL) {
        return usage_error(t, "the folder of images is missing; usage: dogbreed tune %s",
                           t->command->arguments);
    }
    if (value_of(t, "metric") != NULL) {
        return usage_error(t,
                           "--metric: is read from the lines of a program; --command is missing");
    }
    int exit_code = job_open_splits(&j);
    exit_code = exit_code == TOOL_OK ? job_open_model(&j) : exit_code;
    exit_code = exit_code == TOOL_OK ? tune(t, &j) : exit_code;
    job_close(&j);
    return exit_code;
}

static int run(tool *t) {
    if (value_of(t, "resume") != NULL && value_of(t, "out") != NULL) {
        return usage_error(t, "--out and --resume contradict: a resumed run stays in its folder");
    }
    if (is_on(t, "worker", 0) && value_of(t, "resume") == NULL &&
        *t->settings.tuner.storage == '\0') {
        return usage_error(t, "--worker: which study? expected --storage ADDRESS or --resume RUN");
    }
    if (is_on(t, "worker", 0) && value_of(t, "out") != NULL) {
        return usage_error(t, "--worker and --out contradict: a worker makes no run directory");
    }
    return study_is_command(t) ? run_command(t) : run_job(t);
}

static int base(tool *t) {
    const char *folder = value_of(t, "resume");
    return folder == NULL ? TOOL_OK : study_base(t, folder);
}

static const flag flags[] = {
    {"data", "DIR", "folder of images; the same as the word DIR", 1},
    {"search", "NAME=VALUES", "what is searched: log:1e-4:1e-1, 6..10 or 32,64; may be repeated",
     FLAG_LIST},
    STUDY_WARM_FLAG,
    STUDY_QUEUE_FLAG,
    {"metric", "PATTERN", "with --command: the number in a line; the first one is the objective",
     FLAG_LIST},
    {"plots", "KIND", "pictures in the run directory: svg (default), png (both), off", 1},
    JOB_BOARD_FLAG,
    {"out", "DIR", "run directory to make; default: the next free runs/tune-N", 0},
    {"resume", "RUN", "go on with a study, with its own configuration", 0},
    {"worker", NULL, "work on a study of --storage or --resume beside other processes", 0},
    {NULL, NULL, NULL, 0},
};

const command command_tune = {
    .name = "tune",
    .arguments = "DIR|--command PROGRAM [NAME=VALUE...] [OPTIONS...]",
    .summary = "search for hyperparameters: many trials of a training, or of any program",
    .examples =
        "  dogbreed tune PHOTOS --arch mobilenet_v2 --weights FILE --trials 160 --out runs/t\n"
        "  dogbreed tune PHOTOS --arch mobilenet_v2 --weights FILE \\\n"
        "    --search learning_rate=log:1e-4:1e-1 --search batch_size=32,64 --search epochs=6..10\n"
        "  dogbreed tune --resume runs/t --trials 200\n"
        "  dogbreed tune PHOTOS --arch mobilenet_v2 --weights FILE --warm-start runs/t\n"
        "  dogbreed tune PHOTOS --arch mobilenet_v2 --weights FILE --trials 160 \\\n"
        "    --worker --storage postgresql://USER@HOST/DB --study s    on any number of hosts\n"
        "  dogbreed tune --command 'python train.py --lr {lr} --epochs {epochs}' \\\n"
        "    --metric 'valid_acc: ([-+0-9.eE]+)' --search lr=log:1e-4:1e-1 \\\n"
        "    --search epochs=3..9 --trials 40 --parallel 4\n",
    .flags = flags,
    .kinds = {DOGBREED_KIND_DATASET, DOGBREED_KIND_MODEL, DOGBREED_KIND_TRAINER,
              DOGBREED_KIND_TUNER, DOGBREED_KIND_COMMAND, DOGBREED_KIND_STORE},
    .words_max = 1,
    .remote_words = 1,
    .remote_out = OUT_RUN,
    .run = run,
    .base = base,
};
