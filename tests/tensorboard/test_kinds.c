// Histograms, pictures, texts, curves of precision and recall; reading of events. TensorBoard reads
// the same in tests/oracle/kinds.py.
#include "../out_of_memory.h"
#include "records.h"

#include "core/wire.h"
#include "tensorboard/events.h"
#include "tensorboard/reader.h"

#include <float.h>
#include <math.h>

static dogb_arena arena;

static int free_arena(void **state) {
    (void)state;
    dogb_arena_free(&arena);
    return 0;
}

static dogb_board_place at_first(const char *tag) {
    return (dogb_board_place){.tag = tag, .time = 1700000005.25, .step = 5, .first = 1};
}

// Whole records that TensorBoard's reader has taken, value by value.
static void golden(void **state) {
    (void)state;
    dogb_buffer out = {.arena = &arena};
    dogb_bucket bucket = {-1, 1, 3};
    dogb_buckets histogram = {.buckets = &bucket, .count = 1};
    dogb_board_place place = at_first("w");
    dogb_board_histogram(&out, &place, &histogram);
    records_assert_hex(&out,
                       "4c00000000000000f5d4a2a00900005041fc54d94110052a3f0a3d0a01774a100a0c0a"
                       "0a686973746f6772616d73200242260802120812020801120208032218000000000000"
                       "f0bf000000000000f03f0000000000000840c64e80db");
    dogb_buffer images = {.arena = &arena};
    dogb_board_file file = {"PNG", 3};
    place = at_first("i");
    dogb_board_images(&images, &place,
                      &(dogb_image_event){.files = &file, .count = 1, .width = 5, .height = 3});
    records_assert_hex(&images,
                       "3500000000000000d6c55de60900005041fc54d94110052a280a260a01694a0c0a080a"
                       "06696d616765732003421308071204120208034201354201334203504e4785139a08");
    dogb_buffer text = {.arena = &arena};
    place = at_first("t");
    dogb_board_text(&text, &place, (const char *const[]){"*a*", ""}, 2);
    records_assert_hex(&text,
                       "2f000000000000006d5d1d500900005041fc54d94110052a220a200a01744a0a0a060a"
                       "04746578742002420f080712041202080242032a612a420066639477");
    dogb_buffer curve = {.arena = &arena};
    double rows[12] = {1, 0, 1, 0, 0, 1, 0, 1, 0.5, 0, 1, 0};
    place = at_first("p");
    dogb_board_pr_curve(&curve, &place, &(dogb_pr_curve){.rows = rows, .count = 2});
    records_assert_hex(&curve,
                       "6700000000000000baadcdd40900005041fc54d94110052a5a0a580a01704a130a0f0a"
                       "0970725f637572766573120210022002423e0801120812020806120208022230000080"
                       "3f000000000000803f00000000000000000000803f000000000000803f0000003f0000"
                       "00000000803f00000000047db77e");
}

static void even_buckets(void **state) {
    (void)state;
    const float values[] = {0, 1, 2, 3, 4, 4, NAN, INFINITY, -INFINITY};
    dogb_buckets h;
    assert_ok(dogb_histogram_even(&h, &arena, values, 9, 4));
    static const double counts[] = {1, 1, 1, 3}; // the last bucket has its right bound
    assert_int_equal(h.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_true(h.buckets[i].left == (double)i && h.buckets[i].right == (double)i + 1);
        assert_true(h.buckets[i].count == counts[i]);
    }
    assert_ok(dogb_histogram_even(&h, &arena, values + 4, 2, 3)); // all equal
    assert_true(h.buckets[2].left == 4 && h.buckets[2].right == 4 && h.buckets[2].count == 2);
    assert_true(h.buckets[0].left == 4 && h.buckets[0].count == 0);
    assert_ok(dogb_histogram_even(&h, &arena, values + 6, 3, 3)); // nothing that is finite
    assert_true(h.count == 3 && h.buckets[2].count == 0 && h.buckets[2].right == 0);
    const float ends[] = {-FLT_MAX, FLT_MAX};
    assert_ok(dogb_histogram_even(&h, &arena, ends, 2, 30));
    assert_true(h.buckets[0].count == 1 && h.buckets[29].count == 1);
}

static void default_buckets(void **state) {
    (void)state;
    const float values[] = {-1.05f, 0, 0, 1e-13f, 1.05f, 1.05f, NAN, INFINITY};
    dogb_buckets h;
    assert_ok(dogb_histogram_default(&h, &arena, values, 8));
    // The bucket of -1.05, empty ones as one, 0 to 1e-12, empty ones, the bucket of 1.05.
    static const double counts[] = {1, 0, 3, 0, 2};
    assert_int_equal(h.count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_true(h.buckets[i].count == counts[i]);
        assert_true(i == 0 || h.buckets[i].left == h.buckets[i - 1].right);
    }
    assert_true(h.buckets[0].left == (double)values[0] && h.buckets[4].right == (double)values[4]);
    assert_true(h.buckets[2].left == 0 && h.buckets[2].right == 1e-12);
    assert_ok(dogb_histogram_default(&h, &arena, values + 6, 2));
    assert_int_equal(h.count, 0);
    const float ends[] = {-FLT_MAX, FLT_MAX}; // beyond all bounds
    assert_ok(dogb_histogram_default(&h, &arena, ends, 2));
    assert_int_equal(h.count, 3);
    assert_true(h.buckets[0].count == 1 && h.buckets[2].count == 1);
}

