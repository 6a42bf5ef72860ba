// test_read.c - a profile from its files: whole, cut off at any byte, and damaged.
#include "out_of_memory.h"

#include "profile/read.h"
#include "profile/summary.h"

#include <math.h>

static const char trace_text[] =
    "{\"displayTimeUnit\":\"ms\",\"otherData\":{\"format\":\"dogbreed.trace\",\"version\":1,"
    "\"machine\":{\"wall_zero\":1700000000.5,\"cores\":4,\"allowed\":2,\"gpu_count\":1}},"
    "\"traceEvents\":[\n"
    "{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":1,\"tid\":1,\"args\":{\"name\":\"x\"}},\n"
    "{\"ph\":\"X\",\"ts\":20.500,\"pid\":1,\"tid\":2,\"dur\":5.250,\"cat\":\"data,decode\","
    "\"name\":\"decode\",\"args\":{\"bytes\":7}},\n"
    "{\"ph\":\"X\",\"ts\":10.000,\"pid\":1,\"tid\":1,\"dur\":30.000,\"cat\":\"engine,forward\","
    "\"name\":\"Forward\",\"args\":{\"images\":8}},\n"
    "{\"ph\":\"X\",\"ts\":11.000,\"pid\":1,\"tid\":1,\"dur\":2.000,\"cat\":\"layer,layer_forward\","
    "\"name\":\"fc\",\"args\":{\"layer\":\"fc\",\"op\":\"linear\"}},\n"
    "{\"ph\":\"X\",\"ts\":5.000,\"pid\":1,\"tid\":1,\"dur\":50.000,\"cat\":\"loop,step\","
    "\"name\":\"step\",\"args\":{\"step_num\":3}},\n"
    "{\"ph\":\"C\",\"ts\":6.000,\"pid\":1,\"tid\":1,\"name\":\"cpu\",\"args\":{\"percent\":5}},\n"
    "{\"ph\":\"X\",\"ts\":1.000,\"pid\":1,\"tid\":1,\"dur\":3.000,\"cat\":\"later,unknown\","
    "\"name\":\"what comes later\"},\n"
    "{\"ph\":\"X\",\"ts\":0.000,\"pid\":1,\"tid\":1,\"dur\":100.000,\"cat\":\"loop,run\","
    "\"name\":\"run\"},\n"
    "{\"ph\":\"i\",\"ts\":100.000,\"pid\":1,\"tid\":1,\"s\":\"p\",\"name\":\"profile_end\","
    "\"args\":"
    "{\"dropped\":1,\"unwritten\":2,\"missed\":3,\"collector_ns\":4}}\n"
    "]}\n";

static const char system_text[] =
    "{\"Type\":\"cpu\",\"Name\":\"cpu0\",\"Dimension\":\"CPUUtilization\",\"Value\":25.5,"
    "\"NodeId\":\"algo-1\",\"Timestamp\":1700000001.000001}\n"
    "{\"Type\":\"cpu\",\"Name\":\"cpu1\",\"Dimension\":\"CPUUtilization\",\"Value\":50,"
    "\"NodeId\":\"algo-1\",\"Timestamp\":1700000001.000001}\n"
    "{\"Type\":\"cpu\",\"Name\":\"cpu0\",\"Dimension\":\"CPUUtilization\",\"Value\":30,"
    "\"NodeId\":\"algo-1\",\"Timestamp\":1700000001.5}\n";

