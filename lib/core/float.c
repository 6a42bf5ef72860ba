// float.c - see float.h. Powers of ten up to 10^22 and integers up to 2^53 are exact doubles, so
// that one multiplication or division of the two is rounded once: it gives the double that strtod
// would give. What does not fit goes to strtod.
#include "core/float.h"

#include "core/error.h"
#include "core/number.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POWER_MAX = 22, DIGITS_MAX = 9, DIGITS_SAFE = 6 };

static const double powers[POWER_MAX + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                             1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                             1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

// value * 10^exponent, |exponent| <= POWER_MAX.
static double scale(double value, int exponent) {
    return exponent < 0 ? value / powers[-exponent] : value * powers[exponent];
}

// --- writing

// digits * 10^exponent
typedef struct decimal {
    uint32_t digits; // up to 10^DIGITS_MAX
    int exponent;
} decimal;

static int reads_back(decimal d, float value) {
    if (d.exponent >= -POWER_MAX && d.exponent <= POWER_MAX) {
        return (float)scale((double)d.digits, d.exponent) == value;
    }
    char text[48];
    (void)snprintf(text, sizeof text, "%llue%d", (unsigned long long)d.digits, d.exponent);
    return (float)dogb_number_parse(text, NULL) == value;
}

// Powers too large for the table are taken in steps: the product may then be off by a part in
// 10^15.
static double scale_far(double value, int exponent) {
    while (exponent < -POWER_MAX || exponent > POWER_MAX) {
        int step = exponent < 0 ? -POWER_MAX : POWER_MAX;
        value = scale(value, step);
        exponent -= step;
    }
    return scale(value, exponent);
}

// The power of ten at or below value > 0. No float32 is so near to one that a product could be on
// the wrong side of it.
static int top_power(float value) {
    int binary = 0;
    (void)frexpf(value, &binary);
    int top = (int)floor((binary - 1) * 0.30102999566398120); // of the power of two below it
    return scale_far(value, -(top + 1)) < 1.0 ? top : top + 1;
}

// The decimal of so many digits next to `value` > 0, which lies in [10^top, 10^(top + 1)).
static decimal nearest(float value, int top, int digits) {
    int shift = digits - 1 - top;
    return (decimal){(uint32_t)llrint(scale_far(value, shift)), -shift};
}

// Below a power of two float32 lie closer together than above it: the decimal next to one may be
// too low where the next higher one still reads back.
static int serves(decimal *d, float value) {
    int binary = 0;
    if (reads_back(*d, value)) {
        return 1;
    }
    if (frexpf(value, &binary) != 0.5F) {
        return 0;
    }
    d->digits++;
    return reads_back(*d, value);
}

// Nine digits tell all float32 apart; most need eight or nine. No decimal of six digits or fewer is
// lost in a normal float32: the one of six digits, without zeros at its end, is the shortest where
// there is one so short. A float32 with few bits has less to say.
static decimal shortest(float value) {
    int top = top_power(value);
    int least = value < FLT_MIN ? 1 : DIGITS_SAFE;
    decimal out = nearest(value, top, DIGITS_MAX);
    for (int digits = DIGITS_MAX - 1; digits >= least; digits--) {
        decimal fewer = nearest(value, top, digits);
        if (!serves(&fewer, value)) {
            break;
        }
        out = fewer;
    }
    return out;
}

// "-" and digits, with `point` of them in front of the point, as many zeros as that takes.
static size_t positional(char *out, const char *digits, int count, int point) {
    size_t at = 0;
    int first = point < 1 ? point - 1 : 0;
    int last = point >= count ? point + 1 : count;
    for (int i = first; i < last; i++) {
        if (i == (point < 1 ? first + 1 : point)) {
            out[at++] = '.';
        }
        out[at++] = '0';
        if (i >= 0 && i < count) {
            out[at - 1] = digits[i];
        }
    }
    return at;
}

static size_t scientific(char *out, const char *digits, int count, int top) {
    size_t at = 0;
    out[at++] = digits[0];
    if (count > 1) {
        out[at++] = '.';
        memcpy(out + at, digits + 1, (size_t)count - 1);
        at += (size_t)count - 1;
    }
    out[at++] = 'e';
    out[at++] = top < 0 ? '-' : '+';
    out[at++] = (char)('0' + abs(top) / 10);
    out[at++] = (char)('0' + abs(top) % 10);
    return at;
}

size_t dogb_float_text(char out[DOGB_FLOAT_TEXT], float value) {
    char digits[DIGITS_MAX + 2] = {0};
    size_t at = 0;
    if (signbit(value)) {
        out[at++] = '-';
    }
    if (value == 0) {
        memcpy(out + at, "0.0", 3);
        return at + 3;
    }
    decimal d = shortest(fabsf(value));
    int first = sizeof digits;
    for (; d.digits > 0; d.digits /= 10) {
        digits[--first] = (char)('0' + d.digits % 10);
    }
    int count = (int)sizeof digits - first;
    int top = count - 1 + d.exponent;
    while (digits[first + count - 1] == '0') {
        count--;
    }
    return at + (top >= -4 && top < 16 ? positional(out + at, digits + first, count, top + 1)
                                       : scientific(out + at, digits + first, count, top));
}

// --- reading

static const char *skip_digits(const char *at, const char *end) {
    while (at < end && *at >= '0' && *at <= '9') {
        at++;
    }
    return at;
}

const char *dogb_float_skip(const char *at, const char *end, int strict) {
    if (at < end && (*at == '-' || (*at == '+' && !strict))) {
        at++;
    }
    const char *whole = at;
    at = skip_digits(at, end);
    size_t digits = (size_t)(at - whole);
    if (strict && (digits == 0 || (digits > 1 && *whole == '0'))) {
        return NULL;
    }
    if (at < end && *at == '.') {
        const char *fraction = ++at;
        at = skip_digits(at, end);
        digits += (size_t)(at - fraction);
        if (strict && at == fraction) {
            return NULL;
        }
    }
    if (digits > 0 && at < end && (*at == 'e' || *at == 'E')) {
        at += at + 1 < end && (at[1] == '+' || at[1] == '-') ? 2 : 1;
        const char *exponent = at;
        at = skip_digits(at, end);
        digits = at == exponent ? 0 : digits;
    }
    return digits == 0 ? NULL : at;
}

// The 19 first digits that count, and the power of ten that goes with them.
typedef struct scientific_number {
    uint64_t digits;
    int exponent;
    int negative;
    int exact; // there were no more digits
} scientific_number;

static void split(scientific_number *out, const char *at, const char *end) {
    static const uint64_t room = (UINT64_MAX - 9) / 10;
    int64_t exponent = 0;
    int fraction = 0;
    *out = (scientific_number){.exact = 1, .negative = *at == '-'};
    at += *at == '-' || *at == '+';
    for (; at < end && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.') {
            fraction = 1;
        } else if (out->digits <= room) {
            out->digits = out->digits * 10 + (uint64_t)(*at - '0');
            exponent -= fraction;
        } else {
            out->exact &= *at == '0';
            exponent += !fraction;
        }
    }
    if (at < end) {
        int negative = *++at == '-';
        int64_t written = 0;
        for (at += *at == '-' || *at == '+'; at < end; at++) {
            written = written > INT16_MAX ? written : written * 10 + (*at - '0');
        }
        exponent += negative ? -written : written;
    }
    out->exponent = exponent > INT16_MAX    ? INT16_MAX
                    : exponent < -INT16_MAX ? -INT16_MAX
                                            : (int)exponent;
}

