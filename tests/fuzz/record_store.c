// record_store.c - fuzz target: a store whose collections file, index file or event file is the
// input, as its first byte says; the other files are good. Whatever is in it, the store is opened
// or refused, and what can be asked of it is answered.
#include "fuzz.h"

#include "core/error.h"
#include "core/file.h"
#include "core/json.h"
#include "record/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64];
static const char *const files[] = {"collections/000000000/worker_0_collections.json",
                                    "index/000000000/000000000000_worker_0.json",
                                    "events/000000000000/000000000000_worker_0.tfevents"};

static void must(int rc) {
    if (rc < 0) {
        fprintf(stderr, "%s\n", dogbreed_error_message());
        abort();
    }
}

static struct {
    dogb_arena arena; // for the life of the process
    void *data;
    size_t size;
} good[3];

static char *path_of(char path[160], int file) {
    (void)snprintf(path, 160, "%s/%s", folder, files[file]);
    return path;
}

static void make_store(void) {
    dogb_record_writer *w = NULL;
    dogb_record_conf conf = {.directory = folder};
    dogb_record_collection losses = {.name = "losses",
                                     .include_regex = "loss",
                                     .reductions = "mean",
                                     .save[1] = {.interval = 1}};
    static const char *const texts[] = {"a", "b"};
    char path[160];
    must(dogb_record_writer_open(&w, &conf));
    must(dogb_record_writer_collections(w, &losses, 1));
    must(dogb_record_writer_begin(w, DOGBREED_MODE_TRAIN, 0, 0, 1700000000));
    must(dogb_record_writer_add(w, "loss", DOGBREED_RECORD_FLOAT32, 1, (int64_t[]){3},
                                (float[]){1, 2, 3}));
    must(dogb_record_writer_add(w, "text", DOGBREED_RECORD_TEXT, 1, (int64_t[]){2}, texts));
    must(dogb_record_writer_shape(w, "other", NULL, 2, (int64_t[]){4, 5}));
    must(dogb_record_writer_commit(w));
    dogb_record_writer_close(w);
    for (int i = 0; i < 3; i++) {
        must(dogb_file_read(&good[i].data, &good[i].size, &good[i].arena, path_of(path, i), 4096));
    }
}

static void clean(void) {
    (void)dogb_directory_remove(folder);
    for (int i = 0; i < 3; i++) {
        dogb_arena_free(&good[i].arena);
    }
}

static void ask_names(dogbreed_record *record, const char *described) {
    dogb_arena arena = {0};
    json_t *document = NULL;
    const char *name = NULL;
    json_t *collection = NULL;
    must(dogb_json_parse(&document, &arena, described, strlen(described), "describe"));
    json_object_foreach(json_object_get(document, "collections"), name, collection) {
        char *text = NULL;
        (void)dogbreed_record_names(&text, record, DOGBREED_MODE_GLOBAL, -1, NULL, name);
        dogbreed_free(text);
    }
    dogb_arena_free(&arena);
}

static void ask(dogbreed_record *record) {
    char *text = NULL;
    must(dogbreed_record_describe(&text, record));
    ask_names(record, text);
    dogbreed_free(text);
    must(dogbreed_record_check(&text, record));
    dogbreed_free(text);
    for (int32_t i = 0; i < dogbreed_record_tensor_count(record, 0); i++) {
        dogbreed_record_tensor_info info = {.struct_size = sizeof info};
        double value = 0;
        int rc = dogbreed_record_tensor(&info, record, 0, i);
        if (rc == DOGBREED_OK && info.dtype == DOGBREED_RECORD_TEXT) {
            (void)dogbreed_record_read_text(&text, record, 0, i);
            dogbreed_free(text);
        }
        if (rc == DOGBREED_OK) {
            (void)dogbreed_record_reduction(&value, record, 0, info.name, NULL, "median");
            (void)dogbreed_record_reduction(&value, record, 0, info.name, NULL, "std");
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char path[160];
    dogbreed_record *record = NULL;
    if (size == 0) {
        return 0;
    }
    if (*folder == '\0') {
        (void)snprintf(folder, sizeof folder, "/tmp/dogbreed-fuzz-%ld", (long)getpid());
        make_store();
        (void)atexit(clean);
    }
    for (int i = 0; i < 3; i++) {
        int bad = data[0] % 3 == i;
        must(dogb_file_put(path_of(path, i), bad ? data + 1 : good[i].data,
                           bad ? size - 1 : good[i].size));
    }
    if (dogbreed_record_open(&record, folder) == DOGBREED_OK) {
        ask(record);
    }
    dogbreed_record_destroy(record);
    return 0;
}
