// StalledTrainingRule: of stored trainings by their time stamps; of running ones by a thread that
// only calls a function. Nothing here measures time: the test waits for what has to come.
#include "rule_test.h"

#include <pthread.h>
#include <time.h>

static void gaps_of_a_stored_training(void **state) {
    (void)state;
    static const double times[] = {1000, 1010, 1700, 1701, 0, 2600};
    feed f;
    feed_open(&f, "StalledTrainingRule:threshold=600");
    for (int i = 0; i < 6; i++) {
        dogb_rule_moment m = at(DOGB_RULE_TRAIN, 10 * i);
        m.time = times[i];
        (void)dogb_rules_step(f.set, &m);
    }
    assert_status(&f, DOGBREED_RULE_ISSUES, "");
    assert_int_equal(f.found, 2);
    assert_int_equal(f.first_step, 10);
    assert_string_equal(f.first_text, "nothing came for 690.0 seconds after step 10");
    assert_int_equal(result_of(&f, 0).points, 4);
    feed_close(&f);
    feed_open(&f, "StalledTrainingRule");
    assert_status(&f, DOGBREED_RULE_NOT_EVALUATED, "too_few_points");
    feed_close(&f);
}

typedef struct watched {
    feed f;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int stops;
    pthread_t stopper;
} watched;

static void on_stop(void *userdata) {
    watched *w = userdata;
    (void)pthread_mutex_lock(&w->lock);
    w->stops++;
    w->stopper = pthread_self();
    (void)pthread_cond_signal(&w->changed);
    (void)pthread_mutex_unlock(&w->lock);
}

static void on_found(const dogb_rule_finding *finding, void *userdata) {
    watched *w = userdata;
    note_finding(finding, &w->f);
}

static void watch_open(watched *w, const char *text) {
    memset(w, 0, sizeof *w);
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->changed, NULL);
    const dogb_rules_conf conf = {
        .text = text, .live = 1, .found = on_found, .stop = on_stop, .userdata = w};
    assert_ok(dogb_rules_create(&w->f.set, &w->f.arena, &conf));
}

static void watch_close(watched *w) {
    feed_close(&w->f);
    (void)pthread_cond_destroy(&w->changed);
    (void)pthread_mutex_destroy(&w->lock);
}

static void wait_for(watched *w, int stops) {
    (void)pthread_mutex_lock(&w->lock);
    while (w->stops < stops) {
        (void)pthread_cond_wait(&w->changed, &w->lock);
    }
    (void)pthread_mutex_unlock(&w->lock);
}

static void a_training_that_stands_still_is_stopped(void **state) {
    (void)state;
    watched w;
    watch_open(&w, "StalledTrainingRule:threshold=0.02,stop_training_on_fire=True");
    wait_for(&w, 1); // nothing has come at all
    assert_true(!pthread_equal(w.stopper, pthread_self()));
    assert_int_equal(w.f.found, 0); // it is told at the next event
    const dogb_rule_moment m = at(DOGB_RULE_TRAIN, 5);
    (void)dogb_rules_step(w.f.set, &m);
    assert_true(w.f.found >= 1);
    wait_for(&w, 2); // once more, after the step
    (void)dogb_rules_end(w.f.set);
    assert_int_equal(w.f.last_step, 5);
    assert_int_equal(result_of(&w.f, 0).status, DOGBREED_RULE_ISSUES);
    watch_close(&w);
}

static void a_training_that_moves_is_left_alone(void **state) {
    (void)state;
    watched w;
    watch_open(&w, "StalledTrainingRule:threshold=3600,stop_training_on_fire=on");
    const dogb_rule_moment m = at(DOGB_RULE_TRAIN, 5);
    (void)dogb_rules_alive(w.f.set);
    (void)dogb_rules_step(w.f.set, &m);
    epoch_with(&w.f, 0, 1, 1);
    assert_int_equal(w.stops, 0);
    assert_status(&w.f, DOGBREED_RULE_NO_ISSUES, "");
    watch_close(&w); // the thread goes at once
}

static void a_set_that_is_not_ended_leaves_no_thread(void **state) {
    (void)state;
    watched w;
    watch_open(&w, "StalledTrainingRule:threshold=3600,stop_training_on_fire=on;"
                   "StalledTrainingRule:threshold=3600,stop_training_on_fire=on");
    watch_close(&w);
}

static void without_a_stop_there_is_no_thread(void **state) {
    (void)state;
    watched w;
    watch_open(&w, "StalledTrainingRule:threshold=0.001");
    struct timespec pause = {0, 3000000};
    (void)nanosleep(&pause, NULL);
    const dogb_rule_moment m = at(DOGB_RULE_TRAIN, 0);
    (void)dogb_rules_step(w.f.set, &m);
    assert_int_equal(w.f.found, 1);
    assert_int_equal(w.stops, 0);
    watch_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gaps_of_a_stored_training),
        cmocka_unit_test(a_training_that_stands_still_is_stopped),
        cmocka_unit_test(a_training_that_moves_is_left_alone),
        cmocka_unit_test(a_set_that_is_not_ended_leaves_no_thread),
        cmocka_unit_test(without_a_stop_there_is_no_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
