// out_of_memory.h - lets one allocation fail: of the library's own and of jansson's. (The library
// never sets jansson's functions; a test program may.)
#ifndef DOGB_TEST_OUT_OF_MEMORY_H
#define DOGB_TEST_OUT_OF_MEMORY_H

#include "test.h"

#include "core/arena.h"

#include <jansson.h>
#include <stdatomic.h>

static atomic_int memory_left; // allocations until the one that fails

static inline int memory_fails(size_t size, void *userdata) {
    (void)size;
    (void)userdata;
    return atomic_fetch_sub(&memory_left, 1) == 0;
}

static inline void *memory_json(size_t size) {
    return memory_fails(size, NULL) ? NULL : malloc(size);
}

// From now on one allocation fails, after `count` others.
static inline void memory_fail_after(int count) {
    atomic_store(&memory_left, count);
    json_set_alloc_funcs(memory_json, free);
    dogb_alloc_test(memory_fails, NULL);
}

// All succeed again. Returns 1 when one has failed.
static inline int memory_restore(void) {
    dogb_alloc_test(NULL, NULL);
    json_set_alloc_funcs(malloc, free);
    return atomic_load(&memory_left) < 0;
}

// Calls until no allocation fails any more, after 0, `step`, 2 * `step` ... others: NO_MEMORY each
// time, then 0. Returns how often it failed.
static inline int memory_fails_each(int (*call)(void *), void *userdata, int step) {
    int failures = 0;
    for (int at = 0;; at += step) {
        memory_fail_after(at);
        int rc = call(userdata);
        if (!memory_restore()) {
            assert_int_equal(rc, 0);
            return failures;
        }
        assert_int_equal(rc, DOGBREED_ERROR_NO_MEMORY);
        failures++;
    }
}

#endif
