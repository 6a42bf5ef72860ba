// command.h - a program that is run when a rule finds something. One at a time; what comes while it
// runs waits its turn. It cannot hold up the training.
#ifndef DOGB_DEBUG_COMMAND_H
#define DOGB_DEBUG_COMMAND_H

#include "program/program.h"
#include "program/template.h"

enum { DOGB_HOOK_QUEUE = 64, DOGB_HOOK_SECONDS = 30 };

typedef struct dogb_hook_call {
    char *rule;
    char *step;
    char *text;
} dogb_hook_call;

typedef struct dogb_hook {
    dogb_arena *arena;
    dogb_template *tmpl; // NULL: no command
    dogb_program *program;
    dogb_arena run; // of the running one
    dogb_hook_call queue[DOGB_HOOK_QUEUE];
    int32_t first; // of the queue
    int32_t count;
} dogb_hook;

// INVALID_ARGUMENT: no program, a name that is none of {rule}, {step}, {text}.
int dogb_hook_init(dogb_hook *hook, dogb_arena *arena, const char *text);
void dogb_hook_add(dogb_hook *hook, const char *rule, int64_t step, const char *text);
void dogb_hook_look(dogb_hook *hook); // starts the next one when there is one
void dogb_hook_wait(dogb_hook *hook); // until all have ended, 30 s at most; then they are killed

#endif
