// Stores that suffered: files cut at every byte, a writer that was killed, a full disk, notes and
// steps of an earlier life, newer versions, what other programs write.
#include "store.h"

#include "../out_of_memory.h"

#include "core/buffer.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/wire.h"
#include "record/index.h"
#include "tensorboard/frame.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include <signal.h>
#include <time.h>

static dogb_arena arena;

static int free_arena(void **state) {
    (void)state;
    dogb_arena_free(&arena);
    return 0;
}

static char *path_in(const char *folder, const char *name) {
    return dogb_path_join(&arena, folder, name);
}

static void *contents(size_t *size, const char *path) {
    void *data = NULL;
    assert_ok(dogb_file_read(&data, size, &arena, path, 1 << 20));
    return data;
}

static json_t *checked(dogbreed_record *record) {
    char *text = NULL;
    json_t *value = NULL;
    assert_ok(dogbreed_record_check(&text, record));
    assert_ok(dogb_json_parse(&value, &arena, text, strlen(text), "check"));
    dogbreed_free(text);
    return value;
}

static size_t problems(dogbreed_record *record) {
    return json_array_size(json_object_get(checked(record), "problems"));
}

// The steps of 0 to count - 1 are there, once each, and whole.
static void assert_whole(const char *folder, int64_t count) {
    dogbreed_record *record = NULL;
    assert_ok(dogbreed_record_open(&record, folder));
    assert_int_equal(dogbreed_record_step_count(record, DOGBREED_MODE_GLOBAL), count);
    for (int64_t i = 0; i < count; i++) {
        dogbreed_record_step_info step = {.struct_size = sizeof step};
        assert_ok(dogbreed_record_step(&step, record, DOGBREED_MODE_GLOBAL, i));
        assert_int_equal(step.step, i);
    }
    assert_int_equal(problems(record), 0);
    dogbreed_record_destroy(record);
}

static void an_event_file_cut_at_every_byte(void **state) {
    (void)state;
    const char *folder = scratch("cut_events");
    size_t size = 0;
    assert_ok(store_write(folder, 0, 2, 1));
    char *path = path_in(folder, "events/000000000001/000000000001_worker_0.tfevents");
    char *bytes = contents(&size, path);
    dogbreed_record *record = NULL;
    assert_ok(dogbreed_record_open(&record, folder));
    const size_t ends[] = {99, 236, size}; // of its records
    for (size_t cut = 0; cut <= size; cut++) {
        int earlier = 0;
        assert_ok(dogb_file_put(path, bytes, cut));
        assert_ok(dogbreed_record_refresh(record));
        for (int32_t i = 0; i < 3; i++) { // the fourth is a shape
            dogbreed_record_tensor_info info = {.struct_size = sizeof info};
            int rc = dogbreed_record_tensor(&info, record, 1, i);
            assert_true(rc == 0 || rc == DOGBREED_ERROR_FORMAT);
            assert_int_equal(rc == 0, cut >= ends[i]);
            earlier += rc == 0;
        }
        assert_int_equal(problems(record), 3 - (size_t)earlier); // of the other step: none
    }
    dogbreed_record_destroy(record);
}

// Any byte of a record that changes is seen.
static void an_event_file_with_a_wrong_byte(void **state) {
    (void)state;
    const char *folder = scratch("wrong_byte");
    size_t size = 0;
    assert_ok(store_write(folder, 0, 1, 1));
    char *path = path_in(folder, "events/000000000000/000000000000_worker_0.tfevents");
    char *bytes = contents(&size, path);
    dogbreed_record *record = NULL;
    assert_ok(dogbreed_record_open(&record, folder));
    for (size_t at = 0; at < size; at++) {
        bytes[at] ^= 0x10;
        assert_ok(dogb_file_put(path, bytes, size));
        assert_ok(dogbreed_record_refresh(record));
        assert_int_equal(problems(record), 1);
        bytes[at] ^= 0x10;
    }
    dogbreed_record_destroy(record);
}

