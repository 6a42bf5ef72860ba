// peak.c - measures how many multiply-adds one core does at most in the vectors that are used here.
#include "engine/native/native.h"

#include "core/clock.h"

static const double TURN_SECONDS = 0.004;
static const double FLOP_PER_ROUND = 2.0 * DOGB_PEAK_VECTORS; // of one lane
enum { TURNS = 5, ROUNDS_FIRST = 1000 };

double dogb_native_peak(void) {
    const dogb_kernel *kernel = dogb_kernel_choose();
    // Read at run time, so that no compiler knows the sums.
    volatile float factor = 0.5f;
    volatile float term = 1.0f;
    volatile float total = 0;
    double best = 0;
    int64_t rounds = ROUNDS_FIRST;
    for (int turn = 0; turn < TURNS;) {
        double start = dogb_clock();
        total = total + kernel->peak(factor, term, rounds);
        double seconds = dogb_clock() - start;
        if (seconds < TURN_SECONDS) {
            rounds *= 2; // also wakes the core
            continue;
        }
        double rate = FLOP_PER_ROUND * kernel->lanes * (double)rounds / seconds / 1e9;
        best = rate > best ? rate : best;
        turn++;
    }
    return best;
}
