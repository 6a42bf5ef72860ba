// checksum.c - eight sums side by side, so that a core takes a word in every cycle. Each step is a
// permutation of its lane, which is why a single changed word cannot stay unseen.
#include "core/hash.h"

#include <string.h>

enum { LANES = 8, STRIDE = LANES * sizeof(uint64_t) };
static const uint64_t factor = 0x9e3779b97f4a7c15u; // odd

static uint64_t step(uint64_t sum, uint64_t word) {
    sum = (sum ^ word) * factor;
    return sum ^ (sum >> 32);
}

void dogb_checksum_start(dogb_checksum_state *state) {
    for (uint64_t i = 0; i < LANES; i++) {
        state->lanes[i] = step(i, factor);
    }
    state->size = 0;
}

void dogb_checksum_add(dogb_checksum_state *state, const void *data, size_t size) {
    const uint8_t *from = data;
    uint64_t lanes[LANES];
    memcpy(lanes, state->lanes, sizeof lanes);
    for (size_t at = 0; at < size; at += STRIDE) {
        uint64_t words[LANES] = {0};
        memcpy(words, from + at, size - at < STRIDE ? size - at : STRIDE);
        for (int i = 0; i < LANES; i++) {
            lanes[i] = step(lanes[i], words[i]);
        }
    }
    memcpy(state->lanes, lanes, sizeof lanes);
    state->size += size;
}

uint64_t dogb_checksum_end(const dogb_checksum_state *state) {
    uint64_t sum = state->size;
    for (int i = 0; i < LANES; i++) {
        sum = step(sum, state->lanes[i]);
    }
    return sum;
}

uint64_t dogb_checksum(const void *data, size_t size) {
    dogb_checksum_state state;
    dogb_checksum_start(&state);
    dogb_checksum_add(&state, data, size);
    return dogb_checksum_end(&state);
}
