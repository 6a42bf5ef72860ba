// keeper.c - see keeper.h. A step is a list of tensors in an arena of its own, which goes from the
// training's thread to the writing one and is freed there.
#include "debug/keeper.h"
#include "core/arena.h"
#include "core/error.h"
#include "core/thread.h"

#include <dogbreed/record.h>
#include <string.h>

typedef struct item {
    struct item *next;
    const char *name;
    char *reductions; // NULL: the values themselves
    float *values;    // NULL: the shape alone
    size_t count;
    int32_t rank;
    int32_t reserved;
    int64_t shape[4];
} item;

typedef struct step {
    struct step *next;
    dogb_arena arena;
    item *first;
    item **last;
    size_t bytes;
    double time;
    int64_t mode_step;
    int64_t number;
    int32_t mode;
    int32_t reserved;
} step;

struct dogb_keeper {
    dogb_record_writer *writers[DOGB_KEEPER_WRITERS]; // the thread's while it runs
    step *open;                                       // the caller's
    pthread_t thread;
    pthread_mutex_t lock;  // of what follows
    pthread_cond_t change; // of any of it
    step *first;           // to be written
    step **last;
    size_t bytes; // waiting
    int32_t ending;
    int32_t reserved;
    dogb_error_state failure;
};

// --- the writing thread

static int write_item(dogb_record_writer *w, const item *i) {
    if (i->values == NULL) {
        return dogb_record_writer_shape(w, i->name, NULL, i->rank, i->shape);
    }
    if (i->reductions != NULL) {
        return dogb_record_writer_reduce(w, i->name, i->reductions, i->values, i->count);
    }
    return dogb_record_writer_add(w, i->name, DOGBREED_RECORD_FLOAT32, i->rank, i->shape,
                                  i->values);
}

static int write_step(dogb_record_writer *w, const step *s) {
    int rc = dogb_record_writer_begin(w, s->mode, s->mode_step, s->number, s->time);
    for (const item *i = s->first; rc == DOGBREED_OK && i != NULL; i = i->next) {
        rc = write_item(w, i);
    }
    return rc < 0 ? rc : dogb_record_writer_commit(w);
}

static int write_all(dogb_keeper *k, const step *s) {
    int rc = DOGBREED_OK;
    for (int i = 0; rc == DOGBREED_OK && i < DOGB_KEEPER_WRITERS; i++) {
        rc = k->writers[i] == NULL ? DOGBREED_OK : write_step(k->writers[i], s);
    }
    return rc;
}

static void free_step(step *s) {
    if (s != NULL) {
        dogb_arena_free(&s->arena);
        dogb_free(s);
    }
}

static void *run(void *userdata) {
    dogb_keeper *k = userdata;
    (void)pthread_mutex_lock(&k->lock);
    while (k->first != NULL || !k->ending) {
        step *s = k->first;
        if (s == NULL) {
            (void)pthread_cond_wait(&k->change, &k->lock);
            continue;
        }
        int failed = k->failure.code < 0;
        (void)pthread_mutex_unlock(&k->lock);
        int rc = failed ? DOGBREED_OK : write_all(k, s);
        (void)pthread_mutex_lock(&k->lock);
        if (rc < 0) {
            dogb_error_save(&k->failure, rc);
        }
        k->first = s->next;
        k->last = k->first == NULL ? &k->first : k->last;
        k->bytes -= s->bytes;
        free_step(s);
        (void)pthread_cond_broadcast(&k->change);
    }
    (void)pthread_mutex_unlock(&k->lock);
    return NULL;
}

// --- the caller's

static void close_writers(dogb_record_writer *const *writers) {
    for (int i = 0; i < DOGB_KEEPER_WRITERS; i++) {
        dogb_record_writer_close(writers[i]);
    }
}

int dogb_keeper_open(dogb_keeper **out, dogb_record_writer *const writers[DOGB_KEEPER_WRITERS]) {
    *out = NULL;
    dogb_keeper *k = dogb_malloc(1, sizeof *k);
    if (k == NULL) {
        close_writers(writers);
        return DOGBREED_ERROR_NO_MEMORY;
    }
    memcpy(k->writers, writers, sizeof k->writers);
    k->last = &k->first;
    (void)pthread_mutex_init(&k->lock, NULL);
    (void)pthread_cond_init(&k->change, NULL);
    int rc = dogb_thread_start(&k->thread, run, k);
    if (rc < 0) {
        (void)pthread_cond_destroy(&k->change);
        (void)pthread_mutex_destroy(&k->lock);
        close_writers(writers);
        dogb_free(k);
        return rc;
    }
    *out = k;
    return DOGBREED_OK;
}

