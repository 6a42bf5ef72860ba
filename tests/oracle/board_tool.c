// board_tool.c - event files with each kind of value, for kinds.py. Usage: board_tool FOLDER PNG...
#include "core/error.h"
#include "core/file.h"
#include "tensorboard/events.h"
#include "tensorboard/folder.h"

#include <stdio.h>

enum { VALUES = 1000, SCORES = 500, THRESHOLDS = 21, PICTURES = 4 };

typedef struct made {
    dogb_arena arena;
    dogb_buffer records;
    float values[VALUES];
    float scores[SCORES];
    uint8_t truths[SCORES];
} made;

// A stream that kinds.py has too.
static double next(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return (double)*state / 4294967296.0;
}

static int put_histograms(made *m, int64_t step) {
    static const double scales[] = {1e-3, 0.1, 1, 1000};
    uint32_t state = (uint32_t)step + 1;
    dogb_buckets even;
    dogb_buckets wide;
    for (int i = 0; i < VALUES; i++) {
        m->values[i] = (float)((next(&state) - 0.4) * scales[i % 4]);
    }
    dogb_board_place place = {.tag = "weights/even",
                              .time = 1700000000.0 + (double)step,
                              .step = step,
                              .first = step == 0};
    int rc = dogb_histogram_even(&even, &m->arena, m->values, VALUES, 30);
    rc = rc < 0 ? rc : dogb_histogram_default(&wide, &m->arena, m->values, VALUES);
    if (rc == 0) {
        dogb_board_histogram(&m->records, &place, &even);
        place.tag = "weights/default";
        dogb_board_histogram(&m->records, &place, &wide);
        m->values[0] = 7;
        rc = dogb_histogram_even(&even, &m->arena, m->values, 1, 30);
        rc = rc < 0 ? rc : dogb_histogram_default(&wide, &m->arena, m->values, 0);
    }
    if (rc == 0) {
        place.tag = "weights/one";
        dogb_board_histogram(&m->records, &place, &even);
        place.tag = "weights/none";
        dogb_board_histogram(&m->records, &place, &wide);
    }
    return rc;
}

static int put_curve(made *m, int64_t step) {
    uint32_t state = 99;
    dogb_pr_curve curve;
    for (int i = 0; i < SCORES; i++) {
        m->scores[i] = (float)next(&state);
        m->truths[i] = next(&state) < (double)m->scores[i];
    }
    dogb_board_place place = {.tag = "val/pr_curve",
                              .time = 1700000000.0 + (double)step,
                              .step = step,
                              .first = step == 0};
    int rc = dogb_pr_curve_make(&curve, &m->arena, m->scores, m->truths, SCORES, THRESHOLDS);
    if (rc == 0) {
        dogb_board_pr_curve(&m->records, &place, &curve);
    }
    return rc;
}

static int put_pictures(made *m, int64_t step, int count, char **names) {
    dogb_board_file files[PICTURES];
    dogb_image_event images = {.files = files, .count = (size_t)count, .width = 5, .height = 3};
    dogb_board_place place = {
        .tag = "val/worst", .time = 1700000000.0 + (double)step, .step = step, .first = step == 0};
    int rc = 0;
    for (int i = 0; rc == 0 && i < count; i++) {
        void *data = NULL;
        rc = dogb_file_read(&data, &files[i].size, &m->arena, names[i], 1 << 20);
        files[i].data = data;
    }
    if (rc == 0) {
        dogb_board_images(&m->records, &place, &images);
    }
    return rc;
}

static int write_all(made *m, const char *folder, int count, char **names) {
    static const char *const texts[] = {"# Karte\n\n*Hund* \xe7\x8a\xac", "zwei"};
    int rc = 0;
    dogb_board_version(&m->records, 1700000000.0);
    for (int64_t step = 0; rc == 0 && step < 3; step++) {
        dogb_board_place place = {.tag = "model_card",
                                  .time = 1700000000.0 + (double)step,
                                  .step = step,
                                  .first = step == 0};
        rc = put_histograms(m, step);
        rc = rc < 0 ? rc : put_curve(m, step);
        rc = rc < 0 ? rc : put_pictures(m, step, count, names);
        dogb_board_text(&m->records, &place, texts, step == 0 ? 2 : 1);
    }
    rc = rc < 0 ? rc : m->records.rc;
    return rc < 0 ? rc : dogb_board_write(folder, &m->records);
}

int main(int argc, char **argv) {
    static made m;
    m.records.arena = &m.arena;
    if (argc < 2 || argc > 2 + PICTURES) {
        fprintf(stderr, "usage: board_tool FOLDER PNG...\n");
        return 2;
    }
    int rc = write_all(&m, argv[1], argc - 2, argv + 2);
    if (rc < 0) {
        fprintf(stderr, "%s\n", dogbreed_error_message());
    }
    dogb_arena_free(&m.arena);
    return rc < 0;
}
