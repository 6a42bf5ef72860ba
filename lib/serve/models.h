// models.h - models that requests load and remove: files below one folder, as many as fit into an
// amount of memory (dogb_batcher_bytes). The one that was used least lately goes when there is no
// room.
#ifndef DOGB_SERVE_MODELS_H
#define DOGB_SERVE_MODELS_H

#include "serve/chore.h"
#include "serve/served.h"
#include "serve/server.h"

typedef struct dogb_models dogb_models;

// The folder is option multi_model. NOT_FOUND, NO_MEMORY.
int dogb_models_create(dogb_models **out, dogb_server *server);
void dogb_models_drain(dogb_models *models); // every request is answered. NULL: nothing
void dogb_models_destroy(dogb_models *models);

// --- for the routes

typedef struct dogb_loaded {
    dogb_chore closing; // first
    dogb_served served;
    const char *name; // this and what follows does not change
    const char *url;
    int64_t bytes; // that it takes

    // the registry's, under its lock
    dogb_models *models;
    struct dogb_loaded *next;
    dogb_arena arena;
    uint64_t used; // a later use is a larger number
    int32_t users;
    int32_t removed;
} dogb_loaded;

// Requests between enter and leave are waited for by drain.
void dogb_models_enter(dogb_models *models);
void dogb_models_leave(dogb_models *models);

// On the thread that loads and closes.
void dogb_models_later(dogb_models *models, dogb_chore *chore);

// On that thread alone. INVALID_ARGUMENT (a url that is not below the folder), NOT_FOUND, EXISTS,
// NO_MEMORY (it does not fit, or those that are there are being used), what loading says.
int dogb_models_load(dogb_models *models, const char *name, const char *url);

// Borrowed until it is given back. NULL: there is no such model.
dogb_loaded *dogb_models_take(dogb_models *models, const char *name);
void dogb_models_give(dogb_models *models, dogb_loaded *model);

// No new request finds it; it is closed when nobody uses it any more. NOT_FOUND.
int dogb_models_remove(dogb_models *models, const char *name);

int32_t dogb_models_count(dogb_models *models); // NULL: 0
int64_t dogb_models_bytes(dogb_models *models); // of all that are open, NULL: 0

// Calls fn for each, under the lock.
void dogb_models_each(dogb_models *models, void (*fn)(const dogb_loaded *model, void *userdata),
                      void *userdata);

// A model's name and url out of the body {"model_name": text, "url": text}; they live in the
// request's arena. FORMAT.
int dogb_models_read(const char **name, const char **url, dogb_request *r);

// A descriptor of the file that url names, and its size: a path below the folder `root`, whose own
// path is root_path. No link is followed. A folder stands for the model.safetensors in it.
// INVALID_ARGUMENT, NOT_FOUND.
int dogb_models_open(int *descriptor, int64_t *size, int root, const char *root_path,
                     const char *url);

#endif
