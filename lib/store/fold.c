// fold.c - names in the form in which equal ones are equal bytes: what Unicode calls canonical
// caseless matching. (But for the Greek iota below in front of other marks, whose order then
// counts.)
#include "core/buffer.h"
#include "store/name.h"
#include "store/name_table.h"
#include "store/utf8.h"

#include <stdlib.h>
#include <string.h>

enum { EXPANSION = 4 }; // code points that one becomes at most
enum { HANGUL = 0xac00, HANGUL_COUNT = 11172, LEAD = 0x1100, VOWEL = 0x1161, TAIL = 0x11a7 };

typedef struct character {
    uint32_t code;
    uint32_t number; // its combining class; 0: no mark
} character;

// A row of a table contains a code; rows begin with first (and last).
static int compare_range(const void *key, const void *row) {
    uint32_t code = *(const uint32_t *)key;
    const uint32_t *range = row;
    return code < range[0] ? -1 : code > range[1];
}

static int compare_code(const void *key, const void *row) {
    uint32_t code = *(const uint32_t *)key;
    uint32_t other = ((const dogb_name_expansion *)row)->code;
    return (code > other) - (code < other);
}

// The code points that one is folded to; returns their number.
static size_t expand(uint32_t out[EXPANSION], uint32_t code) {
    if (code - HANGUL < HANGUL_COUNT) {
        uint32_t index = code - HANGUL, tail = index % 28;
        out[0] = LEAD + index / (21 * 28);
        out[1] = VOWEL + index / 28 % 21;
        out[2] = TAIL + tail;
        return tail == 0 ? 2 : 3;
    }
    const dogb_name_shift *shift = bsearch(&code, dogb_name_shifts, dogb_name_shifts_count,
                                           sizeof *dogb_name_shifts, compare_range);
    if (shift != NULL && (code - shift->first) % shift->step == 0) {
        out[0] = (uint32_t)((int32_t)code + shift->shift);
        return 1;
    }
    const dogb_name_expansion *row =
        bsearch(&code, dogb_name_expansions, dogb_name_expansions_count, sizeof *row, compare_code);
    size_t count = 0;
    while (row != NULL && count < EXPANSION && row->to[count] != 0) {
        out[count] = row->to[count];
        count++;
    }
    if (count == 0) {
        out[count++] = code;
    }
    return count;
}

static uint32_t class_of(uint32_t code) {
    const dogb_name_class *row =
        bsearch(&code, dogb_name_classes, dogb_name_classes_count, sizeof *row, compare_range);
    return row == NULL ? 0 : row->number;
}

// Marks in the order of their classes, behind the character that they belong to.
static void place(character *all, size_t count, uint32_t code) {
    character one = {.code = code, .number = class_of(code)};
    size_t at = count;
    while (one.number != 0 && at > 0 && all[at - 1].number > one.number) {
        all[at] = all[at - 1];
        at--;
    }
    all[at] = one;
}

char *dogb_name_fold(dogb_arena *arena, const char *name) {
    dogb_buffer out = {.arena = arena};
    dogb_arena scratch = {0};
    size_t count = 0;
    character *all = dogb_alloc(&scratch, strlen(name) + 1, EXPANSION * sizeof *all);
    while (all != NULL && *name != '\0') {
        uint32_t code = 0, codes[EXPANSION];
        name += dogb_utf8_get(&code, name);
        size_t more = expand(codes, code);
        for (size_t i = 0; i < more; i++) {
            place(all, count++, codes[i]);
        }
    }
    dogb_buffer_put(&out, "", 0);
    for (size_t i = 0; i < count; i++) {
        char bytes[4];
        dogb_buffer_put(&out, bytes, dogb_utf8_put(bytes, all[i].code));
    }
    int failed = all == NULL || out.rc < 0;
    dogb_arena_free(&scratch);
    return failed ? NULL : out.data;
}
