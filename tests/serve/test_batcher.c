// test_batcher.c - many callers at once get the bits of a picture alone; every request is answered
// once: in a full queue, past deadlines, cancelled, drained, destroyed, without memory.
#include "batching.h"

static dogb_engine lonely; // an engine whose calls do not share the cores

typedef struct caller {
    pthread_t thread;
    dogb_batcher *batcher;
    int number;
    int failures;
} caller;

static void *call(void *userdata) {
    caller *c = userdata;
    request r;
    for (int k = 0; k < REQUESTS; k++) {
        int files[PICTURES_MAX];
        int count = 1 + (k * 5 + c->number) % PICTURES_MAX;
        for (int i = 0; i < count; i++) {
            files[i] = (c->number * 5 + k * 3 + i * 7) % FILES;
        }
        make_request(&r, files, count);
        c->failures += dogb_batcher_submit(c->batcher, &r.work) != 0;
        wait_answer(&r);
        c->failures += wrong(&r);
        end_request(&r);
    }
    return NULL;
}

static void call_from_all(int32_t batch_size, double delay, int32_t workers) {
    caller callers[CALLERS];
    dogb_batcher *batcher = start(batch_size, 100, delay, workers);
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (caller){.batcher = batcher, .number = i};
        assert_ok(dogb_thread_start(&callers[i].thread, call, &callers[i]));
    }
    for (int i = 0; i < CALLERS; i++) {
        assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
        assert_int_equal(callers[i].failures, 0);
    }
    assert_int_equal(dogb_batcher_waiting(batcher), 0);
    dogb_batcher_destroy(batcher);
}

static void call_in_all_ways(void) {
    call_from_all(1, 0.0, 1);
    call_from_all(1, 0.001, 3);
    call_from_all(3, 0.0, 2);
    call_from_all(16, 0.002, 4);
    call_from_all(4096, 0.0, 2);
}

static void many_callers_get_the_bits_of_a_picture_alone(void **state) {
    (void)state;
    call_in_all_ways();
}

static void so_they_do_where_calls_do_not_share_the_cores(void **state) {
    (void)state;
    const dogb_engine *engine = predictor->engine;
    lonely = *engine;
    lonely.infer_on = NULL;
    predictor->engine = &lonely;
    call_in_all_ways();
    predictor->engine = engine;
}

static void so_they_do_on_engine_native(void **state) {
    (void)state;
    dogbreed_predictor *ref = predictor;
    dogbreed_predictor_options own;
    assert_ok(dogbreed_predictor_options_init(&own, sizeof own));
    own.engine = "native";
    own.threads = 2;
    assert_ok(dogbreed_predictor_create_from_model(&predictor, model, &own));
    expect();
    call_in_all_ways();
    dogbreed_predictor_destroy(predictor);
    predictor = ref;
    expect();
}

static void pictures_of_a_batch_have_their_own_results(void **state) {
    (void)state;
    static const int files[] = {0, DAMAGED, 1, TENSOR, FOREIGN, TURNED, EMPTY};
    request r;
    dogb_batcher *batcher = start(16, 10, 30.0, 1);
    // Nobody waits 30 seconds: the delay ends with the last picture that is on its way.
    make_request(&r, files, 7);
    assert_ok(dogb_batcher_submit(batcher, &r.work));
    wait_answer(&r);
    assert_int_equal(wrong(&r), 0);
    assert_non_null(strstr(r.items[1].message, "picture: "));
    assert_null(strchr(r.items[4].message, '/'));
    assert_int_equal(r.items[0].batch, 3); // with 1 and TURNED; the tensor is alone
    assert_int_equal(r.items[3].batch, 1);
    assert_true(r.items[0].decode_ns > 0 && r.items[0].model_ns > 0 && r.items[0].queue_ns > 0);
    end_request(&r);
    dogb_batcher_destroy(batcher);
}

