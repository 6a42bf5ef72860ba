// distribution.h - where a parameter's values come from, as Optuna writes it into
// distribution_json.
#ifndef DOGB_STUDY_DISTRIBUTION_H
#define DOGB_STUDY_DISTRIBUTION_H

#include "core/arena.h"

#include <jansson.h>
#include <stdint.h>

enum { DOGB_DISTRIBUTION_FLOAT = 0, DOGB_DISTRIBUTION_INT = 1, DOGB_DISTRIBUTION_CATEGORICAL = 2 };

typedef struct dogb_distribution {
    int32_t kind;
    int32_t log;
    double low; // inclusive; categorical: 0 to the number of choices - 1
    double high;
    double step;     // 0: continuous; int: >= 1
    json_t *choices; // categorical: array of null, boolean, number, string; else NULL
} dogb_distribution;

// FORMAT names `what` and what was expected. Python's NaN among choices is read as the string
// "NaN".
int dogb_distribution_read(dogb_distribution *out, dogb_arena *arena, const char *json,
                           const char *what);

// The JSON of it. NULL: no memory.
char *dogb_distribution_text(dogb_arena *arena, const dogb_distribution *distribution);

// A categorical one of these words: what reads as a JSON number, true, false or null is that ("32"
// becomes 32), everything else a string.
int dogb_distribution_choices(dogb_distribution *out, dogb_arena *arena, const char *const *words,
                              int32_t count);

// The word of a choice: the inverse. NULL: no memory.
char *dogb_distribution_choice(dogb_arena *arena, const dogb_distribution *distribution,
                               int32_t index);

// 1: a value that can come from it.
int dogb_distribution_contains(const dogb_distribution *distribution, double value);

// The value as programs see it: a number, an integer, a choice. New reference; NULL: no memory.
json_t *dogb_distribution_external(const dogb_distribution *distribution, double value);

// The inverse, of any distribution's value. NaN: it cannot come from this one.
double dogb_distribution_internal(const dogb_distribution *distribution, const json_t *value);

// MISMATCH unless a study may have both for one parameter: same class and log, same choices.
int dogb_distribution_compatible(const dogb_distribution *earlier, const dogb_distribution *later,
                                 const char *name);

#endif
