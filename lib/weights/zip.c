// zip.c - see zip.h. Local headers are only asked where the data begins: torch.save leaves their
// sizes out. Every number from the file is checked before it is used.
#include "weights/zip.h"
#include "core/error.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    END_SIZE = 22, // of the end record without comment
    LOCATOR_SIZE = 20,
    END64_SIZE = 56,
    CENTRAL_SIZE = 46,
    LOCAL_SIZE = 30,
    COMMENT_MAX = 65535
};

typedef struct archive {
    const char *path;
    const uint8_t *data;
    size_t size;
    uint64_t entries;
    uint64_t directory; // offset of the central directory
    uint64_t directory_size;
} archive;

static uint32_t u16(const uint8_t *data) {
    return (uint32_t)data[0] | (uint32_t)data[1] << 8;
}

static uint32_t u32(const uint8_t *data) {
    return u16(data) | u16(data + 2) << 16;
}

static uint64_t u64(const uint8_t *data) {
    return u32(data) | (uint64_t)u32(data + 4) << 32;
}

static int is_signature(const uint8_t *data, uint8_t third, uint8_t fourth) {
    return data[0] == 'P' && data[1] == 'K' && data[2] == third && data[3] == fourth;
}

static int refuse(const archive *zip, const char *text) {
    return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: zip: %s", zip->path, text);
}

// The end record is the last one whose comment reaches exactly to the end of the file.
static int find_end(const archive *zip, size_t *out) {
    if (zip->size < END_SIZE) {
        return refuse(zip, "too short");
    }
    size_t last = zip->size - END_SIZE;
    size_t first = last > COMMENT_MAX ? last - COMMENT_MAX : 0;
    for (size_t i = last + 1; i-- > first;) {
        if (is_signature(zip->data + i, 5, 6) &&
            u16(zip->data + i + 20) == zip->size - i - END_SIZE) {
            *out = i;
            return DOGBREED_OK;
        }
    }
    return refuse(zip, "no central directory: the file is cut short or damaged");
}

static int read_end(archive *zip) {
    size_t end = 0;
    int rc = find_end(zip, &end);
    if (rc < 0) {
        return rc;
    }
    const uint8_t *record = zip->data + end;
    uint64_t limit = end; // the directory ends before this
    if (u16(record + 4) != 0 || u16(record + 6) != 0) {
        return refuse(zip, "one part of several");
    }
    zip->entries = u16(record + 10);
    zip->directory_size = u32(record + 12);
    zip->directory = u32(record + 16);
    if (end >= LOCATOR_SIZE && is_signature(record - LOCATOR_SIZE, 6, 7)) {
        uint64_t at = u64(record - LOCATOR_SIZE + 8);
        if (end < LOCATOR_SIZE + END64_SIZE || at > end - LOCATOR_SIZE - END64_SIZE ||
            !is_signature(zip->data + at, 6, 6)) {
            return refuse(zip, "the zip64 end record is not where it should be");
        }
        const uint8_t *record64 = zip->data + at;
        zip->entries = u64(record64 + 32);
        zip->directory_size = u64(record64 + 40);
        zip->directory = u64(record64 + 48);
        limit = at;
    }
    if (zip->directory > limit || zip->directory_size > limit - zip->directory) {
        return refuse(zip, "the central directory does not fit in the file");
    }
    if (zip->entries > zip->directory_size / CENTRAL_SIZE) {
        return refuse(zip, "more entries than the central directory has room for");
    }
    return DOGBREED_OK;
}

// Sizes and offset that did not fit in 32 bits are in the extra field with id 1, in this order.
static int read_zip64(const archive *zip, const uint8_t *extra, size_t length,
                      uint64_t *const fields[3]) {
    for (size_t i = 0; i + 4 <= length;) {
        size_t id = u16(extra + i);
        size_t bytes = u16(extra + i + 2);
        size_t at = i + 4;
        if (bytes > length - at) {
            break;
        }
        i = at + bytes;
        if (id != 1) {
            continue;
        }
        for (int k = 0; k < 3; k++) {
            if (*fields[k] != UINT32_MAX) {
                continue;
            }
            if (i - at < 8) {
                return refuse(zip, "a zip64 field is too short");
            }
            *fields[k] = u64(extra + at);
            at += 8;
        }
        return DOGBREED_OK;
    }
    return DOGBREED_OK;
}

