// uri.h - s3://bucket/key, and percent-encoding as Amazon S3 wants it.
#ifndef DOGB_STORE_URI_H
#define DOGB_STORE_URI_H

#include "core/arena.h"

enum { DOGB_KEY_MAX = 1024, DOGB_BUCKET_MAX = 255 }; // bytes

typedef struct dogb_uri {
    char *bucket;
    char *key; // as it is stored, nothing is decoded; "" for the bucket itself
} dogb_uri;

// 1: the text begins with s3://.
int dogb_uri_is_s3(const char *text);

// Everything behind the bucket's '/' is the key, also '%', '?' and '#'. INVALID_ARGUMENT: no s3
// URI; a bucket's name that is none; a key that is too long.
int dogb_uri_parse(dogb_uri *out, dogb_arena *arena, const char *text);

// All bytes but A-Z a-z 0-9 - _ . ~ as %XX. keep: one more byte that stays ('/' in paths), 0 for
// none. NULL: no memory.
char *dogb_uri_encode(dogb_arena *arena, const char *text, char keep);

// The other way, in place; a '+' is a blank, as in listings with encoding-type=url. FORMAT: a '%'
// without two hexadecimal digits; an encoded zero byte.
int dogb_uri_decode(char *text);

#endif
