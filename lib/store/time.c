// time.c - see time.h.
#include "store/time.h"
#include "core/error.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

// Reads the digits that stand where the pattern has '0'; all else must be equal. Returns what is
// behind, NULL when it differs.
static const char *read_pattern(int *values, const char *text, const char *pattern) {
    int digits = 0;
    for (; *pattern != '\0'; pattern++, text++) {
        if (*pattern != '0') {
            values += digits > 0;
            digits = 0;
            if (*text != *pattern) {
                return NULL;
            }
            continue;
        }
        if (*text < '0' || *text > '9') {
            return NULL;
        }
        *values = (digits++ == 0 ? 0 : *values * 10) + (*text - '0');
    }
    return text;
}

static int days_of_month(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leaps = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leaps);
}

// Days from 1970-01-01 to the first of January.
static int64_t days_before(int64_t year) {
    int64_t last = year - 1;
    return 365 * (year - 1970) + (last / 4 - last / 100 + last / 400) -
           (1969 / 4 - 1969 / 100 + 1969 / 400);
}

// "Z", "+01:00": minutes ahead of UTC. Returns what is behind.
static const char *read_zone(int *minutes, const char *text) {
    int zone[2] = {0};
    *minutes = 0;
    if (*text == 'Z') {
        return text + 1;
    }
    const char *end = *text == '+' || *text == '-' ? read_pattern(zone, text + 1, "00:00") : NULL;
    if (end == NULL || zone[0] > 23 || zone[1] > 59) {
        return NULL;
    }
    *minutes = (zone[0] * 60 + zone[1]) * (*text == '-' ? -1 : 1);
    return end;
}

static double read_fraction(const char **text) {
    double value = 0, unit = 0.1;
    if (**text == '.') {
        for (++*text; **text >= '0' && **text <= '9'; ++*text, unit /= 10) {
            value += (**text - '0') * unit;
        }
    }
    return value;
}

int dogb_time_parse(double *out, const char *text) {
    int part[6] = {0}, zone = 0; // year month day hour minute second
    const char *end = read_pattern(part, text, "0000-00-00T00:00:00");
    double fraction = end == NULL ? 0 : read_fraction(&end);
    end = end == NULL ? NULL : read_zone(&zone, end);
    *out = 0;
    if (end == NULL || *end != '\0' || part[0] < 1970 || part[1] < 1 || part[1] > 12 ||
        part[2] < 1 || part[2] > days_of_month(part[0], part[1]) || part[3] > 23 || part[4] > 59 ||
        part[5] > 60) {
        return dogb_fail(DOGBREED_ERROR_FORMAT,
                         "time \"%.40s\": expected YYYY-MM-DDTHH:MM:SSZ, from 1970 on", text);
    }
    int64_t days = days_before(part[0]) + part[2] - 1;
    for (int month = 1; month < part[1]; month++) {
        days += days_of_month(part[0], month);
    }
    *out = (double)(days * 86400 + part[3] * 3600 + part[4] * 60 + part[5] - zone * 60) + fraction;
    return DOGBREED_OK;
}
