// ticks.c - see ticks.h. A tick is an integer times a power of ten, so that its text is exact and
// the same in every locale.
#include "plot/ticks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static double number(int64_t mantissa, int exponent) {
    return exponent >= 0 ? (double)mantissa * pow(10, exponent)
                         : (double)mantissa / pow(10, -exponent);
}

// Orders of magnitude that are written without a power of ten, and digits behind the point.
enum { PLAIN_LEAST = -4, PLAIN_MOST = 6, DECIMALS_MOST = 9 };

// "-1.5e-9": the point behind the first digit, no zeros at the end.
static void write_power(char out[32], int64_t mantissa, int exponent) {
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%lld", (long long)(mantissa < 0 ? -mantissa : mantissa));
    size_t length = strlen(digits);
    exponent += (int)length - 1;
    while (length > 1 && digits[length - 1] == '0') {
        digits[--length] = '\0';
    }
    (void)snprintf(out, 32, "%s%c%s%se%d", mantissa < 0 ? "-" : "", digits[0],
                   length > 1 ? "." : "", digits + 1, exponent);
}

static int order_of(int64_t mantissa, int exponent) {
    for (; mantissa >= 10 || mantissa <= -10; mantissa /= 10) {
        exponent++;
    }
    return exponent;
}

// order: of the number that decides for the whole axis.
static void write(char out[32], int64_t mantissa, int exponent, int order) {
    char digits[24];
    int64_t size = mantissa < 0 ? -mantissa : mantissa;
    if (mantissa == 0) {
        (void)snprintf(out, 32, "0");
    } else if (order < PLAIN_LEAST || order > PLAIN_MOST || exponent < -DECIMALS_MOST) {
        write_power(out, mantissa, exponent);
    } else {
        int decimals = exponent < 0 ? -exponent : 0;
        for (int i = 0; i < exponent; i++) {
            size *= 10;
        }
        // At least one digit in front of the point.
        (void)snprintf(digits, sizeof digits, "%0*lld", decimals + 1, (long long)size);
        int front = (int)strlen(digits) - decimals;
        (void)snprintf(out, 32, "%s%.*s%s%s", mantissa < 0 ? "-" : "", front, digits,
                       decimals > 0 ? "." : "", digits + front);
    }
}

static void add(dogb_ticks *out, int64_t mantissa, int exponent, int order) {
    if (out->count < DOGB_TICKS_MAX) {
        dogb_tick *tick = &out->tick[out->count++];
        tick->value = number(mantissa, exponent);
        write(tick->text, mantissa, exponent, order);
    }
}

// --- linear

// The smallest 1, 2 or 5 times a power of ten that is at least `least`.
static void round_up(int64_t *base, int *exponent, double least) {
    static const int64_t bases[] = {1, 2, 5, 10};
    *exponent = (int)floor(log10(least));
    int i = 0;
    while (i < 3 && number(bases[i], *exponent) < least * (1 - 1e-9)) {
        i++;
    }
    *base = i < 3 ? bases[i] : 1;
    *exponent += i == 3;
}

void dogb_ticks_linear(dogb_ticks *out, double low, double high, int32_t wanted, int integers) {
    int64_t base;
    int exponent;
    double least = 0.7 * (high - low) / fmin(fmax(wanted, 2), 12);
    *out = (dogb_ticks){.count = 0};
    round_up(&base, &exponent, integers ? fmax(least, 1) : least);
    double step = number(base, exponent);
    int64_t first = (int64_t)ceil(low / step - 1e-9);
    int64_t last = (int64_t)floor(high / step + 1e-9);
    int order = order_of(base * (-first > last ? -first : last), exponent);
    for (int64_t i = first; i <= last; i++) {
        add(out, i * base, exponent, order);
    }
}

// --- log

void dogb_ticks_log(dogb_ticks *out, double low, double high, int32_t wanted) {
    static const int64_t bases[] = {1, 2, 5};
    int first = (int)ceil(log10(low) - 1e-9);
    int last = (int)floor(log10(high) + 1e-9);
    int decades = last - first + 1;
    int each = decades >= 3 ? 1 : 3; // of the bases
    int stride = decades <= wanted ? 1 : (decades + wanted - 1) / wanted;
    *out = (dogb_ticks){.count = 0};
    for (int exponent = first - 1; exponent <= last; exponent++) {
        for (int i = 0; i < each; i++) {
            double value = number(bases[i], exponent);
            if (value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9) &&
                (exponent - first) % stride == 0) {
                add(out, bases[i], exponent, exponent);
            }
        }
    }
    if (decades < 2 && out->count < 3) {
        dogb_ticks_linear(out, low, high, wanted, 0);
    }
}

void dogb_ticks_range(double *low, double *high, int log) {
    const double large = log ? 1e150 : 1e300; // so that quotients and differences are finite
    double least = log ? 1e-150 : -large;
    *low = isnan(*low) ? (log ? 1 : 0) : fmin(fmax(*low, least), large);
    *high = isnan(*high) ? *low : fmin(fmax(*high, *low), large);
    if (log) {
        if (*high / *low < 1 + 1e-9) {
            *low /= 2;
            *high *= 2;
        }
        return;
    }
    double size = fmax(fabs(*low), fabs(*high));
    if (*high - *low <= fmax(size * 1e-9, 1e-290)) {
        double more = size > 1e-280 ? size / 10 : 1;
        *low -= more;
        *high += more;
    }
}
