// buffer.c - see buffer.h.
#include "core/buffer.h"

#include "core/error.h"
#include "core/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void dogb_buffer_put(dogb_buffer *buffer, const char *bytes, size_t length) {
    if (buffer->rc < 0) {
        return;
    }
    if (buffer->length + length + 1 > buffer->capacity) {
        size_t capacity = 2 * buffer->capacity + length + 256;
        char *data = dogb_realloc(buffer->arena, buffer->data, capacity, 1);
        if (data == NULL) {
            buffer->rc = DOGBREED_ERROR_NO_MEMORY;
            return;
        }
        buffer->data = data;
        buffer->capacity = capacity;
    }
    memcpy(buffer->data + buffer->length, bytes, length);
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
}

void dogb_buffer_add(dogb_buffer *buffer, const char *string) {
    dogb_buffer_put(buffer, string, strlen(string));
}

void dogb_buffer_integer(dogb_buffer *buffer, int64_t value) {
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%lld", (long long)value);
    dogb_buffer_add(buffer, digits);
}

void dogb_buffer_fixed(dogb_buffer *buffer, double value, int decimals) {
    static const int64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
    char digits[40];
    int64_t unit = powers[decimals];
    int64_t all = llround(fabs(value) * (double)unit);
    int64_t rest = all % unit;
    while (decimals > 0 && rest % 10 == 0) {
        rest /= 10;
        decimals--;
    }
    (void)snprintf(digits, sizeof digits, "%s%lld", value < 0 && all != 0 ? "-" : "",
                   (long long)(all / unit));
    dogb_buffer_add(buffer, digits);
    if (decimals > 0) {
        (void)snprintf(digits, sizeof digits, "%lld", (long long)(powers[decimals] + rest));
        digits[0] = '.'; // in place of the 1 that kept its zeros
        dogb_buffer_add(buffer, digits);
    }
}

int dogb_buffer_write(void *userdata, const void *data, size_t size) {
    dogb_buffer *buffer = userdata;
    dogb_buffer_put(buffer, data, size);
    return buffer->rc;
}

void dogb_buffer_escaped(dogb_buffer *buffer, const char *text) {
    static const struct {
        char character;
        const char *written;
    } rows[] = {{'<', "&lt;"}, {'>', "&gt;"}, {'&', "&amp;"}, {'"', "&quot;"}};
    for (const char *at = text; *at != '\0';) {
        size_t plain = strcspn(at, "<>&\"");
        dogb_buffer_put(buffer, at, plain);
        at += plain;
        for (size_t i = 0; *at != '\0' && i < sizeof rows / sizeof rows[0]; i++) {
            if (*at == rows[i].character) {
                dogb_buffer_add(buffer, rows[i].written);
                at++;
                break;
            }
        }
    }
}

// --- CSV

static void separate(dogb_buffer *buffer) {
    if (buffer->cells++ > 0) {
        dogb_buffer_put(buffer, ",", 1);
    }
}

void dogb_buffer_cell(dogb_buffer *buffer, const char *cell) {
    size_t plain = strcspn(cell, ",\"\r\n");
    separate(buffer);
    if (cell[plain] == '\0') {
        dogb_buffer_put(buffer, cell, plain);
        return;
    }
    dogb_buffer_put(buffer, "\"", 1);
    for (const char *at = cell; *at != '\0';) {
        size_t length = strcspn(at, "\"");
        dogb_buffer_put(buffer, at, length);
        at += length;
        if (*at == '"') {
            dogb_buffer_put(buffer, "\"\"", 2);
            at++;
        }
    }
    dogb_buffer_put(buffer, "\"", 1);
}

void dogb_buffer_cell_number(dogb_buffer *buffer, double value) {
    char digits[40] = "";
    if (!isnan(value)) {
        dogb_number_text(digits, value);
    }
    dogb_buffer_cell(buffer, digits);
}

void dogb_buffer_line(dogb_buffer *buffer) {
    dogb_buffer_put(buffer, "\n", 1);
    buffer->cells = 0;
}