static void what_the_files_say(void **state) {
    (void)state;
    dogb_profile_data data = {0};
    assert_ok(dogb_profile_read_trace(&data, trace_text, strlen(trace_text), "trace"));
    assert_ok(dogb_profile_read_system(&data, system_text, strlen(system_text), "system"));
    assert_int_equal(dogb_account_total(&data.account), 100000);
    assert_int_equal(data.account.ns[DOGB_CONTEXT_STEP][DOGB_SPAN_FORWARD], 30000);
    assert_int_equal(data.account.ns[DOGB_CONTEXT_STEP][DOGB_SPAN_STEP], 20000);
    assert_int_equal(data.account.kinds[DOGB_SPAN_DECODE].ns, 5250);
    assert_int_equal(data.account.steps.items[0].number, 3);
    assert_string_equal(data.labels[0].name, "fc");
    assert_int_equal(data.account.layers[0].ns[0], 2000);
    assert_int_equal(data.cores, 4);
    assert_int_equal(data.allowed, 2);
    assert_int_equal(data.gpus, 1);
    assert_int_equal(data.dropped, 1);
    assert_int_equal(data.unwritten, 2);
    assert_true(data.finished);
    assert_int_equal(data.series.count, 2);
    assert_true(fabs(data.series.times[0] - 0.500001) < 1e-9);
    const dogb_series *cpu0 = dogb_series_find(&data.series, "cpu", "cpu0", "CPUUtilization");
    const dogb_series *cpu1 = dogb_series_find(&data.series, "cpu", "cpu1", "CPUUtilization");
    assert_true(fabsf(cpu0->values[1] - 30.0f) < 1e-6f && isnan(cpu1->values[1]));
    dogb_profile_data_free(&data);
}

// Whatever a crash leaves: what stands in whole lines is read, and a summary can be made of it.
static void cut_off_at_every_byte(void **state) {
    (void)state;
    const size_t header = (size_t)(strchr(trace_text, '\n') - trace_text) + 1;
    int64_t steps = 0;
    for (size_t size = 0; size <= strlen(trace_text); size++) {
        dogb_profile_data data = {0};
        dogb_arena arena = {0};
        int rc = dogb_profile_read_trace(&data, trace_text, size, "trace");
        assert_int_equal(rc, size < header ? DOGBREED_ERROR_FORMAT : DOGBREED_OK);
        if (rc == DOGBREED_OK) {
            dogb_profile_judging judging = {.overrides = ""};
            json_t *summary = NULL;
            assert_ok(dogb_profile_summary(&summary, &arena, &data, &judging));
            assert_true(data.account.steps.all >= steps); // nothing that was read is lost again
            steps = data.account.steps.all;
        }
        dogb_arena_free(&arena);
        dogb_profile_data_free(&data);
    }
    assert_int_equal(steps, 1);
    for (size_t size = 0; size <= strlen(system_text); size++) {
        dogb_profile_data data = {0};
        assert_ok(dogb_profile_read_system(&data, system_text, size, "system"));
        dogb_profile_data_free(&data);
    }
}

