// Event files: golden records, what a torn file still says, files that grow and files that are
// replaced.
#include "../tensorboard/records.h"

#include "core/wire.h"
#include "tensorboard/events.h"
#include "tensorboard/folder.h"
#include "tensorboard/messages.h"
#include "tensorboard/frame.h"

static dogb_arena arena;

static int free_arena(void **state) {
    (void)state;
    dogb_arena_free(&arena);
    return 0;
}

// Bytes that TensorBoard has read.
static void golden(void **state) {
    (void)state;
    dogb_buffer version = {.arena = &arena};
    dogb_board_version(&version, 1700000000.25);
    records_assert_hex(&version,
                       "1800000000000000a37f4b220900001040fc54d9411a0d627261696e2e4576656e743a"
                       "32338d2fe9");

    dogb_buffer simple = {.arena = &arena}; // of the old style, by the same parts
    size_t event = dogb_event_open(&simple, 1700000005.25);
    dogb_wire_integer(&simple, 2, 5);
    size_t summary = dogb_wire_open(&simple, 5);
    size_t value = dogb_wire_open(&simple, 1);
    dogb_wire_text(&simple, 1, "train/loss");
    dogb_wire_float(&simple, 2, 0.25f);
    dogb_wire_close(&simple, value);
    dogb_wire_close(&simple, summary);
    dogb_frame_close(&simple, event);
    records_assert_hex(&simple,
                       "200000000000000029eda9500900005041fc54d94110052a130a110a0a747261696e2f"
                       "6c6f7373150000803ebcbacab0");

    dogb_buffer point = {.arena = &arena};
    dogb_point_event accuracy = {
        .tag = "val/accuracy", .time = 1700000005.25, .step = 5, .value = 0.5, .first = 1};
    dogb_board_point(&point, &accuracy);
    records_assert_hex(&point,
                       "3800000000000000a3797d570900005041fc54d94110052a2b0a290a0c76616c2f6163"
                       "6375726163794a0d0a090a077363616c6172732001420a080112002a040000003f865e"
                       "de2a");

    dogb_buffer session = {.arena = &arena};
    dogb_hparam_setting rate = {"lr", {.kind = DOGB_HPARAM_NUMBER, .number = 0.01}};
    dogb_hparam_session trial = {.group = "", .time = 1700000000.25, .settings = &rate, .count = 1};
    dogb_board_session(&session, &trial);
    records_assert_hex(&session,
                       "620000000000000079fd606f0900001040fc54d9412a570a550a1c5f6870617261"
                       "6d735f2f73657373696f6e5f73746172745f696e666f4a2b0a270a07687061726"
                       "16d73121c1a1a0a0f0a026c721209117b14ae47e17a843f2900001040fc54d941"
                       "200242080801120412020800bf7f3836");
}

static dogb_buffer curve(int points, double begin) {
    dogb_buffer out = {.arena = &arena};
    dogb_point_event point = {.tag = "value", .first = 1};
    dogb_board_version(&out, begin);
    for (int i = 0; i < points; i++) {
        point.time = begin + i;
        point.step = i + 1;
        point.value = 0.5 * i;
        dogb_board_point(&out, &point);
        point.first = 0;
    }
    return out;
}

static void earlier_records_survive_a_cut(void **state) {
    (void)state;
    dogb_buffer out = curve(20, 1700000000);
    size_t whole = 0;
    int count = 0;
    for (size_t size = 0; size <= out.length; size++) {
        size_t now = 0;
        int seen = records_count(out.data, size, &now);
        assert_true(seen == count || seen == count + 1);
        assert_true(now >= whole && now <= size);
        count = seen;
        whole = now;
    }
    assert_int_equal(count, 21);
    assert_int_equal(whole, out.length);
}

static ino_t inode(const char *folder) {
    const char *name = NULL;
    struct stat info;
    assert_int_equal(records_files(folder, &name), 1);
    assert_int_equal(stat(dogb_path_join(&arena, folder, name), &info), 0);
    return info.st_ino;
}

static int events_of(const char *folder) {
    char *data = NULL;
    size_t size = 0;
    return records_read(&data, &size, &arena, folder);
}

// Who watches a file keeps it while it grows; times that were written stay.
static void a_file_grows(void **state) {
    (void)state;
    const char *folder = scratch("grows/deeper");
    dogb_buffer out = curve(2, 1700000000);
    assert_ok(dogb_board_write(folder, &out));
    ino_t first = inode(folder);
    dogb_buffer later = curve(5, 1699999900); // times of what is new are not before those
    assert_ok(dogb_board_write(folder, &later));
    assert_ok(dogb_board_write(folder, &later));
    assert_int_equal(events_of(folder), 6);
    assert_true(inode(folder) == first);
    char *data = NULL;
    size_t size = 0;
    (void)records_read(&data, &size, &arena, folder);
    assert_memory_equal(data, out.data, out.length);
    dogb_point_event point = {.tag = "value", .time = 1700000001, .value = 1};
    dogb_buffer rest = {.arena = &arena};
    for (point.step = 3; point.step <= 5; point.step++, point.value += 0.5) {
        dogb_board_point(&rest, &point);
    }
    assert_int_equal(size, out.length + rest.length);
    assert_memory_equal(data + out.length, rest.data, rest.length);
}

