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

/* --- batch transform: a result of each picture in a file of its own */

/* What is in a result, as Accept says it to an endpoint (JSONLINES is of files alone). The scores
 * (logits) of all classes in their order; or, where top_k is 1 or more, labels and probabilities.
 */
enum {
    DOGBREED_ACCEPT_JSON = 0,       /* [[0.5,-2.0]], or as PREDICTIONS */
    DOGBREED_ACCEPT_JSONLINES = 1,  /* [0.5,-2.0] and a newline; labels too */
    DOGBREED_ACCEPT_CSV = 2,        /* 0.5,-2.0 and a newline; no labels */
    DOGBREED_ACCEPT_PREDICTIONS = 3 /* application/vnd.dogbreed+json: labels */
};

typedef struct dogbreed_transform_options {
    uint32_t struct_size;
    uint32_t kind;
    int32_t accept;    /* DOGBREED_ACCEPT_ */
    int32_t top_k;     /* classes with their probabilities; 0: the scores of all, where accept is
                          PREDICTIONS the best five */
    int32_t overwrite; /* 1: results that are in the folder are removed first */
    int32_t reserved;
} dogbreed_transform_options;

DOGBREED_API int dogbreed_transform_options_init(dogbreed_transform_options *options,
                                                 size_t struct_size);

/* States of a picture. ASKED comes before anything is computed, once for each: where the function
 * returns DOGBREED_TRANSFORM_PASS, the picture is passed over, as for a result kept elsewhere. */
enum {
    DOGBREED_TRANSFORM_ASKED = 0,
    DOGBREED_TRANSFORM_WRITTEN = 1, /* its result is on the disk */
    DOGBREED_TRANSFORM_PASSED = 2,  /* its result was there, and whole */
    DOGBREED_TRANSFORM_FAILED = 3   /* it has none: code and message say why */
};
enum { DOGBREED_TRANSFORM_PASS = 2 }; /* returned for ASKED */

/* What became of one picture. Texts are valid during the call. */
typedef struct dogbreed_transform_result {
    uint32_t struct_size;
    int32_t state;       /* DOGBREED_TRANSFORM_ */
    const char *path;    /* of the picture */
    const char *name;    /* of its result, below the folder */
    const char *message; /* of a failure; else "" */
    int64_t done;        /* pictures with a result or a failure, so far */
    int64_t total;
    int32_t code; /* of a failure; else DOGBREED_OK */
    int32_t reserved;
} dogbreed_transform_result;

/* DOGBREED_OK: go on. DOGBREED_STOP: end when what is in flight is written (CANCELLED). Negative:
 * the same, with CALLBACK. Called on the thread that made the call. */
typedef int (*dogbreed_transform_fn)(const dogbreed_transform_result *result, void *userdata);

/* Writes folder/NAME.out for each picture. A path is a picture, or a folder that stands for every
 * .jpg, .jpeg and .png file below it (what begins with a dot is left out); NAME is the place below
 * such a folder, else the file's own name. Files are decoded by the predictor's threads and
 * computed in its batches; a result has the same bytes for any number of either (engine torch: the
 * same to its tolerance). Results reach the disk in groups: written aside, synced, renamed. The
 * call may end at any moment, also by a signal that kills: made again, it passes over the results
 * that are there and whole.
 * folder/transform.json says what made them: weights, classes, preprocessing, dtype, crop, form. A
 * folder with results of anything else, or of nobody knows what, is refused (MISMATCH) unless
 * `overwrite` is set.
 * crop may be NULL. fn hears of each picture; a picture that fails does not end the call. fn NULL:
 * the first one does, with its code. Returns also NOT_FOUND (a folder without pictures), MISMATCH
 * (two pictures with the same NAME), IO (the folder cannot be written), INVALID_ARGUMENT,
 * CANCELLED, CALLBACK, DEVICE, NO_MEMORY. Concurrent, into different folders. */
DOGBREED_API int dogbreed_predictor_transform(dogbreed_predictor *predictor,
                                              const char *const *paths, int32_t path_count,
                                              const dogbreed_rectangle *crop, const char *folder,
                                              const dogbreed_transform_options *options,
                                              dogbreed_transform_fn fn, void *userdata);

DOGBREED_API void dogbreed_predictor_destroy(dogbreed_predictor *predictor);

#ifdef __cplusplus
}
#endif
#endif