static void curves(void **state) {
    (void)state;
    const float scores[] = {0.1f, 0.4f, 0.35f, 0.8f, 1, NAN};
    const uint8_t truths[] = {0, 0, 1, 1, 1, 1};
    dogb_pr_curve curve;
    assert_ok(dogb_pr_curve_make(&curve, &arena, scores, truths, 6, 3)); // 0, 0.5, 1
    static const double rows[][3] = {{4, 2, 1}, {2, 0, 0},       {0, 2, 2},
                                     {0, 2, 3}, {4.0 / 6, 1, 1}, {1, 0.5, 0.25}};
    for (size_t row = 0; row < 6; row++) {
        for (size_t i = 0; i < 3; i++) {
            assert_true(curve.rows[row * 3 + i] == rows[row][i]);
        }
    }
    assert_ok(dogb_pr_curve_make(&curve, &arena, scores, truths, 0, 3));
    assert_true(curve.rows[12] == 0 && curve.rows[15] == 0); // nothing: no precision, no recall
}

static void tags(void **state) {
    (void)state;
    assert_string_equal(dogb_board_tag(&arena, "//fc.weight/a-b_1"), "fc.weight/a-b_1");
    assert_string_equal(dogb_board_tag(&arena, "/a b:0/\xc3\xa9"), "a_b_0/__");
    assert_string_equal(dogb_board_tag(&arena, ""), "");
}

// Each kind of value once, behind a version and a restart.
static dogb_buffer all_kinds(void) {
    dogb_buffer out = {.arena = &arena};
    dogb_board_place place = at_first("tag");
    dogb_bucket bucket = {-1, 1, 3};
    dogb_buckets histogram = {.buckets = &bucket, .count = 1};
    dogb_point_event point = {.tag = "val/loss", .time = 1700000001, .step = 7, .value = 0.25};
    dogb_board_version(&out, 1700000000.25);
    dogb_board_restart(&out, 1700000000.5, 3);
    dogb_board_point(&out, &point);
    dogb_board_histogram(&out, &place, &histogram);
    dogb_board_text(&out, &place, (const char *const[]){"one", "two"}, 2);
    return out;
}

static dogb_event_file file_of(const dogb_buffer *bytes, size_t size) {
    return (dogb_event_file){.map = {(const uint8_t *)bytes->data, size}, .path = "file"};
}

static void events_are_read(void **state) {
    (void)state;
    dogb_buffer bytes = all_kinds();
    dogb_event_file file = file_of(&bytes, bytes.length);
    dogb_event event;
    dogb_event_value value;
    dogb_span text;
    assert_int_equal(dogb_event_file_next(&event, &file), 1);
    assert_int_equal(event.kind, DOGB_EVENT_VERSION);
    assert_true(event.time == 1700000000.25 && dogb_span_is(event.bytes, "brain.Event:2"));
    assert_int_equal(dogb_event_value_next(&value, &event), 0);
    assert_int_equal(dogb_event_file_next(&event, &file), 1);
    assert_true(event.kind == DOGB_EVENT_SESSION && event.status == 1 && event.step == 3);
    assert_int_equal(dogb_event_file_next(&event, &file), 1);
    assert_int_equal(event.kind, DOGB_EVENT_SUMMARY);
    assert_int_equal(event.step, 7);
    assert_int_equal(dogb_event_value_next(&value, &event), 1);
    assert_true(dogb_span_is(value.tag, "val/loss") && value.plugin.size == 0);
    assert_true(value.kind == DOGB_VALUE_TENSOR && value.tensor.dtype == 1);
    assert_true(value.tensor.rank == 0 && value.tensor.floats.size == 4);
    assert_int_equal(dogb_event_value_next(&value, &event), 0);
    assert_int_equal(dogb_event_file_next(&event, &file), 1);
    assert_int_equal(dogb_event_value_next(&value, &event), 1);
    assert_true(dogb_span_is(value.plugin, "histograms") && value.data_class == 2);
    assert_true(value.tensor.rank == 2 && value.tensor.shape[0] == 1 && value.tensor.shape[1] == 3);
    assert_int_equal(value.tensor.content.size, 24);
    assert_true(value.mode == -1 && value.mode_step == -1);
    assert_int_equal(dogb_event_file_next(&event, &file), 1);
    assert_int_equal(dogb_event_value_next(&value, &event), 1);
    assert_int_equal(value.tensor.text_count, 2);
    assert_int_equal(dogb_event_text_next(&text, &value.tensor), 1);
    assert_true(dogb_span_is(text, "one"));
    assert_int_equal(dogb_event_text_next(&text, &value.tensor), 1);
    assert_true(dogb_span_is(text, "two"));
    assert_int_equal(dogb_event_text_next(&text, &value.tensor), 0);
    assert_int_equal(dogb_event_file_next(&event, &file), 0);
    assert_int_equal(file.at, bytes.length);
    assert_int_equal(file.constants, 0);
}

