// tuner_internal.h - the table of a tuner's options.
#ifndef DOGB_TUNER_INTERNAL_H
#define DOGB_TUNER_INTERNAL_H

#include "core/table.h"

#include <dogbreed/tuner.h>

extern const dogb_table dogb_tuner_table;

#endif
