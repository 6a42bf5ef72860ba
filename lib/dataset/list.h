// list.h - one folder: what is in it, and which of its files are pictures by their names.
#ifndef DOGB_DATASET_LIST_H
#define DOGB_DATASET_LIST_H

#include "core/arena.h"

typedef struct dogb_listing { // of one folder; names sorted by bytes
    const char **files;
    size_t file_count;
    size_t file_capacity;
    const char **folders;
    size_t folder_count;
    size_t folder_capacity;
} dogb_listing;

// Everything in a folder but "." and "..". NOT_FOUND, IO, FORMAT (too many entries).
int dogb_list(dogb_listing *out, dogb_arena *arena, const char *path);

// 1: the name ends in one of these, whatever the case; the last one is NULL.
int dogb_has_extension(const char *name, const char *const *extensions);
int dogb_is_picture(const char *name); // .jpg, .jpeg, .png

#endif
