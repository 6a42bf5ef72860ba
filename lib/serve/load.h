// load.h - the server's own model: loaded before the server listens, or meanwhile on a thread of
// its own.
#ifndef DOGB_SERVE_LOAD_H
#define DOGB_SERVE_LOAD_H

#include "core/error.h"
#include "serve/server.h"

#include <pthread.h>
#include <semaphore.h>

typedef struct dogb_load {
    dogb_server *server;
    const char *model;            // its path; "": none, there is nothing to load
    dogb_arena arena;             // of the model's name and labels
    dogbreed_functions functions; // struct_size 0: none
    dogb_error_state error;       // of DOGB_MODEL_FAILED
    pthread_t thread;
    sem_t changed; // posted when loading is over, and by stop
    sem_t *failed; // the caller's, posted when it has failed
    _Atomic int32_t stopped;
    int32_t begun; // there is a thread
} dogb_load;

// `model` lives as long as the server does.
void dogb_load_init(dogb_load *load, dogb_server *server, const char *model);

// Here and now. What opening says.
int dogb_load_now(dogb_load *load);

// Functions of the caller. Those of a model that is not loaded yet are kept until it is.
int dogb_load_functions(dogb_load *load, const dogbreed_functions *functions);

// On a thread of its own, when it has not been done. NO_MEMORY.
int dogb_load_begin(dogb_load *load, sem_t *failed);

// Until the model is there. What loading says; CANCELLED: stop was asked for before. Concurrent.
int dogb_load_wait(dogb_load *load);
void dogb_load_stop(dogb_load *load); // signal handlers too

// Waits for the thread, then gives back everything that was loaded.
void dogb_load_close(dogb_load *load);

#endif
