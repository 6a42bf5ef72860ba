// pth.c - from an unpickled object to named tensors: finds the state dict, the bytes behind each
// tensor, and copies what does not lie in C order.
#include "weights/pth.h"
#include "core/error.h"
#include "weights/reader.h"

#include <stdlib.h>
#include <string.h>

// Where checkpoints keep the state dict, in the order in which we look.
static const char *const usual_keys[] = {"state_dict", "model", "model_state_dict"};

// --- storages

static int compare_storages(const void *a, const void *b) {
    const dogb_storage *left = a;
    const dogb_storage *right = b;
    return dogb_text_compare(left->key, left->key_length, right->key, right->key_length);
}

int dogb_storages_add(dogb_storages *storages, dogb_arena *arena, const dogb_storage *item) {
    int rc = dogb_grow(arena, &storages->items, &storages->capacity, storages->count, sizeof *item);
    if (rc == DOGBREED_OK) {
        storages->items[storages->count++] = *item;
    }
    return rc;
}

static int bad_storage(const char *path, const dogb_storage *storage, const char *text) {
    int shown = storage->key_length > 100 ? 100 : (int)storage->key_length;
    return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: storage %.*s %s", path, shown, storage->key, text);
}

int dogb_storages_unique(dogb_storages *storages, const char *path) {
    size_t kept = 0;
    if (storages->count > 1) {
        qsort(storages->items, storages->count, sizeof *storages->items, compare_storages);
    }
    for (size_t i = 0; i < storages->count; i++) {
        const dogb_storage *item = &storages->items[i];
        if (kept == 0 || compare_storages(&storages->items[kept - 1], item) != 0) {
            storages->items[kept++] = *item;
        } else if (storages->items[kept - 1].bytes != item->bytes) {
            return bad_storage(path, item, "is there twice, with different types");
        }
    }
    storages->count = kept;
    return DOGBREED_OK;
}

int dogb_storages_sort(dogb_storages *storages, const char *path) {
    if (storages->count > 1) {
        qsort(storages->items, storages->count, sizeof *storages->items, compare_storages);
    }
    for (size_t i = 1; i < storages->count; i++) {
        if (compare_storages(&storages->items[i - 1], &storages->items[i]) == 0) {
            return bad_storage(path, &storages->items[i], "is there twice");
        }
    }
    return DOGBREED_OK;
}

dogb_storage *dogb_storages_find(const dogb_storages *storages, const char *key, size_t length) {
    const dogb_storage wanted = {.key = key, .key_length = length};
    return storages->count == 0 ? NULL
                                : bsearch(&wanted, storages->items, storages->count, sizeof wanted,
                                          compare_storages);
}

// --- persistent ids

// The sixth element: None, or (view key, offset, size) in elements of the root.
static int read_view(dogb_pickle *pickle, dogb_storage_ref *storage, const dogb_value *view) {
    if (view->kind == DOGB_VALUE_NONE) {
        return DOGBREED_OK;
    }
    const dogb_items *items = view->kind == DOGB_VALUE_TUPLE ? view->as.items : NULL;
    if (items == NULL || items->count != 3 || items->at[1].kind != DOGB_VALUE_INT ||
        items->at[2].kind != DOGB_VALUE_INT) {
        return dogb_pickle_refuse(pickle, "the view of a storage is not (key, offset, size)");
    }
    int64_t offset = items->at[1].as.number;
    int64_t size = items->at[2].as.number;
    if (offset < 0 || size < 0 || offset > storage->root_numel ||
        size > storage->root_numel - offset) {
        return dogb_pickle_refuse(pickle, "the view of a storage reaches beyond it");
    }
    storage->view_offset = offset;
    storage->numel = size;
    return DOGBREED_OK;
}