static void append(const char *folder, const char *text, size_t size) {
    const char *name = NULL;
    assert_int_equal(records_files(folder, &name), 1);
    assert_ok(dogb_file_append(dogb_path_join(&arena, folder, name), text, size));
}

// Anything else but a beginning of the records is replaced: torn ones, other ones, more.
static void a_file_is_replaced(void **state) {
    (void)state;
    const char *folder = scratch("replaced");
    dogb_buffer out = curve(3, 1700000000);
    for (size_t torn = 1; torn < 60; torn++) {
        dogb_buffer less = curve(2, 1700000000);
        assert_ok(dogb_board_write(folder, &less));
        append(folder, out.data + less.length, torn % (out.length - less.length));
        assert_ok(dogb_board_write(folder, &out));
        assert_int_equal(events_of(folder), 4);
    }
    append(folder, "more", 4);
    assert_ok(dogb_board_write(folder, &out));
    assert_int_equal(events_of(folder), 4);
    out.data[out.length - 8] ^= 1; // of a value
    assert_ok(dogb_board_write(folder, &out));
    char *data = NULL;
    size_t size = 0;
    const char *name = NULL;
    assert_int_equal(records_files(folder, &name), 1);
    assert_ok(dogb_file_read((void **)&data, &size, &arena, dogb_path_join(&arena, folder, name),
                             1 << 20));
    assert_int_equal(size, out.length);
    assert_memory_equal(data, out.data, size);
}

static void other_files_stay(void **state) {
    (void)state;
    const char *foreign[] = {"events.out.tfevents.1800000000.host.77.0", "notes.txt",
                             "events.out.tfevents.dogbreed"};
    const char *earlier = "events.out.tfevents.1700000000.250000.dogbreed"; // of ours
    const char *folder = scratch("foreign");
    dogb_buffer out = curve(3, 1700000000);
    assert_ok(dogb_board_write(folder, &out));
    for (size_t i = 0; i < 3; i++) {
        assert_ok(dogb_file_put(dogb_path_join(&arena, folder, foreign[i]), "x", 1));
    }
    assert_ok(dogb_file_put(dogb_path_join(&arena, folder, earlier), "x", 1));
    out.data[out.length - 8] ^= 1; // so that it is replaced
    assert_ok(dogb_board_write(folder, &out));
    assert_int_equal(records_files(folder, NULL), 3);
    assert_ok(dogb_board_remove(folder));
    assert_int_equal(records_files(folder, NULL), 2);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(unlink(dogb_path_join(&arena, folder, foreign[i])), 0);
    }
    assert_true(dogb_directory_exists(folder));
    assert_ok(dogb_board_remove(folder));
    assert_false(dogb_directory_exists(folder));
}

static void names(void **state) {
    (void)state;
    char name[DOGB_BOARD_NAME_SIZE];
    dogb_board_name(name, 1700000000.25);
    assert_string_equal(name, "events.out.tfevents.1700000000.250000.dogbreed");
    dogb_board_name(name, 0);
    assert_string_equal(name, "events.out.tfevents.0000000000.000000.dogbreed");
    dogb_board_name(name, -1e300);
    assert_string_equal(name, "events.out.tfevents.0000000000.000000.dogbreed");
}

static void what_cannot_be_written(void **state) {
    (void)state;
    dogb_buffer out = curve(3, 1700000000);
    assert_ok(dogb_file_put(scratch("file"), "x", 1));
    assert_fails(dogb_board_write(scratch("file"), &out), DOGBREED_ERROR_IO, "file");
    out.rc = DOGBREED_ERROR_NO_MEMORY; // of the records
    assert_int_equal(dogb_board_write(scratch("none"), &out), DOGBREED_ERROR_NO_MEMORY);
    assert_false(dogb_directory_exists(scratch("none")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(golden, free_arena),
        cmocka_unit_test_teardown(earlier_records_survive_a_cut, free_arena),
        cmocka_unit_test_teardown(a_file_grows, free_arena),
        cmocka_unit_test_teardown(a_file_is_replaced, free_arena),
        cmocka_unit_test_teardown(other_files_stay, free_arena),
        cmocka_unit_test(names),
        cmocka_unit_test_teardown(what_cannot_be_written, free_arena),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
