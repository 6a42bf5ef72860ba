// What a job leaves behind: markers, the model, documents; model.tar.gz.
#include "place.h"

#include <dogbreed/dataset.h>
#include <dogbreed/model.h>
#include <dogbreed/predictor.h>

static void model_in(const char *directory) {
    dogbreed_synth_options synth;
    dogbreed_model_options options;
    dogbreed_dataset *data = NULL;
    dogbreed_model *model = NULL;
    char path[1100];
    assert_ok(dogbreed_synth_options_init(&synth, sizeof synth));
    synth.classes = 2;
    synth.per_class = 3;
    synth.size = 16;
    if (!dogb_directory_exists(scratch("pictures"))) {
        assert_ok(dogbreed_dataset_synthesize(scratch("pictures"), &synth));
    }
    assert_ok(dogbreed_dataset_open(&data, scratch("pictures"), NULL));
    assert_ok(dogbreed_model_options_init(&options, sizeof options));
    options.architecture = "tiny";
    assert_ok(dogbreed_model_create(&model, data, &options));
    assert_ok(dogb_directory_make(directory));
    (void)snprintf(path, sizeof path, "%s/model.safetensors", directory);
    assert_ok(dogbreed_model_save(model, path));
    dogbreed_model_destroy(model);
    dogbreed_dataset_destroy(data);
}

static void markers_say_how_it_ended(void **state) {
    (void)state;
    char text[4001];
    assert_ok(dogbreed_job_mark(root, DOGBREED_JOB_FAILURE, "lr: too large\nmore"));
    assert_contents(inside("output/failure"), "lr: too large\nmore");
    assert_ok(dogbreed_job_mark(root, DOGBREED_JOB_SUCCESS, NULL));
    assert_contents(inside("output/success"), "");
    assert_false(dogb_file_exists(inside("output/failure")));
    assert_ok(dogbreed_job_mark(root, DOGBREED_JOB_RUNNING, NULL));
    assert_false(dogb_file_exists(inside("output/success")));
    // 1,024 characters, not bytes, and none of them in half.
    for (int i = 0; i < 2000; i++) {
        memcpy(text + 2 * i, "\xc3\xa9", 2);
    }
    text[4000] = '\0';
    assert_ok(dogbreed_job_mark(root, DOGBREED_JOB_FAILURE, text));
    text[2048] = '\0';
    assert_contents(inside("output/failure"), text);
    assert_fails(dogbreed_job_mark(root, DOGBREED_JOB_FAILURE, NULL),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "message");
    assert_fails(dogbreed_job_mark(root, 9, "x"), DOGBREED_ERROR_INVALID_ARGUMENT, "state 9");
    assert_fails(dogbreed_job_mark("/nowhere", 0, NULL), DOGBREED_ERROR_NOT_FOUND, "/nowhere");
}

static void a_run_is_handed_in(void **state) {
    (void)state;
    dogbreed_job *job = job_open();
    assert_ok(dogb_directory_make(inside("checkpoints")));
    assert_fails(dogbreed_job_complete(job, inside("checkpoints")), DOGBREED_ERROR_NOT_FOUND,
                 "no model yet");
    model_in(inside("checkpoints"));
    write_file(inside("checkpoints/metrics.csv"), "epoch\n");
    write_file(inside("checkpoints/run.lock"), "x");
    write_file(inside("checkpoints/checkpoint/last/rng.json"), "{}");
    assert_ok(dogbreed_job_complete(job, inside("checkpoints")));
    assert_contents(inside("output/data/metrics.csv"), "epoch\n");
    assert_false(dogb_file_exists(inside("output/data/run.lock")));
    assert_false(dogb_file_exists(inside("output/data/model.safetensors")));
    assert_true(dogb_file_exists(inside("model/model.safetensors")));
    assert_true(dogb_file_exists(inside("model/model_card.md")));
    dogbreed_job_destroy(job);
}

static void curves_are_copied_when_they_grow(void **state) {
    (void)state;
    config("tensorboardoutputconfig.json", "{\"LocalPath\":\"/opt/ml/output/tensorboard\"}");
    dogbreed_job *job = job_open();
    write_file(inside("checkpoints/events.out.tfevents.1.dogbreed"), "one");
    write_file(inside("checkpoints/steps/events.out.tfevents.2.dogbreed"), "two");
    write_file(inside("checkpoints/metrics.csv"), "x");
    assert_ok(dogbreed_job_board(job, inside("checkpoints")));
    write_file(inside("checkpoints/events.out.tfevents.1.dogbreed"), "one more");
    assert_ok(dogbreed_job_board(job, inside("checkpoints")));
    assert_contents(inside("output/tensorboard/events.out.tfevents.1.dogbreed"), "one more");
    assert_contents(inside("output/tensorboard/steps/events.out.tfevents.2.dogbreed"), "two");
    assert_false(dogb_file_exists(inside("output/tensorboard/metrics.csv")));
    dogbreed_job_destroy(job);
}

