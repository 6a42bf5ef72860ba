// sobol.c - Sobol's sequence (Joe and Kuo's direction numbers) and sampler qmc on it.
#include "search/sobol.h"

#include "core/error.h"
#include "search/sampler_struct.h"

static void init_axis(uint32_t v[DOGB_SOBOL_BITS], const dogb_sobol_axis *axis) {
    int degree = 0;
    while (axis->polynomial >> (degree + 1) != 0) {
        degree++;
    }
    for (int i = 0; i < DOGB_SOBOL_BITS; i++) {
        if (i < degree || degree == 0) { // degree 0: van der Corput's sequence
            v[i] = (degree == 0 ? 1u : axis->first[i]) << (31 - i);
            continue;
        }
        v[i] = v[i - degree] ^ v[i - degree] >> degree;
        for (int k = 1; k < degree; k++) {
            if (axis->polynomial >> (degree - k) & 1) {
                v[i] ^= v[i - k];
            }
        }
    }
}

void dogb_sobol_init(dogb_sobol *sobol) {
    for (int32_t axis = 0; axis < DOGB_SOBOL_AXES; axis++) {
        init_axis(sobol->directions[axis], &dogb_sobol_table[axis]);
    }
}

uint32_t dogb_sobol_at(const dogb_sobol *sobol, uint32_t index, int32_t axis) {
    uint32_t gray = index ^ index >> 1;
    uint32_t value = 0;
    for (int bit = 0; gray != 0; bit++, gray >>= 1) {
        if (gray & 1) {
            value ^= sobol->directions[axis][bit];
        }
    }
    return value;
}

static uint32_t reversed(uint32_t x) {
    x = (x >> 1 & 0x55555555u) | (x & 0x55555555u) << 1;
    x = (x >> 2 & 0x33333333u) | (x & 0x33333333u) << 2;
    x = (x >> 4 & 0x0f0f0f0fu) | (x & 0x0f0f0f0fu) << 4;
    x = (x >> 8 & 0x00ff00ffu) | (x & 0x00ff00ffu) << 8;
    return x >> 16 | x << 16;
}

// Burley, Practical Hash-based Owen Scrambling, 2020: Laine and Karras' hash, in which a bit
// depends only on itself and the bits below, on the reversed word.
uint32_t dogb_sobol_scramble(uint32_t value, uint32_t seed) {
    uint32_t x = reversed(value) + seed;
    x ^= x * 0x6c50b47cu;
    x ^= x * 0xb82f1e52u;
    x ^= x * 0xc7afe638u;
    x ^= x * 0x8d22f6e6u;
    return reversed(x);
}

// --- sampler qmc: point k belongs to trial k, whoever asks

void dogb_qmc_values(const dogb_sampler *sampler, const dogb_sobol *sobol, double *values,
                     int64_t number) {
    for (int32_t i = 0; i < sampler->space.count; i++) {
        if (i >= DOGB_SOBOL_AXES || number > UINT32_MAX) {
            values[i] = dogb_random_value(sampler, number, i);
            continue;
        }
        dogb_rng rng;
        dogb_search_rng(&rng, sampler, 0, DOGB_STREAM_SOBOL, i);
        uint32_t at = dogb_sobol_at(sobol, (uint32_t)number, i);
        // The middle of the cell: never 0 or 1.
        double unit = ((double)dogb_sobol_scramble(at, dogb_rng_u32(&rng)) + 0.5) * 0x1p-32;
        values[i] = dogb_axis_value(&sampler->space.axes[i], unit);
    }
}

static int qmc_create(dogb_sampler *sampler) {
    dogb_sobol *sobol = dogb_alloc(&sampler->arena, 1, sizeof *sobol);
    if (sobol == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    dogb_sobol_init(sobol);
    sampler->state = sobol;
    return 0;
}

static int qmc_suggest(dogb_sampler *sampler, double *values, int64_t number,
                       const dogb_history *history) {
    (void)history;
    dogb_qmc_values(sampler, sampler->state, values, number);
    return 0;
}

const dogb_sampler_kind dogb_sampler_qmc = {"qmc", qmc_create, qmc_suggest};
