#define _GNU_SOURCE // realpath
// paths.c - see paths.h.
#include "paths.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 32 }; // links may form a circle

int paths_add(paths *list, const char *path) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        char **items = realloc(list->items, capacity * sizeof *items);
        if (items == NULL) {
            return -1;
        }
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count] = strdup(path);
    return list->items[list->count++] == NULL ? -1 : 0;
}

int paths_is_picture(const char *name) {
    static const char *const endings[] = {".jpg", ".jpeg", ".png"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && i < sizeof endings / sizeof endings[0]; i++) {
        if (strcasecmp(dot, endings[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_folder(paths *list, const char *folder, int depth) {
    struct dirent **entries = NULL;
    int count = depth > DEPTH_MAX ? 0 : scandir(folder, &entries, NULL, by_bytes);
    int rc = count < 0 ? -1 : 0;
    for (int i = 0; i < count; i++) {
        size_t size = strlen(folder) + strlen(entries[i]->d_name) + 2;
        char *path = malloc(size);
        struct stat info;
        if (path == NULL) {
            rc = -1;
        } else if (entries[i]->d_name[0] != '.') {
            (void)snprintf(path, size, "%s%s%s", folder,
                           folder[strlen(folder) - 1] == '/' ? "" : "/", entries[i]->d_name);
            if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
                rc = rc == 0 ? add_folder(list, path, depth + 1) : rc;
            } else if (paths_is_picture(entries[i]->d_name)) {
                rc = rc == 0 ? paths_add(list, path) : rc;
            }
        }
        free(path);
        free(entries[i]);
    }
    free(entries);
    return rc;
}

int paths_add_folder(paths *list, const char *folder) {
    return add_folder(list, folder, 0);
}

int paths_add_list(paths *list, const char *file) {
    FILE *stream = strcmp(file, "-") == 0 ? stdin : fopen(file, "r");
    char *line = NULL;
    size_t size = 0;
    ssize_t length = 0;
    int rc = stream == NULL ? -1 : 0;
    while (rc == 0 && (length = getline(&line, &size, stream)) > 0) {
        while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r')) {
            line[--length] = '\0';
        }
        rc = length > 0 ? paths_add(list, line) : 0;
    }
    free(line);
    if (stream != NULL && stream != stdin) {
        (void)fclose(stream);
    }
    return rc;
}

char *absolute_path(const char *path) {
    return path == NULL || *path == '\0' ? NULL : realpath(path, NULL);
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *level) {
    (void)info, (void)kind, (void)level;
    return remove(path);
}

void paths_remove(const char *path, int with_parent) {
    enum { DESCRIPTORS = 16 };
    char *folder = strdup(path);
    char *slash = folder == NULL || !with_parent ? NULL : strrchr(folder, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    if (folder != NULL) {
        (void)nftw(folder, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
    }
    free(folder);
}

static int make_parents(char *path) {
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int failed = mkdir(path, 0777) != 0 && errno != EEXIST;
        *slash = '/';
        if (failed) {
            return -1;
        }
    }
    return 0;
}

char *paths_folder(const char *path) {
    size_t size = strlen(path) + 2;
    char *whole = malloc(size);
    char *found = NULL;
    if (whole != NULL) {
        (void)snprintf(whole, size, "%s/", path);
        found = make_parents(whole) != 0 ? NULL : realpath(path, NULL);
    }
    free(whole);
    return found;
}

void paths_free(paths *list) {
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i]);
    }
    free(list->items);
    *list = (paths){0};
}
