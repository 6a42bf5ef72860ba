// packfile.c - files of packed weights. One file per network, weights, instruction set and version;
// written once, never changed, so a mapping of it stays valid when it is removed.
#include "engine/native/packfile.h"

#include "core/error.h"
#include "core/evict.h"
#include "core/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[8] = {'d', 'o', 'g', 'b', 'p', 'a', 'c', 'k'};
static const char ending[] = ".pack";
enum { LINE = 16, DIGITS = 64 }; // floats of a cache line: where every piece begins

typedef struct header {
    char magic[8];
    uint32_t version;
    uint32_t reserved;
    uint64_t floats;
    uint64_t checksum; // of the floats
    char set[16];      // instruction set
    dogb_sha256 key;
    uint8_t padding[16];
    dogb_sha256 own; // of the header with this field zero
} header;
_Static_assert(sizeof(header) == 128, "layout of the file");

static size_t lines(size_t count) {
    return (count + LINE - 1) / LINE * LINE;
}

float *dogb_packing_take(dogb_packing *packing, dogb_arena *arena, size_t count) {
    if (packing->mapped != NULL) {
        if (lines(count) > packing->floats - packing->used) {
            (void)dogb_fail(DOGBREED_ERROR_FORMAT, "packed weights: the file is too short");
            return NULL;
        }
        float *data = (float *)packing->mapped + packing->used; // only read
        packing->used += lines(count);
        return data;
    }
    if (dogb_grow(arena, &packing->pieces, &packing->capacity, packing->count,
                  sizeof *packing->pieces) < 0) {
        return NULL;
    }
    float *data = dogb_alloc_raw(arena, lines(count), sizeof *data);
    if (data == NULL) {
        return NULL;
    }
    memset(data + count, 0, (lines(count) - count) * sizeof *data);
    packing->pieces[packing->count++] = (dogb_piece){data, lines(count)};
    packing->floats += lines(count);
    return data;
}

static int hash_header(dogb_sha256 *out, const header *head) {
    header zeroed = *head;
    memset(&zeroed.own, 0, sizeof zeroed.own);
    return dogb_sha256_of(out, &zeroed, sizeof zeroed);
}

static void set_name(char out[16], const char *set) {
    memset(out, 0, 16);
    (void)snprintf(out, 16, "%s", set);
}

int dogb_packfile_read(dogb_packing *out, const uint8_t *data, size_t size, const dogb_sha256 *key,
                       const char *set, const char *what) {
    header head;
    dogb_sha256 own;
    char name[16];
    memset(out, 0, sizeof *out);
    if (size < sizeof head) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: %zu bytes are no packed weights", what, size);
    }
    memcpy(&head, data, sizeof head);
    int rc = hash_header(&own, &head);
    if (rc < 0) {
        return rc;
    }
    set_name(name, set);
    if (memcmp(head.magic, magic, sizeof magic) != 0 || head.version != DOGB_PACK_VERSION ||
        memcmp(&own, &head.own, sizeof own) != 0 || memcmp(&head.key, key, sizeof *key) != 0 ||
        memcmp(head.set, name, sizeof name) != 0) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: not the packed weights looked for", what);
    }
    if (head.floats == 0 || head.floats != (size - sizeof head) / sizeof(float) ||
        (size - sizeof head) % sizeof(float) != 0) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: %zu bytes do not fit its %llu floats", what,
                         size, (unsigned long long)head.floats);
    }
    if (dogb_checksum(data + sizeof head, size - sizeof head) != head.checksum) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: wrong checksum", what);
    }
    out->mapped = (const float *)(const void *)(data + sizeof head);
    out->floats = (size_t)head.floats;
    return DOGBREED_OK;
}

// key-set.pack
static char *file_path(dogb_arena *arena, const char *folder, const dogb_sha256 *key,
                       const char *set) {
    char text[DIGITS + 1];
    dogb_sha256_text(key, text);
    return dogb_format(arena, "%s/%s-%s%s", folder, text, set, ending);
}

