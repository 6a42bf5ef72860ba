// train.c - dogbreed train: opens the data, builds the model, trains, tests, says what came out.
#include "metrics.h"
#include "paths.h"
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct job {
    tool *t;
    const char *resume; // run directory to go on with, or NULL
    dogbreed_dataset *data;
    dogbreed_dataset *train;
    dogbreed_dataset *valid; // NULL: none
    dogbreed_dataset *test;  // NULL: none, or not wanted
    dogbreed_model *model;
    dogbreed_trainer *trainer;
    progress *progress;
    char *run; // directory, the library's
    int format;
    double started;
    json_t *report; // of the test, or NULL
} job;

static double now(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

// config.json must hold from any folder: paths become absolute. What is no local path stays.
static void make_absolute(tool *t) {
    const char *data = value_of(t, "data");
    char *path = absolute_path(data);
    if (path != NULL) {
        set_value(t, "data", path);
    }
    free(path);
    path = absolute_path(t->settings.model.weights);
    if (path != NULL) {
        (void)dogbreed_options_set(&t->settings.model, "weights", path);
    }
    free(path);
}

static int open_data(job *j) {
    tool *t = j->t;
    const char *uri = value_of(t, "data");
    int rc = dogbreed_dataset_open(&j->data, uri, &t->settings.dataset);
    if (rc < 0 || (rc = dogbreed_dataset_split(&j->train, j->data, "train")) < 0) {
        return fail(t, PHASE_DATA, rc);
    }
    rc = dogbreed_dataset_split(&j->valid, j->data, "valid");
    if (rc == DOGBREED_ERROR_NOT_FOUND) {
        warn("%s: no valid split: the last epoch is kept, early stopping is off", uri);
    } else if (rc < 0) {
        return fail(t, PHASE_DATA, rc);
    }
    rc = dogbreed_dataset_split(&j->test, j->data, "test");
    if (rc < 0 && rc != DOGBREED_ERROR_NOT_FOUND) {
        return fail(t, PHASE_DATA, rc);
    }
    say("data   %s: %d classes, %lld train, %lld valid, %lld test\n", uri,
        (int)dogbreed_dataset_class_count(j->data), (long long)dogbreed_dataset_size(j->train),
        j->valid == NULL ? 0LL : (long long)dogbreed_dataset_size(j->valid),
        j->test == NULL ? 0LL : (long long)dogbreed_dataset_size(j->test));
    return TOOL_OK;
}

static int is_architecture(const char *name) {
    dogbreed_architecture a = {.struct_size = sizeof a};
    for (int32_t i = 0; i < dogbreed_architecture_count(); i++) {
        if (dogbreed_architecture_info(&a, i) == DOGBREED_OK && strcmp(a.name, name) == 0) {
            return 1;
        }
    }
    return 0;
}

static void format_count(char *out, size_t size, int64_t count) {
    if (count >= 1000000) {
        (void)snprintf(out, size, "%.1f M", (double)count * 1e-6);
    } else {
        (void)snprintf(out, size, "%lld", (long long)count);
    }
}

static int open_model(job *j) {
    tool *t = j->t;
    const dogbreed_model_options *options = &t->settings.model;
    int64_t all = 0;
    int64_t trainable = 0;
    int random = options->weights == NULL || *options->weights == '\0';
    int rc = dogbreed_model_create(&j->model, j->data, options);
    if (rc < 0) {
        // A mistyped name is a usage error, a bad weights file is not.
        return fail(t, is_architecture(options->architecture) ? PHASE_MODEL : PHASE_USAGE, rc);
    }
    for (int32_t i = 0; i < dogbreed_model_parameter_count(j->model); i++) {
        dogbreed_parameter p = {.struct_size = sizeof p};
        if (dogbreed_model_parameter(j->model, i, &p) < 0 || p.buffer) {
            continue;
        }
        int64_t count = 1;
        for (int32_t d = 0; d < p.rank; d++) {
            count *= p.shape[d];
        }
        all += count;
        trainable += p.trainable ? count : 0;
    }
    char counts[2][32];
    format_count(counts[0], sizeof counts[0], all);
    format_count(counts[1], sizeof counts[1], trainable);
    say("model  %s: %s parameters, %s of them trainable; weights %s\n", options->architecture,
        counts[0], counts[1], random ? "random" : options->weights);
    if (random && strcmp(options->freeze, "none") != 0) {
        warn("the backbone has random weights and is frozen: give --weights FILE, or --freeze none "
             "to train all of it");
    }
    return TOOL_OK;
}

static int attach(job *j) {
    tool *t = j->t;
    int rc = DOGBREED_OK;
    if (j->resume != NULL) {
        rc = dogbreed_run_resume(j->trainer, j->resume);
        j->run = rc < 0 ? NULL : strdup(j->resume);
    } else {
        make_absolute(t);
        json_t *config = config_json(t);
        char *text = json_dumps(config, JSON_REAL_PRECISION(17));
        json_decref(config);
        rc = dogbreed_run_attach(&j->run, j->trainer, value_of(t, "out"), text);
        free(text);
    }
    if (rc < 0) {
        return fail(t, j->resume == NULL ? PHASE_OTHER : PHASE_DATA, rc);
    }
    say("run    %s\n", j->run);
    return TOOL_OK;
}

static int open_trainer(job *j) {
    tool *t = j->t;
    int rc =
        dogbreed_trainer_create(&j->trainer, j->model, j->train, j->valid, &t->settings.trainer);
    if (rc < 0) {
        return fail(t, PHASE_DATA, rc);
    }
    j->progress = progress_create(t);
    rc = j->progress == NULL ? DOGBREED_ERROR_NO_MEMORY
                             : dogbreed_trainer_subscribe(j->trainer, NULL, progress_mask,
                                                          progress_event, j->progress);
    if (rc == DOGBREED_OK) {
        rc = dogbreed_trainer_subscribe(j->trainer, NULL,
                                        DOGBREED_EVENT_MASK(DOGBREED_EVENT_EPOCH_END),
                                        metrics_event, &j->format);
    }
    return rc < 0 ? fail(t, PHASE_OTHER, rc) : TOOL_OK;
}

// Writes a document of the run directory aside and renames it.
static void write_document(const job *j, const char *name, const json_t *document) {
    char path[4096];
    char aside[4100];
    (void)snprintf(path, sizeof path, "%s/%s", j->run, name);
    (void)snprintf(aside, sizeof aside, "%s.tmp", path);
    if (json_dump_file(document, aside,
                       JSON_INDENT(2) | JSON_SORT_KEYS | JSON_REAL_PRECISION(17)) != 0 ||
        rename(aside, path) != 0) {
        warn("%s: cannot be written", path);
    }
}

// The library cannot know that a signal was the reason of a stop: its documents say 5.
static void correct_exit_code(const job *j, int exit_code) {
    static const char *const names[] = {"status.json", "manifest.json"};
    for (size_t i = 0; i < 2; i++) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/%s", j->run, names[i]);
        json_t *document = json_load_file(path, 0, NULL);
        json_t *run = json_object_get(document, "run");
        json_t *holder = json_is_object(run) ? run : document;
        if (json_is_integer(json_object_get(holder, "exit_code"))) {
            (void)json_object_set_new(holder, "exit_code", json_integer(exit_code));
            write_document(j, names[i], document);
        }
        json_decref(document);
    }
}

