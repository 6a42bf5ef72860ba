// Stores: what is written is read, bit for bit; finished ones and growing ones; what is not there.
#include "store.h"

#include "core/buffer.h"
#include "core/json.h"
#include "record/layout.h"

#include <math.h>

static dogb_arena arena;

static int free_arena(void **state) {
    (void)state;
    dogb_arena_free(&arena);
    return 0;
}

static json_t *parsed(char *text) {
    json_t *value = NULL;
    assert_ok(dogb_json_parse_any(&value, &arena, text, strlen(text), "text"));
    dogbreed_free(text);
    return value;
}

static json_t *described(dogbreed_record *record) {
    char *text = NULL;
    assert_ok(dogbreed_record_describe(&text, record));
    return parsed(text);
}

static int32_t index_of(dogbreed_record *record, int64_t step, const char *name) {
    int32_t index = -1;
    assert_ok(dogbreed_record_find(&index, record, step, name, NULL));
    return index;
}

static void what_is_written_is_read(void **state) {
    (void)state;
    for (int32_t crc = 0; crc < 2; crc++) {
        const char *folder = scratch(crc == 0 ? "payload" : "smdebug");
        dogbreed_record *record = NULL;
        assert_ok(store_write(folder, crc, 12, 1));
        assert_ok(dogbreed_record_open(&record, folder));
        assert_int_equal(dogbreed_record_step_count(record, DOGBREED_MODE_GLOBAL), 12);
        assert_int_equal(dogbreed_record_step_count(record, DOGBREED_MODE_TRAIN), 10);
        assert_int_equal(dogbreed_record_step_count(record, DOGBREED_MODE_EVAL), 2);
        assert_int_equal(dogbreed_record_step_count(record, DOGBREED_MODE_PREDICT), 0);
        for (int64_t i = 0; i < 12; i++) {
            dogbreed_record_step_info step = {.struct_size = sizeof step};
            float values[6];
            double doubles[6];
            assert_ok(dogbreed_record_step(&step, record, DOGBREED_MODE_GLOBAL, i));
            assert_int_equal(step.step, i);
            assert_int_equal(step.mode, i % 5 == 4 ? DOGBREED_MODE_EVAL : DOGBREED_MODE_TRAIN);
            assert_int_equal(step.mode_step, i % 5 == 4 ? i / 5 : i - i / 5);
            assert_int_equal(step.complete, 1);
            assert_int_equal(step.tensor_count, 4);
            assert_int_equal(dogbreed_record_tensor_count(record, i), 4);
            int32_t weight = index_of(record, i, "fc.weight");
            assert_ok(dogbreed_record_read(record, i, weight, values, 6));
            assert_ok(dogbreed_record_read_double(record, i, weight, doubles, 6));
            for (int k = 0; k < 6; k++) {
                assert_true(values[k] == store_value(i, k) && doubles[k] == (double)values[k]);
            }
        }
        dogbreed_record_tensor_info info = {.struct_size = sizeof info};
        assert_ok(dogbreed_record_tensor(&info, record, 7, index_of(record, 7, "fc.weight")));
        assert_string_equal(info.name, "fc.weight");
        assert_string_equal(info.original, "fc.weight");
        assert_string_equal(info.worker, "worker_0");
        assert_int_equal(info.dtype, DOGBREED_RECORD_FLOAT32);
        assert_int_equal(info.rank, 2);
        assert_int_equal(info.shape[0], 2);
        assert_int_equal(info.shape[1], 3);
        assert_int_equal(info.count, 6);
        assert_int_equal(info.size, 24);
        assert_int_equal(info.has_values, 1);
        json_t *sums = json_object_get(described(record), "checksums");
        json_int_t read = 25; // 24 by read, one by tensor
        assert_int_equal(json_integer_value(json_object_get(sums, "payload")), crc == 0 ? read : 0);
        assert_int_equal(json_integer_value(json_object_get(sums, "constant")),
                         crc == 0 ? 0 : read);
        dogbreed_record_destroy(record);
    }
}

