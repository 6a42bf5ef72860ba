// transform.h - the steps between decoded pixels and network input, with the buffers they reuse.
#ifndef DOGB_IMAGE_TRANSFORM_H
#define DOGB_IMAGE_TRANSFORM_H

#include "image/resize.h"

// Which part of the picture the evaluation transform resizes, and where it goes.
typedef struct dogb_eval_plan {
    int32_t width; // after the resize
    int32_t height;
    dogb_rect window; // of the resized picture that the centre crop keeps
    int32_t left;     // of the window in the output: > 0 where the picture is smaller than the crop
    int32_t top;
} dogb_eval_plan;

// INVALID_ARGUMENT for a transform without a crop.
int dogb_eval_plan_make(dogb_eval_plan *out, int32_t width, int32_t height,
                        const dogb_preprocess *preprocess);

// Resizes and crops as planned; padded is a buffer for pictures smaller than the crop.
int dogb_eval_run(dogb_resizer *resizer, dogb_buffer *padded, uint8_t *out, const dogb_view *in,
                  const dogb_eval_plan *plan, const dogb_preprocess *preprocess);

// Resizes the view to crop x crop and mirrors it when asked.
int dogb_crop_run(dogb_resizer *resizer, uint8_t *out, const dogb_view *in, int32_t flip,
                  const dogb_preprocess *preprocess);

// A part of a view.
dogb_view dogb_view_crop(const dogb_view *in, const dogb_rect *rect);

// Where `rect` of the picture after dogb_image_orient lies in the stored picture of width x height.
void dogb_rect_unorient(dogb_rect *out, const dogb_rect *rect, int32_t width, int32_t height,
                        int32_t orientation);

// dogb_image_orient into memory of the caller (width * height * 3 bytes).
void dogb_orient_pixels(uint8_t *out, const dogb_image *in, int32_t orientation);

#endif
