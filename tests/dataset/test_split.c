// test_split.c - drawn splits, hashes and the fingerprint.
#include "fixture.h"

#include "dataset/dataset_internal.h"

static void put_class(const char *name, int first, int count) {
    for (int i = first; i < first + count; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "%s/%04d.jpg", name, i);
        put(path, path);
    }
}

static dogbreed_dataset *open_part(uint64_t seed, const char *name) {
    dogbreed_dataset_options options;
    dogbreed_dataset *all = NULL;
    dogbreed_dataset *part = NULL;
    assert_ok(dogbreed_dataset_options_init(&options, sizeof options));
    options.seed = seed;
    assert_ok(dogbreed_dataset_open(&all, scratch_folder, &options));
    assert_ok(dogbreed_dataset_split(&part, all, name));
    dogbreed_dataset_destroy(all);
    return part;
}

static int contains(const dogbreed_dataset *dataset, const char *name) {
    for (int64_t i = 0; i < dogbreed_dataset_size(dataset); i++) {
        if (strcmp(sample_name(dataset, i), name) == 0) {
            return 1;
        }
    }
    return 0;
}

static int64_t of_class(const dogbreed_dataset *dataset, int32_t label) {
    int64_t count = 0;
    for (int64_t i = 0; i < dogbreed_dataset_size(dataset); i++) {
        count += sample_label(dataset, i) == label;
    }
    return count;
}

static void draws_by_class(void **state) {
    (void)state;
    put_class("a", 0, 100);
    put_class("b", 0, 20);
    put_class("c", 0, 3);
    put_class("d", 0, 2);
    put_class("e", 0, 1);
    static const int64_t wanted[3][5] = {{70, 14, 1, 2, 1}, {15, 3, 1, 0, 0}, {15, 3, 1, 0, 0}};
    static const char *const names[] = {"train", "valid", "test"};
    int64_t total = 0;
    dogbreed_dataset *parts[3];
    for (int i = 0; i < 3; i++) {
        parts[i] = open_part(1, names[i]);
        total += dogbreed_dataset_size(parts[i]);
        for (int32_t label = 0; label < 5; label++) {
            assert_int_equal(of_class(parts[i], label), wanted[i][label]);
        }
    }
    assert_int_equal(total, 126);
    for (int i = 0; i < 3; i++) { // disjoint
        for (int j = 0; j < i; j++) {
            for (int64_t k = 0; k < dogbreed_dataset_size(parts[i]); k++) {
                assert_false(contains(parts[j], sample_name(parts[i], k)));
            }
        }
        for (int64_t k = 1; k < dogbreed_dataset_size(parts[i]); k++) { // in order
            char before[64];
            (void)snprintf(before, sizeof before, "%s", sample_name(parts[i], k - 1));
            assert_true(strcmp(before, sample_name(parts[i], k)) < 0);
        }
    }
    for (int i = 0; i < 3; i++) {
        dogbreed_dataset_destroy(parts[i]);
    }
}

static void depends_on_the_seed_alone(void **state) {
    (void)state;
    put_class("a", 0, 100);
    dogbreed_dataset *first = open_part(7, "valid");
    dogbreed_dataset *same = open_part(7, "valid");
    dogbreed_dataset *other = open_part(8, "valid");
    int64_t common = 0;
    assert_int_equal(dogbreed_dataset_size(first), 15);
    for (int64_t i = 0; i < 15; i++) {
        assert_string_equal(sample_name(first, i), sample_name(same, i));
        common += contains(other, sample_name(first, i));
    }
    assert_true(common < 10);
    dogbreed_dataset_destroy(same);
    dogbreed_dataset_destroy(other);
    put_class("b", 0, 50);  // another class changes nothing
    put_class("a", 100, 5); // few new files move few old ones
    dogbreed_dataset *grown = open_part(7, "valid");
    int64_t kept = 0;
    for (int64_t i = 0; i < 15; i++) {
        kept += contains(grown, sample_name(first, i));
    }
    assert_true(kept >= 12);
    dogbreed_dataset_destroy(first);
    dogbreed_dataset_destroy(grown);
}

