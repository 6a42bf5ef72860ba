// rng.h - counter-based random numbers (Philox 4x32-10, Salmon et al., SC 2011): a number depends
// only on its key and position, so batches, crops and dropout masks are the same for any number of
// threads.
#ifndef DOGB_CORE_RNG_H
#define DOGB_CORE_RNG_H

#include <stddef.h>
#include <stdint.h>

// What a stream is for. Part of the key; values never change (they fix every published result).
enum {
    DOGB_RNG_SPLIT = 1,
    DOGB_RNG_SHUFFLE = 2,
    DOGB_RNG_AUGMENT = 3,
    DOGB_RNG_INIT = 4,
    DOGB_RNG_DROPOUT = 5,
    DOGB_RNG_VIEW = 6,
    DOGB_RNG_SYNTH = 7,
    DOGB_RNG_SEARCH = 8,
    DOGB_RNG_FOLD = 9
};

typedef struct dogb_rng {
    uint32_t key[2];
    uint32_t counter[4]; // [0] block number; [1] purpose; [2..3] item
    uint32_t block[4];
    uint32_t used; // of block
} dogb_rng;

// The stream of (seed, purpose, item, sub): item is a sample or parameter index, sub an epoch, step
// or view.
void dogb_rng_init(dogb_rng *rng, uint64_t seed, uint32_t purpose, uint64_t item, uint32_t sub);

uint32_t dogb_rng_u32(dogb_rng *rng);
uint64_t dogb_rng_u64(dogb_rng *rng);                   // two of them, the first one on top
double dogb_rng_uniform(dogb_rng *rng);                 // [0, 1), 53 bits
uint64_t dogb_rng_below(dogb_rng *rng, uint64_t bound); // [0, bound), unbiased; bound > 0
double dogb_rng_normal(dogb_rng *rng);                  // mean 0, deviation 1 (Box-Muller)
void dogb_rng_shuffle(dogb_rng *rng, int64_t *items, size_t count); // Fisher-Yates

// One block of the generator itself, for vector use: out = philox(counter, key).
void dogb_philox(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2]);

#endif
