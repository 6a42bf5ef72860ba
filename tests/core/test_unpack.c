// Tar files, names of entries, and what unpacking makes of them.
#include "scratch.h"

#include "core/buffer.h"
#include "core/entry.h"
#include "core/tar.h"
#include "core/unicode.h"
#include "core/unpack.h"
#include "out_of_memory.h"

#include <dirent.h>
#include <zlib.h>

// --- building archives

typedef struct archive {
    dogb_arena arena;
    dogb_buffer out;
} archive;

static void start(archive *a) {
    memset(a, 0, sizeof *a);
    a->out.arena = &a->arena;
}

static void put(archive *a, const void *data, size_t size) {
    dogb_buffer_put(&a->out, data, size);
    assert_int_equal(a->out.rc, 0);
}

static void pad(archive *a) {
    static const char zeros[DOGB_TAR_BLOCK];
    put(a, zeros, -a->out.length & (DOGB_TAR_BLOCK - 1));
}

static void seal(uint8_t *block) {
    unsigned sum = 0;
    memset(block + 148, ' ', 8);
    for (int i = 0; i < DOGB_TAR_BLOCK; i++) {
        sum += block[i];
    }
    (void)snprintf((char *)block + 148, 8, "%06o", sum);
    block[155] = ' ';
}

// An entry of any type; name up to 100 bytes.
static void entry(archive *a, char type, const char *name, const void *data, size_t size) {
    uint8_t block[DOGB_TAR_BLOCK];
    assert_ok(dogb_tar_header(block, "x", (int64_t)size, 0));
    memset(block, 0, 100);
    memcpy(block, name, strlen(name));
    block[156] = (uint8_t)type;
    seal(block);
    put(a, block, sizeof block);
    put(a, data, size);
    pad(a);
}

static void file(archive *a, const char *name, const char *text) {
    entry(a, '0', name, text, strlen(text));
}

static void stop(archive *a) {
    static const char zeros[2 * DOGB_TAR_BLOCK];
    put(a, zeros, sizeof zeros);
}

static void gzip(archive *a) {
    size_t room = a->out.length + 1024;
    uint8_t *to = dogb_alloc(&a->arena, room, 1);
    z_stream stream = {.next_in = (Bytef *)a->out.data,
                       .avail_in = (uInt)a->out.length,
                       .next_out = to,
                       .avail_out = (uInt)room};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    a->out = (dogb_buffer){.arena = &a->arena};
    put(a, to, stream.total_out);
    (void)deflateEnd(&stream);
}

// --- unpacking them

static char target[300];
static int64_t bytes_max;
static int64_t files_max;

static int unpack_pieces(const archive *a, size_t piece, dogb_unpack_counts *counts) {
    static int number;
    dogb_arena arena = {0};
    dogb_unpack *unpack = NULL;
    (void)snprintf(target, sizeof target, "%s/out%d", scratch_folder, number++);
    (void)mkdir(target, 0777);
    const dogb_unpack_conf conf = {"a.tar", target, bytes_max, files_max};
    int rc = dogb_unpack_create(&unpack, &arena, &conf);
    for (size_t at = 0; rc == 0 && at < a->out.length; at += piece) {
        size_t left = a->out.length - at;
        rc = dogb_unpack_feed(unpack, a->out.data + at, left < piece ? left : piece);
    }
    rc = rc < 0 ? rc : dogb_unpack_end(unpack, counts);
    dogb_arena_free(&arena);
    return rc;
}

static int unpack(const archive *a) {
    return unpack_pieces(a, 1000, NULL);
}

static void assert_text(const char *name, const char *text) {
    dogb_arena arena = {0};
    void *data = NULL;
    size_t size = 0;
    char path[700];
    (void)snprintf(path, sizeof path, "%s/%s", target, name);
    assert_ok(dogb_file_read(&data, &size, &arena, path, 1 << 20));
    assert_string_equal(data, text);
    dogb_arena_free(&arena);
}

static int limits(void **state) {
    bytes_max = 1 << 20;
    files_max = 100;
    return scratch_make(state);
}

