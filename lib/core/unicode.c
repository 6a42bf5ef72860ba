// unicode.c - see unicode.h. The algorithms of UAX #15 over tables of Unicode 14;
// scripts/unicode.py makes them.
#include "core/unicode.h"
#include "core/buffer.h"
#include "core/unicode_marks.h"
#include "core/unicode_pairs.h"
#include "core/utf8.h"

#include <stdlib.h>
#include <string.h>

enum {
    HANGUL = 0xAC00, // syllables, computed: leading consonant, vowel, trailing consonant
    HANGUL_L = 0x1100,
    HANGUL_V = 0x1161,
    HANGUL_T = 0x11A7,
    L_COUNT = 19,
    V_COUNT = 21,
    T_COUNT = 28,
    S_COUNT = L_COUNT * V_COUNT * T_COUNT,
    LONGEST = 4 // points of one point's whole decomposition, folded or not
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

// A row of a table contains a point; it begins with its first one and the last.
static int compare_range(const void *key, const void *row) {
    uint32_t point = *(const uint32_t *)key;
    const uint32_t *range = row;
    return point < range[0] ? -1 : point > range[1];
}

// A row of a table is of a point; it begins with it.
static int compare_point(const void *key, const void *row) {
    uint32_t point = *(const uint32_t *)key;
    uint32_t other = *(const uint32_t *)row;
    return (point > other) - (point < other);
}

#define FIND(point, table, compare) bsearch(&(point), table, COUNT(table), sizeof *(table), compare)

static uint32_t class_of(uint32_t point) {
    const unicode_class *row = FIND(point, unicode_classes, compare_range);
    return row == NULL ? 0 : row->value;
}

// Writes the whole decomposition of a point; returns how many.
static size_t decompose(uint32_t *out, uint32_t point) {
    if (point >= HANGUL && point < HANGUL + S_COUNT) {
        uint32_t index = point - HANGUL;
        out[0] = HANGUL_L + index / (V_COUNT * T_COUNT);
        out[1] = HANGUL_V + index % (V_COUNT * T_COUNT) / T_COUNT;
        out[2] = HANGUL_T + index % T_COUNT;
        return index % T_COUNT == 0 ? 2 : 3;
    }
    const unicode_pair *pair = FIND(point, unicode_pairs, compare_point);
    if (pair == NULL) {
        out[0] = point;
        return 1;
    }
    size_t count = decompose(out, pair->first); // at most four levels
    if (pair->second != 0) {
        count += decompose(out + count, pair->second);
    }
    return count;
}

// The point that two become, 0: none.
static uint32_t composed(uint32_t first, uint32_t second) {
    if (first >= HANGUL_L && first < HANGUL_L + L_COUNT && second >= HANGUL_V &&
        second < HANGUL_V + V_COUNT) {
        return HANGUL + ((first - HANGUL_L) * V_COUNT + second - HANGUL_V) * T_COUNT;
    }
    if (first >= HANGUL && first < HANGUL + S_COUNT && (first - HANGUL) % T_COUNT == 0 &&
        second > HANGUL_T && second < HANGUL_T + T_COUNT) {
        return first + second - HANGUL_T;
    }
    for (size_t i = 0; i < COUNT(unicode_pairs); i++) { // names are short
        const unicode_pair *row = &unicode_pairs[i];
        if (row->composes && row->first == first && row->second == second) {
            return row->point;
        }
    }
    return 0;
}

// Marks behind a letter stand in the order of their classes.
static void order(uint32_t *points, size_t count) {
    for (size_t i = 1; i < count; i++) {
        uint32_t point = points[i];
        uint32_t value = class_of(point);
        size_t at = i;
        while (value != 0 && at > 0 && class_of(points[at - 1]) > value) {
            points[at] = points[at - 1];
            at--;
        }
        points[at] = point;
    }
}

static size_t compose(uint32_t *points, size_t count) {
    size_t starter = SIZE_MAX; // the last letter that is no mark
    size_t used = 0;
    uint32_t before = 0; // class of what was kept last behind the starter
    for (size_t i = 0; i < count; i++) {
        uint32_t value = class_of(points[i]);
        int adjacent = starter != SIZE_MAX && used == starter + 1;
        uint32_t both = starter != SIZE_MAX && (adjacent || before < value)
                            ? composed(points[starter], points[i])
                            : 0;
        if (both != 0) {
            points[starter] = both;
            continue;
        }
        if (value == 0) {
            starter = used;
        }
        before = value;
        points[used++] = points[i];
    }
    return used;
}

static int is_ascii(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if ((uint8_t)text[i] >= 0x80) {
            return 0;
        }
    }
    return 1;
}

// The text, decomposed (NFD), in room for as many points again. NULL: no memory.
static uint32_t *decomposed(size_t *count, dogb_arena *arena, const char *text, size_t length) {
    uint32_t *points = dogb_alloc(arena, length + 1, 2 * LONGEST * sizeof *points);
    *count = 0;
    for (size_t at = 0; points != NULL && at < length;) {
        uint32_t point = 0;
        at += dogb_utf8_get(&point, text + at);
        *count += decompose(points + *count, point);
    }
    if (points != NULL) {
        order(points, *count);
    }
    return points;
}

static char *encoded(dogb_arena *arena, const uint32_t *points, size_t count) {
    dogb_buffer out = {.arena = arena};
    dogb_buffer_put(&out, "", 0);
    for (size_t i = 0; i < count; i++) {
        char bytes[4];
        dogb_buffer_put(&out, bytes, dogb_utf8_put(bytes, points[i]));
    }
    return out.rc < 0 ? NULL : out.data;
}

char *dogb_unicode_compose(dogb_arena *arena, const char *text, size_t length) {
    if (is_ascii(text, length)) {
        return dogb_strndup(arena, text, length);
    }
    size_t count = 0;
    uint32_t *points = decomposed(&count, arena, text, length);
    if (points == NULL) {
        return NULL;
    }
    char *out = encoded(arena, points, compose(points, count));
    dogb_release(arena, points);
    return out;
}

// Writes what a point of decomposed text is folded to; returns how many.
static size_t fold(uint32_t *out, uint32_t point) {
    const unicode_fold *row = FIND(point, unicode_folds, compare_range);
    const unicode_ligature *ligature = FIND(point, unicode_ligatures, compare_point);
    if (ligature != NULL) {
        out[0] = ligature->first;
        out[1] = ligature->second;
        out[2] = ligature->third;
        return out[2] == 0 ? 2 : 3;
    }
    int folds = row != NULL && (point - row->first) % row->step == 0;
    out[0] = folds ? row->target + (point - row->first) : point;
    return 1;
}

char *dogb_unicode_fold(dogb_arena *arena, const char *text) {
    size_t count = 0;
    size_t length = strlen(text);
    uint32_t *points = decomposed(&count, arena, text, length);
    if (points == NULL) {
        return NULL;
    }
    uint32_t *folded = points + (length + 1) * LONGEST;
    size_t folded_count = 0;
    for (size_t i = 0; i < count; i++) {
        folded_count += fold(folded + folded_count, points[i]);
    }
    order(folded, folded_count);
    char *out = encoded(arena, folded, folded_count);
    dogb_release(arena, points);
    return out;
}
