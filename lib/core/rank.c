// rank.c - see rank.h.
#include "core/rank.h"

#include <string.h>

int32_t dogb_rank_top(int32_t *out, size_t stride, int32_t count, const float *values,
                      int32_t size) {
    int32_t found = 0;
    for (int32_t i = 0; i < size; i++) {
        int32_t at = found;
        while (at > 0 && values[out[(size_t)(at - 1) * stride]] < values[i]) {
            at--;
        }
        if (at == count) {
            continue;
        }
        int32_t *place = out + (size_t)at * stride;
        found += found < count;
        memmove(place + stride, place, (size_t)(found - 1 - at) * stride * sizeof *out);
        *place = i;
    }
    return found;
}