static int failure_of(dogb_keeper *k) {
    (void)pthread_mutex_lock(&k->lock);
    dogb_error_state failure = k->failure;
    (void)pthread_mutex_unlock(&k->lock);
    return failure.code < 0 ? dogb_error_restore(&failure) : DOGBREED_OK;
}

int dogb_keeper_begin(dogb_keeper *k, int32_t mode, int64_t mode_step, int64_t number,
                      double wall_time) {
    int rc = failure_of(k);
    step *s = rc < 0 ? NULL : dogb_malloc(1, sizeof *s);
    if (s == NULL) {
        return rc < 0 ? rc : DOGBREED_ERROR_NO_MEMORY;
    }
    s->mode = mode;
    s->mode_step = mode_step;
    s->number = number;
    s->time = wall_time;
    s->last = &s->first;
    free_step(k->open);
    k->open = s;
    return DOGBREED_OK;
}

static int add(item **out, dogb_keeper *k, const char *name, int32_t rank, const int64_t *shape) {
    step *s = k->open;
    item *i = dogb_alloc(&s->arena, 1, sizeof *i);
    if (i == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    i->name = name;
    i->rank = rank;
    memcpy(i->shape, shape, (size_t)rank * sizeof *shape);
    *s->last = i;
    s->last = &i->next;
    *out = i;
    return DOGBREED_OK;
}

static int add_values(item *i, step *s, const float *values, size_t count) {
    i->values = dogb_alloc_raw(&s->arena, count + 1, sizeof *values);
    if (i->values == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    memcpy(i->values, values, count * sizeof *values);
    i->count = count;
    s->bytes += count * sizeof *values;
    return DOGBREED_OK;
}

int dogb_keeper_add(dogb_keeper *k, const char *name, int32_t rank, const int64_t *shape,
                    const float *values, size_t count) {
    item *i = NULL;
    int rc = add(&i, k, name, rank, shape);
    return rc < 0 ? rc : add_values(i, k->open, values, count);
}

int dogb_keeper_shape(dogb_keeper *k, const char *name, int32_t rank, const int64_t *shape) {
    item *i = NULL;
    return add(&i, k, name, rank, shape);
}

int dogb_keeper_reduce(dogb_keeper *k, const char *name, const char *reductions,
                       const float *values, size_t count) {
    static const int64_t none[1] = {0};
    item *i = NULL;
    int rc = add(&i, k, name, 0, none);
    rc = rc < 0 ? rc : add_values(i, k->open, values, count);
    if (rc == DOGBREED_OK) {
        i->reductions = dogb_strdup(&k->open->arena, reductions);
        rc = i->reductions == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    }
    return rc;
}

int dogb_keeper_commit(dogb_keeper *k) {
    step *s = k->open;
    k->open = NULL;
    (void)pthread_mutex_lock(&k->lock);
    while (k->bytes > 0 && k->bytes + s->bytes > DOGB_KEEPER_BYTES) {
        (void)pthread_cond_wait(&k->change, &k->lock);
    }
    k->bytes += s->bytes;
    *k->last = s;
    k->last = &s->next;
    (void)pthread_cond_broadcast(&k->change);
    (void)pthread_mutex_unlock(&k->lock);
    return failure_of(k);
}

int dogb_keeper_close(dogb_keeper *k, int finish) {
    if (k == NULL) {
        return DOGBREED_OK;
    }
    (void)pthread_mutex_lock(&k->lock);
    k->ending = 1;
    (void)pthread_cond_broadcast(&k->change);
    (void)pthread_mutex_unlock(&k->lock);
    (void)pthread_join(k->thread, NULL);
    int rc = failure_of(k);
    for (int i = 0; rc == DOGBREED_OK && finish && i < DOGB_KEEPER_WRITERS; i++) {
        rc = k->writers[i] == NULL ? rc : dogb_record_writer_finish(k->writers[i]);
    }
    free_step(k->open);
    close_writers(k->writers);
    (void)pthread_cond_destroy(&k->change);
    (void)pthread_mutex_destroy(&k->lock);
    dogb_free(k);
    return rc;
}
