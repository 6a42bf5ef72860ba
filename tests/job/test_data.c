// Channels as one folder: File, links, Pipe.
#include "place.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>

#include <dogbreed/dataset.h>

static void picture(const char *name) {
    char path[300];
    (void)snprintf(path, sizeof path, "input/data/%s", name);
    write_file(inside(path), "x");
}

static char found[1024];

static int data_of(dogbreed_job *job, const dogbreed_job_options *options) {
    char *path = NULL;
    int rc = dogbreed_job_data(&path, job, options);
    (void)snprintf(found, sizeof found, "%s", path == NULL ? "" : path);
    dogbreed_free(path);
    return rc;
}

static int exists(const char *name) {
    char path[2000];
    (void)snprintf(path, sizeof path, "%s/%s", found, name);
    return access(path, F_OK) == 0;
}

static void channel_training_is_the_whole(void **state) {
    (void)state;
    picture("training/train/a/1.jpg");
    picture("training/valid/a/1.jpg");
    dogbreed_job *job = job_open();
    assert_ok(data_of(job, NULL));
    assert_string_equal(found, inside("input/data/training"));
    dogbreed_job_destroy(job);
}

static void channels_of_splits_become_one_folder(void **state) {
    (void)state;
    picture("train/a/1.jpg");
    picture("validation/a/2.jpg");
    picture("test/a/3.jpg");
    dogbreed_job *job = job_open();
    assert_ok(data_of(job, NULL));
    assert_true(exists("train/a/1.jpg") && exists("valid/a/2.jpg") && exists("test/a/3.jpg"));
    dogbreed_job_destroy(job);
    assert_false(exists("train")); // it went with the job
    assert_true(access(inside("input/data/train/a/1.jpg"), F_OK) == 0);
}

static void a_channel_beside_training_is_its_split(void **state) {
    (void)state;
    picture("training/a/1.jpg");
    picture("valid/a/2.jpg");
    dogbreed_job *job = job_open();
    assert_ok(data_of(job, NULL));
    assert_true(exists("train/a/1.jpg") && exists("valid/a/2.jpg") && !exists("test"));
    dogbreed_job_destroy(job);
    picture("training/train/a/5.jpg");
    picture("training/test/a/6.jpg");
    job = job_open();
    assert_ok(data_of(job, NULL));
    assert_true(exists("train/a/5.jpg") && exists("valid/a/2.jpg") && exists("test/a/6.jpg"));
    dogbreed_job_destroy(job);
}

static void variables_name_channels(void **state) {
    (void)state;
    write_file(scratch("far/a/1.jpg"), "x");
    setenv("SM_CHANNEL_TRAINING", scratch("far"), 1);
    picture("training/b/1.jpg");
    dogbreed_job *job = job_open();
    assert_ok(data_of(job, NULL));
    assert_string_equal(found, scratch("far"));
    dogbreed_job_destroy(job);
}

static void the_only_channel_is_taken(void **state) {
    (void)state;
    picture("dogs/a/1.jpg");
    config("inputdataconfig.json", "{\"dogs\":{\"TrainingInputMode\":\"FastFile\"}}");
    dogbreed_job *job = job_open();
    assert_ok(data_of(job, NULL));
    assert_string_equal(found, inside("input/data/dogs"));
    dogbreed_job_destroy(job);
}

static void what_cannot_be_is_refused(void **state) {
    (void)state;
    dogbreed_job *job = job_open();
    assert_fails(data_of(job, NULL), DOGBREED_ERROR_NOT_FOUND, "expected training");
    dogbreed_job_destroy(job);
    config("inputdataconfig.json", "{\"train\":{}}");
    job = job_open();
    assert_fails(data_of(job, NULL), DOGBREED_ERROR_NOT_FOUND, "channel train");
    dogbreed_job_destroy(job);
    config("inputdataconfig.json", "{\"train\":{\"RecordWrapperType\":\"RecordIO\"}}");
    picture("train/a/1.jpg");
    job = job_open();
    assert_fails(data_of(job, NULL), DOGBREED_ERROR_UNSUPPORTED, "RecordIO");
    dogbreed_job_destroy(job);
    config("resourceconfig.json",
           "{\"current_host\":\"algo-1\",\"hosts\":[\"algo-1\",\"algo-2\"]}");
    job = job_open();
    assert_fails(data_of(job, NULL), DOGBREED_ERROR_UNSUPPORTED, "2 hosts (algo-1, algo-2)");
    dogbreed_job_destroy(job);
}

