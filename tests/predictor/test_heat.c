// test_heat.c - heat maps: they add up to the class's score, for every architecture and head, and
// follow what is in the picture.
#include "arch/arch.h"
#include "out_of_memory.h"
#include "pictures.h"
#include "predictor/heat.h"
#include "scratch.h"

#include <dogbreed/predictor.h>

#include <math.h>

enum { CLASSES = 4 };

static dogbreed_dataset *data;

static int set_up(void **state) {
    (void)scratch_make(state);
    write_split(scratch_folder, "train", CLASSES, 2, 0);
    dogbreed_dataset *all = NULL;
    assert_ok(dogbreed_dataset_open(&all, scratch_folder, NULL));
    assert_ok(dogbreed_dataset_split(&data, all, "train"));
    dogbreed_dataset_destroy(all);
    return 0;
}

static int tear_down(void **state) {
    dogbreed_dataset_destroy(data);
    return scratch_remove(state);
}

static dogbreed_model *model_of(const char *architecture, const char *head) {
    dogbreed_model_options options;
    dogbreed_model *model = NULL;
    assert_ok(dogbreed_model_options_init(&options, sizeof options));
    options.architecture = architecture;
    options.head = head;
    options.input_size = 64;
    options.resize = 64;
    assert_ok(dogbreed_model_create(&model, data, &options));
    return model;
}

// The score of each class is what its map adds up to, and what the biases add.
static void maps_add_up_to_the_score(void **state) {
    (void)state;
    static const struct {
        const char *architecture;
        const char *head;
    } cases[] = {{"tiny", "linear"},
                 {"tiny", "mlp:8:0.5"},
                 {"mobilenet_v2", "linear"},
                 {"mobilenet_v2", "mlp:16"},
                 {"resnet18", "linear"},
                 {"resnet50", "original"},
                 {"squeezenet1_1", "original"},
                 {"squeezenet1_1", "linear"}};
    char path[400];
    dogb_arena arena = {0};
    (void)snprintf(path, sizeof path, "%s/train/class_1/001.jpg", scratch_folder);
    void *bytes = NULL;
    size_t size = 0;
    assert_ok(dogb_file_read(&bytes, &size, &arena, path, 1 << 24));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        dogbreed_model *model = model_of(cases[i].architecture, cases[i].head);
        dogbreed_predictor_options options;
        dogbreed_predictor *predictor = NULL;
        dogb_heat *heat = NULL;
        float scores[CLASSES];
        assert_ok(dogbreed_predictor_options_init(&options, sizeof options));
        options.engine = "native";
        assert_ok(dogbreed_predictor_create_from_model(&predictor, model, &options));
        assert_ok(dogbreed_predictor_scores(predictor, bytes, size, NULL, scores, CLASSES));
        assert_ok(dogb_heat_open(&heat, model, 1));
        int32_t side = dogb_heat_side(heat);
        assert_int_equal(side, 64);
        uint8_t *pixels = dogb_alloc(&arena, (size_t)side * (size_t)side, 3);
        for (int32_t c = 0; c < CLASSES; c++) {
            dogb_heat_map map;
            assert_ok(dogb_heat_file(pixels, &map, heat, &arena, path, c));
            double error = fabs(map.sum + map.rest - (double)scores[c]);
            if (!(error < 1e-4 * (1 + fabs((double)scores[c])))) {
                fail_msg("%s, %s, class %d: %g + %g, the score is %g", cases[i].architecture,
                         cases[i].head, (int)c, map.sum, map.rest, (double)scores[c]);
            }
            double sum = 0;
            for (int32_t k = 0; k < map.height * map.width; k++) {
                sum += (double)map.values[k];
            }
            assert_true(fabs(sum - map.sum) < 1e-4 * (1 + fabs(sum)));
        }
        dogb_heat_map map;
        assert_fails(dogb_heat_file(pixels, &map, heat, &arena, path, CLASSES),
                     DOGBREED_ERROR_INVALID_ARGUMENT, "class 4 of 4");
        assert_fails(dogb_heat_file(pixels, &map, heat, &arena, scratch("none.jpg"), 0),
                     DOGBREED_ERROR_NOT_FOUND, "none.jpg");
        dogb_heat_close(heat);
        dogbreed_predictor_destroy(predictor);
        dogbreed_model_destroy(model);
    }
    dogb_arena_free(&arena);
}

// By hand: a map of two places; most heat on the right.
static void pixels_are_painted(void **state) {
    (void)state;
    float values[2] = {-3, 2};
    const dogb_heat_map map = {.values = values, .height = 1, .width = 2};
    uint8_t pixels[8 * 8 * 3];
    memset(pixels, 100, sizeof pixels);
    dogb_heat_paint(pixels, 8, &map);
    for (int y = 0; y < 8; y++) {
        const uint8_t *row = pixels + (size_t)y * 24;
        assert_int_equal(row[0], 35); // at the middle of the left place and before
        assert_int_equal(row[3], 35);
        assert_int_equal(row[21], 100);
        assert_int_equal(row[22], 100);
        for (int x = 1; x < 8; x++) {
            assert_true(row[3 * x] >= row[3 * x - 3]);
        }
    }
    values[1] = -1; // no heat at all: nothing spoke for the class anywhere
    memset(pixels, 100, sizeof pixels);
    dogb_heat_paint(pixels, 8, &map);
    for (size_t i = 0; i < sizeof pixels; i++) {
        assert_int_equal(pixels[i], 35);
    }
}

static int once(void *userdata) {
    dogb_arena arena = {0};
    dogb_heat *heat = NULL;
    dogb_heat_map map;
    static uint8_t pixels[64 * 64 * 3];
    char path[400];
    (void)snprintf(path, sizeof path, "%s/train/class_0/000.jpg", scratch_folder);
    int rc = dogb_heat_open(&heat, userdata, 1);
    rc = rc < 0 ? rc : dogb_heat_file(pixels, &map, heat, &arena, path, 1);
    dogb_heat_close(heat);
    dogb_arena_free(&arena);
    return rc;
}

static void allocation_failures_are_clean(void **state) {
    (void)state;
    dogbreed_model *model = model_of("tiny", "mlp:8");
    assert_true(memory_fails_each(once, model, 1) > 10);
    dogbreed_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_add_up_to_the_score),
        cmocka_unit_test(pixels_are_painted),
        cmocka_unit_test(allocation_failures_are_clean),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
