// uri.c - s3://bucket/key, and percent-encoding.
#include "store/uri.h"
#include "core/error.h"
#include "core/hex.h"

#include <stdint.h>
#include <string.h>

static int is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

int dogb_uri_is_s3(const char *text) {
    return strncmp(text, "s3://", 5) == 0;
}

// As old buckets and other servers have them too; what the server does not want it refuses.
static int is_bucket(const char *name, size_t length) {
    if (length < 3 || length > DOGB_BUCKET_MAX || !is_alphanumeric(name[0]) ||
        !is_alphanumeric(name[length - 1])) {
        return 0;
    }
    for (size_t i = 0; i < length; i++) {
        if (!is_alphanumeric(name[i]) && strchr("-._", name[i]) == NULL) {
            return 0;
        }
    }
    return 1;
}

int dogb_uri_parse(dogb_uri *out, dogb_arena *arena, const char *text) {
    *out = (dogb_uri){0};
    DOGB_CHECK(dogb_uri_is_s3(text), "%s: expected s3://bucket/key", text);
    const char *bucket = text + 5;
    size_t length = strcspn(bucket, "/");
    const char *key = bucket[length] == '/' ? bucket + length + 1 : "";
    DOGB_CHECK(is_bucket(bucket, length),
               "%s: the bucket is \"%.*s\", expected 3 to 63 letters, digits, '-' and '.'", text,
               (int)(length > DOGB_BUCKET_MAX ? DOGB_BUCKET_MAX : length), bucket);
    DOGB_CHECK(strlen(key) <= DOGB_KEY_MAX,
               "%.100s...: the key has %zu bytes, at most %d are allowed", text, strlen(key),
               DOGB_KEY_MAX);
    char *bucket_copy = dogb_strndup(arena, bucket, length);
    char *key_copy = dogb_strdup(arena, key);
    if (bucket_copy == NULL || key_copy == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    *out = (dogb_uri){.bucket = bucket_copy, .key = key_copy};
    return DOGBREED_OK;
}

char *dogb_uri_encode(dogb_arena *arena, const char *text, char keep) {
    static const char digits[] = "0123456789ABCDEF";
    char *out = dogb_alloc_raw(arena, strlen(text) + 1, 3);
    if (out == NULL) {
        return NULL;
    }
    char *at = out;
    for (; *text != '\0'; text++) {
        uint8_t byte = (uint8_t)*text;
        if (is_alphanumeric(*text) || strchr("-_.~", *text) != NULL || *text == keep) {
            *at++ = *text;
        } else {
            *at++ = '%';
            *at++ = digits[byte >> 4];
            *at++ = digits[byte & 15];
        }
    }
    *at = '\0';
    return out;
}

int dogb_uri_decode(char *text) {
    char *out = text;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at != '%') {
            *out++ = *at == '+' ? ' ' : *at;
            continue;
        }
        int value = dogb_hex_byte(at + 1);
        if (value <= 0) {
            return dogb_fail(DOGBREED_ERROR_FORMAT,
                             "\"%.3s\": expected %% and two hexadecimal digits, not 00", at);
        }
        *out++ = (char)value;
        at += 2;
    }
    *out = '\0';
    return DOGBREED_OK;
}
