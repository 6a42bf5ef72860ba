// Bodies that become pictures on a thread of the batcher: as others are computed, refused, late,
// cancelled, late when they have been read.
#include "batching.h"

#include "core/error.h"

// A body that becomes pictures on a thread of the batcher.
typedef struct body {
    request r; // its work is the first
    dogb_item whole;
    int32_t count; // of the pictures it holds; 0: it is refused
    int reads;
} body;

static int read_it(dogb_work *work) {
    body *b = (body *)work;
    b->reads++;
    if (b->count == 0) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "no pictures");
    }
    work->items = b->r.items;
    work->count = b->count;
    return DOGBREED_OK;
}

static void make_body(body *b, const int *files, int32_t count) {
    make_request(&b->r, files, count);
    b->whole = (dogb_item){.kind = DOGB_ITEM_BODY};
    b->count = count;
    b->reads = 0;
    b->r.work.items = &b->whole;
    b->r.work.count = 1;
    b->r.work.prepare = read_it;
}

static void a_body_becomes_pictures(void **state) {
    (void)state;
    static const int files[] = {0, DAMAGED, TENSOR, TURNED};
    for (int32_t workers = 1; workers <= 3; workers++) {
        body bodies[4];
        dogb_batcher *batcher = start(4, 10, 0.001, workers);
        for (int i = 0; i < 4; i++) {
            make_body(&bodies[i], files, i);
            assert_ok(dogb_batcher_submit(batcher, &bodies[i].r.work));
        }
        for (int i = 0; i < 4; i++) {
            wait_answer(&bodies[i].r);
            assert_int_equal(bodies[i].reads, 1);
            assert_int_equal(bodies[i].r.answers, 1);
            if (i > 0) {
                assert_int_equal(wrong(&bodies[i].r), 0);
            }
        }
        assert_ptr_equal(bodies[0].r.work.items, &bodies[0].whole);
        assert_int_equal(bodies[0].whole.rc, DOGBREED_ERROR_FORMAT);
        assert_string_equal(bodies[0].whole.message, "no pictures");
        assert_int_equal(dogb_batcher_waiting(batcher), 0);
        dogb_batcher_drain(batcher);
        dogb_batcher_destroy(batcher);
        for (int i = 0; i < 4; i++) {
            end_request(&bodies[i].r);
        }
    }
}

static void late_and_cancelled_bodies_are_not_read(void **state) {
    (void)state;
    static const int files[] = {0, 1};
    request held;
    body bodies[3];
    dogb_batcher *batcher = start_held(&held, 3);
    for (int i = 0; i < 3; i++) {
        make_body(&bodies[i], files, 2);
    }
    bodies[0].r.work.deadline = dogb_span_now() + 1;
    for (int i = 0; i < 3; i++) {
        assert_ok(dogb_batcher_submit(batcher, &bodies[i].r.work));
    }
    dogb_batcher_cancel(batcher, &bodies[1].r.work);
    let_go(&held);
    for (int i = 0; i < 3; i++) {
        wait_answer(&bodies[i].r);
        assert_int_equal(bodies[i].reads, i == 2);
    }
    assert_int_equal(bodies[0].whole.rc, DOGBREED_ERROR_TIMEOUT);
    assert_int_equal(bodies[1].whole.rc, DOGBREED_ERROR_CANCELLED);
    assert_int_equal(wrong(&bodies[2].r), 0);
    bodies[2].r.work.items = &bodies[2].whole;
    bodies[2].r.work.prepare = NULL;
    assert_fails(dogb_batcher_submit(batcher, &bodies[2].r.work), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "prepare");
    dogb_batcher_destroy(batcher);
    for (int i = 0; i < 3; i++) {
        end_request(&bodies[i].r);
    }
    end_request(&held);
}

// Its deadline passes while it is read: no picture of it is decoded or computed.
static int read_slowly(dogb_work *work) {
    int rc = read_it(work);
    while (dogb_span_now() < work->deadline) {
    }
    return rc;
}

static void a_body_that_was_read_too_late_is_not_computed(void **state) {
    (void)state;
    static const int files[] = {0, TENSOR};
    body b;
    dogb_batcher *batcher = start(4, 10, 0.0, 2);
    make_body(&b, files, 2);
    b.r.work.prepare = read_slowly;
    b.r.work.deadline = dogb_span_now() + 20000000;
    assert_ok(dogb_batcher_submit(batcher, &b.r.work));
    wait_answer(&b.r);
    for (int i = 0; b.reads > 0 && i < 2; i++) { // 0: this machine was too slow even for that
        assert_int_equal(b.r.items[i].rc, DOGBREED_ERROR_TIMEOUT);
        assert_true(isnan(b.r.logits[i][0]) && b.r.items[i].decode_ns == 0);
    }
    dogb_batcher_destroy(batcher);
    end_request(&b.r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_becomes_pictures),
        cmocka_unit_test(late_and_cancelled_bodies_are_not_read),
        cmocka_unit_test(a_body_that_was_read_too_late_is_not_computed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
