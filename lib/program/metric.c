// metric.c - see metric.h.
#include "program/metric.h"

#include "core/error.h"
#include "core/number.h"
#include "core/regex.h"
#include "program/lines.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct dogb_metric {
    dogb_regex *regex;
    char label[DOGB_PATTERN_MAX + 1];
    char name[DOGB_PATTERN_MAX + 1];
    int sign; // the group follows a sign that stands for itself
};

// "Average loss:" -> "Average_loss"
static void make_name(char *out, const char *label) {
    size_t used = 0;
    for (; *label != '\0'; label++) {
        int stands = isalnum((unsigned char)*label) || *label == '.' || *label == '-';
        if (stands || (used > 0 && out[used - 1] != '_')) {
            out[used++] = stands ? *label : '_';
        }
    }
    while (used > 0 && !isalnum((unsigned char)out[used - 1])) {
        used--;
    }
    out[used] = '\0';
    if (used == 0) {
        (void)snprintf(out, DOGB_PATTERN_MAX, "value");
    }
}

int dogb_metric_create(dogb_metric **out, dogb_arena *arena, const char *pattern) {
    *out = NULL;
    DOGB_CHECK(*pattern != '\0', "metric: is empty, expected a pattern such as \"loss=([0-9.]+)\"");
    int rc = dogb_pattern_check(pattern);
    dogb_metric *metric = rc < 0 ? NULL : dogb_alloc(arena, 1, sizeof *metric);
    if (metric == NULL) {
        return rc < 0 ? rc : DOGBREED_ERROR_NO_MEMORY;
    }
    rc = dogb_regex_create(&metric->regex, arena, "metric", pattern, 0);
    if (rc < 0) {
        return rc;
    }
    metric->sign = dogb_pattern_label(metric->label, sizeof metric->label, pattern);
    make_name(metric->name, metric->label);
    *out = metric;
    return DOGBREED_OK;
}

const char *dogb_metric_name(const dogb_metric *metric) {
    return metric->name;
}

const char *dogb_metric_label(const dogb_metric *metric) {
    return metric->label;
}

// --- numbers

int dogb_metric_number(double *out, const char *text, size_t length) {
    static const char *const words[] = {"nan", "inf", "infinity"};
    char copy[64];
    while (length > 0 && isspace((unsigned char)*text)) {
        text++;
        length--;
    }
    while (length > 0 && isspace((unsigned char)text[length - 1])) {
        length--;
    }
    length -= length > 1 && text[length - 1] == '.'; // of the sentence
    if (length == 0 || length >= sizeof copy) {
        return 0;
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    const char *digits = copy + (*copy == '-' || *copy == '+');
    int known = 0;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        known |= strcasecmp(digits, words[i]) == 0;
    }
    char *end = NULL;
    if (!known && digits[strspn(digits, "0123456789.eE+-")] != '\0') {
        return 0; // strtod knows hexadecimal numbers and more
    }
    *out = dogb_number_parse(copy, &end);
    return end != copy && *end == '\0';
}

static int is_digit(char c) {
    return c >= '0' && c <= '9';
}

// Behind "1" of "1e-05", "12" or "1.5".
static int goes_on(const char *text) {
    if (*text == 'e' || *text == 'E') {
        text += text[1] == '-' || text[1] == '+' ? 2 : 1;
        return is_digit(*text);
    }
    return is_digit(*text) || (*text == '.' && is_digit(text[1]));
}

static int is_cut(const dogb_metric *metric, const char *line, size_t from, size_t to) {
    char before = from == 0 ? ' ' : line[from - 1];
    int sign = (before == '-' || before == '+') && !metric->sign && is_digit(line[from]);
    return goes_on(line + to) || sign ||
           ((is_digit(before) || before == '.') && is_digit(line[from]));
}

static int is_number_letter(char c) {
    return isalnum((unsigned char)c) || c == '.' || c == '-' || c == '+';
}

// What stands around the number, and the number that was read.
static void note_cut(dogb_tally *tally, const char *line, size_t from, size_t to) {
    if (tally->cut++ > 0) {
        return;
    }
    (void)snprintf(tally->cut_number, sizeof tally->cut_number, "%.*s", (int)(to - from),
                   line + from);
    while (from > 0 && to - from < 24 && is_number_letter(line[from - 1])) {
        from--;
    }
    while (to - from < 40 && line[to] != '\0' && is_number_letter(line[to])) {
        to++;
    }
    (void)snprintf(tally->cut_text, sizeof tally->cut_text, "%.*s", (int)(to - from), line + from);
}

static void note_missing(dogb_tally *tally, const char *line) {
    tally->missing++;
    tally->stale = 1;
    dogb_line_print(tally->missing_text, sizeof tally->missing_text, line);
}

int dogb_metric_next(double *value, const dogb_metric *metric, dogb_tally *tally, const char *line,
                     size_t *at) {
    int first = *at == 0;
    regmatch_t match[2];
    while (regexec(&metric->regex->posix, line + *at, 2, match, *at == 0 ? 0 : REG_NOTBOL) == 0) {
        size_t base = *at;
        size_t from = base + (size_t)match[1].rm_so;
        size_t to = base + (size_t)match[1].rm_eo;
        size_t end = base + (size_t)match[0].rm_eo;
        int empty = match[0].rm_eo == 0;
        if (empty && line[end] == '\0') {
            break;
        }
        *at = end + (size_t)empty;
        if (match[1].rm_so < 0 || !dogb_metric_number(value, line + from, to - from)) {
            continue;
        }
        tally->found++;
        tally->last = *value;
        tally->stale = 0;
        if (is_cut(metric, line, from, to)) {
            note_cut(tally, line, from, to);
        }
        return 1;
    }
    if (first && *metric->label != '\0' && strstr(line, metric->label) != NULL) {
        note_missing(tally, line);
    }
    return 0;
}
