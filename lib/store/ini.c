// ini.c - see ini.h. Values are put together in place: what is kept of a value's lines is never
// longer than the lines.
#include "store/ini.h"
#include "core/error.h"

#include <stdint.h>
#include <string.h>

typedef struct reader {
    const char *name;
    int line;
    const char *section; // NULL: before the first
    const char *key;     // NULL: none is open
    char *value;
    char *value_end;
    size_t indent; // of the line with the key
    int (*entry)(const char *section, const char *key, const char *value, void *userdata);
    void *userdata;
} reader;

static int broken(const reader *r, const char *what) {
    return dogb_fail(DOGBREED_ERROR_FORMAT, "%s, line %d: %s", r->name, r->line, what);
}

static int is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

// A line is [text, end), without blanks at its ends; *end may be written.
typedef struct line {
    char *text;
    char *end;
    size_t indent;
} line;

static line trim(char *text, char *end) {
    line out = {.text = text, .end = end};
    while (out.end > out.text && is_blank(out.end[-1])) {
        out.end--;
    }
    while (out.text < out.end && is_blank(*out.text)) {
        out.text++;
    }
    out.indent = (size_t)(out.text - text);
    return out;
}

// The value that is open has ended: blanks and empty lines behind it do not count.
static int give(reader *r) {
    const char *key = r->key;
    if (key == NULL) {
        return DOGBREED_OK;
    }
    r->key = NULL;
    *trim(r->value, r->value_end).end = '\0';
    return r->entry(r->section, key, r->value, r->userdata);
}

// The last ']' of "[section]", NULL when the line is something else.
static char *section_end(line l) {
    char *close = l.end - 1;
    while (close > l.text && *close != ']') {
        close--;
    }
    return *l.text == '[' && close > l.text + 1 ? close : NULL;
}

static int read_section(reader *r, line l) {
    int rc = give(r);
    *section_end(l) = '\0';
    r->section = l.text + 1;
    return rc != 0 ? rc : r->entry(r->section, NULL, NULL, r->userdata);
}

static int read_key(reader *r, line l) {
    int rc = give(r);
    char *sign = l.text;
    if (rc != 0) {
        return rc;
    }
    if (r->section == NULL) {
        return broken(r, "expected [section] in front of the first key");
    }
    while (sign < l.end && *sign != '=' && *sign != ':') {
        sign++;
    }
    if (sign == l.end || sign == l.text) {
        return broken(r, "expected [section] or \"key = value\"");
    }
    line value = trim(sign + 1, l.end);
    *trim(l.text, sign).end = '\0';
    for (char *at = l.text; *at != '\0'; at++) {
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
    }
    r->key = l.text;
    r->value = value.text;
    r->value_end = value.end;
    return DOGBREED_OK;
}

static void append(reader *r, line l) {
    size_t length = (size_t)(l.end - l.text);
    *r->value_end++ = '\n';
    memmove(r->value_end, l.text, length);
    r->value_end += length;
}

static int read_line(reader *r, line l) {
    if (l.text == l.end) {
        if (r->key != NULL) {
            append(r, l);
        }
        return DOGBREED_OK;
    }
    if (*l.text == '#' || *l.text == ';') {
        return DOGBREED_OK;
    }
    if (r->key != NULL && l.indent > r->indent) {
        append(r, l);
        return DOGBREED_OK;
    }
    r->indent = l.indent;
    return section_end(l) != NULL ? read_section(r, l) : read_key(r, l);
}

int dogb_ini_read(const char *name, char *text, size_t size,
                  int (*entry)(const char *section, const char *key, const char *value,
                               void *userdata),
                  void *userdata) {
    int rc = DOGBREED_OK;
    reader r = {.name = name, .entry = entry, .userdata = userdata};
    char *end = text + size;
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
    }
    while (rc == DOGBREED_OK && text < end) {
        char *newline = memchr(text, '\n', (size_t)(end - text));
        char *next = newline == NULL ? end : newline;
        r.line++;
        if (memchr(text, '\0', (size_t)(next - text)) != NULL) {
            return broken(&r, "a zero byte");
        }
        rc = read_line(&r, trim(text, next));
        text = next + (newline != NULL);
    }
    return rc != DOGBREED_OK ? rc : give(&r);
}
