// safetensors_write.c - writer of the safetensors container. Equal content gives equal bytes.
#include "core/error.h"
#include "core/file.h"
#include "weights/reader.h"

#include <stdlib.h>
#include <string.h>

enum { HEADER_MAX = 100000000, PREFIX = 8 };

// Descending element size, then name: every tensor is aligned when the data block is.
static int compare_tensors(const void *a, const void *b) {
    const dogb_weight *const *left = a;
    const dogb_weight *const *right = b;
    size_t left_size = dogb_dtype_size((*left)->dtype);
    size_t right_size = dogb_dtype_size((*right)->dtype);
    if (left_size != right_size) {
        return left_size > right_size ? -1 : 1;
    }
    return strcmp((*left)->name, (*right)->name);
}

static int compare_keys(const void *a, const void *b) {
    const char *const *left = a;
    const char *const *right = b;
    return strcmp(*left, *right);
}

static int add_metadata(json_t *header, dogb_arena *arena, const char *path,
                        const json_t *metadata) {
    const char *key = NULL;
    json_t *value = NULL;
    size_t count = 0;
    int rc = DOGBREED_OK;
    json_t *sorted = dogb_json_object(arena);
    const char **keys = dogb_alloc(arena, json_object_size(metadata), sizeof *keys);
    if (sorted == NULL || keys == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    json_object_foreach((json_t *)metadata, key, value) {
        if (!json_is_string(value)) {
            return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                             "%s: metadata member \"%s\" is not a string", path, key);
        }
        keys[count++] = key;
    }
    qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t i = 0; i < count; i++) {
        if ((rc = dogb_json_set(sorted, keys[i], json_incref(json_object_get(metadata, keys[i])))) <
            0) {
            return rc;
        }
    }
    return dogb_json_set(header, "__metadata__", json_incref(sorted));
}

static int add_entry(json_t *header, dogb_arena *arena, const dogb_weight *tensor, int64_t begin) {
    int rc = DOGBREED_OK;
    json_t *item = dogb_json_object(arena);
    json_t *shape = dogb_json_array(arena);
    json_t *offsets = dogb_json_array(arena);
    if (item == NULL || shape == NULL || offsets == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; i < tensor->rank; i++) {
        if ((rc = dogb_json_add(shape, json_integer(tensor->shape[i]))) < 0) {
            return rc;
        }
    }
    if ((rc = dogb_json_add(offsets, json_integer(begin))) < 0 ||
        (rc = dogb_json_add(offsets, json_integer(begin + (int64_t)tensor->bytes))) < 0 ||
        (rc = dogb_json_set_text(item, "dtype", dogb_dtype_name(tensor->dtype))) < 0 ||
        (rc = dogb_json_set(item, "shape", json_incref(shape))) < 0 ||
        (rc = dogb_json_set(item, "data_offsets", json_incref(offsets))) < 0) {
        return rc;
    }
    return dogb_json_set(header, tensor->name, json_incref(item));
}

// Header as text, members in the order in which they were added.
static int header_text(char **out, dogb_arena *arena, const char *path,
                       const dogb_weight *const *sorted, size_t count, const json_t *metadata) {
    int rc = DOGBREED_OK;
    int64_t begin = 0;
    json_t *header = dogb_json_object(arena);
    if (header == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (json_object_size(metadata) > 0 && (rc = add_metadata(header, arena, path, metadata)) < 0) {
        return rc;
    }
    for (size_t i = 0; i < count; i++) {
        if ((rc = add_entry(header, arena, sorted[i], begin)) < 0) {
            return rc;
        }
        if (__builtin_add_overflow(begin, (int64_t)sorted[i]->bytes, &begin)) {
            return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "%s: too many bytes of tensors",
                             path);
        }
    }
    size_t size = json_dumpb(header, NULL, 0, JSON_COMPACT);
    char *text = size == 0 ? NULL : dogb_alloc(arena, size + 1, 1);
    if (text == NULL || json_dumpb(header, text, size, JSON_COMPACT) != size) {
        return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "out of memory for JSON");
    }
    *out = text;
    return DOGBREED_OK;
}

static int write_header(dogb_writer *writer, const char *path, const char *text) {
    int rc = DOGBREED_OK;
    uint8_t prefix[PREFIX];
    size_t length = strlen(text);
    size_t padded = (length + PREFIX - 1) / PREFIX * PREFIX;
    if (padded > HEADER_MAX) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                         "%s: a header of %zu bytes, at most %d are allowed", path, padded,
                         HEADER_MAX);
    }
    for (int i = 0; i < PREFIX; i++) {
        prefix[i] = (uint8_t)((uint64_t)padded >> (8 * i));
    }
    if ((rc = dogb_writer_add(writer, prefix, sizeof prefix)) < 0 ||
        (rc = dogb_writer_add(writer, text, length)) < 0) {
        return rc;
    }
    return dogb_writer_add(writer, "        ", padded - length);
}

int dogb_safetensors_write(const char *path, const dogb_weight *tensors, size_t count,
                           const json_t *metadata) {
    dogb_arena scratch = {0};
    dogb_writer *writer = NULL;
    char *text = NULL;
    int rc = DOGBREED_OK;
    const dogb_weight **sorted = NULL;
    if ((rc = dogb_tensors_check(&sorted, &scratch, path, tensors, count)) < 0) {
        goto out;
    }
    qsort(sorted, count, sizeof *sorted, compare_tensors);
    if ((rc = header_text(&text, &scratch, path, sorted, count, metadata)) < 0 ||
        (rc = dogb_writer_open(&writer, &scratch, path)) < 0 ||
        (rc = write_header(writer, path, text)) < 0) {
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        if ((rc = dogb_writer_add(writer, sorted[i]->data, sorted[i]->bytes)) < 0) {
            goto out;
        }
    }
    rc = dogb_writer_commit(writer);
out:
    dogb_arena_free(&scratch);
    return rc;
}
