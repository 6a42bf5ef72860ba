// test_thread.c - the parallel loop: every index once, the first error by index, its message.
#include "test.h"

#include "core/error.h"
#include "core/thread.h"

#include <signal.h>
#include <stdatomic.h>
#include <time.h>

enum { COUNT = 1000 };

typedef struct visits {
    _Atomic int seen[COUNT];
    int64_t fails[3]; // indices that fail; -1: none
    _Atomic int highest;
} visits;

static void rest(int milliseconds) {
    const struct timespec nap = {.tv_nsec = milliseconds * 1000000L};
    (void)nanosleep(&nap, NULL);
}

static int visit(int64_t index, void *userdata) {
    visits *v = userdata;
    atomic_fetch_add(&v->seen[index], 1);
    int highest = atomic_load(&v->highest);
    while (index > highest && !atomic_compare_exchange_weak(&v->highest, &highest, (int)index)) {
    }
    for (int i = 0; i < 3; i++) {
        if (v->fails[i] == index) {
            rest((3 - i) * 3); // the later one is faster, so that it is seen first
            return dogb_fail(DOGBREED_ERROR_FORMAT, "index %lld", (long long)index);
        }
    }
    if (v->fails[0] >= 0 && index > v->fails[0]) {
        rest(1); // so that the others cannot run through all before the failure is known
    }
    return DOGBREED_OK;
}

static void test_every_index_once(void **state) {
    (void)state;
    static visits v;
    const int32_t threads[] = {1, 2, 7, 300};
    for (size_t t = 0; t < 4; t++) {
        memset(&v, 0, sizeof v);
        v.fails[0] = v.fails[1] = v.fails[2] = -1;
        assert_ok(dogb_parallel(threads[t], COUNT, visit, &v));
        for (int i = 0; i < COUNT; i++) {
            assert_int_equal(v.seen[i], 1);
        }
    }
    assert_ok(dogb_parallel(4, 0, visit, &v));
}

static void test_lowest_failure_wins(void **state) {
    (void)state;
    static visits v;
    for (int32_t threads = 1; threads <= 8; threads *= 2) {
        memset(&v, 0, sizeof v);
        v.fails[0] = 10;
        v.fails[1] = 11;
        v.fails[2] = 12;
        assert_fails(dogb_parallel(threads, COUNT, visit, &v), DOGBREED_ERROR_FORMAT, "index 10");
        assert_true(v.highest < COUNT - 1); // the hand-out stopped
        for (int i = 0; i < 10; i++) {
            assert_int_equal(v.seen[i], 1);
        }
    }
}

static void *read_mask(void *userdata) {
    (void)pthread_sigmask(SIG_SETMASK, NULL, userdata);
    return NULL;
}

static void test_workers_block_signals(void **state) {
    (void)state;
    pthread_t thread;
    sigset_t mask;
    sigset_t mine;
    (void)sigemptyset(&mask);
    assert_ok(dogb_thread_start(&thread, read_mask, &mask));
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(sigismember(&mask, SIGINT), 1);
    assert_int_equal(sigismember(&mask, SIGTERM), 1);
    (void)pthread_sigmask(SIG_SETMASK, NULL, &mine);
    assert_int_equal(sigismember(&mine, SIGINT), 0); // the caller's own mask is as before
}

static void test_counts(void **state) {
    (void)state;
    assert_true(dogb_core_count() >= 1);
    assert_int_equal(dogb_thread_count(3), 3);
    assert_int_equal(dogb_thread_count(100000), 256);
    assert_int_equal(dogb_thread_count(0), dogb_core_count() > 256 ? 256 : dogb_core_count());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_index_once),
        cmocka_unit_test(test_lowest_failure_wins),
        cmocka_unit_test(test_workers_block_signals),
        cmocka_unit_test(test_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
