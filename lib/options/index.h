// index.h - the option tables of all folders, by kind.
#ifndef DOGB_OPTIONS_INDEX_H
#define DOGB_OPTIONS_INDEX_H

#include "core/table.h"

// NULL for an unknown kind (DOGBREED_KIND_).
const dogb_table *dogb_options_table(uint32_t kind);

#endif
