// What is left of the system calls behind sandbox_enter, in a child process: what a server does
// works, on threads that ran before and on new ones, and nothing else does.
#define _DEFAULT_SOURCE // MAP_ANON
#include "../test.h"

#include "../../examples/dogbreed/sandbox.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int gate[2]; // a byte lets the old thread go on

static int program(void) {
    char *const words[] = {(char *)(uintptr_t) "true", NULL};
    return execve("/bin/true", words, words);
}

static int process(void) {
    return fork();
}

static int file_to_write(void) {
    return open("/tmp/dogbreed-sandbox", O_WRONLY | O_CREAT, 0600);
}

static int file_to_change(void) {
    return open("/dev/null", O_RDWR);
}

static int file_to_go(void) {
    return unlink("/tmp/dogbreed-sandbox-none");
}

static int outgoing(void) {
    return socket(AF_INET, SOCK_STREAM, 0);
}

static int code(void) {
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANON, -1, 0) == MAP_FAILED ? -1
                                                                                                : 0;
}

static int code_from_data(void) {
    static char page[8192];
    char *start = page + (4096 - (uintptr_t)page % 4096);
    return mprotect(start, 4096, PROT_READ | PROT_EXEC);
}

static int other_process(void) {
    return kill(getppid(), 0);
}

static const struct {
    const char *what;
    int (*call)(void);
} refused[] = {{"execve", program},
               {"fork", process},
               {"a file to write", file_to_write},
               {"a file to read and write", file_to_change},
               {"unlink", file_to_go},
               {"socket", outgoing},
               {"memory to execute", code},
               {"mprotect", code_from_data},
               {"kill", other_process}};
enum { REFUSED = sizeof refused / sizeof refused[0] };

static int is_refused(int (*call)(void)) {
    errno = 0;
    return call() < 0 && errno == EPERM;
}

static void *try_one(void *userdata) {
    char byte = 0;
    int which = *(int *)userdata;
    if (which < 0) { // the old one
        (void)!read(gate[0], &byte, 1);
    }
    return (void *)(intptr_t)is_refused(program);
}

static int old_and_new_threads(pthread_t old) {
    pthread_t fresh;
    int which = 0;
    void *first = NULL;
    void *second = NULL;
    (void)!write(gate[1], "x", 1);
    return pthread_create(&fresh, NULL, try_one, &which) == 0 && pthread_join(fresh, &first) == 0 &&
           pthread_join(old, &second) == 0 && first != NULL && second != NULL;
}

static int reads_files_and_connections(int listener, int client) {
    char text[4] = "";
    struct pollfd wait = {.fd = listener, .events = POLLIN};
    int file = open("/proc/self/stat", O_RDONLY);
    int ok = file >= 0 && read(file, text, 1) == 1 && poll(&wait, 1, 1000) == 1;
    int got = accept(listener, NULL, NULL);
    return ok && got >= 0 && send(got, "ok", 2, MSG_NOSIGNAL) == 2 && recv(client, text, 2, 0) == 2;
}

static int kernel_has_none(void) {
    return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0;
}

// The exit code of the child: 0, 100: no libseccomp or kernel without, or what is wrong.
static int child(void) {
    static int old_one = -1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    pthread_t old;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    if (pipe(gate) != 0 || pthread_create(&old, NULL, try_one, &old_one) != 0 ||
        bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0 ||
        connect(client, (struct sockaddr *)&address, size) != 0) {
        return 99;
    }
    const char *problem = sandbox_enter(0);
    if (problem != NULL) {
        return dlopen("libseccomp.so.2", RTLD_NOW) == NULL || kernel_has_none() ? 100 : 98;
    }
    for (int i = 0; i < REFUSED; i++) {
        if (!is_refused(refused[i].call)) {
            return i + 1;
        }
    }
    return !old_and_new_threads(old) ? 90 : !reads_files_and_connections(listener, client) ? 91 : 0;
}

static void only_what_a_server_needs_is_left(void **state) {
    (void)state;
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        _exit(child());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    int got = WEXITSTATUS(status);
    if (got == 100) {
        skip();
    }
    if (got > 0 && got <= REFUSED) {
        fail_msg("not refused: %s", refused[got - 1].what);
    }
    assert_int_equal(got, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_a_server_needs_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
