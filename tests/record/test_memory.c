// A store in memory: the same as one of files, and only its newest steps when there is little room.
#include "store.h"

#include "core/thread.h"

#include <stdatomic.h>

enum { PLENTY = 1 << 20 };

static int add_steps(dogb_record_writer *w, int64_t first, int64_t end) {
    int rc = 0;
    for (int64_t step = first; rc == 0 && step < end; step++) {
        rc = step % 5 == 4 ? store_add(w, DOGBREED_MODE_EVAL, step / 5, step)
                           : store_add(w, DOGBREED_MODE_TRAIN, step - step / 5, step);
    }
    return rc;
}

static dogb_record_writer *writer_of(dogb_memory *memory) {
    dogb_record_conf conf = {.memory = memory};
    dogb_record_writer *w = NULL;
    assert_ok(dogb_record_writer_open(&w, &conf));
    return w;
}

static void assert_same(char *a, char *b) {
    assert_string_equal(a, b);
    dogbreed_free(a);
    dogbreed_free(b);
}

static void the_same_as_files(void **state) {
    (void)state;
    const char *folder = scratch("files");
    dogbreed_record *records[2] = {NULL, NULL};
    char *texts[2];
    dogb_memory *memory = NULL;
    assert_ok(store_write(folder, 0, 12, 1));
    assert_ok(dogb_memory_create(&memory, PLENTY));
    assert_fails(dogb_record_open_memory(&records[0], memory), DOGBREED_ERROR_NOT_FOUND, "begun");
    dogb_record_writer *w = writer_of(memory);
    assert_ok(store_collections(w));
    assert_ok(add_steps(w, 0, 12));
    assert_ok(dogb_record_writer_finish(w));
    dogb_record_writer_close(w);
    assert_ok(dogb_record_open_memory(&records[0], memory));
    dogb_memory_release(memory); // the record has its own
    assert_ok(dogbreed_record_open(&records[1], folder));
    for (int64_t step = 0; step < 12; step++) {
        int32_t count = dogbreed_record_tensor_count(records[0], step);
        assert_int_equal(count, dogbreed_record_tensor_count(records[1], step));
        for (int32_t i = 0; i < count; i++) {
            dogbreed_record_tensor_info info[2];
            double values[2][8];
            for (int k = 0; k < 2; k++) {
                info[k].struct_size = sizeof info[k];
                assert_ok(dogbreed_record_tensor(&info[k], records[k], step, i));
                if (info[k].has_values) {
                    assert_ok(dogbreed_record_read_double(records[k], step, i, values[k],
                                                          (size_t)info[k].count));
                }
            }
            assert_string_equal(info[0].name, info[1].name);
            assert_int_equal(info[0].count, info[1].count);
            assert_true(!info[0].has_values ||
                        memcmp(values[0], values[1], (size_t)info[0].count * sizeof(double)) == 0);
        }
    }
    for (int k = 0; k < 2; k++) {
        assert_ok(dogbreed_record_describe(&texts[k], records[k]));
    }
    assert_same(texts[0], texts[1]);
    for (int k = 0; k < 2; k++) {
        assert_ok(dogbreed_record_check(&texts[k], records[k]));
        dogbreed_record_destroy(records[k]);
    }
    assert_same(texts[0], texts[1]);
}