// Every type, its values as bytes and as numbers.
static void types(void **state) {
    (void)state;
    enum { COUNT = 5 };
    const char *folder = scratch("types");
    dogb_record_writer *w = NULL;
    dogbreed_record *record = NULL;
    unsigned char bytes[24][COUNT * 16];
    assert_ok(store_open(&w, folder, 0));
    assert_ok(store_collections(w));
    assert_ok(dogb_record_writer_begin(w, DOGBREED_MODE_GLOBAL, 3, 3, 1700000000));
    uint32_t random = 7;
    for (int32_t code = 1; code < 24; code++) {
        const dogb_record_type *type = dogb_record_type_find(code);
        for (size_t i = 0; i < sizeof bytes[0]; i++) {
            random = random * 1664525u + 1013904223u;
            bytes[code][i] = (unsigned char)(random >> 24);
        }
        if (type != NULL && type->size > 0) {
            assert_ok(
                dogb_record_writer_add(w, type->name, code, 1, (int64_t[]){COUNT}, bytes[code]));
        }
    }
    static const char *const texts[] = {"Hund", "\xe7\x8a\xac", ""};
    assert_ok(dogb_record_writer_add(w, "text", DOGBREED_RECORD_TEXT, 1, (int64_t[]){3}, texts));
    assert_ok(
        dogb_record_writer_add(w, "nothing", DOGBREED_RECORD_FLOAT32, 2, (int64_t[]){0, 7}, ""));
    assert_ok(dogb_record_writer_commit(w));
    dogb_record_writer_close(w);

    assert_ok(dogbreed_record_open(&record, folder));
    int found = 0;
    for (int32_t i = 0; i < dogbreed_record_tensor_count(record, 3); i++) {
        dogbreed_record_tensor_info info = {.struct_size = sizeof info};
        unsigned char read[COUNT * 16];
        assert_ok(dogbreed_record_tensor(&info, record, 3, i));
        if (info.count == COUNT) {
            assert_string_equal(info.name, dogb_record_type_find(info.dtype)->name);
            assert_ok(dogbreed_record_read_bytes(record, 3, i, read, (size_t)info.size));
            assert_memory_equal(read, bytes[info.dtype], (size_t)info.size);
            found++;
        }
    }
    assert_int_equal(found, 15);
    char *text = NULL;
    assert_ok(dogbreed_record_read_text(&text, record, 3, index_of(record, 3, "text")));
    assert_string_equal(text, "[\"Hund\",\"\xe7\x8a\xac\",\"\"]");
    dogbreed_free(text);
    float none = 0;
    assert_ok(dogbreed_record_read(record, 3, index_of(record, 3, "nothing"), &none, 0));
    assert_fails(dogbreed_record_read(record, 3, index_of(record, 3, "complex64"), &none, COUNT),
                 DOGBREED_ERROR_UNSUPPORTED, "complex64 are no numbers");
    assert_fails(dogbreed_record_read(record, 3, index_of(record, 3, "text"), &none, 3),
                 DOGBREED_ERROR_UNSUPPORTED, "text are no numbers");
    assert_fails(dogbreed_record_read_text(&text, record, 3, index_of(record, 3, "int8")),
                 DOGBREED_ERROR_UNSUPPORTED, "has no texts");
    assert_fails(dogbreed_record_read(record, 3, index_of(record, 3, "int8"), &none, 1),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "has 5 elements, not 1");
    dogbreed_record_destroy(record);
}

