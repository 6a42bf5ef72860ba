// tokens.h - who may use the server: bearer tokens from a file. Kept as hashes alone.
#ifndef DOGB_SERVE_TOKENS_H
#define DOGB_SERVE_TOKENS_H

#include "core/arena.h"

typedef struct dogb_tokens dogb_tokens;

// One token a line; empty lines and those with '#' in front are left out. NOT_FOUND, IO, FORMAT.
int dogb_tokens_read(dogb_tokens **out, dogb_arena *arena, const char *path);

// 1: the value of an Authorization header names one of them. NULL: there was no such header. Takes
// as long for any token.
int dogb_tokens_allow(const dogb_tokens *tokens, const char *authorization);

#endif
