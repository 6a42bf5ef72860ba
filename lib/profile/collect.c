// collect.c - the thread beside a recorded run: at each interval, and when a ring is half full, it
// takes the phases out of the rings, accounts them and writes them down; at each interval it
// samples the system. Nothing here can fail the training: what goes wrong is warned about.
#include "core/clock.h"
#include "core/error.h"
#include "core/file.h"
#include "core/thread.h"
#include "profile/profile_internal.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { RING = 32768, BUFFER = 65536 }; // events
enum { THREADS_NAMED = 1024 };

struct dogb_collector {
    dogb_arena arena;
    pthread_mutex_t lock; // guards data, trace, probe and what they use
    dogb_profile_data data;
    dogb_recorder *recorder;
    dogb_trace *trace; // NULL: no files
    dogb_sampling sampling;
    dogb_span_event *events;
    dogb_span_event *scratch;
    size_t capacity; // of both
    char **quoted;   // labels as JSON, by label
    size_t quoted_count;
    size_t quoted_capacity;
    uint8_t named[THREADS_NAMED]; // threads whose names stand in the trace
    int32_t started;
    pthread_t thread;
    _Atomic int32_t stop;
    _Atomic int32_t interval; // ms
    uint64_t zero;            // of the files' times
    uint64_t run;             // begin of the run's span; the run's thread's
};

// --- phases

// All events up to a time, whatever the rings hold.
static size_t gather(dogb_collector *c, uint64_t until) {
    size_t count = 0;
    for (;;) {
        size_t room = c->capacity - count;
        size_t taken = dogb_recorder_take(c->recorder, c->events + count, room, until);
        count += taken;
        if (taken < room) {
            return count;
        }
        dogb_span_event *more =
            dogb_realloc(&c->arena, c->events, 2 * c->capacity, sizeof *c->events);
        c->events = more == NULL ? c->events : more;
        dogb_span_event *other =
            dogb_realloc(&c->arena, c->scratch, 2 * c->capacity, sizeof *c->scratch);
        c->scratch = other == NULL ? c->scratch : other;
        if (more == NULL || other == NULL) {
            return count;
        }
        c->capacity *= 2;
    }
}

// Labels that the recorder has and we do not: their numbers stay the same.
static void take_labels(dogb_collector *c) {
    const char *name = NULL;
    const char *op = NULL;
    while (dogb_recorder_label(c->recorder, (int64_t)c->data.label_count, &name, &op)) {
        json_t *texts[2] = {json_string(name), json_string(op)};
        for (int i = 0; i < 2; i++) {
            if (texts[i] != NULL && dogb_grow(&c->arena, &c->quoted, &c->quoted_capacity,
                                              c->quoted_count, sizeof *c->quoted) == 0) {
                c->quoted[c->quoted_count++] = dogb_json_text_ascii(&c->arena, texts[i]);
            }
            json_decref(texts[i]);
        }
        if (dogb_profile_label_add(&c->data, name, op) < 0) {
            return;
        }
    }
}

static void name_thread(dogb_collector *c, const dogb_span_event *event) {
    char name[32];
    if (event->thread >= THREADS_NAMED || c->named[event->thread]) {
        return;
    }
    c->named[event->thread] = 1;
    if (event->thread == 0) {
        (void)snprintf(name, sizeof name, "run");
    } else {
        int loads = strcmp(dogb_span_group(event->kind), "data") == 0;
        (void)snprintf(name, sizeof name, "%s %d", loads ? "loader" : "worker", (int)event->thread);
    }
    dogb_trace_thread(c->trace, event->thread, name);
}

static void write_event(dogb_collector *c, const dogb_span_event *event) {
    const char *label = NULL;
    const char *op = NULL;
    if (event->kind == DOGB_SPAN_LAYER_FORWARD || event->kind == DOGB_SPAN_LAYER_BACKWARD) {
        size_t at = (size_t)event->value * 2;
        if (event->value < 0 || at + 1 >= c->quoted_count || c->quoted[at] == NULL ||
            c->quoted[at + 1] == NULL) {
            return;
        }
        label = c->quoted[at];
        op = c->quoted[at + 1];
    }
    name_thread(c, event);
    c->data.unwritten += !dogb_trace_span(c->trace, event, label, op);
}

