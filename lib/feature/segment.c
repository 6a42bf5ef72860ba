// segment.c - the layout of a segment file: header, keys, rows. Host byte order (little endian on
// every machine we build for); a foreign order fails the version check.
#include "feature/segment.h"
#include "core/error.h"

#include <assert.h>
#include <string.h>

static const char magic[8] = {'d', 'o', 'g', 'b', 'f', 'e', 'a', 't'};
static const char ending[] = ".seg";
enum { NAME_BYTES = 16 }; // of the checksum that make a file's name

typedef struct header {
    char magic[8];
    uint32_t version;
    uint32_t floats; // per row
    uint64_t count;  // rows
    dogb_sha256 set;
    uint8_t reserved[40];
    dogb_sha256 checksum; // of the whole file with this field zero
} header;
_Static_assert(sizeof(header) == 128, "layout of the file");
_Static_assert(sizeof(dogb_row_key) == 48, "layout of the file");

// Rows start at a multiple of 64 bytes.
static size_t rows_offset(size_t count) {
    size_t end = sizeof(header) + count * sizeof(dogb_row_key);
    return (end + 63) / 64 * 64;
}

size_t dogb_segment_size(uint32_t floats, size_t count) {
    return rows_offset(count) + count * floats * sizeof(float);
}

static int checksum_of(dogb_sha256 *out, const uint8_t *data, size_t size) {
    dogb_arena scratch = {0};
    dogb_hasher *hasher = NULL;
    header zeroed;
    memcpy(&zeroed, data, sizeof zeroed);
    memset(&zeroed.checksum, 0, sizeof zeroed.checksum);
    int rc = dogb_hasher_create(&hasher, &scratch);
    if (rc == DOGBREED_OK) {
        rc = dogb_hasher_add(hasher, &zeroed, sizeof zeroed);
    }
    if (rc == DOGBREED_OK) {
        rc = dogb_hasher_add(hasher, data + sizeof zeroed, size - sizeof zeroed);
    }
    if (rc == DOGBREED_OK) {
        rc = dogb_hasher_end(hasher, out);
    }
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_segment_read(dogb_segment *out, const uint8_t *data, size_t size, const dogb_sha256 *set,
                      uint32_t floats, const char *what) {
    header head;
    dogb_sha256 sum;
    memset(out, 0, sizeof *out);
    if (size < sizeof head) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: %zu bytes are no feature segment", what, size);
    }
    memcpy(&head, data, sizeof head);
    if (memcmp(head.magic, magic, sizeof magic) != 0 || head.version != DOGB_SEGMENT_VERSION) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: not a feature segment of version %d", what,
                         DOGB_SEGMENT_VERSION);
    }
    if (memcmp(&head.set, set, sizeof *set) != 0 || head.floats != floats) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: a segment of another feature set", what);
    }
    // A count that the size cannot hold would overflow the arithmetic below.
    if (head.count == 0 || head.count > size / sizeof(dogb_row_key) ||
        head.count > size / sizeof(float) / floats ||
        dogb_segment_size(floats, (size_t)head.count) != size) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: %zu bytes do not fit its %llu rows", what,
                         size, (unsigned long long)head.count);
    }
    int rc = checksum_of(&sum, data, size);
    if (rc < 0) {
        return rc;
    }
    if (memcmp(&sum, &head.checksum, sizeof sum) != 0) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: wrong checksum", what);
    }
    assert((uintptr_t)data % 8 == 0);
    out->keys = (const dogb_row_key *)(const void *)(data + sizeof head);
    out->rows = (const float *)(const void *)(data + rows_offset((size_t)head.count));
    out->count = (size_t)head.count;
    return DOGBREED_OK;
}

int dogb_segment_build(uint8_t **out, size_t *size, char name[72], dogb_arena *arena,
                       const dogb_sha256 *set, uint32_t floats, const dogb_row_key *keys,
                       const float *rows, size_t count) {
    header head = {.version = DOGB_SEGMENT_VERSION, .floats = floats, .count = count, .set = *set};
    char text[65];
    *size = dogb_segment_size(floats, count);
    *out = dogb_alloc(arena, *size, 1);
    if (*out == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    memcpy(head.magic, magic, sizeof magic);
    memcpy(*out, &head, sizeof head);
    memcpy(*out + sizeof head, keys, count * sizeof *keys);
    memcpy(*out + rows_offset(count), rows, count * floats * sizeof *rows);
    int rc = checksum_of(&head.checksum, *out, *size);
    if (rc < 0) {
        return rc;
    }
    memcpy(*out, &head, sizeof head);
    dogb_sha256_text(&head.checksum, text);
    memcpy(name, text, 2 * NAME_BYTES);
    memcpy(name + 2 * NAME_BYTES, ending, sizeof ending);
    return DOGBREED_OK;
}
