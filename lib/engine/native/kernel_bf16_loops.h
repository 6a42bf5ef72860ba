// kernel_bf16_loops.h - the loops of a dogb_kernel16 over one instruction set. The including file
// defines what tile_loops.h asks for (but ROUNDED), NAME, FLOATS (the companion), VECTORS_MOST and
// NATIVE (it has instructions for bf16).
#include "engine/native/kernel_bf16.h"

#define ROUNDED 1
#include "engine/native/tile_loops.h"

static void elements(const dogb_rows *r) {
    const float *in = r->in;
    element *out = r->out;
    for (int64_t p = 0; p < r->pixels; p++, in += r->in_stride, out += r->out_stride) {
        int64_t c = 0;
        for (; c + LANES <= r->channels; c += LANES) {
            e_store(out + c, LANES, v_load(in + c));
        }
        if (c < r->channels) {
            int lanes = (int)(r->channels - c);
            e_store(out + c, lanes, v_load_part(in + c, lanes));
        }
    }
}

const dogb_kernel16 DOGB_JOIN(dogb_kernel16_, NAME) = {
    .name = DOGB_TEXT(NAME),
    .floats = &DOGB_JOIN(dogb_kernel_, FLOATS),
    .bytes = sizeof(element),
    .native = NATIVE,
    .most = VECTORS_MOST,
    .tiles = {NULL, tiles_1, tiles_2, tiles_3, tiles_4},
    .elements = elements,
};
