// weights.c - one object for the tensors of a file, whatever its container; chosen by content.
#include "core/error.h"
#include "weights/pth.h"
#include "weights/reader.h"

#include <stdlib.h>
#include <string.h>

const void *dogb_aligned(dogb_arena *arena, const void *data, size_t bytes, int32_t dtype) {
    if (bytes == 0) {
        return "";
    }
    if ((uintptr_t)data % dogb_dtype_size(dtype) == 0) {
        return data;
    }
    void *copy = dogb_alloc_raw(arena, bytes, 1);
    if (copy != NULL) {
        memcpy(copy, data, bytes);
    }
    return copy;
}

dogb_weight *dogb_weights_add(dogb_weights *weights, const char *name, size_t length) {
    if (dogb_grow(&weights->arena, &weights->tensors, &weights->capacity, weights->count,
                  sizeof *weights->tensors) < 0) {
        return NULL;
    }
    dogb_weight *tensor = &weights->tensors[weights->count];
    memset(tensor, 0, sizeof *tensor);
    tensor->name = dogb_strndup(&weights->arena, name, length);
    if (tensor->name == NULL) {
        return NULL;
    }
    weights->count++;
    return tensor;
}

static int compare_names(const void *a, const void *b) {
    const dogb_weight *const *left = a;
    const dogb_weight *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

static int sort_names(dogb_weights *weights) {
    weights->by_name = dogb_alloc(&weights->arena, weights->count, sizeof *weights->by_name);
    if (weights->by_name == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < weights->count; i++) {
        weights->by_name[i] = &weights->tensors[i];
    }
    qsort(weights->by_name, weights->count, sizeof *weights->by_name, compare_names);
    return DOGBREED_OK;
}

const dogb_weight *dogb_weights_find(const dogb_weights *weights, const char *name) {
    const dogb_weight wanted = {.name = name};
    const dogb_weight *key = &wanted;
    const dogb_weight **found = weights->count == 0
                                    ? NULL
                                    : bsearch(&key, weights->by_name, weights->count,
                                              sizeof *weights->by_name, compare_names);
    return found == NULL ? NULL : *found;
}

// What begins how. The first row that fits decides; a row without a reader explains a mistake.
typedef struct signature {
    const char *bytes;
    size_t length;
    size_t offset;
    int (*read)(dogb_weights *weights, const dogb_map *map);
    const char *format; // of dogb_weights, or what the file is instead
} signature;

static const signature signatures[] = {
    {"ustar", 5, 257, dogb_pth_tar_read, "pth (tar)"},
    {"PK\3\4", 4, 0, dogb_pth_zip_read, "pth (zip)"},
    {"\x80\2\x8a\n\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 14, 0, dogb_pth_legacy_read,
     "pth (legacy)"},
    {"{", 1, 8, dogb_safetensors_read, "safetensors"},
    {"version https://git-lfs", 23, 0, NULL, "a Git LFS pointer: fetch the file itself"},
    {"\x89HDF", 4, 0, NULL, "an HDF5 (Keras) file"},
    {"GGUF", 4, 0, NULL, "a GGUF file"},
    {"\x80", 1, 0, NULL, "a pickle, but not one that torch.save writes"},
};

static int ends_with(const char *text, const char *end) {
    size_t length = strlen(text);
    size_t tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

static int read_any(dogb_weights *weights, const dogb_map *map) {
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++) {
        const signature *row = &signatures[i];
        if (map->size < row->offset + row->length ||
            memcmp(map->data + row->offset, row->bytes, row->length) != 0) {
            continue;
        }
        if (row->read == NULL) {
            return dogb_fail(DOGBREED_ERROR_FORMAT,
                             "%s: this is %s; expected safetensors or a PyTorch .pth",
                             weights->path, row->format);
        }
        weights->format = row->format;
        return row->read(weights, map);
    }
    if (ends_with(weights->path, ".safetensors")) {
        return dogb_safetensors_read(weights, map); // fails, and says what is wrong with it
    }
    return dogb_fail(DOGBREED_ERROR_FORMAT,
                     "%s: not a weight file: expected safetensors or a PyTorch .pth (zip, legacy "
                     "or tar container)",
                     weights->path);
}

// `bytes` NULL: the file at path.
static int open_any(dogb_weights **out, const char *path, const dogb_map *bytes) {
    dogb_map map;
    int rc = DOGBREED_OK;
    *out = NULL;
    dogb_weights *weights = dogb_malloc(1, sizeof *weights);
    if (weights == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    weights->path = dogb_strdup(&weights->arena, path);
    weights->metadata = dogb_json_object(&weights->arena);
    if (weights->path == NULL || weights->metadata == NULL) {
        rc = DOGBREED_ERROR_NO_MEMORY;
        goto out;
    }
    if (bytes != NULL) {
        map = *bytes;
    } else if ((rc = dogb_map_open(&map, &weights->arena, path, SIZE_MAX)) < 0) {
        goto out;
    }
    weights->file_bytes = map.size;
    if ((rc = read_any(weights, &map)) < 0 || (rc = sort_names(weights)) < 0) {
        goto out;
    }
    *out = weights;
out:
    if (rc < 0) {
        dogb_weights_destroy(weights);
    }
    return rc;
}

int dogb_weights_open(dogb_weights **out, const char *path) {
    return open_any(out, path, NULL);
}

int dogb_weights_open_bytes(dogb_weights **out, const char *path, const uint8_t *data,
                            size_t size) {
    const dogb_map map = {.data = data, .size = size};
    return open_any(out, path, &map);
}

void dogb_weights_destroy(dogb_weights *weights) {
    if (weights != NULL) {
        dogb_arena_free(&weights->arena);
        dogb_free(weights);
    }
}
