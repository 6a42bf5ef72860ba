// safetensors.c - reader of the safetensors container: u64 little-endian N, N bytes of JSON, data.
// Everything is checked before a pointer is handed out; the data itself is not read.
#include "core/error.h"
#include "weights/reader.h"

#include <stdlib.h>
#include <string.h>

enum { HEADER_MAX = 100000000, DEPTH_MAX = 4, PREFIX = 8 };

typedef struct entry {
    const char *name; // borrowed from the JSON
    int64_t begin;
    int64_t end;
    size_t index; // position in the JSON: ties keep it
    dogb_weight tensor;
} entry;

// Types of the format that this library does not read.
static const char *const other_types[] = {"F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ",
                                          "F4",      "F6_E2M3",     "F6_E3M2"};

// jansson would accept 2048 levels. Strings are skipped; whether the rest is JSON is for jansson.
static int check_depth(const char *path, const char *text, size_t size) {
    int depth = 0;
    int quoted = 0;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (quoted) {
            if (c == '\\') {
                i++;
            } else if (c == '"') {
                quoted = 0;
            }
        } else if (c == '"') {
            quoted = 1;
        } else if (c == '{' || c == '[') {
            if (++depth > DEPTH_MAX) {
                return dogb_fail(DOGBREED_ERROR_FORMAT,
                                 "%s: header nests deeper than %d levels at byte %zu", path,
                                 DEPTH_MAX, i + PREFIX);
            }
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return DOGBREED_OK;
}

// The parsed header, and where the data begins.
static int read_header(json_t **out, size_t *data_begin, dogb_arena *arena, const char *path,
                       const dogb_map *map) {
    int rc = DOGBREED_OK;
    uint64_t length = 0;
    if (map->size < PREFIX) {
        return dogb_fail(DOGBREED_ERROR_FORMAT,
                         "%s: %zu bytes, a safetensors file has at least 8 for its header length",
                         path, map->size);
    }
    for (int i = 0; i < PREFIX; i++) {
        length |= (uint64_t)map->data[i] << (8 * i);
    }
    if (length > HEADER_MAX) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: header of %llu bytes, at most %d are allowed",
                         path, (unsigned long long)length, HEADER_MAX);
    }
    if (length > map->size - PREFIX) {
        return dogb_fail(DOGBREED_ERROR_FORMAT,
                         "%s: header of %llu bytes does not fit in a file of %zu bytes", path,
                         (unsigned long long)length, map->size);
    }
    const char *text = (const char *)map->data + PREFIX;
    size_t size = (size_t)length;
    if (size == 0 || text[0] != '{') {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: header does not start with '{'", path);
    }
    char *what = dogb_format(arena, "%s: header", path);
    if (what == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if ((rc = check_depth(path, text, size)) < 0 ||
        (rc = dogb_json_parse(out, arena, text, size, what)) < 0) {
        return rc;
    }
    *data_begin = PREFIX + size;
    return DOGBREED_OK;
}

// "__metadata__" checked, or an empty object.
static int read_metadata(json_t **out, dogb_arena *arena, const char *path, const json_t *header) {
    json_t *metadata = json_object_get(header, "__metadata__");
    const char *key = NULL;
    json_t *value = NULL;
    if (metadata == NULL) {
        *out = dogb_json_object(arena);
        return *out == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    }
    if (!json_is_object(metadata)) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: __metadata__ is not an object", path);
    }
    json_object_foreach(metadata, key, value) {
        if (!json_is_string(value)) {
            return dogb_fail(DOGBREED_ERROR_FORMAT,
                             "%s: __metadata__ member \"%s\" is not a string", path, key);
        }
    }
    *out = metadata;
    return DOGBREED_OK;
}

static int read_dtype(int32_t *out, const char *path, const char *name, const json_t *value) {
    const char *text = json_string_value(value);
    if (text == NULL) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: tensor %s: \"dtype\" is not a string", path,
                         name);
    }
    *out = dogb_dtype_find(text);
    for (size_t i = 0; *out < 0 && i < sizeof other_types / sizeof other_types[0]; i++) {
        if (strcmp(text, other_types[i]) == 0) {
            return dogb_fail(DOGBREED_ERROR_UNSUPPORTED, "%s: tensor %s: dtype %s is not supported",
                             path, name, text);
        }
    }
    if (*out < 0) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: tensor %s: unknown dtype \"%s\"", path, name,
                         text);
    }
    return DOGBREED_OK;
}

static int read_shape(dogb_weight *tensor, const char *path, const char *name,
                      const json_t *value) {
    size_t index = 0;
    json_t *dimension = NULL;
    if (!json_is_array(value)) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: tensor %s: \"shape\" is not an array", path,
                         name);
    }
    if (json_array_size(value) > DOGB_WEIGHT_RANK_MAX) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                         "%s: tensor %s: %zu dimensions, at most %d are supported", path, name,
                         json_array_size(value), DOGB_WEIGHT_RANK_MAX);
    }
    json_array_foreach(value, index, dimension) {
        if (!json_is_integer(dimension) || json_integer_value(dimension) < 0) {
            return dogb_fail(DOGBREED_ERROR_FORMAT,
                             "%s: tensor %s: dimension %zu is not a whole number >= 0", path, name,
                             index);
        }
        tensor->shape[index] = json_integer_value(dimension);
    }
    tensor->rank = (int32_t)json_array_size(value);
    return DOGBREED_OK;
}

