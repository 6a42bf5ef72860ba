// Programs that run: their lines, logs, ends; what keeps them from starting; what they leave.
#include "../scratch.h"
#include "out_of_memory.h"

#include "program/program.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

// The linker puts these in the place of the system's (tests/program/meson.build).
static int fork_errno;
static int pipe_left = -1; // pipes until one fails; -1: none does
pid_t __real_fork(void);
pid_t __wrap_fork(void);
int __real_pipe2(int ends[2], int flags);
int __wrap_pipe2(int ends[2], int flags);

pid_t __wrap_fork(void) {
    if (fork_errno != 0) {
        errno = fork_errno;
        return -1;
    }
    return __real_fork();
}

int __wrap_pipe2(int ends[2], int flags) {
    if (pipe_left >= 0 && pipe_left-- == 0) {
        errno = EMFILE;
        return -1;
    }
    return __real_pipe2(ends, flags);
}

typedef struct run {
    dogb_program *program;
    char lines[4096]; // with | behind each
    int count;
    int stop_at; // lines until it is asked to end
    int fail_at; // lines until the listener fails
} run;

static int on_line(const dogb_line *line, void *userdata) {
    run *r = userdata;
    size_t used = strlen(r->lines);
    r->count++;
    (void)snprintf(r->lines + used, sizeof r->lines - used, "%.60s|", line->text);
    if (r->count == r->stop_at) {
        dogb_program_stop(r->program);
    }
    return r->count == r->fail_at ? -7 : 0;
}

static dogb_program_conf conf_of(char *const *argv, run *r) {
    extern char **environ;
    return (dogb_program_conf){.file = "/bin/sh",
                               .argv = argv,
                               .envp = environ,
                               .log = scratch("log.txt"),
                               .log_bytes_max = 1 << 20,
                               .grace = 5,
                               .line = on_line,
                               .userdata = r};
}

static dogb_program_end finish(run *r) {
    while (!dogb_program_look(r->program).ended) {
        assert_ok(dogb_program_wait(&r->program, 1, 5));
    }
    return dogb_program_look(r->program);
}

// A shell's script to its end; `conf` may change what it runs under.
static dogb_program_end shell(run *r, const char *script, void (*change)(dogb_program_conf *)) {
    char *argv[] = {"sh", "-c", (char *)(uintptr_t)script, NULL};
    dogb_program_conf conf = conf_of(argv, r);
    if (change != NULL) {
        change(&conf);
    }
    assert_ok(dogb_program_start(&r->program, &conf));
    return finish(r);
}

static const char *read_log(void) {
    static char text[8192];
    FILE *file = fopen(scratch("log.txt"), "r");
    assert_non_null(file);
    size_t size = fread(text, 1, sizeof text - 1, file);
    text[size] = '\0';
    (void)fclose(file);
    return text;
}

static int descriptors(void) {
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (directory != NULL && readdir(directory) != NULL) {
        count++;
    }
    (void)closedir(directory);
    return count;
}

static double seconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

// 1: the process is gone, or on its way; it gets two seconds.
static int is_gone(long pid) {
    for (int i = 0; i < 200; i++) {
        struct timespec pause = {.tv_nsec = 10000000};
        char path[64];
        char state = 'X';
        (void)snprintf(path, sizeof path, "/proc/%ld/stat", pid);
        FILE *file = fopen(path, "r");
        if (file == NULL || fscanf(file, "%*d (%*[^)]) %c", &state) != 1 || state == 'Z') {
            if (file != NULL) {
                (void)fclose(file);
            }
            return 1;
        }
        (void)fclose(file);
        (void)nanosleep(&pause, NULL);
    }
    return 0;
}

// --- lines and logs

