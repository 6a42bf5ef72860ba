// tar.c - PyTorch's first container (up to 0.1.9): a tar file with the members sys_info, pickle,
// storages and tensors, in any order.
#include "core/error.h"
#include "core/tar.h"
#include "weights/pth.h"
#include "weights/reader.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 512, SIZE_FIELD = 124, TYPE_FIELD = 156 };

typedef struct member {
    const char *name;
    const uint8_t *data; // NULL: not there
    size_t size;
} member;

enum { PICKLE, STORAGES, TENSORS, MEMBERS };

typedef struct tar_tensor {
    const char *key;
    size_t key_length;
    const dogb_tensor_ref *tensor;
} tar_tensor;

typedef struct tar_file {
    const char *path;
    dogb_arena *arena;
    member members[MEMBERS];
    dogb_storages storages;
    tar_tensor *tensors; // sorted by key
    size_t tensor_count;
    size_t tensor_capacity;
} tar_file;

static int find_members(tar_file *file, const dogb_map *map) {
    static const char *const names[MEMBERS] = {"pickle", "storages", "tensors"};
    size_t position = 0;
    while (map->size - position >= BLOCK && map->data[position] != '\0') {
        const uint8_t *header = map->data + position;
        int64_t size = dogb_tar_octal(header + SIZE_FIELD, 12);
        position += BLOCK;
        if (!dogb_tar_sum_fits(header) || size < 0) {
            return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: tar: damaged header at byte %zu",
                             file->path, position - BLOCK);
        }
        if ((uint64_t)size > map->size - position) {
            return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: tar: cut short", file->path);
        }
        int regular = header[TYPE_FIELD] == '0' || header[TYPE_FIELD] == '\0';
        for (size_t i = 0; i < MEMBERS; i++) {
            if (regular && strncmp((const char *)header, names[i], 100) == 0) {
                file->members[i] = (member){names[i], map->data + position, (size_t)size};
            }
        }
        size_t padded = ((size_t)size + BLOCK - 1) / BLOCK * BLOCK;
        position = padded > map->size - position ? map->size : position + padded;
    }
    for (size_t i = 0; i < MEMBERS; i++) {
        if (file->members[i].data == NULL) {
            return dogb_fail(DOGBREED_ERROR_FORMAT,
                             "%s: a tar file without %s: not written by torch.save", file->path,
                             names[i]);
        }
    }
    return DOGBREED_OK;
}

static int start(dogb_pickle *pickle, tar_file *file, size_t index) {
    const member *item = &file->members[index];
    memset(pickle, 0, sizeof *pickle);
    pickle->arena = file->arena;
    pickle->what = dogb_format(file->arena, "%s: %s", file->path, item->name);
    pickle->data = item->data;
    pickle->size = item->size;
    pickle->userdata = file;
    return pickle->what == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

// A pickle that holds a count.
static int read_count(dogb_pickle *pickle, int64_t *out) {
    dogb_value value;
    int rc = dogb_pickle_load(pickle, &value);
    if (rc < 0) {
        return rc;
    }
    if (value.kind != DOGB_VALUE_INT || value.as.number < 0) {
        return dogb_pickle_refuse(pickle, "expected a count");
    }
    *out = value.as.number;
    return DOGBREED_OK;
}

// A pickle that holds a tuple of `count`.
static int read_row(dogb_pickle *pickle, const dogb_value **out, size_t count) {
    dogb_value value;
    int rc = dogb_pickle_load(pickle, &value);
    if (rc < 0) {
        return rc;
    }
    if (value.kind != DOGB_VALUE_TUPLE || value.as.items->count != count) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: byte %zu: expected a tuple of %zu",
                         pickle->what, pickle->position, count);
    }
    *out = value.as.items->at;
    return DOGBREED_OK;
}

static int read_int64(dogb_pickle *pickle, int64_t *out) {
    if (pickle->size - pickle->position < sizeof *out) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: cut short", pickle->what);
    }
    memcpy(out, pickle->data + pickle->position, sizeof *out);
    pickle->position += sizeof *out;
    return DOGBREED_OK;
}

