// job_train.c - dogbreed job train: the same training as dogbreed train, told by the files and
// variables of a SageMaker container.
#include "container.h"
#include "flags.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int is_directory(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

int in_container(void) {
    const char *base = getenv("SAGEMAKER_BASE_DIR");
    return is_directory(base == NULL || *base == '\0' ? "/opt/ml" : base);
}

// Flags that a container's hyperparameters cannot set: they are its own.
static int is_fixed(const char *name) {
    static const char *const fixed[] = {"out", "resume", "root", "strict"};
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
        if (same_name(name, fixed[i])) {
            return 1;
        }
    }
    return 0;
}

static int unknown(tool *t, const char *name) {
    const char *near = suggestion(t, name);
    char hint[128] = "";
    if (near != NULL) {
        (void)snprintf(hint, sizeof hint, "; did you mean %s?", near);
    }
    if (is_on(t, "strict", 0)) {
        return usage_error(t, "hyperparameter %s: no such option%s", name, hint);
    }
    warn("hyperparameter %s: no such option, it is passed over%s", name, hint);
    (void)json_array_append_new(t->container->unknown, json_text(name));
    return TOOL_OK;
}

static int apply_hyperparameters(tool *t) {
    container *c = t->container;
    int rc = TOOL_OK;
    for (int32_t i = 0; rc == TOOL_OK && i < dogbreed_job_hyperparameter_count(c->job); i++) {
        dogbreed_hyperparameter one = {.struct_size = sizeof one};
        dogbreed_option_info info;
        (void)dogbreed_job_hyperparameter(&one, c->job, i);
        if (one.recorded || one.value == NULL) {
            continue;
        }
        const flag *own = find_flag(t->command->flags, one.option);
        if ((own == NULL && !takes_option(t->command, one.option, &info)) ||
            (own != NULL && is_fixed(one.option))) {
            rc = unknown(t, one.name);
        } else {
            rc = assign(t, one.option, one.value, 0);
            c->own_data |= same_name(one.option, "data");
        }
    }
    return rc;
}

// What the other files of the configuration ask for.
static int apply_files(tool *t) {
    container *c = t->container;
    int32_t state = DOGBREED_JOB_SAME;
    dogbreed_debug_options *debug = &t->settings.debug;
    const char *config = dogbreed_job_get(c->job, "debug_config");
    (void)dogbreed_options_set(debug, "debug_directory", dogbreed_job_get(c->job, "tensor_dir"));
    (void)dogbreed_options_set(debug, "debug_config", config);
    if (*config != '\0') {
        set_value(t, "debug", "on");
    }
    int rc = dogbreed_job_profile(&state, &t->settings.profile, c->job);
    if (rc < 0) {
        return fail(t, PHASE_USAGE, rc);
    }
    if (state == DOGBREED_JOB_PROFILE_ON) {
        set_value(t, "profile", "on");
    }
    return TOOL_OK;
}

// A restart finds its run where checkpoints are kept, and goes on with it.
static int choose_run(tool *t) {
    const char *folder = dogbreed_job_get(t->container->job, "checkpoint_dir");
    char config[4096];
    (void)snprintf(config, sizeof config, "%s/config.json", folder);
    if (access(config, R_OK) != 0) {
        set_value(t, "out", folder);
        return TOOL_OK;
    }
    say("run    %s: going on with it\n", folder);
    set_value(t, "resume", folder);
    return train_base(t);
}

