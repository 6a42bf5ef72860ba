// golden.h - runs the cases that golden/make.py wrote (networks in graph JSON with torch's values)
// on any engine: outputs, losses, hits, gradients, running statistics, optimiser trajectories.
#ifndef DOGB_TEST_GOLDEN_H
#define DOGB_TEST_GOLDEN_H

#include "engine/engine.h"

// Every case of a file. Values may differ by `tolerance` (absolute, plus relative for values above
// 1). Fails the running cmocka test with the case's name; returns the number of cases.
int golden_run(const dogb_engine *engine, const char *device, const char *path, double tolerance);

#endif
