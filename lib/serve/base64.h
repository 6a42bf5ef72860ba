// base64.h - text as bytes (RFC 4648, with padding). Strict: nothing else stands in it.
#ifndef DOGB_SERVE_BASE64_H
#define DOGB_SERVE_BASE64_H

#include "core/arena.h"
#include "core/wire.h"

// FORMAT: not base64.
int dogb_base64_read(dogb_span *out, dogb_arena *arena, const char *text, size_t length);

#endif
