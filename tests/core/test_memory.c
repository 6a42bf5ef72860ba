// What memory is free, beside what the system says of all of it.
#include "test.h"

#include "core/memory.h"

static void some_memory_is_free(void **state) {
    (void)state;
    int64_t total = (int64_t)sysconf(_SC_PHYS_PAGES) * (int64_t)sysconf(_SC_PAGESIZE);
    int64_t before = dogb_memory_free();
    assert_true(before > 0 && before < total);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(some_memory_is_free)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
