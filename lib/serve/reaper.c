// reaper.c - see reaper.h.
#include "serve/reaper.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/thread.h"
#include "serve/linger.h"
#include "serve/tcp.h"

#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BODY "{\"code\":\"REQUEST_TIMEOUT\",\"error\":\"the request took too long to arrive\"}"
static const char late[] = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"
                           "Content-Type: application/json\r\nContent-Length: 72\r\n\r\n" BODY;
_Static_assert(sizeof BODY - 1 == 72, "the length that the header says");

enum { SEEN = 10 }; // times that drain has to find a connection idle
#define LINGER_PAUSE 0.02

struct dogb_watch {
    dogb_watch *next;
    dogb_watch *previous;
    double since; // of the phase
    int32_t phase;
    int descriptor;
    int ended;
    int gone;         // the client will send no more
    int early;        // it is answered, and may send more
    int32_t seen;     // idle, by drain
    int64_t received; // bytes, when the last request was completed
};

struct dogb_reaper {
    pthread_mutex_t lock; // of everything below
    pthread_cond_t wake;
    pthread_t thread;
    dogb_watch *first;
    double limits[DOGB_PHASE_COUNT];
    double pause;
    int64_t closed;
    int32_t count;
    int silent;
    int stop;
    int drains; // the end has begun
    dogb_linger linger;
};

