// io.c - model files: one safetensors file with weights, network, classes and preprocessing; and
// weights for other programs.
#include "core/error.h"
#include "core/file.h"
#include "core/unpack.h"
#include "model/model_struct.h"

#include <string.h>

// The model's parameters as tensors of a file.
static dogb_weight *tensors_of(dogb_arena *arena, const dogbreed_model *model) {
    const dogb_graph *graph = model->graph;
    dogb_weight *tensors = dogb_alloc(arena, (size_t)graph->param_count + 1, sizeof *tensors);
    for (int32_t i = 0; tensors != NULL && i < graph->param_count; i++) {
        const dogb_param *param = &graph->params[i];
        int counter = param->role == DOGB_ROLE_COUNTER;
        tensors[i].name = param->name;
        tensors[i].data = model->weights[i];
        tensors[i].dtype = counter ? DOGB_I64 : DOGB_F32;
        tensors[i].bytes = (size_t)param->count * dogb_dtype_size(tensors[i].dtype);
        tensors[i].rank = param->rank;
        memcpy(tensors[i].shape, param->shape, (size_t)param->rank * sizeof param->shape[0]);
    }
    return tensors;
}

static int add_text(json_t *metadata, dogb_arena *arena, const char *key, const json_t *value) {
    char *text = dogb_json_text_in(arena, value, 0);
    return text == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_json_set_text(metadata, key, text);
}

// Weights of int8 layers as the whole numbers that they are.
static int shrink(dogb_weight *tensors, dogb_arena *arena, const dogbreed_model *model) {
    int rc = DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < model->graph->param_count; i++) {
        if (dogb_model_is_int8(model->graph, i)) {
            rc = dogb_model_int8_tensor(&tensors[i], arena, model, i);
        }
    }
    return rc;
}

int dogb_model_write(const dogbreed_model *model, const char *path) {
    dogb_arena scratch = {0};
    json_t *document = NULL;
    json_t *network = NULL;
    json_t *metadata = dogb_json_object(&scratch);
    dogb_weight *tensors = tensors_of(&scratch, model);
    int rc = metadata == NULL || tensors == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc < 0 || (rc = shrink(tensors, &scratch, model)) < 0 ||
        (rc = dogb_model_to_document(&document, &scratch, model)) < 0 ||
        (rc = dogb_graph_to_json(&network, &scratch, model->graph)) < 0 ||
        (rc = dogb_json_set_text(metadata, "format", "pt")) < 0 ||
        (rc = add_text(metadata, &scratch, "dogbreed", document)) < 0 ||
        (rc = add_text(metadata, &scratch, "dogbreed.graph", network)) < 0) {
        goto out;
    }
    rc = dogb_safetensors_write(path, tensors, (size_t)model->graph->param_count, metadata);
out:
    dogb_arena_free(&scratch);
    return rc;
}

int dogbreed_model_save(const dogbreed_model *model, const char *path) {
    DOGB_CHECK(model != NULL, "model save: model is NULL");
    DOGB_CHECK(path != NULL && *path != '\0', "model save: path is empty");
    return dogb_model_write(model, path);
}

static int write_plain(const char *path, const dogb_weight *tensors, size_t count) {
    dogb_arena scratch = {0};
    json_t *metadata = dogb_json_object(&scratch);
    int rc =
        metadata == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_json_set_text(metadata, "format", "pt");
    if (rc == DOGBREED_OK) {
        rc = dogb_safetensors_write(path, tensors, count, metadata);
    }
    dogb_arena_free(&scratch);
    return rc;
}

static const struct exporter {
    const char *name;
    int (*write)(const char *path, const dogb_weight *tensors, size_t count);
} exporters[] = {{"safetensors", write_plain}, {"pth", dogb_pth_write}, {"pt", dogb_pth_write}};

