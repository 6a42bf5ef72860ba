// train.c - dogbreed train: opens the data, builds the model, trains, tests, says what came out.
#include "training.h"
#include "line.h"
#include "metrics.h"
#include "remote.h"

#include <string.h>

static int open_trainer(job *j) {
    int rc =
        dogbreed_trainer_create(&j->trainer, j->model, j->train, j->valid, &j->t->settings.trainer);
    return rc < 0 ? fail(j->t, PHASE_DATA, rc) : job_subscribe(j);
}

static void print_result(job *j, const json_t *metrics, int exit_code) {
    tool *t = j->t;
    const json_t *best = json_object_get(metrics, "best");
    if (t->json) {
        json_t *result =
            json_pack("{s:s,s:o,s:s,s:I,s:O?,s:f}", "command", "train", "run",
                      json_text(remote_name(t, j->run)), "state",
                      exit_code == TOOL_TIME_LIMIT ? "time_limit" : "completed", "epochs",
                      (json_int_t)json_array_size(json_object_get(metrics, "epochs")), "best", best,
                      "seconds", now_seconds() - j->started);
        if (j->report != NULL) {
            (void)json_object_set_new(result, "test", short_report(j->report));
        }
        job_add_findings(j, result);
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
    job_say_findings(j);
    if (j->profile != NULL) {
        out("%-15s %s profile %s\n", "profile", t->program, remote_name(t, j->run));
    }
    const char *run = remote_name(t, j->run);
    out("%-15s %s\n%-15s %s predict %s PHOTO.jpg --top-k 5\n", "run", run, "predict", t->program,
        run);
}

static int train(job *j) {
    json_t *metrics = NULL;
    int exit_code = job_train(j, &metrics);
    exit_code = exit_code == TOOL_OK ? job_test(j) : exit_code;
    if (exit_code == TOOL_OK) {
        int limited = strcmp(text_of(metrics, "end"), "time_limit") == 0;
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

int train_run(tool *t) {
    job j = {.t = t, .resume = value_of(t, "resume"), .started = now_seconds()};
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
    if (j.resume != NULL && is_on(t, "auto", 0)) {
        return usage_error(t, "--auto and --resume contradict: a resumed run keeps its settings");
    }
    int exit_code = job_choose_format(&j);
    exit_code = exit_code == TOOL_OK ? job_open_data(&j) : exit_code;
    exit_code = exit_code == TOOL_OK ? job_open_model(&j) : exit_code;
    if (exit_code == TOOL_OK && is_on(t, "auto", 0)) {
        exit_code = auto_settings(&j);
    }
    if (exit_code == TOOL_OK && is_on(t, "dry-run", 0)) {
        exit_code = dry_run(&j);
    } else if (exit_code == TOOL_OK && (exit_code = open_trainer(&j)) == TOOL_OK &&
               (exit_code = job_watch(&j)) == TOOL_OK && (exit_code = job_attach(&j)) == TOOL_OK &&
               (exit_code = job_keep_watch(&j)) == TOOL_OK &&
               (exit_code = job_profile(&j)) == TOOL_OK &&
               (exit_code = container_attach(&j)) == TOOL_OK) {
        exit_code = container_finish(&j, train(&j));
    }
    job_close(&j);
    return exit_code;
}

// A resumed run starts from its own config.json.
int train_base(tool *t) {
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
    JOB_TRAIN_FLAGS,
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
        "  dogbreed train PHOTOS --debug --rule Overfit --rule VanishingGradient:threshold=1e-6\n"
        "  dogbreed train PHOTOS --weights FILE --auto --profile --out runs/c\n"
        "  dogbreed train --resume runs/a\n",
    .flags = flags,
    .kinds = {DOGBREED_KIND_DATASET, DOGBREED_KIND_MODEL, DOGBREED_KIND_TRAINER,
              DOGBREED_KIND_DEBUG, DOGBREED_KIND_PROFILE, DOGBREED_KIND_STORE},
    .words_max = 1,
    .remote_words = 1,
    .remote_out = OUT_RUN,
    .run = train_run,
    .base = train_base,
};
