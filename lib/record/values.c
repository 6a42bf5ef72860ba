// values.c - see values.h.
#include "record/values.h"

#include "core/error.h"
#include "core/number.h"

#include <dogbreed/record.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1024 };

// --- elements as numbers

static double from_half(uint16_t bits) {
    double sign = bits & 0x8000 ? -1 : 1;
    int exponent = bits >> 10 & 31;
    int fraction = bits & 0x3ff;
    if (exponent == 31) {
        return fraction != 0 ? (double)NAN : sign * (double)INFINITY;
    }
    return sign * (exponent == 0 ? ldexp(fraction, -24) : ldexp(fraction + 1024, exponent - 25));
}

static double from_bfloat(uint16_t bits) {
    uint32_t word = (uint32_t)bits << 16;
    float value = 0;
    memcpy(&value, &word, sizeof value);
    return (double)value;
}

// One loop for each type: (its code, its C type, number of an element).
#define TYPES(ROW)                                                                                 \
    ROW(DOGBREED_RECORD_FLOAT32, float, (double))                                                  \
    ROW(DOGBREED_RECORD_FLOAT64, double, (double))                                                 \
    ROW(DOGBREED_RECORD_INT32, int32_t, (double))                                                  \
    ROW(DOGBREED_RECORD_UINT8, uint8_t, (double))                                                  \
    ROW(DOGBREED_RECORD_INT16, int16_t, (double))                                                  \
    ROW(DOGBREED_RECORD_INT8, int8_t, (double))                                                    \
    ROW(DOGBREED_RECORD_INT64, int64_t, (double))                                                  \
    ROW(DOGBREED_RECORD_BOOL, uint8_t, !!)                                                         \
    ROW(DOGBREED_RECORD_BFLOAT16, uint16_t, from_bfloat)                                           \
    ROW(DOGBREED_RECORD_UINT16, uint16_t, (double))                                                \
    ROW(DOGBREED_RECORD_FLOAT16, uint16_t, from_half)                                              \
    ROW(DOGBREED_RECORD_UINT32, uint32_t, (double))                                                \
    ROW(DOGBREED_RECORD_UINT64, uint64_t, (double))

int dogb_values_numeric(int32_t dtype) {
#define NUMERIC(code, type, number)                                                                \
    if (dtype == (code)) {                                                                         \
        return 1;                                                                                  \
    }
    TYPES(NUMERIC)
    return 0;
}

// Elements need not be aligned: they stand somewhere in a file.
void dogb_values_get(double *out, const dogb_values *values, size_t at, size_t count) {
    const char *data = values->data;
#define GET(code, type, number)                                                                    \
    if (values->dtype == (code)) {                                                                 \
        for (size_t i = 0; i < count; i++) {                                                       \
            type element;                                                                          \
            memcpy(&element, data + (at + i) * sizeof element, sizeof element);                    \
            out[i] = (double)number(element);                                                      \
        }                                                                                          \
    }
    TYPES(GET)
}

// --- reductions

enum { MIN, MAX, MEAN, STD, VARIANCE, SUM, PROD, L1, L2, MEDIAN, NAN_COUNT, INF_COUNT };

static const struct {
    const char *name;
    const char *smdebug;
    int32_t kind;
    int32_t has_absolute;
} reductions[] = {{"min", "min", MIN, 1},
                  {"max", "max", MAX, 1},
                  {"mean", "mean", MEAN, 1},
                  {"std", "std", STD, 1},
                  {"variance", "variance", VARIANCE, 1},
                  {"sum", "sum", SUM, 1},
                  {"prod", "prod", PROD, 1},
                  {"l1", "l1_norm", L1, 1},
                  {"l2", "l2_norm", L2, 1},
                  {"median", NULL, MEDIAN, 1},
                  {"nan_count", NULL, NAN_COUNT, 0},
                  {"inf_count", NULL, INF_COUNT, 0}};

static int same(const char *name, size_t length, const char *other) {
    return strlen(other) == length && memcmp(name, other, length) == 0;
}

int dogb_reduction_find(dogb_reduction *out, const char *name, size_t length) {
    static const char absolute[] = "abs_";
    const size_t prefix = sizeof absolute - 1;
    *out = (dogb_reduction){.absolute = length > prefix && memcmp(name, absolute, prefix) == 0};
    name += out->absolute ? prefix : 0;
    length -= out->absolute ? prefix : 0;
    for (size_t i = 0; i < sizeof reductions / sizeof reductions[0]; i++) {
        int known = same(name, length, reductions[i].name) ||
                    (reductions[i].smdebug != NULL && same(name, length, reductions[i].smdebug));
        if (known && (!out->absolute || reductions[i].has_absolute)) {
            out->kind = reductions[i].kind;
            out->name = reductions[i].name;
            out->smdebug = reductions[i].smdebug;
            return 1;
        }
    }
    return 0;
}

// What a pass over numbers leaves.
typedef struct moments {
    double count;
    double minimum;
    double maximum;
    double sum;
    double product;
    double sum_absolute;
    double sum_squares;
    double mean;
    double spread; // sum of squared distances to the mean
    double nan_count;
    double inf_count;
} moments;

