// base64.h - bytes as text and back (RFC 4648, with padding). Strict: nothing else stands in it.
#ifndef DOGB_CORE_BASE64_H
#define DOGB_CORE_BASE64_H

#include "core/buffer.h"
#include "core/wire.h"

void dogb_base64_add(dogb_buffer *out, const uint8_t *bytes, size_t size);

// FORMAT: not base64.
int dogb_base64_read(dogb_span *out, dogb_arena *arena, const char *text, size_t length);

#endif
