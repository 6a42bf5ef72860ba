// arena.h - the only place that allocates. A handle owns an arena; a function with temporaries
// opens one on its stack
// ({0}), and dogb_arena_free at its end runs the registered destructors and frees everything.
// An arena belongs to one thread at a time.
#ifndef DOGB_CORE_ARENA_H
#define DOGB_CORE_ARENA_H

#include <stddef.h>

struct dogb_block;

typedef struct dogb_arena {
    struct dogb_block *blocks; // newest first
} dogb_arena;

// Zeroed memory for count elements of size bytes, 64-byte aligned. NULL: the product overflows or
// there is no memory; the error is set (NO_MEMORY).
void *dogb_alloc(dogb_arena *arena, size_t count, size_t size);

// The same without zeroing, for big buffers that are written whole.
void *dogb_alloc_raw(dogb_arena *arena, size_t count, size_t size);

// Grows (or shrinks) a block of this arena; the new part is not zeroed. pointer NULL:
// dogb_alloc_raw.
void *dogb_realloc(dogb_arena *arena, void *pointer, size_t count, size_t size);

// Frees one block early. NULL is fine.
void dogb_release(dogb_arena *arena, void *pointer);

// Registers fn(pointer), run in reverse order by dogb_arena_free. When it cannot be registered, fn
// runs at once and NO_MEMORY is returned, so the resource is never lost.
int dogb_defer(dogb_arena *arena, void (*fn)(void *), void *pointer);

// The pointer of the newest dogb_defer with this fn; NULL when there is none. For state that
// lives in a caller's arena from call to call.
void *dogb_arena_find(const dogb_arena *arena, void (*fn)(void *));

// Bytes of all its blocks.
size_t dogb_arena_bytes(const dogb_arena *arena);

void dogb_arena_free(dogb_arena *arena);

char *dogb_strdup(dogb_arena *arena, const char *text);
char *dogb_strndup(dogb_arena *arena, const char *text, size_t length);
char *dogb_format(dogb_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Grows an array so that index `count` exists; *items may move. Capacity doubles.
int dogb_grow(dogb_arena *arena, void *items_pointer, size_t *capacity, size_t count,
              size_t item_size);

// Memory outside arenas: what is handed to the caller (dogbreed_free), and handles themselves.
void *dogb_malloc(size_t count, size_t size);    // zeroed
int dogb_text_out(char **out, const char *text); // a copy for the caller: dogbreed_free
void dogb_free(void *pointer);

// Tests: fn is asked before each allocation; non-zero lets it fail. NULL: off. Not thread-safe to
// set.
void dogb_alloc_test(int (*fn)(size_t size, void *userdata), void *userdata);

#endif
