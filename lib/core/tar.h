// tar.h - tar files: written in one form only, read strictly, as a stream of any pieces. What
// happens with the entries is the caller's affair (unpack.h makes files of them).
#ifndef DOGB_CORE_TAR_H
#define DOGB_CORE_TAR_H

#include "core/arena.h"

#include <stddef.h>
#include <stdint.h>

enum { DOGB_TAR_BLOCK = 512 };

// The header of a regular file: POSIX ustar, mode 0644, owner and group 0 without names. time:
// seconds since 1970. INVALID_ARGUMENT: a name of more than 100 bytes, 8 GiB or more.
int dogb_tar_header(uint8_t block[DOGB_TAR_BLOCK], const char *name, int64_t size, int64_t time);

// Fields of headers, for those who walk over a file in memory. Octal digits between blanks and
// zero bytes; -1: something else.
int64_t dogb_tar_octal(const uint8_t *text, size_t length);
int dogb_tar_sum_fits(const uint8_t block[DOGB_TAR_BLOCK]);

typedef struct dogb_tar_entry {
    const char *name; // as it stands there, with its zero byte; not checked
    size_t length;    // of name
    int64_t size;     // of a file
    int32_t directory;
} dogb_tar_entry;

// Called in the order of the archive; a negative result ends the reading and is passed on.
typedef struct dogb_tar_calls {
    int (*begin)(const dogb_tar_entry *entry, void *userdata); // of a file or folder
    int (*data)(const void *bytes, size_t size, void *userdata);
    int (*end)(void *userdata); // of a file
    void *userdata;
} dogb_tar_calls;

// Reads ustar, pax (POSIX.1-2001) and GNU's long names. Regular files and folders only: links,
// devices, sparse files and whatever else there is are FORMAT. `what` names the archive in
// messages.
typedef struct dogb_tar dogb_tar;
int dogb_tar_create(dogb_tar **out, dogb_arena *arena, const char *what,
                    const dogb_tar_calls *calls);
int dogb_tar_feed(dogb_tar *tar, const void *data, size_t size);
int dogb_tar_end(const dogb_tar *tar); // FORMAT: the end of the archive has not come

#endif
