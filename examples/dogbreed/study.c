// study.c - see study.h.
#include "study.h"
#include "metrics.h"
#include "remote.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NUMBER_MAX = 1000000 }; // of runs/tune-N

// --- the folder

static int make_folders(const char *path) {
    char part[3000];
    for (size_t i = 1; i < sizeof part && path[i - 1] != '\0'; i++) {
        if (path[i] == '/' || path[i] == '\0') {
            (void)snprintf(part, sizeof part, "%.*s", (int)i, path);
            if (mkdir(part, 0777) != 0 && errno != EEXIST) {
                return -1;
            }
        }
    }
    return 0;
}

static int next_folder(study *s) {
    if (make_folders("runs") != 0) {
        return -1;
    }
    for (int number = 1; number < NUMBER_MAX; number++) {
        (void)snprintf(s->folder, sizeof s->folder, "runs/tune-%d", number);
        if (mkdir(s->folder, 0777) == 0 || errno != EEXIST) {
            return errno == EEXIST ? 0 : -(access(s->folder, W_OK) != 0);
        }
    }
    return -1;
}

// The kernel's lock: it ends with the process, however that ends.
static int lock_folder(study *s) {
    char path[3100];
    (void)snprintf(path, sizeof path, "%s/run.lock", s->folder);
    s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (s->lock < 0) {
        return fail_with(s->t, TOOL_FAILED, "%s: %s", path, strerror(errno));
    }
    return flock(s->lock, LOCK_EX | LOCK_NB) == 0
               ? TOOL_OK
               : fail_with(s->t, TOOL_FAILED, "%s: another process is writing this run", s->folder);
}

static int open_folder(study *s, const char *wanted, const char *resume) {
    char config[3100];
    const char *name = resume != NULL ? resume : wanted;
    if (name != NULL && snprintf(s->folder, sizeof s->folder, "%s", name) >= 2900) {
        return usage_error(s->t, "--out: the name is too long");
    }
    if (name == NULL ? next_folder(s) != 0 : resume == NULL && make_folders(name) != 0) {
        return fail_with(s->t, TOOL_FAILED, "%s: %s", s->folder, strerror(errno));
    }
    (void)snprintf(config, sizeof config, "%s/config.json", s->folder);
    if (resume == NULL && access(config, F_OK) == 0) {
        return fail_with(s->t, TOOL_FAILED,
                         "%s: it holds another run (config.json); resume it or choose another "
                         "directory",
                         s->folder);
    }
    return lock_folder(s);
}

int study_base(tool *t, const char *folder) {
    char *text = NULL;
    int rc = dogbreed_run_config(&text, folder);
    if (rc < 0) {
        return fail(t, PHASE_DATA, rc);
    }
    rc = apply_config(t, text, folder, 0);
    dogbreed_free(text);
    return rc;
}

// --- the view

static void show_line(study *s, const dogbreed_trial_event *e) {
    char text[LINE_MAX_LENGTH] = "";
    char part[96];
    char value[40];
    char eta[32];
    int width = line_width(&s->line);
    int64_t new = e->done - s->done_before;
    (void)snprintf(part, sizeof part, "trials %lld/%lld", (long long)e->done, (long long)e->total);
    line_add(text, width, part);
    value_text(value, s->t, e->best_value);
    (void)snprintf(part, sizeof part, "best %s (trial %lld)", value, (long long)e->best_number);
    line_add(text, width, e->best_number < 0 ? "best -" : part);
    if (new > 0) {
        format_time(eta, sizeof eta, e->time / (double)new *(double)(e->total - e->done));
        (void)snprintf(part, sizeof part, "ETA %s", eta);
        line_add(text, width, part);
    }
    (void)snprintf(part, sizeof part, "pruned %lld", (long long)s->pruned);
    line_add(text, width, part);
    (void)snprintf(part, sizeof part, "failed %lld", (long long)s->failed);
    if (s->failed > 0) {
        line_add(text, width, part);
    }
    if (e->kind == DOGBREED_TRIAL_EVENT_EPOCH) {
        (void)snprintf(part, sizeof part, "trial %lld %s %d", (long long)e->number,
                       study_is_command(s->t) ? "step" : "epoch", (int)e->epoch);
        size_t used = strlen(part);
        if (e->epochs > 0) {
            (void)snprintf(part + used, sizeof part - used, "/%d", (int)e->epochs);
        }
        line_add(text, width, part);
    }
    line_show(&s->line, text);
}