static void rectangles_and_tensors_are_checked(void **state) {
    (void)state;
    static const int files[] = {0, 0, TENSOR, TENSOR, TENSOR};
    int32_t side = predictor->preprocess.crop;
    float *broken = dogb_alloc(&memory, (size_t)side * (size_t)side * 3, sizeof *broken);
    broken[7] = NAN;
    request r;
    dogb_batcher *batcher = start(16, 10, 0.0, 1);
    make_request(&r, files, 5);
    r.items[0].crop = (dogbreed_rectangle){1, 2, 30, 31};
    r.items[1].crop = (dogbreed_rectangle){1, 2, 300, 31};
    r.items[2].size -= 4;
    r.items[3].bytes = broken;
    assert_ok(dogb_batcher_submit(batcher, &r.work));
    wait_answer(&r);
    assert_int_equal(r.items[0].rc, DOGBREED_OK);
    assert_memory_not_equal(r.logits[0], expected[0], sizeof expected[0]);
    assert_int_equal(r.items[1].rc, DOGBREED_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(r.items[1].message, "1,2,300,31"));
    assert_int_equal(r.items[2].rc, DOGBREED_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(r.items[2].message, "tensor: "));
    assert_int_equal(r.items[3].rc, DOGBREED_ERROR_NUMERIC);
    assert_int_equal(r.items[4].rc, DOGBREED_OK); // computed beside the broken one
    assert_memory_equal(r.logits[4], expected[TENSOR], sizeof expected[TENSOR]);
    end_request(&r);
    dogb_batcher_destroy(batcher);
}

static void a_tensor_may_lie_anywhere(void **state) {
    (void)state;
    request r;
    dogb_batcher *batcher = start(16, 10, 0.0, 1);
    char *shifted = dogb_alloc(&memory, sizes[TENSOR] + 1, 1);
    memcpy(shifted + 1, bytes[TENSOR], sizes[TENSOR]);
    make_one(&r, TENSOR);
    r.items[0].bytes = shifted + 1;
    assert_ok(dogb_batcher_submit(batcher, &r.work));
    wait_answer(&r);
    assert_int_equal(wrong(&r), 0);
    end_request(&r);
    dogb_batcher_destroy(batcher);
}

static void a_full_queue_is_busy(void **state) {
    (void)state;
    request held;
    request r[4];
    dogb_batcher *batcher = start_held(&held, 3);
    for (int i = 0; i < 4; i++) {
        make_one(&r[i], i);
    }
    for (int i = 0; i < 3; i++) {
        assert_ok(dogb_batcher_submit(batcher, &r[i].work));
        assert_int_equal(dogb_batcher_waiting(batcher), i + 1);
    }
    assert_fails(dogb_batcher_submit(batcher, &r[3].work), DOGBREED_ERROR_BUSY,
                 "3 requests are waiting");
    let_go(&held);
    for (int i = 0; i < 3; i++) {
        wait_answer(&r[i]);
        assert_int_equal(wrong(&r[i]), 0);
    }
    assert_int_equal(r[3].answers, 0);
    assert_ok(dogb_batcher_submit(batcher, &r[3].work)); // there is room again
    wait_answer(&r[3]);
    assert_int_equal(wrong(&r[3]), 0);
    dogb_batcher_destroy(batcher);
    for (int i = 0; i < 4; i++) {
        end_request(&r[i]);
    }
    end_request(&held);
}

static void late_requests_are_answered_without_being_computed(void **state) {
    (void)state;
    static const int files[] = {0, 1, 2};
    request held;
    request late;
    request good;
    dogb_batcher *batcher = start_held(&held, 3);
    make_request(&late, files, 3);
    make_one(&good, 4);
    late.work.deadline = dogb_span_now() + 1;
    good.work.deadline = dogb_span_now() + UINT64_C(60000000000);
    assert_ok(dogb_batcher_submit(batcher, &late.work));
    assert_ok(dogb_batcher_submit(batcher, &good.work));
    let_go(&held);
    wait_answer(&late);
    wait_answer(&good);
    assert_int_equal(wrong(&good), 0);
    assert_int_equal(late.answers, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(late.items[i].rc, DOGBREED_ERROR_TIMEOUT);
        assert_string_equal(late.items[i].message, "the request's deadline has passed");
        assert_true(isnan(late.logits[i][0]) && late.items[i].model_ns == 0);
    }
    dogb_batcher_destroy(batcher);
    end_request(&late);
    end_request(&good);
    end_request(&held);
}

