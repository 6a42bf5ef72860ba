// made_files.h - hand-made files for the tests of this folder.
#ifndef DOGB_TEST_WEIGHTS_MADE_FILES_H
#define DOGB_TEST_WEIGHTS_MADE_FILES_H

#include "scratch.h"

// Without dogb_file_write's syncs: the hostile tests write tens of thousands of files.
static inline void scratch_write(const char *path, const void *data, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

// --- a growing block of bytes

typedef struct scratch_bytes {
    uint8_t data[1 << 16];
    size_t size;
} scratch_bytes;

static inline void put(scratch_bytes *out, const void *data, size_t size) {
    assert_true(size <= sizeof out->data - out->size);
    memcpy(out->data + out->size, data, size);
    out->size += size;
}

static inline void put_number(scratch_bytes *out, uint64_t value, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        uint8_t byte = (uint8_t)(value >> (8 * i));
        put(out, &byte, 1);
    }
}

// --- a zip file of stored entries

typedef struct scratch_entry {
    const char *name;
    const void *data;
    size_t size;
} scratch_entry;

// With `wide`, sizes and offsets stand in zip64 fields, as in files above 4 GB. Returns the offset
// of the central directory.
static inline size_t put_zip(scratch_bytes *out, const scratch_entry *entries, size_t count,
                             int wide) {
    size_t offsets[16];
    assert_true(count <= 16);
    for (size_t i = 0; i < count; i++) {
        offsets[i] = out->size;
        put(out, "PK\3\4", 4);
        put_number(out, 0x0808, 4); // version, flags: bit 3, as torch.save sets it
        put_number(out, 0, 6);      // method, time, date
        put_number(out, 0, 8);
        put_number(out, 0, 4); // CRC and sizes are in the directory
        put_number(out, strlen(entries[i].name), 2);
        put_number(out, 0, 2);
        put(out, entries[i].name, strlen(entries[i].name));
        put(out, entries[i].data, entries[i].size);
    }
    size_t directory = out->size;
    for (size_t i = 0; i < count; i++) {
        put(out, "PK\1\2", 4);
        put_number(out, 0, 4);
        put_number(out, 0, 4);
        put_number(out, 0, 4);
        put_number(out, 0, 4);
        put_number(out, wide ? UINT32_MAX : entries[i].size, 4);
        put_number(out, wide ? UINT32_MAX : entries[i].size, 4);
        put_number(out, strlen(entries[i].name), 2);
        put_number(out, wide ? 28 + 5 : 0, 2);
        put_number(out, 0, 8);
        put_number(out, 0, 2);
        put_number(out, wide ? UINT32_MAX : offsets[i], 4);
        put(out, entries[i].name, strlen(entries[i].name));
        if (wide) {
            put(out, "UT\1\0x", 5); // another field first
            put_number(out, 1, 2);
            put_number(out, 24, 2);
            put_number(out, entries[i].size, 8);
            put_number(out, entries[i].size, 8);
            put_number(out, offsets[i], 8);
        }
    }
    size_t end = out->size;
    if (wide) {
        put(out, "PK\6\6", 4);
        put_number(out, 44, 8);
        put_number(out, 0, 4);
        put_number(out, 0, 8);
        put_number(out, count, 8);
        put_number(out, count, 8);
        put_number(out, end - directory, 8);
        put_number(out, directory, 8);
        put(out, "PK\6\7", 4);
        put_number(out, 0, 4);
        put_number(out, end, 8);
        put_number(out, 1, 4);
    }
    put(out, "PK\5\6", 4);
    put_number(out, 0, 4);
    put_number(out, wide ? UINT16_MAX : count, 2);
    put_number(out, wide ? UINT16_MAX : count, 2);
    put_number(out, wide ? UINT32_MAX : end - directory, 4);
    put_number(out, wide ? UINT32_MAX : directory, 4);
    put_number(out, 0, 2);
    return directory;
}

#endif