// 1: *out is within a few units in the last place of the number, and no tie of two float32 is as
// near to it: whatever the double next to the number is, it narrows to the same float32.
static int narrows(double *out, const scientific_number *n) {
    enum { LOST = 29, NEAR = 4 }; // bits that narrowing drops
    uint64_t bits = 0;
    if (n->digits != 0 && (n->exponent < -POWER_MAX || n->exponent > POWER_MAX)) {
        return 0;
    }
    *out = n->digits == 0 ? 0 : scale((double)n->digits, n->exponent);
    if (n->exact && n->digits <= (UINT64_C(1) << 53)) {
        return 1; // it is that double
    }
    memcpy(&bits, out, sizeof bits);
    int64_t tie = (int64_t)(bits & ((UINT64_C(1) << LOST) - 1)) - (INT64_C(1) << (LOST - 1));
    return tie < -NEAR || tie > NEAR;
}

// Texts of strtod end with a zero.
static int read_slowly(double *out, const char *text, size_t size) {
    char copy[512];
    if (size >= sizeof copy) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "a number of %zu characters, %zu are allowed", size,
                         sizeof copy - 1);
    }
    memcpy(copy, text, size);
    copy[size] = '\0';
    *out = fabs(dogb_number_parse(copy, NULL));
    return DOGBREED_OK;
}

int dogb_float_read(float *out, const char *text, size_t size) {
    scientific_number n;
    double value = 0;
    split(&n, text, text + size);
    if (!narrows(&value, &n)) {
        int rc = read_slowly(&value, text, size);
        if (rc < 0) {
            return rc;
        }
    }
    if (!(value < DOGB_FLOAT_LIMIT)) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "a number is too large for float32");
    }
    *out = n.negative ? -(float)value : (float)value;
    return DOGBREED_OK;
}
