// numbers.c - see numbers.h. An array is scanned once to see what it is, and read a second time to
// where its numbers go.
#include "serve/numbers.h"

#include "core/error.h"
#include "core/float.h"

static const char *skip_blanks(const char *at, const char *end) {
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r')) {
        at++;
    }
    return at;
}

// --- one array

typedef struct scan {
    dogb_numbers *out;
    int32_t level; // arrays that are open
    int32_t leaf;  // the level that numbers stand at; 0: none seen yet
    int32_t ragged;
    size_t counts[DOGB_NUMBERS_RANK_MAX]; // elements of the open arrays so far
    uint8_t known[DOGB_NUMBERS_RANK_MAX]; // dims[level] is set
} scan;

static void add_element(scan *s) {
    if (s->level > 0) {
        s->counts[s->level - 1]++;
    }
}

static void close_array(scan *s) {
    int32_t level = --s->level;
    if (!s->known[level]) {
        s->known[level] = 1;
        s->out->dims[level] = s->counts[level];
        s->out->rank = level >= s->out->rank ? level + 1 : s->out->rank;
    }
    s->ragged |= s->out->dims[level] != s->counts[level];
}

static void add_number(scan *s) {
    add_element(s);
    s->ragged |= s->leaf != 0 && s->leaf != s->level;
    s->leaf = s->level;
    s->out->count++;
}

// A value begins at *at. 1: an array was opened, 0: a number was taken, -1: something else.
static int take_value(scan *s, const char **at, const char *end) {
    if (*at < end && **at == '[') {
        if (s->level == DOGB_NUMBERS_RANK_MAX) {
            return -1;
        }
        add_element(s);
        s->counts[s->level++] = 0;
        (*at)++;
        return 1;
    }
    *at = dogb_float_skip(*at, end, 1);
    if (*at == NULL) {
        return -1;
    }
    add_number(s);
    return 0;
}

int dogb_numbers_scan(dogb_numbers *out, const char *text, size_t size) {
    scan s = {.out = out};
    const char *end = text + size;
    const char *at = text;
    *out = (dogb_numbers){.rank = 0};
    if (size == 0 || *text != '[') {
        return 0;
    }
    for (;;) {
        int opened = take_value(&s, &at, end);
        if (opened < 0) {
            return 0;
        }
        at = skip_blanks(at, end);
        if (opened && (at == end || *at != ']')) {
            continue;
        }
        while (at < end && *at == ']') {
            close_array(&s);
            at++;
            if (s.level == 0) {
                out->text = (dogb_span){(const uint8_t *)text, (size_t)(at - text)};
                // Numbers stand in the deepest arrays only: an empty array beside them has no
                // place.
                out->rank = s.ragged || (s.leaf != 0 && s.leaf != out->rank) ? 0 : out->rank;
                return 1;
            }
            at = skip_blanks(at, end);
        }
        if (at == end || *at != ',') {
            return 0;
        }
        at = skip_blanks(at + 1, end);
    }
}

// The first number at or behind `at`, of an array that has been scanned; *next: where it ends.
static const char *number_begin(const char *at, const char **next, const dogb_numbers *numbers) {
    while (*at == '[' || *at == ']' || *at == ',' || *at <= ' ') {
        at++;
    }
    *next = dogb_float_skip(at, (const char *)numbers->text.data + numbers->text.size, 1);
    return at;
}

int dogb_numbers_read(float *out, const dogb_numbers *numbers) {
    const char *at = (const char *)numbers->text.data;
    for (size_t i = 0; i < numbers->count; i++) {
        const char *next = NULL;
        at = number_begin(at, &next, numbers);
        int rc = dogb_float_read(out + i, at, (size_t)(next - at));
        if (rc < 0) {
            return rc;
        }
        at = next;
    }
    return DOGBREED_OK;
}

// --- a document

typedef struct lifter {
    dogb_document *out;
    dogb_arena *arena;
    size_t capacity;
    dogb_buffer rest; // the text around the arrays
    int32_t depth;
    int32_t values; // at least as many as jansson will make, but for lifted arrays
} lifter;

static int not_json(void) {
    return dogb_fail(DOGBREED_ERROR_FORMAT, "the body is not valid JSON");
}

