// test_table.c - options by table: defaults, import from structs of other versions, text, JSON.
#include "test.h"

#include "core/table.h"

#include <math.h>

// The struct of this version, and what an older program was compiled with.
typedef struct thing {
    uint32_t struct_size;
    uint32_t kind;
    int32_t count;
    int32_t verbose;
    double rate;
    uint64_t seed;
    const char *name;
    int32_t mode;
    int32_t reserved;
    int64_t limit; // added later
    const char *note;
} thing;

typedef struct old_thing {
    uint32_t struct_size;
    uint32_t kind;
    int32_t count;
    int32_t verbose;
    double rate;
} old_thing;

typedef struct new_thing {
    thing known;
    int64_t unknown[2];
} new_thing;

enum { KIND = 99 };

static const dogb_option options[] = {
    DOGB_OPTION_INT32(thing, count, 1, 100, "7", "", "how many"),
    DOGB_OPTION_SWITCH(thing, verbose, "on", "talk"),
    DOGB_OPTION_DOUBLE(thing, rate, 0, 1, "0.25", "per second", "how fast"),
    DOGB_OPTION_UINT64(thing, seed, "18446744073709551615", "", "where to start"),
    DOGB_OPTION_STRING(thing, name, "rex", "who"),
    DOGB_OPTION_CHOICE(thing, mode, "red,green,blue", "green", "which"),
    DOGB_OPTION_INT64(thing, limit, -5e12, 5e12, "3000000000", "bytes", "how far"),
    DOGB_OPTION_STRING(thing, note, "", "what else"),
};
static const dogb_table table = {"thing", KIND, sizeof(thing), options,
                                 sizeof options / sizeof options[0]};

static void assert_defaults(const thing *t) {
    assert_int_equal(t->kind, KIND);
    assert_int_equal(t->count, 7);
    assert_int_equal(t->verbose, 1);
    assert_true(t->rate == 0.25);
    assert_true(t->seed == UINT64_MAX);
    assert_string_equal(t->name, "rex");
    assert_int_equal(t->mode, 1);
    assert_int_equal(t->limit, 3000000000);
    assert_string_equal(t->note, "");
}

static void test_defaults(void **state) {
    (void)state;
    thing t;
    thing out;
    dogb_arena arena = {0};
    memset(&t, 0xff, sizeof t);
    assert_ok(dogb_table_init(&table, &t, sizeof t));
    assert_int_equal(t.struct_size, sizeof t);
    assert_int_equal(t.reserved, 0);
    assert_defaults(&t);
    assert_ok(dogb_table_import(&out, &table, NULL, &arena));
    assert_defaults(&out);
    assert_ok(dogb_table_import(&out, &table, &t, &arena));
    assert_defaults(&out);
    dogb_arena_free(&arena);
}

static void test_init_never_writes_past_the_caller(void **state) {
    (void)state;
    struct {
        old_thing t;
        unsigned char guard[64];
    } old;
    memset(&old, 0xaa, sizeof old);
    assert_ok(dogb_table_init(&table, &old.t, sizeof old.t));
    assert_int_equal(old.t.struct_size, sizeof old.t);
    assert_int_equal(old.t.count, 7);
    for (size_t i = 0; i < sizeof old.guard; i++) {
        assert_int_equal(old.guard[i], 0xaa);
    }
    new_thing later;
    memset(&later, 0xaa, sizeof later);
    assert_ok(dogb_table_init(&table, &later, sizeof later));
    assert_int_equal(later.unknown[0], 0);
    assert_int_equal(later.unknown[1], 0);
    assert_fails(dogb_table_init(&table, NULL, sizeof later), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "NULL");
    assert_fails(dogb_table_init(&table, &later, 4), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "struct_size 4 is impossible");
}

static void test_smaller_struct_gets_defaults(void **state) {
    (void)state;
    old_thing *old = malloc(sizeof *old); // on the heap: a read beyond is seen
    thing out;
    dogb_arena arena = {0};
    assert_non_null(old);
    assert_ok(dogb_table_init(&table, old, sizeof *old));
    old->count = 12;
    old->rate = 0.5;
    assert_ok(dogb_table_import(&out, &table, old, &arena));
    assert_int_equal(out.struct_size, sizeof out);
    assert_int_equal(out.count, 12);
    assert_true(out.rate == 0.5);
    assert_string_equal(out.name, "rex");
    assert_int_equal(out.limit, 3000000000);
    // A struct that ends in the middle of a field does not have that field.
    old->struct_size = offsetof(old_thing, rate) + 4;
    assert_ok(dogb_table_import(&out, &table, old, &arena));
    assert_int_equal(out.count, 12);
    assert_true(out.rate == 0.25);
    free(old);
    dogb_arena_free(&arena);
}

