// remote.h - s3:// where a path is accepted: a store that is opened when the first one comes, local
// copies, progress.
#ifndef TOOL_REMOTE_H
#define TOOL_REMOTE_H

#include "tool.h"

int is_remote(const char *path); // begins with s3://; NULL: no

// The store of --endpoint, --region ...; it shows its progress. 0 or an exit code, the error is
// printed.
int remote_store(dogbreed_store **out, tool *t);

// *local is the path itself, or that of a copy; it lives as long as the tool. 0 or an exit code.
int remote_fetch(const char **local, tool *t, const char *path);

// The place here of what is going to be at the URI: a new folder, or a file in one; resumed: filled
// with what is there. `what` names the flag in messages. 0 or an exit code.
int remote_target(const char **local, tool *t, const char *what, const char *uri, int resumed);

// remote_resolve.c
// Everything of the command line that is an s3:// path becomes a local one: words, --data,
// --weights, --list are fetched, --out is a new folder, --resume a copy of the run. May be called
// again: what is known is not fetched twice. 0 or an exit code.
int remote_resolve(tool *t);

// Brings what is in the folder of --out or --resume to its URI; while a run is going too. A failure
// is a warning unless `last`. 0 or an exit code.
int remote_push(tool *t, int last);
int remote_has_out(const tool *t); // there is something to push

// The URI of which `path` is a copy, or below one: for messages. `path` itself: of none. Static
// storage.
const char *remote_name(const tool *t, const char *path);

// remote_keep.c: a file or folder that was written below a copy goes to its place in the store; of
// none: nothing happens. A result of the library; nothing is printed.
int remote_keep(tool *t, const char *path);
// The copy that lies at `path` becomes what the store has now. 0 or an exit code.
int remote_again(tool *t, const char *path);

// remote_refuse.c: words and --out, or options, that may be no s3:// path of this command and are
// one. 0 or an exit code.
int remote_refuse(const tool *t);
int remote_refuse_options(tool *t);

// Ends what a call of the store failed with: a signal's code when one came.
int remote_failed(tool *t, int code);
void remote_close(tool *t);

#endif
