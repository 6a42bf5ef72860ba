// span.c - see span.h. A ring has one writer, its thread, and one reader, who takes. A begin is
// kept only when there is room for its end too, so the two never come apart.
#include "core/span.h"

#include "core/arena.h"
#include "core/error.h"
#include "core/ref.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct kind_row {
    const char *name;
    const char *group;
} kind_row;

static const kind_row kinds[DOGB_SPAN_KINDS] = {
    [DOGB_SPAN_RUN] = {"run", "loop"},
    [DOGB_SPAN_EPOCH] = {"epoch", "loop"},
    [DOGB_SPAN_STEP] = {"step", "loop"},
    [DOGB_SPAN_READ] = {"read", "data"},
    [DOGB_SPAN_DECODE] = {"decode", "data"},
    [DOGB_SPAN_TRANSFORM] = {"transform", "data"},
    [DOGB_SPAN_WAIT] = {"wait", "loop"},
    [DOGB_SPAN_COPY] = {"copy", "engine"},
    [DOGB_SPAN_FORWARD] = {"forward", "engine"},
    [DOGB_SPAN_LOSS] = {"loss", "engine"},
    [DOGB_SPAN_BACKWARD] = {"backward", "engine"},
    [DOGB_SPAN_OPTIMIZER] = {"optimizer", "engine"},
    [DOGB_SPAN_EVALUATION] = {"evaluation", "loop"},
    [DOGB_SPAN_CHECKPOINT] = {"checkpoint", "loop"},
    [DOGB_SPAN_FEATURES] = {"features", "loop"},
    [DOGB_SPAN_LAYER_FORWARD] = {"layer_forward", "layer"},
    [DOGB_SPAN_LAYER_BACKWARD] = {"layer_backward", "layer"},
};

typedef struct ring {
    struct ring *next; // newest first; guarded by the recorder's lock
    int32_t number;
    int32_t open;                       // begins that wait for their end; the writer's
    _Atomic int32_t taken;              // a thread writes it
    _Atomic int64_t dropped;            //
    _Alignas(64) _Atomic uint64_t head; // events written; moved by the writer
    _Alignas(64) _Atomic uint64_t tail; // events taken; moved by the reader
    dogb_span_event *events;
} ring;

typedef struct label {
    const char *name;
    const char *op;
    uint64_t hash;
} label;

struct dogb_recorder {
    dogb_ref ref;
    _Atomic int32_t closed;
    _Atomic int32_t layers;
    int32_t reserved;
    size_t capacity;
    int pipe[2];          // a byte in it wakes who waits; recording threads do not block on it
    pthread_mutex_t lock; // guards what follows
    dogb_arena arena;
    ring *rings;
    int32_t ring_count;
    int32_t lost; // threads that got no ring
    label *labels;
    size_t label_count;
    size_t label_capacity;
};

_Thread_local dogb_recorder *dogb_span_listener;
static _Thread_local ring *own; // of dogb_span_listener; NULL: not yet

const char *dogb_span_name(int32_t kind) {
    return kind >= 0 && kind < DOGB_SPAN_KINDS ? kinds[kind].name : "";
}

const char *dogb_span_group(int32_t kind) {
    return kind >= 0 && kind < DOGB_SPAN_KINDS ? kinds[kind].group : "";
}