static void a_list_of_classes_is_found_and_used(void **state) {
    (void)state;
    picture("training/train/b/1.jpg");
    write_file(inside("input/data/training/classes.txt"), "c\r\na\n\nb\n");
    config("inputdataconfig.json", "{\"training\":{\"S3DistributionType\":\"ShardedByS3Key\"}}");
    dogbreed_job *job = job_open();
    dogbreed_dataset_options options;
    dogbreed_dataset *data = NULL;
    assert_ok(data_of(job, NULL));
    assert_fact(job, "class_list", inside("input/data/training/classes.txt"));
    assert_ok(dogbreed_dataset_options_init(&options, sizeof options));
    options.class_list = dogbreed_job_get(job, "class_list");
    assert_ok(dogbreed_dataset_open(&data, found, &options));
    assert_int_equal(dogbreed_dataset_class_count(data), 3);
    assert_string_equal(dogbreed_dataset_class_name(data, 0), "a");
    dogbreed_sample sample = {.struct_size = sizeof sample};
    assert_ok(dogbreed_dataset_sample(data, 0, &sample));
    assert_int_equal(sample.label, 1);
    dogbreed_dataset_destroy(data);
    dogbreed_job_destroy(job);
}

// --- Pipe

typedef struct writer {
    char fifo[1024];
    char archive[1024];
    pthread_t thread;
} writer;

static void *write_all(void *userdata) {
    writer *w = userdata;
    dogb_arena arena = {0};
    void *data = NULL;
    size_t size = 0;
    int descriptor = open(w->fifo, O_WRONLY); // waits for the reader
    if (dogb_file_read(&data, &size, &arena, w->archive, 1 << 24) == 0) {
        for (size_t at = 0; at < size;) {
            ssize_t count = write(descriptor, (char *)data + at, size - at < 700 ? size - at : 700);
            at = count <= 0 ? size : at + (size_t)count;
        }
    }
    (void)close(descriptor);
    dogb_arena_free(&arena);
    return NULL;
}

static void pipe_of(writer *w, const char *channel, const char *archive) {
    char name[100];
    (void)snprintf(name, sizeof name, "input/data/%s_0", channel);
    (void)snprintf(w->fifo, sizeof w->fifo, "%s", inside(name));
    (void)snprintf(w->archive, sizeof w->archive, "%s", archive);
    assert_ok(dogb_directory_make(inside("input/data")));
    assert_int_equal(mkfifo(w->fifo, 0600), 0);
    assert_int_equal(pthread_create(&w->thread, NULL, write_all, w), 0);
}

static const char piped[] = "{\"training\":{\"TrainingInputMode\":\"Pipe\"}}";

static void a_pipe_becomes_a_folder(void **state) {
    (void)state;
    writer w;
    config("inputdataconfig.json", piped);
    pipe_of(&w, "training", test_file("job/golden/pictures.tar"));
    dogbreed_job *job = job_open();
    assert_ok(data_of(job, NULL));
    (void)pthread_join(w.thread, NULL);
    assert_true(exists("train/a/1.jpg") && exists("train/b/2.jpg"));
    dogbreed_job_destroy(job);
    assert_false(exists("train"));
}

static void a_bad_pipe_is_refused(void **state) {
    (void)state;
    writer w;
    dogbreed_job_options options;
    assert_ok(dogbreed_job_options_init(&options, sizeof options));
    options.pipe_timeout = 0.05;
    config("inputdataconfig.json", piped);
    dogbreed_job *job = job_open();
    assert_fails(data_of(job, &options), DOGBREED_ERROR_NOT_FOUND, "training_0: no such pipe");
    dogbreed_job_destroy(job);
    write_file(inside("input/data/training_0"), "x");
    job = job_open();
    assert_fails(data_of(job, &options), DOGBREED_ERROR_FORMAT, "not a pipe");
    dogbreed_job_destroy(job);
    assert_int_equal(unlink(inside("input/data/training_0")), 0);
    assert_int_equal(mkfifo(inside("input/data/training_0"), 0600), 0);
    job = job_open();
    assert_fails(data_of(job, &options), DOGBREED_ERROR_IO, "nothing came for 0.05 seconds");
    dogbreed_job_destroy(job);
    assert_int_equal(unlink(inside("input/data/training_0")), 0);
    pipe_of(&w, "training", test_file("job/golden/pictures.tar"));
    options.pipe_timeout = 60;
    options.pipe_files_max = 1;
    job = job_open();
    assert_fails(data_of(job, &options), DOGBREED_ERROR_FORMAT, "more than 1 files");
    (void)pthread_join(w.thread, NULL);
    dogbreed_job_destroy(job);
    options.pipe_timeout = -1;
    job = job_open();
    assert_fails(data_of(job, &options), DOGBREED_ERROR_INVALID_ARGUMENT, "pipe_timeout");
    dogbreed_job_destroy(job);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup(name, place_make)
    const struct CMUnitTest tests[] = {
        TEST(channel_training_is_the_whole),
        TEST(channels_of_splits_become_one_folder),
        TEST(a_channel_beside_training_is_its_split),
        TEST(variables_name_channels),
        TEST(the_only_channel_is_taken),
        TEST(what_cannot_be_is_refused),
        TEST(a_list_of_classes_is_found_and_used),
        TEST(a_pipe_becomes_a_folder),
        TEST(a_bad_pipe_is_refused),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
