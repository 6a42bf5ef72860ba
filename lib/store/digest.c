// digest.c - see digest.h.
#include "store/digest.h"
#include "core/arena.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/hex.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 1 << 17, MD5_SIZE = 16 };

static void context_free(void *context) {
    EVP_MD_CTX_free(context);
}

// *out NULL: the system forbids MD5.
static int md5_start(EVP_MD_CTX **out, dogb_arena *arena) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    *out = NULL;
    if (context == NULL) {
        return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "out of memory for a sum");
    }
    int rc = dogb_defer(arena, context_free, context);
    if (rc == DOGBREED_OK && EVP_DigestInit_ex(context, EVP_md5(), NULL) == 1) {
        *out = context;
    }
    return rc;
}

static void md5_end(char out[DOGB_MD5_TEXT], EVP_MD_CTX *context) {
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    out[0] = '\0';
    if (context != NULL && EVP_DigestFinal_ex(context, sum, &size) == 1 && size == MD5_SIZE) {
        dogb_hex_text(out, sum, MD5_SIZE);
    }
}

static int read_piece(size_t *got, int descriptor, char *piece, int64_t offset, int64_t left) {
    size_t wanted = left < PIECE ? (size_t)left : PIECE;
    ssize_t count = 0;
    do {
        count = pread(descriptor, piece, wanted, (off_t)offset);
    } while (count < 0 && errno == EINTR);
    if (count < 0) {
        return dogb_fail_errno(DOGBREED_ERROR_IO, "the local file cannot be read");
    }
    if (count == 0) {
        return dogb_fail(DOGBREED_ERROR_IO, "the local file became shorter while it was read");
    }
    *got = (size_t)count;
    return DOGBREED_OK;
}

int dogb_digest_part(char sha256[DOGB_SHA256_TEXT], char md5[DOGB_MD5_TEXT], int descriptor,
                     int64_t offset, int64_t size) {
    dogb_arena scratch = {0};
    dogb_hasher *hasher = NULL;
    EVP_MD_CTX *context = NULL;
    dogb_sha256 sum;
    char *piece = dogb_alloc_raw(&scratch, PIECE, 1);
    int rc = piece == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc == DOGBREED_OK && sha256 != NULL) {
        rc = dogb_hasher_create(&hasher, &scratch);
    }
    if (rc == DOGBREED_OK && md5 != NULL) {
        rc = md5_start(&context, &scratch);
    }
    for (int64_t done = 0; rc == DOGBREED_OK && done < size;) {
        size_t got = 0;
        rc = read_piece(&got, descriptor, piece, offset + done, size - done);
        if (rc == DOGBREED_OK && hasher != NULL) {
            rc = dogb_hasher_add(hasher, piece, got);
        }
        if (rc == DOGBREED_OK && context != NULL && EVP_DigestUpdate(context, piece, got) != 1) {
            rc = dogb_fail(DOGBREED_ERROR_INTERNAL, "MD5 failed");
        }
        done += (int64_t)got;
    }
    if (rc == DOGBREED_OK && hasher != NULL &&
        (rc = dogb_hasher_end(hasher, &sum)) == DOGBREED_OK) {
        dogb_sha256_text(&sum, sha256);
    }
    if (rc == DOGBREED_OK && md5 != NULL) {
        md5_end(md5, context);
    }
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_digest_of_parts(char etag[DOGB_ETAG_TEXT], const dogb_sent *parts, int32_t count) {
    dogb_arena scratch = {0};
    EVP_MD_CTX *context = NULL;
    char md5[DOGB_MD5_TEXT] = "";
    int rc = md5_start(&context, &scratch);
    etag[0] = '\0';
    for (int32_t i = 0; rc == DOGBREED_OK && context != NULL && i < count; i++) {
        unsigned char sum[MD5_SIZE];
        for (size_t b = 0; b < MD5_SIZE; b++) {
            const char byte[3] = {parts[i].md5[2 * b], parts[i].md5[2 * b + 1], '\0'};
            sum[b] = (unsigned char)strtoul(byte, NULL, 16);
        }
        if (EVP_DigestUpdate(context, sum, sizeof sum) != 1) {
            rc = dogb_fail(DOGBREED_ERROR_INTERNAL, "MD5 failed");
        }
    }
    if (rc == DOGBREED_OK && context != NULL) {
        md5_end(md5, context);
        (void)snprintf(etag, DOGB_ETAG_TEXT, "%s-%d", md5, (int)count);
    }
    dogb_arena_free(&scratch);
    return rc;
}

static int etag_in_parts(char etag[DOGB_ETAG_TEXT], int descriptor, int64_t size, int64_t part_size,
                         int32_t count) {
    dogb_arena scratch = {0};
    dogb_sent *parts = dogb_alloc(&scratch, (size_t)count, sizeof *parts);
    int rc = parts == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        int64_t begin = part_size * i;
        int64_t end = begin + part_size < size ? begin + part_size : size;
        rc = dogb_digest_part(NULL, parts[i].md5, descriptor, begin, end - begin);
    }
    rc = rc < 0 ? rc : dogb_digest_of_parts(etag, parts, count);
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_digest_compare(int *same, int descriptor, int64_t size, const char *etag,
                        int64_t part_size) {
    size_t hex = strspn(etag, "0123456789abcdef");
    char own[DOGB_ETAG_TEXT] = "";
    int64_t parts = (size + part_size - 1) / part_size;
    int rc = DOGBREED_OK;
    *same = -1;
    if (hex == DOGB_MD5_TEXT - 1 && etag[hex] == '\0') {
        rc = dogb_digest_part(NULL, own, descriptor, 0, size);
    } else if (hex == DOGB_MD5_TEXT - 1 && etag[hex] == '-' && parts <= 10000 &&
               strtoll(etag + hex + 1, NULL, 10) == parts) {
        rc = etag_in_parts(own, descriptor, size, part_size, (int32_t)parts);
        if (rc == DOGBREED_OK && strcmp(own, etag) != 0) {
            return DOGBREED_OK; // other parts, perhaps
        }
    }
    if (rc == DOGBREED_OK && own[0] != '\0') {
        *same = strcmp(own, etag) == 0;
    }
    return rc;
}