static void test_larger_struct(void **state) {
    (void)state;
    new_thing later;
    thing out;
    dogb_arena arena = {0};
    assert_ok(dogb_table_init(&table, &later, sizeof later));
    later.known.count = 3;
    assert_ok(dogb_table_import(&out, &table, &later, &arena));
    assert_int_equal(out.count, 3);
    later.unknown[1] = 1;
    assert_fails(dogb_table_import(&out, &table, &later, &arena), DOGBREED_ERROR_UNSUPPORTED,
                 "this library (");
    dogb_arena_free(&arena);
}

static void test_import_checks(void **state) {
    (void)state;
    thing t;
    thing out;
    dogb_arena arena = {0};
    memset(&t, 0, sizeof t);
    assert_fails(dogb_table_import(&out, &table, &t, &arena), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "not initialised with dogbreed_thing_options_init");
    assert_ok(dogb_table_init(&table, &t, sizeof t));
    t.kind = KIND + 1;
    assert_fails(dogb_table_import(&out, &table, &t, &arena), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "not initialised");
#define WRONG(field, value, part)                                                                  \
    do {                                                                                           \
        assert_ok(dogb_table_init(&table, &t, sizeof t));                                          \
        t.field = value;                                                                           \
        assert_fails(dogb_table_import(&out, &table, &t, &arena), DOGBREED_ERROR_INVALID_ARGUMENT, \
                     part);                                                                        \
    } while (0)
    WRONG(count, 0, "count: 0 is out of range, expected 1 to 100");
    WRONG(count, 101, "count: 101");
    WRONG(verbose, 2, "verbose: 2 is neither 0 nor 1");
    WRONG(rate, 1.5, "rate: 1.5 is out of range, expected 0 to 1 per second");
    WRONG(rate, (double)NAN, "rate: ");
    WRONG(rate, (double)-INFINITY, "rate: ");
    WRONG(mode, 3, "mode: 3 is out of range, expected the index of one of red,green,blue");
    WRONG(mode, -1, "mode: -1");
    WRONG(limit, 6000000000000, "limit: 6");
    dogb_arena_free(&arena);
}

static void test_strings_are_copied(void **state) {
    (void)state;
    thing t;
    thing out;
    char name[] = "bello";
    dogb_arena arena = {0};
    assert_ok(dogb_table_init(&table, &t, sizeof t));
    t.name = name;
    t.note = NULL; // stands for ""
    assert_ok(dogb_table_import(&out, &table, &t, &arena));
    name[0] = 'c';
    assert_string_equal(out.name, "bello");
    assert_string_equal(out.note, "");
    dogb_arena_free(&arena);
}

static void assert_get(const thing *t, const char *name, const char *value) {
    char *text = NULL;
    assert_ok(dogb_table_get(&text, &table, t, name));
    assert_string_equal(text, value);
    dogbreed_free(text);
}

