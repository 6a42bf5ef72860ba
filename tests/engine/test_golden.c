// The reference engine computes what torch computes.
#include "test.h"

#include "engine/golden.h"

static void run(const char *file, int cases) {
    const dogb_engine *engine = NULL;
    assert_ok(dogb_engine_open(&engine, "ref", DOGB_CAN_INFER | DOGB_CAN_TRAIN, "cpu"));
    assert_int_equal(golden_run(engine, "cpu", test_file(file), 1e-5), cases);
}

static void test_convolutions_equal_torch(void **state) {
    (void)state;
    run("engine/golden/conv.bin", 13);
}

static void test_operations_equal_torch(void **state) {
    (void)state;
    run("engine/golden/ops.bin", 22);
}

static void test_losses_and_five_steps_equal_torch(void **state) {
    (void)state;
    run("engine/golden/train.bin", 9);
}

static void test_heads_equal_torch(void **state) {
    (void)state;
    run("engine/golden/head.bin", 14);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convolutions_equal_torch),
        cmocka_unit_test(test_operations_equal_torch),
        cmocka_unit_test(test_losses_and_five_steps_equal_torch),
        cmocka_unit_test(test_heads_equal_torch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
