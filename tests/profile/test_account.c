// test_account.c - the accounting of spans: an exact partition of the run, whatever the spans look
// like, and unions over threads against a count of single nanoseconds.
#include "test.h"

#include "core/rng.h"
#include "profile/account.h"

enum { SPANS_MAX = 48, THREADS_MAX = 4, LENGTH = 2000, SETS = 300, ZERO = 1000 };

typedef struct span {
    uint64_t begin;
    uint64_t end;
    int32_t kind;
    int32_t thread;
} span;

// Begins and ends in order of time; of spans that begin together the longer one is outside.
static size_t events_of(dogb_span_event *out, const span *spans, size_t count) {
    static dogb_span_event scratch[2 * SPANS_MAX];
    size_t made = 0;
    for (uint64_t length = LENGTH + 1; length-- > 0;) {
        for (size_t i = 0; i < count; i++) {
            if (spans[i].end - spans[i].begin == length) {
                out[made++] = (dogb_span_event){
                    .time = spans[i].begin, .kind = spans[i].kind, .thread = spans[i].thread};
            }
        }
    }
    for (size_t i = count; i-- > 0;) {
        out[made++] = (dogb_span_event){.time = spans[i].end,
                                        .begin = spans[i].begin,
                                        .value = (int64_t)i,
                                        .kind = spans[i].kind,
                                        .thread = spans[i].thread};
    }
    dogb_account_sort(out, scratch, made);
    return made;
}

static void feed(dogb_account *account, const span *spans, size_t count) {
    static dogb_span_event events[2 * SPANS_MAX];
    size_t made = events_of(events, spans, count);
    for (size_t i = 0; i < made; i++) {
        dogb_account_event(account, &events[i], 0);
    }
}

static size_t random_set(span *spans, uint64_t number) {
    dogb_rng rng;
    dogb_rng_init(&rng, number, DOGB_RNG_SYNTH, 0, 0);
    size_t count = 2 + (size_t)dogb_rng_below(&rng, SPANS_MAX - 2);
    spans[0] = (span){ZERO, ZERO + LENGTH, DOGB_SPAN_RUN, 0};
    for (size_t i = 1; i < count; i++) {
        uint64_t begin = dogb_rng_below(&rng, LENGTH + 1);
        uint64_t most = LENGTH - begin;
        uint64_t length = dogb_rng_below(&rng, 4) == 0 ? 0 : dogb_rng_below(&rng, most + 1);
        spans[i] = (span){ZERO + begin, ZERO + begin + length,
                          1 + (int32_t)dogb_rng_below(&rng, DOGB_SPAN_KINDS - 1),
                          (int32_t)dogb_rng_below(&rng, THREADS_MAX)};
    }
    return count;
}

// Nested, overlapping and zero-length spans of all kinds on several threads.
static void shares_make_up_the_whole(void **state) {
    (void)state;
    for (uint64_t set = 0; set < SETS; set++) {
        span spans[SPANS_MAX];
        dogb_account account = {0};
        int64_t modes[DOGB_SHARES];
        feed(&account, spans, random_set(spans, set));
        assert_true(account.ended);
        assert_int_equal(account.lost, 0);
        assert_int_equal(dogb_account_total(&account), LENGTH);
        dogb_account_modes(&account, modes);
        double percent = 0.0;
        for (int i = 0; i < DOGB_SHARES; i++) {
            assert_true(modes[i] >= 0);
            percent += 100.0 * (double)modes[i] / LENGTH;
        }
        assert_true(percent > 99.99 && percent < 100.01);
        for (int32_t context = 0; context < DOGB_CONTEXTS; context++) {
            for (int32_t kind = 0; kind < DOGB_SPAN_KINDS; kind++) {
                assert_true(account.ns[context][kind] >= 0);
            }
        }
        dogb_account_free(&account);
    }
}

static int covers(const span *s, uint64_t time) {
    return s->begin <= time && time < s->end;
}

