// test_info.c - build information and doctor: valid documents that say what is the case.
#include "test.h"

#include <dogbreed/dogbreed.h>
#include <jansson.h>

static json_t *parsed(char *text) {
    json_error_t error;
    json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (value == NULL) {
        fail_msg("not JSON: %s in %s", error.text, text);
    }
    dogbreed_free(text);
    return value;
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "(none)" : text;
}

static void build_info_names_version_engines_and_libraries(void **state) {
    (void)state;
    char *text = NULL;
    assert_ok(dogbreed_build_info(&text));
    assert_null(strchr(text, '\n'));
    json_t *info = parsed(text);
    assert_string_equal(text_of(info, "version"), dogbreed_version());
    assert_int_equal(json_integer_value(json_object_get(info, "abi")), DOGBREED_ABI);
    const json_t *engines = json_object_get(info, "engines");
    int has_ref = 0;
    for (size_t i = 0; i < json_array_size(engines); i++) {
        has_ref |= strcmp(text_of(json_array_get(engines, i), "name"), "ref") == 0;
    }
    assert_true(has_ref);
    const json_t *libraries = json_object_get(info, "libraries");
    static const char *const names[] = {"jansson", "openssl", "zlib", "libjpeg-turbo", "libpng"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_true(*text_of(libraries, names[i]) >= '0' && *text_of(libraries, names[i]) <= '9');
    }
    json_decref(info);
    assert_fails(dogbreed_build_info(NULL), DOGBREED_ERROR_INVALID_ARGUMENT, "NULL");
}

static void doctor_looks_at_every_group(void **state) {
    (void)state;
    static const char *const groups[] = {"build",  "cpu",     "memory",  "disk",
                                         "codecs", "engines", "devices", "gpu"};
    char *text = NULL;
    int seen[8] = {0};
    assert_ok(dogbreed_doctor(&text));
    json_t *report = parsed(text);
    assert_string_equal(text_of(report, "format"), "dogbreed.doctor");
    const char *worst = "ok";
    const json_t *findings = json_object_get(report, "findings");
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *finding = json_array_get(findings, i);
        const char *status = text_of(finding, "status");
        assert_true(strcmp(status, "ok") == 0 || strcmp(status, "warning") == 0 ||
                    strcmp(status, "error") == 0);
        assert_true(*text_of(finding, "name") != '\0' && *text_of(finding, "value") != '\0');
        // A warning without advice helps nobody.
        assert_true(strcmp(status, "ok") == 0 || *text_of(finding, "advice") != '\0');
        if (strcmp(status, "error") == 0 || (strcmp(status, "warning") == 0 && *worst == 'o')) {
            worst = status;
        }
        for (size_t g = 0; g < 8; g++) {
            seen[g] |= strcmp(text_of(finding, "group"), groups[g]) == 0;
        }
        if (strcmp(text_of(finding, "name"), "self-test") == 0) {
            assert_string_equal(status, "ok");
        }
    }
    for (size_t g = 0; g < 8; g++) {
        if (!seen[g]) {
            fail_msg("no finding of group %s", groups[g]);
        }
    }
    assert_string_equal(text_of(report, "status"), worst);
    json_decref(report);
    assert_fails(dogbreed_doctor(NULL), DOGBREED_ERROR_INVALID_ARGUMENT, "NULL");
}

static void doctor_names_the_engines_of_auto(void **state) {
    (void)state;
    static const char *const names[] = {"auto: inference", "auto: heads", "auto: layers",
                                        "instruction set"};
    char *text = NULL;
    int seen[4] = {0};
    assert_ok(dogbreed_doctor(&text));
    json_t *report = parsed(text);
    const json_t *findings = json_object_get(report, "findings");
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *finding = json_array_get(findings, i);
        assert_string_not_equal(text_of(finding, "group"), "speed");
        for (size_t n = 0; n < 4; n++) {
            seen[n] += strcmp(text_of(finding, "name"), names[n]) == 0;
        }
    }
    for (size_t n = 0; n < 4; n++) {
        assert_int_equal(seen[n], 1);
    }
    json_decref(report);
}

static void doctor_measures(void **state) {
    (void)state;
    char *text = NULL;
    double numbers[3] = {0};
    size_t count = 0;
    assert_ok(dogbreed_doctor_measure(&text));
    json_t *report = parsed(text);
    const json_t *findings = json_object_get(report, "findings");
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *finding = json_array_get(findings, i);
        if (strcmp(text_of(finding, "group"), "speed") == 0) {
            assert_true(count < 3);
            assert_string_equal(text_of(finding, "unit"), count == 0 ? "GFLOP/s" : "images/s");
            numbers[count++] = json_real_value(json_object_get(finding, "number"));
        }
    }
    assert_int_equal(count, 3);
    assert_true(numbers[0] > 0 && numbers[1] > 0 && numbers[2] > 0);
    json_decref(report);
    assert_fails(dogbreed_doctor_measure(NULL), DOGBREED_ERROR_INVALID_ARGUMENT, "NULL");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(build_info_names_version_engines_and_libraries),
        cmocka_unit_test(doctor_looks_at_every_group),
        cmocka_unit_test(doctor_names_the_engines_of_auto),
        cmocka_unit_test(doctor_measures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
