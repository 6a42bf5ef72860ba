// debug_internal.h - what the files of the debugger share: one object per watched trainer.
#ifndef DOGB_DEBUG_DEBUG_INTERNAL_H
#define DOGB_DEBUG_DEBUG_INTERNAL_H

#include "core/ref.h"
#include "core/table.h"
#include "debug/collection.h"
#include "debug/command.h"
#include "debug/keeper.h"
#include "debug/others.h"
#include "debug/rule.h"
#include "debug/subject.h"

#include <dogbreed/debug.h>

extern const dogb_table dogb_debug_table;

// What is known of a subject while it is shown.
typedef struct dogb_shown {
    float *values; // NULL: not read yet
    size_t count;
    dogbreed_tensor_stats stats;
    int32_t has_stats;
    int32_t reserved;
} dogb_shown;

// A number of the program's own.
typedef struct dogb_scalar {
    const char *name; // "scalar/..."
    double value;
    int32_t pending; // to store when the next step begins
    int32_t reserved;
} dogb_scalar;

struct dogbreed_debug {
    dogb_arena arena;
    dogb_ref refs; // of the handle and of the trainer
    dogbreed_debug_options options;
    dogbreed_trainer *trainer;
    const char **classes; // [class_count] names
    int32_t class_count;
    int32_t reserved;
    dogb_collections collections;
    dogb_subjects subjects;
    dogb_rules *rules;
    dogb_rule_source source; // of the subjects that the event shows
    dogb_record_save plan[DOGB_MODES];
    dogb_keeper *keeper;            // NULL: nothing is stored
    dogb_memory *memory;            // for dogbreed_debug_record; NULL: none was asked for
    const char *directory;          // NULL: nothing is written
    const char *boards[DOGB_MODES]; // event files for TensorBoard; NULL: none yet
    dogb_hook command;
    dogb_others others;

    int32_t ready;  // the first epoch has begun
    int32_t failed; // storing has ended
    int32_t ended;
    int32_t phases;    // subscription to the phases of this step; 0: none
    int32_t recording; // a step is open in the store
    int32_t epoch;
    int32_t subscription; // to what comes a few times in a run
    int32_t ends;         // to the end of epochs; 0: none yet
    int32_t steps;        // to the begin of steps; 0: none
    int32_t epochs_alone; // single steps are not looked at
    int32_t running;      // epoch that is running, or has just ended

    // The step that is watched.
    const dogbreed_event *event;
    dogb_arena scratch; // of the subject that is shown
    dogb_shown shown;   // of the same
    float *room;        // [room_size] for its values
    size_t room_size;
    dogb_rule_moment moment;
    uint8_t *due;   // [collections]
    uint32_t kinds; // to look at, 1 << DOGBREED_TENSOR_
    int32_t reply;  // to the bus: 0, DOGBREED_STOP, or what a listener's refusal became
    int64_t begun;  // steps of the training, with the one that is under way
    int64_t evaluations;
    int64_t eval_steps; // batches of one evaluation

    int64_t next;    // step of training at which anything is due
    int32_t pending; // 1: a number of the program's own waits for a step
    int32_t spare;
    dogb_scalar *scalars;
    size_t scalar_count;
    size_t scalar_capacity;
    double written; // dogb_clock() of the last findings.json
    json_t *epochs; // means of finished epochs, for judging later
};

// debug.c: as dogbreed_debug_attach; epochs_alone: never looks at single steps.
int dogb_debug_attach(dogbreed_debug **out, dogbreed_trainer *trainer,
                      const dogbreed_debug_options *options, int epochs_alone);

// Results of all rules, as in findings.json.
json_t *dogb_debug_rules(const dogbreed_debug *debug, dogb_arena *arena);

// attach.c: begins to watch; feed.c: an event's tensors to rules and store.
int dogb_debug_watch(dogbreed_debug *debug);
int dogb_debug_watch_steps(dogbreed_debug *debug); // when somebody needs them
void dogb_debug_leave(dogbreed_debug *debug);
void dogb_debug_feed(dogbreed_debug *debug, const dogbreed_event *event, uint32_t kinds);
void dogb_debug_number(dogbreed_debug *debug, const char *name, double value, int64_t samples);
void dogb_debug_close_step(dogbreed_debug *debug);
int dogb_debug_read(const float **out, size_t *count, const dogb_rule_tensor *t);
int dogb_debug_stats(const dogbreed_tensor_stats **out, const dogb_rule_tensor *t);

// keep.c: what goes into the store.
int dogb_debug_store(dogbreed_debug *debug);
void dogb_debug_keep(dogbreed_debug *debug, dogb_subject *subject);
void dogb_debug_keep_scalars(dogbreed_debug *debug);
void dogb_debug_commit(dogbreed_debug *debug);
void dogb_debug_finish(dogbreed_debug *debug); // of a run that is over: the end marker
// Says once that storing ends, and why; the training goes on.
void dogb_debug_give_up(dogbreed_debug *debug);

// board.c: a tensor's values for TensorBoard.
int dogb_debug_show(dogbreed_debug *debug, dogb_subject *one, const float *values, size_t count);

// input.c: pictures as the network gets them, when it is trained on stored features.
void dogb_debug_pictures(dogbreed_debug *debug);

// state.c
void dogb_debug_remember(dogbreed_debug *debug, const dogb_rule_epoch *epoch);

// findings.c
json_t *dogb_debug_document(const dogbreed_debug *debug, dogb_arena *arena);
int dogb_debug_put(dogb_arena *scratch, const char *path, const json_t *document);
void dogb_debug_write(dogbreed_debug *debug, int whole);
void dogb_debug_found(const dogb_rule_finding *finding, void *userdata);

// config.c: debughookconfig.json.
int dogb_debug_config(dogbreed_debug *debug, const char *path);

#endif
