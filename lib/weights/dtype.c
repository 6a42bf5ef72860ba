// dtype.c - element types: names, sizes and values as float32. Knows nothing of files.
#include "core/error.h"
#include "weights/reader.h"

#include <math.h>
#include <string.h>

// Reads one element; source is aligned for its type.
typedef float (*to_f32_fn)(const uint8_t *source);

#define READER(name, type)                                                                         \
    static float name(const uint8_t *source) {                                                     \
        type value;                                                                                \
        memcpy(&value, source, sizeof value);                                                      \
        return (float)value;                                                                       \
    }
READER(from_f32, float)
READER(from_f64, double)
READER(from_i64, int64_t)
READER(from_i32, int32_t)
READER(from_i16, int16_t)
READER(from_i8, int8_t)
READER(from_u8, uint8_t)
READER(from_u16, uint16_t)
READER(from_u32, uint32_t)
READER(from_u64, uint64_t)

static float from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float from_bool(const uint8_t *source) {
    return *source != 0 ? 1.0F : 0.0F;
}

static float from_bf16(const uint8_t *source) {
    return from_bits((uint32_t)source[0] << 16 | (uint32_t)source[1] << 24);
}

// IEEE 754 binary16: sign 1, exponent 5 (bias 15), fraction 10.
static float half(uint32_t bits) {
    uint32_t sign = (bits & 0x8000U) << 16;
    uint32_t exponent = bits >> 10 & 31;
    uint32_t fraction = bits & 1023;
    if (exponent == 31) {
        return from_bits(sign | 0x7f800000U | fraction << 13);
    }
    if (exponent == 0) {
        float value = ldexpf((float)fraction, -24);
        return sign != 0 ? -value : value;
    }
    return from_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

static float from_f16(const uint8_t *source) {
    return half((uint32_t)source[0] | (uint32_t)source[1] << 8);
}

// The upper byte of a binary16.
static float from_f8_e5m2(const uint8_t *source) {
    return half((uint32_t)source[0] << 8);
}

// "E4M3FN" (OCP 8-bit floating point, 2023): bias 7, no infinities, all ones is NaN.
static float from_f8_e4m3(const uint8_t *source) {
    uint32_t exponent = *source >> 3 & 15;
    uint32_t fraction = *source & 7;
    float value = 0;
    if (exponent == 15 && fraction == 7) {
        value = NAN;
    } else if (exponent == 0) {
        value = ldexpf((float)fraction, -9);
    } else {
        value = ldexpf((float)(8 + fraction), (int)exponent - 10);
    }
    return (*source & 0x80) != 0 ? -value : value;
}

static const struct {
    const char *name;
    size_t size;
    to_f32_fn read; // NULL: no single number
} types[DOGB_DTYPE_COUNT] = {
    [DOGB_F32] = {"F32", 4, from_f32},
    [DOGB_F64] = {"F64", 8, from_f64},
    [DOGB_F16] = {"F16", 2, from_f16},
    [DOGB_BF16] = {"BF16", 2, from_bf16},
    [DOGB_I64] = {"I64", 8, from_i64},
    [DOGB_I32] = {"I32", 4, from_i32},
    [DOGB_I16] = {"I16", 2, from_i16},
    [DOGB_I8] = {"I8", 1, from_i8},
    [DOGB_U8] = {"U8", 1, from_u8},
    [DOGB_BOOL] = {"BOOL", 1, from_bool},
    [DOGB_U16] = {"U16", 2, from_u16},
    [DOGB_U32] = {"U32", 4, from_u32},
    [DOGB_U64] = {"U64", 8, from_u64},
    [DOGB_C64] = {"C64", 8, NULL},
    [DOGB_F8_E4M3] = {"F8_E4M3", 1, from_f8_e4m3},
    [DOGB_F8_E5M2] = {"F8_E5M2", 1, from_f8_e5m2},
};

const char *dogb_dtype_name(int32_t dtype) {
    return dtype >= 0 && dtype < DOGB_DTYPE_COUNT ? types[dtype].name : "unknown";
}

size_t dogb_dtype_size(int32_t dtype) {
    return dtype >= 0 && dtype < DOGB_DTYPE_COUNT ? types[dtype].size : 0;
}

int32_t dogb_dtype_find(const char *name) {
    for (int32_t i = 0; i < DOGB_DTYPE_COUNT; i++) {
        if (strcmp(types[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

int64_t dogb_shape_bytes(const int64_t *shape, int32_t rank, int32_t dtype) {
    // A zero anywhere makes the tensor empty, however large the other dimensions are; they must
    // still be sane, so that nobody who multiplies them in another order overflows.
    int64_t elements = 1;
    int empty = 0;
    for (int32_t i = 0; i < rank; i++) {
        if (shape[i] < 0) {
            return -1;
        }
        if (shape[i] == 0) {
            empty = 1;
        } else if (__builtin_mul_overflow(elements, shape[i], &elements)) {
            return -1;
        }
    }
    if (__builtin_mul_overflow(elements, (int64_t)dogb_dtype_size(dtype), &elements)) {
        return -1;
    }
    return empty ? 0 : elements;
}

int dogb_weight_to_f32(float *out, size_t count, const dogb_weight *tensor) {
    size_t size = dogb_dtype_size(tensor->dtype);
    if (size == 0 || tensor->bytes / size != count) {
        return dogb_fail(DOGBREED_ERROR_MISMATCH, "tensor %s: %zu elements, expected %zu",
                         tensor->name, size == 0 ? 0 : tensor->bytes / size, count);
    }
    if (tensor->dtype == DOGB_F32) {
        if (count > 0) {
            memcpy(out, tensor->data, count * sizeof *out);
        }
        return DOGBREED_OK;
    }
    to_f32_fn read = types[tensor->dtype].read;
    if (read == NULL) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED, "tensor %s: %s has no value as a real number",
                         tensor->name, dogb_dtype_name(tensor->dtype));
    }
    const uint8_t *source = tensor->data;
    for (size_t i = 0; i < count; i++) {
        out[i] = read(source + i * size);
    }
    return DOGBREED_OK;
}
