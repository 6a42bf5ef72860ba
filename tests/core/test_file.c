// test_file.c - files are replaced whole or not at all; folders; reading.
#include "scratch.h"

#include "core/file.h"
#include "core/hash.h"

#include <dirent.h>
#include <fcntl.h>

static int count_entries(void) {
    DIR *directory = opendir(scratch_folder);
    int count = 0;
    assert_non_null(directory);
    while (readdir(directory) != NULL) {
        count++;
    }
    (void)closedir(directory);
    return count - 2; // . and ..
}

static void assert_content(const char *path, const void *content, size_t size) {
    dogb_arena arena = {0};
    void *data = NULL;
    size_t found = 0;
    assert_ok(dogb_file_read(&data, &found, &arena, path, 1 << 20));
    assert_int_equal(found, size);
    assert_memory_equal(data, content, size);
    assert_int_equal(((char *)data)[size], '\0');
    dogb_map map;
    assert_ok(dogb_map_open(&map, &arena, path, 1 << 20));
    assert_int_equal(map.size, size);
    assert_memory_equal(map.data, content, size);
    dogb_arena_free(&arena);
}

static void test_write_and_read(void **state) {
    (void)state;
    const char *path = scratch("a");
    assert_ok(dogb_file_write(path, "one", 3));
    assert_content(path, "one", 3);
    assert_ok(dogb_file_write(path, "", 0));
    assert_content(path, "", 0);
    assert_ok(dogb_file_replace(path, "three", 5));
    assert_content(path, "three", 5);
    assert_ok(dogb_file_put(path, "four", 4));
    assert_content(path, "four", 4);
    assert_int_equal(count_entries(), 1);
    assert_int_equal(unlink(path), 0);
}

static void test_mode_follows_the_umask(void **state) {
    (void)state;
    struct stat info;
    const char *path = scratch("mode");
    mode_t old = umask(027);
    int rc = dogb_file_write(path, "x", 1);
    (void)umask(old);
    assert_ok(rc);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    assert_int_equal(unlink(path), 0);
}

// Until the commit a reader sees the old file; what is not committed leaves nothing behind.
static void test_writer_is_atomic(void **state) {
    (void)state;
    const char *path = scratch("b");
    dogb_arena arena = {0};
    dogb_writer *writer = NULL;
    static char big[200000];
    memset(big, 'b', sizeof big);
    assert_ok(dogb_file_write(path, "old", 3));
    assert_ok(dogb_writer_open(&writer, &arena, path));
    assert_ok(dogb_writer_add(writer, big, sizeof big));
    assert_content(path, "old", 3);
    assert_int_equal(count_entries(), 2);
    dogb_arena_free(&arena);
    assert_int_equal(count_entries(), 1);
    assert_content(path, "old", 3);

    assert_ok(dogb_writer_open(&writer, &arena, path));
    for (size_t at = 0, step = 1; at < sizeof big; at += step, step = step * 3 % 70001) {
        step = step > sizeof big - at ? sizeof big - at : step;
        assert_int_equal(dogb_writer_position(writer), at);
        assert_ok(dogb_writer_add(writer, big + at, step));
    }
    assert_ok(dogb_writer_at(writer, 1000, "HERE", 4));
    assert_content(path, "old", 3);
    assert_ok(dogb_writer_commit(writer));
    dogb_arena_free(&arena);
    memcpy(big + 1000, "HERE", 4);
    assert_content(path, big, sizeof big);
    assert_int_equal(count_entries(), 1);
    assert_int_equal(unlink(path), 0);
}

static void test_two_writers_of_one_file(void **state) {
    (void)state;
    const char *path = scratch("c");
    dogb_arena arena = {0};
    dogb_writer *writers[2];
    for (int i = 0; i < 2; i++) {
        assert_ok(dogb_writer_open(&writers[i], &arena, path));
        assert_ok(dogb_writer_add(writers[i], i == 0 ? "first" : "second", i == 0 ? 5 : 6));
    }
    assert_ok(dogb_writer_commit(writers[1]));
    assert_ok(dogb_writer_commit(writers[0])); // the last one wins, whole
    dogb_arena_free(&arena);
    assert_content(path, "first", 5);
    assert_int_equal(unlink(path), 0);
}

