// journal.h - what is written down of a transfer in parts, so that another process can go on with
// it or end it: texts of JSON, made and read.
#ifndef DOGB_STORE_JOURNAL_H
#define DOGB_STORE_JOURNAL_H

#include "core/arena.h"

#include <stddef.h>
#include <stdint.h>

// An upload that is not over: who finds it aborts it on the server.
typedef struct dogb_upload_journal {
    const char *endpoint; // "": Amazon's own
    const char *bucket;
    const char *key;
    const char *id;
} dogb_upload_journal;

// A download that is not over.
typedef struct dogb_download_journal {
    const char *uri;
    const char *etag;
    const char *done; // '1' for each part that is there, '0' for the others
    int64_t size;
    int64_t part_size;
} dogb_download_journal;

// NULL: no memory.
char *dogb_upload_journal_text(dogb_arena *arena, const dogb_upload_journal *journal);
char *dogb_download_journal_text(dogb_arena *arena, const dogb_download_journal *journal);

// FORMAT: not one, or a torn one. `what` names it in messages.
int dogb_upload_journal_read(dogb_upload_journal *out, dogb_arena *arena, const char *text,
                             size_t size, const char *what);
int dogb_download_journal_read(dogb_download_journal *out, dogb_arena *arena, const char *text,
                               size_t size, const char *what);

#endif
