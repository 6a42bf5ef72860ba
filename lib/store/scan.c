// scan.c - what a folder and what a prefix hold, in one form.
#include "core/entry.h"
#include "core/error.h"
#include "core/file.h"
#include "core/json.h"
#include "core/log.h"
#include "store/sync.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DEPTH_MAX = 32 }; // links may form a circle

static const char own_files[] = ".dogbreed-"; // what downloads have aside

static int add_file(dogb_objects *out, const char *name, const struct stat *info) {
    if (!dogb_text_valid(name, strlen(name))) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "%s: the name is not UTF-8, as names of objects must be", name);
    }
    const dogb_object file = {
        .key = (char *)(uintptr_t)name,
        .size = info->st_size,
        .modified = (double)info->st_mtim.tv_sec + 1e-9 * (double)info->st_mtim.tv_nsec,
    };
    return dogb_objects_add(&file, out);
}

static int scan(dogb_objects *out, const char *folder, const char *below, int depth) {
    dogb_arena scratch = {0};
    DIR *directory = depth > DEPTH_MAX ? NULL : opendir(folder);
    int rc = DOGBREED_OK;
    if (directory == NULL) {
        return depth > DEPTH_MAX
                   ? dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "%s: more than %d folders deep",
                               folder, DEPTH_MAX)
                   : dogb_fail_errno(errno == ENOENT ? DOGBREED_ERROR_NOT_FOUND : DOGBREED_ERROR_IO,
                                     "%s: the folder cannot be read", folder);
    }
    for (struct dirent *entry = readdir(directory); rc == DOGBREED_OK && entry != NULL;
         entry = readdir(directory)) {
        struct stat info;
        const char *own = entry->d_name;
        if (strcmp(own, ".") == 0 || strcmp(own, "..") == 0 ||
            strncmp(own, own_files, sizeof own_files - 1) == 0) {
            continue;
        }
        char *path = dogb_path_join(&scratch, folder, own);
        char *name = *below == '\0' ? dogb_strdup(&scratch, own)
                                    : dogb_format(&scratch, "%s/%s", below, own);
        if (path == NULL || name == NULL) {
            rc = DOGBREED_ERROR_NO_MEMORY;
        } else if (stat(path, &info) != 0) {
            dogb_log(DOGBREED_LOG_WARNING, "%s: left out, it leads nowhere", path);
        } else if (S_ISDIR(info.st_mode)) {
            rc = scan(out, path, name, depth + 1);
        } else if (S_ISREG(info.st_mode)) {
            rc = add_file(out, name, &info);
        } else {
            dogb_log(DOGBREED_LOG_WARNING, "%s: left out, no regular file", path);
        }
    }
    (void)closedir(directory);
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_store_scan(dogb_objects *out, const char *folder) {
    int rc = scan(out, folder, "", 0);
    dogb_objects_sort(out);
    return rc;
}

typedef struct below {
    dogb_objects *out;
    size_t skip; // of each key
} below;

static int add_object(const dogb_object *object, void *userdata) {
    const below *b = userdata;
    dogb_object named = *object;
    named.key += b->skip;
    size_t length = strlen(named.key);
    if (length == 0 || named.key[length - 1] == '/') {
        return DOGBREED_OK; // stands for a folder
    }
    return dogb_objects_add(&named, b->out);
}

int dogb_store_scan_objects(dogb_objects *out, dogb_uri *prefix, dogbreed_store *store,
                            const dogb_uri *uri) {
    size_t length = strlen(uri->key);
    int whole = length == 0 || uri->key[length - 1] == '/';
    prefix->bucket = uri->bucket;
    prefix->key = dogb_format(out->arena, "%s%s", uri->key, whole ? "" : "/");
    if (prefix->key == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    below b = {out, strlen(prefix->key)};
    int rc = dogb_store_walk(store, prefix, 0, add_object, &b);
    dogb_objects_sort(out);
    return rc;
}

int dogb_store_child(dogb_uri *out, dogb_arena *arena, const dogb_uri *prefix, const char *name) {
    *out = (dogb_uri){prefix->bucket, dogb_format(arena, "%s%s", prefix->key, name)};
    return out->key == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

int dogb_store_check_names(const dogb_objects *objects, const dogb_uri *prefix) {
    dogb_arena scratch = {0};
    dogb_entry_set seen = {0};
    const char *what = dogb_format(&scratch, "s3://%s/%s", prefix->bucket, prefix->key);
    int rc = what == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < objects->count; i++) {
        const char *key = objects->items[i].key;
        rc = dogb_entry_check(what, key);
        rc = rc < 0 ? rc : dogb_entry_set_add(&seen, &scratch, what, key);
    }
    dogb_arena_free(&scratch);
    return rc;
}
