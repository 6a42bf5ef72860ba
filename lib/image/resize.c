// resize.c - Pillow's Image.resize: weights in double, rounded to 22-bit fixed point, a horizontal
// and a vertical pass with rounding to 8 bits in between. The arithmetic follows Pillow operation
// by operation, because the last bit of a double decides over a weight. Kernels do the sums.
#include "image/resize.h"
#include "core/error.h"

#include <math.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

static double box_filter(double x) {
    return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
}

static double bilinear_filter(double x) {
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

static double hamming_filter(double x) {
    x = fabs(x);
    if (x == 0.0) {
        return 1.0;
    }
    if (x >= 1.0) {
        return 0.0;
    }
    x = x * pi;
    return sin(x) / x * (0.54f + 0.46f * cos(x)); // float constants, as Pillow
}

static double bicubic_filter(double x) {
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0) {
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    }
    if (x < 2.0) {
        return (((x - 5) * x + 8) * x - 4) * a;
    }
    return 0.0;
}

static double sinc(double x) {
    if (x == 0.0) {
        return 1.0;
    }
    x = x * pi;
    return sin(x) / x;
}

static double lanczos_filter(double x) {
    return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0;
}

static const struct filter {
    double (*weight)(double x);
    double support; // half width
} filters[DOGB_FILTER_COUNT] = {
    [DOGB_FILTER_BILINEAR] = {bilinear_filter, 1.0}, [DOGB_FILTER_BICUBIC] = {bicubic_filter, 2.0},
    [DOGB_FILTER_LANCZOS] = {lanczos_filter, 3.0},   [DOGB_FILTER_BOX] = {box_filter, 0.5},
    [DOGB_FILTER_HAMMING] = {hamming_filter, 1.0},
};

// One axis of a resize, as it was asked for.
typedef struct axis_plan {
    int32_t in;  // length of the input
    int32_t in0; // box
    int32_t in1;
    int32_t out;  // length of the whole output
    int32_t from; // window
    int32_t to;
    int32_t filter;
    int32_t mirror; // outputs in reverse order
} axis_plan;

static int axis_needed(const axis_plan *plan) {
    return plan->out != plan->in || plan->in0 != 0 || plan->in1 != plan->out;
}

// Fixed point as Pillow rounds it: half away from zero, by truncation.
static int32_t to_fixed(double weight) {
    double scaled = weight * (1 << DOGB_RESIZE_BITS);
    return (int32_t)(weight < 0 ? scaled - 0.5 : scaled + 0.5);
}

static void fill_weights(dogb_axis *axis, const axis_plan *plan, double *weights) {
    double (*weight)(double) = filters[plan->filter].weight;
    double scale = (double)(plan->in1 - plan->in0) / plan->out;
    double filter_scale = scale < 1.0 ? 1.0 : scale;
    double support = filters[plan->filter].support * filter_scale;
    double inverse = 1.0 / filter_scale;
    for (int32_t i = 0; i < axis->out; i++) {
        int32_t x = plan->mirror ? plan->to - 1 - i : plan->from + i;
        double center = plan->in0 + (x + 0.5) * scale;
        int32_t first = (int32_t)(center - support + 0.5);
        first = first < 0 ? 0 : first;
        int32_t last = (int32_t)(center + support + 0.5);
        last = last > plan->in ? plan->in : last;
        int32_t count = last - first;
        double sum = 0.0;
        for (int32_t t = 0; t < count; t++) {
            weights[t] = weight((t + first - center + 0.5) * inverse);
            sum += weights[t];
        }
        int32_t *fixed = axis->weights + (size_t)i * (size_t)axis->taps;
        for (int32_t t = 0; t < count; t++) {
            fixed[t] = to_fixed(sum != 0.0 ? weights[t] / sum : weights[t]);
        }
        memset(fixed + count, 0, sizeof *fixed * (size_t)(axis->taps - count));
        axis->first[i] = first;
        axis->count[i] = count;
    }
}

