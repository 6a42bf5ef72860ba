// memory.h - a store in memory: the newest steps of a training that runs, for readers in the same
// process. A writer puts whole steps into it, as it would files; the oldest go when it is full. Any
// thread.
#ifndef DOGB_RECORD_MEMORY_H
#define DOGB_RECORD_MEMORY_H

#include "core/arena.h"
#include "core/ref.h"

#include <dogbreed/record.h>

typedef struct dogb_memory dogb_memory;

// A step as it would stand in files. It does not change; who looks at it holds a reference.
typedef struct dogb_memory_step {
    dogb_ref references;
    int32_t reserved;
    struct dogb_memory_step *next;
    int64_t step;
    char *index; // of `index_size` bytes
    size_t index_size;
    char *events;
    size_t event_size;
} dogb_memory_step;

// bytes_max: of all steps; the newest one stays in any case.
int dogb_memory_create(dogb_memory **out, int64_t bytes_max);
void dogb_memory_retain(dogb_memory *memory);
void dogb_memory_release(dogb_memory *memory); // NULL is fine

int dogb_memory_put(dogb_memory *memory, int64_t step, const char *index, const void *events,
                    size_t event_size);
int dogb_memory_collections(dogb_memory *memory, const char *text); // copied
void dogb_memory_finish(dogb_memory *memory);

// What is there now: collections in the arena (NULL: none yet), steps in order, each with a
// reference for the caller.
typedef struct dogb_memory_view {
    char *collections;
    dogb_memory_step **steps;
    size_t count;
    int32_t finished;
    int32_t reserved;
} dogb_memory_view;
int dogb_memory_look(dogb_memory_view *out, dogb_arena *arena, dogb_memory *memory);

void dogb_memory_step_retain(dogb_memory_step *step);
void dogb_memory_step_release(dogb_memory_step *step); // NULL is fine

// A store over it, which takes a reference. NOT_FOUND: no training has begun to write.
int dogb_record_open_memory(dogbreed_record **out, dogb_memory *memory);

#endif