static void drain(dogb_collector *c, uint64_t until) {
    dogb_recorder_facts facts;
    size_t count = gather(c, until);
    take_labels(c);
    dogb_account_sort(c->events, c->scratch, count);
    for (size_t i = 0; i < count; i++) {
        const dogb_span_event *event = &c->events[i];
        dogb_account_event(&c->data.account, event, c->data.gpus);
        if (c->trace != NULL && event->begin != 0) {
            write_event(c, event);
        }
    }
    dogb_account_advance(&c->data.account, until);
    dogb_recorder_facts_get(&facts, c->recorder);
    c->data.dropped = facts.dropped;
}

// --- the thread

static uint64_t interval_ns(dogb_collector *c) {
    return (uint64_t)atomic_load(&c->interval) * 1000000u;
}

static int64_t computed(void) {
    struct timespec used;
    return clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used) == 0
               ? (int64_t)used.tv_sec * 1000000000 + used.tv_nsec
               : 0;
}

static void *work(void *pointer) {
    dogb_collector *c = pointer;
    uint64_t last = c->zero;
    while (!atomic_load(&c->stop)) {
        uint64_t deadline = last + interval_ns(c);
        uint64_t now = dogb_span_now();
        dogb_recorder_wait(c->recorder,
                           deadline > now ? (int)((deadline - now + 999999) / 1000000) : 0);
        now = dogb_span_now();
        (void)pthread_mutex_lock(&c->lock);
        drain(c, now);
        if (now >= last + interval_ns(c)) {
            uint64_t late = (now - last) / interval_ns(c) - 1;
            c->data.missed += (int64_t)late;
            dogb_sampling_take(&c->sampling, now);
            last += (late + 1) * interval_ns(c);
        }
        c->data.collector_ns = computed();
        if (c->trace != NULL) {
            dogb_trace_flush(c->trace);
        }
        (void)pthread_mutex_unlock(&c->lock);
    }
    return NULL;
}

// --- its life

static void set_machine(dogb_collector *c) {
    dogb_doc doc = {DOGBREED_OK};
    json_t *machine = json_object_get(c->data.facts, "machine");
    json_t *gpus = dogb_doc_array(&doc, machine, "gpus");
    c->data.cores = dogb_probe_cores(c->sampling.probe);
    c->data.allowed = dogb_core_count();
    c->data.gpus = dogb_probe_gpus(c->sampling.probe);
    dogb_doc_real(&doc, machine, "wall_zero", c->data.wall_zero);
    dogb_doc_int(&doc, machine, "cores", c->data.cores);
    dogb_doc_int(&doc, machine, "allowed", c->data.allowed);
    dogb_doc_int(&doc, machine, "gpu_count", c->data.gpus);
    for (int32_t i = 0; i < c->data.gpus; i++) {
        dogb_doc_text(&doc, gpus, NULL, dogb_probe_gpu_name(c->sampling.probe, i));
    }
}

static int open_files(dogb_collector *c, const dogb_collector_conf *conf) {
    dogb_trace_conf files = {.header = c->data.facts,
                             .bytes_max = conf->trace_bytes,
                             .zero = c->zero,
                             .wall_zero = (int64_t)llround(c->data.wall_zero * 1e6),
                             .parity = conf->parity};
    if (conf->directory == NULL) {
        return DOGBREED_OK;
    }
    int rc = dogb_directory_make(conf->directory);
    if (rc < 0) {
        return rc;
    }
    files.trace = dogb_path_join(&c->arena, conf->directory, "trace.json");
    files.system = dogb_path_join(&c->arena, conf->directory, "system.jsonl");
    return files.trace == NULL || files.system == NULL
               ? DOGBREED_ERROR_NO_MEMORY
               : dogb_trace_open(&c->trace, &c->arena, &files);
}

static int prepare(dogb_collector *c, const dogb_collector_conf *conf) {
    int rc = dogb_probe_open(&c->sampling.probe, &c->arena, "", conf->gpu);
    if (rc < 0 || (rc = dogb_recorder_create(&c->recorder, RING)) < 0) {
        return rc;
    }
    c->events = dogb_alloc_raw(&c->arena, BUFFER, sizeof *c->events);
    c->scratch = dogb_alloc_raw(&c->arena, BUFFER, sizeof *c->scratch);
    c->data.facts = dogb_json_object(&c->data.arena);
    if (c->events == NULL || c->scratch == NULL || c->data.facts == NULL ||
        json_object_update(c->data.facts, conf->facts) != 0) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    c->capacity = BUFFER;
    c->interval = conf->interval;
    dogb_recorder_set_layers(c->recorder, conf->layers);
    return DOGBREED_OK;
}