static void files_and_folders_come_out_whatever_the_pieces(void **state) {
    (void)state;
    static const size_t pieces[] = {1, 7, 511, 512, 513, 100000};
    archive a;
    start(&a);
    entry(&a, '5', "./", "", 0);
    entry(&a, '5', "./train/", "", 0);
    file(&a, "train/a/1.jpg", "one");
    file(&a, "train/a/2.jpg", "");
    entry(&a, '\0', "old/style/", "", 0);
    file(&a, "train//b/./3.jpg", "three");
    stop(&a);
    for (int zipped = 0; zipped < 2; zipped++) {
        for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
            dogb_unpack_counts counts;
            assert_ok(unpack_pieces(&a, pieces[i], &counts));
            assert_text("train/a/1.jpg", "one");
            assert_text("train/a/2.jpg", "");
            assert_text("train/b/3.jpg", "three");
            assert_int_equal(counts.files, 6);
            assert_int_equal(counts.bytes, 8);
        }
        gzip(&a);
    }
    dogb_arena_free(&a.arena);
}

static void long_names_come_out(void **state) {
    (void)state;
    char name[300];
    char record[400];
    archive a;
    start(&a);
    memset(name, 'n', 200);
    name[100] = '/';
    name[200] = '\0';
    (void)snprintf(record, sizeof record, "210 path=%s\n", name);
    assert_int_equal(strlen(record), 210);
    entry(&a, 'x', "pax", record, 210);
    file(&a, "short", "pax");
    name[0] = 'm';
    entry(&a, 'L', "././@LongLink", name, 201);
    file(&a, "short", "gnu");
    file(&a, "short", "short");
    entry(&a, 'g', "global", "20 comment=anything\n", 20);
    stop(&a);
    assert_ok(unpack(&a));
    assert_text(name, "gnu");
    name[0] = 'n';
    assert_text(name, "pax");
    assert_text("short", "short");
    dogb_arena_free(&a.arena);
}

// One entry that is refused, with this in the message.
static void refused(char type, const char *name, const char *part) {
    archive a;
    start(&a);
    entry(&a, type, name, type == '5' ? "" : "abc", type == '5' ? 0 : 3);
    stop(&a);
    assert_fails(unpack(&a), DOGBREED_ERROR_FORMAT, part);
    dogb_arena_free(&a.arena);
}

static void dangerous_entries_are_refused(void **state) {
    (void)state;
    refused('0', "/etc/passwd", "absolute");
    refused('0', "../up", "\"..\"");
    refused('0', "a/../../up", "\"..\"");
    refused('5', "..", "\"..\"");
    refused('0', "a\\b", "backslash");
    refused('0', "c:x", "drive letter");
    refused('0', "a\nb", "control");
    refused('0', "\xff\xfe", "UTF-8");
    refused('0', ".", "without a name");
    refused('1', "hard", "link");
    refused('2', "soft", "link");
    refused('3', "device", "neither a file");
    refused('4', "device", "neither a file");
    refused('6', "fifo", "neither a file");
    refused('S', "sparse", "neither a file");
    refused('0', "1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3", "32 folders");
}

static void two_names_that_some_disks_cannot_tell_apart_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *first;
        const char *second;
        const char *part;
    } rows[] = {{"a/b.jpg", "a/b.jpg", "twice"},
                {"a/b.jpg", "A/B.JPG", "differ in case"},
                {"\xc3\xa9", "e\xcc\x81", "twice"},        // é composed and not
                {"\xc3\x89.jpg", "e\xcc\x81.jpg", "case"}, // É
                {"a", "a/b", "one is a folder of the other"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        archive a;
        start(&a);
        file(&a, rows[i].first, "1");
        file(&a, rows[i].second, "2");
        stop(&a);
        assert_fails(unpack(&a), DOGBREED_ERROR_FORMAT, rows[i].part);
        dogb_arena_free(&a.arena);
    }
}

