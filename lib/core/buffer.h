// buffer.h - text that grows: documents, tables. The same bytes whatever locale the program has
// set.
#ifndef DOGB_CORE_BUFFER_H
#define DOGB_CORE_BUFFER_H

#include "core/arena.h"

#include <stdint.h>

// Starts as {.arena = ...}. What fails is remembered: rc is looked at once, at the end.
typedef struct dogb_buffer {
    dogb_arena *arena;
    char *data; // length bytes and a zero; NULL: nothing yet
    size_t length;
    size_t capacity;
    int rc;
    int32_t cells; // of the line, in CSV
} dogb_buffer;

void dogb_buffer_put(dogb_buffer *buffer, const char *bytes, size_t length);
void dogb_buffer_add(dogb_buffer *buffer, const char *string);
void dogb_buffer_integer(dogb_buffer *buffer, int64_t value);
// Rounded to `decimals` (6 at most), without zeros at the end: "12.5", "-3". |value| < 1e12.
void dogb_buffer_fixed(dogb_buffer *buffer, double value, int decimals);

// The same for those who write through a function: userdata is the buffer. Returns its rc.
int dogb_buffer_write(void *userdata, const void *data, size_t size);
// For documents of XML and HTML, also between quotes.
void dogb_buffer_escaped(dogb_buffer *buffer, const char *text);

// CSV as in RFC 4180: a cell, quoted where it has to be, behind a comma unless it begins a line; a
// number (NaN: an empty cell); the end of a line.
void dogb_buffer_cell(dogb_buffer *buffer, const char *cell);
void dogb_buffer_cell_number(dogb_buffer *buffer, double value);
void dogb_buffer_line(dogb_buffer *buffer);

#endif
