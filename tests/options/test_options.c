// test_options.c - every options struct by name: what describe says is what init, set and get do.
#include "test.h"

#include <dogbreed/dogbreed.h>

#include <math.h>

typedef int (*init_fn)(void *options, size_t size);

static int init_dataset(void *o, size_t n) {
    return dogbreed_dataset_options_init(o, n);
}
static int init_check(void *o, size_t n) {
    return dogbreed_check_options_init(o, n);
}
static int init_synth(void *o, size_t n) {
    return dogbreed_synth_options_init(o, n);
}
static int init_model(void *o, size_t n) {
    return dogbreed_model_options_init(o, n);
}
static int init_trainer(void *o, size_t n) {
    return dogbreed_trainer_options_init(o, n);
}
static int init_evaluate(void *o, size_t n) {
    return dogbreed_evaluate_options_init(o, n);
}
static int init_predictor(void *o, size_t n) {
    return dogbreed_predictor_options_init(o, n);
}

static int init_tuner(void *o, size_t n) {
    return dogbreed_tuner_options_init(o, n);
}
static int init_command(void *o, size_t n) {
    return dogbreed_command_options_init(o, n);
}
static int init_serve(void *o, size_t n) {
    return dogbreed_serve_options_init(o, n);
}

static int init_transform(void *o, size_t n) {
    return dogbreed_transform_options_init(o, n);
}

static int init_job(void *o, size_t n) {
    return dogbreed_job_options_init(o, n);
}

static int init_report(void *o, size_t n) {
    return dogbreed_report_options_init(o, n);
}
static int init_store(void *o, size_t n) {
    return dogbreed_store_options_init(o, n);
}

static const struct {
    uint32_t kind;
    size_t size;
    init_fn init;
} kinds[] = {
    {DOGBREED_KIND_DATASET, sizeof(dogbreed_dataset_options), init_dataset},
    {DOGBREED_KIND_CHECK, sizeof(dogbreed_check_options), init_check},
    {DOGBREED_KIND_SYNTH, sizeof(dogbreed_synth_options), init_synth},
    {DOGBREED_KIND_MODEL, sizeof(dogbreed_model_options), init_model},
    {DOGBREED_KIND_TRAINER, sizeof(dogbreed_trainer_options), init_trainer},
    {DOGBREED_KIND_EVALUATE, sizeof(dogbreed_evaluate_options), init_evaluate},
    {DOGBREED_KIND_PREDICTOR, sizeof(dogbreed_predictor_options), init_predictor},
    {DOGBREED_KIND_TUNER, sizeof(dogbreed_tuner_options), init_tuner},
    {DOGBREED_KIND_COMMAND, sizeof(dogbreed_command_options), init_command},
    {DOGBREED_KIND_REPORT, sizeof(dogbreed_report_options), init_report},
    {DOGBREED_KIND_SERVE, sizeof(dogbreed_serve_options), init_serve},
    {DOGBREED_KIND_STORE, sizeof(dogbreed_store_options), init_store},
    {DOGBREED_KIND_JOB, sizeof(dogbreed_job_options), init_job},
    {DOGBREED_KIND_TRANSFORM, sizeof(dogbreed_transform_options), init_transform},
};
enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

typedef union any {
    uint32_t head[2];
    dogbreed_dataset_options dataset;
    dogbreed_trainer_options trainer;
    unsigned char bytes[1024];
    double align;
} any;

static void the_description_fits_the_struct(void **state) {
    (void)state;
    for (size_t k = 0; k < KIND_COUNT; k++) {
        dogbreed_option_info info = {.struct_size = sizeof info};
        uint32_t count = 0;
        while (dogbreed_options_describe(&info, kinds[k].kind, count) == DOGBREED_OK) {
            assert_true(info.name[0] != '\0' && info.help[0] != '\0' && info.unit != NULL);
            assert_non_null(info.default_value);
            assert_true(info.offset >= 8 && info.offset < kinds[k].size);
            assert_true(info.type >= DOGBREED_TYPE_INT32 && info.type <= DOGBREED_TYPE_CHOICE);
            assert_int_equal(info.type == DOGBREED_TYPE_CHOICE, info.choices != NULL);
            assert_int_equal(info.struct_size, sizeof info);
            count++;
        }
        assert_true(count > 0);
        assert_fails(dogbreed_options_describe(&info, kinds[k].kind, count),
                     DOGBREED_ERROR_NOT_FOUND, "options");
    }
}

