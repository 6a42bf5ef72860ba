// transform_list.c - the pictures of a batch transform, and the names of their results.
#include "predictor/transform.h"

#include "core/error.h"
#include "core/file.h"
#include "dataset/list.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DEPTH_MAX = 32 }; // links may form a circle

typedef struct collection {
    dogb_arena *arena;
    dogb_picture *pictures;
    size_t count;
    size_t capacity;
    const char **folders; // without a slash at the end
    int32_t folder_count;
    int32_t reserved;
} collection;

static int leaves(const char *place) {
    return strncmp(place, "../", 3) == 0 || strstr(place, "/../") != NULL;
}

// Below a folder that was named it keeps its place; else its own name.
static const char *place_of(const collection *c, const char *path) {
    for (int32_t i = 0; i < c->folder_count; i++) {
        size_t length = strlen(c->folders[i]);
        if (strncmp(c->folders[i], path, length) == 0 && path[length] == '/') {
            const char *place = path + length + strspn(path + length, "/");
            if (!leaves(place)) {
                return place;
            }
        }
    }
    return dogb_path_name(path);
}

// "./b//c.jpg" is "b/c.jpg": one file has one result, however it was named.
static void tidy(char *name) {
    char *to = name;
    for (const char *from = name; *from != '\0';) {
        size_t length = strcspn(from, "/");
        size_t whole = length + (from[length] == '/');
        if (length > 1 || (length == 1 && *from != '.')) {
            memmove(to, from, whole);
            to += whole;
        }
        from += whole;
    }
    *to = '\0';
}

static int add(collection *c, const char *path) {
    int rc = dogb_grow(c->arena, &c->pictures, &c->capacity, c->count, sizeof *c->pictures);
    if (rc < 0) {
        return rc;
    }
    dogb_picture picture = {.path = dogb_strdup(c->arena, path)};
    char *name = dogb_format(c->arena, "%s" DOGB_RESULT_END, place_of(c, path));
    if (picture.path == NULL || name == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    tidy(name);
    picture.name = name;
    c->pictures[c->count++] = picture;
    return DOGBREED_OK;
}

static int add_folder(collection *c, const char *folder, int depth) {
    dogb_arena scratch = {0};
    dogb_listing list;
    int rc = dogb_list(&list, &scratch, folder);
    for (size_t i = 0; rc == DOGBREED_OK && i < list.file_count + list.folder_count; i++) {
        int is_folder = i >= list.file_count;
        const char *name = is_folder ? list.folders[i - list.file_count] : list.files[i];
        if (*name == '.' || (!is_folder && !dogb_is_picture(name))) {
            continue;
        }
        const char *path = dogb_path_join(&scratch, folder, name);
        rc = path == NULL        ? DOGBREED_ERROR_NO_MEMORY
             : !is_folder        ? add(c, path)
             : depth < DEPTH_MAX ? add_folder(c, path, depth + 1)
                                 : DOGBREED_OK;
    }
    dogb_arena_free(&scratch);
    return rc;
}

// All folders first: where a picture is below one of them is known when the first is added.
static int find_folders(collection *c, const char *const *paths, int32_t count) {
    c->folders = dogb_alloc(c->arena, (size_t)count + 1, sizeof *c->folders);
    if (c->folders == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; i < count; i++) {
        DOGB_CHECK(paths[i] != NULL && *paths[i] != '\0', "transform: a path is empty");
        if (!dogb_directory_exists(paths[i])) {
            continue;
        }
        size_t length = strlen(paths[i]);
        while (length > 1 && paths[i][length - 1] == '/') {
            length--;
        }
        const char *folder = dogb_strndup(c->arena, paths[i], length);
        if (folder == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        c->folders[c->folder_count++] = folder;
    }
    return DOGBREED_OK;
}

static int add_folders(collection *c) {
    int rc = DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < c->folder_count; i++) {
        size_t before = c->count;
        rc = add_folder(c, c->folders[i], 0);
        if (rc == DOGBREED_OK && c->count == before) {
            rc = dogb_fail(DOGBREED_ERROR_NOT_FOUND,
                           "%s: no .jpg, .jpeg or .png file in this folder", c->folders[i]);
        }
    }
    return rc;
}

static int by_name(const void *a, const void *b) {
    const dogb_picture *left = a;
    const dogb_picture *right = b;
    int order = strcmp(left->name, right->name);
    return order != 0 ? order : strcmp(left->path, right->path);
}

static int is_same(const char *left, const char *right) {
    struct stat a;
    struct stat b;
    return strcmp(left, right) == 0 || (stat(left, &a) == 0 && stat(right, &b) == 0 &&
                                        a.st_dev == b.st_dev && a.st_ino == b.st_ino);
}

// Every picture needs a place of its own.
static int drop_doubles(collection *c) {
    size_t kept = c->count > 0;
    for (size_t i = 1; i < c->count; i++) {
        const dogb_picture *last = &c->pictures[kept - 1];
        const dogb_picture *next = &c->pictures[i];
        if (strcmp(last->name, next->name) != 0) {
            c->pictures[kept++] = *next;
        } else if (!is_same(last->path, next->path)) {
            return dogb_fail(DOGBREED_ERROR_MISMATCH,
                             "%s and %s: both results would be %s; name the folder above them",
                             last->path, next->path, next->name);
        }
    }
    c->count = kept;
    return DOGBREED_OK;
}

int dogb_transform_list(dogb_picture **out, int64_t *count, dogb_arena *arena,
                        const char *const *paths, int32_t path_count) {
    collection c = {.arena = arena};
    int rc = find_folders(&c, paths, path_count);
    rc = rc < 0 ? rc : add_folders(&c);
    for (int32_t i = 0; rc == DOGBREED_OK && i < path_count; i++) {
        rc = dogb_directory_exists(paths[i]) ? DOGBREED_OK : add(&c, paths[i]);
    }
    if (rc == DOGBREED_OK && c.count > 1) {
        qsort(c.pictures, c.count, sizeof *c.pictures, by_name);
        rc = drop_doubles(&c);
    }
    *out = c.pictures;
    *count = (int64_t)c.count;
    return rc;
}
