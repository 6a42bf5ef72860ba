// peak_loop.h - multiply-adds that wait for nothing but the processor: what one core can do at most
// in the vectors of the file that includes this (a vector_*.h and NAME before).
#include "engine/native/kernel.h"
#include "engine/native/vector.h"

// As many sums as hide the latency of a multiply-add and still fit into 16 registers.
enum { SUMS = DOGB_PEAK_VECTORS };

float DOGB_JOIN(dogb_peak_, NAME)(float factor, float term, int64_t rounds) {
    const vec a = v_set1(factor);
    const vec b = v_set1(term);
    vec sums[SUMS];
    float total = 0;
    for (int i = 0; i < SUMS; i++) {
        sums[i] = v_set1((float)i);
    }
    for (int64_t round = 0; round < rounds; round++) {
        for (int i = 0; i < SUMS; i++) {
            sums[i] = v_fma(sums[i], a, b);
        }
    }
    for (int i = 0; i < SUMS; i++) {
        float lanes[LANES];
        v_store(lanes, sums[i]);
        total += lanes[0];
    }
    return total;
}
