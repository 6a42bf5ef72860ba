// pattern.c - reads the letters of a regular expression: what POSIX does not have, and the literal
// text in front of the group.
#include "core/error.h"
#include "program/metric.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

// Behind a bracket expression that begins at text[0] = '['.
static const char *skip_bracket(const char *text) {
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

static int refuse(const char *pattern, const char *at, int length, const char *instead) {
    return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                     "metric: \"%s\": %.*s at character %d is not taken; %s", pattern, length, at,
                     (int)(at - pattern) + 1, instead);
}

enum { REPEAT_MAX = 255 };

// The C library takes exponential time and memory for repetitions of repetitions: none stands
// behind another one, and with one group they are not nested further. A number in braces is short.
static int check_repetition(const char *pattern, const char *at, char before) {
    static const char *const CALM = "one repetition of at most 255 is enough";
    if (strchr("*+?}", before) != NULL || (*at == '{' && before == ')')) {
        return refuse(pattern, at, 1, CALM);
    }
    for (const char *digit = at + 1; *at == '{' && *digit != '\0' && *digit != '}'; digit++) {
        if (isdigit((unsigned char)*digit) && strtol(digit, NULL, 10) > REPEAT_MAX) {
            return refuse(pattern, at, 1, CALM);
        }
    }
    return DOGBREED_OK;
}

// What POSIX has no word for, at this place.
static int check_python(const char *pattern, const char *at, const char *end) {
    const char *escape = *at == '[' ? python_escape(at, end) : NULL;
    if (escape != NULL) {
        return refuse(pattern, escape, 2, "a digit is 0-9, white space [:space:]");
    }
    if (*at == '\\' && isalnum((unsigned char)at[1]) && strchr("sSwWbB", at[1]) == NULL) {
        return refuse(pattern, at, 2, "a digit is [0-9], a tab [[:blank:]]");
    }
    if (*at == '(' && at[1] == '?') {
        return refuse(pattern, at, 2, "the one group stands around the number");
    }
    if ((*at == '*' || *at == '+' || *at == '?') && at[1] == '?') {
        return refuse(pattern, at, 2, "all repetitions take as much as they can");
    }
    return DOGBREED_OK;
}

int dogb_pattern_check(const char *pattern) {
    int groups = 0;
    char before = 'x'; // what the letter in front means; 'x': itself
    int rc = DOGBREED_OK;
    for (const char *at = pattern; rc == DOGBREED_OK && *at != '\0';) {
        const char *end = *at == '[' ? skip_bracket(at) : at + 1;
        rc = check_python(pattern, at, end);
        if (rc == DOGBREED_OK && strchr("*+?{", *at) != NULL) {
            rc = check_repetition(pattern, at, before);
        }
        groups += *at == '(';
        before = *at == '[' || *at == '\\' ? 'x' : *at;
        at = *at == '\\' && at[1] != '\0' ? at + 2 : end;
    }
    if (rc == DOGBREED_OK && groups != 1) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "metric: \"%s\" has %d groups in parentheses, expected one, around the "
                         "number",
                         pattern, groups);
    }
    return rc;
}

// --- the label

typedef struct run {
    char *out; // the newest one that has a word
    size_t size;
    char text[DOGB_PATTERN_MAX + 1];
    size_t length;
} run;

static void end_run(run *r) {
    int has_word = 0;
    while (r->length > 0 && isspace((unsigned char)r->text[r->length - 1])) {
        r->length--;
    }
    size_t from = 0;
    while (from < r->length && isspace((unsigned char)r->text[from])) {
        from++;
    }
    for (size_t i = from; i < r->length; i++) {
        has_word |= isalpha((unsigned char)r->text[i]) != 0;
    }
    if (has_word && r->length - from < r->size) {
        memcpy(r->out, r->text + from, r->length - from);
        r->out[r->length - from] = '\0';
    }
    r->length = 0;
}

int dogb_pattern_label(char *out, size_t size, const char *pattern) {
    run r = {.out = out, .size = size};
    int sign = 0;
    *out = '\0';
    for (const char *at = pattern; *at != '\0' && *at != '(';) {
        int escaped = *at == '\\' && at[1] != '\0' && !isalnum((unsigned char)at[1]);
        char letter = escaped ? at[1] : *at;
        const char *next = *at == '[' ? skip_bracket(at) : at + (*at == '\\' && at[1] != '\0') + 1;
        int stands = (escaped || strchr("[.^$|*+?{\\)", letter) == NULL) &&
                     (*next == '\0' || strchr("*+?{", *next) == NULL);
        if (!stands) {
            end_run(&r);
        } else if (r.length < DOGB_PATTERN_MAX) {
            r.text[r.length++] = letter;
        }
        sign = stands && (letter == '-' || letter == '+');
        at = next;
    }
    end_run(&r);
    return sign;
}