static void a_cancelled_request_is_answered_once(void **state) {
    (void)state;
    request held;
    request r[2];
    dogb_batcher *batcher = start_held(&held, 3);
    for (int i = 0; i < 2; i++) {
        make_one(&r[i], i);
        assert_ok(dogb_batcher_submit(batcher, &r[i].work));
    }
    dogb_batcher_cancel(batcher, &r[0].work);
    dogb_batcher_cancel(batcher, &r[0].work);
    let_go(&held);
    wait_answer(&r[0]);
    wait_answer(&r[1]);
    dogb_batcher_cancel(batcher, &r[1].work); // too late: nothing happens
    assert_int_equal(r[0].items[0].rc, DOGBREED_ERROR_CANCELLED);
    assert_int_equal(wrong(&r[1]), 0);
    dogb_batcher_destroy(batcher);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(r[i].answers, 1);
        end_request(&r[i]);
    }
    end_request(&held);
}

static void a_long_request_does_not_keep_a_short_one_waiting(void **state) {
    (void)state;
    int files[PICTURES_MAX * 4];
    request held;
    request large;
    request small;
    dogb_batcher *batcher = start_held(&held, 3);
    for (int i = 0; i < PICTURES_MAX * 4; i++) {
        files[i] = i % GOOD;
    }
    make_request(&large, files, PICTURES_MAX * 4);
    make_one(&small, 1);
    assert_ok(dogb_batcher_submit(batcher, &large.work));
    assert_ok(dogb_batcher_submit(batcher, &small.work));
    let_go(&held);
    wait_answer(&small);
    wait_answer(&large);
    assert_true(small.order < large.order);
    assert_int_equal(wrong(&small) + wrong(&large), 0);
    dogb_batcher_destroy(batcher);
    end_request(&large);
    end_request(&small);
    end_request(&held);
}

static void a_drained_batcher_has_answered_everything(void **state) {
    (void)state;
    static request r[20];
    dogb_batcher *batcher = start(4, 100, 0.0, 2);
    for (int i = 0; i < 20; i++) {
        make_one(&r[i], i % FILES);
        assert_ok(dogb_batcher_submit(batcher, &r[i].work));
    }
    dogb_batcher_drain(batcher);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(wrong(&r[i]), 0);
    }
    assert_fails(dogb_batcher_submit(batcher, &r[0].work), DOGBREED_ERROR_STATE, "no more work");
    dogb_batcher_drain(batcher);
    dogb_batcher_destroy(batcher);
    for (int i = 0; i < 20; i++) {
        end_request(&r[i]);
    }
}

static void destroy_answers_what_is_in_flight(void **state) {
    (void)state;
    static request r[60];
    dogb_batcher *batcher = start(4, 100, 0.0, 2);
    for (int i = 0; i < 60; i++) {
        make_one(&r[i], i % GOOD);
        assert_ok(dogb_batcher_submit(batcher, &r[i].work));
    }
    dogb_batcher_destroy(batcher);
    for (int i = 0; i < 60; i++) {
        assert_int_equal(r[i].answers, 1);
        assert_true(r[i].items[0].rc == DOGBREED_ERROR_CANCELLED || wrong(&r[i]) == 0);
        end_request(&r[i]);
    }
    dogb_batcher_destroy(NULL);
}

typedef struct chain { // requests whose done submits the next
    request *requests;
    dogb_batcher *batcher;
    int at;
    int failures;
} chain;