int dogb_pth_storage_id(dogb_pickle *pickle, dogb_value *out, const dogb_value *id) {
    const dogb_items *items = id->kind == DOGB_VALUE_TUPLE ? id->as.items : NULL;
    int rc = DOGBREED_OK;
    if (items == NULL || (items->count != 5 && items->count != 6) ||
        !dogb_text_equals(&items->at[0], "storage") || items->at[1].kind != DOGB_VALUE_GLOBAL ||
        items->at[1].as.global->role != DOGB_GLOBAL_STORAGE ||
        items->at[4].kind != DOGB_VALUE_INT || items->at[4].as.number < 0) {
        return dogb_pickle_refuse(
            pickle, "a persistent id is not ('storage', class, key, location, count)");
    }
    dogb_storage_ref *storage = dogb_pickle_take(pickle, 1, sizeof *storage);
    if (storage == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    storage->type = items->at[1].as.global->name;
    storage->dtype = items->at[1].as.global->dtype;
    storage->untyped = strcmp(storage->type, "UntypedStorage") == 0;
    storage->root_numel = items->at[4].as.number;
    storage->numel = storage->root_numel;
    if ((rc = dogb_pickle_key(pickle, &storage->key, &storage->key_length, &items->at[2])) < 0 ||
        (items->count == 6 && (rc = read_view(pickle, storage, &items->at[5])) < 0)) {
        return rc;
    }
    out->kind = DOGB_VALUE_STORAGE;
    out->as.storage = storage;
    return DOGBREED_OK;
}

// --- tensors

typedef struct named {
    const char *name;
    size_t length;
    const dogb_tensor_ref *tensor;
    size_t index; // position in the dict
} named;

typedef struct collector {
    dogb_weights *weights;
    dogb_storages *storages;
    size_t budget; // bytes that may still be copied out of C order
} collector;

static int is_c_order(const dogb_tensor_ref *tensor) {
    int64_t expected = 1;
    for (int32_t i = tensor->rank - 1; i >= 0; i--) {
        if (tensor->shape[i] != 1 && tensor->stride[i] != expected) {
            return 0;
        }
        expected *= tensor->shape[i]; // cannot overflow: the product was checked
    }
    return 1;
}

// Copies a strided view; bytes > 0. The odometer runs over all dimensions but the last.
static void copy_strided(uint8_t *out, const uint8_t *first, const dogb_tensor_ref *tensor,
                         size_t size) {
    int64_t index[DOGB_WEIGHT_RANK_MAX] = {0};
    const int32_t last = tensor->rank - 1; // rank 0 is in C order and never comes here
    for (;;) {
        int64_t offset = 0;
        for (int32_t i = 0; i < last; i++) {
            offset += index[i] * tensor->stride[i];
        }
        for (int64_t i = 0; i < tensor->shape[last]; i++, out += size) {
            memcpy(out, first + (size_t)(offset + i * tensor->stride[last]) * size, size);
        }
        int32_t axis = last - 1;
        while (axis >= 0 && ++index[axis] == tensor->shape[axis]) {
            index[axis--] = 0;
        }
        if (axis < 0) {
            return;
        }
    }
}

// The storage behind a tensor, its length checked against what the pickle says.
static int find_storage(collector *collect, dogb_storage **out, const named *item) {
    const dogb_storage_ref *ref = item->tensor->storage;
    int64_t bytes = 0;
    dogb_storage *found = dogb_storages_find(collect->storages, ref->key, ref->key_length);
    int shown = ref->key_length > 100 ? 100 : (int)ref->key_length;
    if (found == NULL) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: tensor %.*s: its storage %.*s is not there",
                         collect->weights->path, (int)item->length, item->name, shown, ref->key);
    }
    // The dtype of an untyped storage is U8.
    if (__builtin_mul_overflow(ref->root_numel, (int64_t)dogb_dtype_size(ref->dtype), &bytes) ||
        (uint64_t)bytes != found->bytes) {
        return dogb_fail(DOGBREED_ERROR_FORMAT,
                         "%s: tensor %.*s: its storage %.*s has %zu bytes, expected %lld elements "
                         "of %s",
                         collect->weights->path, (int)item->length, item->name, shown, ref->key,
                         found->bytes, (long long)ref->root_numel, dogb_dtype_name(ref->dtype));
    }
    *out = found;
    return DOGBREED_OK;
}

// Takes `bytes` from what may still be copied. Shared and overlapping storages would otherwise let
// a small file ask for any amount of memory.
static int spend(collector *collect, size_t bytes, const char *name) {
    if (bytes > collect->budget) {
        return dogb_fail(DOGBREED_ERROR_FORMAT,
                         "%s: tensor %s: strided views much larger than the file",
                         collect->weights->path, name);
    }
    collect->budget -= bytes;
    return DOGBREED_OK;
}

