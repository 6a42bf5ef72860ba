// worker.c - what a worker does: reads one body or decodes one picture, computes one batch.
#include "serve/batcher_struct.h"
#include "core/error.h"
#include "core/span.h"
#include "predictor/topk.h"

#include <string.h>

// Decoders keep their memory for the next picture, but not that of a huge one.
enum { PIXELS_KEPT = 16 * 1000 * 1000 };

static const char *const item_name = "picture";

static int check_tensor(const dogb_batcher *b, const dogb_item *item) {
    size_t side = (size_t)b->facts.side;
    size_t size = side * side * 3 * sizeof(float);
    DOGB_CHECK(item->size == size, "tensor: %zu bytes, expected %zu (float32, 3 x %zu x %zu)",
               item->size, size, side, side);
    return DOGBREED_OK;
}

static int decode_picture(dogb_worker *own, dogb_item *item) {
    dogb_batcher *b = own->batcher;
    const dogb_encoded in = {item->bytes, item->size, &item->crop, item_name};
    dogb_decoded facts = {0};
    if (item->picture == NULL) {
        item->picture = dogb_malloc(dogb_predictor_picture(b->predictor), 1);
        if (item->picture == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    int rc = dogb_predictor_decode(item->picture, &facts, b->predictor, &own->decoder, &in);
    if (facts.pixels > PIXELS_KEPT) {
        dogb_arena_free(&own->decoder);
    }
    item->warnings = facts.turned ? DOGB_ITEM_EXIF_IGNORED : 0;
    return rc;
}

// Memory of decoded pictures is kept for the next ones: a list through its first bytes.
uint8_t *dogb_batcher_spare(dogb_batcher *b) {
    uint8_t *picture = b->spare;
    if (picture != NULL) {
        memcpy(&b->spare, picture, sizeof b->spare);
    }
    return picture;
}

static void give_spare(dogb_batcher *b, dogb_item *item) {
    if (item->picture != NULL) {
        memcpy(item->picture, &b->spare, sizeof b->spare);
        b->spare = item->picture;
        item->picture = NULL;
    }
}

// The pictures of a body queue up behind the others. Nobody else has its work meanwhile.
static void prepare(dogb_worker *own, dogb_item *body, uint64_t now) {
    dogb_batcher *b = own->batcher;
    dogb_work *work = body->work;
    b->decoding++;
    dogb_batcher_wake_useful(b, now);
    (void)pthread_mutex_unlock(&b->lock);
    int rc = work->prepare(work);
    if (rc < 0) {
        dogb_item_result(body, rc);
    }
    (void)pthread_mutex_lock(&b->lock);
    b->decoding--;
    if (rc < 0) {
        dogb_batcher_settle(b, body);
        return;
    }
    now = dogb_span_now();
    dogb_work_begin(work, now);
    dogb_queue_add(&b->queue, work);
    b->queue.cancelled |= work->cancelled;
    dogb_batcher_wake_useful(b, now);
}

void dogb_worker_decode(dogb_worker *own, uint64_t now) {
    dogb_batcher *b = own->batcher;
    dogb_item *item = dogb_queue_take(&b->queue);
    int rc = dogb_item_dropped(item, now);
    if (rc == DOGBREED_OK && item->kind == DOGB_ITEM_BODY) {
        prepare(own, item, now);
        return;
    }
    if (rc == DOGBREED_OK) {
        b->decoding++;
        item->picture = item->kind == DOGB_ITEM_TENSOR ? NULL : dogb_batcher_spare(b);
        dogb_batcher_wake_useful(b, now);
        (void)pthread_mutex_unlock(&b->lock);
        item->queue_ns = now - item->since;
        rc = item->kind == DOGB_ITEM_TENSOR ? check_tensor(b, item) : decode_picture(own, item);
        if (rc < 0) {
            dogb_item_result(item, rc);
        }
        item->since = dogb_span_now();
        item->decode_ns = item->since - now;
        (void)pthread_mutex_lock(&b->lock);
        b->decoding--;
    }
    if (rc < 0) {
        give_spare(b, item);
        dogb_batcher_settle(b, item);
        return;
    }
    item->next = NULL;
    *b->ready_end = item;
    b->ready_end = &item->next;
    b->ready_count++;
}

// Up to `count` decoded pictures of one kind, the oldest first.
static int32_t take_batch(dogb_worker *own, int32_t count) {
    dogb_batcher *b = own->batcher;
    const int32_t kind = b->ready->kind;
    int32_t taken = 0;
    dogb_item **link = &b->ready;
    while (*link != NULL && taken < count) {
        dogb_item *item = *link;
        if (item->kind == kind) {
            *link = item->next;
            own->items[taken++] = item;
        } else {
            link = &item->next;
        }
    }
    if (*link == NULL) {
        b->ready_end = link;
    }
    b->ready_count -= taken;
    return taken;
}

// Brings those that are still wanted to the front; returns how many.
static int32_t keep_wanted(dogb_item **items, int32_t count, uint64_t now) {
    int32_t wanted = 0;
    for (int32_t i = 0; i < count; i++) {
        dogb_item *item = items[i];
        item->queue_ns += now - item->since;
        if (dogb_item_dropped(item, now) == DOGBREED_OK) {
            items[i] = items[wanted];
            items[wanted++] = item;
        }
    }
    return wanted;
}

static int reserve(dogb_worker *own, size_t size) {
    if (size > own->size) {
        dogb_release(&own->arena, own->memory);
        own->memory = dogb_alloc_raw(&own->arena, size, 1);
        own->size = own->memory == NULL ? 0 : size;
    }
    return own->memory == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

static void give_logits(dogb_item *item, const float *logits, int32_t classes) {
    int rc = dogb_logits_check(logits, classes);
    if (rc == DOGBREED_OK) {
        memcpy(item->logits, logits, (size_t)classes * sizeof *logits);
    }
    dogb_item_result(item, rc);
}

static int infer(dogb_worker *own, int32_t count, int32_t threads) {
    dogb_batcher *b = own->batcher;
    const int tensor = own->items[0]->kind == DOGB_ITEM_TENSOR;
    size_t picture = dogb_predictor_picture(b->predictor) * (tensor ? sizeof(float) : 1);
    size_t logits = ((size_t)count * (size_t)b->facts.classes * sizeof(float) + 63) / 64 * 64;
    int rc = reserve(own, logits + (size_t)count * picture);
    if (rc < 0) {
        return rc;
    }
    dogb_batch batch = {.count = count, .dtype = tensor ? DOGB_DATA_F32 : DOGB_DATA_U8};
    batch.data = own->items[0]->picture;
    if (count > 1 || tensor) { // side by side, and aligned
        batch.data = own->memory + logits;
        for (int32_t i = 0; i < count; i++) {
            const dogb_item *item = own->items[i];
            memcpy(own->memory + logits + (size_t)i * picture, tensor ? item->bytes : item->picture,
                   picture);
        }
    }
    return dogb_predictor_logits((float *)(void *)own->memory, b->predictor, &batch, threads);
}

static void compute_batch(dogb_worker *own, int32_t count, int32_t threads) {
    const dogb_batcher *b = own->batcher;
    uint64_t begin = dogb_span_now();
    int rc = infer(own, count, threads);
    uint64_t end = dogb_span_now();
    for (int32_t i = 0; i < count; i++) {
        dogb_item *item = own->items[i];
        item->model_ns = end - begin;
        item->batch = count;
        if (rc < 0) {
            dogb_item_result(item, rc);
        } else {
            give_logits(item,
                        (const float *)(const void *)own->memory +
                            (size_t)i * (size_t)b->facts.classes,
                        b->facts.classes);
        }
    }
}

void dogb_worker_compute(dogb_worker *own, int32_t count, uint64_t now) {
    dogb_batcher *b = own->batcher;
    count = take_batch(own, count);
    int32_t wanted = keep_wanted(own->items, count, now);
    b->computing++;
    dogb_batcher_wake_useful(b, now);
    int32_t threads = dogb_batcher_threads(b);
    (void)pthread_mutex_unlock(&b->lock);
    if (wanted > 0) {
        compute_batch(own, wanted, threads);
    }
    (void)pthread_mutex_lock(&b->lock);
    b->computing--;
    for (int32_t i = 0; i < count; i++) {
        give_spare(b, own->items[i]);
    }
    dogb_batcher_wake_useful(b, now);
    for (int32_t i = 0; i < count; i++) {
        dogb_batcher_settle(b, own->items[i]);
    }
}
