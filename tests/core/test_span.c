// test_span.c - spans: begins and ends come out whole and in order, from all threads, whatever is
// dropped.
#include "test.h"

#include "core/span.h"
#include "core/team.h"
#include "core/thread.h"

enum { CAPACITY = 64, EVENTS = 4096 };

static dogb_span_event events[EVENTS];

static size_t take(dogb_recorder *recorder) {
    return dogb_recorder_take(recorder, events, EVENTS, UINT64_MAX);
}

static void nobody_listens(void **state) {
    (void)state;
    assert_int_equal(dogb_span_begin(DOGB_SPAN_STEP), 0);
    dogb_span_end(DOGB_SPAN_STEP, 0, 1);
    assert_false(dogb_span_layers());
}

static void kinds_have_names(void **state) {
    (void)state;
    for (int32_t i = 0; i < DOGB_SPAN_KINDS; i++) {
        assert_true(dogb_span_name(i)[0] != '\0');
        assert_true(dogb_span_group(i)[0] != '\0');
        assert_int_equal(dogb_span_kind(dogb_span_name(i)), i);
    }
    assert_int_equal(dogb_span_kind("nothing"), -1);
    assert_string_equal(dogb_span_name(-1), "");
}

static void phases_are_nested(void **state) {
    (void)state;
    dogb_recorder *recorder = NULL;
    assert_ok(dogb_recorder_create(&recorder, CAPACITY));
    dogb_recorder_attach(recorder);
    uint64_t outer = dogb_span_begin(DOGB_SPAN_STEP);
    uint64_t inner = dogb_span_begin(DOGB_SPAN_FORWARD);
    dogb_span_end(DOGB_SPAN_FORWARD, inner, 5);
    dogb_span_end(DOGB_SPAN_STEP, outer, 7);
    dogb_recorder_attach(NULL);
    assert_int_equal(dogb_span_begin(DOGB_SPAN_STEP), 0);
    assert_int_equal(take(recorder), 4);
    assert_true(events[0].time == outer && events[0].begin == 0);
    assert_true(events[1].time == inner && events[1].kind == DOGB_SPAN_FORWARD);
    assert_true(events[2].begin == inner && events[2].value == 5);
    assert_true(events[3].begin == outer && events[3].value == 7);
    assert_true(events[1].time >= outer && events[3].time >= events[2].time);
    assert_int_equal(take(recorder), 0);
    dogb_recorder_release(recorder);
}

static void only_up_to_a_time(void **state) {
    (void)state;
    dogb_recorder *recorder = NULL;
    assert_ok(dogb_recorder_create(&recorder, CAPACITY));
    dogb_recorder_attach(recorder);
    uint64_t begin = dogb_span_begin(DOGB_SPAN_STEP);
    uint64_t now = dogb_span_now();
    while (dogb_span_now() == now) {
    }
    dogb_span_end(DOGB_SPAN_STEP, begin, 0);
    dogb_recorder_attach(NULL);
    assert_int_equal(dogb_recorder_take(recorder, events, EVENTS, now), 1);
    assert_int_equal(dogb_recorder_take(recorder, events, EVENTS, UINT64_MAX), 1);
    dogb_recorder_release(recorder);
}

// What is kept is whole: a begin without its end never comes out, also behind drops.
static void a_full_ring_drops_whole_phases(void **state) {
    (void)state;
    dogb_recorder *recorder = NULL;
    dogb_recorder_facts facts;
    assert_ok(dogb_recorder_create(&recorder, CAPACITY));
    dogb_recorder_attach(recorder);
    for (int round = 0; round < 3; round++) {
        uint64_t outer = dogb_span_begin(DOGB_SPAN_STEP);
        for (int i = 0; i < 50; i++) {
            uint64_t inner = dogb_span_begin(DOGB_SPAN_WAIT);
            dogb_span_end(DOGB_SPAN_WAIT, inner, i);
        }
        dogb_span_end(DOGB_SPAN_STEP, outer, round);
        dogb_recorder_wait(recorder, 60000); // it was half full: this returns at once
        size_t count = take(recorder);
        assert_int_equal(count, CAPACITY);
        int depth = 0;
        for (size_t i = 0; i < count; i++) {
            depth += events[i].begin == 0 ? 1 : -1;
            assert_true(depth >= 0);
        }
        assert_int_equal(depth, 0);
        assert_int_equal(events[count - 1].value, round);
    }
    dogb_recorder_attach(NULL);
    dogb_recorder_facts_get(&facts, recorder);
    assert_int_equal(facts.dropped, 3 * (50 - (CAPACITY - 2) / 2));
    assert_int_equal(facts.threads, 1);
    dogb_recorder_release(recorder);
}

static int record_one(int64_t index, void *userdata) {
    (void)userdata;
    uint64_t begin = dogb_span_begin(DOGB_SPAN_DECODE);
    dogb_span_end(DOGB_SPAN_DECODE, begin, index);
    return DOGBREED_OK;
}

static void threads_inherit(void **state) {
    (void)state;
    enum { COUNT = 1000 };
    dogb_recorder *recorder = NULL;
    dogb_recorder_facts facts;
    char seen[COUNT] = {0};
    assert_ok(dogb_recorder_create(&recorder, 2048));
    dogb_recorder_attach(recorder);
    for (int round = 0; round < 3; round++) { // rings of ended threads are used again
        assert_ok(dogb_parallel(4, COUNT, record_one, NULL));
        memset(seen, 0, sizeof seen);
        size_t count = take(recorder);
        assert_int_equal(count, 2 * COUNT);
        for (size_t i = 0; i < count; i++) {
            if (events[i].begin != 0) {
                assert_false(seen[events[i].value]);
                seen[events[i].value] = 1;
            }
        }
    }
    dogb_recorder_attach(NULL);
    dogb_recorder_facts_get(&facts, recorder);
    assert_int_equal(facts.dropped, 0);
    assert_in_range(facts.threads, 1, 4);
    dogb_recorder_release(recorder);
}

