/* dogbreed/predictor.h - classes and probabilities of images, from one model file. */
#ifndef DOGBREED_PREDICTOR_H
#define DOGBREED_PREDICTOR_H

#include <dogbreed/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* After create, the predict functions may be called from many threads at once. */
typedef struct dogbreed_predictor dogbreed_predictor;

typedef struct dogbreed_predictor_options {
    uint32_t struct_size;
    uint32_t kind;
    const char *engine;    /* "auto", or a name: "native", "torch", "ref" */
    const char *device;    /* "auto", "cpu", "cuda", "cuda:0" */
    int64_t pixels_max;    /* larger images are refused */
    int64_t bytes_max;     /* larger files are refused */
    int32_t threads;       /* compute threads of one call; 0: usable cores */
    int32_t batch_size;    /* images computed at once by predict_batch */
    int32_t dtype;         /* DOGBREED_DTYPE_ */
    int32_t jpeg_warnings; /* DOGBREED_WARNINGS_ */
    const char *cache_dir; /* of packed weights; "": the user's cache folder */
} dogbreed_predictor_options;

DOGBREED_API int dogbreed_predictor_options_init(dogbreed_predictor_options *options,
                                                 size_t struct_size);

typedef struct dogbreed_prediction {
    int32_t index;     /* class */
    float probability; /* 0..1 */
} dogbreed_prediction;

/* Pixels of the decoded (and, when the model says so, rotated) image; right and bottom are
 * exclusive. All zero: the whole image. */
typedef struct dogbreed_rectangle {
    int32_t left;
    int32_t top;
    int32_t right;
    int32_t bottom;
} dogbreed_rectangle;

/* From a model file or run directory. Returns NOT_FOUND, FORMAT, MISMATCH, UNSUPPORTED, DEVICE. */
DOGBREED_API int dogbreed_predictor_create(dogbreed_predictor **out, const char *path,
                                           const dogbreed_predictor_options *options);

/* From a model in memory; its weights are copied. */
DOGBREED_API int dogbreed_predictor_create_from_model(dogbreed_predictor **out,
                                                      const dogbreed_model *model,
                                                      const dogbreed_predictor_options *options);

DOGBREED_API int32_t dogbreed_predictor_class_count(const dogbreed_predictor *predictor);
DOGBREED_API const char *dogbreed_predictor_class_name(const dogbreed_predictor *predictor,
                                                       int32_t index);

/* The `count` most probable classes, best first, into out[0..count). count is 1..class count.
 * crop may be NULL. Returns NOT_FOUND, FORMAT (not a picture, damaged), UNSUPPORTED (another
 * format), INVALID_ARGUMENT (crop outside the image), NUMERIC (outputs that are not finite).
 * Concurrent. */
DOGBREED_API int dogbreed_predictor_predict_file(dogbreed_predictor *predictor, const char *path,
                                                 const dogbreed_rectangle *crop,
                                                 dogbreed_prediction *out, int32_t count);

/* The same for a JPEG or PNG in memory. Concurrent. */
DOGBREED_API int dogbreed_predictor_predict_bytes(dogbreed_predictor *predictor, const void *bytes,
                                                  size_t size, const dogbreed_rectangle *crop,
                                                  dogbreed_prediction *out, int32_t count);

/* The same for decoded pixels: 8-bit RGB, row after row, `stride` bytes from row to row.
 * Concurrent. */
DOGBREED_API int dogbreed_predictor_predict_pixels(dogbreed_predictor *predictor,
                                                   const uint8_t *pixels, int32_t width,
                                                   int32_t height, size_t stride,
                                                   const dogbreed_rectangle *crop,
                                                   dogbreed_prediction *out, int32_t count);

/* Many files at once: results of file i in out[i*count .. ), its result code in codes[i]; where a
 * file failed, index is -1. The message of each is what predict_file says of it; one message is
 * kept per thread, so call that again for the files that failed. codes may be NULL: the first
 * failure ends the call. Files are decoded by threads and computed in batches. Concurrent. */
DOGBREED_API int dogbreed_predictor_predict_batch(dogbreed_predictor *predictor,
                                                  const char *const *paths, int32_t path_count,
                                                  dogbreed_prediction *out, int32_t count,
                                                  int32_t *codes);

/* What the network says of a JPEG or PNG in memory, before softmax (logits): out[count], count is
 * the number of classes. Errors as predict_bytes. Concurrent. */
DOGBREED_API int dogbreed_predictor_scores(dogbreed_predictor *predictor, const void *bytes,
                                           size_t size, const dogbreed_rectangle *crop, float *out,
                                           int32_t count);

DOGBREED_API void dogbreed_predictor_destroy(dogbreed_predictor *predictor);

#ifdef __cplusplus
}
#endif
#endif
