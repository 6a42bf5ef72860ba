// data.h - everything that a profile knows, in one place: filled while a run goes on (profile.c) or
// from its files (read.c), and then looked at by rules, summary and advice.
#ifndef DOGB_PROFILE_DATA_H
#define DOGB_PROFILE_DATA_H

#include "core/json.h"
#include "profile/account.h"
#include "profile/activity.h"
#include "profile/series.h"

typedef struct dogb_profile_label { // of a layer
    char *name;
    char *op;
} dogb_profile_label;

typedef struct dogb_profile_data {
    dogb_arena arena;
    dogb_account account;
    dogb_series_set series;
    json_t *facts;    // of the machine, the trainer and the profile: the trace's header
    double wall_zero; // seconds since 1970 when account.begin was
    int32_t cores;    // of the machine
    int32_t allowed;  // of them, to this process
    int32_t gpus;
    int32_t finished;     // the run's end was seen
    int64_t dropped;      // phases that were not recorded
    int64_t unwritten;    // phases that are not in the trace: it has reached its size
    int64_t missed;       // samples that came too late by more than an interval
    int64_t collector_ns; // that the profile's own thread has computed
    int32_t skipped;      // the newest sample is not held
    int32_t reserved;
    dogb_profile_label *labels;
    size_t label_count;
    size_t label_capacity;
    dogb_activities activities;
} dogb_profile_data;

// Takes a label that may be known; returns its number, -1: no memory.
int64_t dogb_profile_label_add(dogb_profile_data *data, const char *name, const char *op);
double dogb_profile_seconds(const dogb_profile_data *data); // of the run so far
double dogb_profile_fact(const dogb_profile_data *data, const char *group, const char *name);
const char *dogb_profile_fact_text(const dogb_profile_data *data, const char *group,
                                   const char *name); // "" when absent
void dogb_profile_data_free(dogb_profile_data *data);

#endif
