// number.c - see number.h. A host program may have called setlocale: strtod and printf would then
// read and write "0,5".
#include "core/number.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_SIZE = 40 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static locale_t plain; // made once, then only read

static void make(void) {
    plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

// Only the calling thread sees the change.
static locale_t enter(void) {
    (void)pthread_once(&once, make);
    return plain == (locale_t)0 ? (locale_t)0 : uselocale(plain);
}

static void leave(locale_t before) {
    if (before != (locale_t)0) {
        (void)uselocale(before);
    }
}

double dogb_number_parse(const char *text, char **end) {
    locale_t before = enter();
    double value = strtod(text, end);
    leave(before);
    return value;
}

// Writes `value` with the fewest digits that serve.
static int shortest(char out[TEXT_SIZE], double value) {
    int digits = 15;
    locale_t before = enter();
    for (;; digits++) {
        (void)snprintf(out, TEXT_SIZE, "%.*g", digits, value);
        if (digits == 17 || strtod(out, NULL) == value) {
            break;
        }
    }
    leave(before);
    return digits;
}

int dogb_number_digits(double value) {
    char text[TEXT_SIZE];
    return shortest(text, value);
}

void dogb_number_text(char out[40], double value) {
    if (isnan(value)) {
        memcpy(out, "nan", sizeof "nan"); // not "-nan", which some have
    } else {
        (void)shortest(out, value);
    }
}

int dogb_number_compare(const void *a, const void *b) {
    const double left = *(const double *)a;
    const double right = *(const double *)b;
    return left < right ? -1 : left > right;
}
