// spans.c - what a mark costs: a phase that nobody listens to, one that is recorded, and one whose
// ring is full. Nanoseconds a phase, the fastest and the median of the rounds.
#include "core/number.h"
#include "core/span.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 101, PHASES = 10000, RING = 32768 };

static dogb_span_event events[RING];

// recorder NULL: nothing is taken between the rounds.
static void measure(const char *name, dogb_recorder *recorder) {
    double ns[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t begin = dogb_span_now();
        for (int i = 0; i < PHASES; i++) {
            uint64_t span = dogb_span_begin(DOGB_SPAN_FORWARD);
            dogb_span_end(DOGB_SPAN_FORWARD, span, i);
        }
        ns[round] = (double)(dogb_span_now() - begin) / PHASES;
        if (recorder != NULL) {
            (void)dogb_recorder_take(recorder, events, RING, UINT64_MAX);
        }
    }
    qsort(ns, ROUNDS, sizeof *ns, dogb_number_compare);
    (void)printf("%-16s %6.2f ns, median %6.2f\n", name, ns[0], ns[ROUNDS / 2]);
}

int main(void) {
    dogb_recorder *recorder = NULL;
    measure("nobody listens", NULL);
    if (dogb_recorder_create(&recorder, RING) < 0) {
        return 1;
    }
    dogb_recorder_attach(recorder);
    measure("recorded", recorder);
    measure("a full ring", NULL);
    dogb_recorder_attach(NULL);
    dogb_recorder_release(recorder);
    return 0;
}