static void damage_is_named(void **state) {
    (void)state;
    static const struct {
        const char *line;
        int code;
        const char *part;
    } lines[] = {
        {"nonsense\n", DOGBREED_ERROR_FORMAT, "line 2"},
        {"{\"name\":\"x\"}\n", DOGBREED_ERROR_FORMAT, "ph"},
        {"{\"ph\":\"X\",\"ts\":-1,\"dur\":2,\"tid\":1,\"cat\":\"loop,step\"}\n",
         DOGBREED_ERROR_FORMAT, "ts and dur"},
        {"{\"ph\":\"X\",\"ts\":1,\"dur\":1e300,\"tid\":1,\"cat\":\"loop,step\"}\n",
         DOGBREED_ERROR_FORMAT, "ts and dur"},
        {"{\"ph\":\"X\",\"ts\":1,\"dur\":2,\"tid\":99999,\"cat\":\"loop,step\"}\n",
         DOGBREED_ERROR_FORMAT, "tid"},
    };
    static const char header[] =
        "{\"otherData\":{\"format\":\"dogbreed.trace\",\"version\":1},\"traceEvents\":[\n";
    char text[1024];
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        dogb_profile_data data = {0};
        (void)snprintf(text, sizeof text, "%s%s", header, lines[i].line);
        assert_fails(dogb_profile_read_trace(&data, text, strlen(text), "trace"), lines[i].code,
                     lines[i].part);
        dogb_profile_data_free(&data);
    }
    static const struct {
        const char *text;
        int code;
        const char *part;
    } headers[] = {
        {"", DOGBREED_ERROR_FORMAT, "first line"},
        {"[\n", DOGBREED_ERROR_FORMAT, "line 1"},
        {"{\"traceEvents\":[\n", DOGBREED_ERROR_FORMAT, "dogbreed.trace"},
        {"{\"otherData\":{\"format\":\"dogbreed.trace\",\"version\":2},\"traceEvents\":[\n",
         DOGBREED_ERROR_UNSUPPORTED, "newer"},
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        dogb_profile_data data = {0};
        assert_fails(dogb_profile_read_trace(&data, headers[i].text, strlen(headers[i].text), "t"),
                     headers[i].code, headers[i].part);
        dogb_profile_data_free(&data);
    }
    static const char backwards[] =
        "{\"Type\":\"a\",\"Name\":\"b\",\"Dimension\":\"c\",\"Value\":1,\"Timestamp\":5}\n"
        "{\"Type\":\"a\",\"Name\":\"b\",\"Dimension\":\"c\",\"Value\":1,\"Timestamp\":4}\n";
    static const char *const samples[] = {"{\"Type\":\"cpu\"}\n", "5\n", backwards};
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        dogb_profile_data data = {0};
        assert_fails(dogb_profile_read_system(&data, samples[i], strlen(samples[i]), "system"),
                     DOGBREED_ERROR_FORMAT, "system: line");
        dogb_profile_data_free(&data);
    }
}

typedef struct judging {
    dogb_profile_data data;
    int32_t parity;
} judging;

static int judge(void *userdata) {
    judging *j = userdata;
    dogb_arena arena = {0};
    dogb_profile_judging how = {.parity = j->parity, .overrides = "StepOutlier:stddev=2"};
    json_t *summary = NULL;
    char *text = NULL;
    int rc = dogb_profile_summary(&summary, &arena, &j->data, &how);
    rc = rc < 0 ? rc : dogb_json_text_out(&text, summary, 0);
    dogb_free(text);
    dogb_arena_free(&arena);
    return rc;
}

// Each failed allocation is NO_MEMORY, not a document that lacks something.
static void memory_runs_out(void **state) {
    (void)state;
    judging j = {.parity = 0};
    assert_ok(dogb_profile_read_trace(&j.data, trace_text, strlen(trace_text), "trace"));
    assert_ok(dogb_profile_read_system(&j.data, system_text, strlen(system_text), "system"));
    for (; j.parity < 2; j.parity++) {
        assert_true(memory_fails_each(judge, &j, 1) > 500);
    }
    dogb_profile_data_free(&j.data);
}

// While files are read too. The library's own memory alone: jansson's parser asserts.
static void memory_runs_out_while_reading(void **state) {
    (void)state;
    for (int at = 0;; at++) {
        dogb_profile_data data = {0};
        atomic_store(&memory_left, at);
        dogb_alloc_test(memory_fails, NULL);
        int rc = dogb_profile_read_trace(&data, trace_text, strlen(trace_text), "trace");
        rc = rc < 0 ? rc
                    : dogb_profile_read_system(&data, system_text, strlen(system_text), "system");
        int failed = memory_restore();
        dogb_profile_data_free(&data);
        if (!failed) {
            assert_int_equal(rc, 0);
            break;
        }
        assert_int_equal(rc, DOGBREED_ERROR_NO_MEMORY);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_files_say),
        cmocka_unit_test(cut_off_at_every_byte),
        cmocka_unit_test(damage_is_named),
        cmocka_unit_test(memory_runs_out),
        cmocka_unit_test(memory_runs_out_while_reading),
    };
    return cmocka_run_group_tests_name("read", tests, NULL, NULL);
}
