// batching.h - what tests of the batcher share: pictures and what is to come of them, requests and
// their answers, a batcher whose only worker is held.
#ifndef DOGB_TEST_SERVE_BATCHING_H
#define DOGB_TEST_SERVE_BATCHING_H

#include "core/span.h"
#include "core/thread.h"
#include "out_of_memory.h"
#include "pictures.h"
#include "predictor/predictor_struct.h"
#include "scratch.h"
#include "serve/batcher.h"

#include <math.h>

enum { CLASSES = 5, GOOD = 12, TURNED = GOOD, DAMAGED, FOREIGN, EMPTY, TENSOR, FILES };
enum { SIDE_MAX = 64, CALLERS = 8, REQUESTS = 10, PICTURES_MAX = 7 };

static dogb_arena memory;
static dogbreed_model *model;
static dogbreed_predictor *predictor;
static const void *bytes[FILES];
static size_t sizes[FILES];
static float expected[FILES][CLASSES];

// --- pictures and what is to come of them

static inline void read_pictures(void) {
    char path[300];
    for (int i = 0; i < GOOD; i++) {
        void *data = NULL;
        (void)snprintf(path, sizeof path, "%s/%02d.jpg", scratch_folder, i);
        write_picture(path, i, 50 + i, 45 + 3 * i);
        assert_ok(dogb_file_read(&data, &sizes[i], &memory, path, 1 << 24));
        bytes[i] = data;
    }
    bytes[TURNED] = turned_jpeg(&memory, path, &sizes[TURNED]);
    bytes[DAMAGED] = bytes[3];
    sizes[DAMAGED] = sizes[3] / 2;
    bytes[FOREIGN] = "GIF89a not ours";
    sizes[FOREIGN] = 15;
    bytes[EMPTY] = "";
    int32_t side = predictor->preprocess.crop;
    float *tensor = dogb_alloc(&memory, (size_t)side * (size_t)side * 3, sizeof *tensor);
    for (int32_t i = 0; i < side * side * 3; i++) {
        tensor[i] = sinf((float)i);
    }
    bytes[TENSOR] = tensor;
    sizes[TENSOR] = (size_t)side * (size_t)side * 3 * sizeof *tensor;
}

// Each picture alone, by the predictor.
static inline void expect(void) {
    uint8_t *picture = dogb_alloc(&memory, dogb_predictor_picture(predictor), 1);
    for (int i = 0; i <= TURNED; i++) {
        const dogb_encoded in = {bytes[i], sizes[i], NULL, "x"};
        const dogb_batch batch = {.data = picture, .count = 1, .dtype = DOGB_DATA_U8};
        assert_ok(dogb_predictor_decode(picture, NULL, predictor, &memory, &in));
        assert_ok(predictor->engine->infer(predictor->net, &batch, expected[i]));
    }
    const dogb_batch batch = {.data = bytes[TENSOR], .count = 1, .dtype = DOGB_DATA_F32};
    assert_ok(predictor->engine->infer(predictor->net, &batch, expected[TENSOR]));
}

static inline int set_up(void **state) {
    (void)scratch_make(state);
    dogbreed_predictor_options own;
    model = make_tiny(CLASSES);
    assert_ok(dogbreed_predictor_options_init(&own, sizeof own));
    own.engine = "ref";
    own.threads = 2;
    assert_ok(dogbreed_predictor_create_from_model(&predictor, model, &own));
    read_pictures();
    expect();
    return 0;
}

static inline int tear_down(void **state) {
    dogbreed_predictor_destroy(predictor);
    dogbreed_model_destroy(model);
    dogb_arena_free(&memory);
    return scratch_remove(state);
}

// --- requests

typedef struct request {
    dogb_work work;
    dogb_item items[PICTURES_MAX * 4];
    float logits[PICTURES_MAX * 4][CLASSES];
    int files[PICTURES_MAX * 4];
    pthread_mutex_t lock; // guards what follows
    pthread_cond_t changed;
    int answers;
    int held; // done does not return
    int order;
} request;

