// team.h - worker threads that stay, for loops of a few microseconds: one team in the process,
// whose members spin for a moment and then sleep.
#ifndef DOGB_CORE_TEAM_H
#define DOGB_CORE_TEAM_H

#include <stdint.h>

// What one member does; the members of a run share `userdata`.
typedef void (*dogb_team_fn)(int32_t member, int32_t members, void *userdata);

// Runs fn on up to `members` threads; the caller is member 0. Fewer take part when the team is at
// work for another thread, or when no thread can be started: fn must divide the work by the number
// it is told. Returns when all are done.
void dogb_team_run(int32_t members, dogb_team_fn fn, void *userdata);

// Inside fn, called by all members: returns when each of them has called it.
void dogb_team_wait(int32_t members);

#endif
