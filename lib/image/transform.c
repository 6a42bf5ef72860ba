// transform.c - torchvision's geometry: Resize + CenterCrop, RandomResizedCrop, flip, and
// ToTensor + Normalize. Rounding follows Python: round() is half to even, int() truncates.
#include "image/transform.h"
#include "core/error.h"

#include <math.h>
#include <string.h>

static int32_t round_even(double value) {
    return (int32_t)rint(value);
}

static int check_preprocess(const dogb_preprocess *preprocess) {
    DOGB_CHECK(preprocess->crop > 0 && preprocess->crop <= 8192,
               "preprocessing: crop is %d, expected 1 to 8192", (int)preprocess->crop);
    DOGB_CHECK(preprocess->resize >= 0 && preprocess->resize <= 8192,
               "preprocessing: resize is %d, expected 0 to 8192", (int)preprocess->resize);
    DOGB_CHECK(preprocess->filter >= DOGB_FILTER_BILINEAR &&
                   preprocess->filter <= DOGB_FILTER_LANCZOS,
               "preprocessing: unknown filter %d", (int)preprocess->filter);
    return DOGBREED_OK;
}

// Resize(side): the short side becomes `side`, the long one keeps the aspect, truncated.
static int resized_size(int32_t *width, int32_t *height, int32_t side) {
    int32_t lower = *width <= *height ? *width : *height;
    int32_t longer = *width <= *height ? *height : *width;
    if (side == 0 || lower == side) {
        return DOGBREED_OK;
    }
    double scaled = (double)((int64_t)side * longer) / lower;
    DOGB_CHECK(scaled < 1 << 26, "resize: %d x %d pixels are too narrow for a short side of %d",
               (int)*width, (int)*height, (int)side);
    int32_t grown = (int32_t)scaled;
    if (*width <= *height) {
        *width = side;
        *height = grown;
    } else {
        *width = grown;
        *height = side;
    }
    return DOGBREED_OK;
}

// CenterCrop along one axis: [from, to) of the resized picture lands at `offset`.
static void center(int32_t *from, int32_t *to, int32_t *offset, int32_t size, int32_t crop) {
    if (size < crop) { // padded with black, the odd pixel on the far side
        *from = 0;
        *to = size;
        *offset = (crop - size) / 2;
    } else {
        *from = round_even((size - crop) / 2.0);
        *to = *from + crop;
        *offset = 0;
    }
}

int dogb_eval_plan_make(dogb_eval_plan *out, int32_t width, int32_t height,
                        const dogb_preprocess *preprocess) {
    int rc = check_preprocess(preprocess);
    out->width = width;
    out->height = height;
    if (rc < 0 || (rc = resized_size(&out->width, &out->height, preprocess->resize)) < 0) {
        return rc;
    }
    int32_t crop = preprocess->crop;
    center(&out->window.left, &out->window.right, &out->left, out->width, crop);
    center(&out->window.top, &out->window.bottom, &out->top, out->height, crop);
    return DOGBREED_OK;
}

int dogb_eval_run(dogb_resizer *resizer, dogb_buffer *padded, uint8_t *out, const dogb_view *in,
                  const dogb_eval_plan *plan, const dogb_preprocess *preprocess) {
    dogb_resize_job job = {.in = *in,
                           .box = {0, 0, in->width, in->height},
                           .width = plan->width,
                           .height = plan->height,
                           .window = plan->window,
                           .filter = preprocess->filter};
    size_t crop = (size_t)preprocess->crop;
    size_t width = (size_t)(plan->window.right - plan->window.left);
    size_t height = (size_t)(plan->window.bottom - plan->window.top);
    if (width == crop && height == crop) {
        return dogb_resizer_run(resizer, out, &job);
    }
    int rc = dogb_buffer_reserve(padded, resizer->arena, width * height * 3);
    if (rc < 0 || (rc = dogb_resizer_run(resizer, padded->data, &job)) < 0) {
        return rc;
    }
    memset(out, 0, crop * crop * 3);
    for (size_t y = 0; y < height; y++) {
        memcpy(out + (((size_t)plan->top + y) * crop + (size_t)plan->left) * 3,
               padded->data + y * width * 3, width * 3);
    }
    return DOGBREED_OK;
}

int dogb_crop_run(dogb_resizer *resizer, uint8_t *out, const dogb_view *in, int32_t flip,
                  const dogb_preprocess *preprocess) {
    int rc = check_preprocess(preprocess);
    if (rc < 0) {
        return rc;
    }
    int32_t crop = preprocess->crop;
    dogb_resize_job job = {.in = *in,
                           .box = {0, 0, in->width, in->height},
                           .width = crop,
                           .height = crop,
                           .window = {0, 0, crop, crop},
                           .filter = preprocess->filter,
                           .mirror = flip};
    return dogb_resizer_run(resizer, out, &job);
}

