// fixture.h - a small picture folder, a tiny model on it and a trainer: what the tests of
// lib/trainer and lib/run train. Heads train on the engine that DOGBREED_TEST_ENGINE names.
#ifndef DOGB_TEST_TRAINER_FIXTURE_H
#define DOGB_TEST_TRAINER_FIXTURE_H

#include "test.h"

#include "core/file.h"
#include "core/rng.h"
#include "image/image.h"

#include <dogbreed/run.h>
#include <dogbreed/trainer.h>

enum { FIXTURE_CLASSES = 3, FIXTURE_SIDE = 16 };

// A picture whose colours say its class, with noise so that no two are equal.
static inline void fixture_picture(const char *path, int32_t label, uint64_t number) {
    static const uint8_t colours[FIXTURE_CLASSES][3] = {
        {200, 60, 60}, {60, 200, 60}, {60, 60, 200}};
    dogb_arena arena = {0};
    dogb_rng rng;
    dogb_image image = {dogb_alloc(&arena, FIXTURE_SIDE * FIXTURE_SIDE, 3), FIXTURE_SIDE,
                        FIXTURE_SIDE};
    uint8_t *bytes = NULL;
    size_t size = 0;
    assert_non_null(image.pixels);
    dogb_rng_init(&rng, number, DOGB_RNG_SYNTH, (uint64_t)label, 0);
    for (int32_t i = 0; i < FIXTURE_SIDE * FIXTURE_SIDE; i++) {
        for (int c = 0; c < 3; c++) {
            int value = colours[label][c] + (int)dogb_rng_below(&rng, 120) - 60;
            image.pixels[3 * i + c] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
        }
    }
    assert_ok(dogb_png_encode(&bytes, &size, &arena, &image));
    assert_ok(dogb_file_replace(path, bytes, size));
    dogb_arena_free(&arena);
}

// root/{train,valid,test}/{ant,bee,cat}/N.png with so many pictures of each class.
static inline void fixture_data(const char *root, int train, int valid) {
    static const char *const classes[FIXTURE_CLASSES] = {"ant", "bee", "cat"};
    const struct {
        const char *name;
        int count;
    } splits[3] = {{"train", train}, {"valid", valid}, {"test", 2}};
    for (int s = 0; s < 3; s++) {
        for (int32_t label = 0; label < FIXTURE_CLASSES; label++) {
            char path[600];
            (void)snprintf(path, sizeof path, "%s/%s/%s", root, splits[s].name, classes[label]);
            assert_ok(dogb_directory_make(path));
            size_t length = strlen(path);
            for (int i = 0; i < splits[s].count; i++) {
                (void)snprintf(path + length, sizeof path - length, "/%03d.png", i);
                fixture_picture(path, label, (uint64_t)(1000 * s + i));
            }
        }
    }
}

static inline const char *fixture_engine(void) {
    const char *name = getenv("DOGBREED_TEST_ENGINE");
    return name == NULL ? "ref" : name;
}

typedef struct fixture {
    char root[256]; // scratch: data/ cache/ and whatever the test adds
    char cache[300];
    dogbreed_dataset *all;
    dogbreed_dataset *train;
    dogbreed_dataset *valid;
    dogbreed_model_options model;
    dogbreed_trainer_options options;
} fixture;

static inline void fixture_open_data(fixture *f) {
    char data[300];
    (void)snprintf(data, sizeof data, "%s/data", f->root);
    (void)snprintf(f->cache, sizeof f->cache, "%s/cache", f->root);
    assert_ok(dogbreed_dataset_open(&f->all, data, NULL));
    assert_ok(dogbreed_dataset_split(&f->train, f->all, "train"));
    assert_ok(dogbreed_dataset_split(&f->valid, f->all, "valid"));
    assert_ok(dogbreed_model_options_init(&f->model, sizeof f->model));
    f->model.architecture = "tiny";
    f->model.freeze = "head";
    f->model.batch_norm = DOGBREED_BATCH_NORM_FROZEN;
    f->model.input_size = FIXTURE_SIDE;
    f->model.resize = FIXTURE_SIDE;
    assert_ok(dogbreed_trainer_options_init(&f->options, sizeof f->options));
    f->options.engine = fixture_engine();
    f->options.cache_dir = f->cache;
    f->options.epochs = 3;
    f->options.batch_size = 8;
    f->options.learning_rate = 0.05;
    f->options.threads = 1;
    f->options.loader_threads = 2;
}

// New scratch folder with `train` and `valid` pictures per class.
static inline void fixture_open(fixture *f, int train, int valid) {
    char data[300];
    memset(f, 0, sizeof *f);
    (void)snprintf(f->root, sizeof f->root, "%s", test_folder());
    (void)snprintf(data, sizeof data, "%s/data", f->root);
    fixture_data(data, train, valid);
    fixture_open_data(f);
}

// The whole network trains, which the reference engine does in any case.
static inline void fixture_whole(fixture *f) {
    f->model.freeze = "none";
    f->options.engine = "ref";
}

static inline void fixture_close_data(fixture *f) {
    dogbreed_dataset_destroy(f->valid);
    dogbreed_dataset_destroy(f->train);
    dogbreed_dataset_destroy(f->all);
}

static inline void fixture_close(fixture *f) {
    fixture_close_data(f);
    assert_ok(dogb_directory_remove(f->root));
}

static inline dogbreed_model *fixture_model(const fixture *f) {
    dogbreed_model *model = NULL;
    assert_ok(dogbreed_model_create(&model, f->train, &f->model));
    return model;
}

static inline dogbreed_trainer *fixture_trainer(const fixture *f, dogbreed_model *model) {
    dogbreed_trainer *trainer = NULL;
    assert_ok(dogbreed_trainer_create(&trainer, model, f->train, f->valid, &f->options));
    return trainer;
}

// Sum over the bits of all weights: equal models have equal sums.
static inline uint64_t fixture_weights(const dogbreed_model *model) {
    uint64_t sum = 1469598103934665603u; // FNV-1a
    for (int32_t i = 0; i < dogbreed_model_parameter_count(model); i++) {
        dogbreed_parameter parameter = {.struct_size = sizeof parameter};
        assert_ok(dogbreed_model_parameter(model, i, &parameter));
        size_t count = parameter.data == NULL ? 0 : 1;
        for (int32_t k = 0; k < parameter.rank; k++) {
            count *= (size_t)parameter.shape[k];
        }
        for (size_t k = 0; k < count * sizeof(float); k++) {
            sum = (sum ^ ((const uint8_t *)parameter.data)[k]) * 1099511628211u;
        }
    }
    return sum;
}

// Text of a file below `root`; static buffer, four at a time.
static inline const char *fixture_text(const char *root, const char *name) {
    static char texts[4][1 << 16];
    static int next;
    char path[600];
    char *text = texts[next++ & 3];
    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail_msg("%s cannot be opened", path);
    }
    size_t size = fread(text, 1, sizeof texts[0] - 1, file);
    (void)fclose(file);
    text[size] = '\0';
    return text;
}

#endif