static void an_index_file_cut_at_every_byte(void **state) {
    (void)state;
    const char *folder = scratch("cut_index");
    size_t size = 0;
    assert_ok(store_write(folder, 0, 3, 0));
    char *path = path_in(folder, "index/000000000/000000000001_worker_0.json");
    char *bytes = contents(&size, path);
    dogbreed_record *record = NULL;
    assert_ok(dogbreed_record_open(&record, folder));
    for (size_t cut = 0; cut < size; cut++) {
        int64_t step = 0;
        assert_ok(dogb_file_put(path, bytes, cut));
        assert_ok(dogbreed_record_refresh(record));
        assert_int_equal(dogbreed_record_step_count(record, DOGBREED_MODE_TRAIN), 2);
        assert_fails(dogbreed_record_tensor_count(record, 1), DOGBREED_ERROR_INDEX,
                     "000000000001_worker_0.json");
        assert_fails(dogbreed_record_find_step(&step, record, DOGBREED_MODE_TRAIN, 1),
                     DOGBREED_ERROR_INDEX, "000000000001_worker_0.json");
        assert_int_equal(dogbreed_record_tensor_count(record, 2), 4);
        assert_int_equal(problems(record), 1);
    }
    assert_ok(dogb_file_put(path, bytes, size)); // whole again: a store that is being copied
    assert_ok(dogbreed_record_refresh(record));
    assert_int_equal(dogbreed_record_step_count(record, DOGBREED_MODE_TRAIN), 3);
    dogbreed_record_destroy(record);
}

// Each refusal has its own message.
static void index_files_that_are_none(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *message;
    } rows[] = {
        {"", "not valid JSON"},
        {"[]", "object \"meta\" is missing"},
        {"{}", "object \"meta\" is missing"},
        {"{\"meta\": {}}", "\"meta\" is empty"},
        {"{\"meta\": {\"mode_step\": 0}}", "\"mode\" is TRAIN"},
        {"{\"meta\": {\"mode\": \"train\", \"mode_step\": 0}}", "\"mode\" is TRAIN"},
        {"{\"meta\": {\"mode\": \"TRAIN\"}}", "\"mode_step\" is a number"},
        {"{\"meta\": {\"mode\": \"TRAIN\", \"mode_step\": -1}}", "\"mode_step\" is a number"},
        {"{\"meta\": {\"mode\": \"TRAIN\", \"mode_step\": \"1\"}}", "\"mode_step\" is a number"},
        {"{\"meta\": {\"mode\": \"TRAIN\", \"mode_step\": 0}}", "neither \"tensor_payload\""},
        {"{\"meta\": {\"mode\": \"TRAIN\", \"mode_step\": 0}, \"tensor_payload\": [1]}",
         "tensorname, start_idx, length"},
        {"{\"meta\": {\"mode\": \"TRAIN\", \"mode_step\": 0}, \"tensor_payload\": "
         "[{\"tensorname\": \"a\", \"start_idx\": 0, \"length\": 9}]}",
         "\"event_file_name\" is missing"},
        {"{\"meta\": {\"mode\": \"TRAIN\", \"mode_step\": 0, \"event_file_name\": \"events/e\"}, "
         "\"tensor_payload\": [{\"tensorname\": \"a\", \"start_idx\": -1, \"length\": 9}]}",
         "tensorname, start_idx, length"},
        {"{\"meta\": {\"mode\": \"TRAIN\", \"mode_step\": 0, \"event_file_name\": "
         "\"/etc/passwd\"}, \"tensor_payload\": []}",
         "is a path below events/"},
        {"{\"meta\": {\"mode\": \"TRAIN\", \"mode_step\": 0, \"event_file_name\": "
         "\"events/../../x\"}, \"tensor_payload\": []}",
         "is a path below events/"},
        {"{\"meta\": {\"mode\": \"TRAIN\", \"mode_step\": 0}, \"shape_payload\": "
         "[{\"tensorname\": \"a\"}]}",
         "tensorname, originalname, shape"},
        {"{\"meta\": {\"mode\": \"TRAIN\", \"mode_step\": 0}, \"shape_payload\": "
         "[{\"tensorname\": \"a\", \"shape\": [-1]}]}",
         "\"shape\" is a list of numbers"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        dogb_index index;
        assert_fails(dogb_index_parse(&index, &arena, rows[i].text, strlen(rows[i].text), "a.json"),
                     DOGBREED_ERROR_INDEX, rows[i].message);
        assert_non_null(strstr(dogbreed_error_message(), "a.json: "));
    }
}

