// pth.h - what the three containers of PyTorch files share: storages by key, and the way from the
// unpickled object to named tensors.
#ifndef DOGB_WEIGHTS_PTH_H
#define DOGB_WEIGHTS_PTH_H

#include "core/file.h"
#include "weights/pickle.h"

// One block of numbers in the file.
typedef struct dogb_storage {
    const char *key; // not zero-terminated
    size_t key_length;
    const uint8_t *data;
    size_t bytes;
    const uint8_t *aligned;  // a copy whose elements are aligned, made when needed
    const dogb_global *type; // tar: its class; else NULL, every reference tells
} dogb_storage;

typedef struct dogb_storages {
    dogb_storage *items; // sorted by key once dogb_storages_sort has run
    size_t count;
    size_t capacity;
} dogb_storages;

int dogb_storages_add(dogb_storages *storages, dogb_arena *arena, const dogb_storage *item);
// FORMAT when a key occurs twice.
int dogb_storages_sort(dogb_storages *storages, const char *path);
// Sorts and merges equal keys. FORMAT when two of them have different `bytes`.
int dogb_storages_unique(dogb_storages *storages, const char *path);
dogb_storage *dogb_storages_find(const dogb_storages *storages, const char *key, size_t length);

// Persistent ids of zip and legacy files: ('storage', class, key, location, numel[, view]).
int dogb_pth_storage_id(dogb_pickle *pickle, dogb_value *out, const dogb_value *id);

// Adds the tensors of the state dict in `root` (the dict itself, or one under a usual key).
int dogb_pth_collect(dogb_weights *weights, const dogb_value *root, dogb_storages *storages);

// Readers by container.
int dogb_pth_zip_read(dogb_weights *weights, const dogb_map *map);
int dogb_pth_legacy_read(dogb_weights *weights, const dogb_map *map);
int dogb_pth_tar_read(dogb_weights *weights, const dogb_map *map);

#endif