// Storages of a legacy file lie anywhere; one copy serves all tensors of the storage.
static int align_storage(collector *collect, dogb_storage *storage, const dogb_weight *tensor) {
    size_t size = dogb_dtype_size(tensor->dtype);
    int rc = DOGBREED_OK;
    if (storage->aligned == NULL) {
        storage->aligned = storage->data;
    }
    if ((uintptr_t)storage->aligned % size == 0) {
        return DOGBREED_OK;
    }
    if ((rc = spend(collect, storage->bytes, tensor->name)) < 0) {
        return rc;
    }
    storage->aligned =
        dogb_aligned(&collect->weights->arena, storage->data, storage->bytes, tensor->dtype);
    return storage->aligned == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

static int add_tensor(collector *collect, const named *item) {
    const dogb_tensor_ref *ref = item->tensor;
    dogb_weights *weights = collect->weights;
    dogb_storage *storage = NULL;
    int rc = find_storage(collect, &storage, item);
    if (rc < 0) {
        return rc;
    }
    size_t size = dogb_dtype_size(ref->dtype);
    dogb_weight *tensor = dogb_weights_add(weights, item->name, item->length);
    if (tensor == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    tensor->dtype = ref->dtype;
    tensor->rank = ref->rank;
    memcpy(tensor->shape, ref->shape, sizeof tensor->shape);
    tensor->bytes = (size_t)dogb_shape_bytes(ref->shape, ref->rank, ref->dtype);
    tensor->data = "";
    if (tensor->bytes == 0) {
        return DOGBREED_OK;
    }
    if ((rc = align_storage(collect, storage, tensor)) < 0) {
        return rc;
    }
    const uint8_t *data =
        storage->aligned + (size_t)(ref->storage->view_offset + ref->offset) * size;
    if (is_c_order(ref)) {
        tensor->data = data;
        return DOGBREED_OK;
    }
    if ((rc = spend(collect, tensor->bytes, tensor->name)) < 0) {
        return rc;
    }
    uint8_t *copy = dogb_alloc_raw(&weights->arena, tensor->bytes, 1);
    if (copy == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    copy_strided(copy, data, ref, size);
    tensor->data = copy;
    return DOGBREED_OK;
}

static int compare_named(const void *a, const void *b) {
    const named *left = a;
    const named *right = b;
    int order = dogb_text_compare(left->name, left->length, right->name, right->length);
    return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

static int compare_index(const void *a, const void *b) {
    const named *left = a;
    const named *right = b;
    return (left->index > right->index) - (left->index < right->index);
}

// The tensors of a dict, by position; of equal names the last, as in Python.
static int list_tensors(named **out, size_t *count, dogb_arena *arena, const char *path,
                        const dogb_items *dict) {
    named *items = dogb_alloc(arena, dict->count / 2, sizeof *items);
    size_t found = 0;
    size_t kept = 0;
    *out = items;
    *count = 0;
    if (items == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i + 1 < dict->count; i += 2) {
        const dogb_value *key = &dict->at[i];
        if (dict->at[i + 1].kind != DOGB_VALUE_TENSOR) {
            continue;
        }
        if (key->kind != DOGB_VALUE_TEXT || !dogb_text_valid(key->as.text, key->length)) {
            return dogb_fail(DOGBREED_ERROR_FORMAT,
                             "%s: the name of a tensor is not UTF-8 text (entry %zu)", path, i / 2);
        }
        items[found++] = (named){.name = key->as.text,
                                 .length = key->length,
                                 .tensor = dict->at[i + 1].as.tensor,
                                 .index = i};
    }
    qsort(items, found, sizeof *items, compare_named);
    for (size_t i = 0; i < found; i++) {
        int last = i + 1 == found || dogb_text_compare(items[i].name, items[i].length,
                                                       items[i + 1].name, items[i + 1].length) != 0;
        if (last) {
            items[kept++] = items[i];
        }
    }
    qsort(items, kept, sizeof *items, compare_index);
    *count = kept;
    return DOGBREED_OK;
}

static const dogb_value *lookup(const dogb_items *dict, const char *key) {
    const dogb_value *found = NULL;
    for (size_t i = 0; i + 1 < dict->count; i += 2) {
        if (dogb_text_equals(&dict->at[i], key)) {
            found = &dict->at[i + 1];
        }
    }
    return found;
}

static int no_tensors(const char *path, const dogb_items *dict) {
    char keys[200] = "";
    for (size_t i = 0; i + 1 < dict->count; i += 2) {
        size_t used = strlen(keys);
        const dogb_value *key = &dict->at[i];
        if (key->kind == DOGB_VALUE_TEXT && key->length < 40 &&
            used + key->length + 3 < sizeof keys) {
            memcpy(keys + used, used == 0 ? "" : ", ", used == 0 ? 0 : 2);
            used += used == 0 ? 0 : 2;
            memcpy(keys + used, key->as.text, key->length);
            keys[used + key->length] = '\0';
        }
    }
    return dogb_fail(DOGBREED_ERROR_FORMAT,
                     "%s: no tensors: expected a state dict, or a dict with one under "
                     "\"state_dict\" or \"model\"; its keys are: %s",
                     path, keys[0] == '\0' ? "none" : keys);
}

int dogb_pth_collect(dogb_weights *weights, const dogb_value *root, dogb_storages *storages) {
    // Honest files copy each storage at most a few times (transposed weights, shared ones).
    collector collect = {.weights = weights,
                         .storages = storages,
                         .budget = ((size_t)64 << 20) + 8 * (size_t)weights->file_bytes};
    dogb_arena scratch = {0};
    named *items = NULL;
    size_t count = 0;
    int rc = DOGBREED_OK;
    if (root->kind != DOGB_VALUE_DICT) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: not a dict: expected a state dict",
                         weights->path);
    }
    const dogb_items *dict = root->as.items;
    for (size_t i = 0; i < sizeof usual_keys / sizeof usual_keys[0]; i++) {
        const dogb_value *inner = lookup(root->as.items, usual_keys[i]);
        if (inner != NULL && inner->kind == DOGB_VALUE_DICT) {
            dict = inner->as.items;
            break;
        }
    }
    if ((rc = list_tensors(&items, &count, &scratch, weights->path, dict)) < 0) {
        goto out;
    }
    if (count == 0 && dict->count > 0) {
        rc = no_tensors(weights->path, dict);
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        if ((rc = add_tensor(&collect, &items[i])) < 0) {
            goto out;
        }
    }
out:
    dogb_arena_free(&scratch);
    return rc;
}
