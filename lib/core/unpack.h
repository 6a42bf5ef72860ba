// unpack.h - a tar stream, compressed or not, as files below a folder: names by the rules of
// entry.h, nothing is followed, nothing is overwritten, bounds on all that can grow.
#ifndef DOGB_CORE_UNPACK_H
#define DOGB_CORE_UNPACK_H

#include "core/arena.h"

#include <stddef.h>
#include <stdint.h>

typedef struct dogb_unpack_conf {
    const char *what;      // names the archive in messages
    const char *directory; // there, and best empty
    int64_t bytes_max;     // of all files together
    int64_t files_max;     // files and folders
} dogb_unpack_conf;

typedef struct dogb_unpack_counts {
    int64_t files;
    int64_t bytes;
} dogb_unpack_counts;

// Takes the archive in any pieces; whether it is gzip is seen at its first bytes. Files are not
// synced. What an archive that is refused later has left behind is the caller's to remove. Errors:
// FORMAT, IO, NO_MEMORY.
typedef struct dogb_unpack dogb_unpack;
int dogb_unpack_create(dogb_unpack **out, dogb_arena *arena, const dogb_unpack_conf *conf);
int dogb_unpack_feed(dogb_unpack *unpack, const void *data, size_t size);
int dogb_unpack_end(dogb_unpack *unpack, dogb_unpack_counts *counts); // counts may be NULL

// A whole file. Errors also NOT_FOUND.
int dogb_unpack_file(const char *path, const dogb_unpack_conf *conf, dogb_unpack_counts *counts);

#endif
