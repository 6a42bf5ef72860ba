// name.c - the policy for keys that become files; fold.c has the comparison.
#include "store/name.h"
#include "core/error.h"
#include "core/json.h"
#include "store/uri.h"

#include <stdlib.h>
#include <string.h>

// What is wrong with the part, NULL when nothing is.
static const char *part_problem(const char *part, size_t length) {
    if (length == 0) {
        return "it begins or ends in '/' or has \"//\"";
    }
    if (length > DOGB_NAME_PART_MAX) {
        return "a part has more than 255 bytes";
    }
    if (part[0] == '.' && (length == 1 || (length == 2 && part[1] == '.'))) {
        return "it has a part \".\" or \"..\"";
    }
    return NULL;
}

static int has_control(const char *text) {
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        if (*at < ' ' || *at == 0x7f || (*at == 0xc2 && at[1] < 0xa0)) {
            return 1;
        }
    }
    return 0;
}

static int has_drive(const char *key) {
    return ((key[0] >= 'a' && key[0] <= 'z') || (key[0] >= 'A' && key[0] <= 'Z')) && key[1] == ':';
}

static const char *parts_problem(const char *key) {
    const char *problem = NULL;
    int depth = 1;
    for (;; key++, depth++) {
        size_t length = strcspn(key, "/");
        problem =
            depth > DOGB_NAME_DEPTH_MAX ? "it has more than 32 parts" : part_problem(key, length);
        key += length;
        if (problem != NULL || *key == '\0') {
            return problem;
        }
    }
}

int dogb_name_check(const char *key) {
    size_t length = strlen(key);
    const char *problem = length > DOGB_KEY_MAX           ? "it has more than 1024 bytes"
                          : !dogb_text_valid(key, length) ? "it is not UTF-8"
                          : has_control(key)              ? "it has control characters"
                          : strchr(key, '\\') != NULL     ? "it has a backslash"
                          : has_drive(key)                ? "it begins with a drive"
                                                          : parts_problem(key);
    return problem == NULL
               ? DOGBREED_OK
               : dogb_fail(DOGBREED_ERROR_FORMAT, "key \"%.200s\" cannot be the name of a file: %s",
                           key, problem);
}

typedef struct folded_key {
    char *folded; // '/' is 1, so that what is in a folder comes directly behind its name
    const char *key;
} folded_key;

static int compare(const void *a, const void *b) {
    const folded_key *one = a, *two = b;
    return strcmp(one->folded, two->folded);
}

static int fold_all(folded_key *out, dogb_arena *arena, const char *const *keys, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int rc = dogb_name_check(keys[i]);
        if (rc < 0) {
            return rc;
        }
        out[i] = (folded_key){.folded = dogb_name_fold(arena, keys[i]), .key = keys[i]};
        if (out[i].folded == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        for (char *at = out[i].folded; (at = strchr(at, '/')) != NULL;) {
            *at = 1;
        }
    }
    return DOGBREED_OK;
}

int dogb_names_check(const char *const *keys, size_t count) {
    dogb_arena scratch = {0};
    folded_key *all = dogb_alloc(&scratch, count + 1, sizeof *all);
    int rc = all == NULL ? DOGBREED_ERROR_NO_MEMORY : fold_all(all, &scratch, keys, count);
    if (rc == DOGBREED_OK) {
        qsort(all, count, sizeof *all, compare);
    }
    for (size_t i = 1; rc == DOGBREED_OK && i < count; i++) {
        size_t length = strlen(all[i - 1].folded);
        if (strncmp(all[i - 1].folded, all[i].folded, length) == 0 && all[i].folded[length] <= 1) {
            rc =
                dogb_fail(DOGBREED_ERROR_EXISTS, "keys \"%.200s\" and \"%.200s\" cannot both be %s",
                          all[i - 1].key, all[i].key,
                          all[i].folded[length] == 0 ? "files: they differ in case or accents"
                                                     : "files: one is a folder of the other");
        }
    }
    dogb_arena_free(&scratch);
    return rc;
}
