// multipart.c - see multipart.h. Nothing is copied: a part is a piece of the body.
#include "serve/multipart.h"

#include "core/error.h"
#include "serve/media.h"

#include <string.h>
#include <strings.h>

enum { BOUNDARY_MAX = 70, HEADER_LINES_MAX = 16, HEADER_BYTES_MAX = 8192 };

typedef struct reader {
    const char *at;
    const char *end;
    char delimiter[BOUNDARY_MAX + 5]; // CR LF "--" boundary
    size_t length;                    // of delimiter
} reader;

static int broken(const char *what) {
    return dogb_fail(DOGBREED_ERROR_FORMAT, "multipart body: %s", what);
}

static int set_boundary(reader *in, const char *type) {
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "'()+_,-./:=? ";
    char boundary[BOUNDARY_MAX + 1];
    size_t length = dogb_media_parameter(boundary, sizeof boundary, type, "boundary");
    if (length == 0 || boundary[length - 1] == ' ' || boundary[strspn(boundary, allowed)] != '\0') {
        return broken("the Content-Type names no valid boundary");
    }
    memcpy(in->delimiter, "\r\n--", 4);
    memcpy(in->delimiter + 4, boundary, length);
    in->length = length + 4;
    return DOGBREED_OK;
}

static size_t left(const reader *in) {
    return (size_t)(in->end - in->at);
}

static int starts(const reader *in, const char *text, size_t length) {
    return left(in) >= length && memcmp(in->at, text, length) == 0;
}

// What stands behind the words of a delimiter: 1 the line ends and a part begins, 2 it was the last
// one, 0 it only looked like a delimiter.
static int delimiter_end(reader *in, const char *at) {
    reader rest = {.at = at, .end = in->end};
    int last = starts(&rest, "--", 2);
    rest.at += last ? 2 : 0;
    while (rest.at < rest.end && (*rest.at == ' ' || *rest.at == '\t')) {
        rest.at++;
    }
    if (!starts(&rest, "\r\n", 2) && !(last && rest.at == rest.end)) {
        return 0;
    }
    in->at = rest.at == rest.end ? rest.at : rest.at + 2;
    return last ? 2 : 1;
}

// Goes behind the next delimiter; *out: what was in front of it. Returns what delimiter_end does;
// 0: there is none.
static int next_delimiter(reader *in, dogb_span *out) {
    const char *from = in->at;
    for (const char *at = from; (size_t)(in->end - at) >= in->length; at++) {
        at = memchr(at, '\r', (size_t)(in->end - at) - in->length + 1);
        if (at == NULL) {
            return 0;
        }
        int found =
            memcmp(at, in->delimiter, in->length) == 0 ? delimiter_end(in, at + in->length) : 0;
        if (found != 0) {
            *out = (dogb_span){(const uint8_t *)from, (size_t)(at - from)};
            return found;
        }
    }
    return 0;
}

// The first one may stand at the very beginning, without a line's end in front of it.
static int first_delimiter(reader *in) {
    dogb_span preamble;
    if (starts(in, in->delimiter + 2, in->length - 2)) {
        int found = delimiter_end(in, in->at + in->length - 2);
        if (found != 0) {
            return found;
        }
    }
    return next_delimiter(in, &preamble);
}

// --- headers of a part

// "name: value" in line[0..length). 1: it is this one; *value has no blanks around it.
static int header_is(dogb_span *value, const char *line, size_t length, const char *name) {
    size_t at = strlen(name);
    if (length <= at || strncasecmp(line, name, at) != 0 || line[at] != ':') {
        return 0;
    }
    at++;
    while (at < length && (line[at] == ' ' || line[at] == '\t')) {
        at++;
    }
    while (length > at && (line[length - 1] == ' ' || line[length - 1] == '\t')) {
        length--;
    }
    *value = (dogb_span){(const uint8_t *)line + at, length - at};
    return 1;
}

