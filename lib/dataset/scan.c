// scan.c - lists an image folder as torchvision's ImageFolder does: classes are the sorted folder
// names, samples are sorted by folder and name, folders inside a class and symbolic links are
// followed. Two differences on purpose: names that start with a dot are left out, and image formats
// that the library does not read are counted, not listed. Reads no file.
#include "dataset/scan.h"

#include "core/error.h"
#include "core/file.h"

#include <string.h>

enum { CLASSES_MAX = 1000000 }; // of one dataset

static int32_t find_class(const dogb_storage *storage, const char *name) {
    int32_t low = 0;
    int32_t high = storage->class_count;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        int order = strcmp(storage->classes[middle], name);
        if (order == 0) {
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return -1;
}

static int no_images(const dogb_scan_state *s, const char *folder, int64_t others) {
    const dogb_leftover *unsupported = &s->storage->unsupported;
    if (unsupported->count > others) {
        int64_t last =
            unsupported->count < DOGB_SCAN_EXAMPLES ? unsupported->count : DOGB_SCAN_EXAMPLES;
        return dogb_fail(
            DOGBREED_ERROR_FORMAT,
            "%s: a class without images: only formats that are not read (%s), expected "
            ".jpg, .jpeg or .png files",
            folder, unsupported->examples[last - 1]);
    }
    return dogb_fail(DOGBREED_ERROR_FORMAT,
                     "%s: a class without images, expected .jpg, .jpeg or .png files", folder);
}

// The folders of `names` that may be classes become the classes, in order.
static int set_classes(dogb_scan_state *s, const dogb_listing *names) {
    dogb_storage *storage = s->storage;
    storage->classes =
        dogb_alloc(&storage->arena, names->folder_count + 1, sizeof *storage->classes);
    if (storage->classes == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (names->folder_count > CLASSES_MAX) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: more than %d classes", storage->root,
                         CLASSES_MAX);
    }
    for (size_t i = 0; i < names->folder_count; i++) {
        if (names->folders[i][0] != '.') {
            const char *name = dogb_scan_keep(s, names->folders[i], NULL);
            if (name == NULL) {
                return DOGBREED_ERROR_NO_MEMORY;
            }
            storage->classes[storage->class_count++] = name;
        }
    }
    return DOGBREED_OK;
}

// Adds every class folder of `folder`. `defining`: these folders are the classes, and each needs an
// image; else a folder with images that is no class is refused.
static int add_classes(dogb_scan_state *s, const char *folder, const dogb_listing *names,
                       int defining) {
    dogb_arena scratch = {0};
    int rc = defining ? set_classes(s, names) : DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < names->folder_count; i++) {
        const char *name = names->folders[i];
        if (name[0] == '.') {
            rc = dogb_scan_leave(s, &s->storage->hidden, folder, name);
            continue;
        }
        const char *path = dogb_path_join(&scratch, folder, name);
        int32_t label = find_class(s->storage, name);
        int64_t others = s->storage->unsupported.count;
        int64_t added = 0;
        rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_scan_class(s, path, label, &added);
        if (rc == DOGBREED_OK && added == 0 && defining) {
            rc = no_images(s, path, others);
        } else if (rc == DOGBREED_OK && added > 0 && label < 0) {
            int listed = *s->storage->options.class_list != '\0';
            rc = dogb_fail(
                DOGBREED_ERROR_FORMAT,
                listed ? "%s: a class that %s does not have, expected one of its %d names"
                       : "%s: a class that %s does not have, expected one of its %d "
                         "folders",
                path,
                listed ? s->storage->options.class_list : s->storage->folders[DOGB_SPLIT_TRAIN],
                s->storage->class_count);
        }
    }
    dogb_arena_free(&scratch);
    return rc;
}

// Plain files beside the class folders of a split.
static int add_beside(dogb_scan_state *s, const char *folder, const dogb_listing *names) {
    int rc = DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < names->file_count; i++) {
        const char *name = names->files[i];
        rc = dogb_scan_leave(s, name[0] == '.' ? &s->storage->hidden : &s->storage->stray, folder,
                             name);
    }
    return rc;
}

static const struct {
    const char *name;
    int32_t split;
} split_folders[] = {{"train", DOGB_SPLIT_TRAIN},
                     {"valid", DOGB_SPLIT_VALID},
                     {"val", DOGB_SPLIT_VALID},
                     {"test", DOGB_SPLIT_TEST}};

enum { SPLIT_FOLDERS = sizeof split_folders / sizeof split_folders[0] };

static int32_t split_of(const char *name) {
    for (int i = 0; i < SPLIT_FOLDERS; i++) {
        if (strcmp(split_folders[i].name, name) == 0) {
            return split_folders[i].split;
        }
    }
    return DOGB_SPLIT_ALL;
}

static int has_folders(const dogb_listing *names) {
    for (size_t i = 0; i < names->folder_count; i++) {
        if (names->folders[i][0] != '.') {
            return 1;
        }
    }
    return 0;
}