int dogb_collector_start(dogb_collector **out, const dogb_collector_conf *conf) {
    *out = NULL;
    dogb_collector *c = dogb_malloc(1, sizeof *c);
    if (c == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (pthread_mutex_init(&c->lock, NULL) != 0) {
        dogb_free(c);
        return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "a lock cannot be made");
    }
    int rc = prepare(c, conf);
    if (rc == DOGBREED_OK) {
        c->data.wall_zero = round(dogb_clock_wall() * 1e6) / 1e6;
        c->zero = dogb_span_now();
        set_machine(c);
        rc = open_files(c, conf);
        c->sampling.data = &c->data;
        c->sampling.trace = c->trace;
        c->sampling.zero = c->zero;
        c->sampling.last = c->zero;
    }
    if (rc == DOGBREED_OK && (rc = dogb_thread_start(&c->thread, work, c)) == DOGBREED_OK) {
        c->started = 1;
        dogb_recorder_attach(c->recorder);
        c->run = dogb_span_begin(DOGB_SPAN_RUN); // the first that begins: this thread is number 0
    }
    if (rc < 0) {
        dogb_collector_destroy(c);
        return rc;
    }
    *out = c;
    return DOGBREED_OK;
}

static void finish_files(dogb_collector *c) {
    dogb_arena scratch = {0};
    dogb_doc doc = {DOGBREED_OK};
    json_t *args = dogb_json_object(&scratch);
    dogb_doc_int(&doc, args, "dropped", c->data.dropped);
    dogb_doc_int(&doc, args, "unwritten", c->data.unwritten);
    dogb_doc_int(&doc, args, "missed", c->data.missed);
    dogb_doc_int(&doc, args, "collector_ns", c->data.collector_ns);
    if (c->trace != NULL) {
        if (doc.rc == DOGBREED_OK) {
            dogb_trace_instant(c->trace, c->data.account.last, "profile_end", args);
        }
        dogb_trace_finish(c->trace);
    }
    c->trace = NULL;
    dogb_arena_free(&scratch);
}

void dogb_collector_stop(dogb_collector *c) {
    if (!c->started) {
        return;
    }
    dogb_span_end(DOGB_SPAN_RUN, c->run, 0);
    dogb_recorder_close(c->recorder);
    dogb_recorder_attach(NULL);
    atomic_store(&c->stop, 1);
    dogb_recorder_wake(c->recorder);
    (void)pthread_join(c->thread, NULL);
    c->started = 0;
    (void)pthread_mutex_lock(&c->lock);
    drain(c, dogb_span_now());
    c->data.finished = c->data.account.ended;
    finish_files(c);
    (void)pthread_mutex_unlock(&c->lock);
}

static int take_activity(const dogb_activity *one, void *userdata) {
    dogb_collector *c = userdata;
    if (c->trace != NULL) {
        c->data.unwritten += !dogb_trace_activity(c->trace, one);
    }
    return dogb_activities_add(&c->data.activities, &c->data.arena, one);
}

int dogb_collector_activities(dogb_collector *c, const dogb_engine *engine, int64_t steps) {
    dogb_arena scratch = {0};
    dogb_doc doc = {DOGBREED_OK};
    (void)pthread_mutex_lock(&c->lock);
    int rc = dogb_engine_result(engine, engine->activities_end(take_activity, c), "operators");
    json_t *args = rc < 0 ? NULL : dogb_json_object(&scratch);
    c->data.activities.steps = steps;
    if (args != NULL && c->trace != NULL) {
        dogb_doc_int(&doc, args, "steps", steps);
        dogb_trace_instant(c->trace, dogb_span_now(), "activities", args);
    }
    (void)pthread_mutex_unlock(&c->lock);
    dogb_arena_free(&scratch);
    return rc < 0 ? rc : doc.rc;
}

int dogb_collector_runs(const dogb_collector *c) {
    return c->started;
}

void dogb_collector_configure(dogb_collector *c, int32_t interval, int32_t layers) {
    atomic_store(&c->interval, interval);
    dogb_recorder_set_layers(c->recorder, layers);
    dogb_recorder_wake(c->recorder);
}

const dogb_profile_data *dogb_collector_lock(dogb_collector *c) {
    (void)pthread_mutex_lock(&c->lock);
    return &c->data;
}

void dogb_collector_unlock(dogb_collector *c) {
    (void)pthread_mutex_unlock(&c->lock);
}

void dogb_collector_destroy(dogb_collector *c) {
    if (c == NULL) {
        return;
    }
    dogb_collector_stop(c);
    dogb_recorder_release(c->recorder);
    (void)pthread_mutex_destroy(&c->lock);
    dogb_profile_data_free(&c->data);
    dogb_arena_free(&c->arena);
    dogb_free(c);
}
