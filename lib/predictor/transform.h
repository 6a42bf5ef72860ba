// transform.h - between the files of a batch transform: which pictures (transform_list.c), what
// makes their results (transform_record.c), the folder that these are in (transform_folder.c).
#ifndef DOGB_PREDICTOR_TRANSFORM_H
#define DOGB_PREDICTOR_TRANSFORM_H

#include "core/json.h"
#include "predictor/answer.h"
#include "predictor/predictor_struct.h"

#define DOGB_RESULT_END ".out"
#define DOGB_RESULT_ASIDE                                                                          \
    ".out.tmp" // one name for ever: what a killed process left is written over

typedef struct dogb_picture {
    const char *path;
    const char *name;  // of its result, below the folder
    int32_t elsewhere; // 1: its result is not in the folder, and is not missed
    int32_t reserved;
} dogb_picture;

// Pictures, and those below folders, by the names of their results; each file once. NOT_FOUND,
// MISMATCH.
int dogb_transform_list(dogb_picture **out, int64_t *count, dogb_arena *arena,
                        const char *const *paths, int32_t path_count);

// The document of a folder: all that its results depend on but the pictures, and some more for
// people to know.
int dogb_transform_record(json_t **out, dogb_arena *arena, const dogbreed_predictor *predictor,
                          const dogb_answer_form *form, const dogbreed_rectangle *crop);
// MISMATCH: results of `there` are not those of `own`; `path` is that of `there`.
int dogb_transform_compare(const json_t *there, const json_t *own, const char *path);

// The form that a record speaks of. 1, or 0: it speaks of none.
int dogb_transform_form(dogb_answer_form *out, const json_t *record);

typedef struct dogb_written { // one result that is not yet at its place
    int64_t picture;
    char *path;
    char *aside;
} dogb_written;

typedef struct dogb_results {
    const char *folder;
    dogb_arena made_arena;
    char *made; // the folder that was made last
    dogb_arena group_arena;
    dogb_written *group;
    size_t group_count;
    size_t group_capacity;
} dogb_results;

// Makes the folder, or sees that its results are of this record. MISMATCH, IO.
int dogb_results_open(dogb_results *results, const dogb_picture *pictures, int64_t count,
                      const json_t *record, int32_t overwrite);
// One more of the group, written aside.
int dogb_results_put(dogb_results *results, int64_t picture, const char *name, const char *text,
                     size_t size);
// Syncs the group, brings it to its place and syncs that; then its members are read, and cleared.
int dogb_results_commit(dogb_results *results);
void dogb_results_clear(dogb_results *results);
// What is not at its place is removed.
void dogb_results_close(dogb_results *results);

#endif
