// rows.c - the rows that somebody wants, found by key.
#include "core/error.h"
#include "feature/feature_struct.h"

#include <string.h>

int dogb_rows_init(dogb_rows *rows, dogb_arena *arena, size_t count_max) {
    size_t slots = 16;
    memset(rows, 0, sizeof *rows);
    if (count_max > SIZE_MAX / 4) {
        return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "out of memory: %zu feature rows", count_max);
    }
    while (slots < count_max * 2) {
        slots *= 2;
    }
    rows->rows = dogb_alloc(arena, count_max + 1, sizeof *rows->rows);
    rows->slots = dogb_alloc(arena, slots, sizeof *rows->slots);
    rows->slot_mask = slots - 1;
    return rows->rows == NULL || rows->slots == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

// Slot of a key, or the empty one where it would go. The content's SHA-256 is as good a hash as
// there is; sample and view are mixed in (golden ratio).
static size_t slot_of(const dogb_rows *rows, const dogb_row_key *key) {
    uint64_t hash = 0;
    memcpy(&hash, key->image.bytes, sizeof hash);
    hash ^= (key->sample * 64 + key->view) * 0x9E3779B97F4A7C15U;
    size_t slot = (size_t)hash & rows->slot_mask;
    while (rows->slots[slot] != 0 &&
           memcmp(&rows->rows[rows->slots[slot] - 1].key, key, sizeof *key) != 0) {
        slot = (slot + 1) & rows->slot_mask;
    }
    return slot;
}

dogb_row *dogb_rows_find(const dogb_rows *rows, const dogb_row_key *key) {
    size_t index = rows->slots[slot_of(rows, key)];
    return index == 0 ? NULL : &rows->rows[index - 1];
}

dogb_row *dogb_rows_add(dogb_rows *rows, const dogb_row_key *key, int64_t sample) {
    size_t slot = slot_of(rows, key);
    if (rows->slots[slot] == 0) {
        dogb_row *row = &rows->rows[rows->count++];
        row->key = *key;
        row->sample = sample;
        rows->slots[slot] = rows->count;
    }
    return &rows->rows[rows->slots[slot] - 1];
}
