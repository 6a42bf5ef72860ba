// functions_task.h - shared by functions.c and functions_step.c: a request on its way through the
// steps.
#ifndef DOGB_SERVE_FUNCTIONS_TASK_H
#define DOGB_SERVE_FUNCTIONS_TASK_H

#include "serve/chore.h"
#include "serve/functions.h"

#include <pthread.h>

enum { DOGB_TASK_DONE = 0, DOGB_TASK_WAITS = 1 }; // WAITS: the batcher has it

typedef struct dogb_task {
    dogb_chore chore; // first: a task is found from it
    dogbreed_call call;
    dogb_functions *all;
    dogb_request *r;
    dogb_reply reply;
    dogb_input input; // of the library's steps
    dogb_work work;
    const char *failed; // the function that failed; NULL: none
    int32_t step;
    int32_t replied;
    char text[DOGB_ITEM_MESSAGE_MAX]; // of dogbreed_call_fail
} dogb_task;

struct dogb_functions {
    dogbreed_functions own;
    dogb_server *server;
    void *model;
    dogb_chores *chores;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    // under the lock:
    int32_t tasks;   // begun and not answered
    int32_t waiting; // of them, those that no thread has taken yet
};

// Steps, as many as can be made now. DONE: the reply is there.
int dogb_task_run(dogb_task *task);

#endif