// A process that is killed while it writes: whole steps only, and the store goes on.
static void a_writer_that_is_killed(void **state) {
    (void)state;
    for (int round = 0; round < test_rounds(20); round++) {
        char name[32];
        (void)snprintf(name, sizeof name, "killed_%d", round);
        const char *folder = scratch(name);
        int ready[2];
        char byte = 0;
        assert_int_equal(pipe(ready), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            dogb_record_writer *w = NULL;
            dogb_record_conf conf = {.directory = folder, .hasty = round % 2};
            int rc = dogb_record_writer_open(&w, &conf);
            rc = rc < 0 ? rc : store_collections(w);
            for (int64_t step = 0; rc == 0 && write(ready[1], "x", 1) == 1; step++) {
                rc = store_add(w, DOGBREED_MODE_TRAIN, step, step);
            }
            _exit(1);
        }
        (void)close(ready[1]); // a child that fails ends the reads
        // Killed some time after a step began: how far that is depends on no machine's speed.
        for (int step = 0; step <= round % 4; step++) {
            assert_int_equal(read(ready[0], &byte, 1), 1);
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = round * 700000}, NULL);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        (void)close(ready[0]);
        dogbreed_record *record = NULL;
        assert_ok(dogbreed_record_open(&record, folder));
        int64_t steps = dogbreed_record_step_count(record, DOGBREED_MODE_GLOBAL);
        dogbreed_record_destroy(record);
        assert_true(steps >= round % 4);
        assert_whole(folder, steps);
        dogb_record_writer *w = NULL;
        assert_ok(store_open(&w, folder, 0));
        assert_ok(dogb_record_writer_resume(w, steps / 2)); // the rest is trained again
        for (int64_t step = steps / 2; step < steps + 2; step++) {
            assert_ok(store_add(w, DOGBREED_MODE_TRAIN, step, step));
        }
        dogb_record_writer_close(w);
        assert_whole(folder, steps + 2);
    }
}

// Files that no store has once it was continued: halves, event files without an index.
static void what_a_killed_writer_leaves(void **state) {
    (void)state;
    static const char *const left[] = {"events/000000000003/000000000003_worker_0.tfevents",
                                       "events/000000000004/000000000004_worker_0.tfevents.1.tmp",
                                       "index/000000000/000000000003_worker_0.json.00ff.tmp"};
    static const char *const kept[] = {"events/000000000005/000000000005_worker_1.tfevents",
                                       "events/000000000004/notes.txt",
                                       "index/000000000/000000000003_worker_01.json.tmp"};
    const char *folder = scratch("left");
    dogb_record_writer *w = NULL;
    assert_ok(store_write(folder, 0, 3, 0));
    for (int step = 3; step < 6; step++) {
        char name[64];
        (void)snprintf(name, sizeof name, "events/%012d", step);
        assert_ok(dogb_directory_make(path_in(folder, name)));
    }
    for (size_t i = 0; i < 3; i++) {
        assert_ok(dogb_file_put(path_in(folder, left[i]), "x", 1));
        assert_ok(dogb_file_put(path_in(folder, kept[i]), "x", 1));
    }
    assert_ok(store_open(&w, folder, 0));
    for (size_t i = 0; i < 3; i++) {
        assert_false(dogb_file_exists(path_in(folder, left[i])));
        assert_true(dogb_file_exists(path_in(folder, kept[i])));
    }
    assert_false(dogb_directory_exists(path_in(folder, "events/000000000003")));
    assert_fails(store_add(w, DOGBREED_MODE_TRAIN, 2, 2), DOGBREED_ERROR_EXISTS,
                 "step 2 is there already");
    dogb_record_writer_close(w);
    assert_whole(folder, 3);
}

static void a_store_that_is_finished(void **state) {
    (void)state;
    const char *folder = scratch("finished");
    dogb_record_writer *w = NULL;
    assert_ok(store_write(folder, 0, 1, 1));
    assert_fails(store_open(&w, folder, 0), DOGBREED_ERROR_EXISTS, "has ended");
    assert_null(w);
}

