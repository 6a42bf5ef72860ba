// source.c - batches in the order of an epoch. With a frozen backbone they are rows of the feature
// store, gathered into one buffer; else pictures from the loader's threads. The order depends on
// seed and epoch alone, so an epoch can be entered anywhere.
#include "trainer/source.h"
#include "core/error.h"
#include "core/rng.h"
#include "core/span.h"

#include <string.h>

struct dogb_source {
    dogb_source_conf conf;
    int64_t *samples; // indices of readable samples, in the dataset's order
    int64_t *order;   // the same in the order of the running epoch
    int64_t count;
    int64_t next; // of order
    int32_t epoch;
    int32_t width; // floats per feature row
    float *rows;   // [batch_size, width]
    int32_t *labels;
    dogb_loader *loader; // of the running epoch
    dogb_decoded_cache *cache;
};

static void destroy(void *pointer) {
    dogb_source *source = pointer;
    dogb_loader_destroy(source->loader);
    dogb_decoded_cache_destroy(source->cache);
    dogb_feature_destroy(source->conf.feature);
}

static int is_in_part(const dogb_source_conf *conf, int64_t sample) {
    int own = conf->part != DOGB_FOLD_ALL && conf->fold->numbers[sample] == conf->fold->number;
    return conf->part == DOGB_FOLD_ALL || own == (conf->part == DOGB_FOLD_OWN);
}

// A sample whose file could not be read has no row; the store has warned of it already.
static int64_t collect(dogb_source *source) {
    int64_t size = dogbreed_dataset_size(source->conf.dataset);
    int64_t count = 0;
    for (int64_t i = 0; i < size; i++) {
        int there =
            source->conf.feature == NULL || dogb_feature_row(source->conf.feature, i, 0) != NULL;
        if (there && is_in_part(&source->conf, i)) {
            source->samples[count++] = i;
        }
    }
    return count;
}

int dogb_source_create(dogb_source **out, dogb_arena *arena, const dogb_source_conf *conf) {
    *out = NULL;
    dogb_source *source = dogb_alloc(arena, 1, sizeof *source);
    if (source == NULL) {
        dogb_feature_destroy(conf->feature);
        return DOGBREED_ERROR_NO_MEMORY;
    }
    source->conf = *conf;
    int rc = dogb_defer(arena, destroy, source);
    if (rc < 0) {
        return rc;
    }
    size_t size = (size_t)dogbreed_dataset_size(conf->dataset);
    size_t batch = (size_t)conf->batch_size;
    source->samples = dogb_alloc_raw(arena, size, sizeof *source->samples);
    source->order = dogb_alloc_raw(arena, size, sizeof *source->order);
    source->labels = dogb_alloc_raw(arena, batch, sizeof *source->labels);
    if (source->samples == NULL || source->order == NULL || source->labels == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (conf->feature != NULL) {
        source->width = dogb_feature_size(conf->feature);
        source->rows = dogb_alloc_raw(arena, batch * (size_t)source->width, sizeof(float));
        if (source->rows == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    } else if (conf->cache_bytes > 0) {
        rc = dogb_decoded_cache_create(&source->cache, conf->cache_bytes, (int64_t)size);
        if (rc < 0) {
            return rc;
        }
    }
    source->count = collect(source);
    if (source->count == 0) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: no readable picture in the %s split",
                         dogb_dataset_root(conf->dataset), dogb_dataset_split_name(conf->dataset));
    }
    *out = source;
    return DOGBREED_OK;
}

int64_t dogb_source_samples(const dogb_source *source) {
    return source->count;
}

int64_t dogb_source_steps(const dogb_source *source) {
    int64_t batch = source->conf.batch_size;
    return (source->count + batch - 1) / batch;
}

static void shuffle(dogb_source *source, int32_t epoch) {
    memcpy(source->order, source->samples, (size_t)source->count * sizeof *source->order);
    if (source->conf.shuffle) {
        dogb_rng rng;
        dogb_rng_init(&rng, source->conf.seed, DOGB_RNG_SHUFFLE, 0, (uint32_t)epoch);
        dogb_rng_shuffle(&rng, source->order, (size_t)source->count);
    }
    source->epoch = epoch;
}

int dogb_source_begin(dogb_source *source, int32_t epoch, int64_t cursor) {
    shuffle(source, epoch);
    source->next = cursor < source->count ? cursor : source->count;
    if (source->conf.feature != NULL) {
        return DOGBREED_OK;
    }
    dogb_loader_destroy(source->loader);
    source->loader = NULL;
    if (source->next == source->count) {
        return DOGBREED_OK;
    }
    dogb_loader_conf conf = {
        .dataset = source->conf.dataset,
        .preprocess = source->conf.preprocess,
        .order = source->order + source->next,
        .count = source->count - source->next,
        .seed = source->conf.seed,
        .batch_size = source->conf.batch_size,
        .threads = source->conf.loader_threads,
        .augment = source->conf.augment,
        .epoch = epoch,
        .cache = source->cache,
    };
    return dogb_loader_create(&source->loader, &conf);
}

int64_t dogb_source_cursor(const dogb_source *source) {
    return source->next;
}

// The view of a sample in the running epoch.
static int32_t view_of(const dogb_source *source, int64_t sample) {
    dogb_rng rng;
    if (source->conf.views < 2) {
        return 0;
    }
    dogb_rng_init(&rng, source->conf.seed, DOGB_RNG_VIEW, (uint64_t)sample,
                  (uint32_t)source->epoch);
    return (int32_t)dogb_rng_below(&rng, (uint64_t)source->conf.views);
}

