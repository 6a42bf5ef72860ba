// collection.h - which tensors are looked at, when, and what is kept of them: named sets with
// members by pattern or by name, and a plan for each mode.
#ifndef DOGB_DEBUG_COLLECTION_H
#define DOGB_DEBUG_COLLECTION_H

#include "core/regex.h"
#include "record/writer.h"

enum { DOGB_MODES = 5 }; // DOGBREED_MODE_, which begin at 1

typedef struct dogb_collection {
    const char *name;
    const char *include; // POSIX extended regular expression; "": none
    const char **names;  // exact
    int32_t name_count;
    int32_t stored;         // 1: its tensors go into the store
    int32_t raw;            // 1: their values do, also beside reductions
    int32_t shape;          // 1: their shapes do
    int32_t histogram;      // 1: they are shown in TensorBoard
    int32_t scalar;         // losses and metrics: no reductions, no histograms
    const char *reductions; // "mean,abs_max"; "": none
    uint32_t groups;        // 1 << DOGBREED_TENSOR_ of its members, filled by dogb_subjects_create
    int64_t points[DOGB_MODES]; // steps that were saved
    dogb_record_save save[DOGB_MODES];
    dogb_regex *included; // NULL: nothing fits
    dogb_regex *excluded; // of the ready-made ones
    size_t name_capacity;
} dogb_collection;

typedef struct dogb_collections {
    dogb_arena *arena;
    dogb_collection **items;
    size_t count;
    size_t capacity;
} dogb_collections;

// The ready-made ones, all with this plan; "losses" is stored.
int dogb_collections_create(dogb_collections *out, dogb_arena *arena,
                            const dogb_record_save plan[DOGB_MODES]);
dogb_collection *dogb_collections_find(const dogb_collections *all, const char *name);
// The one of this name, made when there is none, with the plan of "default"; stored from now on.
int dogb_collections_add(dogb_collection **out, dogb_collections *all, const char *name);

// "gradients;mine:include_regex=^classifier,reductions=mean+abs_max,save_interval=10"
int dogb_collections_parse(dogb_collections *all, const char *text);
// A member of CollectionConfigurations or HookParameters: all values are text.
int dogb_collections_set(dogb_collections *all, dogb_collection *one, const char *key,
                         const char *value, const char *where);

// 1: a tensor of this name belongs to it.
int dogb_collection_has(const dogb_collection *one, const char *tensor);
// The first step of the mode from `from` on that the plan has; INT64_MAX: none.
int64_t dogb_save_next(const dogb_record_save *save, int64_t from);
// 1: the plan has one of the steps first .. first + count - 1 of the mode.
int dogb_save_due(const dogb_record_save *save, int64_t first, int64_t count);
// One key of a plan: save_interval, save_steps ("1,5,9" or "1+5+9"), start_step, end_step. 0: it is
// none of them.
int dogb_save_set(dogb_record_save *save, dogb_arena *arena, const char *key, const char *value,
                  const char *where);

#endif
