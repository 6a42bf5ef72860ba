// regex.h - POSIX extended regular expressions from outside: what Python's have and POSIX's do not
// is refused by name, and so is what the C library would take exponential time or memory for.
#ifndef DOGB_CORE_REGEX_H
#define DOGB_CORE_REGEX_H

#include "core/arena.h"

#include <regex.h>

enum { DOGB_REGEX_MAX = 500 };

typedef struct dogb_regex {
    regex_t posix;
} dogb_regex;

// The number of groups in parentheses. INVALID_ARGUMENT: lookahead, lazy repetitions, \d and the
// like; repetitions of repetitions. `what` names the option in the message.
int dogb_regex_check(const char *what, const char *pattern);

// Checked and compiled; lives in the arena. flags: regcomp's beside REG_EXTENDED.
// INVALID_ARGUMENT: also empty or longer than DOGB_REGEX_MAX.
int dogb_regex_create(dogb_regex **out, dogb_arena *arena, const char *what, const char *pattern,
                      int flags);

// 1: it occurs somewhere in the text.
int dogb_regex_finds(const dogb_regex *regex, const char *text);

// Behind a bracket expression that begins at text[0] = '['.
const char *dogb_regex_bracket(const char *text);

#endif
