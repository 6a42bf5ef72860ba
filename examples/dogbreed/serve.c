// serve.c - dogbreed serve: a model behind HTTP, until a signal ends it.
#include "tool.h"

#include <stdio.h>
#include <unistd.h>

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
    if (rc == DOGBREED_OK) {
        print_ready(t, server);
    }
    rc = dogbreed_server_wait(server);
    return rc < 0 ? fail(t, PHASE_OTHER, rc) : TOOL_OK;
}

int serve_model(tool *t, const char *model) {
    dogbreed_server *server = NULL;
    int loading = 0;
    int rc = dogbreed_server_create(&server, model, &t->settings.serve, &t->settings.predictor);
    if (rc < 0) {
        return fail(t, PHASE_MODEL, rc);
    }
    const stoppable s = {.stop = stop,
                         .object = server,
                         .text = "\nstopping: requests that were accepted are answered; a second "
                                 "signal ends at once\n"};
    signals_watch(&s, t->quiet); // a signal from now on ends it in good order
    int exit_code = serve(t, server, model, &loading);
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

const command command_serve = {
    .name = "serve",
    .arguments = "[MODEL] [OPTIONS...]",
    .summary = "a model behind HTTP: /invocations, /v1/predict, /v2, /metrics",
    .examples = "  dogbreed serve runs/a --port 8080\n"
                "  curl -s --data-binary @photo.jpg -H 'Content-Type: image/jpeg' "
                "http://127.0.0.1:8080/invocations\n"
                "  dogbreed serve --multi-model models\n"
                "  curl -s -F image=@photo.jpg 'http://127.0.0.1:8080/v1/predict?top_k=5'\n",
    .flags = no_flags,
    .kinds = {DOGBREED_KIND_SERVE, DOGBREED_KIND_PREDICTOR, DOGBREED_KIND_STORE},
    .remote_words = 1,
    .words_min = 0,
    .words_max = 1,
    .run = run,
    .base = base,
};