static const char *state_name(int32_t state) {
    static const char *const names[] = {"RUNNING", "COMPLETE", "PRUNED", "FAIL", "WAITING"};
    return state >= 0 && state < 5 ? names[state] : "";
}

static void print_event_json(const dogbreed_trial_event *e) {
    json_t *row = json_pack("{s:s,s:f,s:I,s:s,s:o?,s:i,s:i,s:o}", "kind", "trial", "t", e->time,
                            "number", (json_int_t)e->number, "state", state_name(e->state),
                            "params", json_loads(e->params, 0, NULL), "epoch", (int)e->epoch,
                            "epochs", (int)e->epochs, "value", finite_or_null(e->value));
    if (*e->reason != '\0') {
        (void)json_object_set_new(row, "reason", json_text(e->reason));
    }
    (void)json_object_set_new(row, "done", json_integer(e->done));
    (void)json_object_set_new(row, "total", json_integer(e->total));
    (void)json_object_set_new(row, "best", finite_or_null(e->best_value));
    out_json(row);
}

// trial=3 state=COMPLETE val_accuracy=0.84 batch_size=32 ...
static void print_event_text(const study *s, const dogbreed_trial_event *e) {
    const char *key = NULL;
    json_t *value = NULL;
    json_t *params = json_loads(e->params, 0, NULL);
    out("trial=%lld state=%s", (long long)e->number, state_name(e->state));
    if (isfinite(e->value)) {
        out(" %s=%.6g", objective_name(s->t), e->value);
    }
    json_object_foreach(params, key, value) {
        if (json_is_string(value)) {
            out(" %s=%s", key, json_string_value(value));
        } else {
            out(" %s=%.6g", key, json_number_value(value));
        }
    }
    out("\n");
    (void)fflush(stdout);
    json_decref(params);
}

static int on_trial(const dogbreed_trial_event *e, void *userdata) {
    study *s = userdata;
    int ended = e->kind == DOGBREED_TRIAL_EVENT_END;
    s->done_before = s->done_before < 0 ? e->done : s->done_before;
    s->trained += e->kind == DOGBREED_TRIAL_EVENT_BEGIN;
    s->pruned += ended && e->state == DOGBREED_TRIAL_PRUNED;
    s->failed += ended && e->state == DOGBREED_TRIAL_FAIL;
    if (s->t->json && e->kind != DOGBREED_TRIAL_EVENT_EPOCH) {
        print_event_json(e);
    } else if (ended && !s->t->json && (s->t->quiet || !isatty(STDOUT_FILENO))) {
        print_event_text(s, e);
    }
    if (ended && e->state == DOGBREED_TRIAL_FAIL) {
        warn("trial %lld: %s", (long long)e->number, e->reason);
    }
    if (!s->t->quiet && line_due(&s->line)) {
        show_line(s, e);
    }
    board_update(s);
    if (ended) {
        study_remote_push(s);
    }
    return 0;
}

// Features are computed inside the first training; each round opens them again.
static int on_features(const dogbreed_event *event, void *userdata) {
    study *s = userdata;
    int was = s->computing;
    s->computing = event->done < event->total;
    return was || s->computing ? progress_event(event, s->features) : 0;
}

static int on_trainer(dogbreed_trainer *trainer, int64_t number, void *userdata) {
    study *s = userdata;
    (void)number;
    return dogbreed_trainer_subscribe(trainer, NULL, DOGBREED_EVENT_MASK(DOGBREED_EVENT_PROGRESS),
                                      on_features, s);
}

// --- running

int study_is_command(const tool *t) {
    const char *program = t->settings.command.program;
    return program != NULL && *program != '\0';
}

// The lines of a flag that may be repeated.
static int add_each(study *s, const char *texts, int (*add)(dogbreed_tuner *, const char *)) {
    int rc = DOGBREED_OK;
    while (rc == DOGBREED_OK && texts != NULL && *texts != '\0') {
        size_t length = strcspn(texts, "\n");
        char *text = strndup(texts, length);
        rc = text == NULL ? DOGBREED_ERROR_NO_MEMORY : add(s->tuner, text);
        free(text);
        texts += length + (texts[length] == '\n');
    }
    return rc;
}

