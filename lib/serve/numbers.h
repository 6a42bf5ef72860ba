// numbers.h - JSON with many numbers. Nested arrays of numbers are lifted out of a text, so that
// jansson sees only what is around them: it takes five times as long, and forty bytes for each.
#ifndef DOGB_SERVE_NUMBERS_H
#define DOGB_SERVE_NUMBERS_H

#include "core/json.h"
#include "core/wire.h"

enum { DOGB_NUMBERS_RANK_MAX = 6, DOGB_JSON_DEPTH_MAX = 32, DOGB_JSON_VALUES_MAX = 32768 };

// An array of numbers, or of such arrays.
typedef struct dogb_numbers {
    dogb_span text; // from its '[' to its ']'
    size_t count;   // numbers, at any depth
    size_t dims[DOGB_NUMBERS_RANK_MAX];
    int32_t rank; // 0: it has no one shape
} dogb_numbers;

// The array that begins at text[0]. 1: here it is; 0: something else stands in it, or it is nested
// deeper than DOGB_NUMBERS_RANK_MAX.
int dogb_numbers_scan(dogb_numbers *out, const char *text, size_t size);

// All of its numbers, in their order. FORMAT: one is too large.
int dogb_numbers_read(float *out, const dogb_numbers *numbers);

typedef struct dogb_document {
    json_t *root; // an array of numbers is [i] in it: no other array has a single number
    dogb_numbers *arrays;
    size_t count;
} dogb_document;

// `text` is borrowed as long as `out` is used. FORMAT: no JSON, or one with more
// levels or values (arrays of numbers count as one) than allowed: a few bytes of text become
// hundreds in memory. Messages hold nothing of the text.
int dogb_document_read(dogb_document *out, dogb_arena *arena, const void *text, size_t size);

// The array of numbers that `value` stands for; NULL: it is something else.
const dogb_numbers *dogb_document_numbers(const dogb_document *document, const json_t *value);

// The integers of an array without arrays in it, `max` at most. Returns how many; -1: it is no such
// array.
int32_t dogb_document_sizes(int64_t *out, int32_t max, const dogb_document *document,
                            const json_t *value);

#endif
