// process.h - one child process: its own process group, nothing open but its three streams,
// standard input empty. What it prints is read from two pipes. It is killed when the thread that
// started it ends.
#ifndef DOGB_PROGRAM_PROCESS_H
#define DOGB_PROGRAM_PROCESS_H

#include "program/template.h"

#include <stdint.h>

enum { DOGB_STREAMS = 2 }; // standard output, standard error

typedef struct dogb_process {
    int32_t pid;
    int32_t streams[DOGB_STREAMS]; // to read from, not blocking; -1: closed
} dogb_process;

typedef struct dogb_process_end {
    int32_t signal; // that ended it; 0: it ended itself
    int32_t code;   // -1: not known, the host ignores SIGCHLD
} dogb_process_end;

// The file that `name` means: itself when it has a '/', else looked for in PATH. NOT_FOUND: there
// is none that can be run.
int dogb_process_find(char **out, dogb_arena *arena, const char *name);

// The environment of this process with the bindings in place of what has their names; nothing else
// that begins with `prefix`. NULL behind the last one.
int dogb_process_environment(char ***out, dogb_arena *arena, const char *prefix,
                             const dogb_binding *bindings, size_t count);

// NOT_FOUND: the file cannot be run. NO_MEMORY, IO: there is no room for a process.
int dogb_process_start(dogb_process *out, const char *file, char *const *argv, char *const *envp);

// To all processes of its group.
void dogb_process_signal(const dogb_process *process, int number);

// 1: it has ended. The rest of its group is killed; its streams are left.
int dogb_process_reap(dogb_process_end *end, dogb_process *process);

// Kills it when it still runs, and closes its streams.
void dogb_process_close(dogb_process *process);

#endif