// Numbers whose value each type is known to have.
static void types_as_numbers(void **state) {
    (void)state;
    static const struct {
        int32_t dtype;
        const char *bytes;
        double number;
    } rows[] = {{DOGBREED_RECORD_FLOAT16, "\x00\x3c", 1},
                {DOGBREED_RECORD_FLOAT16, "\x00\xc0", -2},
                {DOGBREED_RECORD_FLOAT16, "\xff\x7b", 65504},
                {DOGBREED_RECORD_FLOAT16, "\x01\x00", 0x1p-24},
                {DOGBREED_RECORD_FLOAT16, "\xff\x03", 0x1.ff8p-15},
                {DOGBREED_RECORD_FLOAT16, "\x00\x04", 0x1p-14},
                {DOGBREED_RECORD_FLOAT16, "\x00\xfc", -INFINITY},
                {DOGBREED_RECORD_BFLOAT16, "\x80\x3f", 1},
                {DOGBREED_RECORD_BFLOAT16, "\x49\xc0", -3.140625},
                {DOGBREED_RECORD_INT8, "\xff", -1},
                {DOGBREED_RECORD_UINT8, "\xff", 255},
                {DOGBREED_RECORD_BOOL, "\x02", 1},
                {DOGBREED_RECORD_INT16, "\xfe\xff", -2},
                {DOGBREED_RECORD_UINT16, "\xfe\xff", 65534},
                {DOGBREED_RECORD_INT32, "\xfd\xff\xff\xff", -3},
                {DOGBREED_RECORD_UINT32, "\xfd\xff\xff\xff", 4294967293.0},
                {DOGBREED_RECORD_INT64, "\xfc\xff\xff\xff\xff\xff\xff\xff", -4},
                {DOGBREED_RECORD_UINT64, "\x00\x00\x00\x00\x00\x00\x00\x80", 0x1p63},
                {DOGBREED_RECORD_FLOAT32, "\x00\x00\x80\x3e", 0.25},
                {DOGBREED_RECORD_FLOAT64, "\x00\x00\x00\x00\x00\x00\x00\xc0", -2}};
    const char *folder = scratch("numbers");
    dogb_record_writer *w = NULL;
    dogbreed_record *record = NULL;
    assert_ok(store_open(&w, folder, 0));
    assert_ok(store_collections(w));
    assert_ok(dogb_record_writer_begin(w, DOGBREED_MODE_TRAIN, 0, 0, 1700000000));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "%zu", i);
        assert_ok(dogb_record_writer_add(w, name, rows[i].dtype, 0, NULL, rows[i].bytes));
    }
    assert_ok(dogb_record_writer_commit(w));
    dogb_record_writer_close(w);
    assert_ok(dogbreed_record_open(&record, folder));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double number = 0;
        float single = 0;
        assert_ok(dogbreed_record_read_double(record, 0, (int32_t)i, &number, 1));
        assert_ok(dogbreed_record_read(record, 0, (int32_t)i, &single, 1));
        assert_true(number == rows[i].number && single == (float)rows[i].number);
    }
    dogbreed_record_destroy(record);
}

static double reduction(dogbreed_record *record, int64_t step, const char *name, const char *what) {
    double value = NAN;
    assert_ok(dogbreed_record_reduction(&value, record, step, name, NULL, what));
    return value;
}

static void reductions(void **state) {
    (void)state;
    const char *folder = scratch("reductions");
    dogbreed_record *record = NULL;
    double value = 0;
    assert_ok(store_write(folder, 0, 3, 1));
    assert_ok(dogbreed_record_open(&record, folder));
    // Stored: of the numbers 5, -5.5, 6, -6.5, 7, -7.5.
    assert_true(reduction(record, 1, "fc.bias", "mean") == -0.25);
    assert_fails(dogbreed_record_reduction(&value, record, 1, "fc.bias", NULL, "max"),
                 DOGBREED_ERROR_TENSOR_UNAVAILABLE_FOR_STEP, "neither values nor \"max\"");
    // Computed, of the same.
    static const struct {
        const char *name;
        double value;
    } rows[] = {{"min", -7.5},
                {"max", 7},
                {"mean", -0.25},
                {"sum", -1.5},
                {"l1", 37.5},
                {"l1_norm", 37.5},
                {"abs_min", 5},
                {"abs_max", 7.5},
                {"abs_mean", 6.25},
                {"prod", -56306.25},
                {"median", -0.25},
                {"abs_median", 6.25},
                {"nan_count", 0},
                {"inf_count", 0},
                {"variance", 39.729166666666664},
                {"std", 6.303107699116894},
                {"l2", 15.451537140362444}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double found = reduction(record, 1, "fc.weight", rows[i].name);
        assert_true(fabs(found - rows[i].value) <= 1e-15 * fabs(rows[i].value));
    }
    static const char *const wrong[] = {"", "Mean", "abs_nan_count", "abs_", "mean,max", "norm"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_fails(dogbreed_record_reduction(&value, record, 1, "fc.weight", NULL, wrong[i]),
                     DOGBREED_ERROR_INVALID_ARGUMENT, "is no reduction");
    }
    dogbreed_record_destroy(record);
}

