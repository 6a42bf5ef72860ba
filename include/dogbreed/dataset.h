/* dogbreed/dataset.h - labelled image folders: open, split, look at, check, draw.
 *
 * Layouts: root/{train,valid|val,test}/class/file, or root/class/file, which is split by a seeded,
 * stratified draw. Classes are the sorted folder names (bytes), as in torchvision's ImageFolder.
 * Files are JPEG or PNG by content.
 */
#ifndef DOGBREED_DATASET_H
#define DOGBREED_DATASET_H

#include <dogbreed/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Immutable after open: any number of threads may read it. A handle knows which split it is. */
typedef struct dogbreed_dataset dogbreed_dataset;

enum { DOGBREED_WARNINGS_ERROR = 0, DOGBREED_WARNINGS_PILLOW = 1 };

typedef struct dogbreed_dataset_options {
    uint32_t struct_size;
    uint32_t kind;
    uint64_t seed;         /* of the split that is drawn when the folder has none */
    double valid_fraction; /* of that split, 0..1 */
    double test_fraction;
    double bad_fraction; /* share of unreadable files that is tolerated while training, 0..1 */
    int64_t pixels_max;  /* larger images are refused */
    int64_t bytes_max;   /* larger files are refused */
    int32_t
        jpeg_warnings; /* DOGBREED_WARNINGS_: refuse damaged JPEGs, or accept what Pillow accepts */
    int32_t reserved;
    const char *class_list; /* file with the name of a class in each line: the classes, also those
                               without a folder here; "": the folders are */
} dogbreed_dataset_options;

DOGBREED_API int dogbreed_dataset_options_init(dogbreed_dataset_options *options,
                                               size_t struct_size);

typedef struct dogbreed_sample {
    uint32_t struct_size;
    int32_t label;    /* class index */
    const char *path; /* owned by the dataset */
} dogbreed_sample;

/* Opens a folder (path or file:// URI) and lists it; decodes nothing. The handle covers all splits.
 * Returns NOT_FOUND (no such folder), FORMAT (no class folders, a class without images in train,
 * ...), IO. */
DOGBREED_API int dogbreed_dataset_open(dogbreed_dataset **out, const char *uri,
                                       const dogbreed_dataset_options *options);

/* Handle of one split: "train", "valid" ("val" is the same) or "test"; "all" covers every one.
 * Shares the parent's storage. Returns NOT_FOUND when the dataset has no such split. */
DOGBREED_API int dogbreed_dataset_split(dogbreed_dataset **out, const dogbreed_dataset *dataset,
                                        const char *name);

/* Number of samples of this handle. */
DOGBREED_API int64_t dogbreed_dataset_size(const dogbreed_dataset *dataset);

DOGBREED_API int32_t dogbreed_dataset_class_count(const dogbreed_dataset *dataset);

/* Name of a class; NULL when out of range. Owned by the dataset. */
DOGBREED_API const char *dogbreed_dataset_class_name(const dogbreed_dataset *dataset,
                                                     int32_t index);

/* Sample `index` in the dataset's fixed order (class, then file name; split by split when the
 * handle covers a folder that has splits). Set out->struct_size before the call. Returns
 * INVALID_ARGUMENT.
 */
DOGBREED_API int dogbreed_dataset_sample(const dogbreed_dataset *dataset, int64_t index,
                                         dogbreed_sample *out);

typedef struct dogbreed_check_options {
    uint32_t struct_size;
    uint32_t kind;
    double bad_fraction; /* share of unreadable files above which the verdict is "invalid" */
    int32_t decode;      /* 1: decode every file; 0: read headers only */
    int32_t threads;     /* 0: one per usable core */
} dogbreed_check_options;

DOGBREED_API int dogbreed_check_options_init(dogbreed_check_options *options, size_t struct_size);

/* Reads every file and reports counts per class and split, sizes, class balance, broken,
 * unsupported and oddly tagged files, exact duplicates inside and across splits (leakage) and
 * between classes, channel means and deviations, and a verdict ("ok", "warnings", "invalid"), as
 * JSON. */
DOGBREED_API int dogbreed_dataset_check(char **json, const dogbreed_dataset *dataset,
                                        const dogbreed_check_options *options);

typedef struct dogbreed_synth_options {
    uint32_t struct_size;
    uint32_t kind;
    uint64_t seed;
    int32_t classes;   /* 2..64 */
    int32_t per_class; /* images per class over all splits: 70 % train, 15 % valid, 15 % test */
    int32_t size;      /* side of the pictures, pixels */
    int32_t reserved;
} dogbreed_synth_options;

DOGBREED_API int dogbreed_synth_options_init(dogbreed_synth_options *options, size_t struct_size);

/* Draws a small data set of shapes, colours and textures into a new or empty folder; the same seed
 * gives the same bytes. Returns EXISTS (the folder is not empty), IO. */
DOGBREED_API int dogbreed_dataset_synthesize(const char *directory,
                                             const dogbreed_synth_options *options);

DOGBREED_API void dogbreed_dataset_destroy(dogbreed_dataset *dataset);

#ifdef __cplusplus
}
#endif
#endif
