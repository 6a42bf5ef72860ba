// frame.c - see frame.h.
#include "tensorboard/frame.h"

#include "core/error.h"
#include "core/hash.h"
#include "core/wire.h"

#include <string.h>

enum { HEAD = DOGB_FRAME_HEAD, TAIL = DOGB_FRAME_TAIL };
enum { TIME = 9 }; // field 1 of an event stands first

// A checksum of data that holds its own checksum would tell nothing: so the format turns it.
uint32_t dogb_frame_mask(uint32_t crc32c) {
    return (crc32c >> 15 | crc32c << 17) + 0xa282ead8;
}

static uint32_t masked(const void *data, size_t size) {
    return dogb_frame_mask(dogb_crc32c(data, size));
}

void dogb_frame_head(char out[DOGB_FRAME_HEAD], uint64_t length) {
    dogb_wire_store(out, length, 8);
    dogb_wire_store(out + 8, masked(out, 8), 4);
}

void dogb_frame_close(dogb_buffer *out, size_t at) {
    size_t length = out->length - at;
    char head[HEAD];
    dogb_frame_head(head, length);
    dogb_buffer_put(out, head, HEAD); // makes room
    if (out->rc < 0) {
        return;
    }
    memmove(out->data + at + HEAD, out->data + at, length);
    memcpy(out->data + at, head, HEAD);
    dogb_wire_put32(out, masked(out->data + at + HEAD, length));
}

// Bits of positive numbers are in the order of the numbers.
static void begin_not_before(char *record, size_t length, const char *earlier) {
    char *event = record + HEAD;
    if (dogb_wire_load(event + 1, 8) >= dogb_wire_load(earlier + HEAD + 1, 8)) {
        return;
    }
    memcpy(event, earlier + HEAD, TIME);
    dogb_wire_store(event + length, masked(event, length), TAIL);
}

// The lengths are those of the records, which are ours: `data` may be anything.
int dogb_frame_continues(dogb_buffer *records, const char *data, size_t size) {
    const char *last = NULL;
    size_t next = 0;
    for (size_t at = 0; at < records->length; at = next) {
        char *record = records->data + at;
        size_t length = (size_t)dogb_wire_load(record, 8);
        next = at + HEAD + length + TAIL;
        if (at >= size && last != NULL) {
            begin_not_before(record, length, last);
            continue;
        }
        if (next > size || memcmp(record, data + at, HEAD) != 0 ||
            memcmp(record + HEAD + TIME, data + at + HEAD + TIME, length - TIME) != 0) {
            return 0;
        }
        last = data + at;
    }
    return size <= records->length;
}

int dogb_frame_read(dogb_frame *out, const void *data, size_t size, const char *path, size_t at) {
    const uint8_t *record = data;
    if (size < HEAD) {
        return 0;
    }
    if (dogb_wire_load(record + 8, 4) != masked(record, 8)) {
        return dogb_fail(DOGBREED_ERROR_FORMAT,
                         "%s: damaged at byte %zu: the checksum of a length is wrong", path, at);
    }
    uint64_t length = dogb_wire_load(record, 8);
    if (length > SIZE_MAX - HEAD - TAIL || size < HEAD + length + TAIL) {
        return 0;
    }
    *out = (dogb_frame){
        .event = record + HEAD, .length = (size_t)length, .size = HEAD + (size_t)length + TAIL};
    uint64_t sum = dogb_wire_load(record + HEAD + length, TAIL);
    if (sum != masked(out->event, out->length)) {
        if (sum != DOGB_FRAME_CONSTANT) {
            return dogb_fail(DOGBREED_ERROR_FORMAT,
                             "%s: damaged at byte %zu: the checksum of a record is wrong", path,
                             at);
        }
        out->constant = 1;
    }
    return 1;
}