// Two passes over a block give its mean and spread; those of all blocks are put together as in Chan
// et al., 1979: no cancellation as with a sum of squares alone.
static void add_block(moments *m, const double *values, size_t count) {
    double n = (double)count;
    double sum = 0;
    double spread = 0;
    for (size_t i = 0; i < count; i++) {
        double value = values[i];
        sum += value;
        m->minimum = value < m->minimum ? value : m->minimum;
        m->maximum = value > m->maximum ? value : m->maximum;
        m->product *= value;
        m->sum_absolute += fabs(value);
        m->sum_squares += value * value;
        m->nan_count += isnan(value) ? 1 : 0;
        m->inf_count += isinf(value) ? 1 : 0;
    }
    double mean = sum / n;
    for (size_t i = 0; i < count; i++) {
        spread += (values[i] - mean) * (values[i] - mean);
    }
    double apart = mean - m->mean;
    m->spread += spread + apart * apart * (m->count * n / (m->count + n));
    m->mean += apart * (n / (m->count + n));
    m->count += n;
    m->sum += sum;
}

static void get_block(double out[BLOCK], const dogb_values *values, size_t at, size_t count,
                      int absolute) {
    dogb_values_get(out, values, at, count);
    for (size_t i = 0; absolute && i < count; i++) {
        out[i] = fabs(out[i]);
    }
}

static moments measure(const dogb_values *values, int absolute) {
    moments m = {.minimum = INFINITY, .maximum = -INFINITY, .product = 1};
    double block[BLOCK];
    for (size_t at = 0; at < values->count; at += BLOCK) {
        size_t count = values->count - at < BLOCK ? values->count - at : BLOCK;
        get_block(block, values, at, count, absolute);
        add_block(&m, block, count);
    }
    return m;
}

// The one reduction that needs all values at once.
static int median(double *out, const dogb_values *values, int absolute) {
    dogb_arena scratch = {0};
    double *all = dogb_alloc_raw(&scratch, values->count, sizeof *all);
    if (all == NULL) {
        dogb_arena_free(&scratch);
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (size_t at = 0; at < values->count; at += BLOCK) {
        size_t count = values->count - at < BLOCK ? values->count - at : BLOCK;
        get_block(all + at, values, at, count, absolute);
    }
    qsort(all, values->count, sizeof *all, dogb_number_compare);
    size_t middle = values->count / 2;
    *out = values->count % 2 == 1 ? all[middle] : all[middle - 1] / 2 + all[middle] / 2;
    dogb_arena_free(&scratch);
    return DOGBREED_OK;
}

static double value_of(const moments *m, int32_t kind) {
    switch (kind) {
    case MIN:
        return m->minimum;
    case MAX:
        return m->maximum;
    case MEAN:
        return m->sum / m->count;
    case STD:
        return sqrt(m->spread / m->count);
    case VARIANCE:
        return m->spread / m->count;
    case SUM:
        return m->sum;
    case PROD:
        return m->product;
    case L1:
        return m->sum_absolute;
    case L2:
        return sqrt(m->sum_squares);
    case NAN_COUNT:
        return m->nan_count;
    default:
        return m->inf_count;
    }
}

// As NumPy has it: a NaN among the values is the result, and so is nothing to take it of.
static int reduce_one(double *out, const dogb_reduction *reduction, const moments *m,
                      const dogb_values *values) {
    int ordered = reduction->kind == MIN || reduction->kind == MAX || reduction->kind == MEDIAN;
    if (ordered && (m->nan_count > 0 || values->count == 0)) {
        *out = NAN;
        return DOGBREED_OK;
    }
    if (reduction->kind == MEDIAN) {
        return median(out, values, reduction->absolute);
    }
    *out = value_of(m, reduction->kind);
    return DOGBREED_OK;
}

int dogb_reduce(const char *list, const dogb_values *values, dogb_reduce_fn fn, void *userdata) {
    moments measured[2]; // of the values, of their absolute ones
    int done[2] = {0, 0};
    int rc = DOGBREED_OK;
    for (const char *at = list; rc >= 0 && *at != '\0';) {
        char name[32] = "";
        dogb_reduction reduction;
        double value = 0;
        size_t length = strcspn(at, ",");
        if (!dogb_reduction_find(&reduction, at, length) || length >= sizeof name) {
            return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                             "\"%.*s\" is no reduction; there are min, max, mean, std, variance, "
                             "sum, prod, l1, l2, median, nan_count, inf_count",
                             (int)(length < 64 ? length : 64), at);
        }
        memcpy(name, at, length);
        if (!done[reduction.absolute]) {
            measured[reduction.absolute] = measure(values, reduction.absolute);
            done[reduction.absolute] = 1;
        }
        rc = reduce_one(&value, &reduction, &measured[reduction.absolute], values);
        rc = rc < 0 ? rc : fn(name, value, userdata);
        at += length + (at[length] == ',');
    }
    return rc;
}
