// regex.c - see regex.h.
#include "core/regex.h"

#include "core/error.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

const char *dogb_regex_bracket(const char *text) {
    text += text[1] == '^' ? 2 : 1;
    text += *text == ']';
    while (*text != '\0' && *text != ']') {
        char kind = *text++;
        if (kind == '[' && (*text == ':' || *text == '.' || *text == '=')) { // [:digit:]
            char close[3] = {*text, ']', '\0'};
            const char *end = strstr(text + 1, close);
            text = end == NULL ? text : end + 2;
        }
    }
    return text + (*text == ']');
}

// A backslash before a letter means something in a bracket to Python alone.
static const char *python_escape(const char *from, const char *to) {
    for (; from + 1 < to; from++) {
        if (*from == '\\' && isalpha((unsigned char)from[1])) {
            return from;
        }
    }
    return NULL;
}

// A pattern and the name of its option.
typedef struct place {
    const char *what;
    const char *pattern;
} place;

static int refuse(place p, const char *at, int length, const char *instead) {
    return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                     "%s: \"%s\": %.*s at character %d is not taken; %s", p.what, p.pattern, length,
                     at, (int)(at - p.pattern) + 1, instead);
}

enum { REPEAT_MAX = 255 };

// The C library takes exponential time and memory for repetitions of repetitions: none stands
// behind another one, and a group has no number in braces. A number in braces is short.
static int check_repetition(place p, const char *at, char before) {
    static const char *const CALM = "one repetition of at most 255 is enough";
    if (strchr("*+?}", before) != NULL || (*at == '{' && before == ')')) {
        return refuse(p, at, 1, CALM);
    }
    for (const char *digit = at + 1; *at == '{' && *digit != '\0' && *digit != '}'; digit++) {
        if (isdigit((unsigned char)*digit) && strtol(digit, NULL, 10) > REPEAT_MAX) {
            return refuse(p, at, 1, CALM);
        }
    }
    return DOGBREED_OK;
}

// What Python's expressions write behind "(?".
static const struct {
    const char *text;
    const char *instead;
} python_groups[] = {
    {"(?=", "POSIX has no lookahead"},
    {"(?!", "POSIX has no negative lookahead"},
    {"(?<=", "POSIX has no lookbehind"},
    {"(?<!", "POSIX has no negative lookbehind"},
    {"(?P<", "POSIX has no named groups, a group is (...)"},
    {"(?:", "a group is (...)"},
    {"(?", "a group is (...)"},
};

static int check_group(place p, const char *at) {
    size_t i = 0;
    while (strncmp(at, python_groups[i].text, strlen(python_groups[i].text)) != 0) {
        i++; // the last one is met
    }
    return refuse(p, at, (int)strlen(python_groups[i].text), python_groups[i].instead);
}

// What POSIX has no word for, at this place.
static int check_python(place p, const char *at, const char *end) {
    const char *escape = *at == '[' ? python_escape(at, end) : NULL;
    if (escape != NULL) {
        return refuse(p, escape, 2, "a digit is 0-9, white space [:space:]");
    }
    if (*at == '\\' && isalnum((unsigned char)at[1]) && strchr("sSwWbB", at[1]) == NULL) {
        return refuse(p, at, 2, "a digit is [0-9], a tab [[:blank:]]");
    }
    if (*at == '(' && at[1] == '?') {
        return check_group(p, at);
    }
    if ((*at == '*' || *at == '+' || *at == '?') && at[1] == '?') {
        return refuse(p, at, 2, "a repetition takes as much as it can, none is lazy");
    }
    return DOGBREED_OK;
}

int dogb_regex_check(const char *what, const char *pattern) {
    place p = {what, pattern};
    int groups = 0;
    char before = 'x'; // what the letter in front means; 'x': itself
    int rc = DOGBREED_OK;
    for (const char *at = pattern; rc == DOGBREED_OK && *at != '\0';) {
        const char *end = *at == '[' ? dogb_regex_bracket(at) : at + 1;
        rc = check_python(p, at, end);
        if (rc == DOGBREED_OK && strchr("*+?{", *at) != NULL) {
            rc = check_repetition(p, at, before);
        }
        groups += *at == '(';
        before = *at == '[' || *at == '\\' ? 'x' : *at;
        at = *at == '\\' && at[1] != '\0' ? at + 2 : end;
    }
    return rc < 0 ? rc : groups;
}

static void free_regex(void *pointer) {
    regfree(pointer);
}

int dogb_regex_create(dogb_regex **out, dogb_arena *arena, const char *what, const char *pattern,
                      int flags) {
    *out = NULL;
    DOGB_CHECK(*pattern != '\0', "%s: is empty, expected a regular expression", what);
    DOGB_CHECK(strlen(pattern) <= DOGB_REGEX_MAX, "%s: has %zu characters, at most %d", what,
               strlen(pattern), DOGB_REGEX_MAX);
    int rc = dogb_regex_check(what, pattern);
    dogb_regex *regex = rc < 0 ? NULL : dogb_alloc(arena, 1, sizeof *regex);
    if (regex == NULL) {
        return rc < 0 ? rc : DOGBREED_ERROR_NO_MEMORY;
    }
    int code = regcomp(&regex->posix, pattern, REG_EXTENDED | flags);
    if (code != 0) {
        char text[128];
        (void)regerror(code, &regex->posix, text, sizeof text);
        return code == REG_ESPACE ? dogb_fail(DOGBREED_ERROR_NO_MEMORY, "%s: %s", what, text)
                                  : dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "%s: \"%s\": %s",
                                              what, pattern, text);
    }
    rc = dogb_defer(arena, free_regex, &regex->posix);
    if (rc == DOGBREED_OK) {
        *out = regex;
    }
    return rc;
}

int dogb_regex_finds(const dogb_regex *regex, const char *text) {
    return regexec(&regex->posix, text, 0, NULL, 0) == 0;
}
