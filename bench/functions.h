// functions.h - what bench/samplers.c searches: functions on the unit cube, smaller is better. The
// first seven are reported; the others were there to choose the sampler's settings by.
#ifndef DOGB_BENCH_FUNCTIONS_H
#define DOGB_BENCH_FUNCTIONS_H

typedef struct bench_function {
    const char *name;
    int axes;
    double lowest;
    double (*value)(const double *u, int axes);
} bench_function;

extern const bench_function bench_functions[];
extern const int bench_function_count, bench_function_reported;

#endif