static int next_rows(dogb_source *source, dogb_source_batch *out) {
    int32_t count = 0;
    size_t width = (size_t)source->width;
    uint64_t span = dogb_span_begin(DOGB_SPAN_WAIT);
    while (count < source->conf.batch_size && source->next < source->count) {
        int64_t sample = source->order[source->next++];
        const float *row = dogb_feature_row(source->conf.feature, sample, view_of(source, sample));
        if (row == NULL) {
            continue; // this view alone is missing
        }
        memcpy(source->rows + (size_t)count * width, row, width * sizeof *row);
        source->labels[count++] = dogb_dataset_label(source->conf.dataset, sample);
    }
    dogb_span_end(DOGB_SPAN_WAIT, span, count);
    out->input = (dogb_batch){.data = source->rows, .count = count, .dtype = DOGB_DATA_F32};
    out->labels = source->labels;
    return count > 0;
}

static int next_pictures(dogb_source *source, dogb_source_batch *out) {
    dogb_loader_batch batch = {0};
    int rc = source->loader == NULL ? 0 : dogb_loader_next(source->loader, &batch);
    if (rc > 0) {
        out->input =
            (dogb_batch){.data = batch.pixels, .count = batch.count, .dtype = DOGB_DATA_U8};
        out->labels = batch.labels;
        // The loader leaves unreadable files out: the last sample tells how far it has come.
        int64_t last = batch.samples[batch.count - 1];
        while (source->next < source->count && source->order[source->next++] != last) {
        }
    } else if (rc == 0) {
        source->next = source->count;
    }
    return rc;
}

int dogb_source_next(dogb_source *source, dogb_source_batch *out) {
    return source->conf.feature != NULL ? next_rows(source, out) : next_pictures(source, out);
}

static int read_floats(float *out, const dogb_bus_array *array) {
    size_t count = 1;
    for (int32_t i = 0; i < array->rank; i++) {
        count *= (size_t)array->shape[i];
    }
    memcpy(out, array->data, count * sizeof *out);
    return DOGBREED_OK;
}

static int read_pictures(float *out, const dogb_bus_array *array) {
    const dogb_preprocess *p = array->context;
    int32_t side = (int32_t)array->shape[2];
    size_t size = 3 * (size_t)side * (size_t)side;
    for (int64_t i = 0; i < array->shape[0]; i++) {
        dogb_normalize(out + (size_t)i * size, (const uint8_t *)array->data + (size_t)i * size,
                       side, p->mean, p->deviation);
    }
    return DOGBREED_OK;
}

static int read_labels(float *out, const dogb_bus_array *array) {
    const int32_t *labels = array->data;
    for (int64_t i = 0; i < array->shape[0]; i++) {
        out[i] = (float)labels[i];
    }
    return DOGBREED_OK;
}

void dogb_source_input(dogb_bus_array *out, const dogb_source *source,
                       const dogb_source_batch *batch) {
    int64_t count = batch->input.count;
    int64_t side = source->conf.preprocess->crop;
    *out = (dogb_bus_array){
        "input",           DOGBREED_TENSOR_INPUT,  4, {count, 3, side, side}, read_pictures,
        batch->input.data, source->conf.preprocess};
    if (source->conf.feature != NULL) {
        *out =
            (dogb_bus_array){"input",     DOGBREED_TENSOR_INPUT, 2,   {count, source->width, 0, 0},
                             read_floats, batch->input.data,     NULL};
    }
}

void dogb_source_labels(dogb_bus_array *out, int32_t what, const int32_t *labels, int64_t count) {
    const char *name = what == DOGBREED_TENSOR_LABEL ? "labels" : "predictions";
    *out = (dogb_bus_array){name, what, 1, {count, 0, 0, 0}, read_labels, labels, NULL};
}

static int64_t views_of(const dogb_source *source) {
    return source->conf.views < 1 ? 1 : source->conf.views;
}

int64_t dogb_source_rows(const dogb_source *source) {
    return dogbreed_dataset_size(source->conf.dataset) * views_of(source);
}

void dogb_source_table(const dogb_source *source, float *features, int32_t *labels) {
    int64_t views = views_of(source);
    size_t width = (size_t)source->width;
    for (int64_t i = 0; i < dogb_source_rows(source); i++) {
        float *to = features + (size_t)i * width;
        const float *row = dogb_feature_row(source->conf.feature, i / views, (int32_t)(i % views));
        if (row != NULL) {
            memcpy(to, row, width * sizeof *to);
        } else {
            memset(to, 0, width * sizeof *to);
        }
        labels[i] = dogb_dataset_label(source->conf.dataset, i / views);
    }
}

int64_t dogb_source_order(dogb_source *source, int32_t epoch, int64_t *order) {
    int64_t count = 0;
    shuffle(source, epoch);
    for (int64_t i = 0; i < source->count; i++) {
        int64_t sample = source->order[i];
        int32_t view = view_of(source, sample);
        if (dogb_feature_row(source->conf.feature, sample, view) != NULL) {
            order[count++] = sample * views_of(source) + view;
        }
    }
    return count;
}

dogb_feature *dogb_source_feature(const dogb_source *source) {
    return source->conf.feature;
}