static void record_in_team(int32_t member, int32_t members, void *userdata) {
    (void)members;
    (void)userdata;
    if (member > 0) {
        assert_null(dogb_span_listener);
    }
}

// The team's threads live on: they must not hold what listens to the one that started them.
static void the_team_does_not_inherit(void **state) {
    (void)state;
    dogb_recorder *recorder = NULL;
    assert_ok(dogb_recorder_create(&recorder, CAPACITY));
    dogb_recorder_attach(recorder);
    dogb_team_run(3, record_in_team, NULL);
    dogb_recorder_attach(NULL);
    dogb_recorder_release(recorder);
}

static void a_closed_recorder_takes_no_more(void **state) {
    (void)state;
    dogb_recorder *recorder = NULL;
    assert_ok(dogb_recorder_create(&recorder, CAPACITY));
    dogb_recorder_attach(recorder);
    uint64_t open = dogb_span_begin(DOGB_SPAN_STEP);
    dogb_recorder_close(recorder);
    assert_int_equal(dogb_span_begin(DOGB_SPAN_WAIT), 0);
    dogb_span_end(DOGB_SPAN_STEP, open, 1); // what has begun ends
    assert_int_equal(take(recorder), 2);
    dogb_recorder_attach(NULL);
    dogb_recorder_release(recorder);
}

static void layers_have_labels(void **state) {
    (void)state;
    dogb_recorder *recorder = NULL;
    const char *name = NULL;
    const char *op = NULL;
    assert_ok(dogb_recorder_create(&recorder, CAPACITY));
    dogb_recorder_attach(recorder);
    assert_false(dogb_span_layers());
    dogb_recorder_set_layers(recorder, 1);
    assert_true(dogb_span_layers());
    static const char *const names[] = {"conv1", "fc", "conv1"};
    for (int i = 0; i < 3; i++) {
        uint64_t begin = dogb_span_begin(DOGB_SPAN_LAYER_FORWARD);
        dogb_span_layer_end(DOGB_SPAN_LAYER_FORWARD, begin, names[i], i == 1 ? "linear" : "conv");
    }
    dogb_recorder_attach(NULL);
    assert_int_equal(take(recorder), 6);
    assert_int_equal(events[1].value, events[5].value);
    assert_int_not_equal(events[1].value, events[3].value);
    assert_true(dogb_recorder_label(recorder, events[3].value, &name, &op));
    assert_string_equal(name, "fc");
    assert_string_equal(op, "linear");
    assert_false(dogb_recorder_label(recorder, 2, &name, &op));
    dogb_recorder_release(recorder);
}

// Times of another thread's: told late, by whoever listens.
static void layers_told_afterwards(void **state) {
    (void)state;
    dogb_recorder *recorder = NULL;
    const char *name = NULL;
    const char *op = NULL;
    dogb_span_layer(DOGB_SPAN_LAYER_BACKWARD, 5, 9, "fc", "linear"); // nobody listens
    assert_ok(dogb_recorder_create(&recorder, CAPACITY));
    dogb_recorder_attach(recorder);
    dogb_span_layer(DOGB_SPAN_LAYER_BACKWARD, 5, 9, "fc", "linear");
    dogb_recorder_attach(NULL);
    assert_int_equal(take(recorder), 2);
    assert_int_equal(events[0].time, 5);
    assert_int_equal(events[0].begin, 0);
    assert_int_equal(events[1].time, 9);
    assert_int_equal(events[1].begin, 5);
    assert_int_equal(events[1].kind, DOGB_SPAN_LAYER_BACKWARD);
    assert_true(dogb_recorder_label(recorder, events[1].value, &name, &op));
    assert_string_equal(name, "fc");
    dogb_recorder_release(recorder);
}

// A reader and a writer at the same time: every end comes out once, in order.
static void *take_all(void *pointer) {
    dogb_recorder *recorder = pointer;
    static dogb_span_event part[16];
    int64_t next = 0;
    while (next < 20000) {
        size_t count = dogb_recorder_take(recorder, part, 16, UINT64_MAX);
        for (size_t i = 0; i < count; i++) {
            if (part[i].begin != 0) {
                assert_int_equal(part[i].value, next++);
            }
        }
    }
    return NULL;
}

static void taken_while_written(void **state) {
    (void)state;
    dogb_recorder *recorder = NULL;
    pthread_t reader;
    assert_ok(dogb_recorder_create(&recorder, CAPACITY));
    assert_ok(dogb_thread_start(&reader, take_all, recorder));
    dogb_recorder_attach(recorder);
    for (int64_t i = 0; i < 20000;) {
        uint64_t begin = dogb_span_begin(DOGB_SPAN_STEP);
        if (begin != 0) {
            dogb_span_end(DOGB_SPAN_STEP, begin, i++);
        }
    }
    dogb_recorder_attach(NULL);
    (void)pthread_join(reader, NULL);
    dogb_recorder_release(recorder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(kinds_have_names),
        cmocka_unit_test(phases_are_nested),
        cmocka_unit_test(only_up_to_a_time),
        cmocka_unit_test(a_full_ring_drops_whole_phases),
        cmocka_unit_test(threads_inherit),
        cmocka_unit_test(the_team_does_not_inherit),
        cmocka_unit_test(a_closed_recorder_takes_no_more),
        cmocka_unit_test(layers_have_labels),
        cmocka_unit_test(layers_told_afterwards),
        cmocka_unit_test(taken_while_written),
    };
    return cmocka_run_group_tests_name("span", tests, NULL, NULL);
}