static void test_set_and_get(void **state) {
    (void)state;
    static const struct {
        const char *name;
        const char *value;
        const char *back;
    } good[] = {{"count", "100", "100"},   {"count", " 5", "5"},
                {"verbose", "off", "off"}, {"verbose", "yes", "on"},
                {"verbose", "0", "off"},   {"rate", "0.1", "0.1"},
                {"rate", "1e-3", "0.001"}, {"seed", "18446744073709551615", "18446744073709551615"},
                {"seed", "0", "0"},        {"name", "a b", "a b"},
                {"mode", "blue", "blue"},  {"limit", "-4000000000", "-4000000000"}};
    static const struct {
        const char *name;
        const char *value;
        const char *part;
    } bad[] = {{"count", "x", "count: \"x\" is not a whole number"},
               {"count", "", "count: \"\" is not a whole number"},
               {"count", "5x", "is not a whole number"},
               {"count", "4294967301", "out of range"}, // 5 in 32 bits
               {"count", "99999999999999999999", "is not a whole number"},
               {"verbose", "maybe", "is not on or off"},
               {"rate", "fast", "is not a number"},
               {"rate", "nan", "out of range"},
               {"rate", "0,5", "is not a number"},
               {"seed", "-1", "is not a whole number of 0 or more"},
               {"seed", "18446744073709551616", "is not a whole number of 0 or more"},
               {"mode", "re", "mode: \"re\" is none of red,green,blue"},
               {"mode", "red,green", "is none of"},
               {"cuont", "1", "cuont: no such thing option; did you mean count?"},
               {"zzzzzzzzzz", "1", "zzzzzzzzzz: no such thing option"}};
    thing t;
    char *text = NULL;
    assert_ok(dogb_table_init(&table, &t, sizeof t));
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_ok(dogb_table_set(&table, &t, good[i].name, good[i].value, NULL));
        assert_get(&t, good[i].name, good[i].back);
    }
    const thing before = t;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_fails(dogb_table_set(&table, &t, bad[i].name, bad[i].value, NULL),
                     DOGBREED_ERROR_INVALID_ARGUMENT, bad[i].part);
        assert_memory_equal(&t, &before, sizeof t); // a refused value changes nothing
    }
    assert_fails(dogb_table_get(&text, &table, &t, "nam"), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "did you mean name?");
    assert_null(text);
}

static void test_interned_strings_are_shared(void **state) {
    (void)state;
    thing a;
    thing b;
    assert_ok(dogb_table_init(&table, &a, sizeof a));
    assert_ok(dogb_table_init(&table, &b, sizeof b));
    assert_ok(dogb_table_set(&table, &a, "name", "shared", NULL));
    assert_ok(dogb_table_set(&table, &b, "name", "shared", NULL));
    assert_ptr_equal(a.name, b.name);
}

static void test_json_round_trip(void **state) {
    (void)state;
    thing t;
    thing back;
    dogb_arena arena = {0};
    json_t *object = dogb_json_object(&arena);
    assert_ok(dogb_table_init(&table, &t, sizeof t));
    t.rate = 1.0 / 3.0;
    t.verbose = 0;
    t.mode = 2;
    t.name = "\xc3\xa4";
    assert_ok(dogb_table_to_json(object, &table, &t));
    assert_ok(dogb_json_set_text(object, "foreign", "left alone"));
    assert_string_equal(json_string_value(json_object_get(object, "seed")), "18446744073709551615");
    assert_string_equal(json_string_value(json_object_get(object, "mode")), "blue");
    assert_true(json_is_false(json_object_get(object, "verbose")));
    assert_ok(dogb_table_init(&table, &back, sizeof back));
    assert_ok(dogb_table_from_json(&table, &back, object, &arena));
    assert_true(back.rate == t.rate);
    assert_int_equal(back.verbose, 0);
    assert_int_equal(back.mode, 2);
    assert_true(back.seed == UINT64_MAX);
    assert_string_equal(back.name, t.name);
    assert_int_equal(back.limit, 3000000000);
    assert_ok(dogb_json_set(object, "count", json_null()));
    assert_fails(dogb_table_from_json(&table, &back, object, &arena),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "count: expected a number");
    assert_ok(dogb_json_set_int(object, "count", 1000));
    assert_fails(dogb_table_from_json(&table, &back, object, &arena),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "count: 1000 is out of range");
    dogb_arena_free(&arena);
}

static void test_nearest(void **state) {
    (void)state;
    static const char *const names[] = {"epochs", "batch_size", "learning_rate"};
    assert_string_equal(dogb_nearest("epoch", names, 3), "epochs");
    assert_string_equal(dogb_nearest("batchsize", names, 3), "batch_size");
    assert_string_equal(dogb_nearest("laerning_rate", names, 3), "learning_rate");
    assert_null(dogb_nearest("something_else", names, 3));
    assert_null(dogb_nearest("x", names, 0));
    char long_name[200];
    memset(long_name, 'a', sizeof long_name);
    long_name[sizeof long_name - 1] = '\0';
    assert_null(dogb_nearest(long_name, names, 3));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_init_never_writes_past_the_caller),
        cmocka_unit_test(test_smaller_struct_gets_defaults),
        cmocka_unit_test(test_larger_struct),
        cmocka_unit_test(test_import_checks),
        cmocka_unit_test(test_strings_are_copied),
        cmocka_unit_test(test_set_and_get),
        cmocka_unit_test(test_interned_strings_are_shared),
        cmocka_unit_test(test_json_round_trip),
        cmocka_unit_test(test_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
