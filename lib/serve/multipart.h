// multipart.h - the parts of a multipart/form-data body (RFC 7578, RFC 2046). Strict: lines end
// with CR LF, every part says that it is form data, nothing is encoded for transfer.
#ifndef DOGB_SERVE_MULTIPART_H
#define DOGB_SERVE_MULTIPART_H

#include "core/arena.h"
#include "core/wire.h"

typedef struct dogb_multipart {
    dogb_span *parts; // contents, inside of the body
    int32_t count;
} dogb_multipart;

// `type`: the Content-Type with its boundary. FORMAT; INDEX: more than parts_max parts.
int dogb_multipart_read(dogb_multipart *out, dogb_arena *arena, const char *type, dogb_span body,
                        int32_t parts_max);

#endif
