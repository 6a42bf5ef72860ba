// split.c - which sample belongs to which split. A drawn split is stratified, and a sample's place
// depends on the seed and its own path below the root: files that are added or removed later leave
// nearly all others where they were.
#include "dataset/storage.h"

#include "core/error.h"
#include "core/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct ticket {
    uint64_t draw;
    int64_t record;
} ticket;

static int compare_tickets(const void *a, const void *b) {
    const ticket *left = a;
    const ticket *right = b;
    if (left->draw != right->draw) {
        return left->draw < right->draw ? -1 : 1;
    }
    return left->record < right->record ? -1 : left->record > right->record;
}

// FNV-1a, 64 bits: names a path for the generator; it need not be more than that.
static uint64_t path_number(const char *path) {
    uint64_t hash = 14695981039346656037u;
    for (; *path != '\0'; path++) {
        hash = (hash ^ (uint8_t)*path) * 1099511628211u;
    }
    return hash;
}

// How many of `count` samples go into a part. A wanted part gets one while two others remain, so
// that small classes are tested too.
static int64_t part(int64_t count, double fraction) {
    int64_t size = (int64_t)floor((double)count * fraction + 0.5);
    return size == 0 && fraction > 0.0 && count >= 3 ? 1 : size;
}

static void draw_class(dogb_storage *storage, ticket *tickets, int64_t count) {
    const dogbreed_dataset_options *options = &storage->options;
    for (int64_t i = 0; i < count; i++) {
        const char *path = storage->records[tickets[i].record].path + storage->root_length + 1;
        dogb_rng rng;
        dogb_rng_init(&rng, options->seed, DOGB_RNG_SPLIT, path_number(path), 0);
        tickets[i].draw = dogb_rng_u64(&rng);
    }
    qsort(tickets, (size_t)count, sizeof *tickets, compare_tickets);
    int64_t valid = part(count, options->valid_fraction);
    int64_t test = part(count, options->test_fraction);
    while (valid + test >= count && valid + test > 0) { // train keeps one
        if (valid > test) {
            valid--;
        } else {
            test--;
        }
    }
    for (int64_t i = 0; i < count; i++) {
        storage->records[tickets[i].record].split = i < valid          ? DOGB_SPLIT_VALID
                                                    : i < valid + test ? DOGB_SPLIT_TEST
                                                                       : DOGB_SPLIT_TRAIN;
    }
}

int dogb_split_draw(dogb_storage *storage) {
    dogb_arena scratch = {0};
    ticket *tickets = dogb_alloc(&scratch, (size_t)storage->count, sizeof *tickets);
    int rc = tickets == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    int64_t first = 0;
    while (rc == DOGBREED_OK && first < storage->count) {
        int64_t count = 0;
        int32_t label = storage->records[first].label;
        for (; first + count < storage->count && storage->records[first + count].label == label;
             count++) {
            tickets[count].record = first + count;
        }
        draw_class(storage, tickets, count);
        first += count;
    }
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_split_index(dogb_storage *storage) {
    for (int64_t i = 0; i < storage->count; i++) {
        storage->split_count[storage->records[i].split]++;
    }
    storage->split_count[DOGB_SPLIT_ALL] = storage->count;
    for (int split = DOGB_SPLIT_TRAIN; split < DOGB_SPLIT_COUNT; split++) {
        int64_t count = storage->split_count[split];
        int64_t *index = dogb_alloc(&storage->arena, (size_t)count, sizeof *index);
        if (index == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        storage->splits[split] = index;
        for (int64_t i = 0, next = 0; i < storage->count && next < count; i++) {
            if (storage->records[i].split == split) {
                index[next++] = i;
            }
        }
    }
    return DOGBREED_OK;
}
