// store_ini.c - fuzz target: ~/.aws files. Entries lie in the text and in its order, have no blanks
// at their ends, and written out again they are read as the same.
#include "fuzz.h"

#include "core/buffer.h"
#include "store/ini.h"

#include <stdlib.h>
#include <string.h>

static int on_entry(const char *section, const char *key, const char *value, void *userdata) {
    dogb_buffer *out = userdata;
    if (section == NULL || (key == NULL) != (value == NULL)) {
        abort();
    }
    if (key == NULL) {
        dogb_buffer_add(out, "[");
        dogb_buffer_add(out, section);
        dogb_buffer_add(out, "]\n");
        return 0;
    }
    dogb_buffer_add(out, key);
    dogb_buffer_add(out, "=");
    for (const char *at = value; *at != '\0'; at++) {
        dogb_buffer_put(out, at, 1);
        dogb_buffer_add(out, *at == '\n' && at[1] != '\n' ? " " : ""); // so that it stays a part
    }
    dogb_buffer_add(out, "\n");
    return 0;
}

// What the entries are written as; NULL: not a file of this kind.
static char *rewrite(dogb_arena *arena, const char *text, size_t size) {
    dogb_buffer out = {.arena = arena};
    char *copy = malloc(size + 1); // exactly its size, for address checks
    if (copy == NULL) {
        return NULL;
    }
    memcpy(copy, text, size);
    dogb_buffer_put(&out, "", 0);
    int rc = dogb_ini_read("input", copy, size, on_entry, &out);
    free(copy);
    return rc == 0 && out.rc == 0 ? out.data : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    dogb_arena arena = {0};
    char *first = rewrite(&arena, (const char *)data, size);
    if (first != NULL) {
        char *second = rewrite(&arena, first, strlen(first));
        if (second == NULL || strcmp(first, second) != 0) {
            abort();
        }
    }
    dogb_arena_free(&arena);
    return 0;
}
