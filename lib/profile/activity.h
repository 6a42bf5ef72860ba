// activity.h - operators, kernels and copies that an engine has recorded for some steps, gathered
// by name.
#ifndef DOGB_PROFILE_ACTIVITY_H
#define DOGB_PROFILE_ACTIVITY_H

#include "core/arena.h"
#include "engine/engine.h"

typedef struct dogb_activity_sum {
    char *name;
    int32_t kind;   // DOGB_ACTIVITY_
    int32_t device; // -1: the CPU
    int64_t count;
    int64_t ns;     // from begin to end
    int64_t own_ns; // less what it has called
} dogb_activity_sum;

enum { DOGB_ACTIVITY_DEPTH = 64 };

typedef struct dogb_activities {
    dogb_activity_sum *sums;
    size_t count;
    size_t capacity;
    int64_t steps; // that were recorded
    // What is open on the lane of the last one.
    struct {
        size_t sum;
        uint64_t end;
    } open[DOGB_ACTIVITY_DEPTH];
    int32_t depth;
    int32_t device;
    int64_t lane;
} dogb_activities;

const char *dogb_activity_kind_name(int32_t kind); // "operator", "kernel", "copy"
int32_t dogb_activity_kind(const char *name);      // -1: there is none

// Lane by lane, in order of begin: as an engine tells them. NO_MEMORY.
int dogb_activities_add(dogb_activities *all, dogb_arena *arena, const dogb_activity *activity);

#endif
