// base64.h - bytes as text (RFC 4648), for pictures and hashes inside a page.
#ifndef DOGB_REPORT_BASE64_H
#define DOGB_REPORT_BASE64_H

#include "core/buffer.h"

void dogb_base64_add(dogb_buffer *out, const uint8_t *bytes, size_t size);

#endif
