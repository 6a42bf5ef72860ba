// stored.h - a run that was watched, on disk: what is written beside the tensors so that rules can
// judge it later, and how it is judged.
#ifndef DOGB_DEBUG_STORED_H
#define DOGB_DEBUG_STORED_H

#include "debug/debug_internal.h"

// state.json: what the tensors are, and the means of finished epochs.
int dogb_state_write(const dogbreed_debug *debug, dogb_arena *scratch);

// EXISTS: the directory holds the store of a finished run.
int dogb_stored_check(const char *directory);

#endif
