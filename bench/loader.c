// loader.c - the loader alone: JPEG bytes in memory -> decode, random resized crop 224, flip,
// normalise to float32 CHW. Answers on stdin commands, so that loader.py can alternate it with the
// peers in one run:
//   run THREADS FROM COUNT    pictures FROM.. (round the list), one epoch number per block
//   eval THREADS FROM COUNT   the evaluation transform instead
//   check                     FNV-1a over every output of the first epoch
// Each answer is one line: wall seconds, processor seconds of all threads, pictures; or the sum.
// Alone (with --seconds S) it measures one and two threads and prints pictures per second.
#include "core/clock.h"
#include "core/file.h"
#include "core/thread.h"
#include "image/image.h"

#include <dogbreed/common.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SIDE = 224, BLOCK = 16 };

static const float mean[3] = {0.485f, 0.456f, 0.406f};
static const float deviation[3] = {0.229f, 0.224f, 0.225f};
static const dogb_preprocess preprocess = {.resize = 256, .crop = SIDE};

typedef struct files {
    const void **data;
    size_t *size;
    int64_t count;
} files;

typedef struct block {
    const files *input;
    int64_t from;
    int64_t count;
    int random;
    uint32_t epoch;
    uint64_t *sums; // per picture, or NULL
} block;

static uint64_t fnv1a(const void *data, size_t size) {
    const uint8_t *bytes = data;
    uint64_t sum = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++) {
        sum = (sum ^ bytes[i]) * 0x100000001b3u;
    }
    return sum;
}

// BLOCK pictures on one thread, with one scratch arena.
static int load_some(int64_t index, void *userdata) {
    const block *work = userdata;
    dogb_arena arena = {0};
    uint8_t *pixels = dogb_alloc_raw(&arena, SIDE * SIDE, 3);
    float *out = dogb_alloc_raw(&arena, SIDE * SIDE, 3 * sizeof(float));
    int rc = pixels == NULL || out == NULL ? DOGBREED_ERROR_NO_MEMORY : 0;
    for (int64_t i = index * BLOCK; rc == 0 && i < (index + 1) * BLOCK && i < work->count; i++) {
        int64_t file = (work->from + i) % work->input->count;
        dogb_rng rng;
        dogb_rng_init(&rng, 1, DOGB_RNG_AUGMENT, (uint64_t)file, work->epoch);
        rc = dogb_image_load(pixels, NULL, &arena, work->input->data[file], work->input->size[file],
                             NULL, &preprocess, work->random ? &rng : NULL, NULL, "picture");
        dogb_normalize(out, pixels, SIDE, mean, deviation);
        if (work->sums != NULL) {
            work->sums[file] = fnv1a(out, SIDE * SIDE * 3 * sizeof(float));
        }
    }
    dogb_arena_free(&arena);
    return rc;
}

static double cpu_clock(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int run(const files *input, int threads, int64_t from, int64_t count, int random,
               uint64_t *sums, double seconds[2]) {
    static uint32_t epoch;
    block work = {input, from, count, random, sums != NULL ? 0 : epoch++, sums};
    double start = dogb_clock(), start_cpu = cpu_clock();
    int rc = dogb_parallel(threads, (count + BLOCK - 1) / BLOCK, load_some, &work);
    seconds[0] = dogb_clock() - start;
    seconds[1] = cpu_clock() - start_cpu;
    return rc;
}

static int read_files(files *out, dogb_arena *arena, int count, char **paths) {
    out->data = dogb_alloc(arena, (size_t)count, sizeof *out->data);
    out->size = dogb_alloc(arena, (size_t)count, sizeof *out->size);
    out->count = count;
    if (out->data == NULL || out->size == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int i = 0; i < count; i++) {
        void *data = NULL;
        int rc = dogb_file_read(&data, &out->size[i], arena, paths[i], (size_t)1 << 30);
        if (rc < 0) {
            return rc;
        }
        out->data[i] = data;
    }
    return 0;
}

static int alone(const files *input, double limit) {
    for (int threads = 1; threads <= 2; threads++) {
        int64_t done = 0;
        double total = 0, cpu = 0, seconds[2];
        while (total < limit) {
            if (run(input, threads, done, 64 * threads, 1, NULL, seconds) < 0) {
                return -1;
            }
            total += seconds[0];
            cpu += seconds[1];
            done += 64 * threads;
        }
        printf("%d thread%s: %.0f pictures/s, %.3f ms of processor time each\n", threads,
               threads == 1 ? "" : "s", (double)done / total, cpu / (double)done * 1e3);
    }
    return 0;
}

static int serve(const files *input) {
    char line[128];
    while (fgets(line, sizeof line, stdin) != NULL) {
        char word[8];
        int threads = 1;
        long long from = 0, count = input->count;
        double seconds[2];
        int fields = sscanf(line, "%7s %d %lld %lld", word, &threads, &from, &count);
        if (fields == 4) {
            if (run(input, threads, from, count, strcmp(word, "run") == 0, NULL, seconds) < 0) {
                return -1;
            }
            printf("%.9f %.9f %lld\n", seconds[0], seconds[1], count);
        } else {
            uint64_t *sums = calloc((size_t)input->count, sizeof *sums);
            if (sums == NULL || run(input, 1, 0, input->count, 1, sums, seconds) < 0) {
                free(sums);
                return -1;
            }
            printf("%016llx\n",
                   (unsigned long long)fnv1a(sums, (size_t)input->count * sizeof *sums));
            free(sums);
        }
        (void)fflush(stdout);
    }
    return 0;
}

int main(int argc, char **argv) {
    dogb_arena arena = {0};
    files input = {0};
    double limit = 0;
    int first = 1;
    if (argc > 2 && strcmp(argv[1], "--seconds") == 0) {
        limit = strtod(argv[2], NULL);
        first = 3;
    }
    if (first >= argc) {
        fprintf(stderr, "usage: loader [--seconds S] FILE.jpg ...\n");
        return 2;
    }
    int rc = read_files(&input, &arena, argc - first, argv + first);
    if (rc == 0) {
        rc = limit > 0 ? alone(&input, limit) : serve(&input);
    }
    if (rc < 0) {
        fprintf(stderr, "loader: %s\n", dogbreed_error_message());
    }
    dogb_arena_free(&arena);
    return rc < 0;
}