static void same_bytes(const char *a, const char *b) {
    dogb_arena arena = {0};
    dogb_map first;
    dogb_map second;
    assert_ok(dogb_map_open(&first, &arena, a, SIZE_MAX));
    assert_ok(dogb_map_open(&second, &arena, b, SIZE_MAX));
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);
    dogb_arena_free(&arena);
}

static void an_archive_has_the_same_bytes_each_time(void **state) {
    (void)state;
    model_in(scratch("run"));
    assert_ok(dogbreed_job_pack(scratch("a.tar.gz"), scratch("run")));
    model_in(scratch("again")); // another folder and other times
    assert_ok(dogbreed_job_pack(scratch("b.tar.gz"), scratch("again")));
    same_bytes(scratch("a.tar.gz"), scratch("b.tar.gz"));
    setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
    assert_ok(dogbreed_job_pack(scratch("c.tar.gz"), scratch("run")));
    unsetenv("SOURCE_DATE_EPOCH");
    assert_ok(dogbreed_job_unpack(scratch("unpacked"), scratch("c.tar.gz")));
    same_bytes(scratch("unpacked/model.safetensors"), scratch("run/model.safetensors"));
    assert_true(dogb_file_exists(scratch("unpacked/model_card.md")));
    assert_ok(dogbreed_job_pack(scratch("d.tar.gz"), scratch("unpacked"))); // its card stays
    same_bytes(scratch("a.tar.gz"), scratch("d.tar.gz"));
    assert_fails(dogbreed_job_pack(scratch("e.tar.gz"), scratch("nothing")),
                 DOGBREED_ERROR_NOT_FOUND, "model.safetensors");
    assert_false(dogb_file_exists(scratch("e.tar.gz")));
}

static void an_archive_is_a_model(void **state) {
    (void)state;
    dogbreed_model *model = NULL;
    dogbreed_predictor *predictor = NULL;
    model_in(scratch("run"));
    assert_ok(dogbreed_job_pack(scratch("model.tar.gz"), scratch("run")));
    assert_ok(dogbreed_model_load(&model, scratch("model.tar.gz")));
    assert_int_equal(dogbreed_model_class_count(model), 2);
    dogbreed_model_destroy(model);
    assert_ok(dogbreed_predictor_create(&predictor, scratch("model.tar.gz"), NULL));
    assert_int_equal(dogbreed_predictor_class_count(predictor), 2);
    dogbreed_predictor_destroy(predictor);
    write_file(scratch("bad.tar.gz"), "not an archive at all, but long enough to look at");
    assert_fails(dogbreed_model_load(&model, scratch("bad.tar.gz")), DOGBREED_ERROR_FORMAT,
                 "bad.tar.gz");
    assert_fails(dogbreed_model_load(&model, scratch("none.tar.gz")), DOGBREED_ERROR_NOT_FOUND,
                 "none.tar.gz");
}

static void unpacking_keeps_what_is_there(void **state) {
    (void)state;
    write_file(scratch("full/file"), "mine");
    write_file(scratch("plain"), "mine");
    write_file(scratch("bad.tar"), "not an archive at all");
    assert_fails(dogbreed_job_unpack(scratch("new"), scratch("nothing.tar")),
                 DOGBREED_ERROR_NOT_FOUND, "nothing.tar");
    assert_fails(dogbreed_job_unpack(scratch("full"), scratch("bad.tar")), DOGBREED_ERROR_EXISTS,
                 "not empty");
    assert_fails(dogbreed_job_unpack(scratch("plain"), scratch("bad.tar")), DOGBREED_ERROR_IO,
                 "plain");
    assert_contents(scratch("full/file"), "mine");
    assert_contents(scratch("plain"), "mine");
    assert_fails(dogbreed_job_unpack(scratch("new"), scratch("bad.tar")), DOGBREED_ERROR_FORMAT,
                 "bad.tar");
    assert_false(dogb_directory_exists(scratch("new")));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup(name, place_make)
    const struct CMUnitTest tests[] = {
        TEST(markers_say_how_it_ended),
        TEST(a_run_is_handed_in),
        TEST(curves_are_copied_when_they_grow),
        TEST(an_archive_has_the_same_bytes_each_time),
        TEST(an_archive_is_a_model),
        TEST(unpacking_keeps_what_is_there),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