// NaN and infinities; many blocks, of which each has its own mean.
static void reductions_of_odd_values(void **state) {
    (void)state;
    enum { MANY = 5000 };
    const char *folder = scratch("odd");
    dogb_record_writer *w = NULL;
    dogbreed_record *record = NULL;
    static float many[MANY];
    double sum = 0;
    double spread = 0;
    for (int i = 0; i < MANY; i++) {
        many[i] = 1e6f + (float)i;
        sum += (double)many[i] / MANY;
    }
    for (int i = 0; i < MANY; i++) {
        spread += ((double)many[i] - sum) * ((double)many[i] - sum) / MANY;
    }
    const float odd[] = {1, NAN, INFINITY, -INFINITY, NAN};
    assert_ok(store_open(&w, folder, 0));
    assert_ok(store_collections(w));
    assert_ok(dogb_record_writer_begin(w, DOGBREED_MODE_TRAIN, 0, 0, 1700000000));
    assert_ok(dogb_record_writer_add(w, "many", 1, 1, (int64_t[]){MANY}, many));
    assert_ok(dogb_record_writer_add(w, "odd", 1, 1, (int64_t[]){5}, odd));
    assert_ok(dogb_record_writer_add(w, "none", 1, 1, (int64_t[]){0}, odd));
    assert_ok(dogb_record_writer_commit(w));
    dogb_record_writer_close(w);
    assert_ok(dogbreed_record_open(&record, folder));
    assert_true(fabs(reduction(record, 0, "many", "variance") / spread - 1) < 1e-13);
    assert_true(reduction(record, 0, "many", "median") == 1e6 + 2499.5);
    assert_true(reduction(record, 0, "odd", "nan_count") == 2);
    assert_true(reduction(record, 0, "odd", "inf_count") == 2);
    static const char *const lost[] = {"min", "max", "mean", "sum", "std", "l1", "l2", "median"};
    for (size_t i = 0; i < 8; i++) {
        assert_true(isnan(reduction(record, 0, "odd", lost[i])));
    }
    assert_true(isnan(reduction(record, 0, "none", "min")));
    assert_true(isnan(reduction(record, 0, "none", "mean")));
    assert_true(reduction(record, 0, "none", "sum") == 0);
    assert_true(reduction(record, 0, "none", "prod") == 1);
    dogbreed_record_destroy(record);
}

static void assert_names(dogbreed_record *record, int32_t mode, int64_t step, const char *regex,
                         const char *collection, const char *expected) {
    char *text = NULL;
    assert_ok(dogbreed_record_names(&text, record, mode, step, regex, collection));
    assert_string_equal(text, expected);
    dogbreed_free(text);
}

static void names(void **state) {
    (void)state;
    enum { ALL = DOGBREED_MODE_GLOBAL, TRAIN = DOGBREED_MODE_TRAIN };
    static const char all[] = "[\"CrossEntropyLoss_output_0\",\"fc.bias\",\"fc.weight\"]";
    const char *folder = scratch("names");
    dogbreed_record *record = NULL;
    char *text = NULL;
    assert_ok(store_write(folder, 0, 6, 1));
    assert_ok(dogbreed_record_open(&record, folder));
    assert_names(record, ALL, -1, NULL, NULL, all);
    assert_names(record, TRAIN, 2, NULL, NULL, all);
    assert_names(record, DOGBREED_MODE_PREDICT, -1, NULL, NULL, "[]");
    assert_names(record, ALL, -1, "^fc", NULL, "[\"fc.bias\",\"fc.weight\"]");
    assert_names(record, ALL, 4, "ias", NULL, "[\"fc.bias\"]");
    assert_names(record, ALL, -1, NULL, "losses", "[\"CrossEntropyLoss_output_0\"]");
    assert_names(record, ALL, -1, NULL, "heads", "[\"fc.bias\",\"fc.weight\"]");
    assert_fails(dogbreed_record_names(&text, record, ALL, -1, "(", NULL),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "names: \"(\"");
    assert_fails(dogbreed_record_names(&text, record, ALL, -1, "^(?!gradient).*weight", NULL),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "(?! at character 2 is not taken");
    assert_fails(dogbreed_record_names(&text, record, ALL, -1, "conv\\d", NULL),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "\\d at character 5 is not taken");
    assert_fails(dogbreed_record_names(&text, record, ALL, -1, NULL, "gradients"),
                 DOGBREED_ERROR_NOT_FOUND, "no collection \"gradients\"");
    assert_fails(dogbreed_record_names(&text, record, ALL, -1, "a", "losses"),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "not both");
    assert_fails(dogbreed_record_names(&text, record, 0, -1, NULL, NULL),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "0 is no mode");
    assert_fails(dogbreed_record_names(&text, record, TRAIN, 9, NULL, NULL),
                 DOGBREED_ERROR_NO_MORE_DATA, "step 9 of TRAIN");
    dogbreed_record_destroy(record);
}

