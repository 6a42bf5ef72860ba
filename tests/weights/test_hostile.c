// test_hostile.c - every golden file cut at every byte, with bits flipped, and with every
// allocation failing in turn: no crash, no leak, an error with a message.
#include "made_files.h"

#include "core/arena.h"
#include "weights/weights.h"

#include <fcntl.h>

static const char *const goldens[] = {"zip.pth", "legacy.pth",     "python2.pth",
                                      "tar.pth", "checkpoint.pth", "expected.safetensors"};
enum { GOLDENS = sizeof goldens / sizeof goldens[0] };

static const char *golden(const char *name) {
    char path[128];
    (void)snprintf(path, sizeof path, "weights/golden/%s", name);
    return test_file(path);
}

// Opens what may be damaged and reads all that it offers.
static int open_damaged(const char *path) {
    dogb_weights *weights = NULL;
    int rc = dogb_weights_open(&weights, path);
    if (rc < 0) {
        assert_null(weights);
        assert_true(dogbreed_error_message()[0] != '\0');
        assert_true(rc == DOGBREED_ERROR_FORMAT || rc == DOGBREED_ERROR_UNSUPPORTED ||
                    rc == DOGBREED_ERROR_NO_MEMORY);
        return rc;
    }
    uint8_t sum = 0;
    for (size_t i = 0; i < weights->count; i++) {
        const uint8_t *data = weights->tensors[i].data;
        for (size_t k = 0; k < weights->tensors[i].bytes; k++) {
            sum = (uint8_t)(sum + data[k]);
        }
    }
    (void)sum;
    dogb_weights_destroy(weights);
    return rc;
}

// A copy of a golden file that stays open for changes.
static int open_copy(const char *path, const char *name, size_t *size) {
    dogb_arena arena = {0};
    void *data = NULL;
    assert_ok(dogb_file_read(&data, size, &arena, golden(name), 1 << 20));
    scratch_write(path, data, *size);
    dogb_arena_free(&arena);
    int file = open(path, O_RDWR);
    assert_true(file >= 0);
    return file;
}

static void test_cuts(void **state) {
    (void)state;
    const char *path = scratch("cut.pth");
    for (size_t g = 0; g < GOLDENS; g++) {
        size_t size = 0;
        int file = open_copy(path, goldens[g], &size);
        for (size_t cut = size; cut-- > 0;) {
            assert_int_equal(ftruncate(file, (off_t)cut), 0);
            int rc = open_damaged(path);
            // A tar file ends in two empty blocks that hold nothing.
            assert_true(rc < 0 || (strcmp(goldens[g], "tar.pth") == 0 && cut >= size - 2048));
        }
        assert_int_equal(close(file), 0);
    }
}

static void test_flips(void **state) {
    (void)state;
    const char *path = scratch("flip.pth");
    for (size_t g = 0; g < GOLDENS; g++) {
        size_t size = 0;
        int file = open_copy(path, goldens[g], &size);
        for (size_t i = 0; i < size; i++) {
            uint8_t byte = 0;
            assert_int_equal(pread(file, &byte, 1, (off_t)i), 1);
            uint8_t flipped = (uint8_t)(byte ^ 1 << i % 8);
            assert_int_equal(pwrite(file, &flipped, 1, (off_t)i), 1);
            (void)open_damaged(path);
            assert_int_equal(pwrite(file, &byte, 1, (off_t)i), 1);
        }
        assert_int_equal(close(file), 0);
    }
}

// --- allocations: the library's own and jansson's count together

typedef struct failing {
    size_t at; // this one fails
    size_t count;
    int in_jansson; // it was one of jansson's
} failing;

static failing plan;

static int fail_one(size_t size, void *userdata) {
    (void)size;
    failing *now = userdata;
    return now->count++ == now->at;
}

static void *json_alloc(size_t size) {
    if (!fail_one(size, &plan)) {
        return malloc(size);
    }
    plan.in_jansson = 1;
    return NULL;
}

static void plan_start(size_t at) {
    plan = (failing){.at = at};
    dogb_alloc_test(fail_one, &plan);
    json_set_alloc_funcs(json_alloc, free);
}

static void plan_end(void) {
    dogb_alloc_test(NULL, NULL);
    json_set_alloc_funcs(malloc, free);
}

// Fails each allocation of call(path) in turn, until none is left to fail.
static void fail_all(int (*call)(const char *path), const char *path) {
    for (size_t at = 0;; at++) {
        plan_start(at);
        int rc = call(path);
        size_t count = plan.count;
        plan_end();
        if (count <= at) {
            assert_int_equal(rc, DOGBREED_OK);
            assert_true(at > 0);
            return;
        }
        // jansson's scanner takes a failed allocation for a wrong character, and a text that could
        // not be made once is tried again as ASCII.
        int excused = plan.in_jansson && (rc == DOGBREED_ERROR_FORMAT || rc == DOGBREED_OK);
        if (rc != DOGBREED_ERROR_NO_MEMORY && !excused) {
            fail_msg("%s: allocation %zu: %s: %s", path, at, dogbreed_error_name(rc),
                     dogbreed_error_message());
        }
    }
}

static void test_open_without_memory(void **state) {
    (void)state;
    for (size_t g = 0; g < GOLDENS; g++) {
        fail_all(open_damaged, golden(goldens[g]));
    }
}

static int list(const char *path) {
    char *text = NULL;
    int rc = dogbreed_weights_list(&text, path);
    assert_true((rc < 0) == (text == NULL));
    free(text);
    return rc;
}

static int verify(const char *path) {
    char *text = NULL;
    int rc = dogbreed_weights_verify(&text, path, "tiny");
    assert_true((rc < 0) == (text == NULL));
    free(text);
    return rc;
}

static int to_safetensors(const char *path) {
    return dogbreed_weights_convert(path, scratch("a.safetensors"));
}

static int to_pth(const char *path) {
    return dogbreed_weights_convert(path, scratch("a.pth"));
}

static int metadata(const char *path) {
    dogb_arena arena = {0};
    json_t *value = NULL;
    int rc = dogb_safetensors_metadata(&value, &arena, path);
    assert_true((rc < 0) == (value == NULL));
    dogb_arena_free(&arena);
    return rc;
}

static void test_calls_without_memory(void **state) {
    (void)state;
    fail_all(list, golden("zip.pth"));
    fail_all(to_safetensors, golden("legacy.pth"));
    fail_all(to_pth, golden("zip.pth"));
    fail_all(metadata, golden("expected.safetensors"));
}

static void test_verify_without_memory(void **state) {
    (void)state;
    fail_all(verify, golden("legacy.pth"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_flips),
        cmocka_unit_test(test_open_without_memory),
        cmocka_unit_test(test_calls_without_memory),
        cmocka_unit_test(test_verify_without_memory),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
