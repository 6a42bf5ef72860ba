// tuner_internal.h - the tables of a tuner's options.
#ifndef DOGB_TUNER_INTERNAL_H
#define DOGB_TUNER_INTERNAL_H

#include "core/table.h"

#include <dogbreed/tuner.h>

extern const dogb_table dogb_tuner_table;
extern const dogb_table dogb_command_table;

#endif
