// line.h - one line of the terminal that is drawn again and again; elsewhere a plain line from time
// to time.
#ifndef TOOL_LINE_H
#define TOOL_LINE_H

#include "tool.h"

enum { LINE_MAX_LENGTH = 400 };

typedef struct line {
    int terminal;     // stderr is one
    double last_draw; // monotonic
} line;

void line_init(line *l);
int line_due(line *l); // 1: it is time to draw it, ten times a second, or every ten seconds
void line_show(const line *l, const char *text);
int line_width(const line *l); // letters that fit
int line_is_shown(void);       // on the terminal now
// Adds "  text" where it fits into the width: what comes first matters most.
void line_add(char *text_line, int width, const char *text);
void format_time(char *out, size_t size, double seconds); // "1:05"
double now_seconds(void);                                 // monotonic

#endif
