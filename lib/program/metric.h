// metric.h - numbers in the lines that a program prints, found by a POSIX extended regular
// expression with one group around the number.
#ifndef DOGB_PROGRAM_METRIC_H
#define DOGB_PROGRAM_METRIC_H

#include "core/regex.h"

#include <stdint.h>

enum { DOGB_PATTERN_MAX = DOGB_REGEX_MAX };

typedef struct dogb_metric dogb_metric; // lives in its arena; any thread

// What one program's lines have said of a metric.
typedef struct dogb_tally {
    double last;       // newest number
    int64_t found;     // numbers
    int64_t cut;       // of them: what stands beside it goes on like the number
    int64_t missing;   // lines that hold the name and no number
    int32_t stale;     // 1: the newest line with the name is one of those
    char cut_text[48]; // the first of each kind
    char cut_number[48];
    char missing_text[96]; // the newest
} dogb_tally;

// INVALID_ARGUMENT: longer than DOGB_PATTERN_MAX, not one group, what POSIX has no word for (\d).
int dogb_metric_create(dogb_metric **out, dogb_arena *arena, const char *pattern);

// Made of the letters before the group: "valid_acc", "Average_loss".
const char *dogb_metric_name(const dogb_metric *metric);
// Those letters as they stand in the lines; "": none.
const char *dogb_metric_label(const dogb_metric *metric);

// The next number of the line from *at on, which moves behind it. 1: *value is one; 0: no more,
// and the line is in the tally. Start with *at = 0.
int dogb_metric_next(double *value, const dogb_metric *metric, dogb_tally *tally, const char *line,
                     size_t *at);

// A whole number as programs print them: 1e-05, -0.3, nan, -Infinity; a full stop may follow. 0:
// it is none.
int dogb_metric_number(double *out, const char *text, size_t length);

// pattern.c: what the letters of a pattern say.
// INVALID_ARGUMENT: not one group; what dogb_regex_check refuses.
int dogb_pattern_check(const char *pattern);
// The last letters before the group that stand for themselves and have a word among them; "":
// none. Cut at `size`. Returns 1 when the group follows a literal sign.
int dogb_pattern_label(char *out, size_t size, const char *pattern);

#endif