static int has_checkpoint(const job *j) {
    static const char *const names[] = {"last", "previous"};
    for (size_t i = 0; i < 2; i++) {
        char path[4096];
        struct stat info;
        (void)snprintf(path, sizeof path, "%s/checkpoint/%s", j->run, names[i]);
        if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
            return 1;
        }
    }
    return 0;
}

static int end_of_run(job *j, int rc) {
    tool *t = j->t;
    if (rc == DOGBREED_OK) {
        return TOOL_OK;
    }
    int resumable = has_checkpoint(j);
    int exit_code = exit_code_of(PHASE_RUN, rc);
    if (rc == DOGBREED_ERROR_CANCELLED && signals_code() != 0) {
        exit_code = signals_code();
        correct_exit_code(j, exit_code);
    } else if (exit_code == TOOL_RESUMABLE && !resumable) {
        exit_code = TOOL_FAILED;
    }
    if (rc == DOGBREED_ERROR_CANCELLED) {
        warn("interrupted");
        if (t->json) {
            out_json(json_pack("{s:s,s:o,s:s,s:i}", "command", "train", "run", json_text(j->run),
                               "state", "interrupted", "exit_code", exit_code));
        }
    } else {
        (void)fail(t, PHASE_RUN, rc);
    }
    if (resumable || rc == DOGBREED_ERROR_CANCELLED) {
        say("go on  %s train --resume %s\n", t->program, j->run);
    }
    return exit_code;
}

