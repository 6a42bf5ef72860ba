// pattern.c - reads the letters of a metric's regular expression: its one group, and the literal
// text in front of it.
#include "core/error.h"
#include "core/regex.h"
#include "program/metric.h"

#include <ctype.h>
#include <string.h>

int dogb_pattern_check(const char *pattern) {
    int groups = dogb_regex_check("metric", pattern);
    if (groups >= 0 && groups != 1) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "metric: \"%s\" has %d groups in parentheses, expected one, around the "
                         "number",
                         pattern, groups);
    }
    return groups < 0 ? groups : DOGBREED_OK;
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
        const char *next =
            *at == '[' ? dogb_regex_bracket(at) : at + (*at == '\\' && at[1] != '\0') + 1;
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
