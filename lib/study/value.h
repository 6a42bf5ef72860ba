// value.h - how numbers, states, dates and JSON stand in Optuna's columns.
#ifndef DOGB_STUDY_VALUE_H
#define DOGB_STUDY_VALUE_H

#include "core/arena.h"

#include <stdint.h>

// "FINITE", "INF_POS", "INF_NEG", "NAN"; the number itself stands beside it only when FINITE.
const char *dogb_value_kind(double value);
double dogb_value_of(const char *kind, double value); // unknown kinds: NaN

const char *dogb_state_name(int32_t state); // "RUNNING", ...
int32_t dogb_state_of(const char *name);    // -1: unknown

// "2026-01-31 12:00:00.000000", UTC: six digits always, SQLite's readers take them for
// microseconds.
void dogb_date_now(char out[28]);
double dogb_date_of(const char *text); // seconds since the epoch; NULL or malformed: NaN

// Python writes NaN, Infinity and -Infinity, which JSON has not: they become strings. The result is
// in the arena; NULL: no memory.
char *dogb_json_plain(dogb_arena *arena, const char *text);

#endif
