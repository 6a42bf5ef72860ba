// callback.h - which addresses a server may call: a file of prefixes. Pure functions over texts.
#ifndef DOGB_SERVE_CALLBACK_H
#define DOGB_SERVE_CALLBACK_H

#include "core/arena.h"

typedef struct dogb_callbacks dogb_callbacks;

// A URL a line; lines that begin with '#' are comments. FORMAT: one is no such URL, or there is
// none.
int dogb_callbacks_read(dogb_callbacks **out, dogb_arena *arena, const char *path);

// The same of a text; path names it in messages.
int dogb_callbacks_parse(dogb_callbacks **out, dogb_arena *arena, const char *path,
                         const char *text);

// 1: scheme, host and port are byte for byte those of an entry, and the path is the entry's or lies
// below it. Of http and https alone; 0 for names with a password, fragments, dots and slashes that
// are escaped or lead upwards, and everything outside of ASCII.
int dogb_callbacks_allow(const dogb_callbacks *callbacks, const char *url);

#endif
