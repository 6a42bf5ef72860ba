// unpack.c - fuzz target: an archive, plain or gzip, fed in pieces as the first byte says. What
// comes out lies below the folder, and what is accepted is accepted in one piece too.
#include "folder.h"
#include "fuzz.h"

#include "core/entry.h"
#include "core/error.h"
#include "core/file.h"
#include "core/tar.h"
#include "core/unpack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char target[80];

static int unpack(const uint8_t *data, size_t size, size_t piece, dogb_unpack_counts *counts) {
    dogb_arena arena = {0};
    dogb_unpack *unpack = NULL;
    (void)snprintf(target, sizeof target, "%s/out", fuzz_folder);
    const dogb_unpack_conf conf = {"fuzz", target, 1 << 16, 50};
    int rc = dogb_directory_make(target);
    rc = rc < 0 ? rc : dogb_unpack_create(&unpack, &arena, &conf);
    for (size_t at = 0; rc == DOGBREED_OK && at < size; at += piece) {
        rc = dogb_unpack_feed(unpack, data + at, size - at < piece ? size - at : piece);
    }
    rc = rc < 0 ? rc : dogb_unpack_end(unpack, counts);
    dogb_arena_free(&arena);
    if (dogb_directory_remove(target) < 0) {
        abort();
    }
    return rc;
}

// A name that is taken is a path below, and stays as it is when it comes again.
static void check_name(const uint8_t *data, size_t size) {
    dogb_arena arena = {0};
    char *name = NULL;
    char *again = NULL;
    if (dogb_entry_name(&name, &arena, "fuzz", (const char *)data, size) == DOGBREED_OK) {
        if (*name == '/' || strcmp(name, "..") == 0 || strncmp(name, "../", 3) == 0 ||
            strstr(name, "/../") != NULL || strstr(name, "//") != NULL ||
            dogb_entry_name(&again, &arena, "fuzz", name, strlen(name)) < 0 ||
            strcmp(name, again) != 0) {
            abort();
        }
    }
    dogb_arena_free(&arena);
}

// The archive alone, without files: most inputs do not reach an entry.
static int begin(const dogb_tar_entry *entry, void *userdata) {
    int64_t *left = userdata;
    check_name((const uint8_t *)entry->name, entry->length);
    *left = entry->directory ? 0 : entry->size;
    return DOGBREED_OK;
}

static int take(const void *bytes, size_t size, void *userdata) {
    int64_t *left = userdata;
    (void)bytes;
    *left -= (int64_t)size;
    return DOGBREED_OK;
}

static int end(void *userdata) {
    if (*(int64_t *)userdata != 0) {
        abort(); // a file gets as many bytes as it was announced with
    }
    return DOGBREED_OK;
}

static int has_entries(const uint8_t *data, size_t size) {
    dogb_arena arena = {0};
    dogb_tar *tar = NULL;
    int64_t left = -1;
    const dogb_tar_calls calls = {begin, take, end, &left};
    if (dogb_tar_create(&tar, &arena, "fuzz", &calls) == DOGBREED_OK) {
        (void)dogb_tar_feed(tar, data, size);
    }
    dogb_arena_free(&arena);
    return left >= 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    (void)fuzz_folder_make();
    check_name(data, size);
    if (size < 3 || (data[1] != 0x1F && !has_entries(data + 1, size - 1))) {
        return 0;
    }
    dogb_unpack_counts counts = {0};
    dogb_unpack_counts whole = {0};
    int rc = unpack(data + 1, size - 1, (size_t)data[0] + 1, &counts);
    int same = unpack(data + 1, size - 1, size, &whole);
    if (rc != same || counts.files != whole.files || counts.bytes != whole.bytes) {
        abort();
    }
    if (rc != DOGBREED_OK && rc != DOGBREED_ERROR_FORMAT && rc != DOGBREED_ERROR_NO_MEMORY) {
        abort();
    }
    return 0;
}
