// test_team.c - the team of threads: every member runs once, barriers order what is written, a team
// at work sends others away, a forked child has its own.
#include "test.h"

#include "core/team.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>

enum { MEMBERS = 9, ROUNDS = 20, SHORT_RUNS = 3000, OWNERS = 4 };

typedef struct visits {
    atomic_int seen[512];
    atomic_int members; // as told to each
    atomic_int odd;     // members that were told another number
} visits;

static void visit(int32_t member, int32_t members, void *userdata) {
    visits *v = userdata;
    int none = 0;
    (void)atomic_fetch_add(&v->seen[member], 1);
    if (!atomic_compare_exchange_strong(&v->members, &none, members) && none != members) {
        (void)atomic_fetch_add(&v->odd, 1);
    }
}

static void check_visits(visits *v, int32_t most) {
    int members = atomic_load(&v->members);
    assert_in_range(members, 1, (uintmax_t)most);
    assert_int_equal(atomic_load(&v->odd), 0);
    for (int i = 0; i < 512; i++) {
        assert_int_equal(atomic_load(&v->seen[i]), i < members);
    }
}

static void test_members_run_once(void **state) {
    (void)state;
    const int32_t wanted[] = {1, 2, 3, MEMBERS, 2, 1, 40, 2}; // more than there are cores, too
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        visits v = {0};
        dogb_team_run(wanted[i], visit, &v);
        check_visits(&v, wanted[i]);
        assert_int_equal(atomic_load(&v.members), wanted[i]);
    }
}

static void test_too_many_members(void **state) {
    (void)state;
    const int32_t wanted[] = {0, -3, 300, INT32_MAX};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        visits v = {0};
        dogb_team_run(wanted[i], visit, &v);
        check_visits(&v, 256);
    }
}

typedef struct relay {
    int values[MEMBERS]; // plain: only barriers order them
    int wrong;
} relay;

// Everybody writes its own place, then reads the next one's, round by round.
static void pass_on(int32_t member, int32_t members, void *userdata) {
    relay *r = userdata;
    int wrong = 0;
    for (int round = 1; round <= ROUNDS; round++) {
        r->values[member] = round * 100 + member;
        dogb_team_wait(members);
        int next = (member + 1) % members;
        wrong += r->values[next] != round * 100 + next;
        dogb_team_wait(members);
    }
    if (wrong != 0) {
        r->wrong = wrong;
    }
}

static void test_barriers_order_writes(void **state) {
    (void)state;
    for (int32_t members = 1; members <= MEMBERS; members++) {
        relay r = {0};
        dogb_team_run(members, pass_on, &r);
        assert_int_equal(r.wrong, 0);
        for (int i = 0; i < members; i++) { // what members wrote is seen after the run
            assert_int_equal(r.values[i], ROUNDS * 100 + i);
        }
    }
}

static void count_one(int32_t member, int32_t members, void *userdata) {
    (void)member;
    int *counts = userdata;
    counts[member] += members; // each member has its own
}

static void test_thousands_of_short_runs(void **state) {
    (void)state;
    int counts[3] = {0};
    for (int i = 0; i < SHORT_RUNS; i++) {
        dogb_team_run(2 + i % 2, count_one, counts);
    }
    assert_int_equal(counts[0], SHORT_RUNS / 2 * 5);
    assert_int_equal(counts[1], SHORT_RUNS / 2 * 5);
    assert_int_equal(counts[2], SHORT_RUNS / 2 * 3);
}

// Runs far apart find members that sleep.
static void test_sleepers_wake(void **state) {
    (void)state;
    for (int i = 0; i < 20; i++) {
        visits v = {0};
        (void)nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
        dogb_team_run(3, visit, &v);
        check_visits(&v, 3);
    }
}

static void nest(int32_t member, int32_t members, void *userdata) {
    visits *inner = userdata;
    dogb_team_run(4, visit, &inner[member]);
    dogb_team_wait(members);
}

static void test_nested_runs_have_one_member(void **state) {
    (void)state;
    static visits inner[3];
    memset(inner, 0, sizeof inner);
    dogb_team_run(3, nest, inner);
    for (int i = 0; i < 3; i++) {
        check_visits(&inner[i], 1);
    }
}

static void *own_runs(void *userdata) {
    relay *r = userdata;
    for (int i = 0; i < 20; i++) {
        dogb_team_run(3, pass_on, r);
    }
    return NULL;
}

static void test_many_owners(void **state) {
    (void)state;
    static relay relays[OWNERS];
    pthread_t threads[OWNERS];
    memset(relays, 0, sizeof relays);
    for (int i = 0; i < OWNERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, own_runs, &relays[i]), 0);
    }
    for (int i = 0; i < OWNERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(relays[i].wrong, 0);
        assert_int_equal(relays[i].values[0], ROUNDS * 100);
    }
}

// Its own team, from nothing, also when the parent's threads sleep or spin.
static int child_runs(void) {
    for (int i = 0; i < 20; i++) {
        relay r = {0};
        visits v = {0};
        dogb_team_run(4, pass_on, &r);
        dogb_team_run(4, visit, &v);
        if (r.wrong != 0 || r.values[0] != ROUNDS * 100 || atomic_load(&v.members) != 4) {
            return 1;
        }
    }
    return 0;
}

static void test_forked_child_has_its_own_team(void **state) {
    (void)state;
#if defined(__SANITIZE_THREAD__)
    test_skip("ThreadSanitizer forbids threads after fork");
#endif
    for (int i = 0; i < 3; i++) {
        visits v = {0};
        dogb_team_run(4, visit, &v);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            _exit(child_runs());
        }
        int status = -1;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        memset(&v, 0, sizeof v);
        dogb_team_run(4, visit, &v); // the parent's goes on
        assert_int_equal(atomic_load(&v.members), 4);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_run_once),
        cmocka_unit_test(test_barriers_order_writes),
        cmocka_unit_test(test_thousands_of_short_runs),
        cmocka_unit_test(test_sleepers_wake),
        cmocka_unit_test(test_nested_runs_have_one_member),
        cmocka_unit_test(test_many_owners),
        cmocka_unit_test(test_forked_child_has_its_own_team),
        cmocka_unit_test(test_too_many_members), // last: its threads stay
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