// A cut: no more yet. A wrong byte: that record and all behind it.
static void files_that_are_damaged(void **state) {
    (void)state;
    dogb_buffer bytes = all_kinds();
    dogb_event event;
    for (size_t cut = 0; cut <= bytes.length; cut++) {
        dogb_event_file file = file_of(&bytes, cut);
        int count = 0;
        int rc = 0;
        while ((rc = dogb_event_file_next(&event, &file)) == 1) {
            count++;
        }
        assert_int_equal(rc, 0);
        assert_int_equal(count, records_count(bytes.data, cut, NULL));
    }
    for (size_t at = 0; at < bytes.length; at++) {
        size_t whole = 0;
        bytes.data[at] ^= 4;
        int expected = records_count(bytes.data, bytes.length, &whole);
        dogb_event_file file = file_of(&bytes, bytes.length);
        for (int i = 0; i < expected; i++) {
            assert_int_equal(dogb_event_file_next(&event, &file), 1);
        }
        char part[64];
        (void)snprintf(part, sizeof part, "file: damaged at byte %zu", whole);
        for (int again = 0; again < 2; again++) {
            assert_fails(dogb_event_file_next(&event, &file), DOGBREED_ERROR_FORMAT, part);
        }
        bytes.data[at] ^= 4;
    }
}

// Fields that are not known, or of another kind than expected, do no harm; a record that is no
// event does.
static void odd_events(void **state) {
    (void)state;
    dogb_buffer out = {.arena = &arena};
    dogb_event event;
    dogb_event_value value;
    dogb_wire_text(&out, 1, "no time");
    dogb_wire_integer(&out, 5, 3);
    dogb_wire_float(&out, 99, 1);
    dogb_wire_integer(&out, 2, -4);
    assert_true(dogb_event_parse(&event, (dogb_span){(uint8_t *)out.data, out.length}));
    assert_true(event.kind == DOGB_EVENT_NONE && event.step == -4 && event.time == 0);
    dogb_buffer deep = {.arena = &arena};
    size_t summary = dogb_wire_open(&deep, 5);
    size_t one = dogb_wire_open(&deep, 1);
    size_t tensor = dogb_wire_open(&deep, 8);
    size_t shape = dogb_wire_open(&deep, 2);
    for (int i = 0; i < 20; i++) {
        dogb_wire_close(&deep, dogb_wire_open(&deep, 2));
    }
    dogb_wire_close(&deep, shape);
    dogb_wire_close(&deep, tensor);
    dogb_wire_close(&deep, one);
    dogb_wire_close(&deep, summary);
    assert_true(dogb_event_parse(&event, (dogb_span){(uint8_t *)deep.data, deep.length}));
    assert_int_equal(dogb_event_value_next(&value, &event), 1);
    assert_int_equal(value.tensor.rank, DOGB_EVENT_RANK_MAX + 1);
    dogb_buffer broken = {.arena = &arena};
    dogb_wire_bytes(&broken, 5, "\x0a\x05x", 3);
    assert_true(dogb_event_parse(&event, (dogb_span){(uint8_t *)broken.data, broken.length}));
    assert_int_equal(dogb_event_value_next(&value, &event), -1);
    dogb_buffer record = {.arena = &arena};
    dogb_buffer_put(&record, "\x0b", 1);
    dogb_frame_close(&record, 0);
    dogb_event_file file = file_of(&record, record.length);
    assert_fails(dogb_event_file_next(&event, &file), DOGBREED_ERROR_FORMAT, "no event");
}

static int make_all(void *userdata) {
    dogb_arena scratch = {0};
    dogb_buffer out = {.arena = &scratch};
    dogb_buckets histogram;
    dogb_pr_curve curve;
    dogb_board_place place = at_first("tag");
    const float *values = userdata;
    int rc = dogb_histogram_default(&histogram, &scratch, values, 3);
    rc = rc < 0 ? rc : dogb_pr_curve_make(&curve, &scratch, values, (uint8_t[]){1, 0, 1}, 3, 11);
    if (rc == 0) {
        dogb_board_pr_curve(&out, &place, &curve);
        rc = dogb_histogram_even(&histogram, &scratch, values, 3, 30);
    }
    if (rc == 0) {
        dogb_board_histogram(&out, &place, &histogram);
    }
    rc = rc < 0 ? rc : out.rc;
    dogb_arena_free(&scratch);
    return rc;
}

static void no_memory(void **state) {
    (void)state;
    float values[] = {0.25f, 0.5f, 1};
    assert_true(memory_fails_each(make_all, values, 1) > 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(golden, free_arena),
        cmocka_unit_test_teardown(even_buckets, free_arena),
        cmocka_unit_test_teardown(default_buckets, free_arena),
        cmocka_unit_test_teardown(curves, free_arena),
        cmocka_unit_test_teardown(tags, free_arena),
        cmocka_unit_test_teardown(events_are_read, free_arena),
        cmocka_unit_test_teardown(files_that_are_damaged, free_arena),
        cmocka_unit_test_teardown(odd_events, free_arena),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