// (key, location, class), int64 count, numbers.
static int read_storage(tar_file *file, dogb_pickle *pickle) {
    const dogb_value *row = NULL;
    dogb_storage item = {0};
    int64_t count = 0;
    int rc = read_row(pickle, &row, 3);
    if (rc < 0 || (rc = dogb_pickle_key(pickle, &item.key, &item.key_length, &row[0])) < 0 ||
        (rc = read_int64(pickle, &count)) < 0) {
        return rc;
    }
    if (row[2].kind != DOGB_VALUE_GLOBAL || row[2].as.global->role != DOGB_GLOBAL_STORAGE ||
        row[2].as.global->dtype < 0) {
        return dogb_pickle_refuse(pickle, "not a class of storages that is supported");
    }
    size_t size = dogb_dtype_size(row[2].as.global->dtype);
    size_t left = pickle->size - pickle->position;
    if (count < 0 || (uint64_t)count > left / size) {
        return dogb_fail(DOGBREED_ERROR_FORMAT,
                         "%s: a storage of %lld elements of %zu bytes, %zu bytes are left",
                         pickle->what, (long long)count, size, left);
    }
    item.data = pickle->data + pickle->position;
    item.bytes = (size_t)count * size;
    pickle->position += item.bytes;
    item.type = row[2].as.global;
    return dogb_storages_add(&file->storages, file->arena, &item);
}

// (key, root key, offset, count): one more storage, inside another.
static int read_view(const tar_file *file, dogb_pickle *pickle, dogb_storages *views,
                     const dogb_value *view) {
    dogb_storage item = {0};
    const char *root_key = NULL;
    size_t root_length = 0;
    int rc = DOGBREED_OK;
    if (view->kind != DOGB_VALUE_TUPLE || view->as.items->count != 4) {
        return dogb_pickle_refuse(pickle, "the view of a storage is not a tuple of 4");
    }
    const dogb_value *row = view->as.items->at;
    if ((rc = dogb_pickle_key(pickle, &item.key, &item.key_length, &row[0])) < 0 ||
        (rc = dogb_pickle_key(pickle, &root_key, &root_length, &row[1])) < 0) {
        return rc;
    }
    const dogb_storage *root = dogb_storages_find(&file->storages, root_key, root_length);
    if (root == NULL || row[2].kind != DOGB_VALUE_INT || row[3].kind != DOGB_VALUE_INT) {
        return dogb_pickle_refuse(pickle, "the view of a storage names none");
    }
    int64_t size = (int64_t)dogb_dtype_size(root->type->dtype);
    int64_t root_count = (int64_t)root->bytes / size;
    int64_t offset = row[2].as.number;
    int64_t count = row[3].as.number;
    if (offset < 0 || count < 0 || offset > root_count || count > root_count - offset) {
        return dogb_pickle_refuse(pickle, "the view of a storage reaches beyond it");
    }
    item.data = root->data + offset * size;
    item.bytes = (size_t)(count * size);
    item.type = root->type;
    return dogb_storages_add(views, file->arena, &item);
}

static int read_storages(tar_file *file) {
    dogb_pickle pickle;
    dogb_value list;
    dogb_storages views = {0};
    int64_t count = 0;
    int rc = start(&pickle, file, STORAGES);
    if (rc < 0 || (rc = read_count(&pickle, &count)) < 0) {
        return rc;
    }
    for (int64_t i = 0; i < count; i++) {
        if ((rc = read_storage(file, &pickle)) < 0) {
            return rc;
        }
    }
    if ((rc = dogb_storages_sort(&file->storages, file->path)) < 0 ||
        (rc = dogb_pickle_load(&pickle, &list)) < 0) {
        return rc;
    }
    if (list.kind != DOGB_VALUE_LIST) {
        return dogb_pickle_refuse(&pickle, "expected the list of views");
    }
    for (size_t i = 0; i < list.as.items->count; i++) {
        if ((rc = read_view(file, &pickle, &views, &list.as.items->at[i])) < 0) {
            return rc;
        }
    }
    for (size_t i = 0; i < views.count; i++) {
        if ((rc = dogb_storages_add(&file->storages, file->arena, &views.items[i])) < 0) {
            return rc;
        }
    }
    return dogb_storages_sort(&file->storages, file->path);
}

// int32 rank, 4 bytes of padding, sizes, strides, offset.
static int read_geometry(dogb_pickle *pickle, dogb_tensor_ref *tensor) {
    dogb_value tuples[2];
    int64_t rank = 0;
    int rc = read_int64(pickle, &rank);
    if (rc < 0) {
        return rc;
    }
    rank &= INT32_MAX; // the padding is not always zero
    if (rank > DOGB_WEIGHT_RANK_MAX) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                         "%s: a tensor of %lld dimensions, at most %d are supported", pickle->what,
                         (long long)rank, DOGB_WEIGHT_RANK_MAX);
    }
    for (int k = 0; k < 2; k++) {
        if ((rc = dogb_pickle_items(pickle, &tuples[k], DOGB_VALUE_TUPLE)) < 0) {
            return rc;
        }
        for (int64_t i = 0; i < rank; i++) {
            dogb_value item = {.kind = DOGB_VALUE_INT};
            if ((rc = read_int64(pickle, &item.as.number)) < 0 ||
                (rc = dogb_pickle_append(pickle, tuples[k].as.items, &item)) < 0) {
                return rc;
            }
        }
    }
    if ((rc = read_int64(pickle, &tensor->offset)) < 0) {
        return rc;
    }
    return dogb_pickle_geometry(pickle, tensor, &tuples[0], &tuples[1]);
}

