// serve.c - dogbreed serve: a model behind HTTP, until a signal ends it.
#include "tool.h"

#include <stdio.h>
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

int serve_model(tool *t, const char *model) {
    dogbreed_server *server = NULL;
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
    rc = dogbreed_server_start(server);
    if (rc == DOGBREED_OK) {
        print_ready(t, server);
        rc = dogbreed_server_wait(server);
    }
    int exit_code = rc < 0 ? fail(t, PHASE_OTHER, rc) : TOOL_OK;
    signals_watch(NULL, 0);
    dogbreed_server_destroy(server);
    return exit_code;
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
    .kinds = {DOGBREED_KIND_SERVE, DOGBREED_KIND_PREDICTOR},
    .words_min = 0,
    .words_max = 1,
    .run = run,
};