// A file system without room for more: the limit of a file's size does the same.
static void a_full_disk(void **state) {
    (void)state;
    const char *folder = scratch("full");
    dogb_record_writer *w = NULL;
    struct rlimit before;
    static float big[40000];
    assert_ok(store_write(folder, 0, 2, 0));
    assert_ok(store_open(&w, folder, 0));
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit limit = {.rlim_cur = 1000, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_ok(dogb_record_writer_begin(w, DOGBREED_MODE_TRAIN, 2, 2, 1700000000));
    assert_ok(dogb_record_writer_add(w, "small", 1, 1, (int64_t[]){10}, big));
    assert_fails(dogb_record_writer_add(w, "big", 1, 1, (int64_t[]){40000}, big), DOGBREED_ERROR_IO,
                 "000000000002_worker_0.tfevents: cannot be written");
    assert_fails(dogb_record_writer_add(w, "more", 1, 1, (int64_t[]){1}, big), DOGBREED_ERROR_IO,
                 "000000000002_worker_0.tfevents: cannot be written");
    assert_false(dogb_directory_exists(path_in(folder, "events/000000000002")));
    assert_fails(dogb_record_writer_commit(w), DOGBREED_ERROR_IO, "cannot be written");
    // Room for the values, none for a long index: both go.
    assert_ok(dogb_record_writer_begin(w, DOGBREED_MODE_TRAIN, 2, 2, 1700000000));
    assert_ok(dogb_record_writer_add(w, "small", 1, 1, (int64_t[]){10}, big));
    for (int i = 0; i < 20; i++) {
        char name[80];
        (void)snprintf(name, sizeof name, "a.shape.whose.name.takes.some.room.in.the.index.%d", i);
        assert_ok(dogb_record_writer_shape(w, name, NULL, 1, (int64_t[]){10}));
    }
    assert_fails(dogb_record_writer_commit(w), DOGBREED_ERROR_IO, "000000000002_worker_0.json");
    assert_false(dogb_directory_exists(path_in(folder, "events/000000000002")));
    assert_false(dogb_file_exists(path_in(folder, "index/000000000/000000000002_worker_0.json")));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_whole(folder, 2);
    assert_ok(store_add(w, DOGBREED_MODE_TRAIN, 2, 2)); // there is room again
    dogb_record_writer_close(w);
    assert_whole(folder, 3);
}

static void what_a_writer_refuses(void **state) {
    (void)state;
    const char *folder = scratch("refused");
    dogb_record_writer *w = NULL;
    const float one = 1;
    int64_t shape[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    assert_ok(dogb_file_put(scratch("a_file"), "x", 1));
    assert_fails(store_open(&w, scratch("a_file"), 0), DOGBREED_ERROR_IO, "a_file");
    assert_ok(store_open(&w, folder, 0));
    assert_fails(dogb_record_writer_add(w, "a", 1, 0, NULL, &one), DOGBREED_ERROR_STATE,
                 "no step was begun");
    assert_fails(dogb_record_writer_commit(w), DOGBREED_ERROR_STATE, "no step was begun");
    assert_fails(dogb_record_writer_begin(w, 5, 0, 0, 0), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "5 is no mode");
    assert_fails(dogb_record_writer_begin(w, 1, 0, -1, 0), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "step -1");
    assert_fails(dogb_record_writer_begin(w, 1, 0, 1000000000000, 0),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "step 1000000000000");
    assert_ok(dogb_record_writer_begin(w, 1, 0, 0, 0));
    assert_fails(dogb_record_writer_begin(w, 1, 1, 1, 0), DOGBREED_ERROR_STATE,
                 "step 0 is not committed");
    assert_fails(dogb_record_writer_add(w, "", 1, 0, NULL, &one), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "name");
    assert_fails(dogb_record_writer_add(w, "\xff", 1, 0, NULL, &one),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "UTF-8");
    assert_fails(dogb_record_writer_add(w, "a", 11, 0, NULL, &one), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "a: 11 is no type");
    assert_fails(dogb_record_writer_add(w, "a", 1, 9, shape, &one), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "a: 9 dimensions");
    shape[0] = -1;
    assert_fails(dogb_record_writer_add(w, "a", 1, 1, shape, &one), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "its shape is no shape");
    shape[0] = INT64_MAX;
    shape[1] = 3;
    assert_fails(dogb_record_writer_add(w, "a", 1, 2, shape, &one), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "its shape is no shape");
    assert_fails(dogb_record_writer_add(w, "a", DOGBREED_RECORD_TEXT, 0, NULL, &one),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "texts have one dimension");
    assert_fails(dogb_record_writer_reduce(w, "a", "mean,range", &one, 1),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "\"range\" is no reduction");
    assert_ok(dogb_record_writer_add(w, "a", 1, 0, NULL, &one)); // none of that was the end of it
    assert_fails(dogb_record_writer_add(w, "a", 1, 0, NULL, &one), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "a: added twice to step 0");
    assert_ok(dogb_record_writer_commit(w));
    assert_ok(dogb_record_writer_begin(w, 1, 1, 1, 0)); // nothing in it: no files
    assert_ok(dogb_record_writer_commit(w));
    assert_false(dogb_directory_exists(path_in(folder, "events/000000000001")));
    dogb_record_collection odd = {
        .name = "odd", .include_regex = "", .reductions = "mean,", .save_raw = 1};
    assert_ok(dogb_record_writer_collections(w, &odd, 1));
    odd.reductions = "mean,size";
    assert_fails(dogb_record_writer_collections(w, &odd, 1), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "collection odd: \"size\" is no reduction");
    dogb_record_writer_close(w);
    dogb_record_writer_close(NULL);
}

static void a_newer_version(void **state) {
    (void)state;
    const char *folder = scratch("newer");
    const char *text = "{\"collections\": {}, \"_meta\": {\"num_workers\": 1, \"version\": 2}}";
    dogb_record_writer *w = NULL;
    dogbreed_record *record = NULL;
    assert_ok(store_write(folder, 0, 1, 0));
    char *path = path_in(folder, "collections/000000000/worker_0_collections.json");
    assert_ok(dogb_file_put(path, text, strlen(text)));
    assert_fails(store_open(&w, folder, 0), DOGBREED_ERROR_UNSUPPORTED, "version 2");
    assert_fails(dogbreed_record_open(&record, folder), DOGBREED_ERROR_UNSUPPORTED, "version 2");
    assert_ok(dogb_file_put(path, "{}", 2));
    assert_fails(dogbreed_record_open(&record, folder), DOGBREED_ERROR_FORMAT,
                 "worker_0_collections.json: no collections file");
    assert_ok(dogb_file_put(path, text, 20));
    assert_fails(dogbreed_record_open(&record, folder), DOGBREED_ERROR_FORMAT, "not valid JSON");
    assert_null(record);
}

// Folders that are none.
static void a_store_that_cannot_be_read(void **state) {
    (void)state;
    static const char *const parts[] = {"collections", "index"};
    for (size_t i = 0; i < 2; i++) {
        const char *folder = scratch(i == 0 ? "odd_collections" : "odd_index");
        dogbreed_record *record = NULL;
        assert_ok(store_write(folder, 0, 1, 0));
        char *path = path_in(folder, parts[i]);
        assert_ok(dogb_directory_remove(path));
        assert_ok(dogb_file_put(path, "x", 1));
        assert_fails(dogbreed_record_open(&record, folder), DOGBREED_ERROR_IO, path);
        assert_null(record);
    }
}

static dogb_record_state note(int64_t seen, int64_t train, int64_t eval) {
    return (dogb_record_state){.step_seen = seen, .mode_step = {-1, train, eval, -1, seen}};
}

// Where numbering goes on.
static void notes(void **state) {
    (void)state;
    const char *folder = scratch("notes");
    dogb_record_writer *w = NULL;
    dogb_record_state found;
    assert_ok(store_open(&w, folder, 0));
    assert_int_equal(dogb_record_writer_noted(&found, w, 100), 0);
    assert_int_equal(found.run, 0);
    assert_int_equal(found.step_seen, -1);
    for (int64_t epoch = 0; epoch < 3; epoch++) {
        dogb_record_state now = note(epoch * 10 + 9, epoch * 8 + 7, epoch * 2 + 1);
        assert_ok(store_add(w, DOGBREED_MODE_TRAIN, epoch * 8, epoch * 10));
        assert_ok(dogb_record_writer_note(w, &now));
    }
    dogb_record_writer_close(w);
    assert_ok(store_open(&w, folder, 0)); // another life
    assert_int_equal(dogb_record_writer_noted(&found, w, 20), 1);
    assert_int_equal(found.run, 1);
    assert_int_equal(found.step_seen, 19);
    assert_int_equal(found.step_saved, 10);
    assert_int_equal(found.mode_step[DOGBREED_MODE_TRAIN], 15);
    assert_int_equal(found.mode_step[DOGBREED_MODE_EVAL], 3);
    assert_int_equal(found.mode_step[DOGBREED_MODE_PREDICT], -1);
    assert_ok(dogb_record_writer_resume(w, 20));
    dogb_record_state now = note(25, 20, 4);
    assert_ok(dogb_record_writer_note(w, &now)); // what was noted of step 29 is void
    assert_int_equal(dogb_record_writer_noted(&found, w, 100), 1);
    assert_int_equal(found.run, 2);
    assert_int_equal(found.step_seen, 25);
    assert_int_equal(found.step_saved, 10);
    for (int64_t step = 26; step < 200; step++) {
        now = note(step, step, 0);
        assert_ok(dogb_record_writer_note(w, &now));
    }
    size_t size = 0;
    json_t *all = NULL;
    char *path = path_in(folder, "metadata.json");
    char *text = contents(&size, path);
    assert_ok(dogb_json_parse_any(&all, &arena, text, size, "notes"));
    assert_int_equal(json_array_size(all), 64);
    dogb_record_writer_close(w);
    assert_ok(dogb_file_put(path, "[{\"training-run\": 3", 19)); // never ours: those are whole
    assert_fails(store_open(&w, folder, 0), DOGBREED_ERROR_FORMAT, "metadata.json");
}

// --- records of other programs

// An event file with one record and an index that tells of it.
static void put_store(const char *folder, dogb_buffer *event) {
    dogb_buffer file = {.arena = &arena};
    dogb_buffer_put(&file, event->data, event->length);
    dogb_frame_close(&file, 0);
    char *index =
        dogb_format(&arena,
                    "{\"meta\": {\"mode\": \"TRAIN\", \"mode_step\": 0, \"event_file_name\": "
                    "\"events/000000000000/000000000000_worker_0.tfevents\"}, \"tensor_payload\": "
                    "[{\"tensorname\": \"a\", \"start_idx\": 0, \"length\": %zu}]}",
                    file.length);
    const char *collections = "{\"collections\": {}, \"_meta\": {\"num_workers\": 1}}";
    assert_ok(dogb_directory_make(path_in(folder, "collections/000000000")));
    assert_ok(dogb_directory_make(path_in(folder, "index/000000000")));
    assert_ok(dogb_directory_make(path_in(folder, "events/000000000000")));
    assert_ok(dogb_file_put(path_in(folder, "collections/000000000/worker_0_collections.json"),
                            collections, strlen(collections)));
    assert_ok(dogb_file_put(path_in(folder, "index/000000000/000000000000_worker_0.json"), index,
                            strlen(index)));
    assert_ok(dogb_file_put(path_in(folder, "events/000000000000/000000000000_worker_0.tfevents"),
                            file.data, file.length));
}

typedef struct foreign {
    const char *tag;
    int32_t dtype;
    uint32_t list; // field of the values
    const char *values;
    size_t size;
    int64_t count;
    int code; // what reading answers
    const char *message;
    double number;
} foreign;

static void put_foreign(dogb_buffer *out, const foreign *f) {
    dogb_wire_double(out, 1, 1700000000);
    size_t summary = dogb_wire_open(out, 5);
    size_t value = dogb_wire_open(out, 1);
    dogb_wire_text(out, 1, f->tag);
    size_t tensor = dogb_wire_open(out, 8);
    dogb_wire_integer(out, 1, f->dtype);
    size_t shape = dogb_wire_open(out, 2);
    size_t dimension = dogb_wire_open(out, 2);
    dogb_wire_integer(out, 1, f->count);
    dogb_wire_close(out, dimension);
    dogb_wire_close(out, shape);
    dogb_wire_bytes(out, f->list, f->values, f->size);
    dogb_wire_close(out, tensor);
    dogb_wire_close(out, value);
    dogb_wire_close(out, summary);
}

static void records_of_other_programs(void **state) {
    (void)state;
    static const char four[] = "\x00\x00\x00\x40\x00\x00\x00\x40";
    static const foreign rows[] = {
        {"a", 1, 4, four, 8, 2, 0, "", 2},
        {"a", 1, 5, four, 8, 2, 0, "", 2},                   // a list of floats
        {"a", 2, 6, "\0\0\0\0\0\0\x08\x40", 8, 1, 0, "", 3}, // of doubles
        {"a", 3, 4, "\x00\x3c\x00\xc0", 4, 2, 0, "", 1},     // half as int32: smdebug's
        {"a", 1, 4, four, 8, 3, DOGBREED_ERROR_FORMAT, "values are missing", 0},
        {"a", 1, 4, four, 8, 1, DOGBREED_ERROR_FORMAT, "values are missing", 0},
        {"a", 3, 4, four, 6, 2, DOGBREED_ERROR_FORMAT, "values are missing", 0},
        {"a", 1, 4, four, 8, -1, DOGBREED_ERROR_FORMAT, "its shape is no shape", 0},
        {"a", 11, 4, four, 8, 2, DOGBREED_ERROR_UNSUPPORTED, "type 11", 0},
        {"a", 0, 8, "x", 1, 2, DOGBREED_ERROR_FORMAT, "texts are missing", 0},
        {"b", 1, 4, four, 8, 2, DOGBREED_ERROR_FORMAT, "another tensor", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *folder = scratch(dogb_format(&arena, "foreign_%zu", i));
        dogb_buffer event = {.arena = &arena};
        dogbreed_record *record = NULL;
        double numbers[4] = {0};
        put_foreign(&event, &rows[i]);
        put_store(folder, &event);
        assert_ok(dogbreed_record_open(&record, folder));
        size_t count = rows[i].code < 0 ? 1 : (size_t)rows[i].count;
        int rc = dogbreed_record_read_double(record, 0, 0, numbers, count);
        if (rc != rows[i].code || numbers[0] != rows[i].number ||
            (rc < 0 && strstr(dogbreed_error_message(), rows[i].message) == NULL)) {
            fail_msg("row %zu: %d %g %s", i, rc, numbers[0], dogbreed_error_message());
        }
        dogbreed_record_destroy(record);
    }
}

// An event file that is missing comes no more once its worker has gone on.
static void an_event_file_that_is_missing(void **state) {
    (void)state;
    const char *folder = scratch("no_events");
    dogbreed_record *record = NULL;
    float value = 0;
    assert_ok(store_write(folder, 0, 3, 0));
    assert_int_equal(unlink(path_in(folder, "events/000000000002/000000000002_worker_0.tfevents")),
                     0);
    assert_ok(dogbreed_record_open(&record, folder));
    assert_fails(dogbreed_record_read(record, 2, 0, &value, 1),
                 DOGBREED_ERROR_STEP_NOT_YET_AVAILABLE, "is not there yet");
    assert_int_equal(unlink(path_in(folder, "events/000000000001/000000000001_worker_0.tfevents")),
                     0);
    assert_ok(dogbreed_record_read(record, 0, 0, &value, 1));
    assert_ok(store_write(scratch("other"), 0, 4, 0));
    assert_int_equal(rename(path_in(scratch("other"), "events/000000000003"),
                            path_in(folder, "events/000000000003")),
                     0);
    assert_fails(dogbreed_record_read(record, 1, 0, &value, 1),
                 DOGBREED_ERROR_TENSOR_UNAVAILABLE_FOR_STEP, "is missing");
    dogbreed_record_destroy(record);
}

// Two workers: a step is complete when both have written it, or a later one is.
static void several_workers(void **state) {
    (void)state;
    const char *folder = scratch("workers");
    dogbreed_record *record = NULL;
    dogb_record_writer *w[2];
    size_t size = 0;
    for (int32_t i = 0; i < 2; i++) {
        dogb_record_conf conf = {.directory = folder, .worker = i};
        assert_ok(dogb_record_writer_open(&w[i], &conf));
        assert_ok(store_collections(w[i]));
    }
    char *path = path_in(folder, "collections/000000000/worker_0_collections.json");
    char *text = contents(&size, path);
    char *count = strstr(text, "\"num_workers\": 1");
    count[strlen("\"num_workers\": ")] = '2';
    assert_ok(dogb_file_put(path, text, size));
    for (int64_t step = 0; step < 3; step++) {
        assert_ok(store_add(w[0], DOGBREED_MODE_TRAIN, step, step));
    }
    assert_ok(store_add(w[1], DOGBREED_MODE_TRAIN, 1, 1));
    assert_ok(dogbreed_record_open(&record, folder));
    static const int complete[] = {1, 1, 0};
    for (int64_t i = 0; i < 3; i++) {
        dogbreed_record_step_info step = {.struct_size = sizeof step};
        assert_ok(dogbreed_record_step(&step, record, DOGBREED_MODE_TRAIN, i));
        assert_int_equal(step.complete, complete[i]);
        assert_int_equal(step.tensor_count, i == 1 ? 8 : 4);
    }
    int64_t step = 0;
    int32_t index = 0;
    dogbreed_record_tensor_info info = {.struct_size = sizeof info};
    assert_fails(dogbreed_record_wait(&step, record, DOGBREED_MODE_TRAIN, 2, 0),
                 DOGBREED_ERROR_STEP_NOT_YET_AVAILABLE, "not there of all workers yet");
    assert_ok(dogbreed_record_find(&index, record, 1, "fc.weight", "worker_1"));
    assert_ok(dogbreed_record_tensor(&info, record, 1, index));
    assert_string_equal(info.worker, "worker_1");
    assert_fails(dogbreed_record_find(&index, record, 2, "fc.weight", "worker_1"),
                 DOGBREED_ERROR_TENSOR_UNAVAILABLE_FOR_STEP, "step 2");
    dogbreed_record_destroy(record);
    dogb_record_writer_close(w[0]);
    dogb_record_writer_close(w[1]);
}

// --- memory that runs out

static int write_some(void *userdata) {
    const char *folder = userdata;
    (void)dogb_directory_remove(folder);
    int rc = store_write(folder, 0, 1, 1);
    return rc;
}

static int read_some(void *userdata) {
    dogbreed_record *record = NULL;
    char *text = NULL;
    double value = 0;
    int32_t index = 0;
    int rc = dogbreed_record_open(&record, userdata);
    rc = rc < 0 ? rc : dogbreed_record_describe(&text, record);
    dogbreed_free(text);
    text = NULL;
    rc = rc < 0 ? rc : dogbreed_record_check(&text, record);
    dogbreed_free(text);
    text = NULL;
    rc = rc < 0 ? rc : dogbreed_record_names(&text, record, 4, -1, NULL, "losses");
    dogbreed_free(text);
    rc = rc < 0 ? rc : dogbreed_record_find(&index, record, 0, "fc.weight", NULL);
    rc = rc < 0 ? rc : dogbreed_record_reduction(&value, record, 0, "fc.weight", NULL, "median");
    rc = rc < 0 ? rc : dogbreed_record_refresh(record);
    dogbreed_record_destroy(record);
    return rc;
}

static void no_memory(void **state) {
    (void)state;
    char folder[2048];
    (void)snprintf(folder, sizeof folder, "%s", scratch("memory"));
    assert_true(memory_fails_each(write_some, folder, 1) > 50);
    // jansson's parser takes a token that finds no memory for a wrong one, or goes on without it:
    // the library's own allocations fail alone, then all.
    int failures = 0;
    for (int failed = 1; failed; failures += failed) {
        memory_fail_after(failures);
        json_set_alloc_funcs(malloc, free);
        int rc = read_some(folder);
        failed = memory_restore();
        assert_int_equal(rc, failed ? DOGBREED_ERROR_NO_MEMORY : 0);
    }
    assert_true(failures > 50);
    for (int failed = 1, at = 0; failed; at++) {
        memory_fail_after(at);
        (void)read_some(folder);
        failed = memory_restore();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(an_event_file_cut_at_every_byte, free_arena),
        cmocka_unit_test_teardown(an_event_file_with_a_wrong_byte, free_arena),
        cmocka_unit_test_teardown(an_index_file_cut_at_every_byte, free_arena),
        cmocka_unit_test_teardown(index_files_that_are_none, free_arena),
        cmocka_unit_test_teardown(a_writer_that_is_killed, free_arena),
        cmocka_unit_test_teardown(what_a_killed_writer_leaves, free_arena),
        cmocka_unit_test_teardown(a_store_that_is_finished, free_arena),
        cmocka_unit_test_teardown(a_full_disk, free_arena),
        cmocka_unit_test_teardown(what_a_writer_refuses, free_arena),
        cmocka_unit_test_teardown(a_newer_version, free_arena),
        cmocka_unit_test_teardown(a_store_that_cannot_be_read, free_arena),
        cmocka_unit_test_teardown(notes, free_arena),
        cmocka_unit_test_teardown(records_of_other_programs, free_arena),
        cmocka_unit_test_teardown(an_event_file_that_is_missing, free_arena),
        cmocka_unit_test_teardown(several_workers, free_arena),
        cmocka_unit_test_teardown(no_memory, free_arena),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
