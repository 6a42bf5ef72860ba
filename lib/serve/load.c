// load.c - see load.h.
#include "serve/load.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/thread.h"
#include "predictor/predictor_infer.h"
#include "serve/functions.h"
#include "serve/served.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

// "runs/a" and "runs/a/model.safetensors" are both "a"; "dogs.safetensors" is "dogs".
static char *name_of(dogb_arena *arena, const char *path) {
    char *text = dogb_strdup(arena, path);
    for (int i = 0; text != NULL && i < 2; i++) {
        size_t size = strlen(text);
        while (size > 1 && text[size - 1] == '/') {
            text[--size] = '\0';
        }
        char *name = (char *)(uintptr_t)dogb_path_name(text);
        if (strcmp(name, "model.safetensors") != 0 || name == text) {
            char *dot = strrchr(name, '.');
            if (dot != NULL && dot != name && strcmp(dot, ".safetensors") == 0) {
                *dot = '\0';
            }
            return name;
        }
        name[-1] = '\0'; // its folder's name says more
    }
    return text;
}

static int open_model(dogb_load *load) {
    dogb_server *s = load->server;
    dogb_served served = {.batcher = NULL};
    dogb_predictor_facts facts;
    double begin = dogb_clock();
    const char *name =
        *s->options.model_name == '\0' ? name_of(&load->arena, load->model) : s->options.model_name;
    if (name == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = dogb_served_open(&served, &load->arena, load->model, name, s->options.model_version,
                              &s->options, &s->predictor_options);
    s->facts = served.facts;
    s->predictor = served.predictor;
    s->batcher = served.batcher;
    if (rc == DOGBREED_OK) {
        dogb_predictor_facts_get(&facts, s->predictor);
        atomic_store(&s->metrics.engine, facts.engine);
        atomic_store(&s->metrics.setup_ns, (uint64_t)(1e9 * (dogb_clock() - begin)));
    }
    return rc;
}

// What requests are answered with is there before they see that it is.
static int load_all(dogb_load *load) {
    dogb_server *s = load->server;
    int rc = *load->model == '\0' ? DOGBREED_OK : open_model(load);
    if (rc == DOGBREED_OK && load->functions.struct_size != 0) {
        rc = dogb_functions_create(&s->functions, s, &load->functions, load->model);
    }
    if (rc < 0) {
        dogb_error_save(&load->error, rc);
    }
    atomic_store(&s->state, rc < 0 ? DOGB_MODEL_FAILED : DOGB_MODEL_READY);
    return rc;
}

void dogb_load_init(dogb_load *load, dogb_server *server, const char *model) {
    load->server = server;
    load->model = model;
    (void)sem_init(&load->changed, 0, 0);
}

int dogb_load_now(dogb_load *load) {
    return load_all(load);
}

int dogb_load_functions(dogb_load *load, const dogbreed_functions *functions) {
    dogb_server *s = load->server;
    int rc = dogb_functions_check(functions);
    if (rc < 0) {
        return rc;
    }
    if (s->functions != NULL || load->functions.struct_size != 0) {
        return dogb_fail(DOGBREED_ERROR_STATE,
                         "server functions: expected once, before the server is started");
    }
    if (atomic_load(&s->state) == DOGB_MODEL_READY) {
        return dogb_functions_create(&s->functions, s, functions, load->model);
    }
    load->functions = *functions;
    return DOGBREED_OK;
}

static void *run(void *userdata) {
    dogb_load *load = userdata;
    if (load_all(load) < 0) {
        (void)sem_post(load->failed);
    }
    (void)sem_post(&load->changed);
    return NULL;
}

int dogb_load_begin(dogb_load *load, sem_t *failed) {
    if (atomic_load(&load->server->state) == DOGB_MODEL_READY) {
        return DOGBREED_OK;
    }
    load->failed = failed;
    int rc = dogb_thread_start(&load->thread, run, load);
    load->begun = rc == DOGBREED_OK;
    if (rc < 0) { // nobody waits for ever
        dogb_error_save(&load->error, rc);
        atomic_store(&load->server->state, DOGB_MODEL_FAILED);
        (void)sem_post(failed);
    }
    return rc;
}

int dogb_load_wait(dogb_load *load) {
    const _Atomic int32_t *state = &load->server->state;
    while (atomic_load(state) == DOGB_MODEL_LOADING && !atomic_load(&load->stopped)) {
        if (sem_wait(&load->changed) == 0) {
            (void)sem_post(&load->changed); // for others that wait, and for the next time
        } else if (errno != EINTR) {
            break;
        }
    }
    switch (atomic_load(state)) {
    case DOGB_MODEL_READY:
        return DOGBREED_OK;
    case DOGB_MODEL_FAILED:
        return dogb_error_restore(&load->error);
    default:
        return dogb_fail(DOGBREED_ERROR_CANCELLED, "serve: stopped before the model was loaded");
    }
}

void dogb_load_stop(dogb_load *load) {
    atomic_store(&load->stopped, 1);
    (void)sem_post(&load->changed);
}

void dogb_load_close(dogb_load *load) {
    dogb_server *s = load->server;
    if (load->begun) {
        (void)pthread_join(load->thread, NULL);
    }
    dogb_functions_destroy(s->functions);
    dogb_batcher_destroy(s->batcher);
    dogbreed_predictor_destroy(s->predictor);
    (void)sem_destroy(&load->changed);
    dogb_arena_free(&load->arena);
}
