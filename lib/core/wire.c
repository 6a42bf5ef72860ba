// wire.c - see wire.h.
#include "core/wire.h"

#include "core/error.h"
#include "core/json.h"

#include <string.h>

enum {
    VARINT = DOGB_WIRE_VARINT,
    FIXED64 = DOGB_WIRE_FIXED64,
    LENGTH = DOGB_WIRE_BYTES,
    FIXED32 = DOGB_WIRE_FIXED32
};
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

void dogb_wire_store(char *out, uint64_t value, size_t size) {
    for (size_t i = 0; i < size; i++) {
        out[i] = (char)(value >> 8 * i & 0xff);
    }
}

uint64_t dogb_wire_load(const void *at, size_t size) {
    const uint8_t *byte = at;
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        value |= (uint64_t)byte[i] << 8 * i;
    }
    return value;
}

static void put_little(dogb_buffer *out, uint64_t value, size_t size) {
    char bytes[8];
    dogb_wire_store(bytes, value, size);
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

void dogb_wire_begin(dogb_buffer *out, uint32_t field, size_t size) {
    put_key(out, field, LENGTH);
    put_varint(out, size);
}

void dogb_wire_bytes(dogb_buffer *out, uint32_t field, const void *data, size_t size) {
    dogb_wire_begin(out, field, size);
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

// --- reading

int dogb_span_is(dogb_span span, const char *text) {
    return span.size == strlen(text) && memcmp(span.data, text, span.size) == 0;
}

static dogb_span take(dogb_span *from, size_t size) {
    dogb_span front = {from->data, size};
    from->data += size;
    from->size -= size;
    return front;
}

static int take_varint(uint64_t *out, dogb_span *from) {
    *out = 0;
    for (size_t i = 0; i < VARINT_MAX && i < from->size; i++) {
        uint64_t seven = from->data[i] & 0x7f;
        if (i == VARINT_MAX - 1 && seven > 1) {
            return -1; // more than 64 bits
        }
        *out |= seven << 7 * i;
        if ((from->data[i] & 0x80) == 0) {
            (void)take(from, i + 1);
            return 1;
        }
    }
    return -1;
}

static int take_little(uint64_t *out, dogb_span *from, size_t size) {
    if (from->size < size) {
        return -1;
    }
    *out = dogb_wire_load(take(from, size).data, size);
    return 1;
}

static int take_bytes(dogb_span *out, dogb_span *from) {
    uint64_t size = 0;
    if (take_varint(&size, from) < 0 || size > from->size) {
        return -1;
    }
    *out = take(from, (size_t)size);
    return 1;
}

int dogb_wire_next(dogb_wire_field *out, dogb_span *message) {
    uint64_t key = 0;
    *out = (dogb_wire_field){.number = 0};
    if (message->size == 0) {
        return 0;
    }
    if (take_varint(&key, message) < 0 || key >> 3 == 0 || key >> 32 != 0) {
        return -1;
    }
    out->number = (uint32_t)(key >> 3);
    out->kind = key & 7;
    switch (out->kind) {
    case VARINT:
        return take_varint(&out->value, message);
    case FIXED64:
        return take_little(&out->value, message, 8);
    case FIXED32:
        return take_little(&out->value, message, 4);
    case LENGTH:
        return take_bytes(&out->bytes, message);
    default:
        return -1; // groups: nobody writes them any more
    }
}

double dogb_wire_to_double(uint64_t value) {
    double number = 0;
    memcpy(&number, &value, sizeof number);
    return number;
}

float dogb_wire_to_float(uint64_t value) {
    uint32_t bits = (uint32_t)value;
    float number = 0;
    memcpy(&number, &bits, sizeof number);
    return number;
}