// Every 4- or 8-byte member is described, but for struct_size, kind and "reserved".
static void no_member_is_missing(void **state) {
    (void)state;
    for (size_t k = 0; k < KIND_COUNT; k++) {
        unsigned char covered[1024] = {1, 1, 1, 1, 1, 1, 1, 1};
        size_t left = 0;
        dogbreed_option_info info = {.struct_size = sizeof info};
        for (uint32_t i = 0; dogbreed_options_describe(&info, kinds[k].kind, i) == 0; i++) {
            int big = info.type == DOGBREED_TYPE_INT64 || info.type == DOGBREED_TYPE_UINT64 ||
                      info.type == DOGBREED_TYPE_DOUBLE || info.type == DOGBREED_TYPE_STRING;
            for (size_t b = 0; b < (big ? 8U : 4U); b++) {
                assert_int_equal(covered[info.offset + b], 0); // no two overlap
                covered[info.offset + b] = 1;
            }
        }
        for (size_t b = 0; b < kinds[k].size; b++) {
            left += covered[b] == 0;
        }
        assert_true(left == 0 || left == 4); // one reserved int32_t at most
    }
}

static void defaults_are_what_init_writes(void **state) {
    (void)state;
    for (size_t k = 0; k < KIND_COUNT; k++) {
        any options;
        any again;
        assert_ok(kinds[k].init(&options, kinds[k].size));
        assert_ok(kinds[k].init(&again, kinds[k].size));
        assert_int_equal(options.head[0], kinds[k].size);
        assert_int_equal(options.head[1], kinds[k].kind);
        dogbreed_option_info info = {.struct_size = sizeof info};
        for (uint32_t i = 0; dogbreed_options_describe(&info, kinds[k].kind, i) == 0; i++) {
            char *text = NULL;
            char *after = NULL;
            assert_ok(dogbreed_options_get(&text, &options, info.name));
            // The default is a valid value and means the same.
            assert_ok(dogbreed_options_set(&again, info.name, info.default_value));
            assert_ok(dogbreed_options_get(&after, &again, info.name));
            assert_string_equal(text, after);
            dogbreed_free(text);
            dogbreed_free(after);
        }
    }
}

static void bounds_hold(void **state) {
    (void)state;
    for (size_t k = 0; k < KIND_COUNT; k++) {
        any options;
        assert_ok(kinds[k].init(&options, kinds[k].size));
        dogbreed_option_info info = {.struct_size = sizeof info};
        for (uint32_t i = 0; dogbreed_options_describe(&info, kinds[k].kind, i) == 0; i++) {
            char text[64];
            if (info.type == DOGBREED_TYPE_CHOICE || info.type == DOGBREED_TYPE_SWITCH) {
                assert_fails(dogbreed_options_set(&options, info.name, "banana"),
                             DOGBREED_ERROR_INVALID_ARGUMENT, info.name);
            } else if (info.type != DOGBREED_TYPE_STRING) {
                assert_fails(dogbreed_options_set(&options, info.name, "12x"),
                             DOGBREED_ERROR_INVALID_ARGUMENT, info.name);
                assert_fails(dogbreed_options_set(&options, info.name, ""),
                             DOGBREED_ERROR_INVALID_ARGUMENT, info.name);
            }
            if (info.type == DOGBREED_TYPE_INT32 || info.type == DOGBREED_TYPE_INT64) {
                (void)snprintf(text, sizeof text, "%.0f", info.minimum - 1.0);
                assert_fails(dogbreed_options_set(&options, info.name, text),
                             DOGBREED_ERROR_INVALID_ARGUMENT, info.name);
                (void)snprintf(text, sizeof text, "%.0f", info.minimum);
                assert_ok(dogbreed_options_set(&options, info.name, text));
            }
            if (info.type == DOGBREED_TYPE_DOUBLE) {
                assert_fails(dogbreed_options_set(&options, info.name, "nan"),
                             DOGBREED_ERROR_INVALID_ARGUMENT, info.name);
            }
        }
    }
}

static void dashes_and_underscores_are_equal(void **state) {
    (void)state;
    dogbreed_trainer_options options;
    char *text = NULL;
    assert_ok(dogbreed_trainer_options_init(&options, sizeof options));
    assert_ok(dogbreed_options_set(&options, "batch-size", "48"));
    assert_int_equal(options.batch_size, 48);
    assert_ok(dogbreed_options_get(&text, &options, "batch_size"));
    assert_string_equal(text, "48");
    dogbreed_free(text);
    assert_ok(dogbreed_options_set(&options, "optimizer", "adamw"));
    assert_int_equal(options.optimizer, DOGBREED_OPTIMIZER_ADAMW);
}

