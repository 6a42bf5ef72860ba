// picture.c - pictures of the data, small enough for a report.
#include "report/section.h"

#include "core/error.h"
#include "core/file.h"

#include <math.h>

enum { FILE_MAX = 64 << 20 };

static int shrink(dogb_image *out, dogb_arena *arena, const dogb_image *image, int32_t side) {
    int32_t longer = image->width > image->height ? image->width : image->height;
    double scale = fmin(1, (double)side / longer);
    *out = (dogb_image){.width = (int32_t)fmax(1, round(scale * image->width)),
                        .height = (int32_t)fmax(1, round(scale * image->height))};
    out->pixels = dogb_alloc(arena, (size_t)out->width * (size_t)out->height, 3);
    return out->pixels == NULL ? DOGBREED_ERROR_NO_MEMORY
                               : dogb_resize(out->pixels, out->width, out->height, image, NULL,
                                             DOGB_FILTER_BILINEAR);
}

// The whole picture goes when the small one is made.
static int load(dogb_image *out, dogb_arena *arena, const char *path, int32_t side) {
    dogb_arena scratch = {0};
    void *bytes = NULL;
    size_t size = 0;
    dogb_image image = {0};
    dogb_image upright = {0};
    dogb_image_info info = {0};
    dogb_image_limits limits;
    dogb_image_limits_default(&limits);
    limits.jpeg_warnings = DOGB_WARNINGS_PILLOW;
    int rc = dogb_file_read(&bytes, &size, &scratch, path, FILE_MAX);
    rc = rc < 0 ? rc : dogb_image_decode(&image, &info, &scratch, bytes, size, &limits, NULL, path);
    rc = rc < 0 ? rc : dogb_image_orient(&upright, &scratch, &image, info.orientation);
    rc = rc < 0 ? rc : shrink(out, arena, &upright, side);
    dogb_arena_free(&scratch);
    return rc;
}

static char *path_of(dogb_report *r, const json_t *row) {
    const char *path = dogb_get_text(row, "path");
    const char *root = *r->options->pictures != '\0'
                           ? r->options->pictures
                           : dogb_get_text(r->source->documents[DOGB_FILE_EVALUATION], "root");
    return *path == '/' || *root == '\0' ? dogb_strdup(r->arena, path)
                                         : dogb_path_join(r->arena, root, path);
}

int dogb_report_heat(dogb_image *out, dogb_report *r, const json_t *row) {
    dogb_arena scratch = {0};
    dogb_heat_map map;
    double class = dogb_get_number(row, "predicted");
    int32_t side = dogb_heat_side(r->heat);
    dogb_image whole = {.width = side, .height = side};
    whole.pixels = dogb_alloc_raw(&scratch, (size_t)side * (size_t)side, 3);
    char *path = path_of(r, row);
    int rc = whole.pixels == NULL || path == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc == DOGBREED_OK && !(class >= 0 && class < DOGB_REPORT_CLASSES_MAX)) {
        rc = dogb_fail(DOGBREED_ERROR_FORMAT, "%s: no class was named", path);
    }
    rc = rc < 0 ? rc : dogb_heat_file(whole.pixels, &map, r->heat, &scratch, path, (int32_t) class);
    if (rc == DOGBREED_OK) {
        dogb_heat_paint(whole.pixels, side, &map);
        rc = shrink(out, r->arena, &whole, r->options->thumbnail);
    }
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_report_picture(dogb_image *out, dogb_report *r, const json_t *row) {
    char *path = path_of(r, row);
    return path == NULL ? DOGBREED_ERROR_NO_MEMORY
                        : load(out, r->arena, path, r->options->thumbnail);
}
