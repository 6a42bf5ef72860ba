// verify.c - the public function verify: reads every byte of a weight file and says what is odd
// about it, and whether it fits a network.
#include "arch/arch.h"
#include "core/error.h"
#include "core/file.h"
#include "graph/graph.h"
#include "weights/weights.h"
#include "weights/zip.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PIECE = 4096, CLASSES_DEFAULT = 1000 };

typedef struct report {
    dogb_arena *arena;
    json_t *problems; // of the file
    json_t *missing;
    json_t *unexpected;
    json_t *mismatched;
    int64_t nan;
    int64_t infinite;
    int64_t elements;
} report;

static int add_text(json_t *list, const char *text) {
    return text == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_json_add(list, dogb_json_text(text));
}

// --- numbers

static int is_real(int32_t dtype) {
    static const int32_t reals[] = {DOGB_F32,  DOGB_F64,     DOGB_F16,
                                    DOGB_BF16, DOGB_F8_E4M3, DOGB_F8_E5M2};
    for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++) {
        if (reals[i] == dtype) {
            return 1;
        }
    }
    return 0;
}

// float64 beyond float32's range must not count as infinite.
static int64_t count_in_f64(const dogb_weight *tensor, int64_t *infinite) {
    const double *values = tensor->data;
    int64_t nan = 0;
    for (size_t i = 0; i < tensor->bytes / sizeof *values; i++) {
        nan += isnan(values[i]) != 0;
        *infinite += isinf(values[i]) != 0;
    }
    return nan;
}

static int count_in_pieces(const dogb_weight *tensor, int64_t *nan, int64_t *infinite) {
    float values[PIECE];
    dogb_weight piece = *tensor;
    size_t size = dogb_dtype_size(tensor->dtype);
    for (size_t at = 0; at < tensor->bytes; at += piece.bytes) {
        size_t left = (tensor->bytes - at) / size;
        size_t count = left < PIECE ? left : PIECE;
        piece.data = (const uint8_t *)tensor->data + at;
        piece.bytes = count * size;
        int rc = dogb_weight_to_f32(values, count, &piece);
        if (rc < 0) {
            return rc;
        }
        for (size_t i = 0; i < count; i++) {
            *nan += isnan(values[i]) != 0;
            *infinite += isinf(values[i]) != 0;
        }
    }
    return DOGBREED_OK;
}

static int check_numbers(report *out, const dogb_weight *tensor) {
    int64_t nan = 0;
    int64_t infinite = 0;
    int rc = DOGBREED_OK;
    out->elements += (int64_t)(tensor->bytes / dogb_dtype_size(tensor->dtype));
    if (!is_real(tensor->dtype)) {
        return DOGBREED_OK;
    }
    if (tensor->dtype == DOGB_F64) {
        nan = count_in_f64(tensor, &infinite);
    } else if ((rc = count_in_pieces(tensor, &nan, &infinite)) < 0) {
        return rc;
    }
    out->nan += nan;
    out->infinite += infinite;
    if (nan == 0 && infinite == 0) {
        return DOGBREED_OK;
    }
    return add_text(out->problems, dogb_format(out->arena, "tensor %s: %lld NaN, %lld infinite",
                                               tensor->name, (long long)nan, (long long)infinite));
}

// --- checksums. Files written with torch.serialization.set_crc32_options(False) carry 0.

static int check_sums(report *out, const char *path) {
    dogb_map map;
    dogb_zip zip;
    int rc = dogb_map_open(&map, out->arena, path, SIZE_MAX);
    if (rc < 0 || (rc = dogb_zip_open(&zip, out->arena, path, map.data, map.size)) < 0) {
        return rc;
    }
    for (size_t i = 0; i < zip.count; i++) {
        const dogb_zip_entry *entry = &zip.entries[i];
        if (entry->problem != NULL || entry->crc == 0) {
            continue;
        }
        uint32_t sum = dogb_crc32(entry->data, entry->size);
        if (sum != entry->crc &&
            (rc = add_text(out->problems,
                           dogb_format(out->arena, "entry %.*s: CRC-32 %08x, expected %08x",
                                       (int)entry->name_length, entry->name, sum, entry->crc))) <
                0) {
            return rc;
        }
    }
    return DOGBREED_OK;
}

