// test_cluster.c - classes that are taken for each other come to stand side by side.
#include "test.h"

#include "core/rng.h"
#include "report/cluster.h"

enum { MOST = 60 };

static void check_order(const dogb_clusters *clusters, size_t count) {
    uint8_t seen[MOST] = {0};
    size_t end = 0;
    for (size_t i = 0; i < count; i++) {
        assert_true(clusters->order[i] < count);
        assert_int_equal(seen[clusters->order[i]]++, 0);
    }
    for (size_t i = 0; i < clusters->group_count; i++) {
        assert_true(clusters->groups[i].first >= end && clusters->groups[i].count >= 2);
        end = clusters->groups[i].first + clusters->groups[i].count;
        assert_true(end <= count);
    }
}

static void nothing_is_taken_for_another(void **state) {
    (void)state;
    static const double counts[16] = {5, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5};
    dogb_arena arena = {0};
    dogb_clusters clusters;
    assert_ok(dogb_cluster_classes(&clusters, &arena, counts, 4));
    assert_int_equal(clusters.group_count, 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(clusters.order[i], i);
    }
    assert_ok(dogb_cluster_classes(&clusters, &arena, counts, 1));
    assert_int_equal(clusters.order[0], 0);
    assert_ok(dogb_cluster_classes(&clusters, &arena, counts, 0));
    dogb_arena_free(&arena);
}

// 0 and 3 for each other, 2 for 0 now and then; 1 and 4 hardly.
static void by_hand(void **state) {
    (void)state;
    static const double counts[25] = {6, 0,  0, 4, 0, //
                                      0, 19, 0, 0, 1, //
                                      2, 0,  8, 0, 0, //
                                      4, 0,  0, 6, 0, //
                                      0, 0,  0, 0, 20};
    static const size_t order[5] = {2, 0, 3, 1, 4};
    dogb_arena arena = {0};
    dogb_clusters clusters;
    assert_ok(dogb_cluster_classes(&clusters, &arena, counts, 5));
    assert_memory_equal(clusters.order, order, sizeof order);
    // 0 and 3 are 0.4 alike; 2 is 0.1 to 0 and 0 to 3, 0.05 on average; 1 and 4 are 0.025.
    assert_int_equal(clusters.group_count, 1);
    assert_int_equal(clusters.groups[0].first, 1);
    assert_int_equal(clusters.groups[0].count, 2);
    dogb_arena_free(&arena);
}

// Blocks whose members lie anywhere come out whole, each with a frame.
static void hidden_blocks_are_found(void **state) {
    (void)state;
    enum { BLOCK = 4 };
    for (uint64_t seed = 0; seed < 20; seed++) {
        static double counts[MOST * MOST];
        size_t block[MOST];
        dogb_arena arena = {0};
        dogb_clusters clusters, again;
        dogb_rng rng;
        dogb_rng_init(&rng, seed, DOGB_RNG_SYNTH, 0, 0);
        for (size_t i = 0; i < MOST; i++) {
            size_t k = (size_t)dogb_rng_below(&rng, (uint32_t)i + 1);
            block[i] = block[k];
            block[k] = i / BLOCK;
        }
        for (size_t i = 0; i < MOST; i++) {
            for (size_t k = 0; k < MOST; k++) {
                double noise = dogb_rng_below(&rng, 100) < 2;
                counts[i * MOST + k] = i == k ? 20 : block[i] == block[k] ? 5 + noise : noise;
            }
        }
        assert_ok(dogb_cluster_classes(&clusters, &arena, counts, MOST));
        check_order(&clusters, MOST);
        assert_int_equal(clusters.group_count, MOST / BLOCK);
        for (size_t i = 0; i < clusters.group_count; i++) {
            const dogb_cells *group = &clusters.groups[i];
            assert_int_equal(group->count, BLOCK);
            for (size_t k = 1; k < BLOCK; k++) {
                assert_int_equal(block[clusters.order[group->first]],
                                 block[clusters.order[group->first + k]]);
            }
        }
        assert_ok(dogb_cluster_classes(&again, &arena, counts, MOST));
        assert_memory_equal(again.order, clusters.order, MOST * sizeof *again.order);
        dogb_arena_free(&arena);
    }
}

// A chain 0-1-2-...: neighbours are the most alike, and stay neighbours.
static void a_chain_stays_one(void **state) {
    (void)state;
    static double counts[64];
    static const size_t chain[8] = {3, 6, 0, 5, 1, 7, 2, 4};
    dogb_arena arena = {0};
    dogb_clusters clusters;
    for (size_t i = 0; i < 8; i++) {
        counts[chain[i] * 8 + chain[i]] = 60;
        for (size_t k = 0; k < 8; k++) {
            size_t apart = i > k ? i - k : k - i;
            counts[chain[i] * 8 + chain[k]] += apart == 1 ? 12 : apart == 2 ? 2 : 0;
        }
    }
    assert_ok(dogb_cluster_classes(&clusters, &arena, counts, 8));
    check_order(&clusters, 8);
    int forwards = clusters.order[0] == chain[0];
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(clusters.order[i], chain[forwards ? i : 7 - i]);
    }
    dogb_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_taken_for_another),
        cmocka_unit_test(by_hand),
        cmocka_unit_test(hidden_blocks_are_found),
        cmocka_unit_test(a_chain_stays_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
