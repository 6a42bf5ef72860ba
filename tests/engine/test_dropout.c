// The vector kernel of dropout masks against the generator word by word: the same bits for every
// count, also with what is left over behind whole vectors.
#include "test.h"

#include "core/rng.h"
#include "engine/engine.h"

enum { COUNT_MAX = 1000 };

static void check(int64_t count, double p, uint64_t seed, int32_t node, int64_t step) {
    static float mask[COUNT_MAX + 1];
    dogb_rng rng;
    uint64_t threshold = (uint64_t)(p * 4294967296.0);
    float scale = (float)(1.0 / (1.0 - p));
    mask[count] = 77.0f;
    dogb_dropout_mask(mask, count, p, seed, node, step);
    dogb_rng_init(&rng, seed, DOGB_RNG_DROPOUT, (uint64_t)step, (uint32_t)node);
    for (int64_t i = 0; i < count; i++) {
        float wanted = dogb_rng_u32(&rng) < threshold ? 0.0f : scale;
        if (mask[i] != wanted) {
            fail_msg("value %d of %d, p %g: %g, expected %g", (int)i, (int)count, p,
                     (double)mask[i], (double)wanted);
        }
    }
    assert_true(mask[count] == 77.0f);
}

static void masks_equal_the_generator(void **state) {
    (void)state;
    static const double shares[] = {0.0, 1e-12, 0.2, 0.5, 0.999999};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        for (int64_t count = 0; count < 140; count++) {
            check(count, shares[i], 1, 3, 7);
        }
        check(COUNT_MAX, shares[i], UINT64_MAX, 1 << 20, (int64_t)1 << 40);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks_equal_the_generator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
