// records.h - event files in tests: whole records, and what stands in them.
#ifndef DOGB_TEST_RECORDS_H
#define DOGB_TEST_RECORDS_H

#include "scratch.h"

#include "core/buffer.h"
#include "core/hash.h"

#include <dirent.h>

static inline uint32_t records_word(const char *at) {
    uint32_t word = 0;
    for (int i = 0; i < 4; i++) {
        word |= (uint32_t)(unsigned char)at[i] << 8 * i;
    }
    return word;
}

static inline int records_sum_is(const char *data, size_t size, const char *sum) {
    uint32_t crc = dogb_crc32c(data, size);
    return records_word(sum) == (uint32_t)((crc >> 15 | crc << 17) + 0xa282ead8u);
}

// The bytes that were written, against a golden text of them.
static inline void records_assert_hex(const dogb_buffer *found, const char *hex) {
    char text[1024] = "";
    assert_int_equal(found->rc, 0);
    for (size_t i = 0; i < found->length; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", (unsigned)(unsigned char)found->data[i]);
    }
    assert_string_equal(text, hex);
}

// Whole records with right checksums from the start on, as readers take them; *whole (may be NULL):
// their bytes.
static inline int records_count(const char *data, size_t size, size_t *whole) {
    size_t at = 0;
    int count = 0;
    while (size - at >= 16) {
        size_t length = records_word(data + at);
        if (records_word(data + at + 4) != 0 || !records_sum_is(data + at, 8, data + at + 8) ||
            size - at < 16 + length ||
            !records_sum_is(data + at + 12, length, data + at + 12 + length)) {
            break;
        }
        at += 16 + length;
        count++;
    }
    if (whole != NULL) {
        *whole = at;
    }
    return count;
}

// How often a text stands in the data.
static inline int records_find(const char *data, size_t size, const char *text) {
    size_t length = strlen(text);
    int count = 0;
    for (size_t i = 0; i + length <= size; i++) {
        count += memcmp(data + i, text, length) == 0;
    }
    return count;
}

// Event files of a folder; the name of the last one in the order of names, in a static buffer.
static inline int records_files(const char *folder, const char **name) {
    static char last[256];
    int count = 0;
    DIR *list = opendir(folder);
    *last = '\0';
    for (struct dirent *e = list == NULL ? NULL : readdir(list); e != NULL; e = readdir(list)) {
        if (strstr(e->d_name, "tfevents") != NULL) {
            count++;
            if (strcmp(e->d_name, last) > 0) {
                (void)snprintf(last, sizeof last, "%s", e->d_name);
            }
        }
    }
    if (list != NULL) {
        (void)closedir(list);
    }
    if (name != NULL) {
        *name = last;
    }
    return count;
}

// The newest event file, every byte of it in whole records. Returns how many those are.
static inline int records_read(char **data, size_t *size, dogb_arena *arena, const char *folder) {
    const char *name = NULL;
    size_t whole = 0;
    void *bytes = NULL;
    assert_true(records_files(folder, &name) > 0);
    assert_ok(dogb_file_read(&bytes, size, arena, dogb_path_join(arena, folder, name), 1 << 20));
    int count = records_count(bytes, *size, &whole);
    assert_int_equal(whole, *size);
    *data = bytes;
    return count;
}

#endif
