// wire.h - the wire format of Protocol Buffers: one field behind another. What the fields mean, and
// which may be left out, is the caller's affair.
#ifndef DOGB_CORE_WIRE_H
#define DOGB_CORE_WIRE_H

#include "core/buffer.h"

#include <stddef.h>
#include <stdint.h>

// `field` is its number in the message's definition.
void dogb_wire_integer(dogb_buffer *out, uint32_t field, int64_t value); // int32, int64, bool, enum
void dogb_wire_float(dogb_buffer *out, uint32_t field, float value);
void dogb_wire_double(dogb_buffer *out, uint32_t field, double value);
void dogb_wire_bytes(dogb_buffer *out, uint32_t field, const void *data, size_t size);
void dogb_wire_text(dogb_buffer *out, uint32_t field, const char *text); // valid UTF-8 always

// A message inside: its fields are what is written between the two; `at` is what open returned.
size_t dogb_wire_open(dogb_buffer *out, uint32_t field);
void dogb_wire_close(dogb_buffer *out, size_t at);

// A message or bytes of `size` bytes, which the caller puts behind it.
void dogb_wire_begin(dogb_buffer *out, uint32_t field, size_t size);

// Without a field: what stands in packed lists, and in the frames of other formats.
void dogb_wire_put32(dogb_buffer *out, uint32_t value); // little endian
void dogb_wire_put64(dogb_buffer *out, uint64_t value);
uint32_t dogb_wire_bits(float value);
void dogb_wire_store(char *out, uint64_t value, size_t size); // little endian, 8 bytes at most
uint64_t dogb_wire_load(const void *at, size_t size);

// --- reading

// Bytes of somebody else's.
typedef struct dogb_span {
    const uint8_t *data;
    size_t size;
} dogb_span;
int dogb_span_is(dogb_span span, const char *text); // 1: the same bytes

enum { DOGB_WIRE_VARINT = 0, DOGB_WIRE_FIXED64 = 1, DOGB_WIRE_BYTES = 2, DOGB_WIRE_FIXED32 = 5 };

typedef struct dogb_wire_field {
    uint32_t number;
    uint32_t kind;  // DOGB_WIRE_
    uint64_t value; // of all kinds but BYTES
    dogb_span bytes;
} dogb_wire_field;

// Takes the next field off the front of a message. 1: here it is; 0: that was all; -1: the bytes
// are no message (no error is set: the caller knows what they should have been).
int dogb_wire_next(dogb_wire_field *out, dogb_span *message);
double dogb_wire_to_double(uint64_t value); // of FIXED64
float dogb_wire_to_float(uint64_t value);   // of FIXED32

#endif
