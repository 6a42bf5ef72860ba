// serve_internal.h - what the index of options needs from lib/serve: its table.
#ifndef DOGB_SERVE_INTERNAL_H
#define DOGB_SERVE_INTERNAL_H

#include "core/table.h"

extern const dogb_table dogb_serve_table;

#endif