// --- names and shapes

static char *shape_text(dogb_arena *arena, const int64_t *shape, int32_t rank) {
    char text[256] = "[";
    for (int32_t i = 0; i < rank; i++) {
        size_t used = strlen(text);
        (void)snprintf(text + used, sizeof text - used, "%s%lld", i == 0 ? "" : ", ",
                       (long long)shape[i]);
    }
    size_t used = strlen(text);
    (void)snprintf(text + used, sizeof text - used, "]");
    return dogb_strdup(arena, text);
}

static int same_shape(const dogb_param *param, const dogb_weight *tensor) {
    return param->rank == tensor->rank &&
           memcmp(param->shape, tensor->shape, (size_t)param->rank * sizeof param->shape[0]) == 0;
}

// Marks the tensor in `known`, by its position in the file.
static int check_param(report *out, uint8_t *known, const dogb_weights *weights,
                       const dogb_param *param) {
    const dogb_weight *tensor = dogb_weights_find(weights, param->name);
    if (tensor == NULL) {
        // Files from before torch 0.4.1 have no counters; torch, too, starts them at 0.
        return param->role == DOGB_ROLE_COUNTER ? DOGBREED_OK : add_text(out->missing, param->name);
    }
    known[tensor - weights->tensors] = 1;
    if (same_shape(param, tensor)) {
        return DOGBREED_OK;
    }
    char *found = shape_text(out->arena, tensor->shape, tensor->rank);
    char *expected = shape_text(out->arena, param->shape, param->rank);
    if (found == NULL || expected == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    return add_text(out->mismatched, dogb_format(out->arena, "%s: shape %s, expected %s",
                                                 param->name, found, expected));
}

// Rows of the last layer with parameters: a fine-tuned file keeps its own number of classes.
static int32_t class_count(const dogb_weights *weights, const dogb_graph *graph) {
    for (int32_t i = graph->param_count - 1; i >= 0; i--) {
        const dogb_param *param = &graph->params[i];
        const dogb_weight *tensor = dogb_weights_find(weights, param->name);
        if (param->role != DOGB_ROLE_WEIGHT) {
            continue;
        }
        int fits = tensor != NULL && tensor->rank == param->rank && tensor->shape[0] >= 1 &&
                   tensor->shape[0] <= INT32_MAX;
        return fits ? (int32_t)tensor->shape[0] : CLASSES_DEFAULT;
    }
    return CLASSES_DEFAULT;
}

static int build(dogb_graph **out, const dogb_weights *weights, const dogb_arch *arch) {
    dogb_arch_options options = {.head = "original", .classes = CLASSES_DEFAULT};
    int rc = dogb_arch_build(out, arch, &options);
    if (rc < 0) {
        return rc;
    }
    options.classes = class_count(weights, *out);
    if (options.classes == CLASSES_DEFAULT) {
        return DOGBREED_OK;
    }
    dogb_graph *fitting = NULL;
    if ((rc = dogb_arch_build(&fitting, arch, &options)) == DOGBREED_OK) {
        dogb_graph_destroy(*out);
        *out = fitting;
    }
    // A number of classes that no network has is not an error here: the shapes will tell.
    return rc == DOGBREED_ERROR_INVALID_ARGUMENT ? DOGBREED_OK : rc;
}

static int check_network(report *out, const dogb_weights *weights, const dogb_graph *graph) {
    int rc = DOGBREED_OK;
    uint8_t *known = dogb_alloc(out->arena, weights->count, 1);
    if (known == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; i < graph->param_count; i++) {
        if ((rc = check_param(out, known, weights, &graph->params[i])) < 0) {
            return rc;
        }
    }
    for (size_t i = 0; i < weights->count; i++) {
        if (!known[i] && (rc = add_text(out->unexpected, weights->tensors[i].name)) < 0) {
            return rc;
        }
    }
    return DOGBREED_OK;
}

static int check_architecture(report *out, json_t *object, const dogb_weights *weights,
                              const char *architecture) {
    const dogb_arch *arch = NULL;
    dogb_graph *graph = NULL;
    int rc = dogb_arch_find(&arch, architecture);
    if (rc < 0 || (rc = build(&graph, weights, arch)) < 0 ||
        (rc = dogb_json_set_text(object, "architecture", arch->name)) < 0) {
        goto out;
    }
    rc = check_network(out, weights, graph);
out:
    dogb_graph_destroy(graph);
    return rc;
}

// --- the document

static int begin(report *out, dogb_arena *arena) {
    json_t **const lists[] = {&out->problems, &out->missing, &out->unexpected, &out->mismatched};
    out->arena = arena;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        *lists[i] = dogb_json_array(arena);
        if (*lists[i] == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    return DOGBREED_OK;
}

static int end(const report *out, json_t *object, const dogb_weights *weights) {
    int rc = DOGBREED_OK;
    size_t bad = json_array_size(out->problems) + json_array_size(out->missing) +
                 json_array_size(out->unexpected) + json_array_size(out->mismatched);
    if ((rc = dogb_json_set_bool(object, "ok", bad == 0)) < 0 ||
        (rc = dogb_json_set_text(object, "file", weights->path)) < 0 ||
        (rc = dogb_json_set_text(object, "format", weights->format)) < 0 ||
        (rc = dogb_json_set_int(object, "tensors", (int64_t)weights->count)) < 0 ||
        (rc = dogb_json_set_int(object, "elements", out->elements)) < 0 ||
        (rc = dogb_json_set_int(object, "nan", out->nan)) < 0 ||
        (rc = dogb_json_set_int(object, "infinite", out->infinite)) < 0 ||
        (rc = dogb_json_set(object, "problems", json_incref(out->problems))) < 0 ||
        (rc = dogb_json_set(object, "missing", json_incref(out->missing))) < 0 ||
        (rc = dogb_json_set(object, "unexpected", json_incref(out->unexpected))) < 0) {
        return rc;
    }
    return dogb_json_set(object, "mismatched", json_incref(out->mismatched));
}

int dogbreed_weights_verify(char **json, const char *path, const char *architecture) {
    dogb_arena scratch = {0};
    dogb_weights *weights = NULL;
    report found = {0};
    int rc = DOGBREED_OK;
    DOGB_CHECK(json != NULL, "dogbreed_weights_verify: json is NULL");
    *json = NULL;
    DOGB_CHECK(path != NULL, "dogbreed_weights_verify: path is NULL");
    json_t *object = dogb_json_object(&scratch);
    if (object == NULL) {
        rc = DOGBREED_ERROR_NO_MEMORY;
        goto out;
    }
    if ((rc = begin(&found, &scratch)) < 0 || (rc = dogb_weights_open(&weights, path)) < 0) {
        goto out;
    }
    for (size_t i = 0; i < weights->count; i++) {
        if ((rc = check_numbers(&found, &weights->tensors[i])) < 0) {
            goto out;
        }
    }
    if ((strcmp(weights->format, "pth (zip)") == 0 && (rc = check_sums(&found, path)) < 0) ||
        (architecture != NULL &&
         (rc = check_architecture(&found, object, weights, architecture)) < 0) ||
        (rc = end(&found, object, weights)) < 0) {
        goto out;
    }
    rc = dogb_json_text_out(json, object, 0);
out:
    dogb_weights_destroy(weights);
    dogb_arena_free(&scratch);
    return rc;
}
