// hash.h - SHA-256, by libcrypto; checksums.
#ifndef DOGB_CORE_HASH_H
#define DOGB_CORE_HASH_H

#include "core/arena.h"

#include <stddef.h>
#include <stdint.h>

typedef struct dogb_sha256 {
    uint8_t bytes[32];
} dogb_sha256;

int dogb_sha256_of(dogb_sha256 *out, const void *data, size_t size);
int dogb_sha256_file(dogb_sha256 *out, const char *path);     // NOT_FOUND, IO
void dogb_sha256_text(const dogb_sha256 *hash, char out[65]); // lower-case hex

// For data in pieces. The object lives in the arena.
typedef struct dogb_hasher dogb_hasher;
int dogb_hasher_create(dogb_hasher **out, dogb_arena *arena);
int dogb_hasher_add(dogb_hasher *hasher, const void *data, size_t size);
int dogb_hasher_end(dogb_hasher *hasher, dogb_sha256 *out); // once

// A fast sum that finds damage, not intent: a change of any one word is always seen.
typedef struct dogb_checksum_state {
    uint64_t lanes[8];
    uint64_t size;
} dogb_checksum_state;
void dogb_checksum_start(dogb_checksum_state *state);
// Pieces, but the last one, have a multiple of 64 bytes.
void dogb_checksum_add(dogb_checksum_state *state, const void *data, size_t size);
uint64_t dogb_checksum_end(const dogb_checksum_state *state);
uint64_t dogb_checksum(const void *data, size_t size);

// The one of other people's formats: polynomial of Castagnoli, reflected, as in RFC 3720.
uint32_t dogb_crc32c(const void *data, size_t size);
uint32_t dogb_crc32c_add(uint32_t sum, const void *data, size_t size); // data behind that of `sum`
uint32_t dogb_crc32c_plain(uint32_t sum, const void *data, size_t size); // on any CPU

#endif