static int answered; // requests so far, in their order; under the lock of `counter`
static pthread_mutex_t counter = PTHREAD_MUTEX_INITIALIZER;

static inline void on_done(dogb_work *work, void *userdata) {
    request *r = userdata;
    assert_ptr_equal(work, &r->work);
    (void)pthread_mutex_lock(&counter);
    int order = answered++;
    (void)pthread_mutex_unlock(&counter);
    (void)pthread_mutex_lock(&r->lock);
    r->order = order;
    r->answers++;
    (void)pthread_cond_broadcast(&r->changed);
    while (r->held) {
        (void)pthread_cond_wait(&r->changed, &r->lock);
    }
    (void)pthread_mutex_unlock(&r->lock);
}

static inline void make_request(request *r, const int *files, int count) {
    memset(r, 0, sizeof *r);
    (void)pthread_mutex_init(&r->lock, NULL);
    (void)pthread_cond_init(&r->changed, NULL);
    r->work.items = r->items;
    r->work.count = count;
    r->work.done = on_done;
    r->work.userdata = r;
    for (int i = 0; i < count; i++) {
        r->files[i] = files[i];
        r->items[i].kind = files[i] == TENSOR ? DOGB_ITEM_TENSOR : DOGB_ITEM_ENCODED;
        r->items[i].bytes = bytes[files[i]];
        r->items[i].size = sizes[files[i]];
        r->items[i].logits = r->logits[i];
        r->logits[i][0] = NAN;
    }
}

static inline void make_one(request *r, int file) {
    make_request(r, &file, 1);
}

static inline void wait_answer(request *r) {
    (void)pthread_mutex_lock(&r->lock);
    while (r->answers == 0) {
        (void)pthread_cond_wait(&r->changed, &r->lock);
    }
    (void)pthread_mutex_unlock(&r->lock);
}

static inline void let_go(request *r) {
    (void)pthread_mutex_lock(&r->lock);
    r->held = 0;
    (void)pthread_cond_broadcast(&r->changed);
    (void)pthread_mutex_unlock(&r->lock);
}

static inline void end_request(request *r) {
    (void)pthread_cond_destroy(&r->changed);
    (void)pthread_mutex_destroy(&r->lock);
}

static inline int rc_of(int file) {
    return file == DAMAGED || file == EMPTY ? DOGBREED_ERROR_FORMAT
           : file == FOREIGN                ? DOGBREED_ERROR_UNSUPPORTED
                                            : DOGBREED_OK;
}

// 0 when everything is as it is for each picture alone.
static inline int wrong(const request *r) {
    int failures = r->answers != 1;
    for (int32_t i = 0; i < r->work.count; i++) {
        const dogb_item *item = &r->items[i];
        int file = r->files[i];
        failures += item->rc != rc_of(file);
        failures += (item->message[0] != '\0') != (item->rc != 0);
        failures += item->warnings != (file == TURNED ? DOGB_ITEM_EXIF_IGNORED : 0);
        failures +=
            item->rc == 0 && memcmp(item->logits, expected[file], sizeof expected[file]) != 0;
        failures += item->rc != 0 && !isnan(item->logits[0]); // nobody has written there
        failures += item->picture != NULL;
    }
    return failures;
}

static inline dogb_batcher *start(int32_t batch_size, int32_t queue_max, double delay,
                                  int32_t workers) {
    dogb_batcher *batcher = NULL;
    const dogb_batcher_conf conf = {
        .batch_size = batch_size, .queue_max = queue_max, .delay_s = delay, .workers = workers};
    assert_ok(dogb_batcher_create(&batcher, predictor, &conf));
    return batcher;
}

// A batcher whose only worker does not come back from `r`.
static inline dogb_batcher *start_held(request *r, int32_t queue_max) {
    dogb_batcher *batcher = start(4, queue_max, 0.0, 1);
    make_one(r, 0);
    r->held = 1;
    assert_ok(dogb_batcher_submit(batcher, &r->work));
    wait_answer(r);
    return batcher;
}

#endif