static int test(job *j) {
    tool *t = j->t;
    dogbreed_evaluation result = {.struct_size = sizeof result};
    char *text = NULL;
    if (j->test == NULL || !is_on(t, "test", 1)) {
        return TOOL_OK;
    }
    say("testing on %lld images\n", (long long)dogbreed_dataset_size(j->test));
    // The same engine, threads and cache as in training.
    settings_share(&t->settings.evaluate, DOGBREED_KIND_EVALUATE, &t->settings.trainer,
                   DOGBREED_KIND_TRAINER);
    int rc = dogbreed_evaluate(&result, &text, j->model, j->test, &t->settings.evaluate);
    if (rc < 0) {
        return fail(t, PHASE_OTHER, rc);
    }
    j->report = evaluation_json(text);
    write_document(j, "test.json", j->report);
    return TOOL_OK;
}

static json_t *short_report(const json_t *report) {
    json_t *copy = json_object();
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)report, key, value) {
        if (!json_is_object(value) && !json_is_array(value)) {
            (void)json_object_set(copy, key, value);
        }
    }
    return copy;
}

static void print_result(job *j, const json_t *metrics, int exit_code) {
    tool *t = j->t;
    const json_t *best = json_object_get(metrics, "best");
    if (t->json) {
        json_t *result =
            json_pack("{s:s,s:o,s:s,s:I,s:O?,s:f}", "command", "train", "run", json_text(j->run),
                      "state", exit_code == TOOL_TIME_LIMIT ? "time_limit" : "completed", "epochs",
                      (json_int_t)json_array_size(json_object_get(metrics, "epochs")), "best", best,
                      "seconds", now() - j->started);
        if (j->report != NULL) {
            (void)json_object_set_new(result, "test", short_report(j->report));
        }
        (void)json_object_set_new(result, "exit_code", json_integer(exit_code));
        out_json(result);
        return;
    }
    if (j->report != NULL) {
        print_evaluation(j->report, "test accuracy");
    }
    if (json_is_object(best)) {
        out("%-15s %lld (%s %.4f)\n", "best epoch", (long long)integer_of(best, "epoch"),
            text_of(best, "metric"), real_of(best, "value"));
    }
    out("%-15s %s\n%-15s %s predict %s PHOTO.jpg --top-k 5\n", "run", j->run, "predict", t->program,
        j->run);
}

static void stop_trainer(const stoppable *s) {
    dogbreed_trainer_stop(s->object); // allowed in signal handlers
}

static int train(job *j) {
    tool *t = j->t;
    char *text = NULL;
    const stoppable s = {
        .stop = stop_trainer,
        .object = j->trainer,
        .text =
            "\nstopping: the step is finished and a checkpoint written; once more ends at once\n"};
    signals_watch(&s, t->quiet);
    int rc = dogbreed_trainer_run(j->trainer);
    signals_watch(NULL, t->quiet);
    int exit_code = end_of_run(j, rc);
    if (exit_code != TOOL_OK) {
        return exit_code;
    }
    rc = dogbreed_trainer_metrics(&text, j->trainer);
    if (rc < 0) {
        return fail(t, PHASE_OTHER, rc);
    }
    json_t *metrics = parse_json(text);
    int limited = strcmp(text_of(metrics, "end"), "time_limit") == 0;
    exit_code = test(j);
    if (exit_code == TOOL_OK) {
        exit_code = limited ? TOOL_TIME_LIMIT : TOOL_OK;
        print_result(j, metrics, exit_code);
    }
    json_decref(metrics);
    return exit_code;
}

static int stop_after_step(const dogbreed_event *event, void *userdata) {
    *(double *)userdata = event->loss;
    return DOGBREED_STOP;
}

// Loads everything and trains one batch through the whole network; writes nothing.
static int dry_run(job *j) {
    tool *t = j->t;
    double loss = 0.0;
    dogbreed_dataset *valid = j->valid;
    t->settings.trainer.feature_cache = DOGBREED_CACHE_OFF;
    t->settings.trainer.decoded_cache_bytes = 0;
    j->valid = NULL;
    int exit_code = open_trainer(j);
    j->valid = valid;
    if (exit_code != TOOL_OK) {
        return exit_code;
    }
    j->format = METRICS_NONE;
    int rc = dogbreed_trainer_subscribe(
        j->trainer, NULL, DOGBREED_EVENT_MASK(DOGBREED_EVENT_STEP_END), stop_after_step, &loss);
    if (rc == DOGBREED_OK) {
        rc = dogbreed_trainer_run(j->trainer);
    }
    if (rc < 0) {
        return fail(t, PHASE_OTHER, rc);
    }
    if (t->json) {
        out_json(json_pack("{s:s,s:s,s:f,s:o}", "command", "train", "state", "dry_run", "loss",
                           loss, "config", config_json(t)));
    } else {
        out("dry run: one batch trained, loss %.4f; nothing was written\n", loss);
    }
    return TOOL_OK;
}

