// tensor.c - see tensor.h.
#include "serve/tensor.h"

#include "core/error.h"
#include "core/float.h"

#include <string.h>

size_t dogb_tensor_size(int32_t side) {
    return (size_t)3 * (size_t)side * (size_t)side;
}

static int check_count(size_t count, int32_t max) {
    return count > (size_t)max ? dogb_fail(DOGBREED_ERROR_INDEX, "more than %d pictures", (int)max)
                               : DOGBREED_OK;
}

int dogb_tensor_count(int32_t *out, const int64_t *dims, int32_t rank, int32_t side, int32_t max) {
    const int64_t *picture = rank == 4 ? dims + 1 : dims;
    int64_t count = rank == 4 ? dims[0] : 1;
    if ((rank != 3 && rank != 4) || count < 1 || picture[0] != 3 || picture[1] != side ||
        picture[2] != side) {
        return dogb_fail(DOGBREED_ERROR_MISMATCH,
                         "the tensor's shape is not (N, 3, %d, %d) or (3, %d, %d)", (int)side,
                         (int)side, (int)side, (int)side);
    }
    int rc = check_count((uint64_t)count, max);
    *out = rc < 0 ? 0 : (int32_t)count;
    return rc;
}

static int not_finite(void) {
    return dogb_fail(DOGBREED_ERROR_FORMAT, "a number of the tensor is not finite");
}

int dogb_tensor_finite(const void *numbers, size_t count) {
    static const uint32_t exponent = 0x7f800000;
    const uint8_t *at = numbers;
    uint32_t bad = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = 0;
        memcpy(&bits, at + i * sizeof bits, sizeof bits);
        bad |= (bits & exponent) == exponent;
    }
    return bad ? not_finite() : DOGBREED_OK;
}

int dogb_tensor_narrow(float *out, const void *numbers, size_t count) {
    const uint8_t *at = numbers;
    for (size_t i = 0; i < count; i++) {
        double value = 0;
        memcpy(&value, at + i * sizeof value, sizeof value);
        if (!(value > -DOGB_FLOAT_LIMIT && value < DOGB_FLOAT_LIMIT)) {
            return not_finite();
        }
        out[i] = (float)value;
    }
    return DOGBREED_OK;
}

// --- CSV

static const char *skip_blanks(const char *at, const char *end) {
    while (at < end && (*at == ' ' || *at == '\t')) {
        at++;
    }
    return at;
}

// Numbers of text[at..end), a line. MISMATCH: not `count` of them.
static int read_line(float *out, size_t count, const char *at, const char *end) {
    for (size_t i = 0; i < count; i++) {
        at = skip_blanks(at, end);
        const char *next = dogb_float_skip(at, end, 0);
        if (next == NULL) {
            return dogb_fail(DOGBREED_ERROR_FORMAT, "CSV: expected a number in each cell");
        }
        int rc = dogb_float_read(out + i, at, (size_t)(next - at));
        if (rc < 0) {
            return rc;
        }
        at = skip_blanks(next, end);
        int last = i + 1 == count;
        if (last ? at != end : at == end) {
            return dogb_fail(DOGBREED_ERROR_MISMATCH, "CSV: expected %zu numbers per line", count);
        }
        if (!last && *at++ != ',') {
            return dogb_fail(DOGBREED_ERROR_FORMAT, "CSV: expected commas between numbers");
        }
    }
    return DOGBREED_OK;
}

// The line that begins at *at, which goes behind it.
static dogb_span next_line(const char **at, const char *end) {
    const char *from = *at;
    const char *stop = memchr(from, '\n', (size_t)(end - from));
    *at = stop == NULL ? end : stop + 1;
    stop = stop == NULL ? end : stop;
    stop -= stop > from && stop[-1] == '\r';
    return (dogb_span){(const uint8_t *)from, (size_t)(stop - from)};
}

int dogb_tensor_csv(float **out, int32_t *count, dogb_arena *arena, dogb_span text, int32_t side,
                    int32_t max) {
    const size_t size = dogb_tensor_size(side);
    const char *end = (const char *)text.data + text.size;
    size_t lines = 0;
    for (const char *at = (const char *)text.data; at < end; lines++) {
        (void)next_line(&at, end);
    }
    int rc = check_count(lines, max);
    if (rc < 0) {
        return rc;
    }
    // A digit and a comma for each, so that a short text does not ask for a lot of memory.
    if (text.size / 2 + 1 < lines * size) {
        return dogb_fail(DOGBREED_ERROR_MISMATCH, "CSV: expected %zu numbers per line", size);
    }
    *out = dogb_alloc_raw(arena, lines * size, sizeof **out);
    if (*out == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    const char *at = (const char *)text.data;
    for (size_t i = 0; rc == DOGBREED_OK && i < lines; i++) {
        dogb_span line = next_line(&at, end);
        const char *from = (const char *)line.data;
        rc = read_line(*out + i * size, size, from, from + line.size);
    }
    *count = (int32_t)lines;
    return rc;
}
