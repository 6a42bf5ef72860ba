// check.c - what both writers ask of the tensors they get.
#include "core/error.h"
#include "weights/reader.h"

#include <stdlib.h>
#include <string.h>

static int check_tensor(const char *path, const dogb_weight *tensor) {
    if (tensor->name == NULL || !dogb_text_valid(tensor->name, strlen(tensor->name)) ||
        strcmp(tensor->name, "__metadata__") == 0) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "%s: tensor name \"%s\" cannot be written: expected UTF-8 other than "
                         "__metadata__",
                         path, tensor->name == NULL ? "" : tensor->name);
    }
    if (tensor->rank < 0 || tensor->rank > DOGB_WEIGHT_RANK_MAX ||
        dogb_dtype_size(tensor->dtype) == 0 ||
        dogb_shape_bytes(tensor->shape, tensor->rank, tensor->dtype) != (int64_t)tensor->bytes) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "%s: tensor %s: %zu bytes do not fit its shape", path, tensor->name,
                         tensor->bytes);
    }
    return DOGBREED_OK;
}

static int compare_names(const void *a, const void *b) {
    const dogb_weight *const *left = a;
    const dogb_weight *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

int dogb_tensors_check(const dogb_weight ***sorted, dogb_arena *arena, const char *path,
                       const dogb_weight *tensors, size_t count) {
    int rc = DOGBREED_OK;
    const dogb_weight **list = dogb_alloc(arena, count, sizeof *list);
    *sorted = list;
    if (list == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        if ((rc = check_tensor(path, &tensors[i])) < 0) {
            return rc;
        }
        list[i] = &tensors[i];
    }
    qsort(list, count, sizeof *list, compare_names);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(list[i - 1]->name, list[i]->name) == 0) {
            return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "%s: two tensors are named %s", path,
                             list[i]->name);
        }
    }
    return DOGBREED_OK;
}
