// value.c - see value.h.
#include "study/value.h"
#include "core/clock.h"
#include "core/number.h"

#include <math.h>
#include <string.h>

const char *dogb_value_kind(double value) {
    if (isnan(value)) {
        return "NAN";
    }
    return isfinite(value) ? "FINITE" : value > 0 ? "INF_POS" : "INF_NEG";
}

double dogb_value_of(const char *kind, double value) {
    if (kind != NULL && strcmp(kind, "FINITE") == 0) {
        return value;
    }
    if (kind != NULL && strcmp(kind, "INF_POS") == 0) {
        return INFINITY;
    }
    return kind != NULL && strcmp(kind, "INF_NEG") == 0 ? -INFINITY : NAN;
}

static const char *const states[] = {"RUNNING", "COMPLETE", "PRUNED", "FAIL", "WAITING"};
enum { STATE_COUNT = sizeof states / sizeof states[0] };

const char *dogb_state_name(int32_t state) {
    return state >= 0 && state < STATE_COUNT ? states[state] : "?";
}

int32_t dogb_state_of(const char *name) {
    for (int32_t i = 0; name != NULL && i < STATE_COUNT; i++) {
        if (strcmp(states[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

void dogb_date_now(char out[28]) {
    dogb_clock_text(out);
    out[10] = ' ';  // not 'T'
    out[26] = '\0'; // no 'Z'
}

// Days since 1970-01-01 of the Gregorian calendar. (H. Hinnant, "chrono-compatible low-level date
// algorithms")
static int64_t days_of(int64_t year, int64_t month, int64_t day) {
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

// "YYYY-MM-DD HH:MM:SS": -1 where a digit or a sign does not fit.
static int read_parts(const char *text, int64_t parts[6]) {
    static const char form[] = "dddd-dd-dd dd:dd:dd";
    int part = 0;
    for (int i = 0; form[i] != '\0'; i++) {
        if (form[i] == 'd' && text[i] >= '0' && text[i] <= '9') {
            parts[part] = parts[part] * 10 + (text[i] - '0');
        } else if (form[i] != 'd' && text[i] == form[i]) {
            part++;
        } else {
            return -1;
        }
    }
    return 0;
}

double dogb_date_of(const char *text) {
    int64_t parts[6] = {0};
    if (text == NULL || read_parts(text, parts) < 0) {
        return NAN;
    }
    const char *rest = text + 19;
    double fraction = *rest == '.' ? dogb_number_parse(rest, NULL) : 0;
    int64_t seconds = parts[3] * 3600 + parts[4] * 60 + parts[5];
    return (double)(days_of(parts[0], parts[1], parts[2]) * 86400 + seconds) + fraction;
}

char *dogb_json_plain(dogb_arena *arena, const char *text) {
    static const char *const words[] = {"NaN", "Infinity", "-Infinity"};
    size_t size = strlen(text);
    char *out = dogb_alloc_raw(arena, size * 2 + 1, 1); // a word of three becomes one of five
    char *to = out;
    int quoted = 0;
    for (const char *from = text; out != NULL && *from != '\0';) {
        size_t length = 0;
        for (size_t i = 0; !quoted && i < 3; i++) {
            size_t of_word = strlen(words[i]);
            length = strncmp(from, words[i], of_word) == 0 ? of_word : length;
        }
        if (length > 0) {
            *to++ = '"';
            memcpy(to, from, length);
            to += length;
            *to++ = '"';
            from += length;
            continue;
        }
        if (quoted && from[0] == '\\' && from[1] != '\0') {
            *to++ = *from++;
        } else if (*from == '"') {
            quoted = !quoted;
        }
        *to++ = *from++;
    }
    if (out != NULL) {
        *to = '\0';
    }
    return out;
}