// The weight table of one axis (which: 0 horizontal, 1 vertical).
static int make_axis(dogb_axis *axis, dogb_resizer *resizer, int which, const axis_plan *plan) {
    double scale = (double)(plan->in1 - plan->in0) / plan->out;
    double support = filters[plan->filter].support * (scale < 1.0 ? 1.0 : scale);
    memset(axis, 0, sizeof *axis);
    axis->out = plan->to - plan->from;
    axis->taps = (int32_t)ceil(support) * 2 + 1;
    size_t count = (size_t)axis->out, taps = (size_t)axis->taps;
    int rc = dogb_buffer_reserve(&resizer->doubles, resizer->arena, taps * sizeof(double));
    if (rc < 0) {
        return rc;
    }
    if (taps > (SIZE_MAX / 8 - 2 * count) / count) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED, "resize: %d to %d pixels is too much",
                         (int)plan->in, (int)plan->out);
    }
    rc = dogb_buffer_reserve(&resizer->tables[which], resizer->arena,
                             (count * taps + 2 * count) * sizeof(int32_t));
    if (rc < 0) {
        return rc;
    }
    axis->weights = (int32_t *)(void *)resizer->tables[which].data;
    axis->first = axis->weights + count * taps;
    axis->count = axis->first + count;
    fill_weights(axis, plan, (double *)(void *)resizer->doubles.data);
    if (which == 0 && resizer->kernel->prepare != NULL) {
        size_t size = resizer->kernel->packed_size(axis);
        if ((rc = dogb_buffer_reserve(&resizer->packed[0], resizer->arena, size)) < 0) {
            return rc;
        }
        axis->packed = resizer->packed[0].data;
        resizer->kernel->prepare(axis);
    }
    return DOGBREED_OK;
}

// The vertical pass from `rows`, whose first row is input row `first_row`.
static void run_vertical(const dogb_resizer *resizer, uint8_t *out, const dogb_axis *axis,
                         const uint8_t *rows, size_t stride, int32_t first_row, size_t bytes) {
    for (int32_t y = 0; y < axis->out; y++) {
        const uint8_t *in = rows + (size_t)(axis->first[y] - first_row) * stride;
        resizer->kernel->vertical(out + (size_t)y * bytes, in, stride, bytes,
                                  axis->weights + (size_t)y * (size_t)axis->taps, axis->count[y]);
    }
}

static void run_horizontal(const dogb_resizer *resizer, uint8_t *out, const dogb_view *in,
                           const dogb_axis *axis, int32_t from, int32_t to) {
    const uint8_t *end = in->pixels + (size_t)(in->height - 1) * in->stride + (size_t)in->width * 3;
    const dogb_resize_kernel *kernel = axis->fallback != NULL ? axis->fallback : resizer->kernel;
    size_t bytes = (size_t)axis->out * 3;
    int32_t y = from;
    if (kernel->horizontal4 != NULL) {
        for (; y + 4 <= to; y += 4, out += 4 * bytes) {
            const uint8_t *rows = in->pixels + (size_t)y * in->stride;
            if (axis->reach > (size_t)(end - rows) - 3 * in->stride) {
                break;
            }
            kernel->horizontal4(out, bytes, rows, in->stride, axis);
        }
    }
    for (; y < to; y++, out += bytes) {
        kernel->horizontal(out, in->pixels + (size_t)y * in->stride, end, axis);
    }
}

// Mirrors what no horizontal pass has written.
static void mirror_rows(uint8_t *pixels, size_t width, size_t height) {
    for (size_t y = 0; y < height; y++) {
        uint8_t *left = pixels + y * width * 3, *right = left + (width - 1) * 3;
        for (; left < right; left += 3, right -= 3) {
            for (int c = 0; c < 3; c++) {
                uint8_t value = left[c];
                left[c] = right[c];
                right[c] = value;
            }
        }
    }
}

static void copy_rows(uint8_t *out, const dogb_resize_job *job, const dogb_rect *part) {
    size_t bytes = (size_t)(part->right - part->left) * 3;
    for (int32_t y = part->top; y < part->bottom; y++) {
        memcpy(out + (size_t)(y - part->top) * bytes,
               job->in.pixels + (size_t)y * job->in.stride + (size_t)part->left * 3, bytes);
    }
}

// Both passes, horizontal first. Only the rows that the vertical pass looks at.
static int run_across_down(dogb_resizer *resizer, uint8_t *out, const dogb_resize_job *job,
                           const dogb_axis *horizontal, const dogb_axis *vertical) {
    size_t bytes = (size_t)horizontal->out * 3;
    int32_t first = vertical->first[0];
    int32_t last = vertical->first[vertical->out - 1] + vertical->count[vertical->out - 1];
    int rc = dogb_buffer_reserve(&resizer->rows, resizer->arena,
                                 bytes * (size_t)(last - first) + DOGB_PIXEL_SLACK);
    if (rc < 0) {
        return rc;
    }
    run_horizontal(resizer, resizer->rows.data, &job->in, horizontal, first, last);
    run_vertical(resizer, out, vertical, resizer->rows.data, bytes, first, bytes);
    return DOGBREED_OK;
}

