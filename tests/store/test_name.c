// Keys that may become files, and those that may not. The suite oracle compares the folding with
// Python's.
#include "out_of_memory.h"

#include "store/name.h"

static void names_of_files(void **state) {
    (void)state;
    static const char *const good[] = {"a",       "a.jpg",    "train/Affenpinscher/1 (2).jpg",
                                       ".hidden", "...",      "a/..b/c..",
                                       "~",       "-rf",      "bc:d",
                                       "ab:",     "1:",       "\u00fc/\u72ac\U0001f415",
                                       "e\u0301", " ",        "a/ /b",
                                       "COM1",    "%2e%2e/x", "a'\"$`!*?<>|&;b"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_ok(dogb_name_check(good[i]));
    }
    static const char *const bad[][2] = {
        {"", "begins or ends in '/'"},
        {"/", "begins or ends in '/'"},
        {"/etc/passwd", "begins or ends in '/'"},
        {"a/", "begins or ends in '/'"},
        {"a//b", "has \"//\""},
        {".", "a part \".\" or \"..\""},
        {"..", "a part \".\" or \"..\""},
        {"../a", "a part \".\" or \"..\""},
        {"a/../b", "a part \".\" or \"..\""},
        {"a/./b", "a part \".\" or \"..\""},
        {"a/..", "key \"a/..\" cannot be the name of a file: it has a part"},
        {"a\\b", "a backslash"},
        {"..\\a", "a backslash"},
        {"C:/a", "a drive"},
        {"c:", "a drive"},
        {"a\nb", "control characters"},
        {"\x01", "control characters"},
        {"a\x7f", "control characters"},
        {"\xc2\x85", "control characters"},
        {"\xff", "not UTF-8"},
        {"\xc0\xae\xc0\xae/a", "not UTF-8"},
        {"\xed\xa0\x80", "not UTF-8"},
        {"\xc3", "not UTF-8"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_fails(dogb_name_check(bad[i][0]), DOGBREED_ERROR_FORMAT, bad[i][1]);
    }
}

static void lengths(void **state) {
    (void)state;
    char name[1100] = "";
    memset(name, 'x', 255);
    assert_ok(dogb_name_check(name));
    name[255] = 'x';
    assert_fails(dogb_name_check(name), DOGBREED_ERROR_FORMAT, "more than 255 bytes");
    name[255] = '/';
    memset(name + 256, 'x', 255);
    assert_ok(dogb_name_check(name));
    memset(name, 0, sizeof name);
    for (int i = 0; i < 31; i++) {
        strcat(name, "a/");
    }
    strcat(name, "a");
    assert_ok(dogb_name_check(name));
    strcat(name, "/a");
    assert_fails(dogb_name_check(name), DOGBREED_ERROR_FORMAT, "more than 32 parts");
    memset(name, 0, sizeof name);
    for (int i = 0; i < 1025; i++) {
        name[i] = i % 100 == 99 ? '/' : 'x';
    }
    assert_fails(dogb_name_check(name), DOGBREED_ERROR_FORMAT, "more than 1024 bytes");
    name[1024] = '\0';
    assert_ok(dogb_name_check(name));
}

static void same(const char *one, const char *two, int expected) {
    dogb_arena arena = {0};
    char *a = dogb_name_fold(&arena, one), *b = dogb_name_fold(&arena, two);
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
}

static void keys_that_meet(void **state) {
    (void)state;
    const char *const fine[] = {"a/b", "a.b", "a-b", "a/c", "ab", "A b", "b/a", "a c/c"};
    assert_ok(dogb_names_check(fine, 8));
    assert_ok(dogb_names_check(NULL, 0));
    const char *const same_case[] = {"x/Dog.jpg", "y", "x/dog.JPG"};
    assert_fails(dogb_names_check(same_case, 3), DOGBREED_ERROR_EXISTS,
                 "cannot both be files: they differ in case or accents");
    assert_non_null(strstr(dogbreed_error_message(), "x/Dog.jpg"));
    assert_non_null(strstr(dogbreed_error_message(), "x/dog.JPG"));
    const char *const twice[] = {"a", "b", "a"};
    assert_fails(dogb_names_check(twice, 3), DOGBREED_ERROR_EXISTS, "\"a\" and \"a\"");
    const char *const folder[] = {"a/b/c", "a.b", "A-b", "A", "a!"};
    assert_fails(dogb_names_check(folder, 5), DOGBREED_ERROR_EXISTS,
                 "keys \"A\" and \"a/b/c\" cannot both be files: one is a folder of the other");
    const char *const bad[] = {"a", "../a"};
    assert_fails(dogb_names_check(bad, 2), DOGBREED_ERROR_FORMAT, "\"../a\"");
}

static int check_again(void *userdata) {
    const char *const keys[] = {"\u00dc", "b/c", "d"};
    (void)userdata;
    return dogb_names_check(keys, 3);
}

static void out_of_memory(void **state) {
    (void)state;
    assert_int_equal(memory_fails_each(check_again, NULL, 1), 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_files),
        cmocka_unit_test(lengths),
        cmocka_unit_test(case_and_accents_do_not_count),
        cmocka_unit_test(keys_that_meet),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