// Each error of the list has its own code.
static void what_is_not_there(void **state) {
    (void)state;
    const char *folder = scratch("missing");
    dogb_record_writer *w = NULL;
    dogbreed_record *record = NULL;
    int64_t step = 0;
    int32_t index = 0;
    assert_fails(dogbreed_record_open(&record, scratch("nowhere")), DOGBREED_ERROR_NOT_FOUND,
                 "no such folder");
    assert_ok(store_open(&w, folder, 0));
    assert_fails(dogbreed_record_open(&record, folder), DOGBREED_ERROR_NOT_FOUND,
                 "no collections file");
    assert_ok(store_collections(w));
    assert_ok(store_add(w, DOGBREED_MODE_TRAIN, 0, 0));
    assert_ok(store_add(w, DOGBREED_MODE_TRAIN, 10, 12));
    assert_ok(dogbreed_record_open(&record, folder));
    assert_ok(dogbreed_record_find_step(&step, record, DOGBREED_MODE_TRAIN, 10));
    assert_int_equal(step, 12);
    assert_fails(dogbreed_record_find_step(&step, record, DOGBREED_MODE_TRAIN, 5),
                 DOGBREED_ERROR_STEP_UNAVAILABLE, "step 5 of TRAIN was not saved");
    assert_fails(dogbreed_record_find_step(&step, record, DOGBREED_MODE_TRAIN, 11),
                 DOGBREED_ERROR_STEP_NOT_YET_AVAILABLE, "step 11 of TRAIN is not there yet");
    assert_fails(dogbreed_record_find_step(&step, record, DOGBREED_MODE_EVAL, 0),
                 DOGBREED_ERROR_STEP_NOT_YET_AVAILABLE, "EVAL");
    assert_fails(dogbreed_record_wait(&step, record, DOGBREED_MODE_TRAIN, 11, 0.0),
                 DOGBREED_ERROR_STEP_NOT_YET_AVAILABLE, "step 11");
    assert_fails(dogbreed_record_find(&index, record, 12, "fc.gain", NULL),
                 DOGBREED_ERROR_TENSOR_UNAVAILABLE, "no step has a tensor \"fc.gain\"");
    assert_fails(dogbreed_record_find(&index, record, 12, "fc.bias", "worker_1"),
                 DOGBREED_ERROR_INVALID_WORKER, "\"worker_1\" is no worker");
    assert_ok(dogb_record_writer_begin(w, DOGBREED_MODE_TRAIN, 11, 13, 1700000000));
    assert_ok(dogb_record_writer_add(w, "more", 1, 0, NULL, &(float){1}));
    assert_ok(dogb_record_writer_commit(w));
    assert_ok(dogbreed_record_wait(&step, record, DOGBREED_MODE_TRAIN, 11, 60.0)); // it is there
    assert_int_equal(step, 13);
    assert_fails(dogbreed_record_find(&index, record, 13, "fc.weight", NULL),
                 DOGBREED_ERROR_TENSOR_UNAVAILABLE_FOR_STEP, "step 13 has no tensor");
    assert_ok(dogb_record_writer_finish(w));
    assert_fails(dogbreed_record_find_step(&step, record, DOGBREED_MODE_TRAIN, 12),
                 DOGBREED_ERROR_STEP_NOT_YET_AVAILABLE, "step 12");
    assert_fails(dogbreed_record_wait(&step, record, DOGBREED_MODE_TRAIN, 12, 60.0),
                 DOGBREED_ERROR_NO_MORE_DATA, "has ended before it");
    dogb_record_writer_close(w);
    assert_fails(dogbreed_record_find_step(&step, record, 5, 0), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "5 is no mode");
    float values[6];
    index = index_of(record, 12, "fc.bias"); // its shape alone
    assert_fails(dogbreed_record_read(record, 12, index, values, 6),
                 DOGBREED_ERROR_TENSOR_UNAVAILABLE_FOR_STEP, "only the shape was saved");
    dogbreed_record_tensor_info info = {.struct_size = sizeof info};
    assert_ok(dogbreed_record_tensor(&info, record, 12, index));
    assert_int_equal(info.has_values, 0);
    assert_int_equal(info.dtype, 0);
    assert_int_equal(info.shape[0], 6);
    assert_string_equal(info.original, "bias");
    assert_fails(dogbreed_record_tensor(&info, record, 12, 99), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "tensor 99 of step 12: it has 4");
    assert_fails(dogbreed_record_tensor(&info, record, 12, -1), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "tensor -1");
    dogbreed_record_destroy(record);
}

