#define _GNU_SOURCE // pipe2, prctl's signal, close_range
// process.c - see process.h. Between fork and exec only what a signal handler may call.
#include "program/process.h"

#include "core/error.h"
#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

// --- file and environment

static int can_run(const char *path) {
    struct stat info;
    if (stat(path, &info) != 0) {
        return 0;
    }
    if (!S_ISREG(info.st_mode)) {
        errno = EACCES;
        return 0;
    }
    return access(path, X_OK) == 0;
}

int dogb_process_find(char **out, dogb_arena *arena, const char *name) {
    const char *path = getenv("PATH");
    *out = NULL;
    if (strchr(name, '/') != NULL) {
        *out = dogb_strdup(arena, name);
        return *out == NULL ? DOGBREED_ERROR_NO_MEMORY
               : can_run(*out)
                   ? DOGBREED_OK
                   : dogb_fail_errno(DOGBREED_ERROR_NOT_FOUND, "%s: cannot be run", name);
    }
    path = path == NULL || *path == '\0' ? "/usr/local/bin:/usr/bin:/bin" : path;
    while (*name != '\0') {
        size_t length = strcspn(path, ":");
        *out = dogb_format(arena, "%.*s%s%s", (int)length, path, length == 0 ? "./" : "/", name);
        if (*out == NULL || can_run(*out)) {
            return *out == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
        }
        if (path[length] == '\0') {
            break;
        }
        path += length + 1;
    }
    return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "\"%s\": there is no such program in PATH", name);
}

static int is_replaced(const char *entry, const char *prefix, const dogb_binding *bindings,
                       size_t count) {
    size_t length = strcspn(entry, "=");
    size_t i = 0;
    while (i < count &&
           (strncmp(entry, bindings[i].name, length) != 0 || bindings[i].name[length] != '\0')) {
        i++;
    }
    return i < count || strncmp(entry, prefix, strlen(prefix)) == 0;
}

int dogb_process_environment(char ***out, dogb_arena *arena, const char *prefix,
                             const dogb_binding *bindings, size_t count) {
    size_t inherited = 0;
    size_t used = 0;
    while (environ != NULL && environ[inherited] != NULL) {
        inherited++;
    }
    char **list = *out = dogb_alloc(arena, inherited + count + 1, sizeof *list);
    if (list == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < inherited; i++) {
        if (!is_replaced(environ[i], prefix, bindings, count)) {
            list[used++] = environ[i];
        }
    }
    for (size_t i = 0; i < count; i++) {
        list[used] = dogb_format(arena, "%s=%s", bindings[i].name, bindings[i].value);
        if (list[used++] == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    return DOGBREED_OK;
}

// --- starting

enum { PIPES = DOGB_STREAMS + 1, EXEC = DOGB_STREAMS }; // the last one carries exec's errno

// Above the standard streams: a host may have closed its own.
static int open_pipe(int ends[2]) {
    int raw[2];
    if (pipe2(raw, O_CLOEXEC) != 0) {
        return -1;
    }
    for (int i = 0; i < 2; i++) {
        ends[i] = raw[i] > 2 ? raw[i] : fcntl(raw[i], F_DUPFD_CLOEXEC, 3);
    }
    int error = errno;
    for (int i = 0; i < 2; i++) {
        if (ends[i] != raw[i]) {
            (void)close(raw[i]);
        }
    }
    errno = error;
    return ends[0] < 0 || ends[1] < 0 ? -1 : 0;
}

static void close_all(int32_t *descriptors, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (descriptors[i] >= 0) {
            (void)close(descriptors[i]);
        }
        descriptors[i] = -1;
    }
}

// Whatever the host has opened without O_CLOEXEC is no affair of the program.
static void hide_descriptors(void) {
    const unsigned ON_EXEC = 4; // CLOSE_RANGE_CLOEXEC
    if (syscall(SYS_close_range, 3U, ~0U, ON_EXEC) == 0) {
        return;
    }
    for (int i = 3; i < 4096; i++) {
        (void)fcntl(i, F_SETFD, FD_CLOEXEC);
    }
}

static _Noreturn void become(const char *file, char *const *argv, char *const *envp,
                             int pipes[PIPES][2], pid_t parent) {
    sigset_t none;
    int null = open("/dev/null", O_RDONLY);
    int rc = setpgid(0, 0);
    rc = rc < 0 ? rc : prctl(PR_SET_PDEATHSIG, SIGKILL);
    rc = rc == 0 && null < 0 ? -1 : rc;
    rc = rc < 0 ? rc : dup2(null, STDIN_FILENO);
    rc = rc < 0 ? rc : dup2(pipes[0][1], STDOUT_FILENO);
    rc = rc < 0 ? rc : dup2(pipes[1][1], STDERR_FILENO);
    if (rc >= 0 && getppid() == parent) { // else it has died meanwhile
        hide_descriptors();
        (void)signal(SIGPIPE, SIG_DFL);
        (void)signal(SIGTERM, SIG_DFL);
        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)execve(file, argv, envp);
    }
    int error = errno;
    ssize_t written = write(pipes[EXEC][1], &error, sizeof error);
    (void)written;
    _exit(127);
}

