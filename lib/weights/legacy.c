// legacy.c - PyTorch's container of 0.1.10 to 1.5: the pickles magic, protocol, system, object and
// list of storage keys; then, in the order of that list, the count and the numbers of each storage.
#include "core/error.h"
#include "weights/pth.h"
#include "weights/reader.h"

#include <string.h>

enum { PROTOCOL = 1001, MAGIC_SIZE = 15 };

// Pickle of the number 0x1950a86a20f9469cfc6c.
static const uint8_t magic[MAGIC_SIZE] = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
                                          0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};

// What the pickle says about the storages of tensors: the list of keys alone does not tell how long
// an element is.
typedef struct references {
    const dogb_storage_ref **items;
    size_t count;
    size_t capacity;
} references;

static int storage_id(dogb_pickle *pickle, dogb_value *out, const dogb_value *id) {
    references *all = pickle->userdata;
    int rc = dogb_pth_storage_id(pickle, out, id);
    if (rc < 0 || (rc = dogb_grow(pickle->arena, &all->items, &all->capacity, all->count,
                                  sizeof(void *))) < 0) {
        return rc;
    }
    all->items[all->count++] = out->as.storage;
    return DOGBREED_OK;
}

static int check_system(const char *path, const dogb_value *system) {
    if (system->kind != DOGB_VALUE_DICT) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: the third pickle is not the system's dict",
                         path);
    }
    for (size_t i = 0; i + 1 < system->as.items->count; i += 2) {
        const dogb_value *value = &system->as.items->at[i + 1];
        if (dogb_text_equals(&system->as.items->at[i], "little_endian") &&
            !(value->kind == DOGB_VALUE_BOOL && value->as.number == 1)) {
            return dogb_fail(DOGBREED_ERROR_UNSUPPORTED, "%s: not little-endian", path);
        }
    }
    return DOGBREED_OK;
}

// Storages by key, with the size of an element in `bytes`.
static int list_sizes(dogb_storages *out, dogb_pickle *pickle, const char *path,
                      const references *all) {
    int rc = DOGBREED_OK;
    for (size_t i = 0; i < all->count; i++) {
        const dogb_storage_ref *ref = all->items[i];
        if (ref->dtype < 0) {
            return dogb_fail(DOGBREED_ERROR_UNSUPPORTED, "%s: torch.%s is not supported", path,
                             ref->type);
        }
        const dogb_storage item = {
            .key = ref->key, .key_length = ref->key_length, .bytes = dogb_dtype_size(ref->dtype)};
        if ((rc = dogb_storages_add(out, pickle->arena, &item)) < 0) {
            return rc;
        }
    }
    return dogb_storages_unique(out, path);
}

// One storage: int64 count, then the numbers.
static int read_storage(dogb_pickle *pickle, const char *path, dogb_storage *storage) {
    uint64_t count = 0;
    size_t left = pickle->size - pickle->position;
    if (left < 8) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: cut short in the list of storages", path);
    }
    memcpy(&count, pickle->data + pickle->position, sizeof count);
    pickle->position += 8;
    left -= 8;
    if (count > left / storage->bytes) {
        return dogb_fail(DOGBREED_ERROR_FORMAT,
                         "%s: a storage of %llu elements of %zu bytes, %zu bytes are left", path,
                         (unsigned long long)count, storage->bytes, left);
    }
    storage->data = pickle->data + pickle->position;
    storage->bytes *= (size_t)count;
    pickle->position += storage->bytes;
    return DOGBREED_OK;
}

static int read_storages(dogb_storages *storages, dogb_pickle *pickle, const char *path,
                         const dogb_value *keys) {
    int rc = DOGBREED_OK;
    if (keys->kind != DOGB_VALUE_LIST) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: the fifth pickle is not the list of storages",
                         path);
    }
    for (size_t i = 0; i < keys->as.items->count; i++) {
        const char *key = NULL;
        size_t length = 0;
        if ((rc = dogb_pickle_key(pickle, &key, &length, &keys->as.items->at[i])) < 0) {
            return rc;
        }
        dogb_storage *storage = dogb_storages_find(storages, key, length);
        if (storage == NULL || storage->data != NULL) {
            return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: storage %zu of the list %s", path, i,
                             storage == NULL ? "belongs to no tensor" : "is there twice");
        }
        if ((rc = read_storage(pickle, path, storage)) < 0) {
            return rc;
        }
    }
    for (size_t i = 0; i < storages->count; i++) {
        if (storages->items[i].data == NULL) {
            return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: a storage is not in the list", path);
        }
    }
    return DOGBREED_OK;
}

int dogb_pth_legacy_read(dogb_weights *weights, const dogb_map *map) {
    dogb_arena scratch = {0};
    references all = {0};
    dogb_storages storages = {0};
    dogb_value value;
    dogb_value root;
    int rc = DOGBREED_OK;
    dogb_pickle pickle = {.arena = &scratch,
                          .what = weights->path,
                          .data = map->data,
                          .size = map->size,
                          .userdata = &all};
    if (map->size < MAGIC_SIZE || memcmp(map->data, magic, MAGIC_SIZE) != 0) {
        rc = dogb_fail(DOGBREED_ERROR_FORMAT, "%s: not PyTorch's legacy container", weights->path);
        goto out;
    }
    pickle.position = MAGIC_SIZE;
    if ((rc = dogb_pickle_load(&pickle, &value)) < 0) {
        goto out;
    }
    if (value.kind != DOGB_VALUE_INT || value.as.number != PROTOCOL) {
        rc = dogb_fail(DOGBREED_ERROR_UNSUPPORTED, "%s: a protocol other than %d", weights->path,
                       PROTOCOL);
        goto out;
    }
    if ((rc = dogb_pickle_load(&pickle, &value)) < 0 ||
        (rc = check_system(weights->path, &value)) < 0) {
        goto out;
    }
    pickle.persistent = storage_id;
    if ((rc = dogb_pickle_load(&pickle, &root)) < 0) {
        goto out;
    }
    pickle.persistent = NULL;
    if ((rc = list_sizes(&storages, &pickle, weights->path, &all)) < 0 ||
        (rc = dogb_pickle_load(&pickle, &value)) < 0 ||
        (rc = read_storages(&storages, &pickle, weights->path, &value)) < 0) {
        goto out;
    }
    rc = dogb_pth_collect(weights, &root, &storages);
out:
    dogb_arena_free(&scratch);
    return rc;
}
