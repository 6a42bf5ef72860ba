// media.c - see media.h.
#include "serve/media.h"

#include <string.h>
#include <strings.h>

static const char blanks[] = " \t";

int dogb_word_is(const char *text, size_t length, const char *word) {
    return strlen(word) == length && strncasecmp(text, word, length) == 0;
}

// Length without the blanks at its end.
static size_t trimmed(const char *text, size_t length) {
    while (length > 0 && strchr(blanks, text[length - 1]) != NULL) {
        length--;
    }
    return length;
}

int dogb_media_is(const char *type, const char *name) {
    type += strspn(type, blanks);
    return dogb_word_is(type, trimmed(type, strcspn(type, ";")), name);
}

// Where a parameter's value ends: behind a quoted string, or in front of what separates.
static const char *value_end(const char *at, const char *separators) {
    if (*at != '"') {
        return at + strcspn(at, separators);
    }
    for (at++; *at != '\0' && *at != '"'; at++) {
        at += *at == '\\' && at[1] != '\0';
    }
    return at + (*at == '"');
}

// The next "; name=value" at *at, which stops at one of `ends`. 0: that was all.
typedef struct parameter {
    const char *name;
    const char *value;
    size_t name_length;
    size_t value_length;
} parameter;

static int next_parameter(parameter *out, const char **at, const char *ends) {
    const char *text = *at + strspn(*at, blanks);
    char separators[8] = "; \t";
    if (*text != ';') {
        return 0;
    }
    strncat(separators, ends, sizeof separators - strlen(separators) - 1);
    text += 1 + strspn(text + 1, blanks);
    out->name = text;
    out->name_length = strcspn(text, "=;, \t");
    out->value = text + out->name_length + (text[out->name_length] == '=');
    *at = value_end(out->value, separators);
    out->value_length = (size_t)(*at - out->value);
    return 1;
}

size_t dogb_media_parameter(char *out, size_t size, const char *type, const char *name) {
    const char *at = type + strcspn(type, ";");
    parameter p;
    size_t length = 0;
    while (next_parameter(&p, &at, "")) {
        if (!dogb_word_is(p.name, p.name_length, name)) {
            continue;
        }
        size_t quotes = p.value_length >= 2 && *p.value == '"' ? 1 : 0;
        for (size_t i = quotes; i < p.value_length - quotes && length < size; i++) {
            i += quotes > 0 && p.value[i] == '\\';
            out[length++] = p.value[i];
        }
        break;
    }
    length = length < size ? length : 0;
    out[length] = '\0';
    return length;
}

// "0.25" as 250; what is no such number counts as 1.
static int32_t quality(const char *text, size_t length) {
    int32_t value = 0;
    int32_t digit = 1000;
    if (length == 0 || length > 5 || (*text != '0' && *text != '1')) {
        return 1000;
    }
    for (size_t i = 0; i < length; i++) {
        if (i == 1) {
            continue; // the point
        }
        if (text[i] < '0' || text[i] > '9') {
            return 1000;
        }
        value += digit * (text[i] - '0');
        digit /= 10;
    }
    return value > 1000 ? 1000 : value;
}

// How closely a range of Accept speaks of `name`: 0 not of it, 3 by its name.
static int fits(const char *range, size_t length, const char *name) {
    size_t group = strcspn(name, "/") + 1;
    if (dogb_word_is(range, length, name)) {
        return 3;
    }
    if (length == group + 1 && range[group] == '*' && strncasecmp(range, name, group) == 0) {
        return 2;
    }
    return dogb_word_is(range, length, "*/*");
}

int32_t dogb_media_quality(const char *accept, const char *name) {
    int32_t best = *accept == '\0' ? 1000 : 0;
    int closest = 0;
    for (const char *at = accept; *at != '\0'; at += *at == ',') {
        at += strspn(at, blanks);
        size_t length = strcspn(at, ";,");
        int close = fits(at, trimmed(at, length), name);
        int32_t wanted = 1000;
        parameter p;
        at += length;
        while (next_parameter(&p, &at, ",")) {
            if (dogb_word_is(p.name, p.name_length, "q")) {
                wanted = quality(p.value, p.value_length);
            }
        }
        at += strcspn(at, ",");
        if (close > closest) {
            closest = close;
            best = wanted;
        }
    }
    return best;
}
