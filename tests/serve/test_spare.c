// Blocks that are used again: never more than their number, each with one holder, from many
// threads; any allocation may fail.
#include "out_of_memory.h"

#include "serve/spare.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

enum { THREADS = 6, TURNS = 20000 };

static void as_many_as_there_are(void **state) {
    dogb_spare spare = {.blocks = NULL}; // clang 14 takes no 0 for an atomic pointer
    void *blocks[DOGB_SPARE_COUNT];
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        for (int i = 0; i < DOGB_SPARE_COUNT; i++) {
            blocks[i] = dogb_spare_take(&spare);
            assert_non_null(blocks[i]);
            memset(blocks[i], i, DOGB_SPARE_SIZE);
        }
        assert_null(dogb_spare_take(&spare));
        for (int i = 0; i < DOGB_SPARE_COUNT; i++) {
            assert_int_equal(((char *)blocks[i])[DOGB_SPARE_SIZE - 1], i);
            dogb_spare_give(&spare, blocks[i]);
        }
        dogb_spare_give(&spare, NULL);
    }
    dogb_spare_free(&spare);
}

static void a_failure_costs_no_place(void **state) {
    dogb_spare spare = {.blocks = NULL};
    (void)state;
    for (int i = 0; i < 2 * DOGB_SPARE_COUNT; i++) {
        memory_fail_after(0);
        assert_null(dogb_spare_take(&spare));
        assert_true(memory_restore());
    }
    void *block = dogb_spare_take(&spare);
    assert_non_null(block);
    dogb_spare_give(&spare, block);
    dogb_spare_free(&spare);
}

typedef struct user {
    dogb_spare *spare;
    int wrong;
    char name;
} user;

static void *use(void *userdata) {
    user *u = userdata;
    for (int i = 0; i < TURNS; i++) {
        char *block = dogb_spare_take(u->spare);
        if (block != NULL) {
            *block = u->name;
            (void)sched_yield();
            u->wrong += *block != u->name;
            dogb_spare_give(u->spare, block);
        }
    }
    return NULL;
}

static void each_has_one_holder(void **state) {
    dogb_spare spare = {.blocks = NULL};
    pthread_t threads[THREADS];
    user users[THREADS];
    (void)state;
    for (int i = 0; i < THREADS; i++) {
        users[i] = (user){&spare, 0, (char)('a' + i)};
        assert_int_equal(pthread_create(&threads[i], NULL, use, &users[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(users[i].wrong, 0);
    }
    dogb_spare_free(&spare);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_as_there_are),
        cmocka_unit_test(a_failure_costs_no_place),
        cmocka_unit_test(each_has_one_holder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
