// rank.h - the largest of a row of numbers.
#ifndef DOGB_CORE_RANK_H
#define DOGB_CORE_RANK_H

#include <stddef.h>
#include <stdint.h>

// Indices of the `count` largest values, the largest first; of equal ones the lowest index first.
// They lie `stride` numbers apart in `out`, so that they can be members of structs. Returns how
// many there are. NaN is no larger than anything.
int32_t dogb_rank_top(int32_t *out, size_t stride, int32_t count, const float *values,
                      int32_t size);

#endif
