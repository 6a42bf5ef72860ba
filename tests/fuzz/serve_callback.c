// serve_callback.c - fuzz target: addresses that results may be sent to. The first line is one that
// is asked for, the others are the file.
#include "fuzz.h"

#include "core/arena.h"
#include "serve/callback.h"

#include <stdlib.h>
#include <string.h>

// What is allowed begins with a line of the file, and cannot be read as leading elsewhere.
static void check(const char *url, const char *lines) {
    size_t path = strcspn(url, "?");
    int begins = 0;
    for (const char *line = lines; *line != '\0';) {
        size_t size = strcspn(line, "\r\n");
        begins |= size > 0 && strncmp(url, line, size) == 0;
        line += size + (line[size] != '\0');
    }
    if (!begins || strncmp(url, "http", 4) != 0 || strpbrk(url, "@#\\ \t\r\n") != NULL) {
        abort();
    }
    for (size_t i = 0; i + 1 < path; i++) {
        if (url[i] == '.' && url[i + 1] == '.') {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    dogb_arena arena = {0};
    dogb_callbacks *callbacks = NULL;
    char *url = dogb_strndup(&arena, (const char *)data, size);
    char *lines = url == NULL ? NULL : strchr(url, '\n');
    if (lines != NULL) {
        *lines++ = '\0';
        if (dogb_callbacks_parse(&callbacks, &arena, "file", lines) == 0 &&
            dogb_callbacks_allow(callbacks, url)) {
            check(url, lines);
        }
    }
    dogb_arena_free(&arena);
    return 0;
}