static void a_text_survives_its_source(void **state) {
    (void)state;
    dogbreed_model_options options;
    char name[] = "resnet18";
    assert_ok(dogbreed_model_options_init(&options, sizeof options));
    assert_ok(dogbreed_options_set(&options, "architecture", name));
    name[0] = 'X';
    assert_string_equal(options.architecture, "resnet18");
    const char *first = options.architecture;
    assert_ok(dogbreed_options_set(&options, "architecture", "resnet18"));
    assert_ptr_equal(first, options.architecture); // equal texts share storage
}

static void a_mistyped_name_gets_a_suggestion(void **state) {
    (void)state;
    dogbreed_trainer_options options;
    char *text = NULL;
    assert_ok(dogbreed_trainer_options_init(&options, sizeof options));
    assert_fails(dogbreed_options_set(&options, "epoch", "3"), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "epochs");
    assert_fails(dogbreed_options_get(&text, &options, "bach_size"),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "batch_size");
    assert_null(text);
}

static void wrong_arguments_are_refused(void **state) {
    (void)state;
    dogbreed_trainer_options options;
    dogbreed_option_info info = {.struct_size = sizeof info};
    char *text = (char *)1;
    assert_ok(dogbreed_trainer_options_init(&options, sizeof options));
    assert_fails(dogbreed_options_set(NULL, "epochs", "3"), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "NULL");
    assert_fails(dogbreed_options_set(&options, NULL, "3"), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "NULL");
    assert_fails(dogbreed_options_set(&options, "epochs", NULL), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "NULL");
    assert_fails(dogbreed_options_get(NULL, &options, "epochs"), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "NULL");
    assert_fails(dogbreed_options_get(&text, NULL, "epochs"), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "NULL");
    assert_null(text);
    assert_fails(dogbreed_options_describe(NULL, 1, 0), DOGBREED_ERROR_INVALID_ARGUMENT, "NULL");
    assert_fails(dogbreed_options_describe(&info, 99, 0), DOGBREED_ERROR_NOT_FOUND, "99");
    info.struct_size = 4;
    assert_fails(dogbreed_options_describe(&info, 1, 0), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "struct_size");
    options.kind = 77;
    assert_fails(dogbreed_options_set(&options, "epochs", "3"), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "77");
}

// A program compiled against an older, shorter struct: nothing behind its end is touched.
static void a_shorter_struct_is_not_overrun(void **state) {
    (void)state;
    any options;
    char *text = NULL;
    memset(&options, 0xAB, sizeof options);
    size_t size = offsetof(dogbreed_trainer_options, keep);
    assert_ok(dogbreed_trainer_options_init(&options.trainer, size));
    assert_fails(dogbreed_options_set(&options, "keep", "last"), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "keep");
    assert_fails(dogbreed_options_get(&text, &options, "keep"), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "keep");
    for (size_t i = size; i < sizeof options; i++) {
        assert_int_equal(options.bytes[i], 0xAB);
    }
    assert_ok(dogbreed_options_set(&options, "patience", "3"));
}

// An older caller's dogbreed_option_info is shorter, too.
static void a_shorter_info_is_not_overrun(void **state) {
    (void)state;
    union {
        dogbreed_option_info info;
        unsigned char bytes[sizeof(dogbreed_option_info)];
    } u;
    memset(&u, 0xCD, sizeof u);
    u.info.struct_size = offsetof(dogbreed_option_info, minimum);
    assert_ok(dogbreed_options_describe(&u.info, DOGBREED_KIND_TRAINER, 0));
    assert_int_equal(u.info.struct_size, offsetof(dogbreed_option_info, minimum));
    for (size_t i = offsetof(dogbreed_option_info, minimum); i < sizeof u; i++) {
        assert_int_equal(u.bytes[i], 0xCD);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_description_fits_the_struct),
        cmocka_unit_test(no_member_is_missing),
        cmocka_unit_test(defaults_are_what_init_writes),
        cmocka_unit_test(bounds_hold),
        cmocka_unit_test(dashes_and_underscores_are_equal),
        cmocka_unit_test(a_text_survives_its_source),
        cmocka_unit_test(a_mistyped_name_gets_a_suggestion),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(a_shorter_struct_is_not_overrun),
        cmocka_unit_test(a_shorter_info_is_not_overrun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