static int read_entry(entry *out, const char *path, const char *name, const json_t *value) {
    int rc = DOGBREED_OK;
    const json_t *offsets = json_object_get(value, "data_offsets");
    out->name = name;
    if (!json_is_object(value)) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: tensor %s: not an object", path, name);
    }
    if ((rc = read_dtype(&out->tensor.dtype, path, name, json_object_get(value, "dtype"))) < 0 ||
        (rc = read_shape(&out->tensor, path, name, json_object_get(value, "shape"))) < 0) {
        return rc;
    }
    const json_t *begin = json_array_get(offsets, 0);
    const json_t *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end) ||
        json_integer_value(begin) < 0) {
        return dogb_fail(DOGBREED_ERROR_FORMAT,
                         "%s: tensor %s: \"data_offsets\" is not a pair of whole numbers >= 0",
                         path, name);
    }
    out->begin = json_integer_value(begin);
    out->end = json_integer_value(end);
    if (out->begin > out->end) {
        return dogb_fail(DOGBREED_ERROR_FORMAT,
                         "%s: tensor %s: begins at %lld, behind its end %lld", path, name,
                         (long long)out->begin, (long long)out->end);
    }
    int64_t bytes = dogb_shape_bytes(out->tensor.shape, out->tensor.rank, out->tensor.dtype);
    if (bytes < 0) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: tensor %s: the shape's product overflows",
                         path, name);
    }
    if (bytes != out->end - out->begin) {
        return dogb_fail(DOGBREED_ERROR_FORMAT,
                         "%s: tensor %s: %lld bytes of data, its shape needs %lld", path, name,
                         (long long)(out->end - out->begin), (long long)bytes);
    }
    out->tensor.bytes = (size_t)bytes;
    return DOGBREED_OK;
}

static int compare_entries(const void *a, const void *b) {
    const entry *left = a;
    const entry *right = b;
    if (left->begin != right->begin) {
        return left->begin < right->begin ? -1 : 1;
    }
    if (left->end != right->end) {
        return left->end < right->end ? -1 : 1;
    }
    return left->index < right->index ? -1 : 1;
}

// Sorted tensors must tile the data: no gap, no overlap, to the end of the file.
static int check_tiling(const char *path, const entry *entries, size_t count, size_t data_size) {
    int64_t position = 0;
    for (size_t i = 0; i < count; i++) {
        const entry *item = &entries[i];
        if (item->begin != position) {
            return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: tensor %s: begins at %lld, %s at %lld",
                             path, item->name, (long long)item->begin,
                             item->begin > position ? "leaving a gap: the one before ends"
                                                    : "overlapping: the one before ends",
                             (long long)position);
        }
        position = item->end;
    }
    if ((uint64_t)position != data_size) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: %zu bytes of data, %s: the tensors need %lld",
                         path, data_size, (uint64_t)position > data_size ? "cut short" : "too many",
                         (long long)position);
    }
    return DOGBREED_OK;
}

static int read_entries(dogb_weights *weights, dogb_arena *scratch, const json_t *header,
                        const uint8_t *data, size_t data_size) {
    int rc = DOGBREED_OK;
    const char *name = NULL;
    json_t *value = NULL;
    size_t count = 0;
    entry *entries = dogb_alloc(scratch, json_object_size(header), sizeof *entries);
    if (entries == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    json_object_foreach((json_t *)header, name, value) {
        if (strcmp(name, "__metadata__") == 0) {
            continue;
        }
        entries[count].index = count;
        if ((rc = read_entry(&entries[count], weights->path, name, value)) < 0) {
            return rc;
        }
        count++;
    }
    qsort(entries, count, sizeof *entries, compare_entries);
    if ((rc = check_tiling(weights->path, entries, count, data_size)) < 0) {
        return rc;
    }
    for (size_t i = 0; i < count; i++) {
        dogb_weight *tensor = dogb_weights_add(weights, entries[i].name, strlen(entries[i].name));
        if (tensor == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        const char *copy = tensor->name;
        *tensor = entries[i].tensor;
        tensor->name = copy;
        tensor->data =
            dogb_aligned(&weights->arena, data + entries[i].begin, tensor->bytes, tensor->dtype);
        if (tensor->data == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    return DOGBREED_OK;
}

int dogb_safetensors_read(dogb_weights *weights, const dogb_map *map) {
    dogb_arena scratch = {0};
    json_t *header = NULL;
    json_t *metadata = NULL;
    size_t begin = 0;
    int rc = read_header(&header, &begin, &scratch, weights->path, map);
    if (rc < 0 || (rc = read_metadata(&metadata, &scratch, weights->path, header)) < 0) {
        goto out;
    }
    if (json_object_update(weights->metadata, metadata) != 0) {
        rc = dogb_fail(DOGBREED_ERROR_NO_MEMORY, "%s: out of memory for the metadata",
                       weights->path);
        goto out;
    }
    rc = read_entries(weights, &scratch, header, map->data + begin, map->size - begin);
out:
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_safetensors_metadata(json_t **out, dogb_arena *arena, const char *path) {
    dogb_map map;
    json_t *header = NULL;
    size_t begin = 0;
    *out = NULL;
    int rc = dogb_map_open(&map, arena, path, SIZE_MAX);
    if (rc < 0 || (rc = read_header(&header, &begin, arena, path, &map)) < 0) {
        return rc;
    }
    return read_metadata(out, arena, path, header);
}
