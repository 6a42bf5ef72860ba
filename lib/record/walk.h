// walk.h - the files of a store's two-level folders: index/000000000/..., events/000000000000/...
#ifndef DOGB_RECORD_WALK_H
#define DOGB_RECORD_WALK_H

#include "core/arena.h"

// Calls fn(folder, name, userdata) for each entry of each folder in `path`, in no order; `folder`
// is open: its descriptor serves fstatat and unlinkat. A negative result ends the walk and is
// returned. NOT_FOUND: there is no such path. A folder that vanishes meanwhile is passed over.
typedef struct dogb_walk_entry {
    const char *folder; // its name in `path`
    const char *name;
    int descriptor; // of the folder
} dogb_walk_entry;
typedef int (*dogb_walk_fn)(const dogb_walk_entry *entry, void *userdata);
int dogb_record_walk(const char *path, dogb_walk_fn fn, void *userdata);

#endif
