// xml.c - see xml.h. The texts of all open elements lie behind each other in one buffer, and a
// decoded text is never longer than what it was written as, so a buffer of the document's size is
// enough.
#include "store/xml.h"
#include "core/arena.h"
#include "core/error.h"
#include "core/hex.h"
#include "core/json.h"
#include "core/utf8.h"

#include <stdint.h>
#include <string.h>

typedef struct open_element {
    const char *name; // as written
    size_t name_length;
    size_t path_length; // of its parents
    size_t text_start;
} open_element;

typedef struct reader {
    const char *start;
    const char *at;
    const char *end;
    char *text;
    size_t used;
    char path[DOGB_XML_PATH_MAX + 1];
    size_t path_length;
    open_element open[DOGB_XML_DEPTH_MAX];
    int depth;
    int done; // the root has ended
    int (*element)(const char *path, const char *text, void *userdata);
    void *userdata;
} reader;

static int broken(const reader *r, const char *what) {
    return dogb_fail(DOGBREED_ERROR_FORMAT, "XML, byte %zu: %s", (size_t)(r->at - r->start), what);
}

static int is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int is_name_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' ||
           (unsigned char)c >= 0x80;
}

static int is_name(char c) {
    return is_name_start(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

static int starts(const reader *r, const char *word) {
    size_t length = strlen(word);
    return (size_t)(r->end - r->at) >= length && memcmp(r->at, word, length) == 0;
}

static void skip_blanks(reader *r) {
    while (r->at < r->end && is_blank(*r->at)) {
        r->at++;
    }
}

// Goes over `word` when it is next.
static int take(reader *r, const char *word) {
    int found = starts(r, word);
    r->at += found ? strlen(word) : 0;
    return found;
}

// Up to `word`, which is not gone over.
static int find(reader *r, const char *word) {
    while (r->at < r->end && !starts(r, word)) {
        r->at++;
    }
    return r->at < r->end ? DOGBREED_OK : broken(r, "it ends too early");
}

static int read_name(reader *r, const char **name, size_t *length) {
    *name = r->at;
    if (r->at == r->end || !is_name_start(*r->at)) {
        return broken(r, "expected a name");
    }
    while (r->at < r->end && is_name(*r->at)) {
        r->at++;
    }
    *length = (size_t)(r->at - *name);
    return DOGBREED_OK;
}

static int digit_value(char c, uint32_t base) {
    int value = dogb_hex_value(c);
    return value < (int)base ? value : -1;
}

// Behind "&#". Control characters are taken: keys may have them, and some servers write them so.
static int read_number(reader *r) {
    uint32_t base = take(r, "x") ? 16 : 10, code = 0;
    int digits = 0;
    for (; r->at < r->end && digit_value(*r->at, base) >= 0 && code <= 0x10ffff; r->at++) {
        code = code * base + (uint32_t)digit_value(*r->at, base);
        digits++;
    }
    if (digits == 0 || code == 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ||
        !take(r, ";")) {
        return broken(r, "a numeric reference to no character");
    }
    r->used += dogb_utf8_put(r->text + r->used, code);
    return DOGBREED_OK;
}

static int read_reference(reader *r) {
    static const struct {
        const char *written;
        char character;
    } rows[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};
    if (take(r, "&#")) {
        return read_number(r);
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (take(r, rows[i].written)) {
            r->text[r->used++] = rows[i].character;
            return DOGBREED_OK;
        }
    }
    return broken(r, "an unknown entity");
}

// One byte as it stands; ends of lines are '\n'.
static void read_byte(reader *r) {
    char c = *r->at++;
    if (c == '\r') {
        c = '\n';
        r->at += r->at < r->end && *r->at == '\n';
    }
    r->text[r->used++] = c;
}

static int read_text(reader *r) {
    int rc = DOGBREED_OK;
    while (rc == DOGBREED_OK && r->at < r->end && *r->at != '<') {
        if (r->depth == 0) {
            if (!is_blank(*r->at)) {
                return broken(r, "text outside of the root element");
            }
            r->at++;
        } else if (*r->at == '&') {
            rc = read_reference(r);
        } else if (starts(r, "]]>")) {
            rc = broken(r, "\"]]>\" in a text");
        } else {
            read_byte(r);
        }
    }
    return rc;
}

static int read_cdata(reader *r) {
    if (r->depth == 0) {
        return broken(r, "text outside of the root element");
    }
    while (r->at < r->end && !starts(r, "]]>")) {
        read_byte(r);
    }
    return take(r, "]]>") ? DOGBREED_OK : broken(r, "it ends too early");
}

static int read_comment(reader *r) {
    int rc = find(r, "--");
    return rc < 0 ? rc : take(r, "-->") ? DOGBREED_OK : broken(r, "\"--\" in a comment");
}

static int read_instruction(reader *r) {
    const char *name = NULL;
    size_t length = 0;
    int rc = DOGBREED_OK;
    if ((rc = read_name(r, &name, &length)) < 0 || (rc = find(r, "?>")) < 0) {
        return rc;
    }
    (void)take(r, "?>");
    return DOGBREED_OK;
}

static int open_one(reader *r, const char *name, size_t length) {
    const char *colon = memchr(name, ':', length);
    const char *local = colon == NULL ? name : colon + 1;
    size_t local_length = length - (size_t)(local - name);
    if (r->depth == 0 && r->done) {
        return broken(r, "a second root element");
    }
    if (r->depth == DOGB_XML_DEPTH_MAX) {
        return broken(r, "elements are nested too deeply");
    }
    if (r->path_length + 1 + local_length > DOGB_XML_PATH_MAX || local_length == 0) {
        return broken(r, "an element's name is empty or too long");
    }
    r->open[r->depth++] = (open_element){
        .name = name, .name_length = length, .path_length = r->path_length, .text_start = r->used};
    if (r->path_length > 0) {
        r->path[r->path_length++] = '/';
    }
    memcpy(r->path + r->path_length, local, local_length);
    r->path_length += local_length;
    r->path[r->path_length] = '\0';
    return DOGBREED_OK;
}

static int close_one(reader *r) {
    const open_element *last = &r->open[--r->depth];
    r->text[r->used] = '\0';
    r->used = last->text_start;
    int rc = r->element(r->path, r->text + last->text_start, r->userdata);
    r->path_length = last->path_length;
    r->path[r->path_length] = '\0';
    r->done = r->depth == 0;
    return rc;
}

static int skip_attribute(reader *r) {
    const char *name = NULL;
    size_t length = 0;
    int rc = read_name(r, &name, &length);
    if (rc < 0) {
        return rc;
    }
    skip_blanks(r);
    if (!take(r, "=")) {
        return broken(r, "expected '=' behind an attribute");
    }
    skip_blanks(r);
    char quote = r->at < r->end ? *r->at++ : '\0';
    if (quote != '"' && quote != '\'') {
        return broken(r, "expected an attribute's value in quotes");
    }
    while (r->at < r->end && *r->at != quote && *r->at != '<') {
        r->at++;
    }
    if (r->at == r->end || *r->at == '<') {
        return broken(r, "an attribute's value does not end");
    }
    r->at++;
    return DOGBREED_OK;
}

static int read_start(reader *r) {
    const char *name = NULL;
    size_t length = 0;
    int rc = DOGBREED_OK;
    if ((rc = read_name(r, &name, &length)) < 0 || (rc = open_one(r, name, length)) < 0) {
        return rc;
    }
    for (;;) {
        const char *before = r->at;
        skip_blanks(r);
        if (take(r, ">")) {
            return DOGBREED_OK;
        }
        if (take(r, "/>")) {
            return close_one(r);
        }
        if (r->at == before) {
            return broken(r, "expected '>'");
        }
        if ((rc = skip_attribute(r)) < 0) {
            return rc;
        }
    }
}

static int read_end(reader *r) {
    const char *name = NULL;
    size_t length = 0;
    int rc = read_name(r, &name, &length);
    if (rc < 0) {
        return rc;
    }
    skip_blanks(r);
    if (!take(r, ">")) {
        return broken(r, "expected '>'");
    }
    const open_element *last = r->depth == 0 ? NULL : &r->open[r->depth - 1];
    if (last == NULL || last->name_length != length || memcmp(last->name, name, length) != 0) {
        return broken(r, "an end tag without its start");
    }
    return close_one(r);
}

static int read_markup(reader *r) {
    static const struct {
        const char *begin;
        int (*read)(reader *r);
    } rows[] = {{"<!--", read_comment},
                {"<![CDATA[", read_cdata},
                {"<?", read_instruction},
                {"</", read_end},
                {"<!", NULL},
                {"<", read_start}};
    size_t i = 0;
    while (!take(r, rows[i].begin)) {
        i++;
    }
    return rows[i].read == NULL ? broken(r, "a DTD, which is not read") : rows[i].read(r);
}

static int is_text(const reader *r) {
    for (const char *at = r->at; at < r->end; at++) {
        if ((unsigned char)*at < ' ' && !is_blank(*at)) {
            return 0;
        }
    }
    return dogb_text_valid(r->at, (size_t)(r->end - r->at));
}

int dogb_xml_read(const char *text, size_t size,
                  int (*element)(const char *path, const char *text, void *userdata),
                  void *userdata) {
    int rc = DOGBREED_OK;
    dogb_arena scratch = {0};
    reader r = {.start = text, .at = text, .end = text + size, .element = element};
    r.userdata = userdata;
    if (size > DOGB_XML_SIZE_MAX) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "XML: %zu bytes, at most %d are read", size,
                         DOGB_XML_SIZE_MAX);
    }
    (void)take(&r, "\xef\xbb\xbf");
    if (!is_text(&r)) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "XML: bytes that are not UTF-8 text");
    }
    r.text = dogb_alloc_raw(&scratch, size + 1, 1);
    if (r.text == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    while (rc == DOGBREED_OK && r.at < r.end) {
        rc = *r.at == '<' ? read_markup(&r) : read_text(&r);
    }
    if (rc == DOGBREED_OK && !r.done) {
        rc = broken(&r, "it ends too early");
    }
    dogb_arena_free(&scratch);
    return rc;
}
