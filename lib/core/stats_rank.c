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

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, FIRST_SHIFT = 21 };

// How many values that are no NaN have which first digit; returns how many those are.
static size_t count_first(size_t counts[DIGITS], const float *values, size_t count) {
    size_t known = 0;
    memset(counts, 0, DIGITS * sizeof *counts);
    for (size_t i = 0; i < count; i++) {
        if (!isnan(values[i])) {
            counts[key_of(values[i]) >> FIRST_SHIFT]++;
            known++;
        }
    }
    return known;
}

// The digit in which the value of a rank lies; the rank becomes that among those of the digit.
static uint32_t digit_of(const size_t counts[DIGITS], size_t *rank) {
    uint32_t at = 0;
    while (*rank >= counts[at]) {
        *rank -= counts[at++];
    }
    return at;
}

// The key of rank `rank` (from 0) by its digits, highest first.
static uint32_t select_rank(const size_t first[DIGITS], const float *values, size_t count,
                            size_t rank) {
    static const int shifts[] = {10, 0};
    uint32_t prefix = digit_of(first, &rank) << FIRST_SHIFT;
    uint32_t mask = (uint32_t)(DIGITS - 1) << FIRST_SHIFT;
    for (int digit = 0; digit < 2; digit++) {
        size_t counts[DIGITS] = {0};
        for (size_t i = 0; i < count; i++) {
            uint32_t key = key_of(values[i]);
            if ((key & mask) == prefix && !isnan(values[i])) {
                counts[(key >> shifts[digit]) & (DIGITS - 1)]++;
            }
        }
        // The last digit has one bit less: those below it belong to the digit before.
        prefix |= digit_of(counts, &rank) << shifts[digit];
        mask |= (uint32_t)(DIGITS - 1) << shifts[digit];
    }
    return prefix;
}

// The key of the rank behind `rank`, whose key is given.
static uint32_t next_key(const float *values, size_t count, uint32_t key, size_t rank) {
    uint32_t next = UINT32_MAX;
    size_t below = 0; // and equal
    for (size_t i = 0; i < count; i++) {
        uint32_t own = isnan(values[i]) ? UINT32_MAX : key_of(values[i]);
        below += own <= key;
        next = own > key && own < next ? own : next;
    }
    return below > rank + 1 ? key : next;
}

static double quantile(const size_t first[DIGITS], const float *values, size_t count,
                       double place) {
    size_t low = (size_t)place;
    double part = place - (double)low;
    uint32_t key = select_rank(first, values, count, low);
    double value = (double)value_of(key);
    if (part == 0) {
        return value;
    }
    double next = (double)value_of(next_key(values, count, key, low));
    return value == next ? value : value + part * (next - value); // two infinities are no NaN
}

void dogb_stats_quantiles(double *out, const float *values, size_t count, const double *q,
                          size_t q_count) {
    size_t first[DIGITS];
    size_t known = count_first(first, values, count);
    for (size_t i = 0; i < q_count; i++) {
        out[i] = known == 0 || !(q[i] >= 0 && q[i] <= 1)
                     ? (double)NAN
                     : quantile(first, values, count, (double)(known - 1) * q[i]);
    }
}
