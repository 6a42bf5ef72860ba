// lines.h - bytes of a stream as lines. A line ends with \n or \r (progress bars); what is longer
// than DOGB_LINE_MAX is cut there, and zero bytes become '?'.
#ifndef DOGB_PROGRAM_LINES_H
#define DOGB_PROGRAM_LINES_H

#include "core/arena.h"

#include <stdint.h>

enum { DOGB_LINE_MAX = 65536 };

typedef struct dogb_line {
    const char *text; // a zero byte behind it
    size_t length;
    int64_t cut; // bytes that it had behind those
    char end;    // '\n', '\r'; 0: the stream has ended in it
} dogb_line;

typedef int (*dogb_line_fn)(const dogb_line *line, void *userdata);

typedef struct dogb_lines {
    char *buffer;
    size_t used;
    int64_t cut;
} dogb_lines;

int dogb_lines_create(dogb_lines *out, dogb_arena *arena);
// A negative result of fn is returned at once; the rest of the bytes is lost.
int dogb_lines_add(dogb_lines *lines, const char *bytes, size_t size, dogb_line_fn fn,
                   void *userdata);
int dogb_lines_end(dogb_lines *lines, dogb_line_fn fn, void *userdata); // what has no end yet

// The line as one line of a message: without what moves a terminal's cursor; cut at `size`.
void dogb_line_print(char *out, size_t size, const char *text);

#endif
