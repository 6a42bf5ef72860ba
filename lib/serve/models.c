// models.c - see models.h: the list of loaded models, and the thread that loads and closes them.
#include "serve/models.h"
#include "core/error.h"
#include "core/span.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MODELS_MAX = 1000 };

struct dogb_models {
    dogb_server *server;
    dogb_chores *chores;
    int root; // a descriptor of the folder
    pthread_mutex_t lock;
    pthread_cond_t changed;
    // under the lock:
    dogb_loaded *first;
    int64_t bytes; // of all that are open, those being closed too
    uint64_t uses;
    int32_t count;
    int32_t requests;
};

static void lock(dogb_models *models) {
    (void)pthread_mutex_lock(&models->lock);
}

static void unlock(dogb_models *models) {
    (void)pthread_cond_broadcast(&models->changed);
    (void)pthread_mutex_unlock(&models->lock);
}

// --- under the lock

static dogb_loaded **find(dogb_models *models, const char *name) {
    dogb_loaded **at = &models->first;
    while (*at != NULL && strcmp((*at)->name, name) != 0) {
        at = &(*at)->next;
    }
    return at;
}

static void take_out(dogb_models *models, dogb_loaded **at) {
    dogb_loaded *model = *at;
    *at = model->next;
    model->removed = 1;
    models->count--;
}

// Of those that nobody uses.
static dogb_loaded **least_used(dogb_models *models) {
    dogb_loaded **least = NULL;
    for (dogb_loaded **at = &models->first; *at != NULL; at = &(*at)->next) {
        if ((*at)->users == 0 && (least == NULL || (*at)->used < (*least)->used)) {
            least = at;
        }
    }
    return least;
}

// --- closing

static void close_model(dogb_loaded *model) {
    dogb_models *models = model->models;
    int64_t bytes = model->bytes;
    dogb_arena arena = model->arena;
    const int whole = model->served.batcher != NULL;
    uint64_t begin = dogb_span_now();
    dogb_served_close(&model->served);
    dogb_arena_free(&arena);
    if (whole) {
        dogb_metrics_time(&models->server->metrics, DOGB_TIME_UNLOAD, dogb_span_now() - begin);
    }
    lock(models);
    models->bytes -= bytes;
    unlock(models);
}

static void run_closing(dogb_chore *chore) {
    close_model((dogb_loaded *)chore);
}

static void close_later(dogb_loaded *model) {
    model->closing.run = run_closing;
    dogb_chores_add(model->models->chores, &model->closing);
}

// --- loading

// Closes others until there is room for so many bytes more. NO_MEMORY.
static int make_room(dogb_models *models, int64_t bytes) {
    const int64_t limit = models->server->options.multi_model_memory;
    int rc = DOGBREED_OK;
    lock(models);
    while (rc == DOGBREED_OK &&
           (bytes > limit || models->bytes > limit - bytes || models->count >= MODELS_MAX)) {
        dogb_loaded **least = bytes > limit ? NULL : least_used(models);
        dogb_loaded *model = least == NULL ? NULL : *least;
        if (model == NULL) {
            rc = dogb_fail(DOGBREED_ERROR_NO_MEMORY, "there is no room for this model");
        } else {
            take_out(models, least);
            unlock(models);
            close_model(model);
            (void)atomic_fetch_add(&models->server->metrics.evictions, 1);
            lock(models);
        }
    }
    unlock(models);
    return rc;
}

static void count_bytes(dogb_loaded *model, int64_t bytes) {
    dogb_models *models = model->models;
    lock(models);
    models->bytes += bytes - model->bytes;
    unlock(models);
    model->bytes = bytes;
}

// What it takes is known when it is there: more than its file, which there was room for.
static int check_room(dogb_loaded *model) {
    dogb_models *models = model->models;
    int64_t bytes = dogb_batcher_bytes(model->served.batcher);
    int64_t file = model->bytes;
    count_bytes(model, 0); // others have to go for all of it, not for it and its file
    int rc = make_room(models, bytes);
    count_bytes(model, rc < 0 ? file : bytes);
    return rc;
}

static int open_model(dogb_loaded *model, int descriptor) {
    char path[40]; // the file that was looked at, whatever its name stands for by now
    const dogb_server *server = model->models->server;
    uint64_t begin = dogb_span_now();
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    int rc = dogb_served_open(&model->served, &model->arena, path, model->name,
                              server->options.model_version, &server->options,
                              &server->predictor_options);
    if (rc == DOGBREED_OK) {
        dogb_metrics_time(&model->models->server->metrics, DOGB_TIME_LOAD, dogb_span_now() - begin);
        rc = check_room(model);
    }
    return rc;
}

static dogb_loaded *new_model(dogb_models *models, const char *name, const char *url,
                              int64_t bytes) {
    dogb_arena arena = {0};
    dogb_loaded *model = dogb_alloc(&arena, 1, sizeof *model);
    if (model != NULL) {
        model->models = models;
        model->bytes = bytes;
        model->name = dogb_strdup(&arena, name);
        model->url = dogb_strdup(&arena, url);
    }
    if (model == NULL || model->name == NULL || model->url == NULL) {
        dogb_arena_free(&arena);
        return NULL;
    }
    model->arena = arena;
    lock(models);
    models->bytes += bytes;
    unlock(models);
    return model;
}