// (key, storage key, class), then the geometry.
static int read_tensor(tar_file *file, dogb_pickle *pickle) {
    const dogb_value *row = NULL;
    tar_tensor item = {0};
    int rc = dogb_grow(file->arena, &file->tensors, &file->tensor_capacity, file->tensor_count,
                       sizeof item);
    if (rc < 0 || (rc = read_row(pickle, &row, 3)) < 0) {
        return rc;
    }
    dogb_storage_ref *ref = dogb_pickle_take(pickle, 1, sizeof *ref);
    dogb_tensor_ref *tensor = dogb_pickle_take(pickle, 1, sizeof *tensor);
    if (ref == NULL || tensor == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if ((rc = dogb_pickle_key(pickle, &item.key, &item.key_length, &row[0])) < 0 ||
        (rc = dogb_pickle_key(pickle, &ref->key, &ref->key_length, &row[1])) < 0) {
        return rc;
    }
    const dogb_storage *storage = dogb_storages_find(&file->storages, ref->key, ref->key_length);
    if (storage == NULL) {
        return dogb_pickle_refuse(pickle, "a tensor names no storage");
    }
    ref->type = storage->type->name;
    ref->dtype = storage->type->dtype;
    ref->root_numel = (int64_t)(storage->bytes / dogb_dtype_size(ref->dtype));
    ref->numel = ref->root_numel;
    tensor->storage = ref;
    tensor->dtype = ref->dtype;
    if ((rc = read_geometry(pickle, tensor)) < 0) {
        return rc;
    }
    item.tensor = tensor;
    file->tensors[file->tensor_count++] = item;
    return DOGBREED_OK;
}

static int compare_tensors(const void *a, const void *b) {
    const tar_tensor *left = a;
    const tar_tensor *right = b;
    return dogb_text_compare(left->key, left->key_length, right->key, right->key_length);
}

static int read_tensors(tar_file *file) {
    dogb_pickle pickle;
    int64_t count = 0;
    int rc = start(&pickle, file, TENSORS);
    if (rc < 0 || (rc = read_count(&pickle, &count)) < 0) {
        return rc;
    }
    for (int64_t i = 0; i < count; i++) {
        if ((rc = read_tensor(file, &pickle)) < 0) {
            return rc;
        }
    }
    if (file->tensor_count > 1) {
        qsort(file->tensors, file->tensor_count, sizeof *file->tensors, compare_tensors);
    }
    return DOGBREED_OK;
}

// In the object a tensor is its key.
static int tensor_id(dogb_pickle *pickle, dogb_value *out, const dogb_value *id) {
    const tar_file *file = pickle->userdata;
    tar_tensor wanted = {0};
    int rc = dogb_pickle_key(pickle, &wanted.key, &wanted.key_length, id);
    if (rc < 0) {
        return rc;
    }
    const tar_tensor *found =
        file->tensor_count == 0
            ? NULL
            : bsearch(&wanted, file->tensors, file->tensor_count, sizeof wanted, compare_tensors);
    if (found == NULL) {
        return dogb_pickle_refuse(pickle, "a persistent id names no tensor");
    }
    out->kind = DOGB_VALUE_TENSOR;
    out->as.tensor = found->tensor;
    return DOGBREED_OK;
}

int dogb_pth_tar_read(dogb_weights *weights, const dogb_map *map) {
    dogb_arena scratch = {0};
    tar_file file = {.path = weights->path, .arena = &scratch};
    dogb_pickle pickle;
    dogb_value root;
    int rc = find_members(&file, map);
    if (rc < 0 || (rc = read_storages(&file)) < 0 || (rc = read_tensors(&file)) < 0 ||
        (rc = start(&pickle, &file, PICKLE)) < 0) {
        goto out;
    }
    pickle.persistent = tensor_id;
    if ((rc = dogb_pickle_load(&pickle, &root)) < 0) {
        goto out;
    }
    rc = dogb_pth_collect(weights, &root, &file.storages);
out:
    dogb_arena_free(&scratch);
    return rc;
}
