// writer.h - writes a tensor store. A step's tensors go into an event file of its own, where they
// lie is told by an index file; both are written aside, synced and renamed, the index last, so that
// a reader sees whole steps only.
#ifndef DOGB_RECORD_WRITER_H
#define DOGB_RECORD_WRITER_H

#include "record/memory.h"

#include <stddef.h>
#include <stdint.h>

typedef struct dogb_record_writer dogb_record_writer;

// Steps of one mode that are saved: those of the list, and each interval-th from start to before
// end.
typedef struct dogb_record_save {
    int64_t interval;
    int64_t start;
    int64_t end; // -1: none
    const int64_t *steps;
    int64_t step_count;
} dogb_record_save;

typedef struct dogb_record_collection {
    const char *name;
    const char *include_regex; // "" none
    const char *const *names;  // of tensors that are known to belong to it
    int32_t name_count;
    int32_t save_raw;
    const char *reductions; // "mean,abs_max", "" none
    int32_t save_shape;
    int32_t save_histogram;
    dogb_record_save save[5]; // by DOGBREED_MODE_ (1..4)
} dogb_record_collection;

// What stands in place of a record's checksum. SMDEBUG: a constant, which smdebug's reader demands
// and TFRecord's readers refuse.
enum { DOGB_RECORD_CRC_PAYLOAD = 0, DOGB_RECORD_CRC_SMDEBUG = 1 };

typedef struct dogb_record_conf {
    const char *directory;
    dogb_memory *memory; // not NULL: steps go there in place of the folder. A reference is taken
    int32_t crc;         // DOGB_RECORD_CRC_
    int32_t worker;      // 0: "worker_0"
    int32_t hasty; // 1: steps are not synced: a power cut may lose the last ones, a kill does not
    int32_t reserved;
} dogb_record_conf;

// Makes the folders. An interrupted store is continued: half-written files of an earlier life of
// this worker go. EXISTS: it holds a finished one. UNSUPPORTED: one of a newer version.
int dogb_record_writer_open(dogb_record_writer **out, const dogb_record_conf *conf);

// (Re)writes the collections file. `workers` are as many as there are files; one here.
int dogb_record_writer_collections(dogb_record_writer *w, const dogb_record_collection *all,
                                   size_t count);

// Removes steps from this one on that an earlier life has saved.
int dogb_record_writer_resume(dogb_record_writer *w, int64_t step);

// Begins a step; wall_time in seconds since 1970. EXISTS: the store has it already.
int dogb_record_writer_begin(dogb_record_writer *w, int32_t mode, int64_t mode_step, int64_t step,
                             double wall_time);

// Adds a tensor to the step. dtype: DOGBREED_RECORD_; values in C order, little endian; TEXT: an
// array of strings, rank 1. INVALID_ARGUMENT leaves the step as it was; any other failure drops the
// step: its files are gone, further calls and commit return the same error.
int dogb_record_writer_add(dogb_record_writer *w, const char *name, int32_t dtype, int32_t rank,
                           const int64_t *shape, const void *data);

// Adds reductions ("mean,abs_max") of a tensor of float32 numbers, each a tensor of its own, a
// float64 number: "smdebug/reductions/abs_max/<name>".
int dogb_record_writer_reduce(dogb_record_writer *w, const char *name, const char *reductions,
                              const float *data, size_t count);

// Adds a shape alone. original: the name in the framework, NULL the same.
int dogb_record_writer_shape(dogb_record_writer *w, const char *name, const char *original,
                             int32_t rank, const int64_t *shape);

// Ends the step: event file, then index; nothing when nothing was added. A full disk: IO, the
// step's files are gone, the store stays readable.
int dogb_record_writer_commit(dogb_record_writer *w);

// Where a training was at a checkpoint of its own, for numbering to go on from there.
typedef struct dogb_record_state {
    int64_t run;          // lives of the training so far, from 1
    int64_t step_saved;   // newest step in the store; -1 none
    int64_t step_seen;    // newest step of the training; -1 none
    int64_t mode_step[5]; // newest of each mode; -1 none
} dogb_record_state;

// Notes it in metadata.json (step_saved and run are filled in).
int dogb_record_writer_note(dogb_record_writer *w, const dogb_record_state *state);

// The newest note whose step_seen is below `step`. 1: here it is; 0: none (all -1, run 0).
int dogb_record_writer_noted(dogb_record_state *out, const dogb_record_writer *w, int64_t step);

// Writes the end marker: no steps will come any more.
int dogb_record_writer_finish(dogb_record_writer *w);

// A step that was begun and not committed is dropped. NULL is fine.
void dogb_record_writer_close(dogb_record_writer *w);

#endif
