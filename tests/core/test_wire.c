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

// In pieces cut anywhere, and on CPUs without the instruction: the same.
static void crc32c_ways(void **state) {
    (void)state;
    unsigned char bytes[600];
    uint32_t random = 1;
    for (size_t i = 0; i < sizeof bytes; i++) {
        random = random * 1664525u + 1013904223u;
        bytes[i] = (unsigned char)(random >> 24);
    }
    for (size_t size = 0; size <= sizeof bytes; size += 1 + size / 40) {
        uint32_t whole = dogb_crc32c(bytes, size);
        assert_int_equal(dogb_crc32c_plain(0, bytes, size), whole);
        for (size_t cut = 0; cut <= size; cut++) {
            uint32_t first = dogb_crc32c(bytes, cut);
            assert_int_equal(dogb_crc32c_add(first, bytes + cut, size - cut), whole);
            assert_int_equal(dogb_crc32c_plain(first, bytes + cut, size - cut), whole);
        }
    }
}

// What was written is read: one message of each kind of field.
static void reading(void **state) {
    (void)state;
    static const int64_t numbers[] = {0, 1, 127, 128, 150, INT64_MAX, -1, INT64_MIN};
    dogb_arena arena = {0};
    dogb_buffer out = {.arena = &arena};
    for (size_t i = 0; i < 8; i++) {
        dogb_wire_integer(&out, (uint32_t)i + 1, numbers[i]);
    }
    dogb_wire_float(&out, 20, 0.25f);
    dogb_wire_double(&out, 21, -2.0);
    dogb_wire_text(&out, 536870911, "text"); // the largest number of a field
    dogb_wire_begin(&out, 5, 2);
    dogb_buffer_put(&out, "ab", 2);
    dogb_span rest = {(const uint8_t *)out.data, out.length};
    dogb_wire_field field;
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(dogb_wire_next(&field, &rest), 1);
        assert_int_equal(field.number, i + 1);
        assert_int_equal(field.kind, DOGB_WIRE_VARINT);
        assert_true((int64_t)field.value == numbers[i]);
    }
    assert_int_equal(dogb_wire_next(&field, &rest), 1);
    assert_int_equal(field.kind, DOGB_WIRE_FIXED32);
    assert_true(dogb_wire_to_float(field.value) == 0.25f);
    assert_int_equal(dogb_wire_next(&field, &rest), 1);
    assert_int_equal(field.kind, DOGB_WIRE_FIXED64);
    assert_true(dogb_wire_to_double(field.value) == -2.0);
    assert_int_equal(dogb_wire_next(&field, &rest), 1);
    assert_int_equal(field.number, 536870911);
    assert_true(dogb_span_is(field.bytes, "text") && !dogb_span_is(field.bytes, "texts"));
    assert_int_equal(dogb_wire_next(&field, &rest), 1);
    assert_true(dogb_span_is(field.bytes, "ab"));
    assert_int_equal(dogb_wire_next(&field, &rest), 0);
    dogb_arena_free(&arena);
}

// Bytes that are no message, each cut of a message among them.
static void reading_what_is_broken(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } rows[] = {{"\x08", 1},                                              // no number
                {"\x08\x80", 2},                                          // half a number
                {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11},     // of 65 bits
                {"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 12}, // of 11 bytes
                {"\x0d\x00\x00\x00", 4},                                  // half a float
                {"\x09\x00\x00\x00\x00\x00\x00\x00", 8},                  // half a double
                {"\x0a\x02\x00", 3},                                      // half a text
                {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11},     // a text of 2^64 - 1
                {"\x00\x00", 2},                                          // field 0
                {"\x0b", 1},
                {"\x0c", 1},
                {"\x0e\x00", 2},
                {"\x0f\x00", 2},                      // groups, no kinds
                {"\xf8\xff\xff\xff\xff\x01\x00", 7}}; // field 2^32 - 1 and more
    dogb_wire_field field;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        dogb_span rest = {(const uint8_t *)rows[i].bytes, rows[i].size};
        assert_int_equal(dogb_wire_next(&field, &rest), -1);
    }
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
        cmocka_unit_test(fields),    cmocka_unit_test(messages_inside_messages),
        cmocka_unit_test(crc32c),    cmocka_unit_test(crc32c_ways),
        cmocka_unit_test(reading),   cmocka_unit_test(reading_what_is_broken),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
