// dataset.c - handles of a listing and of its splits, and access to samples.
#include "core/hex.h"
#include "dataset/storage.h"

#include "core/error.h"
#include "core/file.h"

#include <string.h>

static const char *const split_names[] = {"all", "train", "valid", "test", "train+valid"};

static void drop_storage(dogb_storage *storage) {
    if (dogb_ref_drop(&storage->refs)) {
        (void)pthread_mutex_destroy(&storage->lock);
        dogb_arena_free(&storage->arena);
        dogb_free(storage);
    }
}

int dogb_dataset_handle(dogbreed_dataset **out, dogb_storage *storage, int32_t kind) {
    dogbreed_dataset *dataset = dogb_malloc(1, sizeof *dataset);
    if (dataset == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    dogb_ref_take(&storage->refs);
    dataset->refs = 1;
    dataset->kind = kind;
    dataset->storage = storage;
    *out = dataset;
    return DOGBREED_OK;
}

static int split_handle(dogbreed_dataset **out, dogb_storage *storage, int32_t kind) {
    int rc = dogb_dataset_handle(out, storage, kind);
    if (rc == DOGBREED_OK) {
        (*out)->count = storage->split_count[kind];
        (*out)->index = storage->splits[kind];
    }
    return rc;
}

// The path that a URI names: "file://" with %XX, or a plain path as it is.
static int path_of(const char **out, dogb_arena *arena, const char *uri) {
    static const char file[] = "file://";
    const char *scheme = strstr(uri, "://");
    int is_file = strncmp(uri, file, sizeof file - 1) == 0;
    if (scheme != NULL && !is_file && strcspn(uri, "/.") > (size_t)(scheme - uri)) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED, "%s: expected a folder or a file:// URI", uri);
    }
    char *path = dogb_strdup(arena, is_file ? uri + sizeof file - 1 : uri);
    if (path == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (is_file && path[0] != '/') {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "%s: expected an absolute path behind file://", uri);
    }
    char *to = path;
    for (const char *from = path; *from != '\0'; from++) {
        int value = is_file && *from == '%' ? dogb_hex_byte(from + 1) : -1;
        if (value > 0) {
            *to++ = (char)value;
            from += 2;
        } else {
            *to++ = *from;
        }
    }
    while (to > path + 1 && to[-1] == '/') {
        to--;
    }
    *to = '\0';
    // "/" itself: paths below a root are its text, a slash and a name.
    *out = strcmp(path, "/") == 0 ? dogb_strdup(arena, "/.") : path;
    return *out == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

static int open_storage(dogb_storage *storage, const char *uri,
                        const dogbreed_dataset_options *options) {
    const char *root = "";
    int rc = dogb_table_import(&storage->options, &dogb_dataset_table, options, &storage->arena);
    if (rc < 0) {
        return rc;
    }
    if (storage->options.valid_fraction + storage->options.test_fraction >= 1.0) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "valid_fraction %g and test_fraction %g leave nothing to train on, "
                         "expected a sum below 1",
                         storage->options.valid_fraction, storage->options.test_fraction);
    }
    if ((rc = path_of(&root, &storage->arena, uri)) < 0) {
        return rc;
    }
    storage->root = root;
    storage->root_length = strlen(root);
    if ((rc = dogb_scan(storage)) < 0) {
        return rc;
    }
    if (storage->drawn && (rc = dogb_split_draw(storage)) < 0) {
        return rc;
    }
    return dogb_split_index(storage);
}

int dogbreed_dataset_open(dogbreed_dataset **out, const char *uri,
                          const dogbreed_dataset_options *options) {
    DOGB_CHECK(out != NULL, "dogbreed_dataset_open: out is NULL");
    *out = NULL;
    DOGB_CHECK(uri != NULL && *uri != '\0', "dogbreed_dataset_open: uri is empty");
    dogb_storage *storage = dogb_malloc(1, sizeof *storage);
    if (storage == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    storage->refs = 1;
    if (pthread_mutex_init(&storage->lock, NULL) != 0) {
        dogb_free(storage);
        return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "a lock cannot be made");
    }
    int rc = open_storage(storage, uri, options);
    rc = rc < 0 ? rc : split_handle(out, storage, DOGB_SPLIT_ALL);
    drop_storage(storage);
    return rc;
}

static int no_split(const dogb_storage *storage, int32_t kind) {
    const char *names[DOGB_SPLIT_COUNT - 1] = {"", "", ""};
    int count = 0;
    for (int i = DOGB_SPLIT_TRAIN; i < DOGB_SPLIT_COUNT; i++) {
        if (storage->split_count[i] > 0) {
            names[count++] = split_names[i];
        }
    }
    return dogb_fail(DOGBREED_ERROR_NOT_FOUND,
                     "%s: no images in a split \"%s\", only in %s%s%s%s%s", storage->root,
                     split_names[kind], names[0], count > 1 ? ", " : "", names[1],
                     count > 2 ? ", " : "", names[2]);
}

