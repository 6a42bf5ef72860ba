// lines.c - see lines.h.
#include "program/lines.h"

#include <dogbreed/common.h>

#include <string.h>

int dogb_lines_create(dogb_lines *out, dogb_arena *arena) {
    *out = (dogb_lines){.buffer = dogb_alloc_raw(arena, DOGB_LINE_MAX + 1, 1)};
    return out->buffer == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

static int give(dogb_lines *lines, char end, dogb_line_fn fn, void *userdata) {
    dogb_line line = {.text = lines->buffer, .length = lines->used, .cut = lines->cut, .end = end};
    lines->buffer[lines->used] = '\0';
    lines->used = 0;
    lines->cut = 0;
    return fn(&line, userdata);
}

static void append(dogb_lines *lines, const char *bytes, size_t size) {
    size_t room = DOGB_LINE_MAX - lines->used;
    size_t taken = size < room ? size : room;
    char *to = lines->buffer + lines->used;
    memcpy(to, bytes, taken);
    for (char *zero = to; (zero = memchr(zero, 0, taken - (size_t)(zero - to))) != NULL;) {
        *zero++ = '?';
    }
    lines->used += taken;
    lines->cut += (int64_t)(size - taken);
}

int dogb_lines_add(dogb_lines *lines, const char *bytes, size_t size, dogb_line_fn fn,
                   void *userdata) {
    int rc = DOGBREED_OK;
    while (rc == DOGBREED_OK && size > 0) {
        size_t length = 0;
        while (length < size && bytes[length] != '\n' && bytes[length] != '\r') {
            length++;
        }
        append(lines, bytes, length);
        if (length < size) {
            rc = give(lines, bytes[length++], fn, userdata);
        }
        bytes += length;
        size -= length;
    }
    return rc;
}

int dogb_lines_end(dogb_lines *lines, dogb_line_fn fn, void *userdata) {
    return lines->used > 0 ? give(lines, '\0', fn, userdata) : DOGBREED_OK;
}

void dogb_line_print(char *out, size_t size, const char *text) {
    size_t used = 0;
    text += strspn(text, " \t");
    for (; *text != '\0' && used + 1 < size; text++) {
        unsigned char c = (unsigned char)*text;
        out[used++] = c < ' ' || c == 127 ? ' ' : (char)c;
    }
    out[used] = '\0';
}
