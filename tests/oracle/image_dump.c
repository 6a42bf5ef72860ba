// image_dump.c - lets the Python oracles call lib/image: reads commands from stdin, answers on
// stdout with one line and raw bytes. Numbers are decimal, pictures 8-bit RGB.
//
//   decode WARNINGS ORIENT LEFT TOP RIGHT BOTTOM PATH   "ok W H\n" + pixels (RIGHT 0: everything)
//   load SEED RESIZE CROP FILTER ORIENT PATH            "ok CROP CROP\n" + pixels (SEED -1: eval)
//   random SEED W H                                     "ok L T R B FLIP\n"
//   image W H + pixels                                  "ok\n": the picture for what follows
//   resize W H FILTER LEFT TOP RIGHT BOTTOM             "ok W H\n" + pixels
//   eval RESIZE CROP FILTER                             "ok CROP CROP\n" + floats (CHW)
//   crop LEFT TOP RIGHT BOTTOM FLIP CROP FILTER         "ok CROP CROP\n" + pixels
//   jitter B C S H O0 O1 O2 O3                          "ok W H\n" + pixels
#include "core/file.h"
#include "image/image.h"

#include <dogbreed/common.h>
#include <dogbreed/model.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const float mean[3] = {0.485f, 0.456f, 0.406f};
static const float deviation[3] = {0.229f, 0.224f, 0.225f};

static dogb_image picture;

static int answer(int rc, const uint8_t *pixels, int32_t width, int32_t height) {
    if (rc < 0) {
        printf("error %s %s\n", dogbreed_error_name(rc), dogbreed_error_message());
        return 0;
    }
    printf("ok %d %d\n", (int)width, (int)height);
    (void)fwrite(pixels, 3, (size_t)width * (size_t)height, stdout);
    return 0;
}

static int do_decode(const char *line, dogb_arena *arena) {
    int warnings, orient, offset = 0;
    dogb_rect rect;
    if (sscanf(line, "%d %d %d %d %d %d %n", &warnings, &orient, &rect.left, &rect.top, &rect.right,
               &rect.bottom, &offset) != 6) {
        return -1;
    }
    const char *path = line + offset;
    void *data = NULL;
    size_t size = 0;
    dogb_image image = {0};
    dogb_image_info info;
    dogb_image_limits limits;
    dogb_image_limits_default(&limits);
    limits.jpeg_warnings = warnings;
    int rc = dogb_file_read(&data, &size, arena, path, (size_t)1 << 30);
    if (rc == 0) {
        rc = dogb_image_decode(&image, &info, arena, data, size, &limits,
                               rect.right == 0 ? NULL : &rect, dogb_path_name(path));
    }
    if (rc == 0 && orient) {
        rc = dogb_image_orient(&image, arena, &image, info.orientation);
    }
    return answer(rc, image.pixels, image.width, image.height);
}

static int do_load(const char *line, dogb_arena *arena) {
    int offset = 0, seed = 0;
    dogb_preprocess preprocess = {.exif_orientation = 0};
    if (sscanf(line, "%d %d %d %d %d %n", &seed, &preprocess.resize, &preprocess.crop,
               &preprocess.filter, &preprocess.exif_orientation, &offset) != 5) {
        return -1;
    }
    void *data = NULL;
    size_t size = 0;
    dogb_rng rng;
    dogb_rng_init(&rng, (uint64_t)seed, DOGB_RNG_AUGMENT, 0, 0);
    uint8_t *out = dogb_alloc_raw(arena, (size_t)preprocess.crop * (size_t)preprocess.crop, 3);
    int rc = dogb_file_read(&data, &size, arena, line + offset, (size_t)1 << 30);
    if (rc == 0 && out != NULL) {
        rc = dogb_image_load(out, NULL, arena, data, size, NULL, &preprocess,
                             seed < 0 ? NULL : &rng, NULL, dogb_path_name(line + offset));
    }
    return answer(rc, out, preprocess.crop, preprocess.crop);
}

static int do_random(const char *line, dogb_arena *arena) {
    int seed, width, height;
    (void)arena;
    if (sscanf(line, "%d %d %d", &seed, &width, &height) != 3) {
        return -1;
    }
    dogb_rng rng;
    dogb_rect rect;
    dogb_rng_init(&rng, (uint64_t)seed, DOGB_RNG_AUGMENT, 0, 0);
    dogb_crop_random(&rect, &rng, width, height);
    int flip = dogb_rng_uniform(&rng) < 0.5;
    printf("ok %d %d %d %d %d\n", (int)rect.left, (int)rect.top, (int)rect.right, (int)rect.bottom,
           flip);
    return 0;
}

