// write.h - a document as a reply; its pieces are those of core/write.h.
#ifndef DOGB_SERVE_WRITE_H
#define DOGB_SERVE_WRITE_H

#include "core/write.h"
#include "serve/request.h"

// The buffer as a whole reply of status 200. Returns its rc.
int dogb_write_reply(dogb_reply *reply, const dogb_buffer *out, const char *type);

#endif
