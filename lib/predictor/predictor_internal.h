// predictor_internal.h - what the index of options needs from the predictor: its tables.
#ifndef DOGB_PREDICTOR_INTERNAL_H
#define DOGB_PREDICTOR_INTERNAL_H

#include "core/table.h"

extern const dogb_table dogb_predictor_table;
extern const dogb_table dogb_transform_table;

#endif
