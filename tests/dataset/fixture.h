// fixture.h - scratch folders with files for the tests of lib/dataset.
#ifndef DOGB_TEST_DATASET_FIXTURE_H
#define DOGB_TEST_DATASET_FIXTURE_H

#include "test.h"

#include "core/file.h"

#include <dogbreed/dataset.h>

// "root/name", in one of eight static buffers.
static inline const char *at(const char *root, const char *name) {
    static char paths[8][2048];
    static int next;
    char *path = paths[next++ & 7];
    (void)snprintf(path, sizeof paths[0], "%s/%s", root, name);
    return path;
}

// Writes a file and makes its folders.
static inline void put_bytes(const char *root, const char *name, const void *data, size_t size) {
    char folder[2048];
    (void)snprintf(folder, sizeof folder, "%s/%s", root, name);
    *strrchr(folder, '/') = '\0';
    assert_ok(dogb_directory_make(folder));
    FILE *file = fopen(at(root, name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static inline void put(const char *root, const char *name, const char *text) {
    put_bytes(root, name, text, strlen(text));
}

// Path of a sample below `root`.
static inline const char *sample_name(const dogbreed_dataset *dataset, const char *root,
                                      int64_t index) {
    dogbreed_sample sample = {.struct_size = sizeof sample};
    assert_ok(dogbreed_dataset_sample(dataset, index, &sample));
    return sample.path + strlen(root) + 1;
}

static inline int32_t sample_label(const dogbreed_dataset *dataset, int64_t index) {
    dogbreed_sample sample = {.struct_size = sizeof sample};
    assert_ok(dogbreed_dataset_sample(dataset, index, &sample));
    return sample.label;
}

#endif