// The lock is held: the descriptor cannot be closed, nor a reply be begun.
static void end(const dogb_reaper *reaper, dogb_watch *watch, int say) {
    if (say && !reaper->silent) {
        (void)send(watch->descriptor, late, sizeof late - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    (void)shutdown(watch->descriptor, SHUT_RDWR);
    watch->ended = 1;
}

// A client that went away in the middle of a request. With edges of epoll the library can miss its
// end, when it came together with data; shutting our side for reading is one more edge.
static void look_for_end(dogb_watch *watch) {
    char byte = 0;
    if (!watch->gone && watch->phase != DOGB_PHASE_WORK && watch->phase != DOGB_PHASE_REPLY &&
        recv(watch->descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) {
        watch->gone = 1;
        (void)shutdown(watch->descriptor, SHUT_RD);
    }
}

static void look(dogb_reaper *reaper) {
    double now = dogb_clock();
    for (dogb_watch *watch = reaper->first; watch != NULL; watch = watch->next) {
        double limit = reaper->limits[watch->phase];
        if (!watch->ended && limit > 0.0 && now - watch->since > limit) {
            end(reaper, watch,
                watch->phase == DOGB_PHASE_HEADER || watch->phase == DOGB_PHASE_BODY);
            reaper->closed++;
        }
        look_for_end(watch);
    }
    dogb_linger_look(&reaper->linger);
}

static void *run(void *userdata) {
    dogb_reaper *reaper = userdata;
    (void)pthread_mutex_lock(&reaper->lock);
    while (!reaper->stop) {
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        double pause = reaper->linger.count > 0 ? LINGER_PAUSE : reaper->pause;
        int64_t nanoseconds = until.tv_nsec + (int64_t)(pause * 1e9);
        until.tv_sec += nanoseconds / 1000000000;
        until.tv_nsec = nanoseconds % 1000000000;
        (void)pthread_cond_timedwait(&reaper->wake, &reaper->lock, &until);
        look(reaper);
    }
    (void)pthread_mutex_unlock(&reaper->lock);
    return NULL;
}

int dogb_reaper_create(dogb_reaper **out, const double limits[DOGB_PHASE_COUNT], int silent) {
    pthread_condattr_t attributes;
    *out = NULL;
    dogb_reaper *reaper = dogb_malloc(1, sizeof *reaper);
    if (reaper == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    reaper->silent = silent;
    reaper->pause = 0.5;
    for (int i = 0; i < DOGB_PHASE_COUNT; i++) {
        reaper->limits[i] = limits[i];
        // An eighth of the shortest limit is soon enough.
        if (limits[i] > 0.0 && limits[i] / 8 < reaper->pause) {
            reaper->pause = limits[i] / 8 < 0.02 ? 0.02 : limits[i] / 8;
        }
    }
    (void)pthread_mutex_init(&reaper->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&reaper->wake, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    int rc = dogb_thread_start(&reaper->thread, run, reaper);
    if (rc < 0) {
        (void)pthread_cond_destroy(&reaper->wake);
        (void)pthread_mutex_destroy(&reaper->lock);
        dogb_free(reaper);
        return rc;
    }
    *out = reaper;
    return DOGBREED_OK;
}

void dogb_reaper_destroy(dogb_reaper *reaper) {
    if (reaper == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&reaper->lock);
    reaper->stop = 1;
    (void)pthread_cond_signal(&reaper->wake);
    (void)pthread_mutex_unlock(&reaper->lock);
    (void)pthread_join(reaper->thread, NULL);
    dogb_linger_close(&reaper->linger);
    (void)pthread_cond_destroy(&reaper->wake);
    (void)pthread_mutex_destroy(&reaper->lock);
    dogb_free(reaper);
}

dogb_watch *dogb_reaper_add(dogb_reaper *reaper, int descriptor) {
    dogb_watch *watch = dogb_malloc(1, sizeof *watch);
    if (watch == NULL) {
        return NULL;
    }
    watch->descriptor = descriptor;
    watch->since = dogb_clock();
    (void)pthread_mutex_lock(&reaper->lock);
    watch->next = reaper->first;
    if (watch->next != NULL) {
        watch->next->previous = watch;
    }
    reaper->first = watch;
    reaper->count++;
    (void)pthread_mutex_unlock(&reaper->lock);
    return watch;
}

void dogb_reaper_remove(dogb_reaper *reaper, dogb_watch *watch) {
    if (watch == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&reaper->lock);
    if (watch->previous == NULL) {
        reaper->first = watch->next;
    } else {
        watch->previous->next = watch->next;
    }
    if (watch->next != NULL) {
        watch->next->previous = watch->previous;
    }
    reaper->count--;
    // Without a word to it a client in the middle of a request may as well see a reset.
    int heard = watch->phase > DOGB_PHASE_BODY || watch->ended;
    int more = (reaper->drains || watch->early) && !watch->gone;
    if (heard && (more || dogb_tcp_waiting(watch->descriptor))) {
        dogb_linger_add(&reaper->linger, watch->descriptor);
        if (reaper->linger.count == 1) { // beside others it is looked at soon
            (void)pthread_cond_signal(&reaper->wake);
        }
    }
    (void)pthread_mutex_unlock(&reaper->lock);
    dogb_free(watch);
}

void dogb_reaper_phase(dogb_reaper *reaper, dogb_watch *watch, int32_t phase) {
    if (watch == NULL) {
        return;
    }
    int64_t received = phase == DOGB_PHASE_IDLE ? dogb_tcp_received(watch->descriptor) : 0;
    (void)pthread_mutex_lock(&reaper->lock);
    if (watch->phase != phase) { // the same one goes on: a limit does not begin anew
        watch->phase = phase;
        watch->since = dogb_clock();
        watch->received = received;
    }
    (void)pthread_mutex_unlock(&reaper->lock);
}

void dogb_reaper_early(dogb_reaper *reaper, dogb_watch *watch) {
    if (watch != NULL) {
        (void)pthread_mutex_lock(&reaper->lock);
        watch->early = 1;
        (void)pthread_mutex_unlock(&reaper->lock);
    }
}

int32_t dogb_reaper_count(dogb_reaper *reaper) {
    (void)pthread_mutex_lock(&reaper->lock);
    int32_t count = reaper->count;
    (void)pthread_mutex_unlock(&reaper->lock);
    return count;
}

int64_t dogb_reaper_closed(dogb_reaper *reaper) {
    (void)pthread_mutex_lock(&reaper->lock);
    int64_t closed = reaper->closed;
    (void)pthread_mutex_unlock(&reaper->lock);
    return closed;
}

// Read by the HTTP library or not: something of a next request is there. A whole request that came
// in one piece with the one before is not seen here; the library goes on with it at once, so it is
// given time, and a few turns of this thread, for a machine may be busy or stand still.
static int has_more(const dogb_watch *watch) {
    return dogb_tcp_received(watch->descriptor) != watch->received ||
           dogb_tcp_waiting(watch->descriptor);
}

int32_t dogb_reaper_drain(dogb_reaper *reaper, double seconds) {
    int32_t busy = 0;
    double now = dogb_clock();
    (void)pthread_mutex_lock(&reaper->lock);
    reaper->drains = 1;
    for (dogb_watch *watch = reaper->first; watch != NULL; watch = watch->next) {
        int idle = watch->phase == DOGB_PHASE_IDLE;
        watch->seen = idle ? watch->seen + 1 : 0;
        if (!watch->ended && idle && watch->seen > SEEN && now - watch->since > seconds &&
            !has_more(watch)) {
            end(reaper, watch, 0);
        }
        busy += !watch->ended;
    }
    (void)pthread_mutex_unlock(&reaper->lock);
    return busy;
}

void dogb_reaper_wait(dogb_reaper *reaper, double seconds) {
    double until = dogb_clock() + seconds;
    int32_t left = 1;
    while (left > 0 && dogb_clock() < until) {
        (void)pthread_mutex_lock(&reaper->lock);
        dogb_linger_look(&reaper->linger);
        left = reaper->linger.count;
        (void)pthread_mutex_unlock(&reaper->lock);
        if (left > 0) {
            (void)nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
        }
    }
}

void dogb_reaper_end_all(dogb_reaper *reaper) {
    (void)pthread_mutex_lock(&reaper->lock);
    for (dogb_watch *watch = reaper->first; watch != NULL; watch = watch->next) {
        end(reaper, watch, 0);
    }
    (void)pthread_mutex_unlock(&reaper->lock);
}
