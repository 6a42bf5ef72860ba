// native_sets.h - the instruction sets that tests of the native engine go through: those that this
// CPU has, or the one that DOGBREED_TEST_SET names alone, without which the program fails; so it
// does without the integers that DOGBREED_TEST_INT8 names. The emulated CPU of scripts/emulate.sh
// is too slow for more than one set.
#ifndef DOGB_TEST_NATIVE_SETS_H
#define DOGB_TEST_NATIVE_SETS_H

#include "test.h"

#include "engine/engine.h"
#include "engine/native/kernel_int8.h"

enum { INSTRUCTION_SETS_MAX = 3 };
static const char *instruction_sets[INSTRUCTION_SETS_MAX];
static int instruction_set_count;
static const char *best_set; // the last of them

// Whether the engine takes the set that is asked for.
static inline int has_set(const char *set) {
    assert_int_equal(setenv("DOGBREED_CPU", set, 1), 0);
    int has = strcmp(dogb_engine_native()->version(), set) == 0;
    assert_int_equal(unsetenv("DOGBREED_CPU"), 0);
    return has;
}

// What computes in integers beside the set of floats.
static inline const char *int8_set(const char *set) {
    assert_int_equal(setenv("DOGBREED_CPU", set, 1), 0);
    const dogb_kernel8 *chosen = dogb_kernel8_choose();
    assert_int_equal(unsetenv("DOGBREED_CPU"), 0);
#if defined(__x86_64__)
    return chosen == &dogb_kernel8_avx512vnni ? "avx512vnni"
           : chosen == &dogb_kernel8_avxvnni  ? "avxvnni"
           : chosen == &dogb_kernel8_avx2     ? "avx2"
                                              : "c";
#else
    return chosen == &dogb_kernel8_c ? "c" : "?";
#endif
}

// The set-up of each such program (cmocka_run_group_tests): fills the table, says what is in it.
static inline int native_sets(void **state) {
    static const char *const names[INSTRUCTION_SETS_MAX] = {"c", "avx2", "avx512"};
    const char *only = getenv("DOGBREED_TEST_SET");
    (void)state;
    for (int i = 0; i < INSTRUCTION_SETS_MAX; i++) {
        if (only != NULL && strcmp(only, names[i]) != 0) {
            continue;
        }
        if (!has_set(names[i])) {
            print_message("# SKIP native, %s: this CPU has not got it\n", names[i]);
            continue;
        }
        print_message("# native, %s, integers in %s\n", names[i], int8_set(names[i]));
        instruction_sets[instruction_set_count++] = best_set = names[i];
    }
    if (best_set == NULL) {
        print_error("DOGBREED_TEST_SET=%s: expected a set of this CPU: c, avx2 or avx512\n", only);
        return -1;
    }
    const char *int8 = getenv("DOGBREED_TEST_INT8");
    if (int8 != NULL && strcmp(int8, int8_set(best_set)) != 0) {
        print_error("DOGBREED_TEST_INT8=%s: beside %s this CPU has %s\n", int8, best_set,
                    int8_set(best_set));
        return -1;
    }
    return 0;
}

// For programs whose argument names a set: whether engine native computes with another one, which
// is a skip.
static inline int is_other_set(const dogb_engine *which, const char *set) {
    if (strcmp(which->name, "native") == 0 && strcmp(which->version(), set) != 0) {
        (void)printf("1..0 # SKIP native, %s: this CPU has not got it\n", set);
        return 1;
    }
    print_message("# %s, %s\n", which->name, set);
    return 0;
}

#endif
