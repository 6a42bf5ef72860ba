// Requests with later results, without a server's sockets: what they hold is counted and given
// back, and any allocation may fail.
#include "call.h"
#include "out_of_memory.h"
#include "pictures.h"
#include "scratch.h"

#include "core/file.h"
#include "core/table.h"
#include "predictor/predictor_internal.h"
#include "serve/async.h"
#include "serve/failure.h"
#include "serve/serve_internal.h"
#include "serve/served.h"

#include <time.h>

static dogb_server server;
static dogb_served served;
static dogb_arena memory;
static void *picture;
static size_t picture_size;

static int set_up(void **state) {
    (void)scratch_make(state);
    dogbreed_model *model = make_tiny(3);
    assert_ok(dogbreed_model_save(model, scratch("tiny.safetensors")));
    dogbreed_model_destroy(model);
    write_picture(scratch("a.jpg"), 1, 70, 50);
    assert_ok(dogb_file_read(&picture, &picture_size, &memory, scratch("a.jpg"), 1 << 24));
    assert_ok(dogb_table_import(&server.options, &dogb_serve_table, NULL, &memory));
    assert_ok(dogb_table_import(&server.predictor_options, &dogb_predictor_table, NULL, &memory));
    server.predictor_options.engine = "ref";
    server.options.workers = 1;
    server.options.async_max = 2;
    server.options.async_bytes = 3 * (int64_t)picture_size;
    assert_ok(dogb_served_open(&served, &memory, scratch("tiny.safetensors"), "tiny", "1",
                               &server.options, &server.predictor_options));
    server.facts = served.facts;
    server.predictor = served.predictor;
    server.batcher = served.batcher;
    dogb_metrics_start(&server.metrics);
    return 0;
}

static int tear_down(void **state) {
    dogb_served_close(&served);
    dogb_arena_free(&memory);
    return scratch_remove(state);
}

// As the handler of POST /v1/async does it. id: of what the table has then.
static int add(char *id, dogb_async *async) {
    static call_fields none;
    const dogb_request r = call_request(&none, "image/jpeg", picture, picture_size);
    dogb_async_job *job = dogb_async_new(async, &r, NULL);
    if (job == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = dogb_input_read(&job->input, &job->reply, &job->request, &server.facts);
    (void)memcpy(id, job->id, sizeof job->id);
    rc = rc < 0 ? rc : dogb_async_add(job);
    if (rc < 0) {
        dogb_async_drop(job);
    }
    return rc;
}

// The status of its result, which it waits for; -1: none could be made for want of memory.
static int32_t result(dogb_async *async, const char *id) {
    dogb_reply reply;
    dogb_request r = {0};
    int rc = 0;
    do {
        dogb_arena_free(&r.arena);
        reply = (dogb_reply){0};
        (void)nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
        rc = dogb_async_show(&reply, &r, async, id);
    } while (rc == DOGBREED_OK && reply.status == 202);
    dogb_arena_free(&r.arena);
    return rc == DOGBREED_OK ? reply.status : -1;
}

static void what_is_held_is_bounded_and_given_back(void **state) {
    dogb_async *async = NULL;
    dogb_async_counts counts;
    char ids[2][DOGB_ASYNC_ID + 1];
    (void)state;
    assert_ok(dogb_async_create(&async, &server));
    for (int i = 0; i < 2; i++) {
        assert_ok(add(ids[i], async));
    }
    char other[DOGB_ASYNC_ID + 1];
    assert_fails(add(other, async), DOGBREED_ERROR_BUSY, "async_max");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(result(async, ids[i]), 200);
    }
    dogb_async_count(&counts, async);
    assert_int_equal(counts.kept, 2);
    assert_true(counts.bytes > 0 && counts.bytes < 2 * (int64_t)picture_size); // results alone
    for (int i = 0; i < 2; i++) {
        assert_ok(dogb_async_remove(async, ids[i]));
        assert_fails(dogb_async_remove(async, ids[i]), DOGBREED_ERROR_NOT_FOUND, "no such");
    }
    dogb_async_count(&counts, async);
    assert_int_equal(counts.kept, 0);
    assert_int_equal(counts.bytes, 0);
    dogb_async_destroy(async);
}

static void allocation_failures_are_clean(void **state) {
    int refused = 0;
    int failed = 0; // with a result that says so
    (void)state;
    for (int at = 0;; at++) {
        dogb_async *async = NULL;
        dogb_async_counts counts = {0};
        char id[DOGB_ASYNC_ID + 1];
        int32_t status = -1;
        memory_fail_after(at);
        int rc = dogb_async_create(&async, &server);
        rc = rc < 0 ? rc : add(id, async);
        status = rc < 0 ? -1 : result(async, id);
        int happened = memory_restore();
        if (rc == DOGBREED_OK) {
            assert_ok(dogb_async_remove(async, id)); // also where a result could not be shown
        }
        dogb_async_end(async);
        dogb_async_count(&counts, async);
        assert_int_equal(counts.kept, 0);
        assert_int_equal(counts.bytes, 0);
        dogb_async_destroy(async);
        if (!happened) {
            assert_int_equal(status, 200);
            break;
        }
        refused += rc < 0;
        failed += status == 503;
        assert_true(rc == DOGBREED_OK || rc == DOGBREED_ERROR_NO_MEMORY);
    }
    assert_true(refused > 3);
    assert_true(failed > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_held_is_bounded_and_given_back),
        cmocka_unit_test(allocation_failures_are_clean),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
