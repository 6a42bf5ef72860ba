// spare.c - see spare.h.
#include "serve/spare.h"
#include "core/arena.h"

#include <stdatomic.h>
#include <stddef.h>

void *dogb_spare_take(dogb_spare *spare) {
    for (int i = 0; i < DOGB_SPARE_COUNT; i++) {
        void *block = atomic_exchange(&spare->kept[i], NULL);
        if (block != NULL) {
            return block;
        }
    }
    void *block = NULL;
    if (atomic_fetch_add(&spare->made, 1) < DOGB_SPARE_COUNT) {
        block = dogb_malloc(DOGB_SPARE_SIZE, 1);
    }
    if (block == NULL) {
        (void)atomic_fetch_sub(&spare->made, 1);
    }
    return block;
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
    for (int i = 0; i < DOGB_SPARE_COUNT; i++) {
        dogb_free(atomic_exchange(&spare->kept[i], NULL));
    }
}
