// loader.c - the ring between the threads that prepare pictures and the one that takes batches.
//
// Position p of the order belongs to batch p / batch_size, which lives in slot (batch % slots).
// Threads take positions in order, as long as their batch has a slot; next() waits for the oldest
// batch, so what is delivered does not depend on who prepared it. Unreadable files are judged in
// next(), in order: the result of a run with bad files does not depend on the threads either.
#include "dataset/loader.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "core/span.h"
#include "core/thread.h"
#include "dataset/loader_worker.h"

#include <stdio.h>
#include <string.h>

enum {
    BATCH_MAX = 65536,
    SIDE_MAX = 4096 // of the pictures delivered
};

typedef struct failure { // of one picture
    int32_t code;        // 0: none
    char text[508];
} failure;

typedef struct slot {
    uint8_t *pixels;
    int32_t *labels;
    int64_t *samples;
    failure *failures;
    int32_t done; // pictures finished, of `size_of_batch`; guarded by lock
} slot;

struct dogb_loader {
    dogb_arena arena;
    dogbreed_dataset *dataset; // retained
    dogb_loader_conf conf;     // order NULL: every sample
    dogb_image_limits limits;
    dogb_preprocess preprocess;
    size_t picture_bytes;
    int64_t batches;
    int32_t slot_count;
    slot *slots;
    pthread_t *threads;
    dogb_loader_worker *workers;
    int32_t started;

    pthread_mutex_t lock; // guards what follows
    pthread_cond_t room;  // a slot became free, or stop
    pthread_cond_t ready; // a picture was finished
    int64_t next;         // position to hand out
    int64_t released;     // batches that are given back by the consumer
    int stop;

    // Of the consumer's thread alone.
    int64_t delivered; // batches taken; the last one is in use by the caller
    int64_t bad;
    int64_t bad_max;
    double wait;
    dogb_error_state error; // code < 0: next() has failed and goes on failing
};

static int64_t sample_at(const dogb_loader *loader, int64_t position) {
    return loader->conf.order == NULL ? position : loader->conf.order[position];
}

static int32_t batch_count(const dogb_loader *loader, int64_t batch) {
    int64_t left = loader->conf.count - batch * loader->conf.batch_size;
    return left < loader->conf.batch_size ? (int32_t)left : loader->conf.batch_size;
}

// Waits for a position that has a slot. -1: there is nothing left to do.
static int64_t take(dogb_loader *loader) {
    int64_t position = -1;
    (void)pthread_mutex_lock(&loader->lock);
    while (!loader->stop && loader->next < loader->conf.count &&
           loader->next / loader->conf.batch_size >= loader->released + loader->slot_count) {
        (void)pthread_cond_wait(&loader->room, &loader->lock);
    }
    if (!loader->stop && loader->next < loader->conf.count) {
        position = loader->next++;
    }
    (void)pthread_mutex_unlock(&loader->lock);
    return position;
}

static void finish(dogb_loader *loader, slot *s, int64_t batch) {
    (void)pthread_mutex_lock(&loader->lock);
    s->done++;
    if (s->done == batch_count(loader, batch)) {
        (void)pthread_cond_signal(&loader->ready);
    }
    (void)pthread_mutex_unlock(&loader->lock);
}

static void *run(void *pointer) {
    dogb_loader_worker *worker = pointer;
    dogb_loader *loader = worker->loader;
    for (int64_t position = take(loader); position >= 0; position = take(loader)) {
        int64_t batch = position / loader->conf.batch_size;
        int64_t place = position % loader->conf.batch_size;
        slot *s = &loader->slots[batch % loader->slot_count];
        int64_t sample = sample_at(loader, position);
        s->samples[place] = sample;
        s->labels[place] = dogb_dataset_label(loader->dataset, sample);
        int rc =
            dogb_loader_prepare(worker, s->pixels + (size_t)place * loader->picture_bytes, sample);
        s->failures[place].code = rc;
        if (rc < 0) {
            (void)snprintf(s->failures[place].text, sizeof s->failures[place].text, "%s",
                           dogbreed_error_message());
        }
        finish(loader, s, batch);
    }
    return NULL;
}

