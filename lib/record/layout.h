// layout.h - what a tensor store consists of: names of its files, modes and types of tensors. The
// layout is that of smdebug, the library of the debugger that this one follows.
#ifndef DOGB_RECORD_LAYOUT_H
#define DOGB_RECORD_LAYOUT_H

#include "core/json.h"

#include <dogbreed/record.h>

#include <stdint.h>

enum { DOGB_RECORD_VERSION = 1 };  // of what we add to the layout
enum { DOGB_RECORD_RANK_MAX = 8 }; // of a tensor
enum { DOGB_RECORD_MODES = 5 };    // values of DOGBREED_MODE_, from 1
#define DOGB_RECORD_END "training_job_end.ts"
#define DOGB_RECORD_STATES "metadata.json"
#define DOGB_RECORD_REDUCTIONS "smdebug/reductions/"
#define DOGB_RECORD_STEP_MAX 999999999999 // 12 digits in the names of files

// Paths from the store's folder on; NULL: no memory.
char *dogb_record_event_path(dogb_arena *arena, int64_t step, const char *worker);
char *dogb_record_event_folder(dogb_arena *arena, int64_t step);
char *dogb_record_index_path(dogb_arena *arena, int64_t step, const char *worker);
char *dogb_record_index_folder(dogb_arena *arena, int64_t step);
char *dogb_record_collections_path(dogb_arena *arena, const char *worker);

// "000000000123_worker_0.json" (or .tfevents, as `end` says): the step, and where the worker's name
// begins and how long it is. 1: it is such a name.
int dogb_record_name_parse(int64_t *step, const char **worker, size_t *length, const char *name,
                           const char *end);

const char *dogb_record_mode_name(int32_t mode); // "TRAIN"; NULL: there is none
int32_t dogb_record_mode_find(const char *name); // 0: none

// A collections file as we write it says which version it is; smdebug's say nothing. UNSUPPORTED:
// newer than this library. FORMAT: no collections file.
int dogb_collections_check(const json_t *document, const char *path);

// A type of tensors: TensorFlow's code.
typedef struct dogb_record_type {
    const char *name;
    int32_t code; // DOGBREED_RECORD_
    int32_t size; // bytes of an element; 0: texts
} dogb_record_type;
const dogb_record_type *dogb_record_type_find(int32_t code); // NULL: there is none

// Product of the dimensions; -1: negative ones, or too many elements.
int64_t dogb_record_elements(int32_t rank, const int64_t *shape);

#endif
