// spare.c - see spare.h.
#include "serve/spare.h"
#include "core/arena.h"

#include <stdatomic.h>
#include <stddef.h>

// All at once, so that what the process holds does not depend on how many came together so far.
static void make(dogb_spare *spare) {
    char *blocks = dogb_malloc(DOGB_SPARE_COUNT, DOGB_SPARE_SIZE);
    if (blocks == NULL) {
        atomic_store(&spare->made, 0); // the next one tries again
        return;
    }
    spare->blocks = blocks;
    for (size_t i = 0; i < DOGB_SPARE_COUNT; i++) {
        atomic_store(&spare->kept[i], blocks + i * DOGB_SPARE_SIZE);
    }
}

static void *take(dogb_spare *spare) {
    void *block = NULL;
    for (int i = 0; block == NULL && i < DOGB_SPARE_COUNT; i++) {
        block = atomic_exchange(&spare->kept[i], NULL);
    }
    return block;
}

void *dogb_spare_take(dogb_spare *spare) {
    if (atomic_exchange(&spare->made, 1) == 0) {
        make(spare);
    }
    return take(spare);
}

// There are as many places as blocks; one that is being taken may look full for a moment.
void dogb_spare_give(dogb_spare *spare, void *block) {
    for (int i = 0; block != NULL; i = (i + 1) % DOGB_SPARE_COUNT) {
        void *none = NULL;
        if (atomic_compare_exchange_strong(&spare->kept[i], &none, block)) {
            block = NULL;
        }
    }
}

void dogb_spare_free(dogb_spare *spare) {
    dogb_free(spare->blocks);
    *spare = (dogb_spare){.blocks = NULL};
}
