// image_test.h - what the tests of lib/image share.
#ifndef DOGB_IMAGE_TEST_H
#define DOGB_IMAGE_TEST_H

#include "test.h"

#include "core/file.h"
#include "image/image.h"

static inline uint64_t test_fnv1a(const void *data, size_t size) {
    const uint8_t *bytes = data;
    uint64_t sum = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++) {
        sum = (sum ^ bytes[i]) * 0x100000001b3u;
    }
    return sum;
}

typedef struct test_bytes {
    uint8_t *data;
    size_t size;
} test_bytes;

// A committed file of tests/image/golden/files. Behind its last byte there is no room: address
// checks see every read beyond.
static inline test_bytes test_golden(dogb_arena *arena, const char *name) {
    char path[300];
    void *data = NULL;
    test_bytes out = {0};
    (void)snprintf(path, sizeof path, "image/golden/files/%s", name);
    assert_ok(dogb_file_read(&data, &out.size, arena, test_file(path), (size_t)1 << 20));
    out.data = dogb_alloc_raw(arena, out.size, 1);
    memcpy(out.data, data, out.size);
    return out;
}

#endif
