// wire.h - the wire format of Protocol Buffers, written: one field behind another in a buffer. What
// the fields mean, and which may be left out, is the caller's affair.
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

// Without a field: what stands in packed lists, and in the frames of other formats.
void dogb_wire_put32(dogb_buffer *out, uint32_t value); // little endian
void dogb_wire_put64(dogb_buffer *out, uint64_t value);
uint32_t dogb_wire_bits(float value);

#endif
