// digest.h - sums of parts of files as S3 uses them: SHA-256 of bodies, MD5 of ETags.
#ifndef DOGB_STORE_DIGEST_H
#define DOGB_STORE_DIGEST_H

#include <stdint.h>

enum { DOGB_SHA256_TEXT = 65, DOGB_MD5_TEXT = 33, DOGB_ETAG_TEXT = 48 };

// Both in one reading, in lower-case hexadecimal; each may be NULL. MD5 is "" where the system
// forbids it. IO: the file is shorter, or cannot be read.
int dogb_digest_part(char sha256[DOGB_SHA256_TEXT], char md5[DOGB_MD5_TEXT], int descriptor,
                     int64_t offset, int64_t size);

// A part as it was sent: the MD5 of its bytes ("" where the system forbids it), and the ETag that
// the server gave it.
typedef struct dogb_sent {
    char md5[DOGB_MD5_TEXT];
    char etag[95];
} dogb_sent;

// The ETag of an object that came in parts: the MD5 of the parts' MD5s, "-" and their number. ""
// where the system forbids MD5.
int dogb_digest_of_parts(char etag[DOGB_ETAG_TEXT], const dogb_sent *parts, int32_t count);

// *same 1: the file has this ETag; 0: it has another; -1: the ETag does not say. Parts are taken to
// have part_size bytes.
int dogb_digest_compare(int *same, int descriptor, int64_t size, const char *etag,
                        int64_t part_size);

#endif
