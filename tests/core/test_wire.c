// Fields of Protocol Buffers byte by byte, checksums against published values, memory that runs
// out.
#include "out_of_memory.h"

#include "core/hash.h"
#include "core/wire.h"

static void assert_bytes(const dogb_buffer *found, const char *hex) {
    char text[3] = "";
    assert_int_equal(found->rc, 0);
    for (size_t i = 0; i < found->length; i++) {
        (void)snprintf(text, sizeof text, "%02x", (unsigned)(unsigned char)found->data[i]);
        if (strncmp(hex + 2 * i, text, 2) != 0) {
            fail_msg("byte %zu: %s, expected %.2s", i, text, hex + 2 * i);
        }
    }
    assert_int_equal(strlen(hex), 2 * found->length);
}

// The examples of the format's documentation (protobuf.dev, "Encoding"), and its ends.
static void fields(void **state) {
    (void)state;
    static const struct {
        int64_t value;
        const char *hex;
    } rows[] = {{0, "0800"},
                {1, "0801"},
                {127, "087f"},
                {128, "088001"},
                {150, "089601"},
                {INT64_MAX, "08ffffffffffffffff7f"},
                {-1, "08ffffffffffffffffff01"},
                {-2, "08feffffffffffffffff01"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        dogb_arena arena = {0};
        dogb_buffer out = {.arena = &arena};
        dogb_wire_integer(&out, 1, rows[i].value);
        assert_bytes(&out, rows[i].hex);
        dogb_arena_free(&arena);
    }
    dogb_arena arena = {0};
    dogb_buffer out = {.arena = &arena};
    dogb_wire_text(&out, 2, "testing");
    dogb_wire_text(&out, 16, "");
    dogb_wire_text(&out, 2, "\xc3\xa9\xff"); // no UTF-8: bytes that are not ASCII are replaced
    dogb_wire_text(&out, 2, "\xc3\xa9");
    dogb_wire_float(&out, 3, 0.25f);
    dogb_wire_double(&out, 4, -2.0);
    dogb_wire_bytes(&out, 5, "\x00\xff", 2);
    assert_bytes(&out, "120774657374696e67"
                       "820100"
                       "12033f3f3f"
                       "1202c3a9"
                       "1d0000803e"
                       "2100000000000000c0"
                       "2a0200ff");
    dogb_arena_free(&arena);
}

static void messages_inside_messages(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_buffer out = {.arena = &arena};
    size_t outer = dogb_wire_open(&out, 3);
    dogb_wire_integer(&out, 1, 150);
    dogb_wire_close(&out, dogb_wire_open(&out, 2));
    dogb_wire_close(&out, outer);
    assert_bytes(&out, "1a050896011200");
    dogb_arena_free(&arena);
    // A length of several bytes moves what it stands before.
    char long_text[300];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    dogb_buffer big = {.arena = &arena};
    size_t at = dogb_wire_open(&big, 1);
    dogb_wire_text(&big, 1, long_text);
    dogb_wire_close(&big, at);
    assert_int_equal(big.length, 3 + 3 + 299);
    assert_memory_equal(big.data, "\x0a\xae\x02\x0a\xab\x02xx", 8);
    assert_memory_equal(big.data + 6, long_text, 299);
    dogb_arena_free(&arena);
}

// RFC 3720, B.4, and the value that catalogues of checksums give.
static void crc32c(void **state) {
    (void)state;
    unsigned char bytes[32] = {0};
    assert_int_equal(dogb_crc32c("", 0), 0);
    assert_int_equal(dogb_crc32c("123456789", 9), 0xe3069283);
    assert_int_equal(dogb_crc32c(bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(dogb_crc32c(bytes, 32), 0x62a8ab43);
    for (int i = 0; i < 32; i++) {
        bytes[i] = (unsigned char)i;
    }
    assert_int_equal(dogb_crc32c(bytes, 32), 0x46dd794e);
}

static void no_memory(void **state) {
    (void)state;
    for (int at = 0;; at++) {
        dogb_arena arena = {0};
        dogb_buffer out = {.arena = &arena};
        memory_fail_after(at);
        size_t message = dogb_wire_open(&out, 1);
        for (int i = 0; i < 200; i++) {
            dogb_wire_text(&out, 1, "some text");
        }
        dogb_wire_close(&out, message);
        int rc = out.rc;
        dogb_arena_free(&arena);
        if (!memory_restore()) {
            assert_int_equal(rc, 0);
            assert_true(at > 1);
            break;
        }
        assert_int_equal(rc, DOGBREED_ERROR_NO_MEMORY);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields),
        cmocka_unit_test(messages_inside_messages),
        cmocka_unit_test(crc32c),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
