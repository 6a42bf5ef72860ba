// run_internal.h - what the files of lib/run share: one object per attached run directory.
#ifndef DOGB_RUN_RUN_INTERNAL_H
#define DOGB_RUN_RUN_INTERNAL_H

#include "core/arena.h"
#include "core/buffer.h"
#include "core/json.h"
#include "trainer/trainer_internal.h"

#include <dogbreed/run.h>

// Log lines are gathered and written whole: at the end of an epoch, or when a second has passed.
enum { DOGB_RUN_BUFFER = 16384 };

// An event file for TensorBoard.
typedef struct dogb_run_board {
    const char *path;   // NULL: none
    dogb_buffer events; // that it does not have yet
    uint32_t seen;      // tags that have a point in it, a bit each
    uint32_t reserved;
} dogb_run_board;

typedef struct dogb_run {
    dogb_arena arena;
    dogbreed_trainer *trainer;
    const char *directory;
    const char *checkpoint; // directory/checkpoint
    int lock;               // descriptor of run.lock; -1: not held
    int csv;                // descriptors of the logs; -1: closed
    int jsonl;
    dogb_run_board board; // by epoch
    dogb_run_board board_steps;
    size_t used; // of buffer: lines for metrics.jsonl
    char buffer[DOGB_RUN_BUFFER];

    double interval;        // seconds between two checkpoints or model files
    double begin;           // dogb_clock() of this run
    int64_t begin_step;     // steps that were done then
    double status_time;     // of the last status.json
    double checkpoint_time; // of the last checkpoint
    double checkpoint_cost; // seconds it took
    double model_time;
    double model_cost;
    int32_t checkpoint_pending; // an epoch is not in the checkpoint yet
    int32_t model_pending;      // the kept weights are not in model.safetensors yet
    int32_t resumed_epoch;      // finished epochs at the resume; -1: not resumed
    int32_t first_batch;        // subscription that hears of it
    char start[28];             // RFC 3339, of the first start
} dogb_run;

// lock.c
int dogb_run_lock(dogb_run *run);    // STATE: another process has it
void dogb_run_unlock(dogb_run *run); // removes the file; fine when not held

// logs.c
int dogb_run_logs_open(dogb_run *run);   // rewrites metrics.csv from the trainer's epochs, cuts the
                                         // lines of metrics.jsonl that are torn or will be repeated
int dogb_run_logs_reopen(dogb_run *run); // metrics.jsonl alone, as it is
int dogb_run_logs_epoch(dogb_run *run, const dogbreed_event *event);
int dogb_run_logs_step(dogb_run *run, const dogbreed_event *event);
int dogb_run_logs_finding(dogb_run *run, const dogbreed_event *event);
int dogb_run_logs_system(dogb_run *run, const char *text);
int dogb_run_logs_flush(dogb_run *run, int sync);
void dogb_run_logs_close(dogb_run *run);
// Shortest of 15, 16, 17 digits that reads back as the same number; "" for NaN.
void dogb_run_number(char out[40], double value);

// board.c
int dogb_run_board_open(dogb_run *run); // new event files, unless config.json says not to
int dogb_run_board_epoch(dogb_run *run, const dogbreed_event *event); // written at once
void dogb_run_board_step(dogb_run *run, const dogbreed_event *event); // at the next flush
int dogb_run_board_flush(dogb_run *run);

// first_batch.c
int dogb_run_first_batch(dogb_run *run); // puts it into the board when it comes; once in a training

// status.c
int dogb_run_status(dogb_run *run, const dogbreed_event *event); // status.json, now
const char *dogb_run_state(const dogb_run *run);                 // "running", "completed", ...
int dogb_run_exit_code(const dogb_run *run);                     // of the command line, docs/run.md

// manifest.c
int dogb_run_manifest(dogb_run *run, int complete); // complete: with hashes of all outputs

// host.c
int dogb_run_host(json_t *object);         // machine and system
int64_t dogb_run_rss(void);                // resident bytes now; 0: unknown
int dogb_run_usage(json_t *object);        // cpu_s, peak_rss_bytes
int dogb_run_command_line(json_t *object); // "command_line", secrets removed
int dogb_run_git(json_t *object);          // commit of the working directory, if it has one

char *dogb_run_path(const dogb_run *run, dogb_arena *arena, const char *name);

#endif
