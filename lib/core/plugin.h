// plugin.h - files that are opened when they are first needed: engines, the module that draws.
#ifndef DOGB_CORE_PLUGIN_H
#define DOGB_CORE_PLUGIN_H

#include "core/arena.h"

// Path of `file`, looked for in the folders of $DOGBREED_ENGINE_PATH (colon-separated), beside the
// library, and in dogbreed/ beside it. *out NULL: it is in none of *folders. NO_MEMORY.
int dogb_plugin_path(char **out, char **folders, dogb_arena *arena, const char *file);

// Opens the file for good and finds the function that every plug-in of its kind has. IO, with the
// loader's line; FORMAT: it has no such function. `what` names it in messages ("engine torch").
int dogb_plugin_function(void **out, const char *path, const char *what, const char *function);

#endif