static int locate(const archive *zip, dogb_zip_entry *entry, uint64_t offset, uint64_t size) {
    if (zip->directory < LOCAL_SIZE || offset > zip->directory - LOCAL_SIZE ||
        !is_signature(zip->data + offset, 3, 4)) {
        return refuse(zip, "an entry is not where the central directory says");
    }
    const uint8_t *local = zip->data + offset;
    uint64_t begin = offset + LOCAL_SIZE + u16(local + 26) + u16(local + 28);
    if (begin > zip->directory || size > zip->directory - begin) {
        return refuse(zip, "an entry does not fit in the file");
    }
    entry->data = zip->data + begin;
    entry->size = (size_t)size;
    return DOGBREED_OK;
}

static int read_entry(const archive *zip, dogb_zip_entry *entry, size_t *position) {
    const uint8_t *record = zip->data + *position;
    size_t left = (size_t)(zip->directory + zip->directory_size) - *position;
    if (left < CENTRAL_SIZE || !is_signature(record, 1, 2)) {
        return refuse(zip, "the central directory is damaged");
    }
    size_t name_length = u16(record + 28);
    size_t extra_length = u16(record + 30);
    size_t total = CENTRAL_SIZE + name_length + extra_length + u16(record + 32);
    if (total > left) {
        return refuse(zip, "the central directory is damaged");
    }
    uint64_t size = u32(record + 24);
    uint64_t packed = u32(record + 20);
    uint64_t offset = u32(record + 42);
    uint64_t *const fields[3] = {&size, &packed, &offset};
    int rc = read_zip64(zip, record + CENTRAL_SIZE + name_length, extra_length, fields);
    if (rc < 0) {
        return rc;
    }
    entry->name = (const char *)record + CENTRAL_SIZE;
    entry->name_length = name_length;
    entry->crc = u32(record + 16);
    *position += total;
    if ((u16(record + 8) & 1) != 0) {
        entry->problem = "encrypted";
    } else if (u16(record + 10) != 0) {
        entry->problem = "compressed";
    } else if (size != packed) {
        return refuse(zip, "a stored entry has two sizes");
    }
    return locate(zip, entry, offset, packed);
}

static int compare_entries(const void *a, const void *b) {
    const dogb_zip_entry *left = a;
    const dogb_zip_entry *right = b;
    size_t shorter =
        left->name_length < right->name_length ? left->name_length : right->name_length;
    int order = memcmp(left->name, right->name, shorter);
    return order != 0 ? order
                      : (left->name_length > right->name_length) -
                            (left->name_length < right->name_length);
}

int dogb_zip_open(dogb_zip *out, dogb_arena *arena, const char *path, const uint8_t *data,
                  size_t size) {
    archive zip = {.path = path, .data = data, .size = size};
    memset(out, 0, sizeof *out);
    int rc = read_end(&zip);
    if (rc < 0) {
        return rc;
    }
    size_t count = (size_t)zip.entries;
    size_t position = (size_t)zip.directory;
    dogb_zip_entry *entries = dogb_alloc(arena, count, sizeof *entries);
    if (entries == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        if ((rc = read_entry(&zip, &entries[i], &position)) < 0) {
            return rc;
        }
    }
    qsort(entries, count, sizeof *entries, compare_entries);
    for (size_t i = 1; i < count; i++) {
        if (compare_entries(&entries[i - 1], &entries[i]) == 0) {
            return refuse(&zip, "two entries have the same name");
        }
    }
    out->entries = entries;
    out->count = count;
    return DOGBREED_OK;
}

const dogb_zip_entry *dogb_zip_find(const dogb_zip *zip, const char *name, size_t length) {
    const dogb_zip_entry wanted = {.name = name, .name_length = length};
    return zip->count == 0
               ? NULL
               : bsearch(&wanted, zip->entries, zip->count, sizeof wanted, compare_entries);
}

int dogb_zip_check_stored(const char *path, const dogb_zip_entry *entry) {
    if (entry->problem == NULL) {
        return DOGBREED_OK;
    }
    int shown = entry->name_length > 100 ? 100 : (int)entry->name_length;
    return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                     "%s: zip: entry %.*s is %s, expected stored as torch.save does", path, shown,
                     entry->name, entry->problem);
}

uint32_t dogb_crc32(const void *data, size_t size) {
    return (uint32_t)crc32_z(crc32_z(0, NULL, 0), data, size);
}
