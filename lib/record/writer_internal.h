// writer_internal.h - what the files of the writer share: the open store and its running step.
#ifndef DOGB_RECORD_WRITER_INTERNAL_H
#define DOGB_RECORD_WRITER_INTERNAL_H

#include "core/buffer.h"
#include "core/error.h"
#include "core/file.h"
#include "core/json.h"
#include "record/writer.h"

struct dogb_record_writer {
    dogb_arena arena;
    char *directory;     // of a store in memory: what messages call it
    dogb_memory *memory; // NULL: files
    char *worker;
    int32_t crc;
    int32_t hasty;
    int32_t in_step;
    int32_t reserved;
    int64_t step_saved; // newest step of this worker in the store; -1
    int64_t run;        // this life of the training, from 1

    // of the running step
    dogb_arena step_arena;
    int32_t mode;
    int64_t mode_step;
    int64_t step;
    double time;
    int32_t has_events;
    int32_t spare;
    dogb_writer *events;  // of the event file; NULL: no tensor so far
    dogb_buffer recorded; // the same in memory
    char *event_folder;
    json_t *names; // of what was added: no name comes twice
    json_t *tensors;
    json_t *shapes;
    dogb_error_state failure; // code 0: none
};

// Removes what a life that was interrupted has left: files half written, event files without an
// index. Steps from `step` on go too; -1: none. Fills in step_saved.
int dogb_record_tidy(dogb_record_writer *w, int64_t step);

// Fills in `run` from metadata.json.
int dogb_record_state_open(dogb_record_writer *w);

#endif