int32_t dogb_span_kind(const char *name) {
    for (int32_t i = 0; i < DOGB_SPAN_KINDS; i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

uint64_t dogb_span_now(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec + 1;
}

// --- writing

// A ring that no thread writes, or a new one. NULL: no memory.
static ring *acquire(dogb_recorder *recorder) {
    (void)pthread_mutex_lock(&recorder->lock);
    ring *found = NULL;
    for (ring *r = recorder->rings; r != NULL; r = r->next) {
        if (!atomic_load(&r->taken) && (found == NULL || r->number < found->number)) {
            found = r; // the lowest number: threads of the next epoch get the same ones
        }
    }
    if (found == NULL) {
        found = dogb_alloc(&recorder->arena, 1, sizeof *found);
        dogb_span_event *events =
            found == NULL ? NULL
                          : dogb_alloc_raw(&recorder->arena, recorder->capacity, sizeof *events);
        if (events == NULL) {
            recorder->lost++;
            found = NULL;
        } else {
            found->events = events;
            found->number = recorder->ring_count++;
            found->next = recorder->rings;
            recorder->rings = found;
        }
    }
    if (found != NULL) {
        found->open = 0;
        atomic_store(&found->taken, 1);
    }
    (void)pthread_mutex_unlock(&recorder->lock);
    return found;
}

static void push(ring *r, const dogb_span_event *event) {
    dogb_recorder *recorder = dogb_span_listener;
    uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    dogb_span_event *slot = &r->events[head & (recorder->capacity - 1)];
    *slot = *event;
    slot->thread = r->number;
    atomic_store_explicit(&r->head, head + 1, memory_order_release);
    if (((head + 1) & (recorder->capacity / 2 - 1)) == 0) {
        dogb_recorder_wake(recorder);
    }
}

static uint64_t push_begin(int32_t kind, uint64_t time) {
    dogb_recorder *recorder = dogb_span_listener;
    if (atomic_load_explicit(&recorder->closed, memory_order_relaxed)) {
        return 0;
    }
    if (own == NULL && (own = acquire(recorder)) == NULL) {
        dogb_recorder_attach(NULL); // no memory: this thread is not recorded
        return 0;
    }
    uint64_t used = atomic_load_explicit(&own->head, memory_order_relaxed) -
                    atomic_load_explicit(&own->tail, memory_order_acquire);
    if (used + (uint64_t)own->open + 2 > recorder->capacity) {
        (void)atomic_fetch_add_explicit(&own->dropped, 1, memory_order_relaxed);
        return 0;
    }
    dogb_span_event event = {.time = time == 0 ? dogb_span_now() : time, .kind = kind};
    own->open++;
    push(own, &event);
    return event.time;
}

static void push_end(const dogb_span_event *event) {
    if (dogb_span_listener != NULL && own != NULL && own->open > 0) {
        own->open--;
        push(own, event);
    }
}

uint64_t dogb_span_push_begin(int32_t kind) {
    return push_begin(kind, 0); // the clock is asked behind the search for room
}

void dogb_span_push_end(int32_t kind, uint64_t begin, int64_t value) {
    dogb_span_event event = {.time = dogb_span_now(), .begin = begin, .value = value, .kind = kind};
    push_end(&event);
}

int dogb_span_layers(void) {
    return dogb_span_listener != NULL &&
           atomic_load_explicit(&dogb_span_listener->layers, memory_order_relaxed);
}

static uint64_t hash_text(uint64_t hash, const char *text) {
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * 1099511628211u; // FNV-1a
    }
    return hash;
}

static int64_t label_number(dogb_recorder *recorder, const char *name, const char *op) {
    uint64_t hash = hash_text(hash_text(14695981039346656037u, name), op);
    int64_t number = -1;
    (void)pthread_mutex_lock(&recorder->lock);
    for (size_t i = 0; i < recorder->label_count && number < 0; i++) {
        const label *l = &recorder->labels[i];
        if (l->hash == hash && strcmp(l->name, name) == 0 && strcmp(l->op, op) == 0) {
            number = (int64_t)i;
        }
    }
    if (number < 0 && dogb_grow(&recorder->arena, &recorder->labels, &recorder->label_capacity,
                                recorder->label_count, sizeof(label)) == DOGBREED_OK) {
        label added = {dogb_strdup(&recorder->arena, name), dogb_strdup(&recorder->arena, op),
                       hash};
        if (added.name != NULL && added.op != NULL) {
            number = (int64_t)recorder->label_count;
            recorder->labels[recorder->label_count++] = added;
        }
    }
    (void)pthread_mutex_unlock(&recorder->lock);
    return number;
}

void dogb_span_layer_end(int32_t kind, uint64_t begin, const char *name, const char *op) {
    if (begin != 0 && dogb_span_listener != NULL) {
        dogb_span_end(kind, begin, label_number(dogb_span_listener, name, op));
    }
}

// Events stand in a ring in the order of their telling, not of their times: who takes them sorts.
void dogb_span_layer(int32_t kind, uint64_t begin, uint64_t end, const char *name, const char *op) {
    if (dogb_span_listener != NULL && push_begin(kind, begin) != 0) {
        dogb_span_event event = {.time = end,
                                 .begin = begin,
                                 .value = label_number(dogb_span_listener, name, op),
                                 .kind = kind};
        push_end(&event);
    }
}

// --- the recorder

static int open_pipe(dogb_recorder *recorder) {
    if (pipe(recorder->pipe) != 0) {
        return dogb_fail_errno(DOGBREED_ERROR_IO, "a pipe cannot be made");
    }
    for (int i = 0; i < 2; i++) {
        (void)fcntl(recorder->pipe[i], F_SETFL, O_NONBLOCK);
        (void)fcntl(recorder->pipe[i], F_SETFD, FD_CLOEXEC);
    }
    if (pthread_mutex_init(&recorder->lock, NULL) != 0) {
        (void)close(recorder->pipe[0]);
        (void)close(recorder->pipe[1]);
        return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "a lock cannot be made");
    }
    return DOGBREED_OK;
}

