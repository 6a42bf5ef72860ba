// Distributions, numbers and dates as they stand in the columns.
#include "../test.h"

#include "study/distribution.h"
#include "study/value.h"

#include <math.h>
#include <time.h>

static void read_and_written_as_optuna_writes(void **state) {
    (void)state;
    static const char *const texts[] = {
        "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": 0.0001, "
        "\"high\": 0.1, \"log\": true}}",
        "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": 0.25, \"low\": 0.0, "
        "\"high\": 1.0, \"log\": false}}",
        "{\"name\": \"IntDistribution\", \"attributes\": {\"log\": true, \"step\": 1, \"low\": 1, "
        "\"high\": 1024}}",
        "{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"adam\", 1, 2.5, "
        "true, null]}}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        dogb_arena arena = {0};
        dogb_distribution first;
        dogb_distribution second;
        assert_ok(dogb_distribution_read(&first, &arena, texts[i], "p"));
        char *again = dogb_distribution_text(&arena, &first);
        assert_non_null(again);
        assert_ok(dogb_distribution_read(&second, &arena, again, "p"));
        assert_int_equal(first.kind, second.kind);
        assert_int_equal(first.log, second.log);
        assert_true(first.low == second.low && first.high == second.high);
        assert_true(first.step == second.step);
        assert_ok(dogb_distribution_compatible(&first, &second, "p"));
        dogb_arena_free(&arena);
    }
}

static void defaults_of_the_constructors(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_distribution d;
    assert_ok(dogb_distribution_read(
        &d, &arena, "{\"name\":\"IntDistribution\",\"attributes\":{\"low\":1,\"high\":3}}", "p"));
    assert_true(d.step == 1 && d.log == 0);
    assert_ok(dogb_distribution_read(
        &d, &arena, "{\"name\":\"FloatDistribution\",\"attributes\":{\"low\":1,\"high\":3}}", "p"));
    assert_true(d.step == 0 && d.log == 0);
    dogb_arena_free(&arena);
}

#define WITH(NAME, ATTRIBUTES) "{\"name\":\"" NAME "\",\"attributes\":" ATTRIBUTES "}"

static void malformed_ones_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *part;
    } wrong[] = {
        {"", "JSON"},
        {"[]", "FloatDistribution"},
        {"{\"type\":\"float\",\"low\":0,\"high\":1}", "FloatDistribution"},
        {WITH("UniformDistribution", "{\"low\":0,\"high\":1}"), "FloatDistribution"},
        {WITH("FloatDistribution", "[]"), "attributes"},
        {WITH("FloatDistribution", "{\"low\":0}"), "\"high\""},
        {WITH("FloatDistribution", "{\"low\":NaN,\"high\":1}"), "numbers"},
        {WITH("FloatDistribution", "{\"low\":0,\"high\":Infinity}"), "numbers"},
        {WITH("FloatDistribution", "{\"low\":2,\"high\":1}"), "above"},
        {WITH("FloatDistribution", "{\"low\":0,\"high\":1,\"log\":true}"), "log"},
        {WITH("FloatDistribution", "{\"low\":0,\"high\":1,\"log\":1}"), "true or false"},
        {WITH("FloatDistribution", "{\"low\":1,\"high\":2,\"log\":true,\"step\":0.1}"), "step"},
        {WITH("FloatDistribution", "{\"low\":0,\"high\":1,\"step\":0}"), "step"},
        {WITH("FloatDistribution", "{\"low\":0,\"high\":1,\"q\":0}"), "\"q\""},
        {WITH("IntDistribution", "{\"low\":0,\"high\":1,\"log\":true}"), "log"},
        {WITH("IntDistribution", "{\"low\":0.5,\"high\":1}"), "integers"},
        {WITH("IntDistribution", "{\"low\":0,\"high\":1e300}"), "integers"},
        {WITH("IntDistribution", "{\"low\":1,\"high\":9,\"log\":true,\"step\":2}"), "step"},
        {WITH("IntDistribution", "{\"low\":0,\"high\":1,\"step\":null}"), "step"},
        {WITH("CategoricalDistribution", "{\"choices\":[]}"), "choices"},
        {WITH("CategoricalDistribution", "{\"choices\":[[1]]}"), "choices"},
        {WITH("CategoricalDistribution", "{\"choices\":{}}"), "choices"},
        {WITH("CategoricalDistribution", "{\"choices\":[1],\"low\":1}"), "\"low\""},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        dogb_arena arena = {0};
        dogb_distribution d;
        assert_fails(dogb_distribution_read(&d, &arena, wrong[i].text, "lr"), DOGBREED_ERROR_FORMAT,
                     wrong[i].part);
        dogb_arena_free(&arena);
    }
}

