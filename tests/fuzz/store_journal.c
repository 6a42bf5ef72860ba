// store_journal.c - fuzz target: what transfers write down: journals of uploads and downloads, and
// the list of a local copy. What is read is written as what reads the same; lines that are torn or
// not ours take nothing with them.
#include "fuzz.h"

#include "store/journal.h"
#include "store/kept.h"

#include <stdlib.h>
#include <string.h>

static void require(int condition) {
    if (!condition) {
        abort();
    }
}

static void check_upload(dogb_arena *arena, const char *text, size_t size) {
    dogb_upload_journal first;
    dogb_upload_journal second;
    if (dogb_upload_journal_read(&first, arena, text, size, "x") < 0) {
        return;
    }
    require(*first.bucket != '\0' && *first.id != '\0');
    char *again = dogb_upload_journal_text(arena, &first);
    require(again != NULL &&
            dogb_upload_journal_read(&second, arena, again, strlen(again), "x") == DOGBREED_OK);
    require(strcmp(first.endpoint, second.endpoint) == 0 &&
            strcmp(first.bucket, second.bucket) == 0 && strcmp(first.key, second.key) == 0 &&
            strcmp(first.id, second.id) == 0);
}

static void check_download(dogb_arena *arena, const char *text, size_t size) {
    dogb_download_journal first;
    dogb_download_journal second;
    if (dogb_download_journal_read(&first, arena, text, size, "x") < 0) {
        return;
    }
    char *again = dogb_download_journal_text(arena, &first);
    require(again != NULL &&
            dogb_download_journal_read(&second, arena, again, strlen(again), "x") == DOGBREED_OK);
    require(strcmp(first.uri, second.uri) == 0 && strcmp(first.etag, second.etag) == 0 &&
            strcmp(first.done, second.done) == 0 && first.size == second.size &&
            first.part_size == second.part_size);
}

static void check_kept(dogb_arena *arena, const char *text, size_t size) {
    dogb_kept_list list;
    dogb_kept_list alone;
    if (dogb_kept_read(&list, arena, text, size, "x") < 0) {
        return;
    }
    for (size_t i = 0; i < list.count; i++) {
        const dogb_kept *kept = &list.items[i];
        const dogb_object object = {.key = (char *)(uintptr_t)kept->key,
                                    .etag = (char *)(uintptr_t)kept->etag,
                                    .size = kept->size};
        require(i == 0 || strcmp(kept[-1].key, kept->key) <= 0);
        require(dogb_kept_has(&list, &object, kept->size, kept->time));
        require(!dogb_kept_has(&list, &object, kept->size ^ 1, kept->time));
        char *line = dogb_kept_line(arena, kept);
        require(line != NULL && strchr(line, '\n') == line + strlen(line) - 1);
        require(dogb_kept_read(&alone, arena, line, strlen(line), "x") == DOGBREED_OK &&
                alone.count == 1 && dogb_kept_has(&alone, &object, kept->size, kept->time));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    dogb_arena arena = {0};
    char *text = malloc(size + 1);
    if (text != NULL) {
        memcpy(text, data, size);
        text[size] = '\0'; // as files are read
        check_upload(&arena, text, size);
        check_download(&arena, text, size);
        check_kept(&arena, text, size);
    }
    free(text);
    dogb_arena_free(&arena);
    return 0;
}
