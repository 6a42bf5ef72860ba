// test_rng.c - the generator against Random123's vectors, and what is made of its numbers.
#include "test.h"

#include "core/rng.h"

#include <math.h>

// kat_vectors of Random123 1.14: philox4x32, 10 rounds.
static void test_known_answers(void **state) {
    (void)state;
    static const struct {
        uint32_t counter[4];
        uint32_t key[2];
        uint32_t out[4];
    } vectors[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        uint32_t out[4];
        dogb_philox(out, vectors[i].counter, vectors[i].key);
        assert_memory_equal(out, vectors[i].out, sizeof out);
    }
}

static void test_stream_is_the_generator(void **state) {
    (void)state;
    dogb_rng rng;
    uint32_t block[4];
    const uint32_t key[2] = {0x89abcdef, 0x01234567};
    dogb_rng_init(&rng, 0x0123456789abcdef, DOGB_RNG_INIT, 0x500000007, 0);
    for (uint32_t n = 0; n < 3; n++) {
        const uint32_t counter[4] = {n, DOGB_RNG_INIT, 7, 5};
        dogb_philox(block, counter, key);
        for (int i = 0; i < 4; i++) {
            assert_int_equal(dogb_rng_u32(&rng), block[i]);
        }
    }
}

static void test_streams_differ(void **state) {
    (void)state;
    static const struct {
        uint64_t seed;
        uint32_t purpose;
        uint64_t item;
        uint32_t sub;
    } streams[] = {{1, 1, 1, 1}, {2, 1, 1, 1},          {1ULL << 40, 1, 1, 1}, {1, 2, 1, 1},
                   {1, 1, 2, 1}, {1, 1, 1ULL << 40, 1}, {1, 1, 1, 2}};
    enum { COUNT = sizeof streams / sizeof streams[0] };
    uint32_t first[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        dogb_rng rng;
        dogb_rng_init(&rng, streams[i].seed, streams[i].purpose, streams[i].item, streams[i].sub);
        first[i] = dogb_rng_u32(&rng);
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(first[i], first[k]);
        }
    }
}

// Mean and variance of 100,000 numbers lie within 5 standard errors.
static void test_moments(void **state) {
    (void)state;
    enum { COUNT = 100000 };
    dogb_rng rng;
    double sum = 0;
    double square = 0;
    dogb_rng_init(&rng, 3, DOGB_RNG_SYNTH, 0, 0);
    for (int i = 0; i < COUNT; i++) {
        double u = dogb_rng_uniform(&rng);
        assert_true(u >= 0 && u < 1);
        sum += u;
    }
    assert_true(fabs(sum / COUNT - 0.5) < 5 * sqrt(1.0 / 12 / COUNT));
    sum = 0;
    for (int i = 0; i < COUNT; i++) {
        double n = dogb_rng_normal(&rng);
        assert_true(isfinite(n));
        sum += n;
        square += n * n;
    }
    assert_true(fabs(sum / COUNT) < 5 / sqrt(COUNT));
    assert_true(fabs(square / COUNT - 1) < 5 * sqrt(2.0 / COUNT));
}

static void test_below(void **state) {
    (void)state;
    enum { BOUND = 7, COUNT = 70000 };
    int seen[BOUND] = {0};
    dogb_rng rng;
    dogb_rng_init(&rng, 4, DOGB_RNG_SYNTH, 0, 0);
    for (int i = 0; i < COUNT; i++) {
        seen[dogb_rng_below(&rng, BOUND)]++;
    }
    for (int i = 0; i < BOUND; i++) {
        assert_true(abs(seen[i] - COUNT / BOUND) < 5 * (int)sqrt(COUNT / BOUND));
    }
    for (int i = 0; i < 100; i++) {
        assert_int_equal(dogb_rng_below(&rng, 1), 0);
        assert_true(dogb_rng_below(&rng, UINT64_MAX) < UINT64_MAX);
    }
}

static void test_shuffle(void **state) {
    (void)state;
    enum { COUNT = 1000 };
    int64_t items[COUNT];
    int64_t again[COUNT];
    int64_t sum = 0;
    int moved = 0;
    dogb_rng rng;
    for (int64_t i = 0; i < COUNT; i++) {
        items[i] = again[i] = i;
    }
    dogb_rng_init(&rng, 5, DOGB_RNG_SHUFFLE, 0, 1);
    dogb_rng_shuffle(&rng, items, COUNT);
    dogb_rng_init(&rng, 5, DOGB_RNG_SHUFFLE, 0, 1);
    dogb_rng_shuffle(&rng, again, COUNT);
    assert_memory_equal(items, again, sizeof items);
    char seen[COUNT] = {0};
    for (int64_t i = 0; i < COUNT; i++) {
        assert_int_equal(seen[items[i]], 0);
        seen[items[i]] = 1;
        sum += items[i];
        moved += items[i] != i;
    }
    assert_int_equal(sum, COUNT * (COUNT - 1) / 2);
    assert_true(moved > COUNT * 9 / 10);
    dogb_rng_shuffle(&rng, items, 0);
    dogb_rng_shuffle(&rng, items, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),  cmocka_unit_test(test_stream_is_the_generator),
        cmocka_unit_test(test_streams_differ), cmocka_unit_test(test_moments),
        cmocka_unit_test(test_below),          cmocka_unit_test(test_shuffle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
