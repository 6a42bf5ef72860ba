// arena.c - allocation, destructors, growing arrays.
#include "core/arena.h"
#include "core/error.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

// In front of every allocation; one cache line, so that the payload is aligned too.
struct dogb_block {
    struct dogb_block *older;
    struct dogb_block *newer;
    void (*destroy)(void *); // a deferred call instead of memory
    void *pointer;
    size_t size;
    char pad[ALIGNMENT - 5 * sizeof(void *)];
};
_Static_assert(sizeof(struct dogb_block) == ALIGNMENT, "payload must stay aligned");

static int (*test_hook)(size_t, void *);
static void *test_userdata;

void dogb_alloc_test(int (*fn)(size_t, void *), void *userdata) {
    test_hook = fn;
    test_userdata = userdata;
}

static void *out_of_memory(size_t count, size_t size) {
    (void)dogb_fail(DOGBREED_ERROR_NO_MEMORY, "out of memory: %zu elements of %zu bytes", count,
                    size);
    return NULL;
}

static void *get(size_t bytes, int zero) {
    if (test_hook != NULL && test_hook(bytes, test_userdata) != 0) {
        return NULL;
    }
    void *pointer = NULL;
    if (posix_memalign(&pointer, ALIGNMENT, bytes) != 0) {
        return NULL;
    }
    if (zero) {
        memset(pointer, 0, bytes);
    }
    return pointer;
}

static int product(size_t count, size_t size, size_t extra, size_t *out) {
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes) ||
        __builtin_add_overflow(bytes, extra, &bytes) || bytes > SIZE_MAX / 2) {
        return -1;
    }
    *out = bytes;
    return 0;
}

static void link_block(dogb_arena *arena, struct dogb_block *block) {
    block->older = arena->blocks;
    block->newer = NULL;
    if (arena->blocks != NULL) {
        arena->blocks->newer = block;
    }
    arena->blocks = block;
}

static void unlink_block(dogb_arena *arena, struct dogb_block *block) {
    if (block->newer != NULL) {
        block->newer->older = block->older;
    } else {
        arena->blocks = block->older;
    }
    if (block->older != NULL) {
        block->older->newer = block->newer;
    }
}

static struct dogb_block *block_of(void *pointer) {
    return (struct dogb_block *)((char *)pointer - sizeof(struct dogb_block));
}

static void *alloc(dogb_arena *arena, size_t count, size_t size, int zero) {
    size_t bytes = 0;
    if (product(count, size, sizeof(struct dogb_block), &bytes) < 0) {
        return out_of_memory(count, size);
    }
    struct dogb_block *block = get(bytes, zero);
    if (block == NULL) {
        return out_of_memory(count, size);
    }
    memset(block, 0, sizeof *block);
    block->size = bytes - sizeof *block;
    link_block(arena, block);
    return block + 1;
}

void *dogb_alloc(dogb_arena *arena, size_t count, size_t size) {
    return alloc(arena, count, size, 1);
}

void *dogb_alloc_raw(dogb_arena *arena, size_t count, size_t size) {
    return alloc(arena, count, size, 0);
}

void *dogb_realloc(dogb_arena *arena, void *pointer, size_t count, size_t size) {
    void *fresh = alloc(arena, count, size, 0);
    if (fresh == NULL || pointer == NULL) {
        return fresh;
    }
    size_t old = block_of(pointer)->size;
    size_t now = block_of(fresh)->size;
    memcpy(fresh, pointer, old < now ? old : now);
    dogb_release(arena, pointer);
    return fresh;
}

void dogb_release(dogb_arena *arena, void *pointer) {
    if (pointer == NULL) {
        return;
    }
    struct dogb_block *block = block_of(pointer);
    unlink_block(arena, block);
    free(block);
}

int dogb_defer(dogb_arena *arena, void (*fn)(void *), void *pointer) {
    void *payload = alloc(arena, 0, 1, 0);
    if (payload == NULL) {
        fn(pointer);
        return DOGBREED_ERROR_NO_MEMORY;
    }
    block_of(payload)->destroy = fn;
    block_of(payload)->pointer = pointer;
    return DOGBREED_OK;
}

void *dogb_arena_find(const dogb_arena *arena, void (*fn)(void *)) {
    for (const struct dogb_block *block = arena->blocks; block != NULL; block = block->older) {
        if (block->destroy == fn) {
            return block->pointer;
        }
    }
    return NULL;
}

size_t dogb_arena_bytes(const dogb_arena *arena) {
    size_t bytes = 0;
    for (const struct dogb_block *block = arena->blocks; block != NULL; block = block->older) {
        bytes += sizeof *block + block->size;
    }
    return bytes;
}

void dogb_arena_free(dogb_arena *arena) {
    // Destructors first and newest first: they may still use memory of this arena.
    for (struct dogb_block *block = arena->blocks; block != NULL; block = block->older) {
        if (block->destroy != NULL) {
            block->destroy(block->pointer);
        }
    }
    while (arena->blocks != NULL) {
        struct dogb_block *block = arena->blocks;
        arena->blocks = block->older;
        free(block);
    }
}

char *dogb_strndup(dogb_arena *arena, const char *text, size_t length) {
    char *copy = dogb_alloc_raw(arena, length + 1, 1);
    if (copy != NULL) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

char *dogb_strdup(dogb_arena *arena, const char *text) {
    return dogb_strndup(arena, text, strlen(text));
}

char *dogb_format(dogb_arena *arena, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = length < 0 ? NULL : dogb_alloc_raw(arena, (size_t)length + 1, 1);
    if (text != NULL) {
        va_start(args, format);
        (void)vsnprintf(text, (size_t)length + 1, format, args);
        va_end(args);
    }
    return text;
}

int dogb_grow(dogb_arena *arena, void *items_pointer, size_t *capacity, size_t count,
              size_t item_size) {
    if (count < *capacity) {
        return DOGBREED_OK;
    }
    size_t wanted = *capacity < 8 ? 8 : *capacity;
    while (wanted <= count) {
        if (wanted > SIZE_MAX / 4) {
            return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "out of memory: array of %zu elements",
                             count);
        }
        wanted *= 2;
    }
    void *items = NULL;
    memcpy(&items, items_pointer, sizeof items);
    items = dogb_realloc(arena, items, wanted, item_size);
    if (items == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    memcpy(items_pointer, &items, sizeof items);
    *capacity = wanted;
    return DOGBREED_OK;
}

void *dogb_malloc(size_t count, size_t size) {
    size_t bytes = 0;
    void *pointer = product(count, size, 1, &bytes) < 0 ? NULL : get(bytes, 1);
    return pointer == NULL ? out_of_memory(count, size) : pointer;
}

int dogb_text_out(char **out, const char *text) {
    size_t size = strlen(text) + 1;
    *out = dogb_malloc(size, 1);
    if (*out == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    memcpy(*out, text, size);
    return DOGBREED_OK;
}

void dogb_free(void *pointer) {
    free(pointer);
}

void dogbreed_free(void *pointer) {
    free(pointer);
}
