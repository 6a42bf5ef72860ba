// Names that may become files, and those that may not. The suite oracle compares the folding with
// Python's.
#include "out_of_memory.h"

#include "core/entry.h"
#include "core/unicode.h"

static void names_of_files(void **state) {
    (void)state;
    static const char *const good[] = {"a",       "a.jpg",    "train/Affenpinscher/1 (2).jpg",
                                       ".hidden", "...",      "a/..b/c..",
                                       "~",       "-rf",      "bc:d",
                                       "ab:",     "1:",       "\u00fc/\u72ac\U0001f415",
                                       "e\u0301", " ",        "a/ /b",
                                       "COM1",    "%2e%2e/x", "a'\"$`!*?<>|&;b"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_ok(dogb_entry_check("s3", good[i]));
    }
    static const char *const bad[][2] = {
        {"", "an empty part"},
        {"/", "absolute"},
        {"/etc/passwd", "absolute"},
        {"a/", "an empty part"},
        {"a//b", "an empty part"},
        {".", "an empty part or \".\""},
        {"..", "\"..\""},
        {"../a", "\"..\""},
        {"a/../b", "\"..\""},
        {"a/./b", "an empty part or \".\""},
        {"a/..", "s3: entry \"a/..\": \"..\" in its name"},
        {"a\\b", "a backslash"},
        {"..\\a", "a backslash"},
        {"C:/a", "a drive"},
        {"c:", "a drive"},
        {"a\nb", "a control character"},
        {"\x01", "a control character"},
        {"a\x7f", "a control character"},
        {"\xc2\x85", "a control character"},
        {"\xff", "not UTF-8"},
        {"\xc0\xae\xc0\xae/a", "not UTF-8"},
        {"\xed\xa0\x80", "not UTF-8"},
        {"\xc3", "not UTF-8"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_fails(dogb_entry_check("s3", bad[i][0]), DOGBREED_ERROR_FORMAT, bad[i][1]);
    }
}

static void lengths(void **state) {
    (void)state;
    char name[1100] = "";
    memset(name, 'x', 255);
    assert_ok(dogb_entry_check("s3", name));
    name[255] = 'x';
    assert_fails(dogb_entry_check("s3", name), DOGBREED_ERROR_FORMAT, "longer than 255 bytes");
    name[255] = '/';
    memset(name + 256, 'x', 255);
    assert_ok(dogb_entry_check("s3", name));
    memset(name, 0, sizeof name);
    for (int i = 0; i < 31; i++) {
        strcat(name, "a/");
    }
    strcat(name, "a");
    assert_ok(dogb_entry_check("s3", name));
    strcat(name, "/a");
    assert_fails(dogb_entry_check("s3", name), DOGBREED_ERROR_FORMAT, "more than 32 folders");
    memset(name, 0, sizeof name);
    for (int i = 0; i < 1025; i++) {
        name[i] = i % 100 == 99 ? '/' : 'x';
    }
    assert_fails(dogb_entry_check("s3", name), DOGBREED_ERROR_FORMAT, "more than 1024 bytes");
    name[1024] = '\0';
    assert_ok(dogb_entry_check("s3", name));
}

static void same(const char *one, const char *two, int expected) {
    dogb_arena arena = {0};
    char *a = dogb_unicode_fold(&arena, one), *b = dogb_unicode_fold(&arena, two);
    assert_non_null(a);
    assert_non_null(b);
    if ((strcmp(a, b) == 0) != expected) {
        fail_msg("\"%s\" and \"%s\" are folded to \"%s\" and \"%s\"", one, two, a, b);
    }
    dogb_arena_free(&arena);
}

static void case_and_accents_do_not_count(void **state) {
    (void)state;
    same("", "", 1);
    same("Dog.JPG", "dog.jpg", 1);
    same("a", "b", 0);
    same("\u00dcBER", "u\u0308ber", 1);
    same("stra\u00dfe", "STRASSE", 1);
    same("\u03a3\u03c2", "\u03c3\u03c3", 1); // three sigmas
    same("\u1e69", "s\u0307\u0323", 1);      // marks in another order
    same("a\u0323\u0307", "a\u0307\u0323", 1);
    same("a\u0301\u0308", "a\u0308\u0301", 0); // of one class: the order says something
    same("\uac01", "\u1100\u1161\u11a8", 1);   // Hangul
    same("\uac00", "\u1100\u1161", 1);
    same("\u212b", "\u00e5", 1); // the sign of Angstrom
    same("\U00010400", "\U00010428", 1);
    same("\u72ac", "\u72ad", 0);
    same("1", "\u00b9", 0); // compatible, but not equal
    same("\uf900", "\u8c48", 1);
    same("\u1fb3\u0301", "\u1fb4", 1); // the iota below, and a mark that comes before it
}

static int add_all(const char *const *names, size_t count) {
    dogb_arena arena = {0};
    dogb_entry_set seen = {0};
    int rc = DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        rc = dogb_entry_set_add(&seen, &arena, "s3", names[i]);
    }
    dogb_arena_free(&arena);
    return rc;
}

static void names_that_meet(void **state) {
    (void)state;
    const char *const fine[] = {"a/b", "a.b", "a-b", "a/c", "ab", "A b", "b/a", "a c/c", "A/d"};
    assert_ok(add_all(fine, 9));
    const char *const same_case[] = {"x/Dog.jpg", "y", "x/dog.JPG"};
    assert_fails(
        add_all(same_case, 3), DOGBREED_ERROR_FORMAT,
        "entries \"x/Dog.jpg\" and \"x/dog.JPG\" cannot both be files: they differ in case");
    const char *const twice[] = {"a", "b", "a"};
    assert_fails(add_all(twice, 3), DOGBREED_ERROR_FORMAT, "it is there twice");
    const char *const folder[] = {"a/b/c", "a.b", "A-b", "A", "a!"};
    assert_fails(add_all(folder, 5), DOGBREED_ERROR_FORMAT,
                 "\"a/b/c\" and \"A\" cannot both be files: one is a folder of the other");
    const char *const file[] = {"A/B", "a/b/c"};
    assert_fails(add_all(file, 2), DOGBREED_ERROR_FORMAT, "one is a folder of the other");
}

static int add_again(void *userdata) {
    const char *const names[] = {"\u00dc", "b/c", "d"};
    (void)userdata;
    return add_all(names, 3);
}

static void out_of_memory(void **state) {
    (void)state;
    assert_true(memory_fails_each(add_again, NULL, 1) > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_files),
        cmocka_unit_test(lengths),
        cmocka_unit_test(case_and_accents_do_not_count),
        cmocka_unit_test(names_that_meet),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
