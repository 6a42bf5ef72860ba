// team.c - one team of worker threads. A run is published as a number that changes; members spin on
// it for a moment, because the next run or barrier is often microseconds away, then sleep on a
// condition. Workers live as long as the process; a forked child starts its own.
#include "core/team.h"

#include "core/span.h"
#include "core/thread.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>

enum {
    MEMBERS_MAX = 256,
    MEMBER_BITS = 16,
    SPINS = 2000, // looks before giving up the core: some tens of microseconds
};

static struct team {
    pthread_mutex_t owner; // held by the thread whose run it is; guards workers, fn and userdata
    pthread_mutex_t lock;  // with `wake`
    pthread_cond_t wake;
    atomic_ullong run; // number of the latest run, shifted, and its members
    atomic_int sleeping;
    atomic_int busy;    // workers of this run that are not done
    atomic_int waiting; // members in front of the barrier
    atomic_uint passed; // barriers passed
    int32_t workers;    // started threads
    int32_t reserved;
    dogb_team_fn fn;
    void *userdata;
    unsigned long long first[MEMBERS_MAX]; // what `run` was when a worker started
} team = {.owner = PTHREAD_MUTEX_INITIALIZER,
          .lock = PTHREAD_MUTEX_INITIALIZER,
          .wake = PTHREAD_COND_INITIALIZER};

static void pause_spin(int *spins) {
    if (++*spins < SPINS) {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
    } else {
        (void)sched_yield(); // more members than cores, or a busy machine
    }
}

static unsigned long long next_run(unsigned long long seen) {
    unsigned long long run = seen;
    for (int spins = 0; spins < SPINS && run == seen; pause_spin(&spins)) {
        run = atomic_load(&team.run);
    }
    if (run != seen) {
        return run;
    }
    (void)pthread_mutex_lock(&team.lock);
    (void)atomic_fetch_add(&team.sleeping, 1);
    while ((run = atomic_load(&team.run)) == seen) {
        (void)pthread_cond_wait(&team.wake, &team.lock);
    }
    (void)atomic_fetch_sub(&team.sleeping, 1);
    (void)pthread_mutex_unlock(&team.lock);
    return run;
}

static void *work(void *pointer) {
    int32_t member = (int32_t)(intptr_t)pointer;
    unsigned long long run = team.first[member];
    dogb_recorder_attach(NULL); // it outlives who listens to its starter
    for (;;) {
        run = next_run(run);
        int32_t members = (int32_t)(run & ((1u << MEMBER_BITS) - 1u));
        if (member < members) {
            team.fn(member, members, team.userdata);
            (void)atomic_fetch_sub(&team.busy, 1);
        }
    }
    return NULL;
}

static void after_fork_child(void) {
    static const pthread_mutex_t free_mutex = PTHREAD_MUTEX_INITIALIZER;
    static const pthread_cond_t free_condition = PTHREAD_COND_INITIALIZER;
    team.owner = free_mutex;
    team.lock = free_mutex;
    team.wake = free_condition;
    team.workers = 0;
    atomic_store(&team.sleeping, 0);
    atomic_store(&team.busy, 0);
    atomic_store(&team.waiting, 0);
}

static void watch_forks(void) {
    (void)pthread_atfork(NULL, NULL, after_fork_child);
}

// Starts what is missing; returns how many members there can be.
static int32_t gather(int32_t members) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, watch_forks);
    members = members > MEMBERS_MAX ? MEMBERS_MAX : members;
    while (team.workers < members - 1) {
        pthread_t thread;
        int32_t member = team.workers + 1;
        team.first[member] = atomic_load(&team.run);
        if (dogb_thread_start(&thread, work, (void *)(intptr_t)member) < 0) {
            break;
        }
        (void)pthread_detach(thread);
        team.workers++;
    }
    return team.workers + 1 < members ? team.workers + 1 : members;
}

void dogb_team_run(int32_t members, dogb_team_fn fn, void *userdata) {
    if (members < 2 || pthread_mutex_trylock(&team.owner) != 0) {
        fn(0, 1, userdata);
        return;
    }
    members = gather(members);
    team.fn = fn;
    team.userdata = userdata;
    atomic_store(&team.busy, members - 1);
    unsigned long long number = (atomic_load(&team.run) >> MEMBER_BITS) + 1;
    atomic_store(&team.run, number << MEMBER_BITS | (unsigned long long)members);
    if (atomic_load(&team.sleeping) > 0) {
        (void)pthread_mutex_lock(&team.lock);
        (void)pthread_cond_broadcast(&team.wake);
        (void)pthread_mutex_unlock(&team.lock);
    }
    fn(0, members, userdata);
    for (int spins = 0; atomic_load(&team.busy) > 0;) {
        pause_spin(&spins);
    }
    (void)pthread_mutex_unlock(&team.owner);
}

void dogb_team_wait(int32_t members) {
    if (members < 2) {
        return;
    }
    unsigned passed = atomic_load(&team.passed);
    if (atomic_fetch_add(&team.waiting, 1) + 1 == members) {
        atomic_store(&team.waiting, 0);
        (void)atomic_fetch_add(&team.passed, 1);
        return;
    }
    for (int spins = 0; atomic_load(&team.passed) == passed;) {
        pause_spin(&spins);
    }
}
