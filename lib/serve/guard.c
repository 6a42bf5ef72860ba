// guard.c - see guard.h. Measured on libmicrohttpd 0.9.75, which accepts most of what is refused
// here; docs/serve.md has the list.
#include "serve/guard.h"
#include "core/hex.h"
#include "serve/media.h"

#include <string.h>
#include <strings.h>

enum { LENGTH_DIGITS = 18, ID_MAX = 63 };

static const dogb_refusal bad_target = {400, "BAD_TARGET", "the address is malformed"};
static const dogb_refusal long_target = {414, "TARGET_TOO_LONG", "the address is too long"};
static const dogb_refusal bad_version = {400, "BAD_VERSION", "expected HTTP/1.0 or HTTP/1.1"};
static const dogb_refusal bad_header = {400, "BAD_HEADER", "a header is malformed"};
static const dogb_refusal many_headers = {431, "TOO_MANY_HEADERS", "there are too many headers"};
static const dogb_refusal bad_host = {400, "BAD_HOST", "expected exactly one Host header"};
static const dogb_refusal bad_length = {400, "BAD_LENGTH",
                                        "expected one Content-Length of digits, or none"};
static const dogb_refusal bad_coding = {400, "BAD_TRANSFER_ENCODING",
                                        "expected one Transfer-Encoding, chunked, or none"};
static const dogb_refusal two_lengths = {400, "TWO_LENGTHS",
                                         "Content-Length and Transfer-Encoding do not go together"};
static const dogb_refusal no_memory = {503, "NO_MEMORY", "out of memory"};

// Decodes text[0..size) in place and ends it with a zero. 0: a bad escape, or one of a control
// character.
static int decode(char *text, size_t size, int plus_is_space) {
    char *to = text;
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte == '%') {
            int value = i + 2 < size ? dogb_hex_byte(text + i + 1) : -1;
            if (value < 0x20 || value == 0x7F) {
                return 0;
            }
            byte = (unsigned char)value;
            i += 2;
        } else if (byte == '+' && plus_is_space) {
            byte = ' ';
        }
        *to++ = (char)byte;
    }
    *to = '\0';
    return 1;
}

// a=1&b=2, in place. 0: malformed, or too many.
static int read_query(dogb_target *out, char *text) {
    for (char *next = text; next != NULL && *next != '\0';) {
        char *name = next;
        size_t size = strcspn(name, "&");
        next = name[size] == '&' ? name + size + 1 : NULL;
        name[size] = '\0';
        char *equals = memchr(name, '=', size);
        size_t name_size = equals == NULL ? size : (size_t)(equals - name);
        char *value = equals == NULL ? name + size : equals + 1;
        size_t value_size = equals == NULL ? 0 : size - name_size - 1;
        if (size == 0) {
            continue;
        }
        if (out->query_count == DOGB_QUERY_MAX || !decode(value, value_size, 1) ||
            !decode(name, name_size, 1)) {
            return 0;
        }
        out->query[out->query_count++] = (dogb_pair){name, value};
    }
    return 1;
}

const dogb_refusal *dogb_guard_target(dogb_target *out, dogb_arena *arena, const char *raw) {
    size_t size = strlen(raw);
    memset(out, 0, sizeof *out);
    out->path = "";
    if (size > DOGB_TARGET_MAX) {
        return &long_target;
    }
    for (size_t i = 0; i < size; i++) {
        if (raw[i] <= 0x20 || raw[i] >= 0x7F) {
            return &bad_target;
        }
    }
    char *text = dogb_strdup(arena, raw);
    if (text == NULL) {
        return &no_memory;
    }
    size_t path_size = strcspn(text, "?");
    char *query = text[path_size] == '?' ? text + path_size + 1 : NULL;
    if (text[0] != '/' || !decode(text, path_size, 0) || strstr(text, "..") != NULL ||
        strchr(text, '\\') != NULL || !read_query(out, query)) {
        return &bad_target;
    }
    out->path = text;
    return NULL;
}

int dogb_field_is(const dogb_field *field, const char *name) {
    return dogb_word_is(field->name, field->name_size, name);
}

