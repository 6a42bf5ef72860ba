// predictor_internal.h - what the index of options needs from the predictor: its table.
#ifndef DOGB_PREDICTOR_INTERNAL_H
#define DOGB_PREDICTOR_INTERNAL_H

#include "core/table.h"

extern const dogb_table dogb_predictor_table;

#endif
