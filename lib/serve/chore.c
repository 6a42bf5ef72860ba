// chore.c - see chore.h.
#include "serve/chore.h"
#include "core/arena.h"
#include "core/error.h"
#include "core/thread.h"

struct dogb_chores {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    // under the lock:
    dogb_chore *first;
    dogb_chore *last;
    int32_t ended;
};

// The next one, or NULL at the end.
static dogb_chore *next_chore(dogb_chores *chores) {
    (void)pthread_mutex_lock(&chores->lock);
    while (chores->first == NULL && !chores->ended) {
        (void)pthread_cond_wait(&chores->changed, &chores->lock);
    }
    dogb_chore *chore = chores->first;
    if (chore != NULL) {
        chores->first = chore->next;
    }
    (void)pthread_mutex_unlock(&chores->lock);
    return chore;
}

static void *work(void *userdata) {
    dogb_chores *chores = userdata;
    for (dogb_chore *c = next_chore(chores); c != NULL; c = next_chore(chores)) {
        c->run(c);
    }
    return NULL;
}

int dogb_chores_create(dogb_chores **out) {
    *out = NULL;
    dogb_chores *chores = dogb_malloc(1, sizeof *chores);
    if (chores == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    (void)pthread_mutex_init(&chores->lock, NULL);
    (void)pthread_cond_init(&chores->changed, NULL);
    int rc = dogb_thread_start(&chores->thread, work, chores);
    if (rc < 0) {
        (void)pthread_cond_destroy(&chores->changed);
        (void)pthread_mutex_destroy(&chores->lock);
        dogb_free(chores);
        return rc;
    }
    *out = chores;
    return DOGBREED_OK;
}

void dogb_chores_add(dogb_chores *chores, dogb_chore *chore) {
    (void)pthread_mutex_lock(&chores->lock);
    chore->next = NULL;
    *(chores->first == NULL ? &chores->first : &chores->last->next) = chore;
    chores->last = chore;
    (void)pthread_cond_signal(&chores->changed);
    (void)pthread_mutex_unlock(&chores->lock);
}

void dogb_chores_destroy(dogb_chores *chores) {
    if (chores == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&chores->lock);
    chores->ended = 1;
    (void)pthread_cond_signal(&chores->changed);
    (void)pthread_mutex_unlock(&chores->lock);
    (void)pthread_join(chores->thread, NULL);
    (void)pthread_cond_destroy(&chores->changed);
    (void)pthread_mutex_destroy(&chores->lock);
    dogb_free(chores);
}