static void known_draw_stays(void **state) {
    (void)state;
    // Published results depend on the draw: these names never change. Worked out by hand from
    // FNV-1a and Philox.
    put_class("a", 0, 10);
    dogbreed_dataset *valid = open_part(1, "valid");
    dogbreed_dataset *test = open_part(1, "test");
    assert_int_equal(dogbreed_dataset_size(valid), 2);
    assert_string_equal(sample_name(valid, 0), "a/0004.jpg");
    assert_string_equal(sample_name(valid, 1), "a/0005.jpg");
    assert_string_equal(sample_name(test, 0), "a/0001.jpg");
    assert_string_equal(sample_name(test, 1), "a/0006.jpg");
    dogbreed_dataset_destroy(valid);
    dogbreed_dataset_destroy(test);
}

static void check_fingerprint(const dogbreed_dataset *dataset, int32_t threads,
                              const char *wanted) {
    dogb_sha256 hash;
    char text[65];
    assert_ok(dogb_dataset_fingerprint(&hash, dataset, threads));
    dogb_sha256_text(&hash, text);
    assert_string_equal(text, wanted);
}

static void fingerprint_is_known(void **state) {
    (void)state;
    // Known answers by tests/dataset/golden/make.py, which has its own implementation.
    put("train/a/1.jpg", "one");
    put("train/a/2.jpg", "two");
    put("train/b/3.jpg", "");
    put("valid/a/4.jpg", "four");
    put("test/b/5.jpg", "five");
    assert_int_equal(symlink("nowhere", scratch("train/b/6.jpg")), 0);
    FILE *golden = fopen(test_file("dataset/golden/fingerprint.txt"), "r");
    char line[128];
    dogbreed_dataset *all = NULL;
    assert_non_null(golden);
    assert_ok(dogbreed_dataset_open(&all, scratch_folder, NULL));
    static const char *const names[] = {"all", "train", "valid", "test"};
    for (int i = 0; i < 4; i++) {
        dogbreed_dataset *part = NULL;
        assert_non_null(fgets(line, sizeof line, golden));
        line[strcspn(line, "\n")] = '\0';
        assert_ok(dogbreed_dataset_split(&part, all, names[i]));
        check_fingerprint(part, i + 1, line);
        check_fingerprint(part, 1, line);
        dogbreed_dataset_destroy(part);
    }
    assert_int_equal(fclose(golden), 0);
    dogbreed_dataset_destroy(all);
}

static void hashes_follow_the_handle(void **state) {
    (void)state;
    put("train/a/1.jpg", "one");
    put("train/a/2.jpg", "abc");
    put("test/a/3.jpg", "abc");
    dogbreed_dataset *all = NULL;
    dogbreed_dataset *test = NULL;
    const dogb_sha256 *whole = NULL;
    const dogb_sha256 *part = NULL;
    const dogb_sha256 *again = NULL;
    char text[65];
    assert_ok(dogbreed_dataset_open(&all, scratch_folder, NULL));
    assert_ok(dogbreed_dataset_split(&test, all, "test"));
    assert_ok(dogb_dataset_hashes(&part, test, 2));
    assert_ok(dogb_dataset_hashes(&whole, all, 2));
    dogb_sha256_text(part, text); // FIPS 180 vector
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_memory_equal(&whole[1], part, sizeof *part);
    assert_memory_equal(&whole[2], part, sizeof *part);
    assert_memory_not_equal(&whole[0], part, sizeof *part);
    assert_ok(dogb_dataset_hashes(&again, test, 1));
    assert_ptr_equal(again, part);
    dogbreed_dataset_destroy(all);
    dogbreed_dataset_destroy(test);
}

static void large_files_cost_nothing(void **state) {
    (void)state;
    dogbreed_dataset *all = NULL;
    dogb_sha256 hash;
    put("a/1.jpg", "x");
    put("a/2.jpg", "x");
    assert_int_equal(truncate(scratch("a/2.jpg"), (off_t)1 << 40), 0); // sparse
    assert_ok(dogbreed_dataset_open(&all, scratch_folder, NULL));
    assert_ok(dogb_dataset_fingerprint(&hash, all, 1));
    dogbreed_dataset_destroy(all);
}

#define ROOTED(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void) {
    const struct CMUnitTest tests[] = {
        ROOTED(draws_by_class),           ROOTED(depends_on_the_seed_alone),
        ROOTED(known_draw_stays),         ROOTED(fingerprint_is_known),
        ROOTED(hashes_follow_the_handle), ROOTED(large_files_cost_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
