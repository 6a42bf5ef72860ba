// training.c - see training.h.
#include "training.h"
#include "metrics.h"
#include "paths.h"
#include "remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Paths become absolute. What is no local path stays.
void job_make_absolute(tool *t) {
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
    path = absolute_path(t->settings.dataset.class_list);
    if (path != NULL) {
        (void)dogbreed_options_set(&t->settings.dataset, "class_list", path);
    }
    free(path);
}

int job_open_data(job *j) {
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
    say("data   %s: %d classes, %lld train, %lld valid, %lld test\n", remote_name(t, uri),
        (int)dogbreed_dataset_class_count(j->data), (long long)dogbreed_dataset_size(j->train),
        j->valid == NULL ? 0LL : (long long)dogbreed_dataset_size(j->valid),
        j->test == NULL ? 0LL : (long long)dogbreed_dataset_size(j->test));
    return TOOL_OK;
}

int job_open_splits(job *j) {
    int exit_code = job_open_data(j);
    if (exit_code == TOOL_OK && j->valid == NULL) {
        return fail_with(j->t, TOOL_DATA, "%s: no valid split, on which trials are compared",
                         value_of(j->t, "data"));
    }
    return exit_code;
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

int job_open_model(job *j) {
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
        counts[0], counts[1], random ? "random" : remote_name(t, options->weights));
    if (random && strcmp(options->freeze, "none") != 0) {
        warn("the backbone has random weights and is frozen: give --weights FILE, or --freeze none "
             "to train all of it");
    }
    return TOOL_OK;
}

// A run in the store is brought up to date with each checkpoint.
static int push_checkpoint(const dogbreed_event *event, void *userdata) {
    (void)event;
    return remote_push(userdata, 0) == TOOL_OK ? DOGBREED_OK : DOGBREED_STOP;
}

int job_subscribe(job *j) {
    j->progress = progress_create(j->t);
    int rc = j->progress == NULL ? DOGBREED_ERROR_NO_MEMORY
                                 : dogbreed_trainer_subscribe(j->trainer, NULL, progress_mask,
                                                              progress_event, j->progress);
    if (rc == DOGBREED_OK) {
        rc = dogbreed_trainer_subscribe(j->trainer, NULL,
                                        DOGBREED_EVENT_MASK(DOGBREED_EVENT_EPOCH_END),
                                        metrics_event, &j->format);
    }
    if (rc == DOGBREED_OK && remote_has_out(j->t)) {
        rc = dogbreed_trainer_subscribe(j->trainer, NULL,
                                        DOGBREED_EVENT_MASK(DOGBREED_EVENT_CHECKPOINT),
                                        push_checkpoint, j->t);
    }
    return rc < 0 ? fail(j->t, PHASE_OTHER, rc) : TOOL_OK;
}

int job_attach(job *j) {
    tool *t = j->t;
    int rc = DOGBREED_OK;
    if (j->resume != NULL) {
        rc = dogbreed_run_resume(j->trainer, j->resume);
        j->run = rc < 0 ? NULL : strdup(j->resume);
    } else {
        job_make_absolute(t);
        json_t *config = config_json(t);
        char *text = json_dumps(config, JSON_REAL_PRECISION(17));
        json_decref(config);
        rc = dogbreed_run_attach(&j->run, j->trainer, value_of(t, "out"), text);
        free(text);
    }
    if (rc < 0) {
        return fail(t, j->resume == NULL ? PHASE_OTHER : PHASE_DATA, rc);
    }
    say("run    %s\n", remote_name(t, j->run));
    return TOOL_OK;
}

int job_profile(job *j) {
    tool *t = j->t;
    if (!is_on(t, "profile", 0)) {
        return TOOL_OK;
    }
    const char *folder = container_profile_dir(t);
    int rc = dogbreed_profile_attach(&j->profile, j->trainer, folder == NULL ? j->run : folder,
                                     &t->settings.profile);
    return rc < 0 ? fail(t, PHASE_USAGE, rc) : TOOL_OK;
}

// Writes a document of the run directory aside and renames it.
void write_text(const char *run, const char *name, const char *text) {
    char path[4096];
    char aside[4100];
    (void)snprintf(path, sizeof path, "%s/%s", run, name);
    (void)snprintf(aside, sizeof aside, "%s.tmp", path);
    FILE *file = text == NULL ? NULL : fopen(aside, "w");
    int written = file != NULL && fputs(text, file) >= 0;
    if ((file != NULL && fclose(file) != 0) || !written || rename(aside, path) != 0) {
        warn("%s: cannot be written", path);
    }
}

void write_document(const char *run, const char *name, const json_t *document) {
    char *text = json_dumps(document, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    write_text(run, name, text);
    free(text);
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
            write_document(j->run, names[i], document);
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
            out_json(json_pack("{s:s,s:o,s:s,s:i}", "command", t->command->name, "run",
                               json_text(remote_name(t, j->run)), "state", "interrupted",
                               "exit_code", exit_code));
        }
    } else {
        (void)fail(t, PHASE_RUN, rc);
    }
    if (t->container == NULL && (resumable || rc == DOGBREED_ERROR_CANCELLED)) {
        say("go on  %s %s --resume %s\n", t->program, t->command->name, remote_name(t, j->run));
    }
    return exit_code;
}

static void stop_trainer(const stoppable *s) {
    dogbreed_trainer_stop(s->object); // allowed in signal handlers
}

int job_train(job *j, json_t **metrics) {
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
    *metrics = parse_json(text);
    return TOOL_OK;
}

int job_test(job *j) {
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
    t->settings.evaluate.predictions = 1;
    int rc = dogbreed_evaluate(&result, &text, j->model, j->test, &t->settings.evaluate);
    if (rc < 0) {
        return fail(t, PHASE_OTHER, rc);
    }
    j->report = evaluation_json(text);
    keep_evaluation(j->run, j->report);
    return TOOL_OK;
}

json_t *short_report(const json_t *report) {
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

int job_choose_format(job *j) {
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

void job_close(job *j) {
    dogbreed_debug_destroy(j->debug);
    dogbreed_profile_destroy(j->profile);
    dogbreed_trainer_destroy(j->trainer);
    dogbreed_model_destroy(j->model);
    dogbreed_dataset_destroy(j->test);
    dogbreed_dataset_destroy(j->valid);
    dogbreed_dataset_destroy(j->train);
    dogbreed_dataset_destroy(j->data);
    if (j->progress != NULL) {
        progress_destroy(j->progress);
    }
    json_decref(j->check);
    json_decref(j->report);
    if (j->resume != NULL) {
        free(j->run);
    } else {
        dogbreed_free(j->run);
    }
}
