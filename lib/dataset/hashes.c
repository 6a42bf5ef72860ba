// hashes.c - SHA-256 of each file, computed once by threads, and the fingerprint of a data set made
// of them.
//
// "sha256-merkle-1": leaf = SHA-256(path below the root, NUL, size as decimal text, NUL, SHA-256 of
// the content); leaves sorted by path (bytes); then pairs of neighbours are hashed together until
// one is left, an odd last one is carried up. A file that cannot be read, or is larger than
// bytes_max, has the size -1 and the SHA-256 of "unreadable", NUL and its path.
#include "dataset/storage.h"

#include "core/error.h"
#include "core/file.h"
#include "core/thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Under storage->lock.
static int prepare(dogb_storage *storage) {
    if (storage->hashed != NULL) {
        return DOGBREED_OK;
    }
    size_t count = (size_t)storage->count;
    dogb_sha256 *hashes = dogb_alloc(&storage->arena, count, sizeof *hashes);
    int64_t *bytes = dogb_alloc(&storage->arena, count, sizeof *bytes);
    uint8_t *hashed = dogb_alloc(&storage->arena, count, 1);
    if (hashes == NULL || bytes == NULL || hashed == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    storage->hashes = hashes;
    storage->bytes = bytes;
    storage->hashed = hashed;
    return DOGBREED_OK;
}

int dogb_hash_put(const dogbreed_dataset *dataset, int64_t index, const dogb_sha256 *hash,
                  int64_t bytes) {
    dogb_storage *storage = dataset->storage;
    int64_t record = dataset->index == NULL ? index : dataset->index[index];
    (void)pthread_mutex_lock(&storage->lock);
    int rc = prepare(storage);
    if (rc == DOGBREED_OK && !storage->hashed[record]) {
        storage->hashes[record] = *hash;
        storage->bytes[record] = bytes;
        storage->hashed[record] = 1;
    }
    (void)pthread_mutex_unlock(&storage->lock);
    return rc;
}

static int is_hashed(const dogbreed_dataset *dataset, int64_t index) {
    dogb_storage *storage = dataset->storage;
    int64_t record = dataset->index == NULL ? index : dataset->index[index];
    (void)pthread_mutex_lock(&storage->lock);
    int done = storage->hashed != NULL && storage->hashed[record];
    (void)pthread_mutex_unlock(&storage->lock);
    return done;
}

int dogb_hash_unreadable(dogb_sha256 *out, const char *path) {
    dogb_arena scratch = {0};
    char *text = dogb_format(&scratch, "unreadable/%s", path);
    int rc = DOGBREED_ERROR_NO_MEMORY;
    if (text != NULL) {
        size_t size = strlen(text);
        text[strlen("unreadable")] = '\0';
        rc = dogb_sha256_of(out, text, size);
    }
    dogb_arena_free(&scratch);
    return rc;
}

static int hash_one(int64_t index, void *userdata) {
    const dogbreed_dataset *dataset = userdata;
    const dogb_record *record = dogb_record_of(dataset, index);
    dogb_arena scratch = {0};
    dogb_map map;
    dogb_sha256 hash;
    int64_t bytes = -1;
    int rc = DOGBREED_OK;
    if (is_hashed(dataset, index)) {
        goto out;
    }
    // A file over the limit cannot be used: it counts as unreadable and costs no time.
    rc = dogb_map_open(&map, &scratch, record->path, (size_t)dataset->storage->options.bytes_max);
    if (rc == DOGBREED_ERROR_NO_MEMORY) {
        goto out;
    }
    if (rc == DOGBREED_OK) {
        bytes = (int64_t)map.size;
        rc = dogb_sha256_of(&hash, map.data, map.size);
    } else {
        rc = dogb_hash_unreadable(&hash, dogb_record_name(dataset, record));
    }
    if (rc == DOGBREED_OK) {
        rc = dogb_hash_put(dataset, index, &hash, bytes);
    }
out:
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_dataset_hashes(const dogb_sha256 **out, const dogbreed_dataset *dataset, int32_t threads) {
    dogbreed_dataset *handle = (dogbreed_dataset *)dataset; // the hashes are not observable state
    dogb_storage *storage = dataset->storage;
    *out = NULL;
    dogb_sha256 *view = handle->view;
    if (view != NULL) {
        *out = view;
        return DOGBREED_OK;
    }
    int rc = dogb_parallel(dogb_thread_count(threads), dataset->count, hash_one, handle);
    if (rc < 0) {
        return rc;
    }
    (void)pthread_mutex_lock(&storage->lock);
    view = handle->view;
    if (view == NULL) {
        view = dogb_malloc((size_t)dataset->count, sizeof *view);
        for (int64_t i = 0; view != NULL && i < dataset->count; i++) {
            view[i] = storage->hashes[dataset->index == NULL ? i : dataset->index[i]];
        }
        handle->view = view;
    }
    (void)pthread_mutex_unlock(&storage->lock);
    *out = view;
    return view == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

typedef struct leaf {
    const char *path;
    dogb_sha256 hash;
} leaf;

static int compare_leaves(const void *a, const void *b) {
    return strcmp(((const leaf *)a)->path, ((const leaf *)b)->path);
}

static int make_leaf(leaf *out, const char *path, const dogb_sha256 *hash, int64_t bytes) {
    dogb_arena scratch = {0};
    dogb_hasher *hasher = NULL;
    char size[24];
    int length = snprintf(size, sizeof size, "%lld", (long long)bytes);
    int rc = dogb_hasher_create(&hasher, &scratch);
    out->path = path;
    if (rc == DOGBREED_OK) { // texts with their NULs
        rc = dogb_hasher_add(hasher, path, strlen(path) + 1);
    }
    if (rc == DOGBREED_OK) {
        rc = dogb_hasher_add(hasher, size, (size_t)length + 1);
    }
    if (rc == DOGBREED_OK) {
        rc = dogb_hasher_add(hasher, hash->bytes, sizeof hash->bytes);
    }
    if (rc == DOGBREED_OK) {
        rc = dogb_hasher_end(hasher, &out->hash);
    }
    dogb_arena_free(&scratch);
    return rc;
}

static int root_of(dogb_sha256 *out, leaf *leaves, int64_t count) {
    int rc = DOGBREED_OK;
    while (rc == DOGBREED_OK && count > 1) {
        int64_t next = 0;
        for (int64_t i = 0; rc == DOGBREED_OK && i + 1 < count; i += 2) {
            dogb_sha256 pair[2] = {leaves[i].hash, leaves[i + 1].hash};
            rc = dogb_sha256_of(&leaves[next++].hash, pair, sizeof pair);
        }
        if (count % 2 == 1) {
            leaves[next++].hash = leaves[count - 1].hash;
        }
        count = next;
    }
    *out = leaves[0].hash;
    return rc;
}

int dogb_dataset_fingerprint(dogb_sha256 *out, const dogbreed_dataset *dataset, int32_t threads) {
    dogb_arena scratch = {0};
    const dogb_storage *storage = dataset->storage;
    const dogb_sha256 *hashes = NULL;
    int rc = dogb_dataset_hashes(&hashes, dataset, threads);
    leaf *leaves = rc < 0 ? NULL : dogb_alloc(&scratch, (size_t)dataset->count, sizeof *leaves);
    if (rc == DOGBREED_OK && leaves == NULL) {
        rc = DOGBREED_ERROR_NO_MEMORY;
    }
    for (int64_t i = 0; rc == DOGBREED_OK && i < dataset->count; i++) {
        const dogb_record *record = dogb_record_of(dataset, i);
        // Once hashed, a record's size is never written again: no lock is needed.
        rc = make_leaf(&leaves[i], dogb_record_name(dataset, record), &hashes[i],
                       storage->bytes[record - storage->records]);
    }
    if (rc == DOGBREED_OK) {
        qsort(leaves, (size_t)dataset->count, sizeof *leaves, compare_leaves);
        rc = root_of(out, leaves, dataset->count);
    }
    dogb_arena_free(&scratch);
    return rc;
}
