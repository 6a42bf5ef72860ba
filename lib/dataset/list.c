// list.c - lists one folder: its files and folders, each sorted by bytes.
#include "dataset/list.h"

#include "core/error.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { ENTRIES_MAX = 50000000 }; // of one folder

static int compare_names(const void *a, const void *b) {
    const char *const *left = a;
    const char *const *right = b;
    return strcmp(*left, *right);
}

static int add_name(dogb_arena *arena, const char ***names, size_t *count, size_t *capacity,
                    const char *name) {
    int rc = dogb_grow(arena, names, capacity, *count, sizeof **names);
    if (rc < 0) {
        return rc;
    }
    (*names)[*count] = dogb_strdup(arena, name);
    return (*names)[(*count)++] == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

// Links are followed; one that leads nowhere counts as a file, so that it is reported when it is
// read.
int dogb_list(dogb_listing *out, dogb_arena *arena, const char *path) {
    memset(out, 0, sizeof *out);
    DIR *directory = opendir(path);
    if (directory == NULL) {
        return errno == ENOENT || errno == ENOTDIR
                   ? dogb_fail(DOGBREED_ERROR_NOT_FOUND, "%s: no such folder", path)
                   : dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be listed", path);
    }
    int rc = DOGBREED_OK;
    while (rc == DOGBREED_OK) {
        struct stat info;
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (entry == NULL) {
            break;
        }
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
            continue;
        }
        int folder = fstatat(dirfd(directory), name, &info, 0) == 0 && S_ISDIR(info.st_mode);
        rc = folder
                 ? add_name(arena, &out->folders, &out->folder_count, &out->folder_capacity, name)
                 : add_name(arena, &out->files, &out->file_count, &out->file_capacity, name);
        if (rc == DOGBREED_OK && out->file_count + out->folder_count > ENTRIES_MAX) {
            rc = dogb_fail(DOGBREED_ERROR_FORMAT, "%s: more than %d entries", path, ENTRIES_MAX);
        }
        errno = 0;
    }
    if (rc == DOGBREED_OK && errno != 0) {
        rc = dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be listed", path);
    }
    (void)closedir(directory);
    if (rc == DOGBREED_OK && out->file_count > 1) {
        qsort(out->files, out->file_count, sizeof *out->files, compare_names);
    }
    if (rc == DOGBREED_OK && out->folder_count > 1) {
        qsort(out->folders, out->folder_count, sizeof *out->folders, compare_names);
    }
    return rc;
}

int dogb_has_extension(const char *name, const char *const *extensions) {
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && extensions[i] != NULL; i++) {
        if (strcasecmp(dot, extensions[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

int dogb_is_picture(const char *name) {
    static const char *const extensions[] = {".jpg", ".jpeg", ".png", NULL};
    return dogb_has_extension(name, extensions);
}
