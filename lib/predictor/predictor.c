// predictor.c - classes of single pictures: files, bytes, pixels. Preprocessing comes from the
// model alone, so that it is the one of the training.
#include "predictor/predictor_struct.h"
#include "core/error.h"
#include "core/file.h"
#include "core/thread.h"
#include "model/model_internal.h"

#include <string.h>

static int copy_classes(dogbreed_predictor *p, const dogbreed_model *model) {
    p->class_count = dogbreed_model_class_count(model);
    p->classes = dogb_alloc(&p->arena, (size_t)p->class_count, sizeof *p->classes);
    if (p->classes == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; i < p->class_count; i++) {
        p->classes[i] = dogb_strdup(&p->arena, dogbreed_model_class_name(model, i));
        if (p->classes[i] == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    return DOGBREED_OK;
}

// NULL: there is no folder; weights are packed anew at every start.
static const char *cache_folder(dogbreed_predictor *p) {
    char *folder = NULL;
    if (*p->options.cache_dir != '\0') {
        return dogb_directory_make(p->options.cache_dir) < 0 ? NULL : p->options.cache_dir;
    }
    return dogb_cache_directory(&folder, &p->arena, "packed") < 0 ? NULL : folder;
}

static int build(dogbreed_predictor *p, const dogbreed_model *model,
                 const dogbreed_predictor_options *options) {
    const char *device = NULL;
    int rc = dogb_table_import(&p->options, &dogb_predictor_table, options, &p->arena);
    if (rc < 0) {
        return rc;
    }
    if ((rc = copy_classes(p, model)) < 0 ||
        (rc = dogb_model_engine(&p->engine, &p->options.dtype, model, p->options.engine,
                                p->options.device)) < 0 ||
        (rc = dogb_engine_device(&device, &p->arena, p->engine, p->options.device)) < 0) {
        return rc;
    }
    p->preprocess = *dogb_model_preprocess(model);
    dogb_image_limits_default(&p->limits);
    p->limits.pixels_max = p->options.pixels_max;
    p->limits.jpeg_warnings = p->options.jpeg_warnings;
    p->threads = dogb_thread_count(p->options.threads);
    p->weight_bytes = (int64_t)dogb_engine_weight_bytes(dogb_model_graph(model));
    p->value_bytes = (int64_t)dogb_engine_value_bytes(dogb_model_graph(model));
    rc = dogb_engine_key(&p->key, dogb_model_graph(model), dogb_model_weights(model), p->threads);
    if (rc < 0) {
        return rc;
    }
    dogb_net_conf conf = {.device = device,
                          .mode = DOGB_NET_INFER,
                          .dtype = p->options.dtype,
                          .threads = p->threads,
                          .deterministic = 1,
                          .batch_norm = DOGB_BN_FROZEN,
                          .batch_max = p->options.batch_size,
                          .cache_dir = cache_folder(p),
                          .cache_key = &p->key};
    return dogb_engine_net(&p->net, p->engine, dogb_model_graph(model), dogb_model_weights(model),
                           &conf);
}

int dogbreed_predictor_create_from_model(dogbreed_predictor **out, const dogbreed_model *model,
                                         const dogbreed_predictor_options *options) {
    DOGB_CHECK(out != NULL, "predictor create: out is NULL");
    *out = NULL;
    DOGB_CHECK(model != NULL, "predictor create: model is NULL");
    dogbreed_predictor *predictor = dogb_malloc(1, sizeof *predictor);
    if (predictor == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = build(predictor, model, options);
    if (rc < 0) {
        dogbreed_predictor_destroy(predictor);
        return rc;
    }
    *out = predictor;
    return DOGBREED_OK;
}

int dogbreed_predictor_create(dogbreed_predictor **out, const char *path,
                              const dogbreed_predictor_options *options) {
    dogbreed_model *model = NULL;
    DOGB_CHECK(out != NULL, "predictor create: out is NULL");
    *out = NULL;
    DOGB_CHECK(path != NULL && *path != '\0', "predictor create: path is empty");
    int rc = dogb_model_map(&model, path);
    if (rc == DOGBREED_OK) {
        rc = dogbreed_predictor_create_from_model(out, model, options);
    }
    dogbreed_model_destroy(model);
    return rc;
}

int32_t dogbreed_predictor_class_count(const dogbreed_predictor *predictor) {
    return predictor == NULL ? 0 : predictor->class_count;
}

const char *dogbreed_predictor_class_name(const dogbreed_predictor *predictor, int32_t index) {
    return predictor == NULL || index < 0 || index >= predictor->class_count
               ? NULL
               : predictor->classes[index];
}

int dogb_predictor_check(const dogbreed_predictor *predictor, const dogbreed_prediction *out,
                         int32_t count) {
    DOGB_CHECK(predictor != NULL && out != NULL, "predict: predictor or out is NULL");
    DOGB_CHECK(count >= 1 && count <= predictor->class_count,
               "predict: count is %d, expected 1 to %d (the number of classes)", (int)count,
               (int)predictor->class_count);
    return DOGBREED_OK;
}

int dogb_predictor_compute(dogbreed_predictor *predictor, dogb_arena *scratch,
                           const uint8_t *pictures, int32_t pictures_count,
                           dogbreed_prediction *out, int32_t count) {
    size_t classes = (size_t)predictor->class_count;
    dogb_batch batch = {.data = pictures, .count = pictures_count, .dtype = DOGB_DATA_U8};
    float *logits = dogb_alloc(scratch, (size_t)pictures_count, classes * sizeof *logits);
    if (logits == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = dogb_predictor_logits(logits, predictor, &batch, predictor->threads);
    for (int32_t i = 0; rc == DOGBREED_OK && i < pictures_count; i++) {
        rc = dogb_top(out + (size_t)i * (size_t)count, count, logits + (size_t)i * classes,
                      predictor->class_count);
    }
    dogb_release(scratch, logits);
    return rc;
}

int dogb_predictor_load(const dogbreed_predictor *predictor, uint8_t *out, dogb_arena *scratch,
                        const char *path, const dogbreed_rectangle *crop) {
    void *bytes = NULL;
    size_t size = 0;
    int rc = dogb_file_read(&bytes, &size, scratch, path, (size_t)predictor->options.bytes_max);
    return rc < 0 ? rc
                  : dogb_predictor_decode(out, NULL, predictor, scratch,
                                          &(dogb_encoded){bytes, size, crop, path});
}

int dogbreed_predictor_predict_file(dogbreed_predictor *predictor, const char *path,
                                    const dogbreed_rectangle *crop, dogbreed_prediction *out,
                                    int32_t count) {
    dogb_arena scratch = {0};
    int rc = dogb_predictor_check(predictor, out, count);
    if (rc < 0) {
        return rc;
    }
    DOGB_CHECK(path != NULL && *path != '\0', "predict: path is empty");
    uint8_t *picture = dogb_alloc(&scratch, dogb_predictor_picture(predictor), 1);
    rc = picture == NULL ? DOGBREED_ERROR_NO_MEMORY
                         : dogb_predictor_load(predictor, picture, &scratch, path, crop);
    if (rc == DOGBREED_OK) {
        rc = dogb_predictor_compute(predictor, &scratch, picture, 1, out, count);
    }
    dogb_arena_free(&scratch);
    return rc;
}

int dogbreed_predictor_predict_bytes(dogbreed_predictor *predictor, const void *bytes, size_t size,
                                     const dogbreed_rectangle *crop, dogbreed_prediction *out,
                                     int32_t count) {
    dogb_arena scratch = {0};
    int rc = dogb_predictor_check(predictor, out, count);
    if (rc < 0) {
        return rc;
    }
    DOGB_CHECK(bytes != NULL && size > 0, "predict: there are no bytes");
    const dogb_encoded in = {bytes, size, crop, "bytes"};
    uint8_t *picture = dogb_alloc(&scratch, dogb_predictor_picture(predictor), 1);
    rc = picture == NULL ? DOGBREED_ERROR_NO_MEMORY
                         : dogb_predictor_decode(picture, NULL, predictor, &scratch, &in);
    if (rc == DOGBREED_OK) {
        rc = dogb_predictor_compute(predictor, &scratch, picture, 1, out, count);
    }
    dogb_arena_free(&scratch);
    return rc;
}

// Rows without padding; the caller's own memory when it already is so.
static int pack(dogb_image *out, dogb_arena *scratch, const uint8_t *pixels, size_t stride) {
    size_t row = (size_t)out->width * 3;
    if (stride == row) {
        out->pixels = (uint8_t *)pixels; // only read
        return DOGBREED_OK;
    }
    out->pixels = dogb_alloc_raw(scratch, (size_t)out->height, row);
    if (out->pixels == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t y = 0; y < out->height; y++) {
        memcpy(out->pixels + (size_t)y * row, pixels + (size_t)y * stride, row);
    }
    return DOGBREED_OK;
}

int dogbreed_predictor_predict_pixels(dogbreed_predictor *predictor, const uint8_t *pixels,
                                      int32_t width, int32_t height, size_t stride,
                                      const dogbreed_rectangle *crop, dogbreed_prediction *out,
                                      int32_t count) {
    dogb_arena scratch = {0};
    dogb_rect rect;
    int rc = dogb_predictor_check(predictor, out, count);
    if (rc < 0) {
        return rc;
    }
    DOGB_CHECK(pixels != NULL, "predict: pixels is NULL");
    DOGB_CHECK(width > 0 && height > 0 && (int64_t)width * height <= predictor->options.pixels_max,
               "predict: %d x %d pixels, expected 1 to %lld (pixels_max)", (int)width, (int)height,
               (long long)predictor->options.pixels_max);
    DOGB_CHECK(stride >= (size_t)width * 3, "predict: stride %zu is less than a row of %d pixels",
               stride, (int)width);
    dogb_image image = {.width = width, .height = height};
    uint8_t *picture = dogb_alloc(&scratch, dogb_predictor_picture(predictor), 1);
    rc = picture == NULL ? DOGBREED_ERROR_NO_MEMORY : pack(&image, &scratch, pixels, stride);
    if (rc == DOGBREED_OK) {
        rc = dogb_image_prepare(picture, &image, &predictor->preprocess, NULL,
                                dogb_predictor_rectangle(&rect, crop), "pixels");
    }
    if (rc == DOGBREED_OK) {
        rc = dogb_predictor_compute(predictor, &scratch, picture, 1, out, count);
    }
    dogb_arena_free(&scratch);
    return rc;
}

void dogbreed_predictor_destroy(dogbreed_predictor *predictor) {
    if (predictor == NULL) {
        return;
    }
    if (predictor->net != NULL) {
        predictor->engine->net_destroy(predictor->net);
    }
    dogb_arena_free(&predictor->arena);
    dogb_free(predictor);
}