// Blocks until the child has become the program. 0, or the errno that kept it from it.
static int exec_error(int descriptor) {
    int error = 0;
    ssize_t count = 0;
    do {
        count = read(descriptor, &error, sizeof error);
    } while (count < 0 && errno == EINTR);
    return count == (ssize_t)sizeof error ? error : 0;
}

static void wait_for(int32_t pid) {
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
}

static int fail_start(const char *file, int error) {
    int room = error == ENOMEM || error == EAGAIN;
    int full = error == EMFILE || error == ENFILE;
    errno = error;
    return dogb_fail_errno(room   ? DOGBREED_ERROR_NO_MEMORY
                           : full ? DOGBREED_ERROR_IO
                                  : DOGBREED_ERROR_NOT_FOUND,
                           "%s: %s", file,
                           room || full ? "there is no room for a process" : "cannot be run");
}

// Signals are blocked around fork: the host's handlers do not run in the child.
static pid_t spawn(const char *file, char *const *argv, char *const *envp, int pipes[PIPES][2]) {
    sigset_t all;
    sigset_t before;
    pid_t parent = getpid();
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0) {
        become(file, argv, envp, pipes, parent);
    }
    int error = errno;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return pid;
}

int dogb_process_start(dogb_process *out, const char *file, char *const *argv, char *const *envp) {
    int pipes[PIPES][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
    int error = 0;
    *out = (dogb_process){.pid = -1, .streams = {-1, -1}};
    for (int i = 0; error == 0 && i < PIPES; i++) {
        error = open_pipe(pipes[i]) != 0 ? errno : 0;
    }
    pid_t pid = error == 0 ? spawn(file, argv, envp, pipes) : -1;
    error = error == 0 && pid < 0 ? errno : error;
    for (int i = 0; i < PIPES; i++) {
        close_all(&pipes[i][1], 1);
    }
    if (pid > 0) {
        (void)setpgid(pid, pid); // whoever of the two comes first
        error = exec_error(pipes[EXEC][0]);
    }
    if (pid > 0 && error != 0) {
        wait_for(pid);
    }
    close_all(&pipes[EXEC][0], 1);
    for (int i = 0; i < DOGB_STREAMS; i++) {
        out->streams[i] = pipes[i][0];
    }
    if (error != 0) {
        close_all(out->streams, DOGB_STREAMS);
        return fail_start(file, error);
    }
    out->pid = pid;
    for (int i = 0; i < DOGB_STREAMS; i++) {
        (void)fcntl(out->streams[i], F_SETFL, O_NONBLOCK);
    }
    return DOGBREED_OK;
}

// --- ending

void dogb_process_signal(const dogb_process *process, int number) {
    if (process->pid > 0) {
        (void)kill(-process->pid, number);
    }
}

// Its number stays taken until the group is gone: first the group, then the child.
int dogb_process_reap(dogb_process_end *end, dogb_process *process) {
    siginfo_t info = {0};
    int status = 0;
    *end = (dogb_process_end){.code = -1};
    if (waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
        if (info.si_pid == 0) {
            return 0;
        }
        dogb_process_signal(process, SIGKILL);
        while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR) {
        }
        end->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        end->code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    } else if (errno != ECHILD) {
        return 0;
    }
    process->pid = -1;
    return 1;
}

void dogb_process_close(dogb_process *process) {
    dogb_process_signal(process, SIGKILL);
    if (process->pid > 0) {
        wait_for(process->pid);
    }
    process->pid = -1;
    close_all(process->streams, DOGB_STREAMS);
}