static int load(dogb_models *models, const char *name, const char *url, int descriptor,
                int64_t bytes) {
    dogb_error_state error;
    int rc = make_room(models, bytes);
    dogb_loaded *model = rc < 0 ? NULL : new_model(models, name, url, bytes);
    if (model == NULL) {
        return rc < 0 ? rc : DOGBREED_ERROR_NO_MEMORY;
    }
    rc = open_model(model, descriptor);
    if (rc < 0) {
        dogb_error_save(&error, rc);
        close_model(model);
        return dogb_error_restore(&error);
    }
    lock(models);
    model->used = ++models->uses;
    model->next = models->first;
    models->first = model;
    models->count++;
    unlock(models);
    return DOGBREED_OK;
}

int dogb_models_load(dogb_models *models, const char *name, const char *url) {
    int descriptor = -1;
    int64_t bytes = 0;
    lock(models);
    int there = *find(models, name) != NULL;
    unlock(models);
    if (there) {
        return dogb_fail(DOGBREED_ERROR_EXISTS, "a model of this name is loaded");
    }
    int rc = dogb_models_open(&descriptor, &bytes, models->root,
                              models->server->options.multi_model, url);
    if (rc < 0) {
        return rc;
    }
    rc = load(models, name, url, descriptor, bytes);
    (void)close(descriptor);
    return rc;
}

// --- for requests

dogb_loaded *dogb_models_take(dogb_models *models, const char *name) {
    lock(models);
    dogb_loaded *model = *find(models, name);
    if (model != NULL) {
        model->users++;
        model->used = ++models->uses;
    }
    unlock(models);
    return model;
}

void dogb_models_give(dogb_models *models, dogb_loaded *model) {
    lock(models);
    int last = --model->users == 0 && model->removed;
    unlock(models);
    if (last) {
        close_later(model);
    }
}

int dogb_models_remove(dogb_models *models, const char *name) {
    lock(models);
    dogb_loaded **at = find(models, name);
    dogb_loaded *model = *at;
    int idle = model != NULL && model->users == 0;
    if (model != NULL) {
        take_out(models, at);
    }
    unlock(models);
    if (idle) {
        close_later(model);
    }
    return model != NULL ? DOGBREED_OK
                         : dogb_fail(DOGBREED_ERROR_NOT_FOUND, "there is no model of this name");
}

int64_t dogb_models_bytes(dogb_models *models) {
    int64_t bytes = 0;
    if (models != NULL) {
        lock(models);
        bytes = models->bytes;
        unlock(models);
    }
    return bytes;
}

int32_t dogb_models_count(dogb_models *models) {
    int32_t count = 0;
    if (models != NULL) {
        lock(models);
        count = models->count;
        unlock(models);
    }
    return count;
}

void dogb_models_each(dogb_models *models, void (*fn)(const dogb_loaded *model, void *userdata),
                      void *userdata) {
    lock(models);
    for (const dogb_loaded *m = models->first; m != NULL; m = m->next) {
        fn(m, userdata);
    }
    unlock(models);
}

void dogb_models_later(dogb_models *models, dogb_chore *chore) {
    dogb_chores_add(models->chores, chore);
}

void dogb_models_enter(dogb_models *models) {
    lock(models);
    models->requests++;
    unlock(models);
}

void dogb_models_leave(dogb_models *models) {
    lock(models);
    models->requests--;
    unlock(models);
}

// --- life

int dogb_models_create(dogb_models **out, dogb_server *server) {
    const char *root = server->options.multi_model;
    dogb_models *models = dogb_malloc(1, sizeof *models);
    if (models == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    models->server = server;
    (void)pthread_mutex_init(&models->lock, NULL);
    (void)pthread_cond_init(&models->changed, NULL);
    models->root = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = models->root < 0
                 ? dogb_fail_errno(DOGBREED_ERROR_NOT_FOUND, "multi_model: %s: no folder", root)
                 : dogb_chores_create(&models->chores);
    if (rc < 0) {
        dogb_models_destroy(models);
        return rc;
    }
    *out = models;
    return DOGBREED_OK;
}

void dogb_models_drain(dogb_models *models) {
    if (models == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&models->lock);
    while (models->requests > 0) {
        (void)pthread_cond_wait(&models->changed, &models->lock);
    }
    (void)pthread_mutex_unlock(&models->lock);
}

void dogb_models_destroy(dogb_models *models) {
    if (models == NULL) {
        return;
    }
    dogb_chores_destroy(models->chores);
    while (models->first != NULL) {
        dogb_loaded *model = models->first;
        models->first = model->next;
        close_model(model);
    }
    if (models->root >= 0) {
        (void)close(models->root);
    }
    (void)pthread_cond_destroy(&models->changed);
    (void)pthread_mutex_destroy(&models->lock);
    dogb_free(models);
}