static void links_on_the_disk_are_not_followed(void **state) {
    (void)state;
    dogb_arena arena = {0};
    archive a;
    dogb_unpack *tar = NULL;
    start(&a);
    file(&a, "out/evil", "abc");
    stop(&a);
    assert_ok(dogb_directory_make(scratch("place")));
    assert_ok(dogb_directory_make(scratch("elsewhere")));
    assert_int_equal(symlink(scratch("elsewhere"), scratch("place/out")), 0);
    const dogb_unpack_conf conf = {"a.tar", scratch("place"), bytes_max, files_max};
    assert_ok(dogb_unpack_create(&tar, &arena, &conf));
    assert_fails(dogb_unpack_feed(tar, a.out.data, a.out.length), DOGBREED_ERROR_FORMAT, "place");
    assert_false(dogb_file_exists(scratch("elsewhere/evil")));
    dogb_arena_free(&arena);
    dogb_arena_free(&a.arena);
}

static void limits_hold(void **state) {
    (void)state;
    archive a;
    start(&a);
    file(&a, "a", "12345");
    file(&a, "b", "12345");
    stop(&a);
    bytes_max = 9;
    assert_fails(unpack(&a), DOGBREED_ERROR_FORMAT, "more than 9 bytes");
    bytes_max = 10;
    assert_ok(unpack(&a));
    files_max = 1;
    assert_fails(unpack(&a), DOGBREED_ERROR_FORMAT, "more than 1 files");
    files_max = 100;
    bytes_max = 1 << 30;
    dogb_arena_free(&a.arena);
    start(&a); // a bomb: 64 MiB of zeros in 64 KiB
    char *zeros = dogb_alloc(&a.arena, 1, 64 << 20);
    entry(&a, '0', "zeros", zeros, 64 << 20);
    stop(&a);
    gzip(&a);
    assert_fails(unpack(&a), DOGBREED_ERROR_FORMAT, "200 bytes for each");
    bytes_max = 1 << 20;
    dogb_arena_free(&a.arena);
}

static void damage_is_seen(void **state) {
    (void)state;
    archive a;
    start(&a);
    file(&a, "a", "abc");
    assert_fails(unpack(&a), DOGBREED_ERROR_FORMAT, "cut short");
    size_t half = a.out.length;
    stop(&a);
    for (size_t length = 2; length < a.out.length; length += 100) {
        archive part = a;
        part.out.length = length;
        assert_fails(unpack(&part), DOGBREED_ERROR_FORMAT, "cut short");
    }
    a.out.data[5] ^= 1;
    assert_fails(unpack(&a), DOGBREED_ERROR_FORMAT, "checksum");
    a.out.data[5] ^= 1;
    a.out.data[half + 600] = 1;
    assert_fails(unpack(&a), DOGBREED_ERROR_FORMAT, "behind the end");
    a.out.data[half + 600] = 0;
    gzip(&a);
    a.out.length -= 4;
    assert_fails(unpack(&a), DOGBREED_ERROR_FORMAT, "gzip: cut short");
    a.out.length += 4;
    put(&a, "x", 1);
    assert_fails(unpack(&a), DOGBREED_ERROR_FORMAT, "behind its end");
    a.out.length--;
    a.out.data[a.out.length - 6] ^= 1; // of the checksum
    assert_fails(unpack(&a), DOGBREED_ERROR_FORMAT, "damaged");
    a.out.length = 0;
    assert_fails(unpack(&a), DOGBREED_ERROR_FORMAT, "empty");
    dogb_arena_free(&a.arena);
}

static void meta_refused(char type, const char *data, size_t size, const char *part) {
    archive a;
    start(&a);
    entry(&a, type, "meta", data, size);
    file(&a, "a", "abc");
    stop(&a);
    assert_fails(unpack(&a), DOGBREED_ERROR_FORMAT, part);
    dogb_arena_free(&a.arena);
}