static int base(tool *t) {
    container *c = calloc(1, sizeof *c);
    const char *root = value_of(t, "root");
    if (c == NULL || (c->unknown = json_array()) == NULL) {
        free(c);
        return fail_with(t, TOOL_FAILED, "out of memory");
    }
    t->container = c;
    // The first process of a container gets no signal that it has not asked for.
    signals_watch(NULL, t->quiet);
    if (value_of(t, "out") != NULL || value_of(t, "resume") != NULL) {
        return usage_error(t, "--out and --resume: a container has one place for checkpoints");
    }
    c->own_data = value_of(t, "data") != NULL;
    int rc = dogbreed_job_from_env(&c->job, root);
    rc = rc < 0 ? rc : dogbreed_job_mark(root, DOGBREED_JOB_RUNNING, NULL);
    if (rc < 0) {
        return fail(t, PHASE_USAGE, rc);
    }
    int exit_code = choose_run(t);
    exit_code = exit_code == TOOL_OK ? apply_files(t) : exit_code;
    exit_code = exit_code == TOOL_OK ? apply_hyperparameters(t) : exit_code;
    if (exit_code == TOOL_OK && value_of(t, "metrics-format") == NULL) {
        set_value(t, "metrics-format", "text"); // the platform reads them, terminal or not
    }
    return exit_code;
}

static int open_channels(tool *t) {
    container *c = t->container;
    char *path = NULL;
    if (c->own_data) {
        return TOOL_OK;
    }
    int rc = dogbreed_job_data(&path, c->job, &t->settings.job);
    if (rc < 0) {
        // Several hosts, RecordIO: the job was set up so, whatever the data are.
        return fail(t, rc == DOGBREED_ERROR_UNSUPPORTED ? PHASE_USAGE : PHASE_DATA, rc);
    }
    set_value(t, "data", path);
    dogbreed_free(path);
    const char *list = dogbreed_job_get(c->job, "class_list");
    const char *chosen = t->settings.dataset.class_list;
    // A list of an earlier start may lie where nothing is any more.
    if (*list != '\0' && (*chosen == '\0' || access(chosen, R_OK) != 0)) {
        (void)dogbreed_options_set(&t->settings.dataset, "class_list", list);
    }
    return TOOL_OK;
}

static int run(tool *t) {
    t->container->ran = 1;
    if (value_of(t, "resume") != NULL && is_on(t, "auto", 0)) {
        set_value(t, "auto", "off"); // measured at the first start
    }
    int exit_code = open_channels(t);
    return exit_code == TOOL_OK ? train_run(t) : exit_code;
}

// Markers for those who wait: none after a signal, which asked for the end.
static int end(tool *t, int exit_code) {
    container *c = t->container;
    const char *root = value_of(t, "root");
    int rc = DOGBREED_OK;
    if (exit_code != TOOL_OK && signals_code() == 0) {
        const char *text = last_error();
        rc = dogbreed_job_mark(root, DOGBREED_JOB_FAILURE,
                               *text != '\0' ? text : "the training ended before its time");
    } else if (exit_code == TOOL_OK && c != NULL && c->ran && !is_on(t, "dry-run", 0)) {
        rc = dogbreed_job_mark(root, DOGBREED_JOB_SUCCESS, NULL);
    }
    if (rc < 0) {
        warn("%s", dogbreed_error_message());
    }
    if (c != NULL) {
        json_decref(c->unknown);
        dogbreed_job_destroy(c->job);
        free(c);
        t->container = NULL;
    }
    return exit_code;
}

static const flag flags[] = {
    {"root", "DIR", "stands in front of every path in /opt/ml", 0},
    {"strict", NULL, "a hyperparameter that is no option is an error", 0},
    JOB_TRAIN_FLAGS,
    {NULL, NULL, NULL, 0},
};

const command command_job_train = {
    .name = "job train",
    .arguments = "[--root DIR] [NAME=VALUE...] [OPTIONS...]",
    .summary = "train as a SageMaker container does, told by files below /opt/ml",
    .examples = "  dogbreed job train --root job\n"
                "  dogbreed job train --root job --strict --print-config\n"
                "  docker run -v $PWD/job/opt/ml:/opt/ml IMAGE train\n",
    .flags = flags,
    .kinds = {DOGBREED_KIND_DATASET, DOGBREED_KIND_MODEL, DOGBREED_KIND_TRAINER,
              DOGBREED_KIND_DEBUG, DOGBREED_KIND_PROFILE, DOGBREED_KIND_JOB},
    .words_max = 0,
    .run = run,
    .base = base,
    .end = end,
};
