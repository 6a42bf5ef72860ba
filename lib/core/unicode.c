// unicode.c - see unicode.h. The algorithms of UAX #15 over tables of Unicode 14.
#include "core/unicode.h"
#include "core/error.h"
#include "core/unicode_marks.h"
#include "core/unicode_pairs.h"

#include <stdint.h>
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
    LONGEST = 4 // points of one point's whole decomposition; code units of UTF-8
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

// The next point of valid UTF-8.
static uint32_t decode(const char **text) {
    const uint8_t *b = (const uint8_t *)*text;
    int more = b[0] < 0x80 ? 0 : b[0] < 0xE0 ? 1 : b[0] < 0xF0 ? 2 : 3;
    static const uint32_t masks[] = {0x7F, 0x1F, 0x0F, 0x07};
    uint32_t point = b[0] & masks[more];
    for (int i = 1; i <= more; i++) {
        point = point << 6 | (b[i] & 0x3F);
    }
    *text += more + 1;
    return point;
}

static char *encode(char *at, uint32_t point) {
    static const uint32_t limits[] = {0x80, 0x800, 0x10000};
    static const uint32_t marks[] = {0, 0xC0, 0xE0, 0xF0};
    int more = 0;
    while (more < 3 && point >= limits[more]) {
        more++;
    }
    *at++ = (char)(marks[more] | point >> (6 * more));
    while (more-- > 0) {
        *at++ = (char)(0x80 | (point >> (6 * more) & 0x3F));
    }
    return at;
}

static uint32_t class_of(uint32_t point) {
    size_t low = 0;
    size_t high = COUNT(unicode_classes);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const unicode_class *row = &unicode_classes[middle];
        if (point < row->first) {
            high = middle;
        } else if (point > row->last) {
            low = middle + 1;
        } else {
            return row->value;
        }
    }
    return 0;
}

static const unicode_pair *pair_of(uint32_t point) {
    size_t low = 0;
    size_t high = COUNT(unicode_pairs);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (unicode_pairs[middle].point == point) {
            return &unicode_pairs[middle];
        }
        if (point < unicode_pairs[middle].point) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
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
    const unicode_pair *pair = pair_of(point);
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

char *dogb_unicode_compose(dogb_arena *arena, const char *text, size_t length) {
    if (is_ascii(text, length)) {
        return dogb_strndup(arena, text, length);
    }
    uint32_t *points = dogb_alloc(arena, length + 1, LONGEST * sizeof *points);
    char *out = points == NULL ? NULL : dogb_alloc(arena, length + 1, LONGEST * LONGEST);
    if (out == NULL) {
        return NULL;
    }
    size_t count = 0;
    for (const char *c = text; c < text + length;) {
        count += decompose(points + count, decode(&c));
    }
    order(points, count);
    count = compose(points, count);
    char *end = out;
    for (size_t i = 0; i < count; i++) {
        end = encode(end, points[i]);
    }
    *end = '\0';
    dogb_release(arena, points);
    return out;
}

static uint32_t fold(uint32_t point) {
    size_t low = 0;
    size_t high = COUNT(unicode_folds);
    while (low < high) { // the last row that begins at or before the point
        size_t middle = low + (high - low) / 2;
        if (unicode_folds[middle].first <= point) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) {
        return point;
    }
    const unicode_fold *row = &unicode_folds[low - 1];
    return point <= row->last && (point - row->first) % row->step == 0
               ? row->target + (point - row->first)
               : point;
}

char *dogb_unicode_fold(dogb_arena *arena, const char *text) {
    size_t length = strlen(text);
    char *out = dogb_alloc_raw(arena, length + 1, 2); // a folded letter is at most a byte longer
    char *end = out;
    if (out == NULL) {
        return NULL;
    }
    for (const char *c = text; c < text + length;) {
        end = encode(end, fold(decode(&c)));
    }
    *end = '\0';
    return out;
}