// Length of the union of a kind on all threads, instant by instant.
static void unions_are_lengths(void **state) {
    (void)state;
    static const int32_t kinds[] = {DOGB_SPAN_READ, DOGB_SPAN_DECODE, DOGB_SPAN_TRANSFORM};
    for (uint64_t set = 0; set < 50; set++) {
        span spans[SPANS_MAX];
        dogb_account account = {0};
        size_t count = random_set(spans, set);
        int64_t wanted[4] = {0};
        for (uint64_t time = ZERO; time < ZERO + LENGTH; time++) {
            int any = 0;
            for (int k = 0; k < 3; k++) {
                int on = 0;
                for (size_t i = 0; i < count; i++) {
                    on |= spans[i].kind == kinds[k] && covers(&spans[i], time);
                }
                wanted[k] += on;
                any |= on;
            }
            wanted[3] += any;
        }
        feed(&account, spans, count);
        for (int k = 0; k < 3; k++) {
            assert_int_equal(account.kinds[kinds[k]].ns, wanted[k]);
        }
        assert_int_equal(account.loader.ns, wanted[3]);
        dogb_account_free(&account);
    }
}

// A day in the life of the run's thread, by hand.
static void innermost_wins(void **state) {
    (void)state;
    static const span spans[] = {
        {1000, 2000, DOGB_SPAN_RUN, 0},           {1100, 1300, DOGB_SPAN_FEATURES, 0},
        {1150, 1200, DOGB_SPAN_WAIT, 0},          {1200, 1290, DOGB_SPAN_FORWARD, 0},
        {1300, 1900, DOGB_SPAN_EPOCH, 0},         {1310, 1510, DOGB_SPAN_STEP, 0},
        {1320, 1400, DOGB_SPAN_WAIT, 0},          {1400, 1450, DOGB_SPAN_FORWARD, 0},
        {1430, 1440, DOGB_SPAN_LAYER_FORWARD, 0}, // detail: takes nothing
        {1450, 1500, DOGB_SPAN_BACKWARD, 0},      {1600, 1800, DOGB_SPAN_EVALUATION, 0},
        {1610, 1620, DOGB_SPAN_WAIT, 0},          {1620, 1720, DOGB_SPAN_FORWARD, 0},
        {1820, 1880, DOGB_SPAN_CHECKPOINT, 0},    {1110, 1210, DOGB_SPAN_DECODE, 1},
        {1150, 1250, DOGB_SPAN_DECODE, 2},
    };
    static const struct {
        int32_t context;
        int32_t kind;
        int64_t ns;
    } wanted[] = {
        {DOGB_CONTEXT_NONE, DOGB_SPAN_RUN, 200},
        {DOGB_CONTEXT_FEATURES, DOGB_SPAN_FEATURES, 60},
        {DOGB_CONTEXT_FEATURES, DOGB_SPAN_WAIT, 50},
        {DOGB_CONTEXT_FEATURES, DOGB_SPAN_FORWARD, 90},
        {DOGB_CONTEXT_NONE, DOGB_SPAN_EPOCH, 140},
        {DOGB_CONTEXT_STEP, DOGB_SPAN_STEP, 20},
        {DOGB_CONTEXT_STEP, DOGB_SPAN_WAIT, 80},
        {DOGB_CONTEXT_STEP, DOGB_SPAN_FORWARD, 50},
        {DOGB_CONTEXT_STEP, DOGB_SPAN_BACKWARD, 50},
        {DOGB_CONTEXT_EVALUATION, DOGB_SPAN_EVALUATION, 90},
        {DOGB_CONTEXT_EVALUATION, DOGB_SPAN_WAIT, 10},
        {DOGB_CONTEXT_EVALUATION, DOGB_SPAN_FORWARD, 100},
        {DOGB_CONTEXT_NONE, DOGB_SPAN_CHECKPOINT, 60},
    };
    dogb_account account = {0};
    int64_t modes[DOGB_SHARES];
    int64_t sum = 0;
    feed(&account, spans, sizeof spans / sizeof *spans);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        assert_int_equal(account.ns[wanted[i].context][wanted[i].kind], wanted[i].ns);
        sum += wanted[i].ns;
    }
    assert_int_equal(sum, 1000);
    assert_int_equal(dogb_account_total(&account), 1000);
    dogb_account_modes(&account, modes);
    assert_int_equal(modes[DOGB_SHARE_TRAIN], 200);
    assert_int_equal(modes[DOGB_SHARE_EVAL], 200);
    assert_int_equal(modes[DOGB_SHARE_OTHERS], 600);
    assert_int_equal(account.kinds[DOGB_SPAN_DECODE].ns, 140);
    assert_int_equal(account.kinds[DOGB_SPAN_DECODE].threads, 2);
    assert_int_equal(account.steps.count, 1);
    assert_int_equal(account.steps.items[0].ns, 200);
    assert_int_equal(account.evaluations.count, 1);
    assert_int_equal(account.evaluations.items[0].ns, 100);
    assert_int_equal(account.slowest[0].phases[DOGB_SPAN_WAIT], 80);
    assert_int_equal(account.first_step, 1310);
    assert_int_equal(account.last_loop, 1800);
    assert_int_equal(account.cycle, 1800);
    dogb_account_free(&account);
}

