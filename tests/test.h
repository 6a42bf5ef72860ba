// test.h - what every test program includes first: cmocka with its headers, paths of test files,
// scratch folders.
#ifndef DOGB_TEST_H
#define DOGB_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <dogbreed/common.h>

// Succeeds or shows the library's message.
#define assert_ok(call)                                                                            \
    do {                                                                                           \
        int assert_ok_rc = (call);                                                                 \
        if (assert_ok_rc != 0) {                                                                   \
            fail_msg("%s: %s: %s", #call, dogbreed_error_name(assert_ok_rc),                       \
                     dogbreed_error_message());                                                    \
        }                                                                                          \
    } while (0)

// Fails with `code`, and the message contains `part`.
#define assert_fails(call, code, part)                                                             \
    do {                                                                                           \
        int assert_fails_rc = (call);                                                              \
        if (assert_fails_rc != (code) || strstr(dogbreed_error_message(), (part)) == NULL) {       \
            fail_msg("%s: expected %s with \"%s\", got %s: %s", #call, dogbreed_error_name(code),  \
                     (part), dogbreed_error_name(assert_fails_rc), dogbreed_error_message());      \
        }                                                                                          \
    } while (0)

// A committed file: tests/<name>. Static buffer, four at a time.
static inline const char *test_file(const char *name) {
    static char paths[4][1024];
    static int next;
    char *path = paths[next++ & 3];
    const char *root = getenv("DOGBREED_TEST_SOURCE");
    (void)snprintf(path, sizeof paths[0], "%s/%s", root == NULL ? "tests" : root, name);
    return path;
}

// Ends a test that cannot run here, with a line that is seen in the log. cmocka 1.1.5's own skip()
// writes "not ok" in TAP, which meson takes for a failure.
#define test_skip(...)                                                                             \
    do {                                                                                           \
        print_message("# SKIP ");                                                                  \
        print_message(__VA_ARGS__);                                                                \
        print_message("\n");                                                                       \
        return;                                                                                    \
    } while (0)

// A file of the optional data folder; a visible skip when it is not there.
#define test_data_or_skip(variable, name)                                                          \
    char variable[1024];                                                                           \
    do {                                                                                           \
        const char *test_data_root = getenv("DOGBREED_TEST_DATA");                                 \
        (void)snprintf(variable, sizeof variable, "%s/%s",                                         \
                       test_data_root == NULL ? "../shared/data" : test_data_root, (name));        \
        if (access(variable, R_OK) != 0) {                                                         \
            test_skip("%s is not here", variable);                                                 \
        }                                                                                          \
    } while (0)

// DOGBREED_TEST_SHORT=N leaves one of N cases: valgrind and emulated CPUs are slow.
static inline int test_part(void) {
    const char *text = getenv("DOGBREED_TEST_SHORT");
    int part = text == NULL ? 1 : atoi(text);
    return part > 1 ? part : 1;
}

// Rounds of a loop over drawn cases.
static inline int test_rounds(int rounds) {
    return (rounds + test_part() - 1) / test_part();
}

// Whether this case's turn has come: the same for lists of cases.
static inline int test_turn(void) {
    static int count;
    return count++ % test_part() == 0;
}

// A network of millions of weights, or the smallest one where cases are left out.
static inline const char *test_network(const char *name) {
    return test_part() > 1 ? "tiny" : name;
}

static inline int test_has_network(const char *name) {
    return strcmp(test_network(name), name) == 0;
}

// A new empty folder under the build or temporary directory; the test removes it.
static inline const char *test_folder(void) {
    static char path[256];
    const char *base = getenv("TMPDIR");
    (void)snprintf(path, sizeof path, "%s/dogbreed-test-XXXXXX", base == NULL ? "/tmp" : base);
    if (mkdtemp(path) == NULL) {
        fail_msg("no scratch folder: %s", path);
    }
    return path;
}

#endif
