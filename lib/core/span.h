// span.h - who does what for how long: begins and ends of named phases on monotonic nanoseconds,
// kept in a ring of each thread, without locks, until somebody takes them. A thread that nobody
// listens to pays a thread-local load and a branch.
//
// A recorder listens to the threads that it is attached to and to those that they start
// (dogb_thread_start, dogb_parallel).
#ifndef DOGB_CORE_SPAN_H
#define DOGB_CORE_SPAN_H

#include "core/span_kind.h"

#include <stddef.h>
#include <stdint.h>

const char *dogb_span_name(int32_t kind);  // "layer_forward"
const char *dogb_span_group(int32_t kind); // "loop", "data", "engine", "layer"
int32_t dogb_span_kind(const char *name);  // -1: there is none

typedef struct dogb_recorder dogb_recorder;
extern _Thread_local dogb_recorder *dogb_span_listener; // of this thread; NULL: nobody

uint64_t dogb_span_now(void); // monotonic nanoseconds, never 0
uint64_t dogb_span_push_begin(int32_t kind);
void dogb_span_push_end(int32_t kind, uint64_t begin, int64_t value);

// Begin of a phase on this thread; 0: nobody listens, or there is no room left. Phases are nested.
static inline uint64_t dogb_span_begin(int32_t kind) {
    return dogb_span_listener == NULL ? 0 : dogb_span_push_begin(kind);
}

// Its end; value: images, bytes, number of the step, or whatever a kind counts.
static inline void dogb_span_end(int32_t kind, uint64_t begin, int64_t value) {
    if (begin != 0) {
        dogb_span_push_end(kind, begin, value);
    }
}

// Layers are recorded only on request: 1 when somebody wants them now.
int dogb_span_layers(void);
// End of a layer: its name and kind of node are kept once, its value is their number.
void dogb_span_layer_end(int32_t kind, uint64_t begin, const char *name, const char *op);
// A whole layer that is over: another thread has looked at dogb_span_now's clock.
void dogb_span_layer(int32_t kind, uint64_t begin, uint64_t end, const char *name, const char *op);

// --- for who listens

typedef struct dogb_span_event {
    uint64_t time;
    uint64_t begin; // of an end: when that phase began; of a begin: 0
    int64_t value;  // of an end
    int32_t kind;
    int32_t thread; // 0: the first that recorded; a number is used again when its thread has ended
} dogb_span_event;

typedef struct dogb_recorder_facts {
    int64_t dropped; // phases for which a ring had no room
    int32_t threads; // rings so far
    int32_t labels;
} dogb_recorder_facts;

// capacity: events that a ring holds, a power of two.
int dogb_recorder_create(dogb_recorder **out, size_t capacity);
void dogb_recorder_retain(dogb_recorder *recorder);
void dogb_recorder_release(dogb_recorder *recorder); // NULL is fine
// This thread is listened to by `recorder` from now on; NULL: by nobody. The caller keeps its own
// reference.
void dogb_recorder_attach(dogb_recorder *recorder);
void dogb_recorder_close(dogb_recorder *recorder); // any thread: nothing more begins
// Until a ring is half full, somebody wakes, or so many milliseconds have passed. One thread.
void dogb_recorder_wait(dogb_recorder *recorder, int milliseconds);
void dogb_recorder_wake(dogb_recorder *recorder);
void dogb_recorder_set_layers(dogb_recorder *recorder, int on);
void dogb_recorder_facts_get(dogb_recorder_facts *out, dogb_recorder *recorder);
// Takes events with a time up to `until` out of the rings, at most `count`: thread by thread, in
// order. One thread at a time.
size_t dogb_recorder_take(dogb_recorder *recorder, dogb_span_event *out, size_t count,
                          uint64_t until);
// Name and op of a layer's number; they live as long as the recorder. 0: there is no such number.
int dogb_recorder_label(dogb_recorder *recorder, int64_t number, const char **name,
                        const char **op);

#endif