static int make_slots(dogb_loader *loader) {
    size_t size = (size_t)loader->conf.batch_size;
    // One batch is in the caller's hands; the others keep every thread busy meanwhile, with one
    // more to smooth out large pictures.
    int32_t busy = (loader->conf.threads + loader->conf.batch_size - 1) / loader->conf.batch_size;
    loader->slot_count = busy + 2;
    loader->slots = dogb_alloc(&loader->arena, (size_t)loader->slot_count, sizeof *loader->slots);
    for (int32_t i = 0; loader->slots != NULL && i < loader->slot_count; i++) {
        slot *s = &loader->slots[i];
        s->pixels = dogb_alloc_raw(&loader->arena, size, loader->picture_bytes);
        s->labels = dogb_alloc(&loader->arena, size, sizeof *s->labels);
        s->samples = dogb_alloc(&loader->arena, size, sizeof *s->samples);
        s->failures = dogb_alloc_raw(&loader->arena, size, sizeof *s->failures);
        if (s->pixels == NULL || s->labels == NULL || s->samples == NULL || s->failures == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    return loader->slots == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

static int start(dogb_loader *loader) {
    size_t count = (size_t)loader->conf.threads;
    loader->threads = dogb_alloc(&loader->arena, count, sizeof *loader->threads);
    loader->workers = dogb_alloc(&loader->arena, count, sizeof *loader->workers);
    if (loader->threads == NULL || loader->workers == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; i < loader->conf.threads; i++) {
        loader->workers[i] = (dogb_loader_worker){.loader = loader,
                                                  .conf = &loader->conf,
                                                  .dataset = loader->dataset,
                                                  .limits = &loader->limits,
                                                  .preprocess = &loader->preprocess};
        int rc = dogb_thread_start(&loader->threads[i], run, &loader->workers[i]);
        if (rc < 0) {
            // Fewer threads are slower, not wrong; none at all cannot work.
            return i == 0 ? rc : DOGBREED_OK;
        }
        loader->started++;
    }
    return DOGBREED_OK;
}

static int copy_conf(dogb_loader *loader, const dogb_loader_conf *conf) {
    loader->conf = *conf;
    loader->dataset = dogb_dataset_retain(conf->dataset);
    loader->preprocess = *conf->preprocess;
    loader->conf.preprocess = &loader->preprocess;
    loader->conf.order = NULL;
    dogb_dataset_limits(&loader->limits, conf->dataset);
    if (conf->order == NULL) {
        loader->conf.count = dogbreed_dataset_size(conf->dataset);
    } else {
        int64_t *order = dogb_alloc(&loader->arena, (size_t)conf->count, sizeof *order);
        if (order == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        for (int64_t i = 0; i < conf->count; i++) {
            DOGB_CHECK(conf->order[i] >= 0 && conf->order[i] < dogbreed_dataset_size(conf->dataset),
                       "loader: sample %lld, expected 0 to %lld", (long long)conf->order[i],
                       (long long)dogbreed_dataset_size(conf->dataset) - 1);
            order[i] = conf->order[i];
        }
        loader->conf.order = order;
    }
    loader->batches = (loader->conf.count + conf->batch_size - 1) / conf->batch_size;
    loader->picture_bytes = (size_t)conf->preprocess->crop * (size_t)conf->preprocess->crop * 3;
    int64_t population = conf->population > 0 ? conf->population : loader->conf.count;
    loader->bad_max =
        (int64_t)(dogb_dataset_options(conf->dataset)->bad_fraction * (double)population);
    return conf->cache == NULL ? DOGBREED_OK
                               : dogb_decoded_cache_bind(conf->cache, conf->dataset,
                                                         conf->preprocess->exif_orientation);
}

static int make_locks(dogb_loader *loader) {
    if (pthread_mutex_init(&loader->lock, NULL) == 0) {
        if (pthread_cond_init(&loader->room, NULL) == 0) {
            if (pthread_cond_init(&loader->ready, NULL) == 0) {
                return DOGBREED_OK;
            }
            (void)pthread_cond_destroy(&loader->room);
        }
        (void)pthread_mutex_destroy(&loader->lock);
    }
    return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "a lock cannot be made");
}

int dogb_loader_create(dogb_loader **out, const dogb_loader_conf *conf) {
    *out = NULL;
    DOGB_CHECK(conf->dataset != NULL && conf->preprocess != NULL,
               "loader: data set and preprocessing are needed");
    DOGB_CHECK(conf->batch_size >= 1 && conf->batch_size <= BATCH_MAX,
               "batch_size: %d is out of range, expected 1 to %d", (int)conf->batch_size,
               (int)BATCH_MAX);
    DOGB_CHECK(conf->threads >= 1 && conf->threads <= 256,
               "threads: %d is out of range, expected 1 to 256", (int)conf->threads);
    DOGB_CHECK(conf->count >= 0, "loader: count is negative");
    DOGB_CHECK(conf->preprocess->crop >= 1 && conf->preprocess->crop <= SIDE_MAX,
               "crop: %d is out of range, expected 1 to %d", (int)conf->preprocess->crop,
               (int)SIDE_MAX);
    dogb_loader *loader = dogb_malloc(1, sizeof *loader);
    if (loader == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = make_locks(loader);
    if (rc < 0) {
        dogb_free(loader);
        return rc;
    }
    if ((rc = copy_conf(loader, conf)) < 0 || (rc = make_slots(loader)) < 0 ||
        (rc = start(loader)) < 0) {
        dogb_loader_destroy(loader);
        return rc;
    }
    *out = loader;
    return DOGBREED_OK;
}

void dogb_loader_destroy(dogb_loader *loader) {
    if (loader == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&loader->lock);
    loader->stop = 1;
    (void)pthread_cond_broadcast(&loader->room);
    (void)pthread_mutex_unlock(&loader->lock);
    for (int32_t i = 0; i < loader->started; i++) {
        (void)pthread_join(loader->threads[i], NULL);
        dogb_arena_free(&loader->workers[i].arena);
    }
    (void)pthread_cond_destroy(&loader->ready);
    (void)pthread_cond_destroy(&loader->room);
    (void)pthread_mutex_destroy(&loader->lock);
    dogbreed_dataset_destroy(loader->dataset);
    dogb_arena_free(&loader->arena);
    dogb_free(loader);
}

// Gives the caller's batch back to the threads and waits for the next one.
static slot *await(dogb_loader *loader) {
    slot *s = &loader->slots[loader->delivered % loader->slot_count];
    int32_t size = batch_count(loader, loader->delivered);
    (void)pthread_mutex_lock(&loader->lock);
    if (loader->delivered > 0) {
        loader->slots[(loader->delivered - 1) % loader->slot_count].done = 0;
        loader->released = loader->delivered;
        (void)pthread_cond_broadcast(&loader->room);
    }
    if (s->done < size) {
        double began = dogb_clock();
        while (s->done < size) {
            (void)pthread_cond_wait(&loader->ready, &loader->lock);
        }
        loader->wait += dogb_clock() - began;
    }
    (void)pthread_mutex_unlock(&loader->lock);
    return s;
}

static int is_tolerable(int code) {
    return code == DOGBREED_ERROR_FORMAT || code == DOGBREED_ERROR_UNSUPPORTED ||
           code == DOGBREED_ERROR_IO || code == DOGBREED_ERROR_NOT_FOUND;
}

// A picture that could not be prepared: warned about, or the end of the run.
static int judge(dogb_loader *loader, const failure *f) {
    if (!is_tolerable(f->code)) {
        return dogb_fail(f->code, "%s", f->text);
    }
    loader->bad++;
    if (loader->bad > loader->bad_max) {
        return loader->bad_max == 0
                   ? dogb_fail(f->code, "%s", f->text)
                   : dogb_fail(f->code,
                               "%s; it is unreadable file %lld, bad_fraction %g tolerates %lld",
                               f->text, (long long)loader->bad,
                               dogb_dataset_options(loader->dataset)->bad_fraction,
                               (long long)loader->bad_max);
    }
    dogb_log(DOGBREED_LOG_WARNING, "left out: %s", f->text);
    return DOGBREED_OK;
}

// Closes the gaps that unreadable pictures leave; *count is what remains.
static int compact(dogb_loader *loader, slot *s, int32_t size, int32_t *count) {
    *count = 0;
    for (int32_t i = 0; i < size; i++) {
        if (s->failures[i].code < 0) {
            int rc = judge(loader, &s->failures[i]);
            if (rc < 0) {
                return rc;
            }
            continue;
        }
        if (*count < i) {
            memcpy(s->pixels + (size_t)*count * loader->picture_bytes,
                   s->pixels + (size_t)i * loader->picture_bytes, loader->picture_bytes);
            s->labels[*count] = s->labels[i];
            s->samples[*count] = s->samples[i];
        }
        (*count)++;
    }
    return DOGBREED_OK;
}

static int next(dogb_loader *loader, dogb_loader_batch *out) {
    memset(out, 0, sizeof *out);
    if (loader->error.code < 0) {
        return dogb_error_restore(&loader->error);
    }
    while (loader->delivered < loader->batches) {
        int32_t count = 0;
        int32_t size = batch_count(loader, loader->delivered);
        slot *s = await(loader);
        loader->delivered++;
        int rc = compact(loader, s, size, &count);
        if (rc < 0) {
            dogb_error_save(&loader->error, rc);
            return rc;
        }
        if (count > 0) { // else every file of it was bad
            *out = (dogb_loader_batch){
                .pixels = s->pixels, .labels = s->labels, .samples = s->samples, .count = count};
            return 1;
        }
    }
    return 0;
}

int dogb_loader_next(dogb_loader *loader, dogb_loader_batch *out) {
    uint64_t span = dogb_span_begin(DOGB_SPAN_WAIT);
    int rc = next(loader, out);
    dogb_span_end(DOGB_SPAN_WAIT, span, out->count);
    return rc;
}

int64_t dogb_loader_bad_count(const dogb_loader *loader) {
    return loader->bad;
}

double dogb_loader_wait_seconds(const dogb_loader *loader) {
    return loader->wait;
}
