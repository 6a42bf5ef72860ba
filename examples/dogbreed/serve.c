// serve.c - dogbreed serve: a model behind HTTP, until a signal ends it.
#include "sandbox.h"
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

static void stop(const stoppable *s) {
    dogbreed_server_stop(s->object);
}

// One line that programs can wait for.
static void print_ready(const tool *t, const dogbreed_server *server) {
    const char *url = dogbreed_server_url(server);
    if (t->json) {
        out_json(json_pack("{s:s,s:s,s:i,s:i}", "kind", "ready", "url", url, "port",
                           (int)dogbreed_server_port(server), "pid", (int)getpid()));
    } else {
        out("serving at %s\n", url);
        (void)fflush(stdout);
    }
}

// Bodies of requests come and go in all sizes. By itself glibc keeps ever larger ones for the next
// time (its threshold follows what is freed), so that the memory of a process swings with what was
// sent last. With a fixed threshold they go back to the system when they are freed.
static void give_memory_back(void) {
#ifdef __GLIBC__
    enum { LARGE = 128 << 10 };
    (void)mallopt(M_MMAP_THRESHOLD, LARGE);
    (void)mallopt(M_TRIM_THRESHOLD, LARGE);
#endif
}

// Engine torch makes machine code and opens files while it computes: it cannot live in there, so
// `auto` does not mean it.
static int choose_engine(tool *t) {
    static const char *const fit[] = {"native", "ref"};
    const char *name = t->settings.predictor.engine;
    const char *said = getenv("DOGBREED_ENGINE"); // what auto means
    if (strcmp(name, "auto") == 0) {
        name = said == NULL || *said == '\0' ? fit[0] : said;
    }
    for (size_t i = 0; i < sizeof fit / sizeof fit[0]; i++) {
        if (strcmp(name, fit[i]) == 0) {
            int rc = dogbreed_options_set(&t->settings.predictor, "engine", fit[i]);
            return rc < 0 ? fail(t, PHASE_USAGE, rc) : TOOL_OK;
        }
    }
    return fail_with(t, TOOL_USAGE,
                     "sandbox: engine %s needs calls that are taken away, expected native or ref",
                     name);
}

static int enter(const tool *t) {
    if (!is_on(t, "sandbox", 0)) {
        return TOOL_OK;
    }
    const char *problem = sandbox_enter(*t->settings.serve.callbacks != '\0');
    return problem == NULL ? TOOL_OK : fail_with(t, TOOL_FAILED, "sandbox: %s", problem);
}

// A balancer may ask from here on; it gets 503 until the model is there.
static void say_listening(const tool *t, const dogbreed_server *server, const char *model) {
    if (!t->quiet && model != NULL && t->settings.serve.listen_first) {
        (void)fprintf(stderr, "listening at %s, loading the model\n", dogbreed_server_url(server));
    }
}

// Until it is told to end. *loading: it was, before the model was there.
static int serve(tool *t, dogbreed_server *server, const char *model, int *loading) {
    int rc = dogbreed_server_start(server);
    if (rc < 0) {
        return fail(t, PHASE_OTHER, rc);
    }
    say_listening(t, server, model);
    rc = dogbreed_server_ready(server);
    *loading = rc == DOGBREED_ERROR_CANCELLED;
    if (rc < 0 && !*loading) {
        return fail(t, PHASE_MODEL, rc);
    }
    if (rc == DOGBREED_OK) { // what loading needs is behind it
        int exit_code = enter(t);
        if (exit_code != TOOL_OK) {
            return exit_code;
        }
        print_ready(t, server);
    }
    rc = dogbreed_server_wait(server);
    return rc < 0 ? fail(t, PHASE_OTHER, rc) : TOOL_OK;
}

int serve_model(tool *t, const char *model) {
    dogbreed_server *server = NULL;
    int loading = 0;
    int exit_code = is_on(t, "sandbox", 0) ? choose_engine(t) : TOOL_OK;
    if (exit_code != TOOL_OK) {
        return exit_code;
    }
    give_memory_back();
    int rc = dogbreed_server_create(&server, model, &t->settings.serve, &t->settings.predictor);
    if (rc < 0) {
        return fail(t, PHASE_MODEL, rc);
    }
    const stoppable s = {.stop = stop,
                         .object = server,
                         .text = "\nstopping: requests that were accepted are answered; a second "
                                 "signal ends at once\n"};
    signals_watch(&s, t->quiet); // a signal from now on ends it in good order
    exit_code = serve(t, server, model, &loading);
    signals_watch(NULL, 0);
    if (loading) {
        // It cannot be called off, and what it writes is written aside.
        (void)fflush(NULL);
        _exit(exit_code);
    }
    dogbreed_server_destroy(server);
    return exit_code;
}

int serve_first(tool *t) {
    return dogbreed_options_set(&t->settings.serve, "listen_first", "true");
}

static int base(tool *t) {
    int rc = serve_first(t);
    return rc < 0 ? fail(t, PHASE_USAGE, rc) : TOOL_OK;
}

static int run(tool *t) {
    if (t->word_count == 0 && *t->settings.serve.multi_model == '\0') {
        return usage_error(t, "an argument is missing; usage: dogbreed serve %s",
                           t->command->arguments);
    }
    return serve_model(t, t->word_count == 0 ? NULL : t->words[0]);
}

static const flag flags[] = {
    {"sandbox", NULL, "take all system calls away that serving does not need (libseccomp)", 1},
    {NULL, NULL, NULL, 0},
};

const command command_serve = {
    .name = "serve",
    .arguments = "[MODEL] [OPTIONS...]",
    .summary = "a model behind HTTP: /invocations, /v1/predict, /v2, /metrics",
    .examples = "  dogbreed serve runs/a --port 8080\n"
                "  curl -s --data-binary @photo.jpg -H 'Content-Type: image/jpeg' "
                "http://127.0.0.1:8080/invocations\n"
                "  dogbreed serve --multi-model models\n"
                "  curl -s -F image=@photo.jpg 'http://127.0.0.1:8080/v1/predict?top_k=5'\n",
    .flags = flags,
    .kinds = {DOGBREED_KIND_SERVE, DOGBREED_KIND_PREDICTOR, DOGBREED_KIND_STORE},
    .remote_words = 1,
    .words_min = 0,
    .words_max = 1,
    .run = run,
    .base = base,
};
