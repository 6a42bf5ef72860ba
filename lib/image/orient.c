// orient.c - EXIF orientations as Pillow's exif_transpose applies them.
#include "image/transform.h"
#include "core/error.h"

// Where a pixel of the upright picture comes from: the picture is first mirrored along its axes,
// then, when swapped, rows and columns change places.
static const struct orientation {
    int8_t swap;
    int8_t mirror_x; // of the stored picture
    int8_t mirror_y;
} orientations[9] = {
    {0, 0, 0}, {0, 0, 0}, {0, 1, 0}, {0, 1, 1}, {0, 0, 1}, // 1 none, 2 mirror, 3 turn, 4 flip
    {1, 0, 0}, {1, 0, 1}, {1, 1, 1}, {1, 1, 0}, // 5 transpose, 6 right, 7 transverse, 8 left
};

void dogb_orient_pixels(uint8_t *out, const dogb_image *in, int32_t orientation) {
    const struct orientation *how = &orientations[orientation];
    int32_t width = how->swap ? in->height : in->width;
    int32_t height = how->swap ? in->width : in->height;
    for (int32_t y = 0; y < height; y++) {
        for (int32_t x = 0; x < width; x++, out += 3) {
            int32_t from_x = how->swap ? y : x, from_y = how->swap ? x : y;
            from_x = how->mirror_x ? in->width - 1 - from_x : from_x;
            from_y = how->mirror_y ? in->height - 1 - from_y : from_y;
            const uint8_t *pixel =
                in->pixels + ((size_t)from_y * (size_t)in->width + (size_t)from_x) * 3;
            out[0] = pixel[0];
            out[1] = pixel[1];
            out[2] = pixel[2];
        }
    }
}

void dogb_rect_unorient(dogb_rect *out, const dogb_rect *rect, int32_t width, int32_t height,
                        int32_t orientation) {
    const struct orientation *how = &orientations[orientation];
    dogb_rect stored = *rect;
    if (how->swap) {
        stored = (dogb_rect){rect->top, rect->left, rect->bottom, rect->right};
    }
    *out = stored;
    if (how->mirror_x) {
        out->left = width - stored.right;
        out->right = width - stored.left;
    }
    if (how->mirror_y) {
        out->top = height - stored.bottom;
        out->bottom = height - stored.top;
    }
}

int dogb_image_orient(dogb_image *out, dogb_arena *arena, const dogb_image *in,
                      int32_t orientation) {
    DOGB_CHECK(orientation >= 1 && orientation <= 8, "orientation: %d, expected 1 to 8",
               (int)orientation);
    const dogb_image stored = *in; // out may be in
    *out = stored;
    if (orientation == 1) {
        return DOGBREED_OK;
    }
    out->pixels = dogb_alloc_raw(
        arena, (size_t)stored.width * (size_t)stored.height * 3 + DOGB_PIXEL_SLACK, 1);
    if (out->pixels == NULL) {
        out->width = out->height = 0;
        return DOGBREED_ERROR_NO_MEMORY;
    }
    dogb_orient_pixels(out->pixels, &stored, orientation);
    if (orientations[orientation].swap) {
        out->width = stored.height;
        out->height = stored.width;
    }
    return DOGBREED_OK;
}
