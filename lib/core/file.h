// file.h - local files: read whole, map, write aside and rename, make directories, join paths.
#ifndef DOGB_CORE_FILE_H
#define DOGB_CORE_FILE_H

#include "core/arena.h"

#include <stddef.h>
#include <stdint.h>

// Reads a regular file into the arena, with a zero byte behind it. Errors: NOT_FOUND, IO, FORMAT
// (larger than size_max, or not a regular file).
int dogb_file_read(void **data, size_t *size, dogb_arena *arena, const char *path, size_t size_max);

// The same into a buffer of the arena that is kept from file to file and grows as needed; no zero
// byte behind it.
int dogb_file_read_into(void **buffer, size_t *capacity, size_t *size, dogb_arena *arena,
                        const char *path, size_t size_max);

// A read-only mapping; unmapped by the arena. An empty file maps to size 0 and data "".
typedef struct dogb_map {
    const uint8_t *data;
    size_t size;
} dogb_map;
int dogb_map_open(dogb_map *out, dogb_arena *arena, const char *path, size_t size_max);

// Writes aside in the same directory, syncs, renames, syncs the directory.
int dogb_file_write(const char *path, const void *data, size_t size);

// The same without syncing, for small files that are rewritten often and may be lost: readers still
// see the old text or the new one.
int dogb_file_replace(const char *path, const void *data, size_t size);

// Writes without syncing or renaming, for files that can be made again. A failed one is removed.
int dogb_file_put(const char *path, const void *data, size_t size);

// Writes behind what the file has, in one piece; made when absent. Not synced.
int dogb_file_append(const char *path, const void *data, size_t size);

// The first way in pieces. `out` is closed and removed by the arena unless committed.
typedef struct dogb_writer dogb_writer;
int dogb_writer_open(dogb_writer **out, dogb_arena *arena, const char *path);
void dogb_writer_hasty(dogb_writer *writer); // commit will not sync
int dogb_writer_add(dogb_writer *writer, const void *data, size_t size);
int64_t dogb_writer_position(const dogb_writer *writer);
int dogb_writer_at(dogb_writer *writer, int64_t position, const void *data,
                   size_t size); // patches what was written
int dogb_writer_commit(dogb_writer *writer);

int dogb_file_exists(const char *path);      // 1 or 0
int dogb_directory_exists(const char *path); // 1 or 0
int dogb_directory_make(const char *path);   // with parents; fine when it exists
int dogb_directory_sync(const char *path);
// Everything of the folder's file system is on the disk: one wait for many files.
int dogb_file_system_sync(const char *folder);
int dogb_directory_remove(
    const char *path); // with everything in it; symbolic links are not followed
// A new folder of our own in $TMPDIR, else /tmp: "<name>-XXXXXX". The arena removes it with
// everything in it.
int dogb_directory_temporary(char **out, dogb_arena *arena, const char *name);
char *dogb_path_join(dogb_arena *arena, const char *directory, const char *name); // NULL: no memory
const char *dogb_path_name(const char *path); // part behind the last '/'

// The user's cache folder for `name`: $DOGBREED_CACHE, else $XDG_CACHE_HOME/dogbreed, else
// ~/.cache/dogbreed, joined with name. Made when absent.
int dogb_cache_directory(char **out, dogb_arena *arena, const char *name);

#endif
