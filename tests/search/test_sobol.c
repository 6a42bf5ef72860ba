// test_sobol.c - Sobol's points against scipy's, and the evenness that scrambling must keep.
#include "test.h"

#include "search/sobol.h"

// Lines "INDEX X0 X1 ... X63", times 2^30, by scipy.stats.qmc.Sobol(64, scramble=False).
static void test_golden(void **state) {
    (void)state;
    dogb_sobol sobol;
    dogb_sobol_init(&sobol);
    FILE *file = fopen(test_file("search/golden/sobol.txt"), "r");
    assert_non_null(file);
    unsigned index, value;
    int lines = 0;
    while (fscanf(file, "%u", &index) == 1) {
        for (int32_t axis = 0; axis < DOGB_SOBOL_AXES; axis++) {
            assert_int_equal(fscanf(file, "%u", &value), 1);
            assert_int_equal(dogb_sobol_at(&sobol, index, axis), value << 2);
        }
        lines++;
    }
    (void)fclose(file);
    assert_int_equal(lines, 6);
}

// 256 points: every rectangle of 2^a x 2^(8-a) cells of the first two dimensions holds one.
static void test_scrambled_net(void **state) {
    (void)state;
    dogb_sobol sobol;
    dogb_sobol_init(&sobol);
    int moved = 0;
    for (uint32_t seed = 1; seed <= 20; seed++) {
        for (uint32_t wide = 0; wide <= 8; wide++) {
            uint8_t seen[256] = {0};
            for (uint32_t i = 0; i < 256; i++) {
                uint32_t plain = dogb_sobol_at(&sobol, i, 0);
                uint32_t x = dogb_sobol_scramble(plain, seed * 0x9e3779b9u);
                uint32_t y = dogb_sobol_scramble(dogb_sobol_at(&sobol, i, 1), ~seed);
                uint32_t column = wide == 0 ? 0 : x >> (32 - wide);
                uint32_t row = wide == 8 ? 0 : y >> (24 + wide);
                seen[column << (8 - wide) | row]++;
                moved += x != plain;
            }
            for (int cell = 0; cell < 256; cell++) {
                assert_int_equal(seen[cell], 1);
            }
        }
    }
    assert_true(moved > 20 * 9 * 250);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_scrambled_net),
    };
    return cmocka_run_group_tests_name("search_sobol", tests, NULL, NULL);
}