static void both_streams_are_read_and_kept(void **state) {
    (void)state;
    run r = {0};
    dogb_program_end end =
        shell(&r, "echo one; echo two >&2; sleep 0.05; printf '3\\r4\\0x\\n'; printf last", NULL);
    assert_int_equal(end.process.code, 0);
    assert_int_equal(end.process.signal, 0);
    assert_false(end.timed_out);
    assert_true(strcmp(r.lines, "one|two|3|4?x|last|") == 0 ||
                strcmp(r.lines, "two|one|3|4?x|last|") == 0);
    assert_string_equal(dogb_program_last_line(r.program), "last");
    assert_ok(dogb_program_note(r.program, "a %s", "note"));
    dogb_program_destroy(r.program);
    const char *log = read_log();
    assert_true(strncmp(log, "[dogbreed] sh -c 'echo one;", 27) == 0);
    assert_non_null(strstr(log, "\none\n"));
    assert_non_null(strstr(log, "\ntwo\n"));
    assert_non_null(strstr(log, "3\r4?x\nlast\n[dogbreed] a note\n"));
}

static void nothing_comes_in_but_the_arguments(void **state) {
    (void)state;
    run r = {0};
    int open_one = open("/dev/zero", O_RDONLY); // without O_CLOEXEC
    (void)signal(SIGPIPE, SIG_IGN);
    (void)shell(&r,
                "read x || echo empty; ls /proc/self/fd | wc -l; ps -o pgid= -p $$ | tr -d ' '; "
                "echo $$; grep SigIgn /proc/self/status; grep SigBlk /proc/self/status",
                NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)close(open_one);
    char *at = r.lines;
    assert_memory_equal(at, "empty|4|", 8); // ls opens the folder itself
    at += 8;
    long group = strtol(at, &at, 10);
    assert_int_equal(group, strtol(at + 1, &at, 10)); // a group of its own
    assert_non_null(strstr(at, "SigBlk:\t0000000000000000"));
    assert_int_equal(strtol(strstr(at, "SigIgn:\t") + 8, NULL, 16) & (1 << (SIGPIPE - 1)), 0);
    dogb_program_destroy(r.program);
}

static void limit_log(dogb_program_conf *conf) {
    conf->log_bytes_max = 12;
}

static void no_log(dogb_program_conf *conf) {
    conf->log = NULL;
}

static void logs_have_an_end(void **state) {
    (void)state;
    run r = {0};
    (void)shell(&r, "echo 12345; echo 12345; echo 1; echo 2", limit_log);
    assert_string_equal(r.lines, "12345|12345|1|2|");
    dogb_program_destroy(r.program);
    assert_string_equal(strchr(read_log(), '\n'),
                        "\n12345\n12345\n[dogbreed] the log ends here: more than 12 bytes were "
                        "printed\n");
    r = (run){0};
    (void)shell(&r, "head -c 300000 /dev/zero | tr '\\0' a; echo; echo short", NULL);
    assert_int_equal(r.count, 2);
    dogb_program_destroy(r.program);
    struct stat info;
    assert_int_equal(stat(scratch("log.txt"), &info), 0);
    assert_true(info.st_size > DOGB_LINE_MAX && info.st_size < DOGB_LINE_MAX + 300);
    assert_int_equal(unlink(scratch("log.txt")), 0);
    r = (run){0};
    (void)shell(&r, "echo a; head -c 200000 /dev/urandom; echo; echo b", no_log);
    assert_memory_equal(r.lines, "a|", 2);
    assert_string_equal(dogb_program_last_line(r.program), "b");
    assert_ok(dogb_program_note(r.program, "nowhere"));
    dogb_program_destroy(r.program);
    assert_false(dogb_file_exists(scratch("log.txt")));
}

static void fill_disk(dogb_program_conf *conf) {
    conf->log = "/dev/full";
}

static void logs_that_cannot_be_written_are_errors(void **state) {
    (void)state;
    char *argv[] = {"sh", "-c", "exit 0", NULL};
    run r = {0};
    dogb_program_conf conf = conf_of(argv, &r);
    fill_disk(&conf);
    assert_fails(dogb_program_start(&r.program, &conf), DOGBREED_ERROR_IO, "/dev/full: cannot be");
    assert_null(r.program);
    conf.log = scratch("none/log.txt");
    assert_fails(dogb_program_start(&r.program, &conf), DOGBREED_ERROR_IO, "none/log.txt");
}

