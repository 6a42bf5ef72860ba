// entry.c - fuzz target: keys, one a line. What is accepted as names of files can be made below a
// folder, each of them, none is another one, and folding twice changes nothing.
#include "fuzz.h"

#include "core/entry.h"
#include "core/unicode.h"

#include <stdlib.h>
#include <string.h>

enum { KEYS_MAX = 64 };

static void check_key(dogb_arena *arena, const char *key) {
    char *padded = dogb_format(arena, "/%s/", key);
    char *folded = dogb_unicode_fold(arena, key);
    char *again = folded == NULL ? NULL : dogb_unicode_fold(arena, folded);
    if (padded == NULL || again == NULL || strcmp(folded, again) != 0 ||
        strstr(padded, "/../") != NULL || strstr(padded, "/./") != NULL ||
        strstr(padded, "//") != NULL || strpbrk(padded, "\\\n\r\t\x01\x7f") != NULL) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    dogb_arena arena = {0};
    const char *keys[KEYS_MAX];
    size_t count = 0;
    char *text = dogb_strndup(&arena, (const char *)data, size);
    for (char *line = text; line != NULL && count < KEYS_MAX;) {
        char *end = strchr(line, '\n');
        if (end != NULL) {
            *end++ = '\0';
        }
        keys[count++] = line;
        line = end;
    }
    dogb_entry_set seen = {0};
    int all = 1;
    for (size_t i = 0; i < count; i++) {
        if (dogb_entry_check("fuzz", keys[i]) < 0) {
            continue;
        }
        check_key(&arena, keys[i]);
        all = all && dogb_entry_set_add(&seen, &arena, "fuzz", keys[i]) == 0;
        for (size_t j = 0; all && j < i; j++) {
            if (strcmp(keys[i], keys[j]) == 0) {
                abort();
            }
        }
    }
    dogb_arena_free(&arena);
    return 0;
}
