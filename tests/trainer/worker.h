// worker.h - runs this test program again as another process, and kills it.
#ifndef DOGB_TEST_TRAINER_WORKER_H
#define DOGB_TEST_TRAINER_WORKER_H

#include "test.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/rng.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

// Starts "<this program> worker a b c".
static inline pid_t worker_start(const char *a, const char *b, const char *c) {
    char program[1024];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    pid_t pid = 0;
    assert_true(length > 0);
    program[length] = '\0';
    char word[] = "worker";
    char *arguments[] = {
        program, word, (char *)(uintptr_t)a, (char *)(uintptr_t)b, (char *)(uintptr_t)c, NULL};
    assert_int_equal(posix_spawn(&pid, program, NULL, NULL, arguments, environ), 0);
    return pid;
}

static inline void worker_sleep(int milliseconds) {
    struct timespec time = {milliseconds / 1000, (milliseconds % 1000) * 1000000};
    while (nanosleep(&time, &time) != 0 && errno == EINTR) {
    }
}

// Waits for its end; the exit status, or -signal.
static inline int worker_wait(pid_t pid) {
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        assert_int_equal(errno, EINTR);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// Lets it live so long and kills it; 1 when it had ended by itself, successfully.
static inline int worker_kill(pid_t pid, int milliseconds) {
    worker_sleep(milliseconds);
    (void)kill(pid, SIGKILL);
    int end = worker_wait(pid);
    if (end != 0 && end != -SIGKILL) {
        fail_msg("the worker ended with %d", end);
    }
    return end == 0;
}

// Kills workers of `mode` again and again, at random moments of their work, until one gets to its
// end; returns how many were killed, at least one: `forget` (a folder, removed) makes the work
// begin anew when the first worker was too quick, and the next waits are shorter.
static inline int worker_kill_often(const char *root, const char *mode, const char *forget,
                                    uint64_t seed, void (*after)(const char *root)) {
    dogb_rng rng;
    int count = 0;
    double begin = dogb_clock();
    assert_int_equal(worker_wait(worker_start(root, mode, "")), 0);
    double span = 1000.0 * (dogb_clock() - begin); // of a whole run, milliseconds
    assert_ok(dogb_directory_remove(forget));
    dogb_rng_init(&rng, seed, DOGB_RNG_SYNTH, 0, 0);
    while (count < 20) {
        int wait = 1 + (int)(span * (0.2 + 0.6 * dogb_rng_uniform(&rng)));
        if (worker_kill(worker_start(root, mode, ""), wait)) {
            if (count > 0 || span < 2.0) {
                break;
            }
            span /= 2.0;
            assert_ok(dogb_directory_remove(forget));
            continue;
        }
        count++;
        if (after != NULL) {
            after(root);
        }
    }
    assert_int_equal(worker_wait(worker_start(root, mode, "")), 0);
    assert_true(count > 0);
    print_message("# %s: finished after %d kills\n", mode, count);
    return count;
}

#endif
