// wire.c - see wire.h.
#include "core/wire.h"

#include "core/error.h"
#include "core/json.h"

#include <string.h>

enum { VARINT = 0, FIXED64 = 1, LENGTH = 2, FIXED32 = 5 }; // kinds of fields
enum { VARINT_MAX = 10 };

// Seven bits a byte, the lowest first; the top bit says that more follow.
static size_t varint(char out[VARINT_MAX], uint64_t value) {
    size_t size = 0;
    do {
        out[size] = (char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
        size++;
    } while (value > 0);
    return size;
}

static void put_varint(dogb_buffer *out, uint64_t value) {
    char bytes[VARINT_MAX];
    dogb_buffer_put(out, bytes, varint(bytes, value));
}

static void put_key(dogb_buffer *out, uint32_t field, uint32_t kind) {
    put_varint(out, (uint64_t)field << 3 | kind);
}

static void put_little(dogb_buffer *out, uint64_t value, size_t size) {
    char bytes[8];
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (char)(value >> 8 * i & 0xff);
    }
    dogb_buffer_put(out, bytes, size);
}

void dogb_wire_put32(dogb_buffer *out, uint32_t value) {
    put_little(out, value, 4);
}

void dogb_wire_put64(dogb_buffer *out, uint64_t value) {
    put_little(out, value, 8);
}

uint32_t dogb_wire_bits(float value) {
    uint32_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

void dogb_wire_integer(dogb_buffer *out, uint32_t field, int64_t value) {
    put_key(out, field, VARINT);
    put_varint(out, (uint64_t)value);
}

void dogb_wire_float(dogb_buffer *out, uint32_t field, float value) {
    put_key(out, field, FIXED32);
    dogb_wire_put32(out, dogb_wire_bits(value));
}

void dogb_wire_double(dogb_buffer *out, uint32_t field, double value) {
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    put_key(out, field, FIXED64);
    dogb_wire_put64(out, bits);
}

void dogb_wire_bytes(dogb_buffer *out, uint32_t field, const void *data, size_t size) {
    put_key(out, field, LENGTH);
    put_varint(out, size);
    dogb_buffer_put(out, data, size);
}

// Readers refuse a whole message for one text that is no UTF-8.
void dogb_wire_text(dogb_buffer *out, uint32_t field, const char *text) {
    size_t size = strlen(text);
    dogb_wire_bytes(out, field, text, size);
    if (out->rc == DOGBREED_OK) {
        dogb_text_repair(out->data + out->length - size);
    }
}

size_t dogb_wire_open(dogb_buffer *out, uint32_t field) {
    put_key(out, field, LENGTH);
    return out->length;
}

// The length stands before the message and is known behind it: the message moves a few bytes.
void dogb_wire_close(dogb_buffer *out, size_t at) {
    char bytes[VARINT_MAX];
    size_t length = out->length - at;
    size_t size = varint(bytes, length);
    dogb_buffer_put(out, bytes, size); // makes room
    if (out->rc == DOGBREED_OK) {
        memmove(out->data + at + size, out->data + at, length);
        memcpy(out->data + at, bytes, size);
    }
}
