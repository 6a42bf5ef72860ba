#define _GNU_SOURCE // sched_getaffinity
// workers.c - see workers.h.
#include "workers.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int32_t workers_threads(int32_t threads, int32_t count) {
    cpu_set_t set;
    int32_t cores = threads;
    if (cores == 0) {
        cores = sched_getaffinity(0, sizeof set, &set) == 0 ? (int32_t)CPU_COUNT(&set) : 1;
    }
    return cores > count ? cores / count : 1;
}

// In the new process: only calls that are safe behind a fork. Its results are in the study; what
// it says is this process's to say.
static void become_worker(pid_t parent, char *const arguments[]) {
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM); // however this process ends
    if (getppid() != parent || nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 ||
        dup2(nothing, STDOUT_FILENO) < 0) {
        _exit(TOOL_FAILED);
    }
    (void)execv("/proc/self/exe", arguments);
    _exit(TOOL_FAILED);
}

int workers_start(workers *w, tool *t, const char *folder, const char *storage, int32_t count,
                  int32_t threads) {
    char name[] = "dogbreed", tune[] = "tune", worker[] = "--worker", quiet[] = "--quiet";
    char resume[] = "--resume", threads_flag[] = "--threads", path[3000], number[16];
    char storage_flag[] = "--storage", database[3100];
    char *arguments[] = {name,         tune,   worker,       quiet,    resume, path,
                         threads_flag, number, storage_flag, database, NULL};
    if (*storage == '\0') {
        arguments[8] = NULL;
    }
    (void)snprintf(database, sizeof database, "%s", storage);
    pid_t parent = getpid();
    (void)snprintf(path, sizeof path, "%s", folder);
    (void)snprintf(number, sizeof number, "%d", (int)threads);
    (void)fflush(NULL);
    for (w->count = 0; w->count < count; w->count++) {
        pid_t pid = fork();
        if (pid == 0) {
            become_worker(parent, arguments);
        }
        if (pid < 0) {
            int exit_code =
                fail_with(t, TOOL_FAILED, "--workers: no further process: %s", strerror(errno));
            workers_end(w, 1);
            return exit_code;
        }
        w->pids[w->count] = pid;
    }
    return TOOL_OK;
}

void workers_end(workers *w, int stop) {
    for (int32_t i = 0; i < w->count; i++) {
        int status = 0;
        if (stop) {
            (void)kill(w->pids[i], SIGTERM);
        }
        while (waitpid(w->pids[i], &status, 0) < 0 && errno == EINTR) {
        }
        if (!stop && status != 0) {
            warn("worker %ld: %s %d; its trials were trained by the others", (long)w->pids[i],
                 WIFSIGNALED(status) ? "ended by signal" : "exit code",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        }
    }
    w->count = 0;
}
