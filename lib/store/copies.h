// copies.h - the folders of local copies below store_dir/mirror, one for each URI and endpoint. Who
// fills one holds its file `lock`, alone; whoever reads it holds its file `used`, with others. One
// that nobody holds may be removed.
#ifndef DOGB_STORE_COPIES_H
#define DOGB_STORE_COPIES_H

#include "store/client.h"

// Makes and locks the folder of the URI at this handle's endpoint; the caller closes *lock.
int dogb_copies_open(char **folder, int *lock, dogb_arena *arena, const dogbreed_store *store,
                     const dogb_uri *uri);

// Room for a copy that is going to have `bytes`, of which `missing` are to be read: the bound of
// all copies is kept by removing those that were used longest ago, and the disk has to have the
// rest free. IO.
int dogb_copies_room(const dogbreed_store *store, const char *folder, int64_t bytes,
                     int64_t missing);

// As long as the handle lives nobody removes the copy.
int dogb_copies_hold(dogbreed_store *store, const char *folder);
void dogb_copies_release(dogbreed_store *store);

#endif