// Vertical first.
static int run_down_across(dogb_resizer *resizer, uint8_t *out, const dogb_resize_job *job,
                           const dogb_axis *horizontal, const dogb_axis *vertical) {
    size_t bytes = (size_t)job->in.width * 3;
    int rc = dogb_buffer_reserve(&resizer->rows, resizer->arena,
                                 bytes * (size_t)vertical->out + DOGB_PIXEL_SLACK);
    if (rc < 0) {
        return rc;
    }
    run_vertical(resizer, resizer->rows.data, vertical, job->in.pixels, job->in.stride, 0, bytes);
    dogb_view between = {resizer->rows.data, bytes, job->in.width, vertical->out};
    run_horizontal(resizer, out, &between, horizontal, 0, vertical->out);
    return DOGBREED_OK;
}

// Which pass Pillow runs first changes single bytes, because it rounds in between. Found by trying
// 13.0.0: vertical first when that shrinks the picture by more than twice as many pixels as the
// horizontal pass does (older versions knew one order only).
static int vertical_first(const axis_plan *across, const axis_plan *down) {
    return down->out < down->in && 2 * (across->in - across->out) < down->in - down->out;
}

int dogb_resizer_run(dogb_resizer *resizer, uint8_t *out, const dogb_resize_job *job) {
    if (resizer->kernel == NULL) {
        resizer->kernel = dogb_resize_kernel_choose();
    }
    const dogb_rect *box = &job->box, *window = &job->window;
    axis_plan across = {job->in.width, box->left,     box->right,  job->width,
                        window->left,  window->right, job->filter, job->mirror};
    axis_plan down = {job->in.height, box->top,       box->bottom, job->height,
                      window->top,    window->bottom, job->filter, 0};
    int need_across = axis_needed(&across), need_down = axis_needed(&down);
    dogb_axis horizontal, vertical;
    int rc = DOGBREED_OK;
    if (need_across && (rc = make_axis(&horizontal, resizer, 0, &across)) < 0) {
        return rc;
    }
    if (need_down && (rc = make_axis(&vertical, resizer, 1, &down)) < 0) {
        return rc;
    }
    if (!need_across && !need_down) {
        copy_rows(out, job, window);
    } else if (!need_across) {
        run_vertical(resizer, out, &vertical, job->in.pixels + (size_t)window->left * 3,
                     job->in.stride, 0, (size_t)(window->right - window->left) * 3);
    } else if (!need_down) {
        run_horizontal(resizer, out, &job->in, &horizontal, window->top, window->bottom);
    } else if (vertical_first(&across, &down)) {
        rc = run_down_across(resizer, out, job, &horizontal, &vertical);
    } else {
        rc = run_across_down(resizer, out, job, &horizontal, &vertical);
    }
    if (rc == 0 && job->mirror && !need_across) {
        mirror_rows(out, (size_t)(window->right - window->left),
                    (size_t)(window->bottom - window->top));
    }
    return rc;
}

int dogb_resize(uint8_t *out, int32_t width, int32_t height, const dogb_image *in,
                const dogb_rect *box, int32_t filter) {
    DOGB_CHECK(width > 0 && height > 0, "resize: size %d x %d, expected at least 1 x 1", (int)width,
               (int)height);
    DOGB_CHECK(filter >= 0 && filter < DOGB_FILTER_COUNT, "resize: unknown filter %d", (int)filter);
    DOGB_CHECK(in->width > 0 && in->height > 0, "resize: empty picture");
    dogb_resize_job job = {.in = {in->pixels, (size_t)in->width * 3, in->width, in->height},
                           .box = {0, 0, in->width, in->height},
                           .width = width,
                           .height = height,
                           .window = {0, 0, width, height},
                           .filter = filter};
    if (box != NULL) {
        job.box = *box;
    }
    DOGB_CHECK(job.box.left >= 0 && job.box.top >= 0 && job.box.right <= in->width &&
                   job.box.bottom <= in->height && job.box.left < job.box.right &&
                   job.box.top < job.box.bottom,
               "resize: box is not inside the picture of %d x %d pixels", (int)in->width,
               (int)in->height);
    dogb_arena arena = {0};
    dogb_resizer resizer = {.arena = &arena};
    int rc = dogb_resizer_run(&resizer, out, &job);
    dogb_arena_free(&arena);
    return rc;
}
