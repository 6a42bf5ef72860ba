// feature.c - opening a feature set for a data set: which rows are wanted, which are there, and the
// rest computed.
#include "core/error.h"
#include "core/log.h"
#include "core/thread.h"
#include "feature/feature_struct.h"

#include <string.h>

// The wanted rows, in the order of views and samples.
static int list_rows(dogb_feature *f) {
    const dogb_sha256 *hashes = NULL;
    size_t wanted = 0;
    int rc = dogb_dataset_hashes(&hashes, f->conf.dataset, f->conf.loader_threads);
    if (rc < 0) {
        return rc;
    }
    if (__builtin_mul_overflow((size_t)f->samples, (size_t)f->views, &wanted)) {
        return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "out of memory: %lld images in %d views",
                         (long long)f->samples, (int)f->views);
    }
    f->by_sample = dogb_alloc(&f->arena, wanted + 1, sizeof(dogb_row *));
    if (f->by_sample == NULL || (rc = dogb_rows_init(&f->rows, &f->arena, wanted)) < 0) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t view = 0; view < f->views; view++) {
        for (int64_t i = 0; i < f->samples; i++) {
            dogb_row_key key = {.image = hashes[i]};
            if (f->conf.views > 0) {
                key.sample = (uint64_t)i;
                key.view = (uint32_t)view + 1;
            }
            f->by_sample[i * f->views + view] = dogb_rows_add(&f->rows, &key, i);
        }
    }
    return DOGBREED_OK;
}

static void take_segment(dogb_feature *f, const dogb_segment *segment) {
    for (size_t i = 0; i < segment->count; i++) {
        dogb_row *row = dogb_rows_find(&f->rows, &segment->keys[i]);
        if (row != NULL && row->data == NULL) {
            row->data = segment->rows + i * (size_t)f->floats;
            f->done++;
        }
    }
}

static int find_root(char **out, dogb_feature *f) {
    const char *given = f->conf.cache_dir;
    if (given == NULL || *given == '\0') {
        return dogb_cache_directory(out, &f->arena, "features");
    }
    *out = dogb_strdup(&f->arena, given);
    return *out == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_directory_make(*out);
}

static int open_store(dogb_feature *f) {
    char *root = NULL;
    json_t *key = NULL;
    int rc = dogb_feature_key(&key, &f->arena, f);
    if (rc < 0 || (rc = find_root(&root, f)) < 0 ||
        (rc = dogb_store_open(&f->store, &f->arena, root, key, (uint32_t)f->floats,
                              f->conf.bytes_max)) < 0 ||
        (rc = dogb_store_map(&f->store, dogb_thread_count(f->conf.loader_threads))) < 0) {
        return rc;
    }
    for (size_t i = 0; i < f->store.mapped_count; i++) {
        take_segment(f, &f->store.mapped[i]->segment);
    }
    f->stored = 1;
    return DOGBREED_OK;
}

static int fill(dogb_feature *f) {
    int rc = dogb_model_prefix(&f->prefix, &f->arena, f->conf.model);
    if (rc < 0) {
        return rc;
    }
    const dogb_graph *graph = f->prefix.graph;
    f->floats = (int32_t)graph->nodes[graph->output].shape[0];
    f->batch = dogb_feature_batch(f->conf.device);
    f->views = f->conf.views > 0 ? f->conf.views : 1;
    f->samples = dogbreed_dataset_size(f->conf.dataset);
    if ((rc = list_rows(f)) < 0) {
        return rc;
    }
    if (f->conf.keep && (rc = open_store(f)) < 0) {
        // A folder that the user named must work; without the default one we only lose time.
        int named = f->conf.cache_dir != NULL && *f->conf.cache_dir != '\0';
        if (named || (rc != DOGBREED_ERROR_IO && rc != DOGBREED_ERROR_NOT_FOUND)) {
            return rc;
        }
        dogb_log(DOGBREED_LOG_WARNING, "feature store: features are not kept: %s",
                 dogbreed_error_message());
    }
    if (f->conf.progress != NULL &&
        f->conf.progress(f->done, (int64_t)f->rows.count, f->conf.userdata) != 0) {
        return dogb_fail(DOGBREED_ERROR_CANCELLED, "features: stopped before the first image");
    }
    return (size_t)f->done == f->rows.count ? DOGBREED_OK : dogb_feature_compute(f);
}

int dogb_feature_open(dogb_feature **out, const dogb_feature_conf *conf) {
    *out = NULL;
    DOGB_CHECK(dogb_model_frozen(conf->model),
               "features: the layers in front of the head are not frozen");
    dogb_feature *feature = dogb_malloc(1, sizeof *feature);
    if (feature == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    feature->refs = 1;
    feature->conf = *conf;
    feature->store.lock = -1;
    int rc = fill(feature);
    if (rc < 0) {
        dogb_feature_destroy(feature);
        return rc;
    }
    *out = feature;
    return DOGBREED_OK;
}

int32_t dogb_feature_size(const dogb_feature *feature) {
    return feature->floats;
}

const float *dogb_feature_row(const dogb_feature *feature, int64_t sample, int32_t view) {
    return feature->by_sample[sample * feature->views + view]->data;
}

int64_t dogb_feature_computed(const dogb_feature *feature) {
    return feature->computed;
}

dogb_feature *dogb_feature_retain(dogb_feature *feature) {
    dogb_ref_take(&feature->refs);
    return feature;
}

void dogb_feature_destroy(dogb_feature *feature) {
    if (feature == NULL || !dogb_ref_drop(&feature->refs)) {
        return;
    }
    dogb_error_state failure;
    dogb_error_save(&failure, DOGBREED_OK);
    dogb_store_close(&feature->store);
    (void)dogb_error_restore(&failure);
    dogb_arena_free(&feature->arena);
    dogb_free(feature);
}
