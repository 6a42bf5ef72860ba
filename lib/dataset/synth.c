// synth.c - writes a drawn data set: train, valid and test with a folder for each class. The same
// options give the same bytes with the same JPEG library.
#include "dataset/synth.h"

#include "core/error.h"
#include "core/file.h"
#include "core/thread.h"
#include "dataset/storage.h"

enum { QUALITY = 90 };

typedef struct job {
    const char *directory;
    char *const *names;
    dogbreed_synth_options options;
    int32_t valid; // pictures of each class
    int32_t test;
} job;

static const char *split_of(const job *j, int32_t number) {
    int32_t train = j->options.per_class - j->valid - j->test;
    return number < train ? "train" : number < train + j->valid ? "valid" : "test";
}

static int write_one(int64_t index, void *userdata) {
    const job *j = userdata;
    int32_t label = (int32_t)(index / j->options.per_class);
    int32_t number = (int32_t)(index % j->options.per_class);
    size_t side = (size_t)j->options.size;
    dogb_arena arena = {0};
    uint8_t *bytes = NULL;
    size_t size = 0;
    dogb_image image = {dogb_alloc_raw(&arena, side * side, 3), j->options.size, j->options.size};
    char *path = dogb_format(&arena, "%s/%s/%s/%04d.jpg", j->directory, split_of(j, number),
                             j->names[label], (int)number + 1);
    int rc = image.pixels == NULL || path == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc == DOGBREED_OK) {
        dogb_synth_draw(&image, j->options.seed, label, number);
        rc = dogb_jpeg_encode(&bytes, &size, &arena, &image, QUALITY);
    }
    if (rc == DOGBREED_OK) {
        rc = dogb_file_put(path, bytes, size);
    }
    dogb_arena_free(&arena);
    return rc;
}

static int refuse_full(dogb_arena *arena, const char *directory) {
    dogb_listing listing;
    if (dogb_file_exists(directory)) {
        return dogb_fail(DOGBREED_ERROR_EXISTS, "%s: a file, expected a new or empty folder",
                         directory);
    }
    if (!dogb_directory_exists(directory)) {
        return DOGBREED_OK;
    }
    int rc = dogb_list(&listing, arena, directory);
    if (rc == DOGBREED_OK && listing.file_count + listing.folder_count > 0) {
        rc = dogb_fail(DOGBREED_ERROR_EXISTS,
                       "%s: the folder is not empty, expected a new or empty one", directory);
    }
    return rc;
}

static int make_folders(const job *j, dogb_arena *arena) {
    static const char *const splits[] = {"train", "valid", "test"};
    int rc = DOGBREED_OK;
    for (int s = 0; s < 3; s++) {
        for (int32_t c = 0; rc == DOGBREED_OK && c < j->options.classes; c++) {
            char *path = dogb_format(arena, "%s/%s/%s", j->directory, splits[s], j->names[c]);
            rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_directory_make(path);
        }
    }
    return rc;
}

int dogbreed_dataset_synthesize(const char *directory, const dogbreed_synth_options *options) {
    DOGB_CHECK(directory != NULL && *directory != '\0',
               "dogbreed_dataset_synthesize: directory is empty");
    dogb_arena arena = {0};
    job j = {.directory = directory};
    char **names = NULL;
    int rc = dogb_table_import(&j.options, &dogb_synth_table, options, &arena);
    if (rc < 0) {
        goto out;
    }
    // 15 % each, rounded to the nearest, at least one.
    j.valid = (j.options.per_class * 15 + 50) / 100;
    j.valid = j.valid < 1 ? 1 : j.valid;
    j.test = j.valid;
    names = dogb_alloc(&arena, (size_t)j.options.classes, sizeof *names);
    for (int32_t c = 0; names != NULL && c < j.options.classes; c++) {
        names[c] = dogb_synth_class_name(&arena, c);
        if (names[c] == NULL) {
            rc = DOGBREED_ERROR_NO_MEMORY;
        }
    }
    j.names = names;
    if (names == NULL || rc < 0) {
        rc = DOGBREED_ERROR_NO_MEMORY;
        goto out;
    }
    if ((rc = refuse_full(&arena, directory)) < 0 || (rc = make_folders(&j, &arena)) < 0) {
        goto out;
    }
    rc = dogb_parallel(dogb_thread_count(0), (int64_t)j.options.classes * j.options.per_class,
                       write_one, &j);
out:
    dogb_arena_free(&arena);
    return rc;
}