static void damaged_pax_headers_are_refused(void **state) {
    (void)state;
    meta_refused('x', "99 path=a\n", 10, "pax");
    meta_refused('x', "10 path=a ", 10, "pax");
    meta_refused('x', "path=a\n", 7, "pax");
    meta_refused('x', "8 patha\n", 8, "pax");
    meta_refused('x', "10 size=x\n", 10, "pax");
    meta_refused('x', "12 size=-12\n", 12, "pax");
    meta_refused('x', "22 GNU.sparse.major=1\n", 22, "pax");
    meta_refused('x', "22 path=../../outside\n", 22, "\"..\"");
    meta_refused('x', "11 path=a\0\n", 11, "UTF-8"); // a NUL inside
    meta_refused('x', "27 size=999999999999999999\n", 27, "more than");
    archive a;
    start(&a);
    entry(&a, 'x', "meta", "10 path=a\n", 10);
    stop(&a);
    assert_fails(unpack(&a), DOGBREED_ERROR_FORMAT, "without its entry");
    dogb_arena_free(&a.arena);
}

static void letters_compose(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        // as it came, composed
        {"Abc", "Abc"},
        {"e\xcc\x81", "\xc3\xa9"},
        {"\xc3\x89", "\xc3\x89"},
        {"a\xcc\xa3\xcc\x82", "\xe1\xba\xad"},                    // two marks
        {"a\xcc\x82\xcc\xa3", "\xe1\xba\xad"},                    // in the other order
        {"\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "\xed\x95\x9c"}, // Hangul
        {"\xce\xa9\xe2\x84\xa6", "\xce\xa9\xce\xa9"},             // Omega, Ohm
        {"\xf0\x9f\x90\x95", "\xf0\x9f\x90\x95"}};
    dogb_arena arena = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *composed = dogb_unicode_compose(&arena, rows[i][0], strlen(rows[i][0]));
        assert_string_equal(composed, rows[i][1]);
    }
    dogb_arena_free(&arena);
}

static void many_names_are_told_apart(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_entry_set set = {0};
    char name[32];
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(name, sizeof name, "train/%d/x.jpg", i);
        assert_ok(dogb_entry_set_add(&set, &arena, "t", name));
    }
    assert_fails(dogb_entry_set_add(&set, &arena, "t", "TRAIN/4321/x.jpg"), DOGBREED_ERROR_FORMAT,
                 "train/4321/x.jpg");
    dogb_arena_free(&arena);
}

static void headers_that_tar_cannot_hold_are_refused(void **state) {
    (void)state;
    uint8_t block[DOGB_TAR_BLOCK];
    char name[102];
    memset(name, 'a', 101);
    name[101] = '\0';
    assert_fails(dogb_tar_header(block, name, 1, 0), DOGBREED_ERROR_INVALID_ARGUMENT, "101 bytes");
    assert_fails(dogb_tar_header(block, "a", (int64_t)1 << 33, 0), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "8 GiB");
    assert_fails(dogb_tar_header(block, "a", 1, -1), DOGBREED_ERROR_INVALID_ARGUMENT, "time");
    assert_ok(dogb_tar_header(block, name + 1, ((int64_t)1 << 33) - 1, 0));
}

static int unpack_once(void *userdata) {
    return unpack_pieces(userdata, 300, NULL);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    archive a;
    start(&a);
    file(&a, "caf\xc3\xa9/a", "abc");
    stop(&a);
    // The folder is made by the test itself; nothing else may leak or crash.
    assert_true(memory_fails_each(unpack_once, &a, 1) > 5);
    dogb_arena_free(&a.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_and_folders_come_out_whatever_the_pieces),
        cmocka_unit_test(long_names_come_out),
        cmocka_unit_test(dangerous_entries_are_refused),
        cmocka_unit_test(two_names_that_some_disks_cannot_tell_apart_are_refused),
        cmocka_unit_test(links_on_the_disk_are_not_followed),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(damage_is_seen),
        cmocka_unit_test(damaged_pax_headers_are_refused),
        cmocka_unit_test(letters_compose),
        cmocka_unit_test(many_names_are_told_apart),
        cmocka_unit_test(headers_that_tar_cannot_hold_are_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, limits, scratch_remove);
}
