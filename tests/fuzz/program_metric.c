// program_metric.c - fuzz target: a pattern (up to the first line end) and the lines of a program
// behind it. Numbers are found in the same places however the bytes come, and the search ends.
#include "fuzz.h"

#include "program/lines.h"
#include "program/metric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    const dogb_metric *metric;
    dogb_tally tally;
    double sum;
} reader;

static int on_line(const dogb_line *line, void *userdata) {
    reader *r = userdata;
    size_t at = 0;
    double value = 0;
    if (strlen(line->text) != line->length || line->length > DOGB_LINE_MAX) {
        abort();
    }
    while (dogb_metric_next(&value, r->metric, &r->tally, line->text, &at)) {
        r->sum += isfinite(value) ? value : 1;
        if (at > line->length + 1) {
            abort();
        }
    }
    return 0;
}

static reader read_all(dogb_arena *arena, const dogb_metric *metric, const char *bytes, size_t size,
                       size_t piece) {
    reader r = {.metric = metric};
    dogb_lines lines;
    if (dogb_lines_create(&lines, arena) != 0) {
        abort();
    }
    for (size_t at = 0; at < size; at += piece) {
        size_t left = size - at;
        (void)dogb_lines_add(&lines, bytes + at, left < piece ? left : piece, on_line, &r);
    }
    (void)dogb_lines_end(&lines, on_line, &r);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *end = size == 0 ? NULL : memchr(data, '\n', size);
    size_t length = end == NULL ? size : (size_t)(end - data);
    dogb_arena arena = {0};
    dogb_metric *metric = NULL;
    char *pattern = dogb_strndup(&arena, (const char *)data, length);
    if (pattern != NULL && length < 100 && // the C library's own time and memory
        dogb_metric_create(&metric, &arena, pattern) == 0) {
        const char *bytes = (const char *)data + length;
        reader whole = read_all(&arena, metric, bytes, size - length, size + 1);
        reader parts = read_all(&arena, metric, bytes, size - length, 3);
        if (whole.tally.found != parts.tally.found || whole.tally.missing != parts.tally.missing ||
            whole.tally.cut != parts.tally.cut || *dogb_metric_name(metric) == '\0' ||
            (whole.sum != parts.sum && isfinite(whole.sum))) {
            abort();
        }
    }
    dogb_arena_free(&arena);
    return 0;
}