dogb_view dogb_view_crop(const dogb_view *in, const dogb_rect *rect) {
    return (dogb_view){in->pixels + (size_t)rect->top * in->stride + (size_t)rect->left * 3,
                       in->stride, rect->right - rect->left, rect->bottom - rect->top};
}

int dogb_transform_eval(uint8_t *out, const dogb_image *in, const dogb_preprocess *preprocess) {
    dogb_eval_plan plan;
    int rc = dogb_eval_plan_make(&plan, in->width, in->height, preprocess);
    if (rc < 0) {
        return rc;
    }
    dogb_arena arena = {0};
    dogb_resizer resizer = {.arena = &arena};
    dogb_buffer padded = {0};
    dogb_view view = {in->pixels, (size_t)in->width * 3, in->width, in->height};
    rc = dogb_eval_run(&resizer, &padded, out, &view, &plan, preprocess);
    dogb_arena_free(&arena);
    return rc;
}

int dogb_transform_crop(uint8_t *out, const dogb_image *in, const dogb_rect *rect, int32_t flip,
                        const dogb_preprocess *preprocess) {
    DOGB_CHECK(
        rect->left >= 0 && rect->top >= 0 && rect->right <= in->width &&
            rect->bottom <= in->height && rect->left < rect->right && rect->top < rect->bottom,
        "crop: rectangle %d,%d,%d,%d is not inside the picture of %d x %d pixels", (int)rect->left,
        (int)rect->top, (int)rect->right, (int)rect->bottom, (int)in->width, (int)in->height);
    dogb_arena arena = {0};
    dogb_resizer resizer = {.arena = &arena};
    dogb_view view = {in->pixels, (size_t)in->width * 3, in->width, in->height};
    dogb_view part = dogb_view_crop(&view, rect);
    int rc = dogb_crop_run(&resizer, out, &part, flip, preprocess);
    dogb_arena_free(&arena);
    return rc;
}

void dogb_crop_random(dogb_rect *out, dogb_rng *rng, int32_t width, int32_t height) {
    const double scale_low = 0.08, scale_high = 1.0, ratio_low = 3.0 / 4.0, ratio_high = 4.0 / 3.0;
    const double log_low = log(ratio_low), log_high = log(ratio_high);
    double area = (double)width * height;
    int32_t w = width, h = height;
    for (int attempt = 0; attempt < 10; attempt++) {
        double target = area * (scale_low + (scale_high - scale_low) * dogb_rng_uniform(rng));
        double aspect = exp(log_low + (log_high - log_low) * dogb_rng_uniform(rng));
        w = round_even(sqrt(target * aspect));
        h = round_even(sqrt(target / aspect));
        if (w > 0 && h > 0 && w <= width && h <= height) {
            out->top = (int32_t)dogb_rng_below(rng, (uint64_t)(height - h) + 1);
            out->left = (int32_t)dogb_rng_below(rng, (uint64_t)(width - w) + 1);
            out->right = out->left + w;
            out->bottom = out->top + h;
            return;
        }
    }
    // The whole picture, clipped to the range of ratios, from its centre.
    double ratio = (double)width / height;
    w = ratio > ratio_high ? round_even(height * ratio_high) : width;
    h = ratio < ratio_low ? round_even(width / ratio_low) : height;
    w = w < 1 ? 1 : w > width ? width : w;
    h = h < 1 ? 1 : h > height ? height : h;
    out->left = (width - w) / 2;
    out->top = (height - h) / 2;
    out->right = out->left + w;
    out->bottom = out->top + h;
}

void dogb_normalize(float *out, const uint8_t *in, int32_t side, const float mean[3],
                    const float deviation[3]) {
    // Exact for every one of the 256 values: the operations of ToTensor and Normalize in float32.
    float table[3][256];
    for (int c = 0; c < 3; c++) {
        for (int value = 0; value < 256; value++) {
            table[c][value] = ((float)value / 255.0f - mean[c]) / deviation[c];
        }
    }
    size_t count = (size_t)side * (size_t)side;
    const dogb_resize_kernel *kernel = dogb_resize_kernel_choose();
    size_t done = 0;
    if (kernel->look_up != NULL) {
        done = kernel->look_up(out, count, in, count, (const float(*)[256])table);
    }
    float *red = out, *green = out + count, *blue = out + 2 * count;
    for (size_t i = done; i < count; i++) {
        red[i] = table[0][in[3 * i]];
        green[i] = table[1][in[3 * i + 1]];
        blue[i] = table[2][in[3 * i + 2]];
    }
}
