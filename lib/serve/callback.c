// callback.c - see callback.h. An address is compared as it is written: nothing is decoded, so what
// could be read in two ways is refused.
#include "serve/callback.h"
#include "core/error.h"
#include "core/file.h"

#include <string.h>

enum { FILE_MAX = 1 << 20, ENTRIES_MAX = 10000, URL_MAX = 2048 };

struct dogb_callbacks {
    const char **entries;
    size_t count;
    size_t capacity;
};

// Scheme, host and port: up to the path. 0: it is no such URL.
static size_t origin_of(const char *url) {
    static const char *const schemes[] = {"http://", "https://"};
    size_t begin = 0;
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t size = strlen(schemes[i]);
        begin = strncmp(url, schemes[i], size) == 0 ? size : begin;
    }
    if (begin == 0) {
        return 0;
    }
    const char *at = url + begin;
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";
    size_t host = *at == '[' ? strspn(at + 1, "0123456789abcdef:.") + 2 : strspn(at, letters);
    if ((*at == '[' && (host == 2 || at[host - 1] != ']')) || host == 0) {
        return 0;
    }
    at += host;
    if (*at == ':') {
        size_t digits = strspn(at + 1, "0123456789");
        if (digits == 0 || digits > 5) {
            return 0;
        }
        at += 1 + digits;
    }
    return *at == '\0' || *at == '/' || *at == '?' ? (size_t)(at - url) : 0;
}

static int has(const char *path, size_t size, const char *part) {
    size_t length = strlen(part);
    for (size_t i = 0; i + length <= size; i++) {
        size_t same = 0;
        while (same < length && (path[i + same] | 0x20) == (part[same] | 0x20)) {
            same++;
        }
        if (same == length) {
            return 1;
        }
    }
    return 0;
}

static int is_plain(const char *url) {
    static const char *const odd[] = {"..", "%2e", "%2f", "%5c", "%00", "//", "/./"};
    size_t origin = strlen(url) > URL_MAX ? 0 : origin_of(url);
    for (const char *c = url; *c != '\0'; c++) {
        if (*c <= 0x20 || *c >= 0x7F || strchr("#\\@\"<>^`{|}", *c) != NULL) {
            return 0;
        }
    }
    const char *path = url + origin;
    size_t size = strcspn(path, "?");
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        if (has(path, size, odd[i])) {
            return 0;
        }
    }
    return origin > 0;
}

int dogb_callbacks_allow(const dogb_callbacks *callbacks, const char *url) {
    if (callbacks == NULL || !is_plain(url)) {
        return 0;
    }
    size_t origin = origin_of(url);
    for (size_t i = 0; i < callbacks->count; i++) {
        const char *entry = callbacks->entries[i];
        size_t size = strlen(entry);
        if (origin_of(entry) == origin && strncmp(entry, url, size) == 0 &&
            (size == origin || entry[size - 1] == '/' || url[size] == '\0' ||
             strchr("/?", url[size]) != NULL)) {
            return 1;
        }
    }
    return 0;
}

static int add(dogb_callbacks *callbacks, dogb_arena *arena, const char *path, const char *line,
               size_t size) {
    char *entry = dogb_strndup(arena, line, size);
    int rc = entry == NULL ? DOGBREED_ERROR_NO_MEMORY
                           : dogb_grow(arena, &callbacks->entries, &callbacks->capacity,
                                       callbacks->count, sizeof *callbacks->entries);
    if (rc < 0) {
        return rc;
    }
    if (!is_plain(entry) || strchr(entry, '?') != NULL || callbacks->count == ENTRIES_MAX) {
        return dogb_fail(DOGBREED_ERROR_FORMAT,
                         "%s: \"%s\": expected http://HOST[:PORT][/PATH] or https://..., in lower "
                         "case up to the path, at most %d of them",
                         path, entry, ENTRIES_MAX);
    }
    callbacks->entries[callbacks->count++] = entry;
    return DOGBREED_OK;
}

int dogb_callbacks_parse(dogb_callbacks **out, dogb_arena *arena, const char *path,
                         const char *text) {
    *out = NULL;
    dogb_callbacks *callbacks = dogb_alloc(arena, 1, sizeof *callbacks);
    int rc = callbacks == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (const char *line = text; rc == DOGBREED_OK && *line != '\0';) {
        size_t length = strcspn(line, "\n");
        size_t end = length > 0 && line[length - 1] == '\r' ? length - 1 : length;
        if (end > 0 && *line != '#') {
            rc = add(callbacks, arena, path, line, end);
        }
        line += length + (line[length] == '\n');
    }
    if (rc == DOGBREED_OK && callbacks->count == 0) {
        rc = dogb_fail(DOGBREED_ERROR_FORMAT, "%s: there is no address in it", path);
    }
    *out = rc == DOGBREED_OK ? callbacks : NULL;
    return rc;
}

int dogb_callbacks_read(dogb_callbacks **out, dogb_arena *arena, const char *path) {
    dogb_arena scratch = {0};
    void *text = NULL;
    size_t size = 0;
    *out = NULL;
    int rc = dogb_file_read(&text, &size, &scratch, path, FILE_MAX);
    rc = rc < 0 ? rc : dogb_callbacks_parse(out, arena, path, text);
    dogb_arena_free(&scratch);
    return rc;
}
