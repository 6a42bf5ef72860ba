// elements.c - values that are held as elements, of integers or bf16: how floats become them.
#include "engine/native/native.h"

#include "core/error.h"

#include <string.h>

uint16_t dogb_bf16_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (value != value) {
        return (uint16_t)(bits >> 16 | 0x0040u); // quiet, and no infinity
    }
    if ((bits & 0x7f800000u) == 0) {
        return (uint16_t)(bits >> 16 & 0x8000u);
    }
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

static float bf16_float(float value) {
    uint32_t bits = (uint32_t)dogb_bf16_of(value) << 16;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void dogb_native_put(const dogb_net *net, void *row, int64_t at, float value) {
    if (net->int8 != NULL) {
        dogb_int8_put(net, row, at, dogb_int8_element(&net->graph->nodes[0], value));
    } else if (net->element_bytes == (int32_t)sizeof(float)) {
        ((float *)row)[at] = bf16_float(value);
    } else {
        ((uint16_t *)row)[at] = dogb_bf16_of(value);
    }
}

int dogb_native_lookup(dogb_net *net) {
    const dogb_node *node = &net->graph->nodes[0];
    if (node->rank != 3 || node->shape[0] != 3) {
        return DOGBREED_OK;
    }
    if (net->element_bytes == (int32_t)sizeof(float)) {
        for (int32_t i = 0; i < 256 * 3; i++) {
            net->levels[i % 3][i / 3] = bf16_float(net->levels[i % 3][i / 3]);
        }
        return DOGBREED_OK;
    }
    uint16_t *lookup = dogb_alloc(&net->arena, 256 * 3, sizeof *lookup);
    for (int32_t i = 0; lookup != NULL && i < 256 * 3; i++) {
        float level = net->levels[i % 3][i / 3];
        lookup[i] =
            net->int8 != NULL ? (uint16_t)dogb_int8_element(node, level) : dogb_bf16_of(level);
    }
    net->lookup = lookup;
    return lookup == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

void dogb_native_elements(const dogb_net *net, const dogb_packed *packed, dogb_rows *rows,
                          int64_t first) {
    if (net->int8 == NULL) {
        net->bf16->elements(rows);
        return;
    }
    rows->finish = packed->int8->finish;
    rows->finish.scale += first;
    rows->finish.bias += first;
    net->int8->elements(rows);
}

// A value that a layer of floats made and one of elements reads.
void dogb_step_elements(const dogb_pass *pass, const dogb_step *step, int64_t from, int64_t to,
                        float *scratch) {
    const dogb_value *in = &pass->net->values[step->input];
    const dogb_value *out = &pass->net->values[step->output];
    (void)scratch;
    dogb_rows rows = {.pixels = out->width,
                      .channels = in->channels,
                      .in_stride = in->stride,
                      .out_stride = out->stride};
    for (int64_t y = from; y < to; y++) {
        rows.in = dogb_native_at(pass, in, y * in->pitch);
        rows.out = dogb_native_at(pass, out, y * out->pitch);
        dogb_native_elements(pass->net, &step->packed[0], &rows, 0);
    }
}
