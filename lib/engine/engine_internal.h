// engine_internal.h - between engine.c (which engine, which device) and plugin.c (finding and
// opening one's file).
#ifndef DOGB_ENGINE_ENGINE_INTERNAL_H
#define DOGB_ENGINE_ENGINE_INTERNAL_H

#include "engine/engine.h"

// Path of the plug-in of an engine. NOT_FOUND names the folders that were searched.
int dogb_plugin_find(char **out, dogb_arena *arena, const char *name);

// Opens the file and copies its table, checked, into *out: tail members that an older plug-in lacks
// are NULL. The plug-in stays in the process.
int dogb_plugin_open(dogb_engine *out, const char *path, const char *name);

#endif