static void test_read_errors(void **state) {
    (void)state;
    dogb_arena arena = {0};
    void *data = &arena;
    size_t size = 1;
    dogb_map map;
    const char *path = scratch("d");
    assert_fails(dogb_file_read(&data, &size, &arena, path, 10), DOGBREED_ERROR_NOT_FOUND,
                 "no such file");
    assert_null(data);
    assert_fails(dogb_file_read(&data, &size, &arena, scratch_folder, 10), DOGBREED_ERROR_FORMAT,
                 "not a regular file");
    assert_ok(dogb_file_write(path, "0123456789", 10));
    assert_fails(dogb_file_read(&data, &size, &arena, path, 9), DOGBREED_ERROR_FORMAT,
                 "10 bytes, at most 9");
    assert_fails(dogb_map_open(&map, &arena, path, 9), DOGBREED_ERROR_FORMAT, "at most 9");
    assert_fails(dogb_map_open(&map, &arena, scratch("d/e"), 9), DOGBREED_ERROR_NOT_FOUND,
                 "d/e: no such file");
    // A pipe without a writer must not hang us.
    const char *pipe = scratch("pipe");
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_fails(dogb_file_read(&data, &size, &arena, pipe, 10), DOGBREED_ERROR_FORMAT,
                 "not a regular file");
    assert_int_equal(unlink(pipe), 0);
    dogb_arena_free(&arena);
    assert_int_equal(unlink(path), 0);
}

static void test_write_errors(void **state) {
    (void)state;
    assert_fails(dogb_file_write(scratch("no/file"), "x", 1), DOGBREED_ERROR_NOT_FOUND,
                 "no/file: cannot be created");
    assert_fails(dogb_file_put(scratch("no/file"), "x", 1), DOGBREED_ERROR_NOT_FOUND,
                 "no/file: cannot be created");
    assert_ok(dogb_directory_make(scratch("is/a/folder")));
    assert_int_equal(dogb_file_write(scratch("is/a/folder"), "x", 1), DOGBREED_ERROR_IO);
    assert_ok(dogb_directory_remove(scratch("is")));
    assert_int_equal(count_entries(), 0); // no file aside is left
    if (access("/dev/full", W_OK) == 0) {
        // By a link, so that a mistake would only remove the link.
        assert_int_equal(symlink("/dev/full", scratch("full")), 0);
        assert_fails(dogb_file_put(scratch("full"), "x", 1), DOGBREED_ERROR_IO,
                     "cannot be written");
        assert_int_equal(unlink(scratch("full")), 0);
    }
}

static void test_read_into_a_kept_buffer(void **state) {
    (void)state;
    dogb_arena arena = {0};
    void *buffer = NULL;
    size_t capacity = 0;
    size_t size = 0;
    static const char *const contents[] = {"", "a", "longer than before", "short"};
    const char *path = scratch("kept");
    for (size_t i = 0; i < 4; i++) {
        assert_ok(dogb_file_write(path, contents[i], strlen(contents[i])));
        assert_ok(dogb_file_read_into(&buffer, &capacity, &size, &arena, path, 100));
        assert_int_equal(size, strlen(contents[i]));
        assert_memory_equal(buffer, contents[i], size);
        assert_true(capacity >= size);
    }
    assert_fails(dogb_file_read_into(&buffer, &capacity, &size, &arena, path, 2),
                 DOGBREED_ERROR_FORMAT, "at most 2");
    assert_int_equal(unlink(path), 0);
    dogb_arena_free(&arena);
}

static void test_folders(void **state) {
    (void)state;
    assert_ok(dogb_directory_make(scratch("x/y/z")));
    assert_ok(dogb_directory_make(scratch("x/y/z/")));
    assert_true(dogb_directory_exists(scratch("x/y")));
    assert_false(dogb_file_exists(scratch("x/y")));
    assert_ok(dogb_file_write(scratch("x/y/file"), "1", 1));
    assert_true(dogb_file_exists(scratch("x/y/file")));
    assert_int_equal(dogb_directory_make(scratch("x/y/file")), DOGBREED_ERROR_IO);
    assert_int_equal(dogb_directory_make(scratch("x/y/file/z")), DOGBREED_ERROR_IO);
    assert_int_equal(dogb_directory_make(""), DOGBREED_ERROR_IO);

    // Removing does not follow links.
    assert_ok(dogb_directory_make(scratch("kept")));
    assert_ok(dogb_file_write(scratch("kept/file"), "1", 1));
    assert_int_equal(symlink("../../kept", scratch("x/y/link")), 0);
    assert_ok(dogb_directory_remove(scratch("x")));
    assert_false(dogb_directory_exists(scratch("x")));
    assert_true(dogb_file_exists(scratch("kept/file")));
    assert_ok(dogb_directory_remove(scratch("kept")));
    assert_ok(dogb_directory_remove(scratch("never there")));
    assert_int_equal(count_entries(), 0);
}