// 1: "form-data; name=...".
static int is_form_data(dogb_span value) {
    char text[HEADER_BYTES_MAX + 1];
    char name[HEADER_BYTES_MAX + 1];
    memcpy(text, value.data, value.size);
    text[value.size] = '\0';
    return dogb_media_is(text, "form-data") &&
           dogb_media_parameter(name, sizeof name, text, "name") > 0;
}

static int check_header(const char *line, size_t length, int *disposition) {
    static const char *const plain[] = {"binary", "8bit", "7bit"};
    const char *colon = memchr(line, ':', length);
    dogb_span value;
    if (colon == NULL || colon == line || memchr(line, '\0', length) != NULL) {
        return broken("a line in front of a part is no header");
    }
    for (const char *at = line; at < colon; at++) {
        if (*at <= ' ' || *at == 0x7f) {
            return broken("a line in front of a part is no header");
        }
    }
    if (header_is(&value, line, length, "Content-Disposition")) {
        if (*disposition || !is_form_data(value)) {
            return broken("a part has no single Content-Disposition of form-data with a name");
        }
        *disposition = 1;
    } else if (header_is(&value, line, length, "Content-Transfer-Encoding")) {
        int found = 0;
        for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
            found |= dogb_word_is((const char *)value.data, value.size, plain[i]);
        }
        return found ? DOGBREED_OK : broken("a part is encoded for transfer, expected binary");
    }
    return DOGBREED_OK;
}

// Goes behind the empty line that ends the headers.
static int read_headers(reader *in) {
    size_t room = left(in) < HEADER_BYTES_MAX ? left(in) : HEADER_BYTES_MAX;
    const char *limit = in->at + room;
    int disposition = 0;
    for (int lines = 0; lines <= HEADER_LINES_MAX; lines++) {
        const char *line = in->at;
        const char *stop = memchr(line, '\n', (size_t)(limit - line));
        if (stop == NULL || stop == line || stop[-1] != '\r') {
            break;
        }
        in->at = stop + 1;
        if (stop - line == 1) {
            return disposition ? DOGBREED_OK : broken("a part has no Content-Disposition");
        }
        int rc = check_header(line, (size_t)(stop - line) - 1, &disposition);
        if (rc < 0) {
            return rc;
        }
    }
    return broken("the headers of a part do not end, or are too many or too long");
}

// A part without contents: the line's end of its delimiter is the one that ends its headers.
static int read_part(reader *in, dogb_span *out, int *found) {
    int rc = read_headers(in);
    if (rc < 0) {
        return rc;
    }
    in->at -=
        starts(&(reader){.at = in->at, .end = in->end}, in->delimiter + 2, in->length - 2) ? 2 : 0;
    *found = next_delimiter(in, out);
    return *found == 0 ? broken("a part does not end with the boundary") : DOGBREED_OK;
}

int dogb_multipart_read(dogb_multipart *out, dogb_arena *arena, const char *type, dogb_span body,
                        int32_t parts_max) {
    reader in = {.at = (const char *)body.data, .end = (const char *)body.data + body.size};
    size_t capacity = 0;
    *out = (dogb_multipart){.parts = NULL};
    int rc = set_boundary(&in, type);
    if (rc < 0) {
        return rc;
    }
    int found = body.size == 0 ? 0 : first_delimiter(&in);
    if (found == 0) {
        return broken("there is no boundary in it");
    }
    while (found == 1) {
        if (out->count >= parts_max) {
            return dogb_fail(DOGBREED_ERROR_INDEX, "more than %d pictures", (int)parts_max);
        }
        rc = dogb_grow(arena, &out->parts, &capacity, (size_t)out->count, sizeof *out->parts);
        if (rc < 0 || (rc = read_part(&in, &out->parts[out->count], &found)) < 0) {
            return rc;
        }
        out->count++;
    }
    return out->count > 0 ? DOGBREED_OK : broken("there is no part in it");
}
