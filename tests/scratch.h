// scratch.h - a folder of the test program's own: set-up, tear-down, paths in it.
#ifndef DOGB_TEST_SCRATCH_H
#define DOGB_TEST_SCRATCH_H

#include "test.h"

#include "core/file.h"

static char scratch_folder[256];

// "folder/name", in one of eight static buffers.
static inline const char *scratch(const char *name) {
    static char paths[8][2048];
    static int next;
    char *path = paths[next++ & 7];
    (void)snprintf(path, sizeof paths[0], "%s/%s", scratch_folder, name);
    return path;
}

static inline int scratch_make(void **state) {
    (void)state;
    (void)snprintf(scratch_folder, sizeof scratch_folder, "%s", test_folder());
    return 0;
}

static inline int scratch_remove(void **state) {
    (void)state;
    return dogb_directory_remove(scratch_folder);
}

#endif