static void close_job(job *j) {
    dogbreed_trainer_destroy(j->trainer);
    dogbreed_model_destroy(j->model);
    dogbreed_dataset_destroy(j->test);
    dogbreed_dataset_destroy(j->valid);
    dogbreed_dataset_destroy(j->train);
    dogbreed_dataset_destroy(j->data);
    if (j->progress != NULL) {
        progress_destroy(j->progress);
    }
    json_decref(j->report);
    if (j->resume != NULL) {
        free(j->run);
    } else {
        dogbreed_free(j->run);
    }
}

static int choose_format(job *j) {
    tool *t = j->t;
    const char *name = value_of(t, "metrics-format");
    if (t->json) {
        j->format = METRICS_JSONL;
    } else if (name != NULL) {
        j->format = metrics_format(name);
        if (j->format < 0) {
            return usage_error(t,
                               "--metrics-format %s: expected text, katib-text, katib-json or "
                               "jsonl",
                               name);
        }
    } else {
        // On a terminal the table of the progress display says the same.
        j->format = isatty(STDOUT_FILENO) && !t->quiet ? METRICS_NONE : METRICS_TEXT;
    }
    return TOOL_OK;
}

static int run(tool *t) {
    job j = {.t = t, .resume = value_of(t, "resume"), .started = now()};
    if (t->word_count > 0) {
        set_value(t, "data", t->words[0]);
    }
    if (value_of(t, "data") == NULL) {
        return usage_error(t, "the folder of images is missing; usage: dogbreed train %s",
                           t->command->arguments);
    }
    if (j.resume != NULL && value_of(t, "out") != NULL) {
        return usage_error(t, "--out and --resume contradict: a resumed run stays in its folder");
    }
    int exit_code = choose_format(&j);
    exit_code = exit_code == TOOL_OK ? open_data(&j) : exit_code;
    exit_code = exit_code == TOOL_OK ? open_model(&j) : exit_code;
    if (exit_code == TOOL_OK && is_on(t, "dry-run", 0)) {
        exit_code = dry_run(&j);
    } else if (exit_code == TOOL_OK && (exit_code = open_trainer(&j)) == TOOL_OK &&
               (exit_code = attach(&j)) == TOOL_OK) {
        exit_code = train(&j);
    }
    close_job(&j);
    return exit_code;
}

// A resumed run starts from its own config.json.
static int base(tool *t) {
    const char *directory = value_of(t, "resume");
    char *text = NULL;
    if (directory == NULL) {
        return TOOL_OK;
    }
    int rc = dogbreed_run_config(&text, directory);
    if (rc < 0) {
        return fail(t, PHASE_DATA, rc);
    }
    rc = apply_config(t, text, directory, 0);
    dogbreed_free(text);
    return rc;
}

static const flag flags[] = {
    {"data", "DIR", "folder of images; the same as the word DIR", 1},
    {"out", "DIR", "run directory to make; default: the next free runs/train-N", 0},
    {"resume", "RUN", "go on with an interrupted run, with its own configuration", 0},
    {"test", NULL, "measure the test split at the end (--no-test: do not); default on", 1},
    {"dry-run", NULL, "load everything, train one batch, write nothing", 0},
    {"metrics-format", "NAME", "lines on stdout: text, katib-text, katib-json, jsonl", 0},
    {NULL, NULL, NULL, 0},
};

const command command_train = {
    .name = "train",
    .arguments = "DIR [NAME=VALUE...] [OPTIONS...]",
    .summary = "train a classifier on a folder of images, then test it",
    .examples =
        "  dogbreed train PHOTOS --arch mobilenet_v2 --weights FILE --epochs 7 --out runs/a\n"
        "  dogbreed train PHOTOS --arch tiny --freeze none epochs=10 batch_size=32\n"
        "  dogbreed train --config runs/a/config.json --seed 2 --out runs/b\n"
        "  dogbreed train --resume runs/a\n",
    .flags = flags,
    .kinds = {DOGBREED_KIND_DATASET, DOGBREED_KIND_MODEL, DOGBREED_KIND_TRAINER},
    .words_max = 1,
    .run = run,
    .base = base,
};