static void the_oldest_steps_go(void **state) {
    (void)state;
    dogb_memory *memory = NULL;
    dogbreed_record *record = NULL;
    int64_t step = 0;
    float loss = 0;
    int32_t index = 0;
    assert_ok(dogb_memory_create(&memory, 4000));
    dogb_record_writer *w = writer_of(memory);
    assert_ok(store_collections(w));
    assert_ok(add_steps(w, 0, 2));
    assert_ok(dogb_record_open_memory(&record, memory));
    assert_int_equal(dogbreed_record_step_count(record, DOGBREED_MODE_GLOBAL), 2);
    assert_ok(add_steps(w, 2, 40));
    // What was listed stays until the next look.
    assert_ok(dogbreed_record_find(&index, record, 0, "CrossEntropyLoss_output_0", NULL));
    assert_ok(dogbreed_record_read(record, 0, index, &loss, 1));
    assert_true(loss == 1.0f);
    assert_ok(dogbreed_record_refresh(record));
    int64_t count = dogbreed_record_step_count(record, DOGBREED_MODE_GLOBAL);
    assert_true(count >= 1 && count < 10);
    assert_fails(dogbreed_record_find_step(&step, record, DOGBREED_MODE_GLOBAL, 0),
                 DOGBREED_ERROR_STEP_UNAVAILABLE, "not saved");
    assert_fails(dogbreed_record_find_step(&step, record, DOGBREED_MODE_GLOBAL, 40),
                 DOGBREED_ERROR_STEP_NOT_YET_AVAILABLE, "not there yet");
    assert_ok(dogbreed_record_find(&index, record, 39, "CrossEntropyLoss_output_0", NULL));
    assert_ok(dogbreed_record_read(record, 39, index, &loss, 1));
    assert_true(loss == 1.0f / 40.0f);
    assert_ok(dogb_record_writer_finish(w));
    dogb_record_writer_close(w);
    dogb_memory_release(memory);
    assert_ok(dogbreed_record_refresh(record));
    assert_fails(dogbreed_record_find_step(&step, record, DOGBREED_MODE_GLOBAL, 40),
                 DOGBREED_ERROR_NO_MORE_DATA, "ended");
    dogbreed_record_destroy(record);

    // A step that has no room by itself stays until the next one comes.
    assert_ok(dogb_memory_create(&memory, 1));
    w = writer_of(memory);
    assert_ok(store_collections(w));
    assert_ok(add_steps(w, 0, 3));
    assert_ok(dogb_record_open_memory(&record, memory));
    assert_int_equal(dogbreed_record_step_count(record, DOGBREED_MODE_GLOBAL), 1);
    assert_ok(dogbreed_record_find_step(&step, record, DOGBREED_MODE_GLOBAL, 2));
    dogbreed_record_destroy(record);
    dogb_record_writer_close(w);
    dogb_memory_release(memory);
}

// A reader on another thread sees whole steps only.
typedef struct reading {
    dogbreed_record *record;
    int64_t bad;
    int64_t last;
} reading;

static void *read_all(void *userdata) {
    reading *r = userdata;
    while (r->last < 199) {
        if (dogbreed_record_refresh(r->record) < 0) {
            r->bad++;
        }
        int64_t count = dogbreed_record_step_count(r->record, DOGBREED_MODE_GLOBAL);
        for (int64_t i = 0; i < count; i++) {
            dogbreed_record_step_info info = {.struct_size = sizeof info};
            int32_t index = 0;
            float loss = 0;
            int rc = dogbreed_record_step(&info, r->record, DOGBREED_MODE_GLOBAL, i);
            rc = rc < 0 ? rc
                        : dogbreed_record_find(&index, r->record, info.step,
                                               "CrossEntropyLoss_output_0", NULL);
            rc = rc < 0 ? rc : dogbreed_record_read(r->record, info.step, index, &loss, 1);
            r->bad += rc < 0 || loss != 1.0f / (float)(info.step + 1);
            r->last = info.step;
        }
    }
    return NULL;
}

static void read_while_written(void **state) {
    (void)state;
    dogb_memory *memory = NULL;
    reading r = {NULL, 0, -1};
    pthread_t thread;
    assert_ok(dogb_memory_create(&memory, 8000));
    dogb_record_writer *w = writer_of(memory);
    assert_ok(store_collections(w));
    assert_ok(dogb_record_open_memory(&r.record, memory));
    assert_ok(dogb_thread_start(&thread, read_all, &r));
    assert_ok(add_steps(w, 0, 200));
    (void)pthread_join(thread, NULL);
    assert_int_equal(r.bad, 0);
    dogbreed_record_destroy(r.record);
    dogb_record_writer_close(w);
    dogb_memory_release(memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_as_files),
        cmocka_unit_test(the_oldest_steps_go),
        cmocka_unit_test(read_while_written),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