// 1: `name`, also with something behind it: libmicrohttpd glues a folded line to the name of its
// header ("Content-Length:\r\n 4" becomes Content-Length4), and so loses what others act on.
static int begins_with(const dogb_field *field, const char *name) {
    size_t size = strlen(name);
    return field->name_size >= size && strncasecmp(field->name, name, size) == 0;
}

static int is_name(const dogb_field *field) {
    for (size_t i = 0; i < field->name_size; i++) {
        if (field->name[i] <= 0x20 || field->name[i] >= 0x7F || field->name[i] == ':') {
            return 0;
        }
    }
    return field->name_size > 0;
}

static int read_length(int64_t *length, const dogb_field *field) {
    *length = 0;
    for (size_t i = 0; i < field->value_size; i++) {
        if (field->value[i] < '0' || field->value[i] > '9' || i >= LENGTH_DIGITS) {
            return 0;
        }
        *length = *length * 10 + (field->value[i] - '0');
    }
    return field->value_size > 0;
}

const dogb_refusal *dogb_guard_fields(int64_t *length, const char *version,
                                      const dogb_field *fields, size_t count) {
    int hosts = 0;
    int lengths = 0;
    int codings = 0;
    int old = strcmp(version, "HTTP/1.0") == 0;
    *length = 0;
    if (!old && strcmp(version, "HTTP/1.1") != 0) {
        return &bad_version;
    }
    if (count > DOGB_FIELDS_MAX) {
        return &many_headers;
    }
    for (size_t i = 0; i < count; i++) {
        const dogb_field *field = &fields[i];
        if (!is_name(field)) {
            return &bad_header;
        }
        hosts += dogb_field_is(field, "Host");
        if (begins_with(field, "Content-Length") &&
            (++lengths > 1 || !dogb_field_is(field, "Content-Length") ||
             !read_length(length, field))) {
            return &bad_length;
        }
        if (begins_with(field, "Transfer-Encoding") &&
            (++codings > 1 || old || !dogb_field_is(field, "Transfer-Encoding") ||
             field->value_size != 7 || strncasecmp(field->value, "chunked", 7) != 0)) {
            return &bad_coding;
        }
    }
    if (lengths + codings > 1) {
        return &two_lengths;
    }
    *length = codings == 1 ? -1 : *length;
    return hosts == 1 ? NULL : &bad_host;
}

int dogb_guard_id(const char *id) {
    size_t size = strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
    return size >= 1 && size <= ID_MAX && id[size] == '\0';
}

// Parts of "00-TRACE-SPAN-FLAGS": digits, all of them zero or not.
static int is_part(const char *text, size_t digits, int zero_too) {
    return strspn(text, "0123456789abcdef") == digits && (zero_too || strspn(text, "0") < digits);
}

static int is_trace(const char text[DOGB_TRACE_SIZE]) {
    return text[2] == '-' && text[35] == '-' && text[52] == '-' && is_part(text, 2, 1) &&
           strncmp(text, "ff", 2) != 0 && is_part(text + 3, 32, 0) && is_part(text + 36, 16, 0) &&
           is_part(text + 53, 2, 1);
}

void dogb_guard_trace(char out[DOGB_TRACE_SIZE], const dogb_field *fields, size_t count) {
    const dogb_field *found = NULL;
    size_t times = 0;
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (dogb_field_is(&fields[i], "traceparent")) {
            found = &fields[i];
            times++;
        }
    }
    size_t size = times == 1 ? found->value_size : 0;
    if (size < DOGB_TRACE_SIZE - 1) {
        return;
    }
    memcpy(out, found->value, DOGB_TRACE_SIZE - 1);
    out[DOGB_TRACE_SIZE - 1] = '\0';
    int more = size > DOGB_TRACE_SIZE - 1;
    int known = strncmp(out, "00", 2) == 0;
    if (!is_trace(out) || (more && (known || found->value[DOGB_TRACE_SIZE - 1] != '-'))) {
        out[0] = '\0';
        return;
    }
    memcpy(out, "00", 2);
}
