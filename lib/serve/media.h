// media.h - the fields of HTTP that name a format: Content-Type and Accept (RFC 9110).
#ifndef DOGB_SERVE_MEDIA_H
#define DOGB_SERVE_MEDIA_H

#include <stddef.h>
#include <stdint.h>

// 1: text[0..length) is the word, whatever the case.
int dogb_word_is(const char *text, size_t length, const char *word);

// 1: `type` is `name` (lower case), whatever its parameters are.
int dogb_media_is(const char *type, const char *name);

// The value of a parameter of `type`, without its quotes. Returns its length; 0: it is not there,
// empty, malformed, or longer than size - 1.
size_t dogb_media_parameter(char *out, size_t size, const char *type, const char *name);

// How much somebody who sent this Accept wants `name`: 0 not at all, 1000 best. "": all the same.
int32_t dogb_media_quality(const char *accept, const char *name);

#endif