static void submit_next(dogb_work *work, void *userdata) {
    chain *c = userdata;
    (void)work;
    c->at++;
    if (dogb_batcher_submit(c->batcher, &c->requests[c->at].work) !=
        0) { // the next may run already
        c->failures++;
    }
}

static void done_may_submit_more(void **state) {
    (void)state;
    request r[5];
    chain c = {.requests = r, .batcher = start(4, 1, 0.0, 2), .at = -1};
    for (int i = 0; i < 5; i++) {
        make_one(&r[i], i);
        if (i < 4) {
            r[i].work.done = submit_next;
            r[i].work.userdata = &c;
        }
    }
    submit_next(NULL, &c);
    wait_answer(&r[4]);
    assert_int_equal(c.failures + wrong(&r[4]), 0);
    dogb_batcher_destroy(c.batcher);
    for (int i = 0; i < 5; i++) {
        end_request(&r[i]);
    }
}

static int serve_some(void *userdata) {
    static const int files[] = {0, TENSOR, 1, TURNED};
    dogb_batcher *batcher = NULL;
    request *r = userdata;
    const dogb_batcher_conf conf = {.batch_size = 4, .queue_max = 4, .workers = 1};
    int rc = dogb_batcher_create(&batcher, predictor, &conf);
    if (rc < 0) {
        return rc;
    }
    make_request(r, files, 4);
    assert_ok(dogb_batcher_submit(batcher, &r->work));
    wait_answer(r);
    dogb_batcher_destroy(batcher);
    for (int i = 0; i < 4 && rc == 0; i++) {
        rc = r->items[i].rc;
    }
    assert_true(rc < 0 || wrong(r) == 0);
    end_request(r);
    return rc;
}

static void without_memory_pictures_are_answered_so(void **state) {
    (void)state;
    request r;
    assert_true(memory_fails_each(serve_some, &r, 1) > 20);
}

static void arguments_are_checked(void **state) {
    (void)state;
    dogb_batcher *batcher = NULL;
    request r;
    dogb_batcher_conf conf = {.batch_size = 0, .queue_max = 1};
    assert_fails(dogb_batcher_create(&batcher, predictor, &conf), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "batch_size 0, expected 1 to 4096");
    conf = (dogb_batcher_conf){.batch_size = 1};
    assert_fails(dogb_batcher_create(&batcher, predictor, &conf), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "queue_max 0");
    conf = (dogb_batcher_conf){.batch_size = 1, .queue_max = 1, .delay_s = NAN};
    assert_fails(dogb_batcher_create(&batcher, predictor, &conf), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "delay");
    assert_null(batcher);
    batcher = start(1, 1, 0.0, 1);
    make_one(&r, 0);
    r.work.count = 0;
    assert_fails(dogb_batcher_submit(batcher, &r.work), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "no pictures");
    end_request(&r);
    dogb_batcher_destroy(batcher);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_callers_get_the_bits_of_a_picture_alone),
        cmocka_unit_test(so_they_do_where_calls_do_not_share_the_cores),
        cmocka_unit_test(so_they_do_on_engine_native),
        cmocka_unit_test(pictures_of_a_batch_have_their_own_results),
        cmocka_unit_test(rectangles_and_tensors_are_checked),
        cmocka_unit_test(a_tensor_may_lie_anywhere),
        cmocka_unit_test(a_full_queue_is_busy),
        cmocka_unit_test(late_requests_are_answered_without_being_computed),
        cmocka_unit_test(a_cancelled_request_is_answered_once),
        cmocka_unit_test(a_long_request_does_not_keep_a_short_one_waiting),
        cmocka_unit_test(a_drained_batcher_has_answered_everything),
        cmocka_unit_test(destroy_answers_what_is_in_flight),
        cmocka_unit_test(done_may_submit_more),
        cmocka_unit_test(without_memory_pictures_are_answered_so),
        cmocka_unit_test(arguments_are_checked),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