// --- ends

static void ends_are_told(void **state) {
    (void)state;
    run r = {0};
    dogb_program_end end = shell(&r, "echo bad >&2; exit 3", NULL);
    assert_int_equal(end.process.code, 3);
    assert_string_equal(dogb_program_last_line(r.program), "bad");
    dogb_program_destroy(r.program);
    r = (run){0};
    end = shell(&r, "kill -SEGV $$", NULL);
    assert_int_equal(end.process.signal, SIGSEGV);
    dogb_program_destroy(r.program);
    (void)signal(SIGCHLD, SIG_IGN); // the kernel keeps no exit codes then
    r = (run){0};
    end = shell(&r, "echo x", NULL);
    (void)signal(SIGCHLD, SIG_DFL);
    assert_int_equal(end.process.code, -1);
    assert_string_equal(r.lines, "x|");
    dogb_program_destroy(r.program);
}

static void limit_time(dogb_program_conf *conf) {
    conf->time_limit = 0.2;
    conf->grace = 0.2;
}

static void time_is_limited(void **state) {
    (void)state;
    run r = {0};
    double before = seconds();
    dogb_program_end end = shell(&r, "trap 'echo told; exit 0' TERM; sleep 60 & wait", limit_time);
    assert_true(end.timed_out);
    assert_string_equal(r.lines, "told|");
    assert_int_equal(end.process.signal, 0);
    dogb_program_destroy(r.program);
    r = (run){0};
    end = shell(&r, "trap '' TERM; while :; do sleep 1; done", limit_time); // deaf
    assert_true(end.timed_out);
    assert_int_equal(end.process.signal, SIGKILL);
    dogb_program_destroy(r.program);
    assert_true(seconds() - before < 30);
}

static void a_program_is_asked_to_end(void **state) {
    (void)state;
    run r = {.stop_at = 2};
    dogb_program_end end = shell(&r, "echo 1; echo 2; sleep 60; echo 3", NULL);
    assert_int_equal(end.process.signal, SIGTERM);
    assert_false(end.timed_out);
    assert_string_equal(r.lines, "1|2|");
    dogb_program_stop(r.program); // over already
    dogb_program_destroy(r.program);
    r = (run){.stop_at = 1};
    end = shell(&r, "echo 1; kill -STOP $$; echo 2", NULL); // suspended
    assert_int_equal(end.process.signal, SIGTERM);
    dogb_program_destroy(r.program);
}

static void nothing_is_left_behind(void **state) {
    (void)state;
    int before = descriptors();
    run r = {0};
    double begin = seconds();
    // A child that holds the pipe, and one that has closed it: neither is waited for.
    (void)shell(&r, "sleep 60 & echo $!; sleep 60 >&- 2>&- & echo $!", NULL);
    assert_true(seconds() - begin < 30);
    char *at = r.lines;
    long first = strtol(at, &at, 10);
    assert_true(is_gone(first));
    assert_true(is_gone(strtol(at + 1, &at, 10)));
    dogb_program_destroy(r.program);
    r = (run){.fail_at = 1};
    char *argv[] = {"sh", "-c", "echo $$; exec sleep 60", NULL};
    dogb_program_conf conf = conf_of(argv, &r);
    assert_ok(dogb_program_start(&r.program, &conf));
    int rc = 0;
    for (int i = 0; rc == 0 && i < 100; i++) {
        rc = dogb_program_wait(&r.program, 1, 5);
    }
    assert_int_equal(rc, -7);
    dogb_program_destroy(r.program); // kills it
    assert_true(is_gone(strtol(r.lines, NULL, 10)));
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); // no zombie
    assert_int_equal(errno, ECHILD);
    assert_int_equal(descriptors(), before);
}

// Its streams end long before it does.
static void closed_streams_are_no_end(void **state) {
    (void)state;
    run r = {0};
    dogb_program_end end = shell(&r, "echo a; exec >&- 2>&-; sleep 0.2; exit 5", NULL);
    assert_int_equal(end.process.code, 5);
    assert_string_equal(r.lines, "a|");
    dogb_program_destroy(r.program);
}

