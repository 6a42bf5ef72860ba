// compute.c - the rows that are not in the store: pictures through the loader, batches of one fixed
// shape through the engine, segments into the store.
#include "core/error.h"
#include "core/log.h"
#include "core/span.h"
#include "core/thread.h"
#include "dataset/loader.h"
#include "feature/feature_struct.h"

#include <string.h>

enum {
    ROWS_MAX = 256,          // of a segment: what a kill may lose
    SEGMENT_BYTES = 16 << 20 // about; wide rows make segments of fewer rows
};

typedef struct work {
    dogb_arena arena;
    dogb_feature *feature;
    dogb_net *net;
    uint8_t *pixels; // a padded batch
    size_t picture;  // bytes
    dogb_row **rows; // pending
    dogb_row_key *keys;
    float *values;
    size_t pending;
    size_t pending_max; // a commit follows
} work;

static int make_work(work *w) {
    dogb_feature *f = w->feature;
    size_t side = (size_t)dogb_model_preprocess(f->conf.model)->crop;
    size_t floats = (size_t)f->floats;
    w->pending_max = SEGMENT_BYTES / (floats * sizeof(float));
    w->pending_max = w->pending_max > ROWS_MAX ? ROWS_MAX : w->pending_max < 1 ? 1 : w->pending_max;
    size_t capacity = w->pending_max + (size_t)f->batch;
    w->picture = side * side * 3;
    w->pixels = dogb_alloc(&w->arena, (size_t)f->batch, w->picture);
    w->rows = dogb_alloc(&w->arena, capacity, sizeof(dogb_row *));
    w->keys = dogb_alloc(&w->arena, capacity, sizeof *w->keys);
    w->values = dogb_alloc(&w->arena, capacity, floats * sizeof *w->values);
    if (w->pixels == NULL || w->rows == NULL || w->keys == NULL || w->values == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    dogb_net_conf conf = {.device = f->conf.device,
                          .mode = DOGB_NET_INFER,
                          .dtype = f->conf.dtype,
                          .threads = dogb_thread_count(f->conf.threads),
                          .deterministic = 1,
                          .batch_norm = DOGB_BN_FROZEN,
                          .batch_max = f->batch};
    return dogb_engine_net(&w->net, f->conf.engine, f->prefix.graph, f->prefix.weights, &conf);
}

static int keep_in_memory(dogb_feature *f, dogb_segment *out, const float *values, size_t count) {
    float *copy = dogb_alloc_raw(&f->arena, count, (size_t)f->floats * sizeof *copy);
    if (copy == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    memcpy(copy, values, count * (size_t)f->floats * sizeof *copy);
    out->rows = copy;
    return DOGBREED_OK;
}

// Pending rows become a segment, or memory when there is no store or no room in it.
static int commit(work *w) {
    dogb_feature *f = w->feature;
    dogb_segment segment = {0};
    int rc = DOGBREED_OK;
    if (w->pending == 0) {
        return rc;
    }
    if (f->stored) {
        rc = dogb_store_commit(&f->store, &segment, w->keys, w->values, w->pending);
        if (rc == DOGBREED_ERROR_NO_MEMORY) {
            return rc;
        }
        if (rc <= 0) { // a full disk must not end a run: it goes on without keeping
            dogb_log(DOGBREED_LOG_WARNING, "feature store: rows are not kept: %s",
                     rc < 0 ? dogbreed_error_message() : "its size bound is reached");
            f->stored = 0;
        }
    }
    if (rc <= 0 && (rc = keep_in_memory(f, &segment, w->values, w->pending)) < 0) {
        return rc;
    }
    for (size_t i = 0; i < w->pending; i++) {
        w->rows[i]->data = segment.rows + i * (size_t)f->floats;
    }
    w->pending = 0;
    return DOGBREED_OK;
}

static dogb_row *row_of(const dogb_feature *f, int64_t sample, int32_t view) {
    return f->by_sample[sample * f->views + view];
}

static int add_batch(work *w, const dogb_loader_batch *in, int32_t view) {
    dogb_feature *f = w->feature;
    dogb_batch batch = {.data = in->pixels, .count = f->batch, .dtype = DOGB_DATA_U8};
    if (in->count < f->batch) { // black pictures fill the shape; their rows are dropped
        size_t used = (size_t)in->count * w->picture;
        memcpy(w->pixels, in->pixels, used);
        memset(w->pixels + used, 0, (size_t)f->batch * w->picture - used);
        batch.data = w->pixels;
    }
    float *values = w->values + w->pending * (size_t)f->floats;
    uint64_t span = dogb_span_begin(DOGB_SPAN_FORWARD);
    int rc = dogb_engine_result(f->conf.engine, f->conf.engine->infer(w->net, &batch, values),
                                "features");
    dogb_span_end(DOGB_SPAN_FORWARD, span, in->count);
    if (rc < 0) {
        return rc;
    }
    for (int32_t i = 0; i < in->count; i++) {
        dogb_row *row = row_of(f, in->samples[i], view);
        w->rows[w->pending] = row;
        w->keys[w->pending++] = row->key;
    }
    f->computed += in->count;
    f->done += in->count;
    if (w->pending >= w->pending_max && (rc = commit(w)) < 0) {
        return rc;
    }
    if (f->conf.progress != NULL &&
        f->conf.progress(f->done, (int64_t)f->rows.count, f->conf.userdata) != 0) {
        return dogb_fail(DOGBREED_ERROR_CANCELLED, "features: stopped after %lld of %zu rows",
                         (long long)f->done, f->rows.count);
    }
    return DOGBREED_OK;
}

// All missing rows of one view.
static int compute_view(work *w, int64_t *order, int32_t view) {
    dogb_feature *f = w->feature;
    dogb_loader *loader = NULL;
    dogb_loader_batch batch;
    int64_t count = 0;
    for (int64_t i = 0; i < f->samples; i++) {
        const dogb_row *row = row_of(f, i, view);
        if (row->data == NULL && row->sample == i) {
            order[count++] = i;
        }
    }
    if (count == 0) {
        return DOGBREED_OK;
    }
    dogb_loader_conf conf = {.dataset = f->conf.dataset,
                             .preprocess = dogb_model_preprocess(f->conf.model),
                             .order = order,
                             .count = count,
                             .seed = f->conf.seed,
                             .batch_size = f->batch,
                             .threads = dogb_thread_count(f->conf.loader_threads),
                             .augment = f->conf.views > 0,
                             .epoch = f->conf.views > 0 ? view + 1 : 0,
                             // Bad files are never in the store: only few others may be missing.
                             .population = f->samples};
    int rc = dogb_loader_create(&loader, &conf);
    while (rc == DOGBREED_OK && (rc = dogb_loader_next(loader, &batch)) > 0) {
        rc = add_batch(w, &batch, view);
    }
    dogb_loader_destroy(loader);
    return rc;
}

int dogb_feature_compute(dogb_feature *feature) {
    work w = {.feature = feature};
    dogb_error_state failure;
    int64_t *order = dogb_alloc(&w.arena, (size_t)feature->samples + 1, sizeof *order);
    int rc = order == NULL ? DOGBREED_ERROR_NO_MEMORY : make_work(&w);
    for (int32_t view = 0; rc == DOGBREED_OK && view < feature->views; view++) {
        rc = compute_view(&w, order, view);
    }
    if (rc < 0) { // what is done stays done
        dogb_error_save(&failure, rc);
        (void)commit(&w);
        rc = dogb_error_restore(&failure);
    } else {
        rc = commit(&w);
    }
    if (w.net != NULL) {
        feature->conf.engine->net_destroy(w.net);
    }
    dogb_arena_free(&w.arena);
    return rc;
}
