// class_list.c - classes from a file: for a folder that has some of them only.
#include "dataset/storage.h"

#include "core/error.h"
#include "core/file.h"
#include "core/json.h"

#include <stdlib.h>
#include <string.h>

enum { BYTES_MAX = 1 << 26 };

static int refuse(const char *path, int64_t line, const char *why) {
    return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: line %lld: %s", path, (long long)line, why);
}

static int add(dogb_listing *out, dogb_arena *arena, const char *name) {
    int rc = dogb_grow(arena, &out->folders, &out->folder_capacity, out->folder_count,
                       sizeof *out->folders);
    if (rc == DOGBREED_OK) {
        out->folders[out->folder_count++] = name;
    }
    return rc;
}

// What a class folder can be called.
static const char *wrong(const char *name, size_t length) {
    if (!dogb_text_valid(name, length)) {
        return "a name that is not UTF-8";
    }
    if (memchr(name, '/', length) != NULL || *name == '.') {
        return "expected the name of a class folder, without '/' and no '.' in front";
    }
    return length > 255 ? "a name of more than 255 bytes" : NULL;
}

int dogb_class_list(dogb_listing *out, dogb_arena *arena, const char *path) {
    void *data = NULL;
    size_t size = 0;
    memset(out, 0, sizeof *out);
    int rc = dogb_file_read(&data, &size, arena, path, BYTES_MAX);
    char *text = data;
    char *end = rc < 0 ? text : text + size;
    for (int64_t line = 1; rc == DOGBREED_OK && text < end; line++) {
        char *stop = memchr(text, '\n', (size_t)(end - text));
        char *next = stop == NULL ? end : stop + 1;
        size_t length = (size_t)((stop == NULL ? end : stop) - text);
        length -= length > 0 && text[length - 1] == '\r';
        text[length] = '\0'; // the file is followed by a zero byte
        const char *why = length == 0 ? NULL : wrong(text, length);
        rc = why != NULL   ? refuse(path, line, why)
             : length == 0 ? DOGBREED_OK
                           : add(out, arena, text);
        text = next;
    }
    if (rc == DOGBREED_OK && out->folder_count == 0) {
        rc = dogb_fail(DOGBREED_ERROR_FORMAT, "%s: no names, expected a class in each line", path);
    }
    if (rc < 0) {
        return rc;
    }
    qsort(out->folders, out->folder_count, sizeof *out->folders, dogb_text_order);
    for (size_t i = 1; i < out->folder_count; i++) {
        if (strcmp(out->folders[i - 1], out->folders[i]) == 0) {
            return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: %s stands there twice", path,
                             out->folders[i]);
        }
    }
    return DOGBREED_OK;
}
