// heads.c - our side of bench/heads.py: trains banks of heads on random features as lines on stdin
// say, so that a peer in another process can take turns with it. Arguments: the number of threads,
// and an engine other than native.
//   "train ROWS FEATURES HIDDEN CLASSES BATCH HEADS EPOCHS" answers "WALL CPU": milliseconds per
// epoch and head, of the clock (times threads) and of the processors;
//   "weights FOLDER ROWS FEATURES HIDDEN CLASSES BATCH 1 EPOCHS" trains one head on files of raw
// values (features, labels, order, param0 ...), writes found0 ... there and answers "0 0";
//   "share" with what "train" has answers the share of the peak, from slices of an epoch and a loop
// of fused multiply-adds in turn, and that peak, GFLOP/s of one thread.
#include "core/clock.h"
#include "core/error.h"
#include "core/rng.h"
#include "core/thread.h"
#include "engine/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct shape {
    long long rows;
    int features;
    int hidden;
    int classes;
    int batch;
    int heads;
    int epochs;
} shape;

typedef struct bank {
    dogb_arena arena;
    dogb_heads *heads;
    dogb_heads_work *work;
    dogb_heads_data data;
    float *features;
    int32_t *labels;
    int64_t *order;
    dogb_rng rng;
} bank;

static double processor_seconds(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

// --- the peak: 12 sums in registers; the compiler would spill some of them or leave out the work

#if defined(__x86_64__)
#define TWELVE(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)

#define WIDE(N) "vfmadd231ps %%zmm30, %%zmm31, %%zmm" #N "\n\t"
#define NARROW(N) "vfmadd231ps %%ymm14, %%ymm15, %%ymm" #N "\n\t"

__attribute__((target("avx512f"))) static void turn_wide(void) {
    __asm__ volatile(TWELVE(WIDE)::
                         : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                           "xmm9", "xmm10", "xmm11");
}

__attribute__((target("avx2,fma"))) static void turn_narrow(void) {
    __asm__ volatile(TWELVE(NARROW)::
                         : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                           "xmm9", "xmm10", "xmm11");
}

static void clear_wide(void) {
    __asm__ volatile("vzeroall\n\tvpxord %%zmm30, %%zmm30, %%zmm30\n\t"
                     "vpxord %%zmm31, %%zmm31, %%zmm31" ::
                         : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                           "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

static void clear_narrow(void) {
    __asm__ volatile("vzeroall" ::
                         : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                           "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

static double turns(int64_t count) {
    const char *wanted = getenv("DOGBREED_CPU");
    int wide = __builtin_cpu_supports("avx512f") && (wanted == NULL || strcmp(wanted, "avx2") != 0);
    if (!wide && !__builtin_cpu_supports("fma")) {
        return 0;
    }
    (wide ? clear_wide : clear_narrow)();
    for (int64_t i = 0; i < count; i++) {
        if (wide) {
            turn_wide();
            turn_wide();
            turn_wide();
            turn_wide();
        } else {
            turn_narrow();
            turn_narrow();
            turn_narrow();
            turn_narrow();
        }
    }
    return (double)count * 4 * 12 * 2 * (wide ? 16 : 8);
}
#else
static double turns(int64_t count) {
    (void)count;
    return 0;
}
#endif

// --- training

static int fill(bank *b, const shape *s) {
    size_t rows = (size_t)s->rows;
    float *features = dogb_alloc(&b->arena, rows * (size_t)s->features, sizeof *features);
    int32_t *labels = dogb_alloc(&b->arena, rows, sizeof *labels);
    b->order = dogb_alloc(&b->arena, rows, sizeof *b->order);
    b->work = dogb_alloc(&b->arena, (size_t)s->heads, sizeof *b->work);
    double *rates = dogb_alloc(&b->arena, rows, sizeof *rates);
    if (features == NULL || labels == NULL || b->order == NULL || b->work == NULL ||
        rates == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    dogb_rng_init(&b->rng, 1, DOGB_RNG_SYNTH, 0, 0);
    for (size_t i = 0; i < rows * (size_t)s->features; i++) {
        features[i] = (float)dogb_rng_uniform(&b->rng);
    }
    for (size_t i = 0; i < rows; i++) {
        labels[i] = (int32_t)(i % (size_t)s->classes);
        b->order[i] = (int64_t)i;
        rates[i] = 0.01;
    }
    b->features = features;
    b->labels = labels;
    b->data = (dogb_heads_data){
        .features = features, .labels = labels, .rows = s->rows, .stride = s->features};
    for (int32_t i = 0; i < s->heads; i++) {
        b->work[i] = (dogb_heads_work){
            .head = i, .batch = s->batch, .order = b->order, .samples = s->rows, .rates = rates};
    }
    return DOGBREED_OK;
}

static int create(bank *b, const dogb_engine *engine, const shape *s, int32_t threads) {
    size_t count = (size_t)s->heads;
    dogb_optim_conf *optims = dogb_alloc(&b->arena, count, sizeof *optims);
    double *zeros = dogb_alloc(&b->arena, count, sizeof *zeros);
    uint64_t *seeds = dogb_alloc(&b->arena, count, sizeof *seeds);
    if (optims == NULL || zeros == NULL || seeds == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        optims[i] = (dogb_optim_conf){
            .kind = DOGB_OPTIM_SGD, .momentum = 0.9, .weight_decay = 1e-4 * (double)(i % 7 + 1)};
    }
    dogb_heads_conf conf = {.count = s->heads,
                            .features = s->features,
                            .classes = s->classes,
                            .hidden = s->hidden,
                            .threads = threads,
                            .optim = optims,
                            .label_smoothing = zeros,
                            .dropout = zeros,
                            .seeds = seeds};
    return dogb_engine_heads(&b->heads, engine, &conf);
}

static int train(const dogb_engine *engine, const shape *s, int32_t threads) {
    bank b = {0};
    int rc = fill(&b, s);
    if (rc == DOGBREED_OK) {
        rc = create(&b, engine, s, threads);
    }
    double wall = dogb_clock();
    double processor = processor_seconds();
    for (int epoch = 0; rc == DOGBREED_OK && epoch < s->epochs; epoch++) {
        dogb_rng_shuffle(&b.rng, b.order, (size_t)s->rows);
        rc = dogb_engine_result(engine, engine->heads_run(b.heads, &b.data, b.work, s->heads),
                                "heads");
    }
    double units = (double)s->epochs * s->heads * 1e-3;
    if (rc == DOGBREED_OK) {
        printf("%.4f %.4f\n", (dogb_clock() - wall) * threads / units,
               (processor_seconds() - processor) / units);
    }
    if (b.heads != NULL) {
        engine->heads_destroy(b.heads);
    }
    dogb_arena_free(&b.arena);
    return rc;
}

// --- share of the peak

enum { SLICE = 1024, SLICES_MAX = 4000, SPIN = 4000000 };

// Rate of this thread by its own clock: how late it starts does not count.
static int spin(int64_t index, void *userdata) {
    double *rates = userdata;
    double begin = dogb_clock();
    double work = turns(SPIN);
    rates[index] = work / (dogb_clock() - begin) * 1e-9;
    return DOGBREED_OK;
}

static int compare_shares(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

// Slices of an epoch and the loop of multiply-adds in turn, both on all threads: a core that slows
// down slows both. Prints the median share and the median peak of a thread, GFLOP/s.
static int share(const dogb_engine *engine, const shape *s, int32_t threads) {
    static double shares[SLICES_MAX];
    static double peaks[SLICES_MAX];
    double products = s->hidden > 0
                          ? (double)s->hidden * (2.0 * s->features + 3.0 * s->classes)
                          : 2.0 * (double)s->features * s->classes; // forward and gradient
    double rates[256] = {0};
    bank b = {0};
    int32_t count = 0;
    int rc = threads > 256 ? DOGBREED_ERROR_INVALID_ARGUMENT : fill(&b, s);
    rc = rc < 0 ? rc : create(&b, engine, s, threads);
    for (int epoch = 0; rc == DOGBREED_OK && epoch < s->epochs; epoch++) {
        dogb_rng_shuffle(&b.rng, b.order, (size_t)s->rows);
        for (int64_t at = 0; rc == DOGBREED_OK && at + SLICE <= s->rows; at += SLICE) {
            for (int32_t i = 0; i < s->heads; i++) {
                b.work[i].order = b.order + at;
                b.work[i].samples = SLICE;
            }
            double begin = dogb_clock();
            rc = engine->heads_run(b.heads, &b.data, b.work, s->heads);
            double middle = dogb_clock();
            rc = rc < 0 ? rc : dogb_parallel(threads, threads, spin, rates);
            double all = 0;
            for (int32_t i = 0; i < threads; i++) {
                all += rates[i];
            }
            if (count < SLICES_MAX) {
                peaks[count] = all / threads;
                shares[count] = 2.0 * products * SLICE * s->heads / (middle - begin) * 1e-9 / all;
                count++;
            }
        }
    }
    if (rc == DOGBREED_OK && count > 0) {
        qsort(shares, (size_t)count, sizeof *shares, compare_shares);
        qsort(peaks, (size_t)count, sizeof *peaks, compare_shares);
        printf("%.4f %.2f\n", shares[count / 2], peaks[count / 2]);
    }
    if (b.heads != NULL) {
        engine->heads_destroy(b.heads);
    }
    dogb_arena_free(&b.arena);
    return rc;
}

// --- files

static int read_values(const char *folder, const char *name, int number, void *out, size_t size) {
    char path[600];
    (void)snprintf(path, sizeof path, number < 0 ? "%s/%s" : "%s/%s%d", folder, name, number);
    FILE *file = fopen(path, "rb");
    size_t found = file == NULL ? 0 : fread(out, 1, size, file);
    if (file != NULL) {
        (void)fclose(file);
    }
    return found == size ? DOGBREED_OK : dogb_fail(DOGBREED_ERROR_IO, "%s: too short", path);
}

static int move_params(bank *b, const dogb_engine *engine, const shape *s, const char *folder,
                       int write) {
    int hidden = s->hidden > 0;
    for (int32_t param = 0; param < (hidden ? 4 : 2); param++) {
        size_t inputs = (size_t)(hidden && param >= 2 ? s->hidden : s->features);
        size_t outputs = (size_t)(hidden && param < 2 ? s->hidden : s->classes);
        size_t size = (param % 2 == 0 ? inputs * outputs : outputs) * sizeof(float);
        float *values = dogb_alloc(&b->arena, size, 1);
        char path[600];
        (void)snprintf(path, sizeof path, "%s/found%d", folder, param);
        int rc = values == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
        if (rc == DOGBREED_OK && !write) {
            rc = read_values(folder, "param", param, values, size);
            rc = rc < 0 ? rc : engine->heads_write(b->heads, 0, param, values, size);
        } else if (rc == DOGBREED_OK) {
            rc = engine->heads_read(b->heads, 0, param, values, size);
            FILE *file = rc < 0 ? NULL : fopen(path, "wb");
            if (rc == DOGBREED_OK && (file == NULL || fwrite(values, 1, size, file) != size)) {
                rc = dogb_fail(DOGBREED_ERROR_IO, "%s: cannot write", path);
            }
            if (file != NULL && fclose(file) != 0) {
                rc = dogb_fail(DOGBREED_ERROR_IO, "%s: cannot close", path);
            }
        }
        if (rc < 0) {
            return rc;
        }
    }
    return DOGBREED_OK;
}

static int weights(const dogb_engine *engine, const shape *s, const char *folder) {
    bank b = {0};
    int rc = fill(&b, s);
    size_t rows = (size_t)s->rows;
    if (rc == DOGBREED_OK &&
        (rc = read_values(folder, "features", -1, b.features,
                          rows * (size_t)s->features * sizeof *b.features)) == DOGBREED_OK &&
        (rc = read_values(folder, "labels", -1, b.labels, rows * sizeof *b.labels)) ==
            DOGBREED_OK &&
        (rc = read_values(folder, "order", -1, b.order, rows * sizeof *b.order)) == DOGBREED_OK &&
        (rc = create(&b, engine, s, 1)) == DOGBREED_OK) {
        rc = move_params(&b, engine, s, folder, 0);
    }
    for (int epoch = 0; rc == DOGBREED_OK && epoch < s->epochs; epoch++) {
        rc = dogb_engine_result(engine, engine->heads_run(b.heads, &b.data, b.work, 1), "heads");
    }
    if (rc == DOGBREED_OK && (rc = move_params(&b, engine, s, folder, 1)) == DOGBREED_OK) {
        puts("0 0");
    }
    if (b.heads != NULL) {
        engine->heads_destroy(b.heads);
    }
    dogb_arena_free(&b.arena);
    return rc;
}

int main(int argc, char **argv) {
    const dogb_engine *engine = NULL;
    char line[800];
    char folder[512];
    int rc = dogb_engine_open(&engine, argc > 2 ? argv[2] : "native", DOGB_CAN_HEADS, "cpu");
    while (rc == DOGBREED_OK && argc > 1 && fgets(line, sizeof line, stdin) != NULL) {
        shape s;
        if (sscanf(line, "train %lld %d %d %d %d %d %d", &s.rows, &s.features, &s.hidden,
                   &s.classes, &s.batch, &s.heads, &s.epochs) == 7) {
            rc = train(engine, &s, atoi(argv[1]));
        } else if (sscanf(line, "share %lld %d %d %d %d %d %d", &s.rows, &s.features, &s.hidden,
                          &s.classes, &s.batch, &s.heads, &s.epochs) == 7) {
            rc = share(engine, &s, atoi(argv[1]));
        } else if (sscanf(line, "weights %511s %lld %d %d %d %d %d %d", folder, &s.rows,
                          &s.features, &s.hidden, &s.classes, &s.batch, &s.heads, &s.epochs) == 8) {
            rc = weights(engine, &s, folder);
        } else {
            rc = dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "not understood: %s", line);
        }
        (void)fflush(stdout);
    }
    if (argc < 2 || rc < 0) {
        fprintf(stderr, "heads: %s\n",
                argc < 2 ? "usage: heads THREADS [ENGINE]" : dogbreed_error_message());
        return 2;
    }
    return 0;
}