int dogbreed_dataset_split(dogbreed_dataset **out, const dogbreed_dataset *dataset,
                           const char *name) {
    DOGB_CHECK(out != NULL, "dogbreed_dataset_split: out is NULL");
    *out = NULL;
    DOGB_CHECK(dataset != NULL, "dogbreed_dataset_split: dataset is NULL");
    DOGB_CHECK(name != NULL, "dogbreed_dataset_split: name is NULL");
    int32_t kind = strcmp(name, "val") == 0 ? DOGB_SPLIT_VALID : -1;
    for (int32_t i = 0; i < DOGB_SPLIT_COUNT; i++) {
        kind = strcmp(name, split_names[i]) == 0 ? i : kind;
    }
    if (kind < 0) {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND,
                         "\"%s\" is no split, expected train, valid, test or all", name);
    }
    if (dataset->storage->split_count[kind] == 0) {
        return no_split(dataset->storage, kind);
    }
    return split_handle(out, dataset->storage, kind);
}

void dogbreed_dataset_destroy(dogbreed_dataset *dataset) {
    if (dataset != NULL && dogb_ref_drop(&dataset->refs)) {
        dogb_free(dataset->view);
        dogb_free(dataset->own);
        drop_storage(dataset->storage);
        dogb_free(dataset);
    }
}

dogbreed_dataset *dogb_dataset_retain(const dogbreed_dataset *dataset) {
    dogbreed_dataset *shared = (dogbreed_dataset *)dataset; // only the count changes
    dogb_ref_take(&shared->refs);
    return shared;
}

int64_t dogbreed_dataset_size(const dogbreed_dataset *dataset) {
    return dataset == NULL ? 0 : dataset->count;
}

int32_t dogbreed_dataset_class_count(const dogbreed_dataset *dataset) {
    return dataset == NULL ? 0 : dataset->storage->class_count;
}

const char *dogbreed_dataset_class_name(const dogbreed_dataset *dataset, int32_t index) {
    return dataset == NULL || index < 0 || index >= dataset->storage->class_count
               ? NULL
               : dataset->storage->classes[index];
}

int dogbreed_dataset_sample(const dogbreed_dataset *dataset, int64_t index, dogbreed_sample *out) {
    DOGB_CHECK(dataset != NULL, "dogbreed_dataset_sample: dataset is NULL");
    DOGB_CHECK(out != NULL, "dogbreed_dataset_sample: out is NULL");
    DOGB_CHECK(out->struct_size >= sizeof *out,
               "dogbreed_dataset_sample: struct_size is %u, expected sizeof(dogbreed_sample)",
               out->struct_size);
    DOGB_CHECK(index >= 0 && index < dataset->count,
               "dogbreed_dataset_sample: index %lld, expected 0 to %lld", (long long)index,
               (long long)dataset->count - 1);
    const dogb_record *record = dogb_record_of(dataset, index);
    out->label = record->label;
    out->path = record->path;
    return DOGBREED_OK;
}

int32_t dogb_dataset_kind(const dogbreed_dataset *dataset) {
    return dataset->kind;
}

const char *dogb_dataset_split_name(const dogbreed_dataset *dataset) {
    return split_names[dataset->kind];
}

const char *dogb_dataset_root(const dogbreed_dataset *dataset) {
    return dataset->storage->root;
}

const dogbreed_dataset_options *dogb_dataset_options(const dogbreed_dataset *dataset) {
    return &dataset->storage->options;
}

void dogb_dataset_limits(dogb_image_limits *out, const dogbreed_dataset *dataset) {
    const dogbreed_dataset_options *options = &dataset->storage->options;
    dogb_image_limits_default(out);
    // Whoever allows larger pictures allows the decoder the same memory per pixel for them.
    if (options->pixels_max > out->pixels_max) {
        out->memory_max = (int64_t)((double)out->memory_max * (double)options->pixels_max /
                                    (double)out->pixels_max);
    }
    out->pixels_max = options->pixels_max;
    out->jpeg_warnings = options->jpeg_warnings;
}

const char *dogb_dataset_path(const dogbreed_dataset *dataset, int64_t index) {
    return dogb_record_of(dataset, index)->path;
}

int32_t dogb_dataset_label(const dogbreed_dataset *dataset, int64_t index) {
    return dogb_record_of(dataset, index)->label;
}

int dogb_dataset_same(const dogbreed_dataset *a, const dogbreed_dataset *b) {
    return a->storage == b->storage && a->kind == b->kind;
}
