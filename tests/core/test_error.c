// test_error.c - messages, codes, the log sink, the clock.
#include "test.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "core/thread.h"

#include <errno.h>

static void test_code_and_message(void **state) {
    (void)state;
    assert_int_equal(dogb_fail(DOGBREED_ERROR_IO, "%s: %d", "file", 3), DOGBREED_ERROR_IO);
    assert_string_equal(dogbreed_error_message(), "file: 3");
    errno = ENOENT;
    assert_int_equal(dogb_fail_errno(DOGBREED_ERROR_NOT_FOUND, "file"), DOGBREED_ERROR_NOT_FOUND);
    assert_string_equal(dogbreed_error_message(), "file: No such file or directory");
    // An argument may be the old message.
    (void)dogb_fail(DOGBREED_ERROR_IO, "outer: %s", dogbreed_error_message());
    assert_string_equal(dogbreed_error_message(), "outer: file: No such file or directory");
}

static void test_message_is_one_printable_line(void **state) {
    (void)state;
    char text[3000];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    (void)dogb_fail(DOGBREED_ERROR_FORMAT, "a\nb\tc\x1b[31m\x7f");
    assert_string_equal(dogbreed_error_message(), "a?b?c?[31m?");
    (void)dogb_fail(DOGBREED_ERROR_FORMAT, "%s", text);
    assert_int_equal(strlen(dogbreed_error_message()), 1023);
    errno = EIO;
    (void)dogb_fail_errno(DOGBREED_ERROR_FORMAT, "%s", text);
    assert_int_equal(strlen(dogbreed_error_message()), 1023);
}

static void test_save_and_restore(void **state) {
    (void)state;
    dogb_error_state saved;
    (void)dogb_fail(DOGBREED_ERROR_IO, "first");
    dogb_error_save(&saved, DOGBREED_ERROR_IO);
    (void)dogb_fail(DOGBREED_ERROR_FORMAT, "second");
    assert_int_equal(dogb_error_restore(&saved), DOGBREED_ERROR_IO);
    assert_string_equal(dogbreed_error_message(), "first");
}

static void *fail_elsewhere(void *userdata) {
    assert_string_equal(dogbreed_error_message(), "");
    (void)dogb_fail(DOGBREED_ERROR_IO, "elsewhere");
    return userdata;
}

static void test_message_belongs_to_a_thread(void **state) {
    (void)state;
    pthread_t thread;
    (void)dogb_fail(DOGBREED_ERROR_IO, "here");
    assert_ok(dogb_thread_start(&thread, fail_elsewhere, NULL));
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_string_equal(dogbreed_error_message(), "here");
}

static void test_names(void **state) {
    (void)state;
    assert_string_equal(dogbreed_error_name(DOGBREED_OK), "OK");
    assert_string_equal(dogbreed_error_name(DOGBREED_STOP), "STOP");
    assert_string_equal(dogbreed_error_name(DOGBREED_ERROR_INVALID_ARGUMENT), "INVALID_ARGUMENT");
    assert_string_equal(dogbreed_error_name(DOGBREED_ERROR_FORMAT), "FORMAT");
    assert_string_equal(dogbreed_error_name(DOGBREED_ERROR_INTERNAL), "INTERNAL");
    assert_string_equal(dogbreed_error_name(DOGBREED_ERROR_NO_MORE_DATA), "NO_MORE_DATA");
    assert_string_equal(dogbreed_error_name(DOGBREED_ERROR_CONDITION_MET), "CONDITION_MET");
    assert_string_equal(dogbreed_error_name(DOGBREED_ERROR_BUSY), "BUSY");
    assert_string_equal(dogbreed_error_name(DOGBREED_ERROR_TIMEOUT), "TIMEOUT");
    assert_string_equal(dogbreed_error_name(-28), "UNKNOWN");
    assert_string_equal(dogbreed_error_name(2), "UNKNOWN");
    assert_string_equal(dogbreed_error_name(INT32_MIN), "UNKNOWN");
}

typedef struct heard {
    int count;
    int32_t level;
    char line[2000];
} heard;

static void hear(int32_t level, const char *line, void *userdata) {
    heard *h = userdata;
    h->count++;
    h->level = level;
    (void)snprintf(h->line, sizeof h->line, "%s", line);
}

static void test_log(void **state) {
    (void)state;
    heard h = {0};
    dogbreed_log_set(hear, &h, DOGBREED_LOG_INFO);
    dogb_log(DOGBREED_LOG_DEBUG, "not this");
    assert_int_equal(h.count, 0);
    dogb_log(DOGBREED_LOG_INFO, "%d\nlines", 2);
    assert_int_equal(h.count, 1);
    assert_int_equal(h.level, DOGBREED_LOG_INFO);
    assert_string_equal(h.line, "2?lines");
    dogbreed_log_set(NULL, NULL, DOGBREED_LOG_DEBUG);
    dogb_log(DOGBREED_LOG_ERROR, "nobody hears");
    assert_int_equal(h.count, 1);
}

static void test_clock(void **state) {
    (void)state;
    char text[28];
    double before = dogb_clock();
    dogb_clock_text(text);
    assert_true(dogb_clock() >= before);
    assert_int_equal(strlen(text), 27);
    assert_int_equal(text[10], 'T');
    assert_int_equal(text[19], '.');
    assert_int_equal(text[26], 'Z');
    assert_true(strncmp(text, "2020", 4) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_code_and_message),
        cmocka_unit_test(test_message_is_one_printable_line),
        cmocka_unit_test(test_save_and_restore),
        cmocka_unit_test(test_message_belongs_to_a_thread),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_log),
        cmocka_unit_test(test_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
