// load.c - the whole way of one picture from bytes to the pixels a network sees, with memory that
// is reused from picture to picture: it lives in the caller's scratch arena.
#include "image/transform.h"
#include "core/error.h"
#include "core/span.h"

#include <string.h>

typedef struct workspace {
    dogb_arena arena;
    dogb_buffer pixels;
    dogb_buffer decoder;
    dogb_buffer oriented;
    dogb_buffer padded;
    dogb_resizer resizer;
} workspace;

static void workspace_free(void *pointer) {
    workspace *space = pointer;
    dogb_arena_free(&space->arena);
}

static int workspace_get(workspace **out, dogb_arena *scratch) {
    *out = dogb_arena_find(scratch, workspace_free);
    if (*out != NULL) {
        return DOGBREED_OK;
    }
    workspace *space = dogb_alloc(scratch, 1, sizeof *space);
    if (space == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = dogb_defer(scratch, workspace_free, space);
    if (rc < 0) {
        return rc;
    }
    space->resizer.arena = &space->arena;
    *out = space;
    return DOGBREED_OK;
}

// What will be cut from the upright picture, and what to do with it.
typedef struct load_plan {
    int32_t flip;
    int random;
    dogb_rect part; // of the upright picture: the only pixels that are looked at
} load_plan;

static int make_plan(load_plan *plan, int32_t width, int32_t height, dogb_rng *rng,
                     const dogb_rect *rectangle, const char *what) {
    dogb_rect area = {0, 0, width, height};
    if (rectangle != NULL) {
        DOGB_CHECK(rectangle->left >= 0 && rectangle->top >= 0 && rectangle->right <= width &&
                       rectangle->bottom <= height && rectangle->left < rectangle->right &&
                       rectangle->top < rectangle->bottom,
                   "%s: rectangle %d,%d,%d,%d is not inside the picture of %d x %d pixels", what,
                   (int)rectangle->left, (int)rectangle->top, (int)rectangle->right,
                   (int)rectangle->bottom, (int)width, (int)height);
        area = *rectangle;
    }
    plan->part = area;
    plan->flip = 0;
    plan->random = rng != NULL;
    if (rng != NULL) {
        dogb_rect crop;
        dogb_crop_random(&crop, rng, area.right - area.left, area.bottom - area.top);
        plan->part = (dogb_rect){area.left + crop.left, area.top + crop.top, area.left + crop.right,
                                 area.top + crop.bottom};
        plan->flip = dogb_rng_uniform(rng) < 0.5;
    }
    return DOGBREED_OK;
}

// From the pixels of plan->part to the output.
static int transform_part(workspace *space, uint8_t *out, const dogb_view *part,
                          const load_plan *plan, const dogb_preprocess *preprocess) {
    if (plan->random) {
        return dogb_crop_run(&space->resizer, out, part, plan->flip, preprocess);
    }
    dogb_eval_plan eval;
    int rc = dogb_eval_plan_make(&eval, part->width, part->height, preprocess);
    if (rc < 0) {
        return rc;
    }
    return dogb_eval_run(&space->resizer, &space->padded, out, part, &eval, preprocess);
}

static int transform(workspace *space, uint8_t *out, const dogb_view *part, const load_plan *plan,
                     const dogb_preprocess *preprocess) {
    uint64_t span = dogb_span_begin(DOGB_SPAN_TRANSFORM);
    int rc = transform_part(space, out, part, plan, preprocess);
    dogb_span_end(DOGB_SPAN_TRANSFORM, span, (int64_t)part->width * part->height);
    return rc;
}

// Decodes plan->part and turns it upright.
static int decode_part(workspace *space, dogb_view *out, dogb_decode_job *job,
                       const load_plan *plan, int32_t orientation) {
    dogb_rect stored;
    dogb_rect_unorient(&stored, &plan->part, job->info.width, job->info.height, orientation);
    job->region = &stored;
    if (stored.left == 0 && stored.top == 0 && stored.right == job->info.width &&
        stored.bottom == job->info.height) {
        job->region = NULL;
    }
    int rc = dogb_codec_decode(job);
    job->region = NULL;
    if (rc < 0) {
        return rc;
    }
    dogb_image image = job->image;
    if (orientation != 1) {
        size_t bytes = (size_t)image.width * (size_t)image.height * 3;
        rc = dogb_buffer_reserve(&space->oriented, &space->arena, bytes + DOGB_PIXEL_SLACK);
        if (rc < 0) {
            return rc;
        }
        dogb_orient_pixels(space->oriented.data, &image, orientation);
        image.pixels = space->oriented.data;
        if (orientation >= 5) {
            image.width = job->image.height;
            image.height = job->image.width;
        }
    }
    *out = (dogb_view){image.pixels, (size_t)image.width * 3, image.width, image.height};
    return DOGBREED_OK;
}

int dogb_image_load(uint8_t *out, dogb_image_info *info, dogb_arena *scratch, const uint8_t *bytes,
                    size_t size, const dogb_image_limits *limits, const dogb_preprocess *preprocess,
                    dogb_rng *rng, const dogb_rect *rectangle, const char *what) {
    dogb_image_limits standard;
    dogb_image_limits_default(&standard);
    workspace *space = NULL;
    int rc = workspace_get(&space, scratch);
    if (rc < 0) {
        return rc;
    }
    dogb_decode_job job = {.bytes = bytes,
                           .size = size,
                           .limits = limits == NULL ? &standard : limits,
                           .what = what == NULL ? "picture" : what,
                           .arena = &space->arena,
                           .pixels = &space->pixels,
                           .scratch = &space->decoder};
    load_plan plan;
    dogb_view part;
    int32_t orientation = 1, width, height;
    if ((rc = dogb_codec_probe(&job)) < 0) {
        goto out;
    }
    width = job.info.width;
    height = job.info.height;
    if (preprocess->exif_orientation == DOGB_EXIF_APPLY) {
        orientation = job.info.orientation;
    }
    if (orientation >= 5) {
        width = job.info.height;
        height = job.info.width;
    }
    if ((rc = make_plan(&plan, width, height, rng, rectangle, job.what)) < 0) {
        goto out;
    }
    uint64_t span = dogb_span_begin(DOGB_SPAN_DECODE);
    rc = decode_part(space, &part, &job, &plan, orientation);
    dogb_span_end(DOGB_SPAN_DECODE, span, (int64_t)size);
    if (rc < 0) {
        goto out;
    }
    rc = transform(space, out, &part, &plan, preprocess);
out:
    if (info != NULL) {
        *info = job.info;
    }
    return rc;
}

static int prepare(workspace *space, uint8_t *out, const dogb_image *in,
                   const dogb_preprocess *preprocess, dogb_rng *rng, const dogb_rect *rectangle,
                   const char *what) {
    load_plan plan;
    int rc =
        make_plan(&plan, in->width, in->height, rng, rectangle, what == NULL ? "picture" : what);
    if (rc < 0) {
        return rc;
    }
    dogb_view view = {in->pixels, (size_t)in->width * 3, in->width, in->height};
    dogb_view part = dogb_view_crop(&view, &plan.part);
    return transform(space, out, &part, &plan, preprocess);
}

int dogb_image_prepare(uint8_t *out, const dogb_image *in, const dogb_preprocess *preprocess,
                       dogb_rng *rng, const dogb_rect *rectangle, const char *what) {
    workspace space = {.resizer = {.arena = NULL}};
    space.resizer.arena = &space.arena;
    int rc = prepare(&space, out, in, preprocess, rng, rectangle, what);
    workspace_free(&space);
    return rc;
}

int dogb_image_prepare_in(uint8_t *out, dogb_arena *scratch, const dogb_image *in,
                          const dogb_preprocess *preprocess, dogb_rng *rng, const char *what) {
    workspace *space = NULL;
    int rc = workspace_get(&space, scratch);
    return rc < 0 ? rc : prepare(space, out, in, preprocess, rng, NULL, what);
}
