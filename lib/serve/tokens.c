// tokens.c - see tokens.h.
#include "serve/tokens.h"
#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"

#include <openssl/crypto.h>
#include <string.h>
#include <strings.h>

enum { FILE_MAX = 1 << 20, TOKENS_MAX = 10000, TOKEN_MIN = 8, TOKEN_MAX = 1024 };

struct dogb_tokens {
    dogb_sha256 *hashes;
    size_t count;
    size_t capacity;
};

static int add(dogb_tokens *tokens, dogb_arena *arena, const char *path, const char *token,
               size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (token[i] <= 0x20 || token[i] >= 0x7F) {
            size = 0;
        }
    }
    if (size < TOKEN_MIN || size > TOKEN_MAX || tokens->count == TOKENS_MAX) {
        return dogb_fail(
            DOGBREED_ERROR_FORMAT,
            "%s: token %zu: expected %d to %d letters without blanks, at most %d tokens", path,
            tokens->count + 1, TOKEN_MIN, TOKEN_MAX, TOKENS_MAX);
    }
    int rc =
        dogb_grow(arena, &tokens->hashes, &tokens->capacity, tokens->count, sizeof *tokens->hashes);
    return rc < 0 ? rc : dogb_sha256_of(&tokens->hashes[tokens->count++], token, size);
}

static int read_lines(dogb_tokens *tokens, dogb_arena *arena, const char *path, const char *text) {
    int rc = DOGBREED_OK;
    for (const char *line = text; rc == DOGBREED_OK && *line != '\0';) {
        size_t size = strcspn(line, "\n");
        size_t begin = strspn(line, " \t");
        size_t end = size;
        while (end > begin && strchr(" \t\r", line[end - 1]) != NULL) {
            end--;
        }
        if (end > begin && line[begin] != '#') {
            rc = add(tokens, arena, path, line + begin, end - begin);
        }
        line += size + (line[size] == '\n');
    }
    if (rc == DOGBREED_OK && tokens->count == 0) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: there is no token in it", path);
    }
    return rc;
}

int dogb_tokens_read(dogb_tokens **out, dogb_arena *arena, const char *path) {
    dogb_arena scratch = {0};
    void *text = NULL;
    size_t size = 0;
    *out = NULL;
    dogb_tokens *tokens = dogb_alloc(arena, 1, sizeof *tokens);
    int rc = tokens == NULL ? DOGBREED_ERROR_NO_MEMORY
                            : dogb_file_read(&text, &size, &scratch, path, FILE_MAX);
    if (rc == DOGBREED_OK) {
        rc = read_lines(tokens, arena, path, text);
        OPENSSL_cleanse(text, size);
    }
    dogb_arena_free(&scratch);
    *out = rc == DOGBREED_OK ? tokens : NULL;
    return rc;
}

int dogb_tokens_allow(const dogb_tokens *tokens, const char *authorization) {
    static const char scheme[] = "Bearer ";
    dogb_sha256 hash;
    int found = 0;
    if (authorization == NULL || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0) {
        return 0;
    }
    const char *token = authorization + sizeof scheme - 1;
    token += strspn(token, " ");
    if (dogb_sha256_of(&hash, token, strlen(token)) < 0) {
        return 0;
    }
    for (size_t i = 0; i < tokens->count; i++) {
        found |= CRYPTO_memcmp(&hash, &tokens->hashes[i], sizeof hash) == 0;
    }
    return found;
}