int dogbreed_model_export(const dogbreed_model *model, const char *path, const char *format) {
    DOGB_CHECK(model != NULL, "model export: model is NULL");
    DOGB_CHECK(path != NULL && *path != '\0', "model export: path is empty");
    const char *dot = strrchr(dogb_path_name(path), '.');
    const char *name = format != NULL ? format : dot != NULL ? dot + 1 : "";
    const struct exporter *exporter = NULL;
    for (size_t i = 0; i < sizeof exporters / sizeof *exporters; i++) {
        if (strcmp(exporters[i].name, name) == 0) {
            exporter = &exporters[i];
        }
    }
    DOGB_CHECK(exporter != NULL, "%s: \"%s\" is no format of exported weights, expected %s", path,
               name, "safetensors or pth");
    dogb_arena scratch = {0};
    dogb_weight *tensors = tensors_of(&scratch, model);
    int rc = tensors == NULL ? DOGBREED_ERROR_NO_MEMORY
                             : exporter->write(path, tensors, (size_t)model->graph->param_count);
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_model_parse(dogbreed_model **out, const char *document, const char *graph,
                     const char *what) {
    dogb_arena scratch = {0};
    dogbreed_model *model = NULL;
    dogb_graph *network = NULL;
    json_t *about = NULL;
    json_t *nodes = NULL;
    *out = NULL;
    int rc = dogb_json_parse(&about, &scratch, document, strlen(document), what);
    if (rc < 0 || (rc = dogb_json_parse(&nodes, &scratch, graph, strlen(graph), what)) < 0 ||
        (rc = dogb_model_new(&model)) < 0 ||
        (rc = dogb_graph_from_json(&network, nodes, what)) < 0 ||
        (rc = dogb_model_take_graph(model, network)) < 0 ||
        (rc = dogb_model_from_document(model, about, what)) < 0) {
        goto out;
    }
    *out = model;
    model = NULL;
out:
    dogbreed_model_destroy(model);
    dogb_arena_free(&scratch);
    return rc;
}

// Puts a tensor of a file into a model, as a copy or not.
typedef int (*tensor_fn)(dogbreed_model *model, int32_t param, const dogb_weight *tensor,
                         const char *path);

static int fill(dogbreed_model *model, const dogb_weights *file, tensor_fn take) {
    const dogb_graph *graph = model->graph;
    for (int32_t i = 0; i < graph->param_count; i++) {
        const dogb_weight *tensor = dogb_weights_find(file, graph->params[i].name);
        if (tensor == NULL) {
            return dogb_fail(DOGBREED_ERROR_MISMATCH,
                             "%s: there is no tensor %s, which its network needs", file->path,
                             graph->params[i].name);
        }
        int rc = take(model, i, tensor, file->path);
        if (rc < 0) {
            return rc;
        }
    }
    for (size_t i = 0; i < file->count; i++) {
        if (dogb_graph_find_param(graph, file->tensors[i].name) < 0) {
            return dogb_fail(DOGBREED_ERROR_MISMATCH, "%s: tensor %s is not part of its network",
                             file->path, file->tensors[i].name);
        }
    }
    return DOGBREED_OK;
}

static void close_file(void *file) {
    dogb_weights_destroy(file);
}

static int is_archive(const char *path) {
    static const char *const endings[] = {".tar.gz", ".tgz", ".tar"};
    size_t length = strlen(path);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t size = strlen(endings[i]);
        if (length > size && strcmp(path + length - size, endings[i]) == 0) {
            return dogb_file_exists(path);
        }
    }
    return 0;
}

// Unpacks an archive for as long as the arena lives; what was mapped of it stays.
static int unpack(const char **path, dogb_arena *arena) {
    enum { FILES_MAX = 1000 };
    char *folder = NULL;
    int rc = dogb_directory_temporary(&folder, arena, "dogbreed-model");
    const dogb_unpack_conf conf = {
        .what = *path, .directory = folder, .bytes_max = (int64_t)16 << 30, .files_max = FILES_MAX};
    rc = rc < 0 ? rc : dogb_unpack_file(*path, &conf, NULL);
    *path = folder;
    return rc;
}

static int load(dogbreed_model **out, const char *path, tensor_fn take) {
    dogb_arena scratch = {0};
    dogb_weights *file = NULL;
    dogbreed_model *model = NULL;
    int unpacked = is_archive(path) ? unpack(&path, &scratch) : DOGBREED_OK;
    if (unpacked < 0) {
        dogb_arena_free(&scratch);
        return unpacked;
    }
    // A run directory stands for the model in it.
    if (dogb_directory_exists(path)) {
        path = dogb_path_join(&scratch, path, "model.safetensors");
    }
    int rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_weights_open(&file, path);
    if (rc < 0) {
        goto out;
    }
    const char *document = json_string_value(json_object_get(file->metadata, "dogbreed"));
    const char *graph = json_string_value(json_object_get(file->metadata, "dogbreed.graph"));
    if (document == NULL || graph == NULL) {
        rc = dogb_fail(DOGBREED_ERROR_FORMAT,
                       "%s: weights without a model document: not a model file of this library "
                       "(it may serve as the weights option of a new model)",
                       path);
        goto out;
    }
    if ((rc = dogb_model_parse(&model, document, graph, path)) < 0 ||
        (rc = fill(model, file, take)) < 0 || (rc = dogb_model_int8_expand(model, path)) < 0) {
        goto out;
    }
    if (take == dogb_model_borrow_tensor) {
        rc = dogb_defer(&model->arena, close_file, file); // closed by it when it fails, too
        file = NULL;
        if (rc < 0) {
            goto out;
        }
    }
    *out = model;
    model = NULL;
out:
    dogbreed_model_destroy(model);
    dogb_weights_destroy(file);
    dogb_arena_free(&scratch);
    return rc;
}

int dogbreed_model_load(dogbreed_model **out, const char *path) {
    DOGB_CHECK(out != NULL, "model load: out is NULL");
    *out = NULL;
    DOGB_CHECK(path != NULL && *path != '\0', "model load: path is empty");
    return load(out, path, dogb_model_copy_tensor);
}

int dogb_model_map(dogbreed_model **out, const char *path) {
    *out = NULL;
    return load(out, path, dogb_model_borrow_tensor);
}
