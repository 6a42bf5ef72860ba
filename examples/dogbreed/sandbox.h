// sandbox.h - takes from this process, for good, every system call that a running server has no use
// for. libseccomp, opened when it is asked for, makes the filter.
#ifndef SANDBOX_H
#define SANDBOX_H

// Of all threads, those that run already too. What is left: reading files, memory that cannot be
// executed, threads, and connections that others begin; `outgoing`: own ones too. Everything else
// fails with EPERM. NULL, or what went wrong.
const char *sandbox_enter(int outgoing);

#endif
