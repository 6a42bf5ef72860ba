// memory.c - see memory.h. A list of steps under a lock, which is held for a few pointers.
#include "record/memory.h"

#include "core/error.h"

#include <pthread.h>
#include <string.h>

struct dogb_memory {
    dogb_ref references;
    int32_t finished;
    size_t bytes_max;
    pthread_mutex_t lock; // guards all but the first and the limit
    char *collections;
    dogb_memory_step *first; // the oldest
    dogb_memory_step **last;
    size_t count;
    size_t bytes;
};

int dogb_memory_create(dogb_memory **out, int64_t bytes_max) {
    *out = dogb_malloc(1, sizeof **out);
    if (*out == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    (*out)->references = 1;
    (*out)->bytes_max = (size_t)bytes_max;
    (*out)->last = &(*out)->first;
    (void)pthread_mutex_init(&(*out)->lock, NULL);
    return DOGBREED_OK;
}

void dogb_memory_retain(dogb_memory *memory) {
    dogb_ref_take(&memory->references);
}

void dogb_memory_step_retain(dogb_memory_step *step) {
    dogb_ref_take(&step->references);
}

void dogb_memory_step_release(dogb_memory_step *step) {
    if (step != NULL && dogb_ref_drop(&step->references)) {
        dogb_free(step->index);
        dogb_free(step->events);
        dogb_free(step);
    }
}

static size_t bytes_of(const dogb_memory_step *step) {
    return sizeof *step + step->index_size + step->event_size;
}

static dogb_memory_step *take_first(dogb_memory *memory) {
    dogb_memory_step *step = memory->first;
    memory->first = step->next;
    memory->last = memory->first == NULL ? &memory->first : memory->last;
    memory->count--;
    memory->bytes -= bytes_of(step);
    return step;
}

void dogb_memory_release(dogb_memory *memory) {
    if (memory != NULL && dogb_ref_drop(&memory->references)) {
        while (memory->first != NULL) {
            dogb_memory_step_release(take_first(memory));
        }
        (void)pthread_mutex_destroy(&memory->lock);
        dogb_free(memory->collections);
        dogb_free(memory);
    }
}

static char *copy(const void *bytes, size_t size) {
    char *out = dogb_malloc(size + 1, 1);
    if (out != NULL && size > 0) {
        memcpy(out, bytes, size);
    }
    return out;
}

int dogb_memory_put(dogb_memory *memory, int64_t step, const char *index, const void *events,
                    size_t event_size) {
    dogb_memory_step *added = dogb_malloc(1, sizeof *added);
    if (added == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    added->references = 1;
    added->step = step;
    added->index_size = strlen(index);
    added->index = copy(index, added->index_size);
    added->event_size = event_size;
    added->events = copy(events, event_size);
    if (added->index == NULL || added->events == NULL) {
        dogb_memory_step_release(added);
        return DOGBREED_ERROR_NO_MEMORY;
    }
    (void)pthread_mutex_lock(&memory->lock);
    while (memory->first != NULL && memory->bytes + bytes_of(added) > memory->bytes_max) {
        dogb_memory_step_release(take_first(memory));
    }
    *memory->last = added;
    memory->last = &added->next;
    memory->count++;
    memory->bytes += bytes_of(added);
    (void)pthread_mutex_unlock(&memory->lock);
    return DOGBREED_OK;
}

int dogb_memory_collections(dogb_memory *memory, const char *text) {
    char *added = copy(text, strlen(text));
    if (added == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    (void)pthread_mutex_lock(&memory->lock);
    dogb_free(memory->collections);
    memory->collections = added;
    (void)pthread_mutex_unlock(&memory->lock);
    return DOGBREED_OK;
}

void dogb_memory_finish(dogb_memory *memory) {
    (void)pthread_mutex_lock(&memory->lock);
    memory->finished = 1;
    (void)pthread_mutex_unlock(&memory->lock);
}

int dogb_memory_look(dogb_memory_view *out, dogb_arena *arena, dogb_memory *memory) {
    *out = (dogb_memory_view){0};
    int rc = DOGBREED_OK;
    (void)pthread_mutex_lock(&memory->lock);
    out->finished = memory->finished;
    if (memory->collections != NULL) {
        out->collections = dogb_strdup(arena, memory->collections);
        out->steps = dogb_alloc(arena, memory->count + 1, sizeof(dogb_memory_step *));
        rc = out->collections == NULL || out->steps == NULL ? DOGBREED_ERROR_NO_MEMORY : rc;
    }
    for (dogb_memory_step *s = memory->first; rc == DOGBREED_OK && out->steps != NULL && s != NULL;
         s = s->next) {
        dogb_memory_step_retain(s);
        out->steps[out->count++] = s;
    }
    (void)pthread_mutex_unlock(&memory->lock);
    return rc;
}
