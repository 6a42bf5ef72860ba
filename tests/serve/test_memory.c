// What models take is what the server counts: the process grows by as much, within 15 % and 6 MB,
// when one is loaded and busy with full batches.
#include "pictures.h"
#include "scratch.h"
#include "serve/served.h"

#include <dogbreed/dogbreed.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __has_feature // of clang
#define __has_feature(x) 0
#endif
// 0: sanitizers keep what is freed, and books of their own.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||                               \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { RESIDENT_IS_OURS = 0 };
#else
enum { RESIDENT_IS_OURS = 1 };
#endif

enum { BATCH = 4, ROUNDS = 1, MEGABYTE = 1 << 20 };
// Of a process: stacks, decoders, what the library needs once.
#define SLACK 6.0

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int32_t pending;

static double resident(void) {
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*u %llu", &pages), 1);
    (void)fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / MEGABYTE;
}

static void make_file(char path[2048], const char *architecture) {
    char name[100];
    dogbreed_model_options options;
    dogbreed_model *model = NULL;
    (void)snprintf(name, sizeof name, "%s.safetensors", architecture);
    (void)snprintf(path, 2048, "%s", scratch(name));
    assert_ok(dogbreed_model_options_init(&options, sizeof options));
    options.architecture = architecture;
    options.classes = 120;
    assert_ok(dogbreed_model_create(&model, NULL, &options));
    assert_ok(dogbreed_model_save(model, path));
    dogbreed_model_destroy(model);
}

static void done(dogb_work *work, void *userdata) {
    (void)work;
    (void)userdata;
    (void)pthread_mutex_lock(&lock);
    pending--;
    (void)pthread_cond_signal(&changed);
    (void)pthread_mutex_unlock(&lock);
}

// Full batches of photos and of tensors, for every worker.
static void work_hard(const dogb_served *served, const void *photo, size_t photo_size,
                      dogb_arena *memory) {
    const size_t floats = 3 * (size_t)served->facts.side * (size_t)served->facts.side;
    const float *tensor = dogb_alloc(memory, floats, sizeof *tensor);
    enum { ITEMS = 2 * BATCH };
    dogb_item items[2][ITEMS] = {0};
    float *logits = dogb_alloc(memory, 2 * ITEMS * (size_t)served->facts.classes, sizeof *logits);
    for (int round = 0; round < ROUNDS; round++) {
        dogb_work works[2];
        pending = 2;
        for (int kind = 0; kind < 2; kind++) {
            for (int i = 0; i < ITEMS; i++) {
                items[kind][i] = (dogb_item){
                    .kind = kind,
                    .bytes = kind == DOGB_ITEM_TENSOR ? (const void *)tensor : photo,
                    .size = kind == DOGB_ITEM_TENSOR ? floats * sizeof(float) : photo_size,
                    .logits = logits + (kind * ITEMS + i) * served->facts.classes};
            }
            works[kind] = (dogb_work){.items = items[kind], .count = ITEMS, .done = done};
            assert_ok(dogb_batcher_submit(served->batcher, &works[kind]));
        }
        (void)pthread_mutex_lock(&lock);
        while (pending > 0) {
            (void)pthread_cond_wait(&changed, &lock);
        }
        (void)pthread_mutex_unlock(&lock);
        assert_int_equal(items[0][0].rc, 0);
        assert_int_equal(items[1][0].rc, 0);
    }
}

typedef struct found {
    double counted; // MB
    double grown;
} found;

static found measure(const char *path, int32_t dtype) {
    dogb_arena memory = {0};
    dogb_arena names = {0};
    dogb_served served = {.batcher = NULL};
    dogbreed_serve_options options;
    dogbreed_predictor_options predictor;
    void *photo = NULL;
    size_t photo_size = 0;
    assert_ok(dogb_file_read(&photo, &photo_size, &memory, scratch("a.jpg"), 1 << 24));
    assert_ok(dogbreed_serve_options_init(&options, sizeof options));
    assert_ok(dogbreed_predictor_options_init(&predictor, sizeof predictor));
    options.batch_size = BATCH;
    predictor.engine = "native";
    predictor.dtype = dtype;
    double before = resident();
    assert_ok(dogb_served_open(&served, &names, path, "a", "1", &options, &predictor));
    work_hard(&served, photo, photo_size, &memory);
    const found result = {(double)dogb_batcher_bytes(served.batcher) / MEGABYTE,
                          resident() - before};
    dogb_served_close(&served);
    dogb_arena_free(&names);
    dogb_arena_free(&memory);
    return result;
}

// In a process of its own: the memory of this one may hold what others have freed.
static void check(const char *architecture, int32_t dtype) {
    char path[2048];
    int ends[2];
    int status = -1;
    found f = {0};
    make_file(path, architecture);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)malloc_trim(0);
        f = measure(path, dtype);
        _exit(write(ends[1], &f, sizeof f) == (ssize_t)sizeof f ? 0 : 1);
    }
    (void)close(ends[1]);
    assert_int_equal(read(ends[0], &f, sizeof f), (ssize_t)sizeof f);
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    print_message("# %s: counted %.1f MB, grown %.1f MB\n", architecture, f.counted, f.grown);
    if (RESIDENT_IS_OURS) {
        assert_true(f.grown <= 1.15 * f.counted + SLACK);
        assert_true(f.counted <= 1.15 * f.grown + SLACK);
    }
}

static void what_is_counted_is_what_is_taken(void **state) {
    (void)state;
    write_picture(scratch("a.jpg"), 1, 500, 375);
    check("resnet18", DOGBREED_DTYPE_F32);
    check("mobilenet_v2", DOGBREED_DTYPE_F32);
    check("resnet50", DOGBREED_DTYPE_BF16);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_counted_is_what_is_taken)};
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