int dogb_packfile_open(dogb_packing *out, dogb_arena *arena, const char *folder,
                       const dogb_sha256 *key, const char *set) {
    dogb_arena scratch = {0};
    dogb_map map;
    char *path = file_path(&scratch, folder, key, set);
    int rc =
        path == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_map_open(&map, arena, path, SIZE_MAX / 2);
    if (rc == DOGBREED_OK) {
        rc = dogb_packfile_read(out, map.data, map.size, key, set, path);
    }
    if (rc == DOGBREED_OK) {
        (void)utimensat(AT_FDCWD, path, NULL, 0); // used now
    }
    dogb_arena_free(&scratch);
    return rc;
}

static int is_ours(const char *name) {
    size_t length = strlen(name);
    return length > DIGITS + sizeof ending && strspn(name, "0123456789abcdef") == DIGITS &&
           name[DIGITS] == '-';
}

static int drop(const char *name, void *userdata) {
    return unlinkat(dirfd((DIR *)userdata), name, 0) == 0;
}

// Files on their way to a name count too: those of killed processes grow old and go.
static void evict(const char *folder, int64_t bytes_max) {
    dogb_arena scratch = {0};
    dogb_evictable *files = NULL;
    size_t count = 0;
    size_t capacity = 0;
    struct stat info;
    DIR *directory = opendir(folder);
    for (struct dirent *e = directory == NULL ? NULL : readdir(directory); e != NULL;
         e = readdir(directory)) {
        if (is_ours(e->d_name) &&
            fstatat(dirfd(directory), e->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(info.st_mode) &&
            dogb_grow(&scratch, &files, &capacity, count, sizeof *files) == DOGBREED_OK) {
            char *name = dogb_strdup(&scratch, e->d_name);
            if (name != NULL) {
                files[count++] = (dogb_evictable){name, info.st_size, info.st_mtim};
            }
        }
    }
    if (directory != NULL) {
        (void)dogb_evict(files, count, bytes_max, drop, directory);
        (void)closedir(directory);
    }
    dogb_arena_free(&scratch);
}

// The checksum runs over pieces as over one block: pieces are whole lines.
static uint64_t checksum_of(const dogb_packing *packing) {
    dogb_checksum_state state;
    dogb_checksum_start(&state);
    for (size_t i = 0; i < packing->count; i++) {
        dogb_checksum_add(&state, packing->pieces[i].data,
                          packing->pieces[i].count * sizeof(float));
    }
    return dogb_checksum_end(&state);
}

int dogb_packfile_write(const dogb_packing *packing, const char *folder, const dogb_sha256 *key,
                        const char *set, int64_t bytes_max) {
    dogb_arena scratch = {0};
    dogb_writer *writer = NULL;
    header head = {.version = DOGB_PACK_VERSION, .floats = packing->floats, .key = *key};
    int64_t size = (int64_t)(sizeof head + packing->floats * sizeof(float));
    if (packing->floats == 0 || size > bytes_max) {
        return DOGBREED_OK; // it would push out everything else
    }
    memcpy(head.magic, magic, sizeof magic);
    set_name(head.set, set);
    head.checksum = checksum_of(packing);
    char *path = file_path(&scratch, folder, key, set);
    int rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : hash_header(&head.own, &head);
    rc = rc < 0 ? rc : dogb_writer_open(&writer, &scratch, path);
    rc = rc < 0 ? rc : dogb_writer_add(writer, &head, sizeof head);
    for (size_t i = 0; rc == DOGBREED_OK && i < packing->count; i++) {
        rc = dogb_writer_add(writer, packing->pieces[i].data,
                             packing->pieces[i].count * sizeof(float));
    }
    rc = rc < 0 ? rc : dogb_writer_commit(writer);
    dogb_arena_free(&scratch);
    if (rc == DOGBREED_OK) {
        evict(folder, bytes_max);
    }
    return rc;
}