// The thread that started it dies: so does the program.
static void programs_do_not_outlive_who_started_them(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t parent = __real_fork();
    if (parent == 0) {
        char *argv[] = {"sh", "-c", "exec sleep 60", NULL};
        dogb_process process;
        extern char **environ;
        int rc = dogb_process_start(&process, "/bin/sh", argv, environ);
        ssize_t count = write(ends[1], &process.pid, sizeof process.pid);
        (void)count;
        (void)rc;
        _exit(0);
    }
    int32_t pid = -1;
    assert_int_equal(read(ends[0], &pid, sizeof pid), sizeof pid);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    assert_true(pid > 0);
    assert_true(is_gone(pid));
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void many_run_at_once(void **state) {
    (void)state;
    enum { COUNT = 20 };
    run runs[COUNT];
    dogb_program *list[COUNT];
    memset(runs, 0, sizeof runs);
    for (int i = 0; i < COUNT; i++) {
        char script[64];
        (void)snprintf(script, sizeof script, "sleep 0.0%d; echo %d; exit %d", i % 5, i, i);
        char *argv[] = {"sh", "-c", script, NULL};
        dogb_program_conf conf = conf_of(argv, &runs[i]);
        conf.log = NULL;
        assert_ok(dogb_program_start(&runs[i].program, &conf));
        list[i] = runs[i].program;
    }
    for (int left = COUNT; left > 0;) {
        assert_ok(dogb_program_wait(list, COUNT, 5));
        left = 0;
        for (int i = 0; i < COUNT; i++) {
            left += !dogb_program_look(list[i]).ended;
        }
    }
    for (int i = 0; i < COUNT; i++) {
        char line[16];
        (void)snprintf(line, sizeof line, "%d|", i);
        assert_string_equal(runs[i].lines, line);
        assert_int_equal(dogb_program_look(list[i]).process.code, i);
        dogb_program_destroy(list[i]);
    }
}

// --- starting

static void programs_are_found(void **state) {
    (void)state;
    dogb_arena arena = {0};
    char *file = NULL;
    assert_ok(dogb_process_find(&file, &arena, "sh"));
    assert_int_equal(access(file, X_OK), 0);
    assert_ok(dogb_process_find(&file, &arena, "/bin/sh"));
    assert_string_equal(file, "/bin/sh");
    assert_fails(dogb_process_find(&file, &arena, "no-such-program"), DOGBREED_ERROR_NOT_FOUND,
                 "\"no-such-program\": there is no such program in PATH");
    assert_fails(dogb_process_find(&file, &arena, ""), DOGBREED_ERROR_NOT_FOUND, "no such program");
    assert_fails(dogb_process_find(&file, &arena, "./none"), DOGBREED_ERROR_NOT_FOUND,
                 "./none: cannot be run: No such file");
    assert_fails(dogb_process_find(&file, &arena, "/etc/passwd"), DOGBREED_ERROR_NOT_FOUND,
                 "Permission denied");
    assert_fails(dogb_process_find(&file, &arena, "/bin/"), DOGBREED_ERROR_NOT_FOUND,
                 "Permission denied");
    dogb_arena_free(&arena);
}

static void bindings_replace_variables(void **state) {
    (void)state;
    static const dogb_binding bindings[] = {{"P_A", "1"}, {"HOME", "h"}};
    dogb_arena arena = {0};
    char **envp = NULL;
    char seen[64] = "";
    (void)setenv("P_OLD", "x", 1);
    (void)setenv("P_A", "x", 1);
    (void)setenv("HOMES", "stays", 1);
    assert_ok(dogb_process_environment(&envp, &arena, "P_", bindings, 2));
    for (size_t i = 0; envp[i] != NULL; i++) {
        if (strncmp(envp[i], "P_", 2) == 0 || strncmp(envp[i], "HOME", 4) == 0) {
            (void)strncat(seen, envp[i], 20);
            (void)strncat(seen, "|", 2);
        }
    }
    assert_string_equal(seen, "HOMES=stays|P_A=1|HOME=h|");
    dogb_arena_free(&arena);
}

static void what_cannot_start_leaves_nothing(void **state) {
    (void)state;
    int before = descriptors();
    char *argv[] = {"sh", "-c", "exit 0", NULL};
    run r = {0};
    dogb_program_conf conf = conf_of(argv, &r);
    static const struct {
        int error;
        int code;
    } forks[] = {{EAGAIN, DOGBREED_ERROR_NO_MEMORY}, {ENOMEM, DOGBREED_ERROR_NO_MEMORY}};
    for (size_t i = 0; i < 2; i++) {
        fork_errno = forks[i].error;
        assert_fails(dogb_program_start(&r.program, &conf), forks[i].code, "no room for a process");
        fork_errno = 0;
        assert_null(r.program);
    }
    for (int i = 0; i < 3; i++) {
        pipe_left = i;
        assert_fails(dogb_program_start(&r.program, &conf), DOGBREED_ERROR_IO,
                     "/bin/sh: there is no room for a process: Too many open files");
        pipe_left = -1;
    }
    conf.file = "/nowhere/program";
    assert_fails(dogb_program_start(&r.program, &conf), DOGBREED_ERROR_NOT_FOUND,
                 "/nowhere/program: cannot be run: No such file");
    FILE *script = fopen(scratch("script"), "w");
    (void)fputs("echo no interpreter is named\n", script);
    (void)fclose(script);
    (void)chmod(scratch("script"), 0755);
    conf.file = scratch("script");
    assert_fails(dogb_program_start(&r.program, &conf), DOGBREED_ERROR_NOT_FOUND,
                 "Exec format error");
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(descriptors(), before);
}

static void closed_standard_streams_do_no_harm(void **state) {
    (void)state;
    pid_t child = __real_fork();
    if (child == 0) {
        run r = {0};
        char *argv[] = {"sh", "-c", "echo out; echo err >&2", NULL};
        dogb_program_conf conf = conf_of(argv, &r);
        for (int i = 0; i < 3; i++) {
            (void)close(i);
        }
        int rc = dogb_program_start(&r.program, &conf);
        for (int i = 0; rc == 0 && i < 500 && !dogb_program_look(r.program).ended; i++) {
            rc = dogb_program_wait(&r.program, 1, 5);
        }
        _exit(rc == 0 && r.count == 2 ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void memory_may_run_out(void **state) {
    (void)state;
    int before = descriptors();
    int failures = 0;
    for (int i = 0, failed = 1; failed; i++) {
        run r = {0};
        char *argv[] = {"sh", "-c", "echo a", NULL};
        dogb_program_conf conf = conf_of(argv, &r);
        memory_fail_after(i);
        int rc = dogb_program_start(&r.program, &conf);
        while (rc == DOGBREED_OK && !dogb_program_look(r.program).ended) {
            rc = dogb_program_wait(&r.program, 1, 5);
        }
        failed = memory_restore();
        assert_int_equal(rc, failed ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK);
        failures += failed;
        dogb_program_destroy(r.program);
    }
    assert_true(failures > 4);
    assert_int_equal(descriptors(), before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_streams_are_read_and_kept),
        cmocka_unit_test(nothing_comes_in_but_the_arguments),
        cmocka_unit_test(logs_have_an_end),
        cmocka_unit_test(logs_that_cannot_be_written_are_errors),
        cmocka_unit_test(ends_are_told),
        cmocka_unit_test(time_is_limited),
        cmocka_unit_test(a_program_is_asked_to_end),
        cmocka_unit_test(nothing_is_left_behind),
        cmocka_unit_test(closed_streams_are_no_end),
        cmocka_unit_test(programs_do_not_outlive_who_started_them),
        cmocka_unit_test(many_run_at_once),
        cmocka_unit_test(programs_are_found),
        cmocka_unit_test(bindings_replace_variables),
        cmocka_unit_test(what_cannot_start_leaves_nothing),
        cmocka_unit_test(closed_standard_streams_do_no_harm),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
