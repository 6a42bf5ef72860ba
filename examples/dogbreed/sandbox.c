#define _GNU_SOURCE // CLONE_THREAD
// sandbox.c - see sandbox.h. The few functions of libseccomp.so.2 are called through pointers, with
// the numbers of its header.
#include "sandbox.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

enum { COMPARE_EQUAL = 4, COMPARE_MASKED = 7 };        // scmp_compare
enum { ATTRIBUTE_ALL_THREADS = 4, UNKNOWN_CALL = -1 }; // scmp_filter_attr, __NR_SCMP_ERROR
static const uint32_t allow = 0x7fff0000;              // SCMP_ACT_ALLOW
static const uint32_t refuse = 0x00050000;             // SCMP_ACT_ERRNO, and the number in it
static const uint64_t writing = O_ACCMODE | O_CREAT | O_TRUNC; // flags of open

typedef struct comparison { // scmp_arg_cmp
    unsigned argument;
    int how;
    uint64_t a;
    uint64_t b;
} comparison;

typedef struct library {
    void *(*init)(uint32_t otherwise);
    int (*set)(void *filter, int attribute, uint32_t value);
    int (*resolve)(const char *name);
    int (*add)(void *filter, uint32_t action, int number, unsigned count, const comparison *list);
    int (*load)(void *filter);
    void (*release)(void *filter);
} library;

// By name: a name that an architecture does not have is passed over.
static const char *const calls[] = {
    // what is open; looking at files
    "read", "readv", "pread64", "write", "writev", "close", "lseek", "_llseek", "fcntl", "fcntl64",
    "dup", "fstat", "fstat64", "newfstatat", "fstatat64", "stat", "stat64", "lstat", "lstat64",
    "statx", "access", "faccessat", "faccessat2", "readlink", "readlinkat", "getdents64",
    "fadvise64",
    // memory
    "munmap", "mremap", "madvise", "brk", "membarrier",
    // threads, signals, the end
    "futex", "futex_time64", "set_robust_list", "rseq", "sched_yield", "sched_getaffinity",
    "getpid", "gettid", "tgkill", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack",
    "restart_syscall", "exit", "exit_group",
    // time, chance, facts
    "clock_gettime", "clock_gettime64", "clock_getres", "gettimeofday", "nanosleep",
    "clock_nanosleep", "clock_nanosleep_time64", "getrandom", "getrusage", "times", "sysinfo",
    "uname", "getuid", "geteuid", "getgid", "getegid",
    // connections that are there, or come
    "accept", "accept4", "recvfrom", "recvmsg", "sendto", "sendmsg", "sendmmsg", "shutdown",
    "getsockopt", "setsockopt", "getsockname", "getpeername", "epoll_wait", "epoll_pwait",
    "epoll_ctl", "epoll_create1", "poll", "ppoll", "ppoll_time64", "select", "_newselect",
    "pselect6", "pselect6_time64", "eventfd2", "pipe2"};

static const char *const outgoing_calls[] = {"socket", "connect", "bind", "socketpair"};

static const struct {
    const char *name;
    comparison only;
} some_calls[] = {
    {"openat", {2, COMPARE_MASKED, writing, O_RDONLY}},
    {"open", {1, COMPARE_MASKED, writing, O_RDONLY}},
    {"mmap", {2, COMPARE_MASKED, PROT_EXEC, 0}},
    {"mmap2", {2, COMPARE_MASKED, PROT_EXEC, 0}},
    {"mprotect", {2, COMPARE_MASKED, PROT_EXEC, 0}},
    {"clone", {0, COMPARE_MASKED, CLONE_THREAD, CLONE_THREAD}}, // a thread; no process
    {"prlimit64", {2, COMPARE_EQUAL, 0, 0}},                    // reading limits
    {"ioctl", {1, COMPARE_EQUAL, FIONBIO, 0}},
    {"ioctl", {1, COMPARE_EQUAL, FIONREAD, 0}},
};

static const char *open_library(library *out) {
    static const struct {
        const char *name;
        size_t at;
    } functions[] = {{"seccomp_init", offsetof(library, init)},
                     {"seccomp_attr_set", offsetof(library, set)},
                     {"seccomp_syscall_resolve_name", offsetof(library, resolve)},
                     {"seccomp_rule_add_array", offsetof(library, add)},
                     {"seccomp_load", offsetof(library, load)},
                     {"seccomp_release", offsetof(library, release)}};
    void *handle = dlopen("libseccomp.so.2", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        return "libseccomp.so.2 is not installed (Debian: libseccomp2)";
    }
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        void *function = dlsym(handle, functions[i].name);
        if (function == NULL) {
            return "libseccomp.so.2 lacks a function";
        }
        memcpy((char *)out + functions[i].at, &function, sizeof function);
    }
    return NULL;
}

static int add(const library *l, void *filter, uint32_t action, const char *name,
               const comparison *only) {
    int number = l->resolve(name);
    return number == UNKNOWN_CALL ? 0 : l->add(filter, action, number, only == NULL ? 0 : 1, only);
}

static int fill(const library *l, void *filter, int outgoing) {
    int rc = l->set(filter, ATTRIBUTE_ALL_THREADS, 1);
    for (size_t i = 0; rc == 0 && i < sizeof calls / sizeof calls[0]; i++) {
        rc = add(l, filter, allow, calls[i], NULL);
    }
    for (size_t i = 0; rc == 0 && i < sizeof some_calls / sizeof some_calls[0]; i++) {
        rc = add(l, filter, allow, some_calls[i].name, &some_calls[i].only);
    }
    for (size_t i = 0; rc == 0 && outgoing && i < sizeof outgoing_calls / sizeof outgoing_calls[0];
         i++) {
        rc = add(l, filter, allow, outgoing_calls[i], NULL);
    }
    // Its flags are in memory, where a filter cannot look. The C library takes clone then.
    return rc != 0 ? rc : add(l, filter, refuse | ENOSYS, "clone3", NULL);
}

const char *sandbox_enter(int outgoing) {
    library l;
    const char *problem = open_library(&l);
    if (problem != NULL) {
        return problem;
    }
    void *filter = l.init(refuse | EPERM);
    if (filter == NULL) {
        return "libseccomp cannot make a filter on this machine";
    }
    int rc = fill(&l, filter, outgoing);
    rc = rc != 0 ? rc : l.load(filter);
    l.release(filter);
    return rc == 0 ? NULL : "the system does not take the filter (seccomp)";
}
