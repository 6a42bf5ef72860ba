// rule_stalled.c - StalledTrainingRule. What it finds is told at the next event, by the time that
// has passed; a thread of its own does no more than call the function that ends the training.
#include "debug/rule_calls.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/thread.h"

#include <math.h>
#include <time.h>

typedef struct stalled {
    pthread_mutex_t lock; // guards `moved` and `over`
    pthread_cond_t wake;
    pthread_t thread;
    double moved; // when something came last, by dogb_clock
    int32_t over;
    int32_t running;
    double threshold;
    void (*stop)(void *userdata);
    void *userdata;

    dogb_rule_moment last; // of the training's own thread
    double last_time;      // live: dogb_clock; stored: of the moment; 0: unknown
} stalled;

static struct timespec time_at(double seconds) {
    struct timespec at;
    at.tv_sec = (time_t)seconds;
    at.tv_nsec = (long)((seconds - floor(seconds)) * 1e9);
    return at;
}

// Calls `stop` once for each time that nothing comes. It is not woken when something does: it looks
// when the time would be over.
static void *watch(void *userdata) {
    stalled *s = userdata;
    double told = 0; // `moved` of the time before
    (void)pthread_mutex_lock(&s->lock);
    while (!s->over) {
        double now = dogb_clock();
        double end = s->moved + s->threshold;
        if (now >= end && s->moved != told) {
            told = s->moved;
            (void)pthread_mutex_unlock(&s->lock);
            s->stop(s->userdata);
            (void)pthread_mutex_lock(&s->lock);
            continue;
        }
        struct timespec at = time_at(now >= end ? now + s->threshold : end);
        (void)pthread_cond_timedwait(&s->wake, &s->lock, &at);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void note_move(stalled *s, double now) {
    if (s->running) {
        (void)pthread_mutex_lock(&s->lock);
        s->moved = now;
        (void)pthread_mutex_unlock(&s->lock);
    }
}

static void end_thread(stalled *s) {
    if (s->running) {
        (void)pthread_mutex_lock(&s->lock);
        s->over = 1;
        (void)pthread_cond_signal(&s->wake);
        (void)pthread_mutex_unlock(&s->lock);
        (void)pthread_join(s->thread, NULL);
        s->running = 0;
    }
}

static void join(void *pointer) {
    stalled *s = pointer;
    end_thread(s);
    (void)pthread_cond_destroy(&s->wake);
    (void)pthread_mutex_destroy(&s->lock);
}

static int start(dogb_rule_run *run) {
    stalled *s = run->state;
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&s->wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    (void)pthread_mutex_init(&s->lock, NULL);
    int rc = dogb_defer(dogb_rule_arena(run), join, s);
    if (rc == DOGBREED_OK) {
        rc = dogb_thread_start(&s->thread, watch, s);
    }
    s->running = rc == DOGBREED_OK;
    return rc;
}

static int stalled_begin(dogb_rule_run *run) {
    const dogb_stalled_params *params = run->params;
    const dogb_rules_conf *conf = dogb_rule_conf(run);
    stalled *s = run->state;
    s->threshold = params->threshold;
    s->stop = conf->stop;
    s->userdata = conf->userdata;
    s->last = (dogb_rule_moment){.mode = DOGB_RULE_GLOBAL, .epoch = -1};
    if (conf->live) {
        s->last_time = dogb_clock();
        s->moved = s->last_time;
    }
    return conf->live && params->stop_training_on_fire && s->stop != NULL ? start(run) : 0;
}

static int judge(dogb_rule_run *run, double now) {
    stalled *s = run->state;
    double gap = s->last_time == 0 || now == 0 ? -1 : now - s->last_time;
    int rc = 0;
    if (gap >= 0) {
        dogb_rule_point(run);
    }
    if (gap > s->threshold) {
        rc = dogb_rule_hit(run, &s->last, "nothing came for %.1f seconds after step %lld", gap,
                           (long long)s->last.step);
        rc = rc < 0 ? rc : dogb_rule_evidence(run, "seconds", gap);
        rc = rc < 0 ? rc : dogb_rule_evidence(run, "threshold", s->threshold);
    }
    s->last_time = now == 0 ? s->last_time : now;
    return rc;
}

static int moved(dogb_rule_run *run, double stored_time) {
    double now = dogb_rule_conf(run)->live ? dogb_clock() : stored_time;
    note_move(run->state, now);
    return judge(run, now);
}

static int stalled_step(dogb_rule_run *run, const dogb_rule_moment *m) {
    stalled *s = run->state;
    int rc = moved(run, m->time);
    s->last = *m;
    return rc;
}

static int stalled_epoch(dogb_rule_run *run, const dogb_rule_epoch *e) {
    stalled *s = run->state;
    int rc = moved(run, 0);
    s->last.epoch = e->epoch;
    s->last.step = e->step;
    return rc;
}

static int stalled_alive(dogb_rule_run *run) {
    return moved(run, 0);
}

// No thread stays behind.
static int stalled_end(dogb_rule_run *run) {
    stalled *s = run->state;
    int rc = dogb_rule_conf(run)->live ? judge(run, dogb_clock()) : 0;
    end_thread(s);
    if (run->points == 0) {
        (void)dogb_rule_skip(run, DOGB_SKIP_TOO_FEW);
    }
    return rc;
}

const dogb_rule_calls dogb_stalled_calls = {.state_size = sizeof(stalled),
                                            .begin = stalled_begin,
                                            .step = stalled_step,
                                            .epoch = stalled_epoch,
                                            .alive = stalled_alive,
                                            .end = stalled_end};
