// npy.c - see npy.h. The header is the text of a Python dictionary with three keys.
#include "serve/npy.h"

#include "core/error.h"

#include <stdio.h>
#include <string.h>

enum { MAGIC_SIZE = 6, ALIGNMENT = 64, HEADER_MAX = 65536 };

static const char magic[] = "\x93NUMPY";

static int broken(const char *what) {
    return dogb_fail(DOGBREED_ERROR_FORMAT, "NPY: %s", what);
}

static int unsupported(const char *what) {
    return dogb_fail(DOGBREED_ERROR_UNSUPPORTED, "NPY: %s", what);
}

// --- the text of the header

typedef struct cursor {
    const char *at;
    const char *end;
} cursor;

static void skip_blanks(cursor *in) {
    while (in->at < in->end && *in->at == ' ') {
        in->at++;
    }
}

// 1: the next thing is `text`; it is taken.
static int take(cursor *in, const char *text) {
    size_t length = strlen(text);
    skip_blanks(in);
    if ((size_t)(in->end - in->at) < length || memcmp(in->at, text, length) != 0) {
        return 0;
    }
    in->at += length;
    return 1;
}

// 'word' or "word".
static int take_quoted(cursor *in, dogb_span *out) {
    skip_blanks(in);
    if (in->at == in->end || (*in->at != '\'' && *in->at != '"')) {
        return 0;
    }
    const char *first = in->at + 1;
    const char *last = memchr(first, *in->at, (size_t)(in->end - first));
    if (last == NULL) {
        return 0;
    }
    *out = (dogb_span){(const uint8_t *)first, (size_t)(last - first)};
    in->at = last + 1;
    return 1;
}

static int take_size(cursor *in, int64_t *out) {
    const char *first = in->at;
    for (*out = 0; in->at < in->end && *in->at >= '0' && *in->at <= '9'; in->at++) {
        if (__builtin_mul_overflow(*out, 10, out) ||
            __builtin_add_overflow(*out, *in->at - '0', out)) {
            return 0;
        }
    }
    return in->at > first && (in->at - first == 1 || *first != '0');
}

static int read_type(dogb_npy *out, cursor *in) {
    dogb_span type;
    if (!take_quoted(in, &type)) {
        return broken("the header names no plain type");
    }
    out->width = dogb_span_is(type, "<f4") ? 4 : dogb_span_is(type, "<f8") ? 8 : 0;
    return out->width > 0 ? DOGBREED_OK
                          : unsupported("numbers are not '<f4' (float32) or '<f8' (float64)");
}

static int read_order(dogb_npy *out, cursor *in) {
    (void)out;
    if (take(in, "False")) {
        return DOGBREED_OK;
    }
    return take(in, "True") ? unsupported("numbers are in Fortran order, expected C order")
                            : broken("fortran_order is neither True nor False");
}

static int read_shape(dogb_npy *out, cursor *in) {
    int comma = 1;
    if (!take(in, "(")) {
        return broken("the shape is no tuple");
    }
    for (out->rank = 0; !take(in, ")"); out->rank++) {
        if (out->rank == DOGB_NPY_RANK_MAX) {
            return unsupported("more than 8 dimensions");
        }
        skip_blanks(in);
        if (!comma || !take_size(in, &out->dims[out->rank])) {
            return broken("the shape is no tuple of sizes");
        }
        comma = take(in, ",");
    }
    return comma || out->rank > 1 ? DOGBREED_OK : broken("the shape is no tuple");
}

static int read_header(dogb_npy *out, cursor *in) {
    static const struct {
        const char *key;
        int (*read)(dogb_npy *out, cursor *in);
    } keys[] = {{"descr", read_type}, {"fortran_order", read_order}, {"shape", read_shape}};
    enum { KEYS = sizeof keys / sizeof keys[0] };
    int seen[KEYS] = {0};
    int count = 0;
    int more = take(in, "{");
    while (more && !take(in, "}")) {
        dogb_span key;
        size_t i = 0;
        if (!take_quoted(in, &key) || !take(in, ":")) {
            return broken("the header is no dictionary");
        }
        while (i < KEYS && !dogb_span_is(key, keys[i].key)) {
            i++;
        }
        if (i == KEYS || seen[i]++) {
            return broken("the header has a key twice or one that does not belong there");
        }
        int rc = keys[i].read(out, in);
        if (rc < 0) {
            return rc;
        }
        count++;
        if (!take(in, ",")) {
            more = 0;
            if (!take(in, "}")) {
                return broken("the header is no dictionary");
            }
        }
    }
    skip_blanks(in);
    int ended = in->end - in->at == 1 && *in->at == '\n';
    return ended && count == KEYS ? DOGBREED_OK : broken("the header is not whole");
}

int dogb_npy_read(dogb_npy *out, dogb_span file) {
    *out = (dogb_npy){.rank = 0};
    if (file.size < MAGIC_SIZE + 4 || memcmp(file.data, magic, MAGIC_SIZE) != 0) {
        return broken("the body does not begin as such a file");
    }
    unsigned version = file.data[MAGIC_SIZE];
    if (version < 1 || version > 3 || file.data[MAGIC_SIZE + 1] != 0) {
        return unsupported("the version is not 1.0, 2.0 or 3.0");
    }
    size_t width = version == 1 ? 2 : 4;
    size_t start = MAGIC_SIZE + 2 + width;
    size_t length = file.size < start ? 0 : dogb_wire_load(file.data + MAGIC_SIZE + 2, width);
    if (length == 0 || length > HEADER_MAX || length > file.size - start) {
        return broken("the header is cut off or too long");
    }
    cursor in = {(const char *)file.data + start, (const char *)file.data + start + length};
    int rc = read_header(out, &in);
    if (rc < 0) {
        return rc;
    }
    size_t bytes = (size_t)out->width;
    out->count = 1;
    for (int32_t i = 0; i < out->rank; i++) {
        if (__builtin_mul_overflow(out->count, (uint64_t)out->dims[i], &out->count) ||
            __builtin_mul_overflow(bytes, (uint64_t)out->dims[i], &bytes)) {
            return broken("the shape is too large");
        }
    }
    out->data = (dogb_span){file.data + start + length, file.size - start - length};
    return out->data.size == bytes ? DOGBREED_OK
                                   : broken("the shape does not fit the number of bytes behind it");
}

void dogb_npy_begin(dogb_buffer *out, int64_t rows, int64_t columns) {
    enum { START = MAGIC_SIZE + 4 };
    char header[2 * ALIGNMENT];
    char lead[4] = {1, 0}; // version 1.0, the length of the header
    int length = snprintf(header, sizeof header,
                          "{'descr': '<f4', 'fortran_order': False, 'shape': (%lld, %lld), }",
                          (long long)rows, (long long)columns);
    size_t whole = ((size_t)length + START) / ALIGNMENT * ALIGNMENT + ALIGNMENT - START;
    memset(header + length, ' ', whole - (size_t)length);
    header[whole - 1] = '\n';
    dogb_wire_store(lead + 2, whole, 2);
    dogb_buffer_put(out, magic, MAGIC_SIZE);
    dogb_buffer_put(out, lead, sizeof lead);
    dogb_buffer_put(out, header, whole);
}
