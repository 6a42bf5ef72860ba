// others.h - stores of other runs, opened when a rule compares with them.
#ifndef DOGB_DEBUG_OTHERS_H
#define DOGB_DEBUG_OTHERS_H

#include "core/arena.h"

#include <dogbreed/record.h>

typedef struct dogb_other {
    const char *run;
    dogbreed_record *record; // NULL: it cannot be read
} dogb_other;

typedef struct dogb_others {
    dogb_arena arena;
    dogb_other *items;
    size_t count;
    size_t capacity;
    float *values; // of the last one that was read
} dogb_others;

// Where the store of a run is: its debug folder, or the folder itself. NOT_FOUND: there is none.
int dogb_others_find(char **out, dogb_arena *arena, const char *run);

// Values of a tensor of a run at a step of a mode; valid until the next call. NOT_FOUND: it has
// none.
int dogb_others_read(const float **out, size_t *count, dogb_others *others, const char *run,
                     const char *tensor, int32_t mode, int64_t mode_step);
void dogb_others_close(dogb_others *others);

#endif