static int add_command(study *s) {
    char folder[3100];
    dogbreed_command_options options = s->t->settings.command;
    if (*options.trial_folder == '\0' && *s->folder != '\0') {
        (void)snprintf(folder, sizeof folder, "%s/trials", s->folder);
        options.trial_folder = folder;
    }
    int rc = dogbreed_tuner_command(s->tuner, &options);
    return rc < 0 ? rc : add_each(s, value_of(s->t, "metric"), dogbreed_tuner_metric);
}

static int add_job(study *s, const job *j) {
    const settings *own = &s->t->settings;
    dogbreed_trainer_options trainer = own->trainer;
    if (!s->worker && own->tuner.workers > 1) {
        trainer.threads = workers_threads(trainer.threads, own->tuner.workers);
    }
    return dogbreed_tuner_job(s->tuner, &own->model, j->train, j->valid, &trainer);
}

static int open_tuner(study *s, const job *j) {
    tool *t = s->t;
    char storage[3100];
    dogbreed_tuner_options options = t->settings.tuner;
    if (s->worker && options.workers == 1) {
        options.workers = 2; // one that takes all of a round leaves nothing to others
    }
    if (*s->live != '\0') {
        options.storage = s->live;
    } else if (*options.storage == '\0') {
        (void)snprintf(storage, sizeof storage, "%s/study.db", s->folder);
        options.storage = storage;
    }
    int rc = dogbreed_tuner_create(&s->tuner, &options);
    rc = rc < 0 ? rc : add_each(s, value_of(t, "search"), dogbreed_tuner_add);
    rc = rc < 0 ? rc : add_each(s, value_of(t, "warm-start"), study_warm_add);
    if (rc < 0) {
        return fail(t, PHASE_USAGE, rc);
    }
    rc = study_is_command(t) ? add_command(s) : add_job(s, j);
    rc = rc < 0 ? rc : dogbreed_tuner_listen(s->tuner, on_trial, on_trainer, s);
    if (rc < 0) {
        return fail(t, PHASE_DATA, rc);
    }
    int64_t before = dogbreed_tuner_trial_count(s->tuner); // opens the storage
    if (before < 0) {
        int program = study_is_command(t) && before == DOGBREED_ERROR_NOT_FOUND;
        return fail(t, program ? PHASE_USAGE : PHASE_DATA, (int)before);
    }
    if ((rc = add_each(s, value_of(t, "enqueue"), study_queue_add)) < 0) {
        return fail(t,
                    rc == DOGBREED_ERROR_INVALID_ARGUMENT || rc == DOGBREED_ERROR_FORMAT
                        ? PHASE_USAGE
                        : PHASE_DATA,
                    rc);
    }
    const char *name = *s->live == '\0' ? options.storage : remote_name(t, s->folder);
    if (before > 0) {
        say("study  %s: goes on behind %lld trials\n", name, (long long)before);
    } else {
        say("study  %s\n", name);
    }
    return TOOL_OK;
}

static int read_trials(study *s) {
    int64_t count = dogbreed_tuner_trial_count(s->tuner);
    s->trials = json_array();
    for (int64_t i = 0; i < count; i++) {
        char *text = NULL;
        if (dogbreed_tuner_trial(&text, s->tuner, i) < 0) {
            return -1;
        }
        (void)json_array_append_new(s->trials, parse_json(text));
    }
    char *text = NULL;
    s->best = -1;
    if (dogbreed_tuner_trial(&text, s->tuner, -1) == DOGBREED_OK) {
        json_t *best = parse_json(text);
        s->best = integer_of(best, "number");
        json_decref(best);
    }
    return 0;
}

static void write_documents(const study *s) {
    char *csv = NULL;
    char *json = NULL;
    if (dogbreed_tuner_table(&csv, &json, s->tuner) < 0) {
        warn("%s: %s", s->folder, dogbreed_error_message());
        return;
    }
    write_text(s->folder, "trials.csv", csv);
    write_text(s->folder, "trials.json", json);
    dogbreed_free(csv);
    dogbreed_free(json);
    if (s->best >= 0) {
        write_document(s->folder, "best.json", best_trial(s));
    }
}

static int interrupted(const study *s) {
    const tool *t = s->t;
    int code = signals_code() == 0 ? TOOL_RESUMABLE : signals_code();
    if (s->worker && t->quiet) {
        return code; // who has started it says so
    }
    warn("interrupted");
    if (t->json) {
        out_json(json_pack("{s:s,s:o,s:s,s:I,s:i}", "command", t->command->name, "run",
                           json_text(remote_name(t, s->folder)), "state", "interrupted", "trials",
                           (json_int_t)json_array_size(s->trials), "exit_code", code));
    }
    return code;
}

