// test_arena.c - blocks, destructors, growing arrays, failing allocations.
#include "test.h"

#include "core/arena.h"

static char order[16];

static void note(void *pointer) {
    size_t used = strlen(order);
    assert_true(used + 1 < sizeof order);
    order[used] = *(const char *)pointer;
    order[used + 1] = '\0';
}

static void test_memory_is_zeroed_and_aligned(void **state) {
    (void)state;
    dogb_arena arena = {0};
    for (size_t size = 0; size < 300; size += 7) {
        unsigned char *block = dogb_alloc(&arena, size, 1);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % 64, 0);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(block[i], 0);
        }
    }
    dogb_arena_free(&arena);
    dogb_arena_free(&arena); // an empty arena is fine
}

static void test_overflow_is_refused(void **state) {
    (void)state;
    dogb_arena arena = {0};
    assert_null(dogb_alloc(&arena, SIZE_MAX / 2, 4));
    assert_non_null(strstr(dogbreed_error_message(), "out of memory"));
    assert_null(dogb_alloc_raw(&arena, SIZE_MAX, 1));
    assert_null(dogb_malloc(SIZE_MAX / 4, 8));
    dogb_arena_free(&arena);
}

static void test_destructors_run_newest_first(void **state) {
    (void)state;
    dogb_arena arena = {0};
    char *a = dogb_strdup(&arena, "a"); // still there when its destructor runs
    order[0] = '\0';
    assert_ok(dogb_defer(&arena, note, a));
    char *b = dogb_strdup(&arena, "b");
    assert_ok(dogb_defer(&arena, note, b));
    assert_ptr_equal(dogb_arena_find(&arena, note), b);
    dogb_arena_free(&arena);
    assert_string_equal(order, "ba");
}

static void test_release_from_anywhere(void **state) {
    (void)state;
    dogb_arena arena = {0};
    void *blocks[3];
    for (int i = 0; i < 3; i++) {
        blocks[i] = dogb_alloc(&arena, 10, 1);
    }
    dogb_release(&arena, blocks[1]);
    dogb_release(&arena, blocks[2]);
    dogb_release(&arena, NULL);
    dogb_release(&arena, blocks[0]);
    assert_null(arena.blocks);
}

static void test_realloc_keeps_content(void **state) {
    (void)state;
    dogb_arena arena = {0};
    char *text = dogb_realloc(&arena, NULL, 4, 1);
    memcpy(text, "abc", 4);
    text = dogb_realloc(&arena, text, 1000, 1);
    assert_string_equal(text, "abc");
    text = dogb_realloc(&arena, text, 2, 1);
    assert_memory_equal(text, "ab", 2);
    dogb_arena_free(&arena);
}

static void test_grow_doubles(void **state) {
    (void)state;
    dogb_arena arena = {0};
    int *items = NULL;
    size_t capacity = 0;
    for (int i = 0; i < 1000; i++) {
        assert_ok(dogb_grow(&arena, &items, &capacity, (size_t)i, sizeof *items));
        assert_true(capacity > (size_t)i);
        items[i] = i;
    }
    assert_int_equal(capacity, 1024);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(items[i], i);
    }
    assert_int_equal(dogb_grow(&arena, &items, &capacity, SIZE_MAX / 2, sizeof *items),
                     DOGBREED_ERROR_NO_MEMORY);
    assert_int_equal(items[999], 999); // a failure leaves the array as it was
    dogb_arena_free(&arena);
}

static void test_texts(void **state) {
    (void)state;
    dogb_arena arena = {0};
    assert_string_equal(dogb_format(&arena, "%s-%d", "x", 7), "x-7");
    assert_string_equal(dogb_strndup(&arena, "abcdef", 3), "abc");
    assert_string_equal(dogb_strdup(&arena, ""), "");
    dogb_arena_free(&arena);
}

static int always_fail(size_t size, void *userdata) {
    (void)size;
    ++*(int *)userdata;
    return 1;
}

static void test_failing_allocations(void **state) {
    (void)state;
    dogb_arena arena = {0};
    int asked = 0;
    char text[] = "x";
    void *items = NULL;
    size_t capacity = 0;
    order[0] = '\0';
    dogb_alloc_test(always_fail, &asked);
    assert_null(dogb_alloc(&arena, 1, 1));
    assert_null(dogb_malloc(1, 1));
    assert_null(dogb_format(&arena, "%d", 1));
    assert_int_equal(dogb_grow(&arena, &items, &capacity, 0, 4), DOGBREED_ERROR_NO_MEMORY);
    // What cannot be registered is not lost.
    assert_int_equal(dogb_defer(&arena, note, text), DOGBREED_ERROR_NO_MEMORY);
    dogb_alloc_test(NULL, NULL);
    assert_string_equal(order, "x");
    assert_int_equal(asked, 5);
    assert_null(arena.blocks);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_zeroed_and_aligned),
        cmocka_unit_test(test_overflow_is_refused),
        cmocka_unit_test(test_destructors_run_newest_first),
        cmocka_unit_test(test_release_from_anywhere),
        cmocka_unit_test(test_realloc_keeps_content),
        cmocka_unit_test(test_grow_doubles),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
