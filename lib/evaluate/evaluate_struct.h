// evaluate_struct.h - shared by the files of lib/evaluate only.
#ifndef DOGB_EVALUATE_STRUCT_H
#define DOGB_EVALUATE_STRUCT_H

#include "evaluate/evaluate_internal.h"

// dogb_tally_json with the names of the tally's classes, without the split.
int dogb_tally_json_names(json_t *object, const dogb_tally *tally, const char *const *names);

#endif
