// hash.c - SHA-256 by libcrypto's EVP interface (uses the processor's SHA instructions where there
// are some).
#include "core/hash.h"
#include "core/error.h"
#include "core/file.h"
#include "core/hex.h"

#include <openssl/evp.h>

struct dogb_hasher {
    EVP_MD_CTX *context;
};

static int failed(void) {
    return dogb_fail(DOGBREED_ERROR_INTERNAL, "libcrypto refused to compute SHA-256");
}

int dogb_sha256_of(dogb_sha256 *out, const void *data, size_t size) {
    return EVP_Digest(data, size, out->bytes, NULL, EVP_sha256(), NULL) == 1 ? DOGBREED_OK
                                                                             : failed();
}

static void free_context(void *pointer) {
    EVP_MD_CTX_free(pointer);
}

int dogb_hasher_create(dogb_hasher **out, dogb_arena *arena) {
    int rc = DOGBREED_OK;
    *out = NULL;
    dogb_hasher *hasher = dogb_alloc(arena, 1, sizeof *hasher);
    if (hasher == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    hasher->context = EVP_MD_CTX_new();
    if (hasher->context == NULL) {
        return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "out of memory for a hash");
    }
    if ((rc = dogb_defer(arena, free_context, hasher->context)) < 0) {
        return rc;
    }
    if (EVP_DigestInit_ex(hasher->context, EVP_sha256(), NULL) != 1) {
        return failed();
    }
    *out = hasher;
    return DOGBREED_OK;
}

int dogb_hasher_add(dogb_hasher *hasher, const void *data, size_t size) {
    return EVP_DigestUpdate(hasher->context, data, size) == 1 ? DOGBREED_OK : failed();
}

int dogb_hasher_end(dogb_hasher *hasher, dogb_sha256 *out) {
    return EVP_DigestFinal_ex(hasher->context, out->bytes, NULL) == 1 ? DOGBREED_OK : failed();
}

int dogb_sha256_file(dogb_sha256 *out, const char *path) {
    dogb_arena scratch = {0};
    dogb_map map;
    int rc = dogb_map_open(&map, &scratch, path, SIZE_MAX);
    if (rc == DOGBREED_OK) {
        rc = dogb_sha256_of(out, map.data, map.size);
    }
    dogb_arena_free(&scratch);
    return rc;
}

void dogb_sha256_text(const dogb_sha256 *hash, char out[65]) {
    dogb_hex_text(out, hash->bytes, sizeof hash->bytes);
}