static void words_become_values_and_back(void **state) {
    (void)state;
    static const char *const words[] = {"32", "0.5", "adam", "true", "null", "1e-3x", "\"32\"", ""};
    dogb_arena arena = {0};
    dogb_distribution d;
    assert_ok(dogb_distribution_choices(&d, &arena, words, 8));
    const char *text = dogb_distribution_text(&arena, &d);
    assert_non_null(
        strstr(text, "[32, 0.5, \"adam\", true, null, \"1e-3x\", \"\\\"32\\\"\", \"\"]"));
    for (int i = 0; i < 8; i++) {
        assert_string_equal(dogb_distribution_choice(&arena, &d, i), words[i]);
    }
    assert_true(dogb_distribution_contains(&d, 7) && !dogb_distribution_contains(&d, 8));
    assert_fails(dogb_distribution_choices(&d, &arena, words, 0), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "choice");
    dogb_arena_free(&arena);
}

static void choices_are_equal_as_in_python(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_distribution a;
    dogb_distribution b;
    dogb_distribution c;
    assert_ok(dogb_distribution_read(
        &a, &arena, WITH("CategoricalDistribution", "{\"choices\":[1,true,NaN,\"x\"]}"), "p"));
    assert_ok(dogb_distribution_read(
        &b, &arena, WITH("CategoricalDistribution", "{\"choices\":[1.0,1,NaN,\"x\"]}"), "p"));
    assert_ok(dogb_distribution_read(
        &c, &arena, WITH("CategoricalDistribution", "{\"choices\":[1,true,NaN,\"y\"]}"), "p"));
    assert_ok(dogb_distribution_compatible(&a, &b, "p"));
    assert_fails(dogb_distribution_compatible(&a, &c, "p"), DOGBREED_ERROR_MISMATCH, "choices");
    dogb_arena_free(&arena);
}

static void dates(void **state) {
    (void)state;
    char now[28];
    dogb_date_now(now);
    assert_int_equal(strlen(now), 26);
    assert_true(fabs(dogb_date_of(now) - (double)time(NULL)) < 2);
    // of `date -u -d '...' +%s.%N`
    assert_true(dogb_date_of("1970-01-01 00:00:00") == 0);
    assert_true(dogb_date_of("2026-05-28 12:34:56.250000") == 1779971696.25);
    assert_true(dogb_date_of("2024-02-29 23:59:59.5") == 1709251199.5);
    assert_true(dogb_date_of("1969-12-31 23:59:58") == -2);
    assert_true(isnan(dogb_date_of(NULL)) && isnan(dogb_date_of("")) &&
                isnan(dogb_date_of("2024-02-29T23:59:59")) && isnan(dogb_date_of("2024-02-29")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_and_written_as_optuna_writes),
        cmocka_unit_test(defaults_of_the_constructors),
        cmocka_unit_test(malformed_ones_are_refused),
        cmocka_unit_test(words_become_values_and_back),
        cmocka_unit_test(choices_are_equal_as_in_python),
        cmocka_unit_test(dates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