// A caller with an older or a newer struct.
static void structs_of_other_sizes(void **state) {
    (void)state;
    const char *folder = scratch("sizes");
    dogbreed_record *record = NULL;
    assert_ok(store_write(folder, 0, 1, 1));
    assert_ok(dogbreed_record_open(&record, folder));
    struct {
        dogbreed_record_step_info info;
        uint64_t behind;
    } step = {.info.struct_size = 16, .info.mode_step = -7, .behind = 42};
    assert_ok(dogbreed_record_step(&step.info, record, DOGBREED_MODE_TRAIN, 0));
    assert_true(step.info.mode == DOGBREED_MODE_TRAIN && step.info.mode_step == -7);
    step.info.struct_size = sizeof step;
    assert_ok(dogbreed_record_step(&step.info, record, DOGBREED_MODE_TRAIN, 0));
    assert_true(step.info.mode_step == 0 && step.behind == 42);
    step.info.struct_size = 4;
    assert_fails(dogbreed_record_step(&step.info, record, DOGBREED_MODE_TRAIN, 0),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "struct_size 4 is impossible");
    dogbreed_record_destroy(record);
}

// A store that smdebug 1.0.12 has written (tests/oracle/record.py): constants for checksums,
// plugins twice, texts without a type.
static void a_store_of_smdebug(void **state) {
    (void)state;
    dogbreed_record *record = NULL;
    float loss = 0;
    int64_t step = 0;
    char *text = NULL;
    assert_ok(dogbreed_record_open(&record, test_file("record/golden/smdebug")));
    assert_int_equal(dogbreed_record_step_count(record, DOGBREED_MODE_TRAIN), 2);
    assert_ok(dogbreed_record_find_step(&step, record, DOGBREED_MODE_EVAL, 0));
    assert_int_equal(step, 2);
    for (int64_t i = 0; i < 3; i++) {
        assert_ok(dogbreed_record_read(record, i, index_of(record, i, "CrossEntropyLoss_output_0"),
                                       &loss, 1));
        assert_true(loss == (float)(1.0 / (double)(i + 1)));
    }
    assert_ok(dogbreed_record_read_text(&text, record, 0, index_of(record, 0, "types/text")));
    assert_string_equal(text, "[\"Hund\",\"\xe7\x8a\xac\",\"\"]");
    dogbreed_free(text);
    dogbreed_record_tensor_info info = {.struct_size = sizeof info};
    assert_ok(dogbreed_record_tensor(&info, record, 0, index_of(record, 0, "types/float16")));
    assert_int_equal(info.dtype, DOGBREED_RECORD_FLOAT16);
    assert_ok(dogbreed_record_tensor(&info, record, 1, index_of(record, 1, "Net_fc.bias")));
    assert_string_equal(info.original, "bias:0");
    assert_true(isfinite(reduction(record, 1, "Net_fc.bias", "abs_l2")));
    assert_names(record, DOGBREED_MODE_GLOBAL, -1, NULL, "weights", "[\"Net_fc.weight\"]");
    assert_ok(dogbreed_record_check(&text, record));
    json_t *found = parsed(text);
    assert_int_equal(json_array_size(json_object_get(found, "problems")), 0);
    json_t *sums = json_object_get(found, "checksums");
    assert_int_equal(json_integer_value(json_object_get(sums, "constant")),
                     json_integer_value(json_object_get(found, "records")));
    assert_int_equal(json_integer_value(json_object_get(sums, "payload")), 0);
    dogbreed_record_destroy(record);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_is_written_is_read, free_arena),
        cmocka_unit_test_teardown(types, free_arena),
        cmocka_unit_test_teardown(types_as_numbers, free_arena),
        cmocka_unit_test_teardown(reductions, free_arena),
        cmocka_unit_test_teardown(reductions_of_odd_values, free_arena),
        cmocka_unit_test_teardown(names, free_arena),
        cmocka_unit_test_teardown(what_is_not_there, free_arena),
        cmocka_unit_test_teardown(structs_of_other_sizes, free_arena),
        cmocka_unit_test_teardown(a_store_of_smdebug, free_arena),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