static void stop_tuner(const stoppable *s) {
    dogbreed_tuner_stop(s->object); // allowed in signal handlers
}

static int run_tuner(study *s) {
    tool *t = s->t;
    const stoppable stop = {.stop = stop_tuner,
                            .object = s->tuner,
                            .text =
                                "\nstopping: finished trials are stored; once more ends at once\n"};
    s->started = now_seconds();
    s->done_before = -1;
    line_init(&s->line);
    signals_watch(&stop, t->quiet);
    int rc = dogbreed_tuner_run(s->tuner);
    signals_watch(NULL, t->quiet);
    progress_clear();
    workers_end(&s->workers, rc < 0);
    int failed = rc < 0 && rc != DOGBREED_ERROR_CANCELLED;
    int exit_code = failed ? fail(t, PHASE_RUN, rc) : TOOL_OK;
    if (study_remote_save(s) < 0) { // the only whole one is not thrown away then
        warn("%s: has the whole study, and stays", s->live);
        *s->live = '\0';
        exit_code = exit_code == TOOL_OK ? TOOL_FAILED : exit_code;
    }
    double limit = t->settings.tuner.time_limit;
    if (read_trials(s) < 0) {
        return failed ? exit_code : fail(t, PHASE_RUN, DOGBREED_ERROR_NO_MEMORY);
    }
    s->limited = rc == DOGBREED_OK && limit > 0.0 && now_seconds() - s->started >= limit &&
                 (int64_t)json_array_size(s->trials) < t->settings.tuner.trials;
    if (!s->worker) {
        write_documents(s);
        plots_write(s);
        board_write(s);
    }
    return rc == DOGBREED_ERROR_CANCELLED ? interrupted(s) : exit_code;
}

// What this process needs of the folder before the study runs in it.
static int prepare(study *s) {
    tool *t = s->t;
    int32_t more = t->settings.tuner.workers - 1;
    if (s->worker) {
        return TOOL_OK;
    }
    job_make_absolute(t);
    study_warm_absolute(t);
    json_t *config = config_json(t);
    write_document(s->folder, "config.json", config);
    json_decref(config);
    int32_t threads = workers_threads(t->settings.trainer.threads, more + 1);
    return more == 0 ? TOOL_OK : workers_start(&s->workers, t, s->folder, s->live, more, threads);
}

static int choose_folder(study *s, const char *wanted, const char *resume) {
    if (s->worker) { // somebody else's, if there is one
        int length = snprintf(s->folder, sizeof s->folder, "%s", resume == NULL ? "" : resume);
        return length < 2900 ? TOOL_OK : usage_error(s->t, "--resume: the name is too long");
    }
    return open_folder(s, wanted, resume);
}

int study_run(study *s, const job *j, const char *wanted, const char *resume) {
    tool *t = s->t;
    s->lock = -1;
    s->best = -1;
    s->judged = dogbreed_dataset_size(j->valid) +
                (t->settings.tuner.kfold > 0 ? dogbreed_dataset_size(j->train) : 0);
    s->features = progress_create(t);
    int exit_code = s->features == NULL ? fail_with(t, TOOL_FAILED, "out of memory")
                                        : choose_folder(s, wanted, resume);
    if (exit_code != TOOL_OK) {
        return exit_code;
    }
    exit_code = study_remote_open(s);
    exit_code = exit_code == TOOL_OK ? open_tuner(s, j) : exit_code;
    exit_code = exit_code == TOOL_OK && !s->worker ? plots_check(s) : exit_code;
    exit_code = exit_code == TOOL_OK ? prepare(s) : exit_code;
    exit_code = exit_code == TOOL_OK ? run_tuner(s) : exit_code;
    if (exit_code == TOOL_OK && s->best < 0 && !s->limited) {
        const json_t *first = json_array_get(s->trials, 0);
        return fail_with(t, TOOL_FAILED, "%s: no trial has a result; trial 0: %s", s->folder,
                         text_of(first, "reason"));
    }
    return exit_code;
}

void study_close(study *s) {
    dogbreed_tuner_destroy(s->tuner);
    study_remote_close(s);
    json_decref(s->trials);
    if (s->features != NULL) {
        progress_destroy(s->features);
    }
    if (s->lock > 0) {
        (void)close(s->lock);
    }
}
