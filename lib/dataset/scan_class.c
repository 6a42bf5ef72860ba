// scan_class.c - lists a class: its images and those of the folders in it, in ImageFolder's order.
#include "dataset/scan.h"

#include "core/error.h"
#include "core/file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    DEPTH_MAX = 32,       // folders inside one another below a class
    FILES_MAX = 50000000, // samples of one dataset
    POOL_BYTES = 1 << 16
};

typedef struct ancestor { // folders above the one being walked, to notice loops of links
    const struct ancestor *above;
    dev_t device;
    ino_t inode;
    int depth;
} ancestor;

const char *dogb_scan_keep(dogb_scan_state *s, const char *directory, const char *name) {
    size_t first = strlen(directory);
    size_t second = name == NULL ? 0 : strlen(name) + 1;
    size_t size = first + second + 1;
    if (size > s->pool_left) {
        size_t bytes = size > POOL_BYTES ? size : POOL_BYTES;
        s->pool = dogb_alloc_raw(&s->storage->arena, bytes, 1);
        s->pool_left = s->pool == NULL ? 0 : bytes;
        if (s->pool == NULL) {
            return NULL;
        }
    }
    char *text = s->pool;
    memcpy(text, directory, first);
    if (name != NULL) {
        text[first] = '/';
        memcpy(text + first + 1, name, second - 1);
    }
    text[size - 1] = '\0';
    s->pool += size;
    s->pool_left -= size;
    return text;
}

int dogb_scan_leave(dogb_scan_state *s, dogb_leftover *leftover, const char *directory,
                    const char *name) {
    if (leftover->count < DOGB_SCAN_EXAMPLES) {
        const char *path = dogb_scan_keep(s, directory, name);
        if (path == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        leftover->examples[leftover->count] = path + s->storage->root_length + 1;
    }
    leftover->count++;
    return DOGBREED_OK;
}

static int is_unsupported(const char *name) {
    static const char *const extensions[] = {".ppm",  ".bmp",  ".pgm",  ".tif", ".tiff", ".webp",
                                             ".gif",  ".heic", ".heif", ".jp2", ".avif", ".jxl",
                                             ".jfif", ".jpe",  ".svg",  NULL};
    return dogb_has_extension(name, extensions);
}

static int add_record(dogb_scan_state *s, const char *folder, const char *name) {
    dogb_storage *storage = s->storage;
    int rc = dogb_grow(&storage->arena, &storage->records, &s->capacity, (size_t)storage->count,
                       sizeof *storage->records);
    if (rc < 0) {
        return rc;
    }
    if (storage->count >= FILES_MAX) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: more than %d images", storage->root,
                         FILES_MAX);
    }
    const char *path = dogb_scan_keep(s, folder, name);
    if (path == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    storage->records[storage->count++] = (dogb_record){.path = path,
                                                       .folder_length = (uint32_t)strlen(folder),
                                                       .label = s->label,
                                                       .split = s->split};
    return DOGBREED_OK;
}

static int add_files(dogb_scan_state *s, const char *folder, const dogb_listing *names) {
    int rc = DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < names->file_count; i++) {
        const char *name = names->files[i];
        if (name[0] == '.') {
            rc = dogb_scan_leave(s, &s->storage->hidden, folder, name);
        } else if (dogb_is_picture(name)) {
            rc = add_record(s, folder, name);
        } else {
            dogb_storage *storage = s->storage;
            rc = dogb_scan_leave(s, is_unsupported(name) ? &storage->unsupported : &storage->stray,
                                 folder, name);
        }
    }
    return rc;
}

// Adds the images of a folder of a class and of the folders in it.
static int walk(dogb_scan_state *s, const char *folder, const ancestor *above) {
    dogb_arena scratch = {0};
    dogb_listing names;
    struct stat info;
    int rc = dogb_list(&names, &scratch, folder);
    if (rc < 0) {
        goto out;
    }
    ancestor here = {.above = above, .depth = above == NULL ? 1 : above->depth + 1};
    if (stat(folder, &info) != 0) {
        rc = dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be examined", folder);
        goto out;
    }
    here.device = info.st_dev;
    here.inode = info.st_ino;
    for (const ancestor *a = above; a != NULL; a = a->above) {
        if (a->device == here.device && a->inode == here.inode) {
            rc = dogb_fail(DOGBREED_ERROR_FORMAT,
                           "%s: a symbolic link that leads back to a folder above it", folder);
            goto out;
        }
    }
    if (here.depth > DEPTH_MAX) {
        rc = dogb_fail(DOGBREED_ERROR_FORMAT, "%s: more than %d folders inside one another", folder,
                       DEPTH_MAX);
        goto out;
    }
    if ((rc = add_files(s, folder, &names)) < 0) {
        goto out;
    }
    for (size_t i = 0; rc == DOGBREED_OK && i < names.folder_count; i++) {
        if (names.folders[i][0] == '.') {
            rc = dogb_scan_leave(s, &s->storage->hidden, folder, names.folders[i]);
            continue;
        }
        const char *path = dogb_path_join(&scratch, folder, names.folders[i]);
        rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : walk(s, path, &here);
    }
out:
    dogb_arena_free(&scratch);
    return rc;
}

// ImageFolder's order inside a class: by the whole text of the folder, then by file name.
static int compare_records(const void *a, const void *b) {
    const dogb_record *left = a;
    const dogb_record *right = b;
    uint32_t length =
        left->folder_length < right->folder_length ? left->folder_length : right->folder_length;
    int order = memcmp(left->path, right->path, length);
    if (order == 0 && left->folder_length != right->folder_length) {
        return left->folder_length < right->folder_length ? -1 : 1;
    }
    return order != 0
               ? order
               : strcmp(left->path + left->folder_length, right->path + right->folder_length);
}

int dogb_scan_class(dogb_scan_state *s, const char *folder, int32_t label, int64_t *added) {
    dogb_storage *storage = s->storage;
    int64_t first = storage->count;
    s->label = label;
    int rc = walk(s, folder, NULL);
    *added = storage->count - first;
    if (rc == DOGBREED_OK && *added > 1) {
        qsort(storage->records + first, (size_t)*added, sizeof *storage->records, compare_records);
    }
    return rc;
}
