/* dogbreed/model.h - networks with weights, class names and preprocessing: create, load, save,
 * export, inspect. */
#ifndef DOGBREED_MODEL_H
#define DOGBREED_MODEL_H

#include <dogbreed/dataset.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dogbreed_model dogbreed_model;

enum { DOGBREED_FILTER_BILINEAR = 0, DOGBREED_FILTER_BICUBIC = 1, DOGBREED_FILTER_LANCZOS = 2 };
enum { DOGBREED_EXIF_IGNORE = 0, DOGBREED_EXIF_APPLY = 1 };
enum {
    DOGBREED_BATCH_NORM_AUTO = 0,
    DOGBREED_BATCH_NORM_FROZEN = 1,
    DOGBREED_BATCH_NORM_TRAIN = 2
};
enum { /* number format of activations */
       DOGBREED_DTYPE_F32 = 0,
       DOGBREED_DTYPE_BF16 = 1,
       DOGBREED_DTYPE_INT8 = 2, /* of a quantised model, on an engine that can */
       DOGBREED_DTYPE_AUTO = 3  /* int8 where it is possible, else f32 */
};

typedef struct dogbreed_architecture {
    uint32_t struct_size;
    int32_t input_size;         /* side of the square input, pixels */
    const char *name;           /* "mobilenet_v2" */
    const char *family;         /* "mobilenet" */
    const char *stages;         /* comma-separated names that `freeze` accepts */
    int64_t parameter_count;    /* with 1,000 classes */
    int64_t multiply_add_count; /* of one image at input_size */
    int32_t feature_size;       /* numbers per image in front of the head */
    int32_t resize;             /* short side before the centre crop, pixels */
} dogbreed_architecture;

DOGBREED_API int32_t dogbreed_architecture_count(void);

/* Set out->struct_size before the call; strings are static. Returns NOT_FOUND past the last one.
 * Any thread. */
DOGBREED_API int dogbreed_architecture_info(dogbreed_architecture *out, int32_t index);

typedef struct dogbreed_model_options {
    uint32_t struct_size;
    uint32_t kind;
    uint64_t seed;            /* of the initial values of new layers */
    const char *architecture; /* name of dogbreed_architecture */
    const char *weights;      /* file with pretrained weights; "": random */
    const char *head; /* "linear", "mlp:<hidden>[:<dropout>]", or "original" (the network's own) */
    const char
        *freeze; /* "head" (all but the head is frozen), "none", or a stage: it and all before it */
    int32_t classes;    /* number of outputs when no dataset gives them; 0: 1,000 */
    int32_t batch_norm; /* DOGBREED_BATCH_NORM_; auto: frozen with pretrained weights, else train */
    int32_t input_size; /* crop, pixels; 0: the architecture's */
    int32_t resize;     /* short side before the crop, pixels; 0: the architecture's */
    int32_t filter;     /* DOGBREED_FILTER_ of the resize */
    int32_t exif_orientation; /* DOGBREED_EXIF_ */
} dogbreed_model_options;

DOGBREED_API int dogbreed_model_options_init(dogbreed_model_options *options, size_t struct_size);

/* Builds a network for the classes of a dataset (NULL: options->classes outputs named by number),
 * loads pretrained weights, draws the new head. Opens no engine. Returns INVALID_ARGUMENT,
 * NOT_FOUND, FORMAT, MISMATCH (weights do not fit: names the tensor). */
DOGBREED_API int dogbreed_model_create(dogbreed_model **out, const dogbreed_dataset *dataset,
                                       const dogbreed_model_options *options);

/* Loads a model file, the model of a run directory or of an archive (model.tar.gz). Returns
 * NOT_FOUND, FORMAT, MISMATCH, UNSUPPORTED. */
DOGBREED_API int dogbreed_model_load(dogbreed_model **out, const char *path);

/* Saves everything that prediction needs (weights, network, classes, preprocessing) in one
 * safetensors file, written aside, synced and renamed. */
DOGBREED_API int dogbreed_model_save(const dogbreed_model *model, const char *path);

/* Writes the weights for other programs: format "safetensors" or "pth" (NULL: by the ending of
 * path). */
DOGBREED_API int dogbreed_model_export(const dogbreed_model *model, const char *path,
                                       const char *format);

typedef struct dogbreed_parameter {
    uint32_t struct_size;
    int32_t trainable;
    const char *name; /* torchvision's state-dict key; owned by the model */
    int32_t rank;
    int32_t buffer; /* 1: running statistics or counter, not touched by the optimiser */
    int64_t shape[4];
    const float *data; /* NULL for the int64 counter of batch norm; valid until the model is trained
                          or destroyed */
} dogbreed_parameter;

DOGBREED_API int32_t dogbreed_model_parameter_count(const dogbreed_model *model);

/* Set out->struct_size before the call. Returns INVALID_ARGUMENT when out of range. */
DOGBREED_API int dogbreed_model_parameter(const dogbreed_model *model, int32_t index,
                                          dogbreed_parameter *out);

/* Marks every parameter whose name starts with `prefix` ("" = all). Returns NOT_FOUND when none
 * does. */
DOGBREED_API int dogbreed_model_set_trainable(dogbreed_model *model, const char *prefix,
                                              int32_t trainable);

DOGBREED_API int32_t dogbreed_model_class_count(const dogbreed_model *model);
DOGBREED_API const char *dogbreed_model_class_name(const dogbreed_model *model, int32_t index);

/* Architecture, head, layers with shapes, parameters and FLOPs, preprocessing, classes, metrics, as
 * JSON. */
DOGBREED_API int dogbreed_model_summary(char **json, const dogbreed_model *model);

/* What engine native makes of the network on this machine, as JSON (free with dogbreed_free): one
 * row per step with the joined layers, kernel, shapes (channels, height, width), multiply-adds of
 * one image, bytes of packed weights, scratch memory and the place of its value; totals. The
 * weights are packed for it. dtype: DOGBREED_DTYPE_, as in predictors. Returns INVALID_ARGUMENT
 * (int8 of a model that is not quantised), UNSUPPORTED (dtype), NO_MEMORY. Any thread. */
DOGBREED_API int dogbreed_model_plan(char **json, const dogbreed_model *model, int32_t dtype);

DOGBREED_API void dogbreed_model_destroy(dogbreed_model *model);

#ifdef __cplusplus
}
#endif
#endif
