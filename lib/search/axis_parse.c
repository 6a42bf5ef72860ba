// axis_parse.c - the text form of an axis, NAME=RANGE. RANGE is A,B,... (choices), LOW..HIGH, or
// SCALE:LOW:HIGH[:STEP]; a table holds the scales.
#include "search/space.h"

#include "core/error.h"
#include "core/number.h"

#include <stddef.h>
#include <string.h>

enum { NAME_MAX_BYTES = 256, TEXT_MAX_BYTES = 65536, CHOICES_MAX = 1000 };

static const struct {
    const char *word;
    int32_t kind;
    int32_t scale;
} scales[] = {
    {"auto", DOGB_AXIS_FLOAT, DOGB_SCALE_AUTO},
    {"linear", DOGB_AXIS_FLOAT, DOGB_SCALE_LINEAR},
    {"log", DOGB_AXIS_FLOAT, DOGB_SCALE_LOG},
    {"reverse-log", DOGB_AXIS_FLOAT, DOGB_SCALE_REVERSE_LOG},
    {"int", DOGB_AXIS_INT, DOGB_SCALE_AUTO},
    {"int-linear", DOGB_AXIS_INT, DOGB_SCALE_LINEAR},
    {"int-log", DOGB_AXIS_INT, DOGB_SCALE_LOG},
};
enum { SCALES = sizeof scales / sizeof scales[0] };

static const char expected[] =
    "expected A,B,... or LOW..HIGH or SCALE:LOW:HIGH[:STEP] with SCALE one of auto, linear, log, "
    "reverse-log, int, int-linear, int-log";

static int fail_form(const char *name, const char *range) {
    return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "search: %s=%.100s: %s", name, range,
                     expected);
}

// The number that text[0..length) is, and nothing else.
static int parse_number(double *out, const char *text, size_t length) {
    char copy[64];
    char *end;
    if (length == 0 || length >= sizeof copy || strchr("+-.0123456789", text[0]) == NULL) {
        return 0;
    }
    memcpy(copy, text, length);
    copy[length] = 0;
    if (strpbrk(copy, "xX") != NULL) {
        return 0;
    }
    *out = dogb_number_parse(copy, &end);
    return *end == 0;
}

static int parse_choices(dogb_axis *out, dogb_arena *arena, const char *range) {
    size_t count = 1;
    for (const char *at = range; (at = strchr(at, ',')) != NULL; at++) {
        count++;
    }
    DOGB_CHECK(count <= CHOICES_MAX, "search: %s: %zu choices, at most %d are taken", out->name,
               count, CHOICES_MAX);
    const char **choices = dogb_alloc(arena, count, sizeof *choices);
    if (choices == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        size_t length = strcspn(range, ",");
        DOGB_CHECK(length > 0, "search: %s: choice %zu is empty", out->name, i + 1);
        choices[i] = dogb_strndup(arena, range, length);
        if (choices[i] == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        for (size_t j = 0; j < i; j++) {
            DOGB_CHECK(strcmp(choices[i], choices[j]) != 0,
                       "search: %s: choice %.100s stands twice", out->name, choices[i]);
        }
        range += length + 1;
    }
    out->kind = DOGB_AXIS_CHOICE;
    out->choices = choices;
    out->choice_count = (int32_t)count;
    return 0;
}

static int whole(const char *text, size_t length) {
    size_t sign = length > 0 && (text[0] == '-' || text[0] == '+');
    return length > sign && strspn(text + sign, "0123456789") >= length - sign;
}

// LOW..HIGH: integers where both are written as such.
static int parse_range(dogb_axis *out, const char *range, const char *dots) {
    size_t low = (size_t)(dots - range);
    size_t high = strlen(dots + 2);
    if (!parse_number(&out->low, range, low) || !parse_number(&out->high, dots + 2, high)) {
        return fail_form(out->name, range);
    }
    int integers = whole(range, low) && whole(dots + 2, high);
    out->kind = integers ? DOGB_AXIS_INT : DOGB_AXIS_FLOAT;
    return 0;
}

static int parse_scale(dogb_axis *out, const char *range) {
    size_t word = strcspn(range, ":");
    int at = 0;
    while (at < SCALES &&
           (strlen(scales[at].word) != word || memcmp(scales[at].word, range, word) != 0)) {
        at++;
    }
    double numbers[3] = {0};
    int count = 0;
    const char *text = range + word;
    while (*text == ':' && count < 3) {
        size_t length = strcspn(++text, ":");
        if (!parse_number(&numbers[count++], text, length)) {
            return fail_form(out->name, range);
        }
        text += length;
    }
    if (at == SCALES || count < 2 || *text != 0) {
        return fail_form(out->name, range);
    }
    DOGB_CHECK(count == 2 || numbers[2] > 0, "search: %s=%.100s: STEP must be more than 0",
               out->name, range);
    out->kind = scales[at].kind;
    out->scale = scales[at].scale;
    out->low = numbers[0];
    out->high = numbers[1];
    out->step = numbers[2];
    return 0;
}

int dogb_axis_parse(dogb_axis *out, dogb_arena *arena, const char *text) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_-.";
    *out = (dogb_axis){0};
    DOGB_CHECK(strlen(text) <= TEXT_MAX_BYTES, "search: a range of %zu bytes, at most %d are taken",
               strlen(text), TEXT_MAX_BYTES);
    size_t length = strspn(text, letters);
    DOGB_CHECK(length > 0 && length <= NAME_MAX_BYTES && text[length] == '=',
               "search: %.100s: expected NAME=RANGE, NAME of letters, digits, _ - . up to %d bytes",
               text, NAME_MAX_BYTES);
    char *name = dogb_strndup(arena, text, length);
    if (name == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    out->name = name;
    const char *range = text + length + 1;
    const char *dots = strstr(range, "..");
    int rc = strchr(range, ',') != NULL   ? parse_choices(out, arena, range)
             : strchr(range, ':') != NULL ? parse_scale(out, range)
             : dots != NULL               ? parse_range(out, range, dots)
                                          : fail_form(name, range);
    return rc < 0 ? rc : dogb_axis_check(out);
}
