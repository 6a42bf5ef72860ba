// chore.h - a thread for what must not keep a connection's thread: it does one thing after the
// other, in their order.
#ifndef DOGB_SERVE_CHORE_H
#define DOGB_SERVE_CHORE_H

typedef struct dogb_chores dogb_chores;

// The caller's memory, first in a struct of his, until `run` is called; run may free it.
typedef struct dogb_chore {
    struct dogb_chore *next;
    void (*run)(struct dogb_chore *chore);
} dogb_chore;

int dogb_chores_create(dogb_chores **out);
void dogb_chores_add(dogb_chores *chores, dogb_chore *chore); // any thread, that of the chores too
void dogb_chores_destroy(dogb_chores *chores); // everything added is done. NULL: nothing

#endif
