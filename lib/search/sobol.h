// sobol.h - Sobol's sequence in up to DOGB_SOBOL_AXES dimensions, point by point.
#ifndef DOGB_SEARCH_SOBOL_H
#define DOGB_SEARCH_SOBOL_H

#include <stdint.h>

enum { DOGB_SOBOL_AXES = 64, DOGB_SOBOL_BITS = 32, DOGB_SOBOL_DEGREE = 9 };

// Joe and Kuo's numbers of one dimension: a primitive polynomial over GF(2), its highest bit the
// degree, and the first direction numbers.
typedef struct dogb_sobol_axis {
    uint16_t polynomial;
    uint16_t first[DOGB_SOBOL_DEGREE];
} dogb_sobol_axis;
extern const dogb_sobol_axis dogb_sobol_table[DOGB_SOBOL_AXES];

typedef struct dogb_sobol {
    uint32_t directions[DOGB_SOBOL_AXES][DOGB_SOBOL_BITS];
} dogb_sobol;
void dogb_sobol_init(dogb_sobol *sobol);

// Coordinate `axis` of point `index` (in the order of the Gray code, as scipy), times 2^32.
uint32_t dogb_sobol_at(const dogb_sobol *sobol, uint32_t index, int32_t axis);

// Owen's scrambling by hashing: each bit is flipped or not, drawn from the bits above it and the
// seed. Point sets keep their evenness.
uint32_t dogb_sobol_scramble(uint32_t value, uint32_t seed);

#endif
