// record.c - see record.h.
#include "tensorboard/record.h"

#include "core/hash.h"
#include "core/wire.h"

#include <string.h>

enum { HEAD = 12, TAIL = 4 }; // length: 8 bytes, its checksum: 4; checksum of the event: 4
enum { TIME = 9 };            // field 1 of an event stands first

// A checksum of data that holds its own checksum would tell nothing: so the format turns it.
static uint32_t masked(const char *data, size_t size) {
    uint32_t sum = dogb_crc32c(data, size);
    return (sum >> 15 | sum << 17) + 0xa282ead8;
}

void dogb_record_close(dogb_buffer *out, size_t at) {
    size_t length = out->length - at;
    char head[HEAD];
    dogb_wire_put64(out, length); // behind the event, for now
    dogb_wire_put32(out, out->rc < 0 ? 0 : masked(out->data + at + length, 8));
    if (out->rc < 0) {
        return;
    }
    memcpy(head, out->data + at + length, HEAD);
    memmove(out->data + at + HEAD, out->data + at, length);
    memcpy(out->data + at, head, HEAD);
    dogb_wire_put32(out, masked(out->data + at + HEAD, length));
}

static uint64_t read64(const char *at) {
    uint64_t value = 0;
    for (size_t i = 0; i < 8; i++) {
        value |= (uint64_t)(unsigned char)at[i] << 8 * i;
    }
    return value;
}

// Bits of positive numbers are in the order of the numbers.
static void begin_not_before(char *record, size_t length, const char *earlier) {
    char *event = record + HEAD;
    if (read64(event + 1) >= read64(earlier + HEAD + 1)) {
        return;
    }
    memcpy(event, earlier + HEAD, TIME);
    uint32_t sum = masked(event, length);
    for (size_t i = 0; i < TAIL; i++) {
        event[length + i] = (char)(sum >> 8 * i & 0xff);
    }
}

// The lengths are those of the records, which are ours: `data` may be anything.
int dogb_record_continues(dogb_buffer *records, const char *data, size_t size) {
    const char *last = NULL;
    size_t next = 0;
    for (size_t at = 0; at < records->length; at = next) {
        char *record = records->data + at;
        size_t length = (size_t)read64(record);
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
