// transfer.h - one object to a file, one file to an object.
#ifndef DOGB_STORE_TRANSFER_H
#define DOGB_STORE_TRANSFER_H

#include "store/client.h"
#include "store/digest.h"

// A name in an open folder: nothing outside of it can be meant.
typedef struct dogb_target {
    int folder;    // descriptor, closed by the arena
    int32_t hasty; // what is written is not synced: dogb_file_system_sync follows, for many at once
    char *name;    // no '/'
    char *shown;   // in messages
} dogb_target;

// The folder of `path` has to be there.
int dogb_target_of(dogb_target *out, dogb_arena *arena, const char *path);
// root/relative; folders in between are made, links are not followed.
int dogb_target_below(dogb_target *out, dogb_arena *arena, const char *root, const char *relative);

// get.c
int dogb_store_head(dogb_object *out, dogb_arena *arena, dogbreed_store *store,
                    const dogb_uri *uri);
int32_t dogb_store_parts(const dogbreed_store *store, int64_t size); // 1: it travels whole
// Whole or not at all. More than one part: they travel at the same time, so not from inside of
// dogb_store_each.
int dogb_store_download(dogbreed_store *store, const dogb_uri *uri, const dogb_object *object,
                        const dogb_target *target);

// put.c; the same rule.
// Sends `from` of a PUT and compares the sums.
int dogb_store_send_part(dogb_sent *out, dogbreed_store *store, const dogb_call *call);
int dogb_store_remove(dogbreed_store *store, const dogb_uri *uri); // fine when it is not there
int dogb_store_upload(dogbreed_store *store, const dogb_uri *uri, const char *path);
int64_t dogb_store_part_size(const dogbreed_store *store, int64_t size); // at most 10,000 parts

// Headers by which an object is born encrypted; returns how many.
enum { DOGB_ENCRYPTION_FIELDS = 2 };
size_t dogb_store_encryption(dogb_sign_field *out, const dogbreed_store *store);

// upload.c: uploads in parts, written down until they are over.
int dogb_store_upload_parts(dogbreed_store *store, const dogb_uri *uri, int descriptor,
                            int64_t size, const char *path);
int dogb_store_sweep(dogbreed_store *store); // aborts those of dead processes; once per handle

#endif
