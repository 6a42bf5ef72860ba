// transform_case.h - what the tests of the batch transform share: pictures in folders, a predictor
// for them, and what is heard of each.
#ifndef DOGB_TEST_TRANSFORM_CASE_H
#define DOGB_TEST_TRANSFORM_CASE_H

#include "pictures.h"
#include "scratch.h"

#include <dogbreed/predictor.h>
#include <dogbreed/serve.h>

enum { CLASSES = 5, PICTURES = 13 };

static dogbreed_model *model;
static dogbreed_predictor *predictor;
static char photos[300];
static char names[PICTURES][64]; // below photos, in order

// "folder/name", in one of 64 static buffers.
static inline const char *in(const char *folder, const char *name) {
    static char paths[64][2048];
    static int next;
    char *path = paths[next++ & 63];
    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

// A new folder for results, "out-N".
static inline const char *fresh(void) {
    static char folders[64][400];
    static int number;
    char *folder = folders[number & 63];
    (void)snprintf(folder, sizeof folders[0], "%s/out-%d", scratch_folder, number++);
    return folder;
}

static inline char *text_of(dogb_arena *arena, const char *folder, const char *name) {
    void *data = NULL;
    size_t size = 0;
    assert_ok(dogb_file_read(&data, &size, arena, in(folder, name), 1 << 20));
    return data;
}

static inline const char *result_name(const char *name) {
    static char text[100];
    (void)snprintf(text, sizeof text, "%.80s.out", name);
    return text;
}

static inline dogbreed_predictor *make_predictor(const dogbreed_model *of, int32_t threads,
                                                 int32_t batch) {
    dogbreed_predictor_options options;
    dogbreed_predictor *made = NULL;
    assert_ok(dogbreed_predictor_options_init(&options, sizeof options));
    options.engine = "ref";
    options.threads = threads;
    options.batch_size = batch;
    assert_ok(dogbreed_predictor_create_from_model(&made, of, &options));
    return made;
}

static inline dogbreed_transform_options options_of(int32_t accept, int32_t top,
                                                    int32_t overwrite) {
    dogbreed_transform_options options;
    assert_ok(dogbreed_transform_options_init(&options, sizeof options));
    options.accept = accept;
    options.top_k = top;
    options.overwrite = overwrite;
    return options;
}

static inline int set_up(void **state) {
    (void)scratch_make(state);
    (void)snprintf(photos, sizeof photos, "%s/photos", scratch_folder);
    for (int i = 0; i < PICTURES; i++) {
        (void)snprintf(names[i], sizeof names[i], "%s/%02d.jpg", i < 7 ? "a" : "b/c", i);
        assert_ok(dogb_directory_make(in(photos, i < 7 ? "a" : "b/c")));
        write_picture(in(photos, names[i]), i, 40 + i, 45);
    }
    assert_ok(dogb_file_write(scratch("photos/.hidden.jpg"), "x", 1));
    assert_ok(dogb_file_write(scratch("photos/notes.txt"), "x", 1));
    model = make_tiny(CLASSES);
    predictor = make_predictor(model, 2, 4);
    return 0;
}

static inline int tear_down(void **state) {
    dogbreed_predictor_destroy(predictor);
    dogbreed_model_destroy(model);
    return scratch_remove(state);
}

// What the one picture alone gives.
static char *expected_of(const char *name) {
    dogb_arena arena = {0};
    void *bytes = NULL;
    size_t size = 0;
    float scores[CLASSES];
    char *json = NULL;
    assert_ok(dogb_file_read(&bytes, &size, &arena, in(photos, name), 1 << 24));
    assert_ok(dogbreed_predictor_scores(predictor, bytes, size, NULL, scores, CLASSES));
    assert_ok(dogbreed_scores_json(&json, scores, 1, CLASSES));
    dogb_arena_free(&arena);
    return json;
}

static inline void assert_complete(const char *folder) {
    dogb_arena arena = {0};
    for (int i = 0; i < PICTURES; i++) {
        char *expected = expected_of(names[i]);
        assert_string_equal(text_of(&arena, folder, result_name(names[i])), expected);
        dogbreed_free(expected);
    }
    dogb_arena_free(&arena);
}

typedef struct heard {
    int counts[4]; // by state
    int answer;    // from `after` results on
    int after;
    int64_t done;
    int pass; // of ASKED: the first so many
    char failed[8][400];
    char messages[8][1100];
    int codes[8];
} heard;

static inline int hear(const dogbreed_transform_result *r, void *userdata) {
    heard *h = userdata;
    assert_int_equal(r->struct_size, sizeof *r);
    if (r->state == DOGBREED_TRANSFORM_FAILED) {
        int at = h->counts[DOGBREED_TRANSFORM_FAILED];
        assert_true(at < 8);
        (void)snprintf(h->failed[at], sizeof h->failed[at], "%s", r->path);
        (void)snprintf(h->messages[at], sizeof h->messages[at], "%s", r->message);
        h->codes[at] = r->code;
    } else {
        assert_int_equal(r->code, DOGBREED_OK);
        assert_string_equal(r->message, "");
    }
    h->counts[r->state]++;
    if (r->state == DOGBREED_TRANSFORM_ASKED) {
        assert_int_equal(r->done, 0);
        return h->counts[0] <= h->pass ? DOGBREED_TRANSFORM_PASS : DOGBREED_OK;
    }
    assert_int_equal(r->done, h->done + 1);
    assert_true(r->done <= r->total);
    h->done = r->done;
    return h->done > h->after ? h->answer : DOGBREED_OK;
}

static inline int transform(dogbreed_predictor *with, const char *folder,
                            const dogbreed_transform_options *options, heard *h) {
    const char *paths[] = {photos};
    return dogbreed_predictor_transform(with, paths, 1, NULL, folder, options,
                                        h == NULL ? NULL : hear, h);
}

static inline void assert_heard(const heard *h, int written, int passed, int failed) {
    assert_int_equal(h->counts[DOGBREED_TRANSFORM_WRITTEN], written);
    assert_int_equal(h->counts[DOGBREED_TRANSFORM_PASSED], passed);
    assert_int_equal(h->counts[DOGBREED_TRANSFORM_FAILED], failed);
}

#endif
