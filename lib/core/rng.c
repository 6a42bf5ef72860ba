// rng.c - Philox 4x32-10. Also compiled into engines: depends on nothing.
#include "core/rng.h"

#include <math.h>

void dogb_philox(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2]) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0;
        uint64_t p1 = (uint64_t)0xCD9E8D57u * c2;
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        uint32_t n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

void dogb_rng_init(dogb_rng *rng, uint64_t seed, uint32_t purpose, uint64_t item, uint32_t sub) {
    // `sub` is mixed into the key and not into the counter, whose four words are already taken.
    rng->key[0] = (uint32_t)seed ^ (sub * 0x85EBCA6Bu);
    rng->key[1] = (uint32_t)(seed >> 32) + sub;
    rng->counter[0] = 0;
    rng->counter[1] = purpose;
    rng->counter[2] = (uint32_t)item;
    rng->counter[3] = (uint32_t)(item >> 32);
    rng->used = 4;
}

uint32_t dogb_rng_u32(dogb_rng *rng) {
    if (rng->used == 4) {
        dogb_philox(rng->block, rng->counter, rng->key);
        rng->counter[0]++;
        rng->used = 0;
    }
    return rng->block[rng->used++];
}

double dogb_rng_uniform(dogb_rng *rng) {
    uint64_t high = dogb_rng_u32(rng) >> 5;
    uint64_t low = dogb_rng_u32(rng) >> 6;
    return (double)((high << 26) | low) * 0x1p-53;
}

uint64_t dogb_rng_u64(dogb_rng *rng) {
    uint64_t value = (uint64_t)dogb_rng_u32(rng) << 32;
    return value | dogb_rng_u32(rng);
}

uint64_t dogb_rng_below(dogb_rng *rng, uint64_t bound) {
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    for (;;) {
        uint64_t value = dogb_rng_u64(rng);
        if (value < limit) {
            return value % bound;
        }
    }
}

double dogb_rng_normal(dogb_rng *rng) {
    double radius = sqrt(-2.0 * log(1.0 - dogb_rng_uniform(rng)));
    return radius * cos(6.283185307179586476925 * dogb_rng_uniform(rng));
}

void dogb_rng_shuffle(dogb_rng *rng, int64_t *items, size_t count) {
    for (size_t i = count; i > 1; i--) {
        size_t j = (size_t)dogb_rng_below(rng, i);
        int64_t item = items[i - 1];
        items[i - 1] = items[j];
        items[j] = item;
    }
}
