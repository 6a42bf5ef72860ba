// pth_zip.c - PyTorch's zip container (since 1.6): <name>/data.pkl, <name>/byteorder,
// <name>/data/<key>.
#include "core/error.h"
#include "weights/pth.h"
#include "weights/reader.h"
#include "weights/zip.h"

#include <string.h>

static int ends_with(const dogb_zip_entry *entry, const char *end) {
    size_t length = strlen(end);
    return entry->name_length >= length &&
           memcmp(entry->name + entry->name_length - length, end, length) == 0;
}

// The folder of "<name>/data.pkl", with its slash.
static int find_folder(const dogb_zip *zip, const char *path, const dogb_zip_entry **pickle,
                       size_t *folder_length) {
    const char file[] = "data.pkl";
    *pickle = NULL;
    for (size_t i = 0; i < zip->count; i++) {
        if (!ends_with(&zip->entries[i], "/data.pkl")) {
            continue;
        }
        if (*pickle != NULL) {
            return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: zip: two data.pkl", path);
        }
        *pickle = &zip->entries[i];
        *folder_length = zip->entries[i].name_length - strlen(file);
    }
    if (*pickle == NULL) {
        return dogb_fail(DOGBREED_ERROR_FORMAT,
                         "%s: a zip file without data.pkl: not written by torch.save", path);
    }
    return DOGBREED_OK;
}

// "<folder>name"; NULL: not there.
static const dogb_zip_entry *find_file(const dogb_zip *zip, const char *folder,
                                       size_t folder_length, const char *name) {
    size_t length = strlen(name);
    for (size_t i = 0; i < zip->count; i++) {
        const dogb_zip_entry *entry = &zip->entries[i];
        if (entry->name_length == folder_length + length &&
            memcmp(entry->name, folder, folder_length) == 0 &&
            memcmp(entry->name + folder_length, name, length) == 0) {
            return entry;
        }
    }
    return NULL;
}

static int check_archive(const dogb_zip *zip, const char *path, const char *folder,
                         size_t folder_length) {
    int rc = DOGBREED_OK;
    if (find_file(zip, folder, folder_length, "constants.pkl") != NULL) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                         "%s: a TorchScript archive: expected torch.save(model.state_dict(), ...)",
                         path);
    }
    const dogb_zip_entry *order = find_file(zip, folder, folder_length, "byteorder");
    if (order == NULL) {
        return DOGBREED_OK; // before torch 2.1: little-endian
    }
    if ((rc = dogb_zip_check_stored(path, order)) < 0) {
        return rc;
    }
    if (order->size != 6 || memcmp(order->data, "little", 6) != 0) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED, "%s: not little-endian (entry byteorder)",
                         path);
    }
    return DOGBREED_OK;
}

static int list_storages(dogb_storages *out, dogb_arena *arena, const char *path,
                         const dogb_zip *zip, const char *folder, size_t folder_length) {
    int rc = DOGBREED_OK;
    const char data[] = "data/";
    size_t prefix = folder_length + strlen(data);
    for (size_t i = 0; i < zip->count; i++) {
        const dogb_zip_entry *entry = &zip->entries[i];
        if (entry->name_length <= prefix || memcmp(entry->name, folder, folder_length) != 0 ||
            memcmp(entry->name + folder_length, data, strlen(data)) != 0) {
            continue;
        }
        const dogb_storage storage = {.key = entry->name + prefix,
                                      .key_length = entry->name_length - prefix,
                                      .data = entry->data,
                                      .bytes = entry->size};
        if ((rc = dogb_zip_check_stored(path, entry)) < 0 ||
            (rc = dogb_storages_add(out, arena, &storage)) < 0) {
            return rc;
        }
    }
    return dogb_storages_sort(out, path);
}

int dogb_pth_zip_read(dogb_weights *weights, const dogb_map *map) {
    dogb_arena scratch = {0};
    dogb_zip zip;
    dogb_storages storages = {0};
    const dogb_zip_entry *file = NULL;
    size_t folder_length = 0;
    dogb_value root;
    int rc = dogb_zip_open(&zip, &scratch, weights->path, map->data, map->size);
    if (rc < 0 || (rc = find_folder(&zip, weights->path, &file, &folder_length)) < 0) {
        goto out;
    }
    char *what = dogb_format(&scratch, "%s: data.pkl", weights->path);
    if (what == NULL) {
        rc = DOGBREED_ERROR_NO_MEMORY;
        goto out;
    }
    dogb_pickle pickle = {.arena = &scratch,
                          .what = what,
                          .data = file->data,
                          .size = file->size,
                          .persistent = dogb_pth_storage_id};
    if ((rc = check_archive(&zip, weights->path, file->name, folder_length)) < 0 ||
        (rc = dogb_zip_check_stored(weights->path, file)) < 0 ||
        (rc = dogb_pickle_load(&pickle, &root)) < 0 ||
        (rc = list_storages(&storages, &scratch, weights->path, &zip, file->name, folder_length)) <
            0) {
        goto out;
    }
    rc = dogb_pth_collect(weights, &root, &storages);
out:
    dogb_arena_free(&scratch);
    return rc;
}
