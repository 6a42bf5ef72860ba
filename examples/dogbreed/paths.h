// paths.h - a growing list of file names, and the pictures below a folder.
#ifndef TOOL_PATHS_H
#define TOOL_PATHS_H

#include <stddef.h>

typedef struct paths {
    char **items;
    size_t count;
    size_t capacity;
} paths;

int paths_add(paths *list, const char *path); // 0, or -1: out of memory
int paths_is_picture(const char *name);       // .jpg, .jpeg, .png
// Adds every .jpg, .jpeg and .png file below a folder, sorted by name. -1: cannot be read, errno.
int paths_add_folder(paths *list, const char *folder);
// Adds the lines of a text file ("-": stdin). -1: cannot be read, errno.
int paths_add_list(paths *list, const char *file);
// The same file from any folder, to be freed; NULL when there is no such file (or no memory).
char *absolute_path(const char *path);
// A folder's path from anywhere; made when absent, with those above. To be freed; NULL: errno.
char *paths_folder(const char *path);
// A folder with everything in it; links are not followed. with_parent: the folder of `path`.
void paths_remove(const char *path, int with_parent);
void paths_free(paths *list);

#endif
