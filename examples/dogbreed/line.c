// line.c - see line.h.
#include "line.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static const double REDRAW_SECONDS = 0.1;
static const double PLAIN_SECONDS = 10.0;

static int shown; // a redrawn line stands on the terminal

void progress_clear(void) {
    if (shown) {
        (void)fprintf(stderr, "\r\033[K");
        (void)fflush(stderr);
        shown = 0;
    }
}

int line_is_shown(void) {
    return shown;
}

double now_seconds(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void line_init(line *l) {
    const char *term = getenv("TERM");
    l->terminal = isatty(STDERR_FILENO) && term != NULL && strcmp(term, "dumb") != 0;
    l->last_draw = now_seconds() - (l->terminal ? REDRAW_SECONDS : 0.0);
}

int line_width(const line *l) {
    struct winsize size;
    if (!l->terminal) {
        return 200;
    }
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20 ? size.ws_col : 80;
}

void format_time(char *out, size_t size, double seconds) {
    int s = isfinite(seconds) && seconds > 0.0 && seconds < 1e8 ? (int)(seconds + 0.5) : 0;
    if (s >= 3600) {
        (void)snprintf(out, size, "%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
    } else {
        (void)snprintf(out, size, "%d:%02d", s / 60, s % 60);
    }
}

void line_add(char *text_line, int width, const char *text) {
    size_t used = strlen(text_line);
    if (used + strlen(text) + 2 < (size_t)width && used + strlen(text) + 2 < LINE_MAX_LENGTH) {
        (void)snprintf(text_line + used, LINE_MAX_LENGTH - used, "%s%s", used == 0 ? "" : "  ",
                       text);
    }
}

void line_show(const line *l, const char *text) {
    if (l->terminal) {
        (void)fprintf(stderr, "\r%s\033[K", text);
        (void)fflush(stderr);
        shown = 1;
    } else {
        (void)fprintf(stderr, "%s\n", text);
    }
}

int line_due(line *l) {
    double t = now_seconds();
    if (t - l->last_draw < (l->terminal ? REDRAW_SECONDS : PLAIN_SECONDS)) {
        return 0;
    }
    l->last_draw = t;
    return 1;
}
