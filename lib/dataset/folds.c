// folds.c - the pictures of two splits as one, dealt into folds: each class evenly, by what is in
// the files, so that neither names nor the order of files matter and equal files stay together.
#include "dataset/storage.h"

#include "core/error.h"
#include "core/rng.h"

#include <stdlib.h>
#include <string.h>

int dogb_dataset_join(dogbreed_dataset **out, const dogbreed_dataset *a,
                      const dogbreed_dataset *b) {
    *out = NULL;
    if (a->storage != b->storage || a->index == NULL || b->index == NULL || a->kind == b->kind) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "%s (%s) and %s (%s): expected two splits of one dataset",
                         dogb_dataset_root(a), dogb_dataset_split_name(a), dogb_dataset_root(b),
                         dogb_dataset_split_name(b));
    }
    int64_t *index = dogb_malloc((size_t)(a->count + b->count), sizeof *index);
    int rc = index == NULL ? DOGBREED_ERROR_NO_MEMORY
                           : dogb_dataset_handle(out, a->storage, DOGB_SPLIT_JOINED);
    if (rc < 0) {
        dogb_free(index);
        return rc;
    }
    // In the order of the listing, whichever of the two comes first.
    int64_t i = 0;
    int64_t k = 0;
    while (i + k < a->count + b->count) {
        int first = k == b->count || (i < a->count && a->index[i] < b->index[k]);
        index[i + k] = first ? a->index[i] : b->index[k];
        i += first;
        k += !first;
    }
    (*out)->own = index;
    (*out)->index = index;
    (*out)->count = i + k;
    return DOGBREED_OK;
}

typedef struct ticket {
    int32_t label;
    int32_t reserved;
    uint64_t draw;
    const dogb_sha256 *hash;
    int64_t sample;
} ticket;

static int compare_tickets(const void *left, const void *right) {
    const ticket *a = left;
    const ticket *b = right;
    if (a->label != b->label) {
        return a->label < b->label ? -1 : 1;
    }
    return a->draw != b->draw ? (a->draw < b->draw ? -1 : 1)
                              : memcmp(a->hash, b->hash, sizeof *a->hash);
}

static uint64_t draw_of(const dogb_sha256 *hash, uint64_t seed) {
    dogb_rng rng;
    uint64_t number = 0;
    memcpy(&number, hash->bytes, sizeof number);
    dogb_rng_init(&rng, seed, DOGB_RNG_FOLD, number, 0);
    return dogb_rng_u64(&rng);
}

int dogb_dataset_folds(int32_t *folds, const dogbreed_dataset *dataset, int32_t count,
                       uint64_t seed, int32_t threads) {
    dogb_arena scratch = {0};
    const dogb_sha256 *hashes = NULL;
    int64_t size = dataset->count;
    ticket *tickets = dogb_alloc(&scratch, (size_t)size, sizeof *tickets);
    int rc =
        tickets == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_dataset_hashes(&hashes, dataset, threads);
    for (int64_t i = 0; rc == DOGBREED_OK && i < size; i++) {
        tickets[i] = (ticket){.label = dogb_dataset_label(dataset, i),
                              .draw = draw_of(&hashes[i], seed),
                              .hash = &hashes[i],
                              .sample = i};
    }
    if (rc == DOGBREED_OK) {
        qsort(tickets, (size_t)size, sizeof *tickets, compare_tickets);
        // The deal goes on from class to class: folds differ by a picture, if by any.
        int64_t dealt = -1;
        for (int64_t i = 0; i < size; i++) {
            dealt += i == 0 || compare_tickets(&tickets[i - 1], &tickets[i]) != 0;
            folds[tickets[i].sample] = (int32_t)(dealt % count);
        }
    }
    dogb_arena_free(&scratch);
    return rc;
}