// Lists the folders named like splits that hold folders; the others are classes, or nothing.
static int find_splits(dogb_scan_state *s, dogb_arena *arena, const dogb_listing *root,
                       dogb_listing splits[DOGB_SPLIT_COUNT]) {
    dogb_storage *storage = s->storage;
    for (size_t i = 0; i < root->folder_count; i++) {
        int32_t split = split_of(root->folders[i]);
        dogb_listing names;
        if (split == DOGB_SPLIT_ALL) {
            continue;
        }
        const char *path = dogb_scan_keep(s, storage->root, root->folders[i]);
        int rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_list(&names, arena, path);
        if (rc < 0) {
            return rc;
        }
        if (!has_folders(&names)) {
            continue;
        }
        if (storage->folders[split] != NULL) {
            return dogb_fail(DOGBREED_ERROR_FORMAT,
                             "%s: beside %s, expected one folder for the validation split", path,
                             storage->folders[split]);
        }
        storage->folders[split] = path;
        splits[split] = names;
    }
    return DOGBREED_OK;
}

// Without train the classes are the folders of all splits together.
static int unite(dogb_listing *out, dogb_arena *arena, const dogb_listing *splits) {
    size_t total = 0;
    memset(out, 0, sizeof *out);
    for (int i = 0; i < DOGB_SPLIT_COUNT; i++) {
        total += splits[i].folder_count;
    }
    out->folders = dogb_alloc(arena, total + 1, sizeof *out->folders);
    if (out->folders == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    size_t next[DOGB_SPLIT_COUNT] = {0};
    for (;;) {
        const char *least = NULL;
        for (int i = 0; i < DOGB_SPLIT_COUNT; i++) {
            const char *name = next[i] < splits[i].folder_count ? splits[i].folders[next[i]] : NULL;
            if (name != NULL && (least == NULL || strcmp(name, least) < 0)) {
                least = name;
            }
        }
        if (least == NULL) {
            return DOGBREED_OK;
        }
        for (int i = 0; i < DOGB_SPLIT_COUNT; i++) {
            if (next[i] < splits[i].folder_count &&
                strcmp(splits[i].folders[next[i]], least) == 0) {
                next[i]++;
            }
        }
        out->folders[out->folder_count++] = least;
    }
}

static int scan_splits(dogb_scan_state *s, dogb_arena *arena, const dogb_listing *root,
                       const dogb_listing splits[DOGB_SPLIT_COUNT]) {
    dogb_storage *storage = s->storage;
    int listed = *storage->options.class_list != '\0';
    int defining = !listed && storage->folders[DOGB_SPLIT_TRAIN] != NULL;
    int rc = DOGBREED_OK;
    if (!listed && !defining) {
        dogb_listing all;
        rc = unite(&all, arena, splits);
        rc = rc < 0 ? rc : set_classes(s, &all);
    }
    for (int32_t i = DOGB_SPLIT_TRAIN; rc == DOGBREED_OK && i < DOGB_SPLIT_COUNT; i++) {
        if (storage->folders[i] != NULL) {
            s->split = i;
            rc = add_classes(s, storage->folders[i], &splits[i], defining && i == DOGB_SPLIT_TRAIN);
            rc = rc < 0 ? rc : add_beside(s, storage->folders[i], &splits[i]);
        }
    }
    for (size_t i = 0; rc == DOGBREED_OK && i < root->folder_count; i++) {
        const char *name = root->folders[i];
        if (name[0] == '.') {
            rc = dogb_scan_leave(s, &storage->hidden, storage->root, name);
        } else if (split_of(name) == DOGB_SPLIT_ALL || splits[split_of(name)].folders == NULL) {
            rc = dogb_scan_leave(s, &storage->strange, storage->root, name);
        }
    }
    return rc;
}

static int no_classes(const dogb_storage *storage) {
    return dogb_fail(DOGBREED_ERROR_FORMAT,
                     "%s: no class folders, expected train/CLASS/*.jpg (and valid, test) or "
                     "CLASS/*.jpg in it",
                     storage->root);
}

// root/class/file. A folder whose only folders are empty splits is a mistake, not two classes.
static int scan_classes(dogb_scan_state *s, const dogb_listing *root) {
    int classes = 0;
    for (size_t i = 0; i < root->folder_count; i++) {
        classes |= root->folders[i][0] != '.' && split_of(root->folders[i]) == DOGB_SPLIT_ALL;
    }
    s->storage->drawn = 1;
    s->split = DOGB_SPLIT_ALL;
    return classes ? add_classes(s, s->storage->root, root, *s->storage->options.class_list == '\0')
                   : no_classes(s->storage);
}

int dogb_scan(dogb_storage *storage) {
    dogb_arena scratch = {0};
    dogb_scan_state s = {.storage = storage};
    dogb_listing root;
    dogb_listing splits[DOGB_SPLIT_COUNT];
    memset(splits, 0, sizeof splits);
    int rc = dogb_list(&root, &scratch, storage->root);
    if (rc < 0) {
        goto out;
    }
    if ((rc = find_splits(&s, &scratch, &root, splits)) < 0) {
        goto out;
    }
    if (*storage->options.class_list != '\0') {
        dogb_listing names;
        rc = dogb_class_list(&names, &scratch, storage->options.class_list);
        if (rc < 0 || (rc = set_classes(&s, &names)) < 0) {
            goto out;
        }
    }
    int found = 0;
    for (int i = 0; i < DOGB_SPLIT_COUNT; i++) {
        found |= storage->folders[i] != NULL;
    }
    rc = found ? scan_splits(&s, &scratch, &root, splits) : scan_classes(&s, &root);
    if (rc == DOGBREED_OK && storage->count == 0) {
        rc = no_classes(storage);
    }
out:
    dogb_arena_free(&scratch);
    return rc;
}
