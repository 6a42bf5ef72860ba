// workers.h - further processes of this tool that work on the same study.
#ifndef TOOL_WORKERS_H
#define TOOL_WORKERS_H

#include "tool.h"

#include <sys/types.h>

enum { WORKERS_MAX = 1024 };

typedef struct workers {
    pid_t pids[WORKERS_MAX];
    int32_t count;
} workers;

// Starts `count` of them on the study in the folder, whose config.json is written; each computes
// with `threads` threads. Returns 0 or an exit code, with everything said.
int workers_start(workers *w, tool *t, const char *folder, const char *storage, int32_t count,
                  int32_t threads);
// Waits for them; stop: asks them to stop first. They end with this process in any case.
void workers_end(workers *w, int stop);

// Threads of each of `count` processes: an equal share of `threads`, or (0) of the machine's cores.
int32_t workers_threads(int32_t threads, int32_t count);

#endif