static void late_events_break_nothing(void **state) {
    (void)state;
    dogb_account account = {0};
    static const dogb_span_event events[] = {
        {.time = 1000, .kind = DOGB_SPAN_RUN},
        {.time = 1500, .kind = DOGB_SPAN_STEP},
        {.time = 1400, .kind = DOGB_SPAN_DECODE, .thread = 1}, // late: counts from 1500 on
        {.time = 1600, .begin = 1400, .kind = DOGB_SPAN_DECODE, .thread = 1},
        {.time = 1700, .begin = 1234, .kind = DOGB_SPAN_WAIT}, // never began
        {.time = 1800, .begin = 1500, .kind = DOGB_SPAN_STEP},
        {.time = 2000, .begin = 1000, .kind = DOGB_SPAN_RUN},
    };
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        dogb_account_event(&account, &events[i], 0);
    }
    assert_int_equal(dogb_account_total(&account), 1000);
    assert_int_equal(account.kinds[DOGB_SPAN_DECODE].ns, 100);
    assert_int_equal(account.ns[DOGB_CONTEXT_STEP][DOGB_SPAN_STEP], 300);
    dogb_account_free(&account);
}

static void slowest_steps_are_kept(void **state) {
    (void)state;
    dogb_account account = {0};
    dogb_span_event event = {.time = 1, .kind = DOGB_SPAN_RUN};
    dogb_account_event(&account, &event, 0);
    uint64_t time = 10;
    for (int64_t i = 0; i < 40; i++) {
        uint64_t ns = (uint64_t)(i * 7 % 40) + 1;
        event = (dogb_span_event){.time = time, .kind = DOGB_SPAN_STEP};
        dogb_account_event(&account, &event, 0);
        event =
            (dogb_span_event){.time = time + ns, .begin = time, .value = i, .kind = DOGB_SPAN_STEP};
        dogb_account_event(&account, &event, 0);
        time += 100;
    }
    assert_int_equal(account.slowest_count, DOGB_SLOWEST);
    for (int i = 0; i < DOGB_SLOWEST; i++) {
        assert_int_equal(account.slowest[i].ns, 40 - i);
        assert_int_equal(account.slowest[i].number * 7 % 40, 39 - i);
    }
    dogb_account_free(&account);
}

// Distinct threads in each second, also when a span lasts for several.
static void loader_threads_by_second(void **state) {
    (void)state;
    static const uint64_t S = 1000000000u;
    static const span spans[] = {
        {S, 5 * S, DOGB_SPAN_RUN, 0},
        {S + S / 10, S + S / 5, DOGB_SPAN_DECODE, 1},
        {S + S / 4, S + S / 3, DOGB_SPAN_READ, 1}, // the same second again
        {S + S / 10, 3 * S + S / 2, DOGB_SPAN_DECODE, 2},
    };
    dogb_account account = {0};
    static dogb_span_event events[8];
    size_t made = 0;
    for (size_t i = 0; i < 4; i++) {
        events[made++] = (dogb_span_event){
            .time = spans[i].begin, .kind = spans[i].kind, .thread = spans[i].thread};
        events[made++] = (dogb_span_event){.time = spans[i].end,
                                           .begin = spans[i].begin,
                                           .kind = spans[i].kind,
                                           .thread = spans[i].thread};
    }
    static dogb_span_event scratch[8];
    dogb_account_sort(events, scratch, made);
    for (size_t i = 0; i < made; i++) {
        dogb_account_event(&account, &events[i], 0);
    }
    assert_int_equal(account.second_count, 3);
    assert_int_equal(account.loader_seconds[0], 2);
    assert_int_equal(account.loader_seconds[1], 1);
    assert_int_equal(account.loader_seconds[2], 1);
    dogb_account_free(&account);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_make_up_the_whole), cmocka_unit_test(unions_are_lengths),
        cmocka_unit_test(innermost_wins),           cmocka_unit_test(late_events_break_nothing),
        cmocka_unit_test(slowest_steps_are_kept),   cmocka_unit_test(loader_threads_by_second),
    };
    return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}