static int do_image(const char *line, dogb_arena *arena) {
    static dogb_arena keep;
    (void)arena;
    if (sscanf(line, "%d %d", &picture.width, &picture.height) != 2) {
        return -1;
    }
    size_t pixels = (size_t)picture.width * (size_t)picture.height;
    dogb_arena_free(&keep);
    picture.pixels = dogb_alloc_raw(&keep, pixels, 3);
    if (picture.pixels == NULL || fread(picture.pixels, 3, pixels, stdin) != pixels) {
        return -1;
    }
    printf("ok\n");
    return 0;
}

static int do_resize(const char *line, dogb_arena *arena) {
    int width, height, filter;
    dogb_rect box;
    if (sscanf(line, "%d %d %d %d %d %d %d", &width, &height, &filter, &box.left, &box.top,
               &box.right, &box.bottom) != 7) {
        return -1;
    }
    uint8_t *out = dogb_alloc_raw(arena, (size_t)width * (size_t)height, 3);
    return answer(dogb_resize(out, width, height, &picture, box.right == 0 ? NULL : &box, filter),
                  out, width, height);
}

static int do_eval(const char *line, dogb_arena *arena) {
    dogb_preprocess preprocess = {.exif_orientation = 0};
    if (sscanf(line, "%d %d %d", &preprocess.resize, &preprocess.crop, &preprocess.filter) != 3) {
        return -1;
    }
    size_t count = (size_t)preprocess.crop * (size_t)preprocess.crop;
    uint8_t *pixels = dogb_alloc_raw(arena, count, 3);
    float *out = dogb_alloc_raw(arena, count, 3 * sizeof(float));
    int rc = dogb_transform_eval(pixels, &picture, &preprocess);
    if (rc < 0) {
        return answer(rc, NULL, 0, 0);
    }
    dogb_normalize(out, pixels, preprocess.crop, mean, deviation);
    printf("ok %d %d\n", (int)preprocess.crop, (int)preprocess.crop);
    (void)fwrite(out, 3 * sizeof(float), count, stdout);
    return 0;
}

static int do_crop(const char *line, dogb_arena *arena) {
    dogb_preprocess preprocess = {.exif_orientation = 0};
    dogb_rect rect;
    int flip;
    if (sscanf(line, "%d %d %d %d %d %d %d", &rect.left, &rect.top, &rect.right, &rect.bottom,
               &flip, &preprocess.crop, &preprocess.filter) != 7) {
        return -1;
    }
    uint8_t *out = dogb_alloc_raw(arena, (size_t)preprocess.crop * (size_t)preprocess.crop, 3);
    return answer(dogb_transform_crop(out, &picture, &rect, flip, &preprocess), out,
                  preprocess.crop, preprocess.crop);
}

static int do_jitter(const char *line, dogb_arena *arena) {
    dogb_jitter jitter;
    (void)arena;
    if (sscanf(line, "%lf %lf %lf %lf %d %d %d %d", &jitter.brightness, &jitter.contrast,
               &jitter.saturation, &jitter.hue, &jitter.order[0], &jitter.order[1],
               &jitter.order[2], &jitter.order[3]) != 8) {
        return -1;
    }
    int rc = dogb_transform_jitter(picture.pixels, picture.width, picture.height, &jitter);
    return answer(rc, picture.pixels, picture.width, picture.height);
}

static const struct command {
    const char *name;
    int (*run)(const char *line, dogb_arena *arena);
} commands[] = {
    {"decode ", do_decode}, {"load ", do_load}, {"random ", do_random}, {"image ", do_image},
    {"resize ", do_resize}, {"eval ", do_eval}, {"crop ", do_crop},     {"jitter ", do_jitter},
};

int main(void) {
    char line[4096];
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        dogb_arena arena = {0};
        int rc = -1;
        for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
            size_t length = strlen(commands[i].name);
            if (strncmp(line, commands[i].name, length) == 0) {
                rc = commands[i].run(line + length, &arena);
            }
        }
        dogb_arena_free(&arena);
        if (rc < 0 || fflush(stdout) != 0) {
            fprintf(stderr, "image_dump: bad command: %s\n", line);
            return 2;
        }
    }
    return 0;
}
