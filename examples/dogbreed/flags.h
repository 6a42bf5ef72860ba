// flags.h - what the two halves of the command line share: words (flags.c) and files (files.c).
#ifndef TOOL_FLAGS_H
#define TOOL_FLAGS_H

#include "tool.h"

const flag *find_flag(const flag *flags, const char *name); // NULL: none is called so
uint32_t split_kind(const char **name); // "trainer.seed" -> its kind and "seed"; 0: plain name
// 1 when the command takes this option; info describes it as the command's first table does.
int takes_option(const command *c, const char *name, dogbreed_option_info *info);
const char *suggestion(const tool *t, const char *name); // NULL: nothing is near
// Sets an own flag, or an option in every table of the command that has it (only_kind: that one).
int assign(tool *t, const char *name, const char *value, uint32_t only_kind);
int apply_file(tool *t, const char *path); // a file, "-" or a run directory
int apply_environment(tool *t);

#endif