static void test_paths(void **state) {
    (void)state;
    dogb_arena arena = {0};
    assert_string_equal(dogb_path_join(&arena, "a", "b"), "a/b");
    assert_string_equal(dogb_path_join(&arena, "a/", "b"), "a/b");
    assert_string_equal(dogb_path_join(&arena, "", "b"), "b");
    assert_string_equal(dogb_path_join(&arena, "/", "b"), "/b");
    assert_string_equal(dogb_path_name("a/b.c"), "b.c");
    assert_string_equal(dogb_path_name("b.c"), "b.c");
    assert_string_equal(dogb_path_name("a/"), "");
    dogb_arena_free(&arena);
}

static void test_cache_folder(void **state) {
    (void)state;
    dogb_arena arena = {0};
    char *path = NULL;
    char *kept = getenv("DOGBREED_CACHE") == NULL ? NULL : strdup(getenv("DOGBREED_CACHE"));
    assert_int_equal(setenv("DOGBREED_CACHE", scratch("cache"), 1), 0);
    assert_ok(dogb_cache_directory(&path, &arena, "features"));
    assert_string_equal(path, scratch("cache/features"));
    assert_true(dogb_directory_exists(path));
    assert_int_equal(unsetenv("DOGBREED_CACHE"), 0);
    assert_int_equal(setenv("XDG_CACHE_HOME", scratch("xdg"), 1), 0);
    assert_ok(dogb_cache_directory(&path, &arena, "f"));
    assert_string_equal(path, scratch("xdg/dogbreed/f"));
    assert_int_equal(setenv("XDG_CACHE_HOME", "relative", 1), 0); // ignored, says its standard
    assert_int_equal(setenv("HOME", scratch("home"), 1), 0);
    assert_ok(dogb_cache_directory(&path, &arena, "f"));
    assert_string_equal(path, scratch("home/.cache/dogbreed/f"));
    assert_int_equal(unsetenv("HOME"), 0);
    assert_fails(dogb_cache_directory(&path, &arena, "f"), DOGBREED_ERROR_NOT_FOUND,
                 "set DOGBREED_CACHE");
    assert_null(path);
    if (kept != NULL) {
        assert_int_equal(setenv("DOGBREED_CACHE", kept, 1), 0);
    }
    free(kept);
    dogb_arena_free(&arena);
}

static void test_hash(void **state) {
    (void)state;
    // FIPS 180-4: "abc", and the empty message.
    static const char *const wanted[] = {
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"};
    dogb_arena arena = {0};
    dogb_sha256 hash;
    dogb_hasher *hasher = NULL;
    char text[65];
    const char *path = scratch("hashed");
    assert_ok(dogb_sha256_of(&hash, "abc", 3));
    dogb_sha256_text(&hash, text);
    assert_string_equal(text, wanted[0]);
    assert_ok(dogb_sha256_of(&hash, "", 0));
    dogb_sha256_text(&hash, text);
    assert_string_equal(text, wanted[1]);
    assert_ok(dogb_hasher_create(&hasher, &arena));
    assert_ok(dogb_hasher_add(hasher, "a", 1));
    assert_ok(dogb_hasher_add(hasher, "", 0));
    assert_ok(dogb_hasher_add(hasher, "bc", 2));
    assert_ok(dogb_hasher_end(hasher, &hash));
    dogb_sha256_text(&hash, text);
    assert_string_equal(text, wanted[0]);
    assert_ok(dogb_file_write(path, "abc", 3));
    assert_ok(dogb_sha256_file(&hash, path));
    dogb_sha256_text(&hash, text);
    assert_string_equal(text, wanted[0]);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(dogb_sha256_file(&hash, path), DOGBREED_ERROR_NOT_FOUND);
    dogb_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_and_read),
        cmocka_unit_test(test_mode_follows_the_umask),
        cmocka_unit_test(test_writer_is_atomic),
        cmocka_unit_test(test_two_writers_of_one_file),
        cmocka_unit_test(test_read_errors),
        cmocka_unit_test(test_write_errors),
        cmocka_unit_test(test_read_into_a_kept_buffer),
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_cache_folder),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
