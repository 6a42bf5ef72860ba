// worker.h - runs this test program again as another process, and kills it.
#ifndef DOGB_TEST_TRAINER_WORKER_H
#define DOGB_TEST_TRAINER_WORKER_H

#include "test.h"

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

#endif
