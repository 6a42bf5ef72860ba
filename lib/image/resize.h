// resize.h - resampling inside this folder: views, a reusable resizer, and the seam to the kernels,
// one file per instruction set.
#ifndef DOGB_IMAGE_RESIZE_H
#define DOGB_IMAGE_RESIZE_H

#include "image/codec.h"

enum { DOGB_RESIZE_BITS = 22 }; // fraction bits of a weight

// Pixels somewhere else: 8-bit RGB rows with a stride.
typedef struct dogb_view {
    const uint8_t *pixels;
    size_t stride; // bytes
    int32_t width;
    int32_t height;
} dogb_view;

// The weights of one axis: output i is the sum of weights[i * taps + t] * input[first[i] + t] over
// t < count[i]; weights behind count[i] are 0.
typedef struct dogb_axis {
    int32_t out;  // number of outputs
    int32_t taps; // room per output
    int32_t *first;
    int32_t *count;
    int32_t *weights;
    void *packed; // what the kernel's prepare made of it
    size_t reach; // bytes of a row that the vector kernels read, from its first pixel
    const struct dogb_resize_kernel *fallback; // runs the horizontal pass instead; may be NULL
} dogb_axis;

// All rows are 8-bit RGB. Kernels give the same bytes on every instruction set.
typedef struct dogb_resize_kernel {
    const char *name;
    // Bytes needed behind axis->packed, and what to put there; NULL when the kernel needs nothing.
    size_t (*packed_size)(const dogb_axis *axis);
    void (*prepare)(dogb_axis *axis);
    // One row: axis->out pixels. in_end: end of the readable memory.
    void (*horizontal)(uint8_t *out, const uint8_t *in, const uint8_t *in_end,
                       const dogb_axis *axis);
    // Four rows at once, whose reach is readable; NULL when there is no such kernel.
    void (*horizontal4)(uint8_t *out, size_t out_stride, const uint8_t *in, size_t in_stride,
                        const dogb_axis *axis);
    // One output row of `bytes` bytes from `taps` rows.
    void (*vertical)(uint8_t *out, const uint8_t *in, size_t stride, size_t bytes,
                     const int32_t *weights, int32_t taps);
    // The first pixels of a picture through a table per channel, to the three planes of `out`,
    // `plane` floats apart. Returns how many pixels it did; NULL: none.
    size_t (*look_up)(float *out, size_t plane, const uint8_t *in, size_t count,
                      const float tables[3][256]);
} dogb_resize_kernel;

extern const dogb_resize_kernel dogb_resize_c;
extern const dogb_resize_kernel dogb_resize_avx2;
extern const dogb_resize_kernel dogb_resize_avx512;

// The best kernel of this machine, or the one that DOGBREED_CPU (c, avx2, avx512) asks for.
const dogb_resize_kernel *dogb_resize_kernel_choose(void);

// Tests: the index-th kernel, best first; the one in C where the machine cannot run it. NULL: no
// more.
const dogb_resize_kernel *dogb_resize_kernel_at(size_t index);

// Buffers of a resizer; grow only. Zero to start.
typedef struct dogb_resizer {
    dogb_arena *arena;
    const dogb_resize_kernel *kernel; // NULL: chosen on first use
    dogb_buffer doubles;
    dogb_buffer tables[2]; // per axis
    dogb_buffer packed[2];
    dogb_buffer rows;
} dogb_resizer;

// What is wanted of a resize: `in` (its part `box`) to width x height, of which only `window` is
// computed and written to out (rows of window width * 3 bytes).
typedef struct dogb_resize_job {
    dogb_view in;
    dogb_rect box;
    int32_t width;
    int32_t height;
    dogb_rect window;
    int32_t filter;
    int32_t mirror; // left-right, after everything else
} dogb_resize_job;

int dogb_resizer_run(dogb_resizer *resizer, uint8_t *out, const dogb_resize_job *job);

#endif
