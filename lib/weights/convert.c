// convert.c - the public functions list and convert.
#include "core/error.h"
#include "core/hash.h"
#include "weights/weights.h"

#include <string.h>

static int add_tensor(json_t *list, dogb_arena *arena, const dogb_weight *tensor) {
    json_t *item = dogb_json_object(arena);
    json_t *shape = dogb_json_array(arena);
    int rc = DOGBREED_OK;
    if (item == NULL || shape == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; i < tensor->rank; i++) {
        if ((rc = dogb_json_add(shape, json_integer(tensor->shape[i]))) < 0) {
            return rc;
        }
    }
    if ((rc = dogb_json_set_text(item, "name", tensor->name)) < 0 ||
        (rc = dogb_json_set_text(item, "dtype", dogb_dtype_name(tensor->dtype))) < 0 ||
        (rc = dogb_json_set(item, "shape", json_incref(shape))) < 0 ||
        (rc = dogb_json_set_int(item, "bytes", (int64_t)tensor->bytes)) < 0) {
        return rc;
    }
    return dogb_json_add(list, json_incref(item));
}

static int describe(json_t *object, dogb_arena *arena, const dogb_weights *weights) {
    dogb_sha256 hash;
    char text[65];
    int rc = dogb_sha256_file(&hash, weights->path);
    json_t *list = dogb_json_array(arena);
    if (rc < 0 || list == NULL) {
        return rc < 0 ? rc : DOGBREED_ERROR_NO_MEMORY;
    }
    dogb_sha256_text(&hash, text);
    if ((rc = dogb_json_set_text(object, "file", weights->path)) < 0 ||
        (rc = dogb_json_set_text(object, "format", weights->format)) < 0 ||
        (rc = dogb_json_set_int(object, "bytes", (int64_t)weights->file_bytes)) < 0 ||
        (rc = dogb_json_set_text(object, "sha256", text)) < 0 ||
        (rc = dogb_json_set(object, "metadata", json_incref(weights->metadata))) < 0) {
        return rc;
    }
    for (size_t i = 0; i < weights->count; i++) {
        if ((rc = add_tensor(list, arena, &weights->tensors[i])) < 0) {
            return rc;
        }
    }
    return dogb_json_set(object, "tensors", json_incref(list));
}

int dogbreed_weights_list(char **json, const char *path) {
    dogb_arena scratch = {0};
    dogb_weights *weights = NULL;
    int rc = DOGBREED_OK;
    DOGB_CHECK(json != NULL, "dogbreed_weights_list: json is NULL");
    *json = NULL;
    DOGB_CHECK(path != NULL, "dogbreed_weights_list: path is NULL");
    json_t *object = dogb_json_object(&scratch);
    if (object == NULL) {
        rc = DOGBREED_ERROR_NO_MEMORY;
        goto out;
    }
    if ((rc = dogb_weights_open(&weights, path)) < 0 ||
        (rc = describe(object, &scratch, weights)) < 0) {
        goto out;
    }
    rc = dogb_json_text_out(json, object, 0);
out:
    dogb_weights_destroy(weights);
    dogb_arena_free(&scratch);
    return rc;
}

static int write_safetensors(const char *path, const dogb_weights *weights) {
    return dogb_safetensors_write(path, weights->tensors, weights->count, weights->metadata);
}

// A .pth has no place for metadata that torch.load(weights_only=True) would pass over.
static int write_pth(const char *path, const dogb_weights *weights) {
    return dogb_pth_write(path, weights->tensors, weights->count);
}

static const struct {
    const char *ending;
    int (*write)(const char *path, const dogb_weights *weights);
} writers[] = {
    {".safetensors", write_safetensors},
    {".pth", write_pth},
    {".pt", write_pth},
};

int dogbreed_weights_convert(const char *from, const char *to) {
    dogb_weights *weights = NULL;
    int rc = DOGBREED_OK;
    DOGB_CHECK(from != NULL, "dogbreed_weights_convert: from is NULL");
    DOGB_CHECK(to != NULL, "dogbreed_weights_convert: to is NULL");
    for (size_t i = 0; i < sizeof writers / sizeof writers[0]; i++) {
        size_t length = strlen(to);
        size_t tail = strlen(writers[i].ending);
        if (length > tail && strcmp(to + length - tail, writers[i].ending) == 0) {
            rc = dogb_weights_open(&weights, from);
            if (rc == DOGBREED_OK) {
                rc = writers[i].write(to, weights);
            }
            dogb_weights_destroy(weights);
            return rc;
        }
    }
    return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                     "%s: expected a name that ends in .safetensors, .pth or .pt", to);
}
