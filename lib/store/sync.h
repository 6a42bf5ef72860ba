// sync.h - two sides of a folder, compared and made equal.
#ifndef DOGB_STORE_SYNC_H
#define DOGB_STORE_SYNC_H

#include "store/transfer.h"

// Regular files below a folder with their names relative to it, sorted by bytes. Links are followed
// to files and folders; what is neither is left out with a warning.
int dogb_store_scan(dogb_objects *out, const char *folder);

// Objects below a URI with their names relative to it, sorted; what only marks a folder is left
// out. `prefix` receives the URI that they are relative to: its key is empty or ends in '/'.
int dogb_store_scan_objects(dogb_objects *out, dogb_uri *prefix, dogbreed_store *store,
                            const dogb_uri *uri);

// FORMAT: a key cannot be the name of a file below a folder, or two would be the same file.
int dogb_store_check_names(const dogb_objects *objects, const dogb_uri *prefix);

// A name below a prefix.
int dogb_store_child(dogb_uri *out, dogb_arena *arena, const dogb_uri *prefix, const char *name);

// Downloads items[i] for each i of `wanted` into root/name: small ones many at a time, large ones
// one behind the other in parts. Sorts `wanted`. They are not synced (dogb_file_system_sync).
typedef int (*dogb_got_fn)(const dogb_object *object, void *userdata); // any thread
int dogb_store_download_all(dogbreed_store *store, const dogb_uri *prefix, const char *root,
                            const dogb_object **wanted, size_t count, dogb_got_fn got,
                            void *userdata);

#endif
