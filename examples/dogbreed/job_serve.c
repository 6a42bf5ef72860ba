// job_serve.c - dogbreed job serve: the same server as dogbreed serve, told by the variables of a
// SageMaker container.
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MEGABYTE = 1 << 20, PAYLOAD_MAX_MB = 100, HEALTH = 16 };

// Facts of the container as options of the server; flags of the command line win.
static int take_facts(tool *t, const dogbreed_job *job) {
    static const struct {
        const char *option;
        const char *fact;
    } rows[] = {{"port", "serve_port"},
                {"deadline_s", "serve_timeout"},
                {"workers", "serve_workers"},
                {"accept", "serve_accept"}};
    char bytes[32];
    long megabytes = strtol(dogbreed_job_get(job, "serve_payload_mb"), NULL, 10);
    int rc = dogbreed_options_set(&t->settings.serve, "host", "0.0.0.0"); // here, and only here
    rc = rc < 0 ? rc : serve_first(t);
    for (size_t i = 0; rc == DOGBREED_OK && i < sizeof rows / sizeof rows[0]; i++) {
        rc = dogbreed_options_set(&t->settings.serve, rows[i].option,
                                  dogbreed_job_get(job, rows[i].fact));
    }
    (void)snprintf(bytes, sizeof bytes, "%ld",
                   (megabytes == 0 ? PAYLOAD_MAX_MB : megabytes) * MEGABYTE); // 0: in chunks
    return rc < 0 ? rc : dogbreed_options_set(&t->settings.serve, "invocations_max", bytes);
}

static int raise(tool *t, const char *option, int64_t from, int64_t to) {
    char text[32];
    (void)snprintf(text, sizeof text, "%lld", (long long)to);
    return from >= to ? DOGBREED_OK : dogbreed_options_set(&t->settings.serve, option, text);
}

// So many requests a batch transform sends at once, all from one address, beside those that ask
// whether the server is well.
static int take_transforms(tool *t, const dogbreed_job *job) {
    const dogbreed_serve_options *o = &t->settings.serve;
    int64_t count = strtol(dogbreed_job_get(job, "serve_transforms"), NULL, 10);
    int rc = raise(t, "queue_max", o->queue_max, count);
    rc = rc < 0 ? rc : raise(t, "connections_max", o->connections_max, count + HEALTH);
    return rc < 0 || o->connections_per_ip == 0
               ? rc
               : raise(t, "connections_per_ip", o->connections_per_ip, count + HEALTH);
}

// The platform puts models there one by one, and says so with requests.
static int take_models(tool *t, const dogbreed_job *job) {
    const char *folder = dogbreed_job_get(job, "models_dir");
    (void)mkdir(folder, 0777); // when it cannot be made, the server says that it is not there
    return dogbreed_options_set(&t->settings.serve, "multi_model", folder);
}

static int base(tool *t) {
    dogbreed_job *job = NULL;
    // The first process of a container gets no signal that it has not asked for.
    signals_watch(NULL, t->quiet);
    int rc = dogbreed_job_from_env(&job, value_of(t, "root"));
    rc = rc < 0 ? rc : take_facts(t, job);
    rc = rc < 0 ? rc : take_transforms(t, job);
    if (rc < 0) {
        dogbreed_job_destroy(job);
        return fail(t, PHASE_USAGE, rc);
    }
    if (strcmp(dogbreed_job_get(job, "serve_multi_model"), "on") == 0) {
        rc = take_models(t, job);
    } else if (value_of(t, "model") == NULL) {
        set_value(t, "model", dogbreed_job_get(job, "model_dir"));
    }
    dogbreed_job_destroy(job);
    return rc < 0 ? fail(t, PHASE_USAGE, rc) : TOOL_OK;
}

static int run(tool *t) {
    return serve_model(t, value_of(t, "model"));
}

static const flag flags[] = {
    {"root", "DIR", "stands in front of every path in /opt/ml", 0},
    {"model", "MODEL", "in place of /opt/ml/model", 0},
    {"sandbox", NULL, "take all system calls away that serving does not need (libseccomp)", 1},
    {NULL, NULL, NULL, 0},
};

const command command_job_serve = {
    .name = "job serve",
    .arguments = "[--root DIR] [OPTIONS...]",
    .summary = "serve as a SageMaker container does: /ping and /invocations at 0.0.0.0:8080",
    .examples = "  dogbreed job serve --root job\n"
                "  SAGEMAKER_BIND_TO_PORT=9000 dogbreed job serve --root job\n"
                "  docker run -p 8080:8080 -v $PWD/job/opt/ml:/opt/ml IMAGE serve\n",
    .flags = flags,
    .kinds = {DOGBREED_KIND_SERVE, DOGBREED_KIND_PREDICTOR, DOGBREED_KIND_STORE},
    .words_max = 0,
    .remote_words = WORDS_ALL, // --model
    .run = run,
    .base = base,
};