int dogb_recorder_create(dogb_recorder **out, size_t capacity) {
    *out = NULL;
    dogb_recorder *recorder = dogb_malloc(1, sizeof *recorder);
    if (recorder == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = open_pipe(recorder);
    if (rc < 0) {
        dogb_free(recorder);
        return rc;
    }
    recorder->ref = 1;
    recorder->capacity = capacity;
    *out = recorder;
    return DOGBREED_OK;
}

void dogb_recorder_wake(dogb_recorder *recorder) {
    ssize_t wrote = write(recorder->pipe[1], "", 1);
    (void)wrote; // full: who waits is awake already
}

void dogb_recorder_wait(dogb_recorder *recorder, int milliseconds) {
    struct pollfd end = {.fd = recorder->pipe[0], .events = POLLIN};
    char bytes[64];
    if (poll(&end, 1, milliseconds) > 0) {
        while (read(recorder->pipe[0], bytes, sizeof bytes) == (ssize_t)sizeof bytes) {
        }
    }
}

void dogb_recorder_retain(dogb_recorder *recorder) {
    dogb_ref_take(&recorder->ref);
}

void dogb_recorder_release(dogb_recorder *recorder) {
    if (recorder != NULL && dogb_ref_drop(&recorder->ref)) {
        (void)pthread_mutex_destroy(&recorder->lock);
        (void)close(recorder->pipe[0]);
        (void)close(recorder->pipe[1]);
        dogb_arena_free(&recorder->arena);
        dogb_free(recorder);
    }
}

void dogb_recorder_attach(dogb_recorder *recorder) {
    dogb_recorder *before = dogb_span_listener;
    if (before == recorder) {
        return;
    }
    if (own != NULL) {
        atomic_store(&own->taken, 0);
        own = NULL;
    }
    if (recorder != NULL) {
        dogb_recorder_retain(recorder);
    }
    dogb_span_listener = recorder;
    dogb_recorder_release(before);
}

void dogb_recorder_close(dogb_recorder *recorder) {
    atomic_store(&recorder->closed, 1);
}

void dogb_recorder_set_layers(dogb_recorder *recorder, int on) {
    atomic_store(&recorder->layers, on != 0);
}

void dogb_recorder_facts_get(dogb_recorder_facts *out, dogb_recorder *recorder) {
    *out = (dogb_recorder_facts){0};
    (void)pthread_mutex_lock(&recorder->lock);
    out->threads = recorder->ring_count;
    out->labels = (int32_t)recorder->label_count;
    out->dropped = recorder->lost;
    for (ring *r = recorder->rings; r != NULL; r = r->next) {
        out->dropped += atomic_load(&r->dropped);
    }
    (void)pthread_mutex_unlock(&recorder->lock);
}

// Of one ring, up to a time.
static size_t take_from(const dogb_recorder *recorder, ring *r, dogb_span_event *out, size_t count,
                        uint64_t until) {
    uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&r->head, memory_order_acquire);
    size_t taken = 0;
    while (tail != head && taken < count) {
        const dogb_span_event *event = &r->events[tail & (recorder->capacity - 1)];
        if (event->time > until) {
            break;
        }
        out[taken++] = *event;
        tail++;
    }
    atomic_store_explicit(&r->tail, tail, memory_order_release);
    return taken;
}

size_t dogb_recorder_take(dogb_recorder *recorder, dogb_span_event *out, size_t count,
                          uint64_t until) {
    size_t taken = 0;
    (void)pthread_mutex_lock(&recorder->lock);
    ring *first = recorder->rings;
    (void)pthread_mutex_unlock(&recorder->lock);
    for (ring *r = first; r != NULL && taken < count; r = r->next) {
        taken += take_from(recorder, r, out + taken, count - taken, until);
    }
    return taken;
}

int dogb_recorder_label(dogb_recorder *recorder, int64_t number, const char **name,
                        const char **op) {
    (void)pthread_mutex_lock(&recorder->lock);
    int found = number >= 0 && (size_t)number < recorder->label_count;
    *name = found ? recorder->labels[number].name : "";
    *op = found ? recorder->labels[number].op : "";
    (void)pthread_mutex_unlock(&recorder->lock);
    return found;
}