// Behind the text in quotes that begins at `at`.
static const char *string_end(const char *at, const char *end) {
    for (at++; at < end && *at != '"'; at++) {
        at += *at == '\\' && at + 1 < end;
    }
    return at < end ? at + 1 : end;
}

// Lifts the array at *at.
static int lift(lifter *in, const char **at, const char *end) {
    dogb_document *out = in->out;
    dogb_numbers numbers;
    if (!dogb_numbers_scan(&numbers, *at, (size_t)(end - *at))) {
        in->depth++;
        dogb_buffer_put(&in->rest, (*at)++, 1);
        return DOGBREED_OK;
    }
    int rc = dogb_grow(in->arena, &out->arrays, &in->capacity, out->count, sizeof *out->arrays);
    if (rc < 0) {
        return rc;
    }
    dogb_buffer_put(&in->rest, "[", 1);
    dogb_buffer_integer(&in->rest, (int64_t)out->count);
    dogb_buffer_put(&in->rest, "]", 1);
    out->arrays[out->count++] = numbers;
    *at += numbers.text.size;
    return DOGBREED_OK;
}

static int lift_all(lifter *in, const char *at, const char *end) {
    int rc = DOGBREED_OK;
    while (rc == DOGBREED_OK && at < end) {
        const char *from = at;
        if (*at == '[') {
            rc = lift(in, &at, end);
        } else {
            in->depth += *at == '{' ? 1 : *at == '}' || *at == ']' ? -1 : 0;
            at = *at == '"' ? string_end(at, end) : at + 1;
            dogb_buffer_put(&in->rest, from, (size_t)(at - from));
        }
        in->values += *from == '[' || *from == '{' || *from == ',';
        if (in->depth > DOGB_JSON_DEPTH_MAX || in->values > DOGB_JSON_VALUES_MAX) {
            return dogb_fail(DOGBREED_ERROR_FORMAT,
                             "the body's JSON has too many values or levels");
        }
    }
    return rc < 0 ? rc : in->rest.rc;
}

int dogb_document_read(dogb_document *out, dogb_arena *arena, const void *text, size_t size) {
    lifter in = {.out = out, .arena = arena, .rest = {.arena = arena}};
    *out = (dogb_document){.root = NULL};
    if (size == 0) {
        return not_json();
    }
    int rc = lift_all(&in, text, (const char *)text + size);
    if (rc < 0) {
        return rc;
    }
    rc = dogb_json_parse(&out->root, arena, in.rest.data, in.rest.length, "body");
    return rc == DOGBREED_ERROR_FORMAT ? not_json() : rc; // its message quotes the text
}

const dogb_numbers *dogb_document_numbers(const dogb_document *document, const json_t *value) {
    const json_t *index = json_array_size(value) == 1 ? json_array_get(value, 0) : NULL;
    size_t at = (size_t)json_integer_value(index);
    return json_is_integer(index) && at < document->count ? &document->arrays[at] : NULL;
}

// Digits up to `end`, with a sign or without. 0: it has a fraction or an exponent, or is too large.
static int take_integer(int64_t *out, const char *at, const char *end) {
    int64_t value = 0;
    int negative = *at == '-';
    at += negative;
    for (; at < end && *at >= '0' && *at <= '9'; at++) {
        int digit = *at - '0';
        if (__builtin_mul_overflow(value, (int64_t)10, &value) ||
            __builtin_sub_overflow(value, (int64_t)digit,
                                   &value)) { // below 0: INT64_MIN has no twin
            return 0;
        }
    }
    int fits = negative || value != INT64_MIN;
    *out = negative || !fits ? value : -value;
    return at == end && fits;
}

int32_t dogb_document_sizes(int64_t *out, int32_t max, const dogb_document *document,
                            const json_t *value) {
    const dogb_numbers *numbers = dogb_document_numbers(document, value);
    if (numbers == NULL || numbers->rank != 1 || numbers->count > (size_t)max) {
        return -1;
    }
    const char *at = (const char *)numbers->text.data;
    for (size_t i = 0; i < numbers->count; i++) {
        const char *next = NULL;
        at = number_begin(at, &next, numbers);
        if (!take_integer(&out[i], at, next)) {
            return -1;
        }
        at = next;
    }
    return (int32_t)numbers->count;
}
