// job_hook.c - what a container adds to a training: its profiler may be told otherwise while it
// runs, curves go where the platform looks for them, and the result is handed in.
#include "container.h"

#include <stdio.h>

const char *container_profile_dir(const tool *t) {
    return t->container == NULL ? NULL : dogbreed_job_get(t->container->job, "profile_dir");
}

// What is left of a profile that is switched off in the middle of a run.
static void rest(dogbreed_profile_options *options) {
    (void)dogbreed_options_set(options, "profile_interval", "60000");
    (void)dogbreed_options_set(options, "profile_layers", "off");
}

static int follow(const dogbreed_event *event, void *userdata) {
    container *c = userdata;
    int32_t state = DOGBREED_JOB_SAME;
    int rc = DOGBREED_OK;
    if (event->kind == DOGBREED_EVENT_STEP_END) {
        rc = dogbreed_job_profile(&state, &c->profile, c->job);
        if (rc == DOGBREED_OK && state == DOGBREED_JOB_PROFILE_OFF) {
            rest(&c->profile);
        }
        if (rc == DOGBREED_OK && state != DOGBREED_JOB_SAME) {
            rc = dogbreed_profile_configure(c->watched, &c->profile);
        }
    } else {
        rc = dogbreed_job_board(c->job, c->run);
    }
    if (rc < 0) { // the training matters more
        warn("%s", dogbreed_error_message());
    }
    return DOGBREED_OK;
}

int container_attach(job *j) {
    container *c = j->t->container;
    if (c == NULL) {
        return TOOL_OK;
    }
    c->run = j->run;
    c->watched = j->profile;
    c->profile = j->t->settings.profile;
    uint64_t mask = 0;
    if (j->profile != NULL) {
        mask |= DOGBREED_EVENT_MASK(DOGBREED_EVENT_STEP_END);
    }
    if (*dogbreed_job_get(c->job, "tensorboard_dir") != '\0') {
        mask |= DOGBREED_EVENT_MASK(DOGBREED_EVENT_EPOCH_END);
    }
    int rc =
        mask == 0 ? DOGBREED_OK : dogbreed_trainer_subscribe(j->trainer, NULL, mask, follow, c);
    return rc < 0 ? fail(j->t, PHASE_OTHER, rc) : TOOL_OK;
}

// manifest.json says what the container was told, and which of it was no option.
static void add_to_manifest(const job *j) {
    char path[4096];
    char *text = NULL;
    (void)snprintf(path, sizeof path, "%s/manifest.json", j->run);
    json_t *manifest = json_load_file(path, 0, NULL);
    if (manifest == NULL || dogbreed_job_describe(&text, j->t->container->job) < 0) {
        json_decref(manifest);
        return;
    }
    json_t *told = parse_json(text);
    (void)json_object_set(told, "unknown_hyperparameters", j->t->container->unknown);
    (void)json_object_set_new(manifest, "job", told);
    write_document(j->run, "manifest.json", manifest);
    json_decref(manifest);
}

// Of a stopped or limited training what there is so far is handed in too: it is uploaded.
int container_finish(job *j, int exit_code) {
    container *c = j->t->container;
    if (c == NULL) {
        return exit_code;
    }
    add_to_manifest(j);
    if (exit_code != TOOL_OK && exit_code != TOOL_TIME_LIMIT && signals_code() == 0) {
        return exit_code;
    }
    int rc = dogbreed_job_complete(c->job, j->run);
    if (rc < 0 && exit_code == TOOL_OK) {
        return fail(j->t, PHASE_OTHER, rc);
    }
    if (exit_code == TOOL_TIME_LIMIT) {
        return fail_with(j->t, exit_code, "time_limit: %g seconds are over; a restart goes on",
                         j->t->settings.trainer.time_limit);
    }
    return exit_code;
}
