// plugin.h - files that are opened when they are first needed: engines, the module that draws,
// libraries of the system.
#ifndef DOGB_CORE_PLUGIN_H
#define DOGB_CORE_PLUGIN_H

#include "core/arena.h"

// Path of `file`, looked for in the folders of $DOGBREED_ENGINE_PATH (colon-separated), beside the
// library, and in dogbreed/ beside it. *out NULL: it is in none of *folders. NO_MEMORY.
int dogb_plugin_path(char **out, char **folders, dogb_arena *arena, const char *file);

// Opens the file for good and finds the function that every plug-in of its kind has. IO, with the
// loader's line; FORMAT: it has no such function. `what` names it in messages ("engine torch").
int dogb_plugin_function(void **out, const char *path, const char *what, const char *function);

// A library of the system whose functions are called through a table of pointers: opens `file`
// ("libpq.so.5") for good and writes the address of names[i] to ((void **)table)[i]. why: "" when
// all are there, else what is missing.
void dogb_library_open(void *table, const char *const *names, size_t count, const char *file,
                       char why[256]);

#endif
