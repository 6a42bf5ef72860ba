// stats_rank.c - percentiles by selection.
#include "core/stats.h"

#include <float.h>
#include <math.h>
#include <string.h>

// Floats in the order of unsigned numbers: -Infinity first, Infinity last.
static uint32_t key_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}

static float value_of(uint32_t key) {
    uint32_t bits = (key & 0x80000000u) != 0 ? key & 0x7fffffffu : ~key;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

// The value of rank `rank` (from 0) by its digits, highest first.
static double select_rank(const float *values, size_t count, size_t rank) {
    static const int shifts[] = {21, 10, 0};
    uint32_t prefix = 0;
    uint32_t mask = 0;
    for (int digit = 0; digit < 3; digit++) {
        size_t counts[DIGITS] = {0};
        for (size_t i = 0; i < count; i++) {
            uint32_t key = key_of(values[i]);
            if ((key & mask) == prefix && !isnan(values[i])) {
                counts[(key >> shifts[digit]) & (DIGITS - 1)]++;
            }
        }
        uint32_t at = 0;
        while (rank >= counts[at]) {
            rank -= counts[at++];
        }
        // The last digit has one bit less: those below it belong to the digit before.
        prefix |= at << shifts[digit];
        mask |= (uint32_t)(DIGITS - 1) << shifts[digit];
    }
    return (double)value_of(prefix);
}

double dogb_stats_quantile(const float *values, size_t count, double q) {
    size_t known = 0;
    for (size_t i = 0; i < count; i++) {
        known += isnan(values[i]) == 0;
    }
    if (known == 0 || !(q >= 0 && q <= 1)) {
        return NAN;
    }
    double place = (double)(known - 1) * q;
    size_t low = (size_t)place;
    double part = place - (double)low;
    double value = select_rank(values, count, low);
    if (part == 0) {
        return value;
    }
    double next = select_rank(values, count, low + 1);
    return value == next ? value : value + part * (next - value); // two infinities are no NaN
}
