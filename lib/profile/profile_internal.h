// profile_internal.h - the table of options, for the index; and what the files of lib/profile share
// of a profile that is attached to a trainer.
#ifndef DOGB_PROFILE_INTERNAL_H
#define DOGB_PROFILE_INTERNAL_H

#include "core/table.h"
#include "profile/rule.h"
#include "profile/trace.h"

#include <dogbreed/profile.h>

#include <pthread.h>

extern const dogb_table dogb_profile_table;

// Options with their checks; strings go into the arena.
int dogb_profile_import(dogbreed_profile_options *out, const dogbreed_profile_options *options,
                        dogb_arena *arena);

// One run that is being recorded: the recorder that phases come from, the thread that takes them
// and samples the system.
typedef struct dogb_collector dogb_collector;

typedef struct dogb_collector_conf {
    const char *directory; // of the files; NULL: none
    json_t *facts;         // borrowed
    int64_t trace_bytes;
    int32_t interval; // ms
    int32_t layers;
    int32_t gpu;
    int32_t parity;
} dogb_collector_conf;

// sampling.c
typedef struct dogb_sampling {
    dogb_probe *probe;
    dogb_trace *trace; // NULL: no files
    dogb_profile_data *data;
    uint64_t zero; // of times
    uint64_t last; // time of the last sample, and the phases' sums then
    int64_t last_wait;
    int64_t last_loader;
} dogb_sampling;
void dogb_sampling_take(dogb_sampling *sampling, uint64_t now);

// From the thread whose phases are recorded, which is listened to from then on.
int dogb_collector_start(dogb_collector **out, const dogb_collector_conf *conf);
// From the same thread: nothing is recorded any more, files are whole.
void dogb_collector_stop(dogb_collector *collector);
// From the same thread: takes what the engine has recorded during so many steps.
int dogb_collector_activities(dogb_collector *collector, const dogb_engine *engine, int64_t steps);
int dogb_collector_runs(const dogb_collector *collector);
void dogb_collector_configure(dogb_collector *collector, int32_t interval, int32_t layers);
// What is known so far, held still between these two. Any thread.
const dogb_profile_data *dogb_collector_lock(dogb_collector *collector);
void dogb_collector_unlock(dogb_collector *collector);
void dogb_collector_destroy(dogb_collector *collector); // NULL is fine; stops it first

// facts.c: what the header of a trace says of machine and trainer.
int dogb_profile_facts(json_t *facts, const dogbreed_trainer *trainer,
                       const dogbreed_profile_options *options);
// Bytes that the pictures of both splits take when they are decoded, by the headers of some; 0: not
// known.
double dogb_profile_decoded_bytes(const dogbreed_trainer *trainer);

// advice.c: one entry of a list of advice.
void dogb_profile_advise_add(dogb_doc *doc, json_t *list, const char *option, const char *value,
                             int safe, const char *reason);

// Why pictures should be kept decoded, with their size and the free memory.
void dogb_profile_decoded_reason(char out[240], const char *why, double need, double free);

// files.c: summary.json and a file for each rule. Warns when it cannot.
void dogb_profile_write(const char *directory, const json_t *summary);

#endif
