// Folds of two splits together: even in each class and on the whole, by content alone.
#include "fixture.h"

#include "dataset/dataset_internal.h"

enum { PER_CLASS = 17, CLASSES = 3, COPIES = 4 };

static const char *const classes[CLASSES] = {"ant", "bee", "cat"};

// set/class/NNN: file i of a class is called as turned round when `turn`. The last COPIES files of
// bee are equal.
static void write_set(const char *set, int turn) {
    for (int c = 0; c < CLASSES; c++) {
        for (int i = 0; i < PER_CLASS; i++) {
            char name[80];
            char text[80];
            int same = c == 1 && i >= PER_CLASS - COPIES;
            (void)snprintf(name, sizeof name, "%s/%s/%03d.jpg", set, classes[c],
                           turn ? PER_CLASS - i : i);
            (void)snprintf(text, sizeof text, "%s %d", classes[c], same ? PER_CLASS : i);
            put(name, text);
        }
    }
}

typedef struct folded {
    dogbreed_dataset *joined;
    int32_t folds[CLASSES * PER_CLASS];
} folded;

static void deal(folded *out, const char *set, int32_t count, uint64_t seed) {
    dogbreed_dataset *all = NULL;
    dogbreed_dataset *train = NULL;
    dogbreed_dataset *valid = NULL;
    dogbreed_dataset_options options;
    assert_ok(dogbreed_dataset_options_init(&options, sizeof options));
    options.test_fraction = 0;
    options.valid_fraction = 0.3;
    assert_ok(dogbreed_dataset_open(&all, scratch(set), &options));
    assert_ok(dogbreed_dataset_split(&train, all, "train"));
    assert_ok(dogbreed_dataset_split(&valid, all, "valid"));
    assert_ok(dogb_dataset_join(&out->joined, valid, train));
    dogbreed_dataset_destroy(all);
    dogbreed_dataset_destroy(valid);
    dogbreed_dataset_destroy(train);
    assert_int_equal(dogbreed_dataset_size(out->joined), CLASSES * PER_CLASS);
    assert_string_equal(dogb_dataset_split_name(out->joined), "train+valid");
    assert_ok(dogb_dataset_folds(out->folds, out->joined, count, seed, 2));
}

static void the_samples_are_those_of_both(void **state) {
    (void)state;
    folded f;
    write_set("both", 0);
    deal(&f, "both", 5, 1);
    for (int i = 0; i < CLASSES * PER_CLASS; i++) {
        char name[80];
        (void)snprintf(name, sizeof name, "both/%s/%03d.jpg", classes[i / PER_CLASS],
                       i % PER_CLASS);
        assert_string_equal(sample_name(f.joined, i), name);
        assert_int_equal(sample_label(f.joined, i), i / PER_CLASS);
    }
    dogbreed_dataset_destroy(f.joined);
}

static void folds_are_even(void **state) {
    (void)state;
    folded f;
    write_set("even", 0);
    for (int32_t count = 2; count <= 20; count++) {
        int of_class[CLASSES][20] = {{0}};
        int whole[20] = {0};
        deal(&f, "even", count, 3);
        for (int i = 0; i < CLASSES * PER_CLASS; i++) {
            assert_in_range(f.folds[i], 0, count - 1);
            int copy = i / PER_CLASS == 1 && i % PER_CLASS > PER_CLASS - COPIES;
            of_class[i / PER_CLASS][f.folds[i]] += !copy; // copies count once
            whole[f.folds[i]] += !copy;
        }
        for (int32_t k = 1; k < count; k++) {
            for (int c = 0; c < CLASSES; c++) {
                assert_in_range(of_class[c][k] - of_class[c][0] + 1, 0, 2);
            }
            assert_in_range(whole[k] - whole[0] + 1, 0, 2);
        }
        for (int i = 1; i < COPIES; i++) {
            assert_int_equal(f.folds[2 * PER_CLASS - 1 - i], f.folds[2 * PER_CLASS - 1]);
        }
        dogbreed_dataset_destroy(f.joined);
    }
}

// Content decides, not the name or the place of a file; and the seed does.
static void names_do_not_matter(void **state) {
    (void)state;
    folded a;
    folded b;
    folded c;
    int moved = 0;
    write_set("one", 0);
    write_set("two", 1);
    deal(&a, "one", 4, 9);
    deal(&b, "two", 4, 9);
    deal(&c, "one", 4, 10);
    for (int i = 0; i < CLASSES * PER_CLASS; i++) {
        int turned = i / PER_CLASS * PER_CLASS + PER_CLASS - 1 - i % PER_CLASS;
        assert_int_equal(a.folds[i], b.folds[turned]);
        moved += a.folds[i] != c.folds[i];
    }
    assert_true(moved > CLASSES * PER_CLASS / 2);
    dogbreed_dataset_destroy(a.joined);
    dogbreed_dataset_destroy(b.joined);
    dogbreed_dataset_destroy(c.joined);
}

static void refusals(void **state) {
    (void)state;
    dogbreed_dataset *one = NULL;
    dogbreed_dataset *other = NULL;
    dogbreed_dataset *a = NULL;
    dogbreed_dataset *b = NULL;
    dogbreed_dataset *joined = NULL;
    write_set("first", 0);
    write_set("second", 0);
    assert_ok(dogbreed_dataset_open(&one, scratch("first"), NULL));
    assert_ok(dogbreed_dataset_open(&other, scratch("second"), NULL));
    assert_ok(dogbreed_dataset_split(&a, one, "train"));
    assert_ok(dogbreed_dataset_split(&b, other, "valid"));
    assert_fails(dogb_dataset_join(&joined, a, b), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "two splits of one dataset");
    assert_fails(dogb_dataset_join(&joined, a, a), DOGBREED_ERROR_INVALID_ARGUMENT, "two splits");
    assert_fails(dogb_dataset_join(&joined, one, a), DOGBREED_ERROR_INVALID_ARGUMENT, "(all)");
    assert_null(joined);
    dogbreed_dataset_destroy(a);
    dogbreed_dataset_destroy(b);
    dogbreed_dataset_destroy(one);
    dogbreed_dataset_destroy(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_samples_are_those_of_both),
        cmocka_unit_test(folds_are_even),
        cmocka_unit_test(names_do_not_matter),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
