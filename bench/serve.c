// serve.c - the batcher of serve beside the predictor that it uses, on encoded pictures in memory.
//   serve MODEL FOLDER CLIENTS BATCH DELAY_MS THREADS WORKERS ROUNDS SECONDS
// FOLDER: photos. Blocks take turns: `direct` is dogbreed_predictor_predict_batch on the same files
// (CLIENTS 1: predict_bytes), `batcher` is CLIENTS threads that submit one picture each and wait.
// Prints pictures per second of both and the median ratio; latencies of the batcher, and what of
// them is neither decoding nor the network. CLIENTS 1: also that of a thread which is handed one
// picture after the other with a condition and nothing else: what waking two threads costs here.
#include "core/clock.h"
#include "core/file.h"
#include "core/span.h"
#include "core/thread.h"
#include "predictor/predictor_infer.h"
#include "serve/batcher.h"

#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_MAX = 512, CLIENTS_MAX = 256, SAMPLES_MAX = 1 << 20, ROUNDS_MAX = 200 };

static dogb_arena memory;
static char *paths[FILES_MAX];
static void *bytes[FILES_MAX];
static size_t sizes[FILES_MAX];
static int files;

static dogbreed_predictor *predictor;
static dogb_batcher *batcher;
static int32_t classes;
static atomic_int next_file;
static atomic_int stop;
static double whole[SAMPLES_MAX]; // us
static double rest[SAMPLES_MAX];
static double handed[SAMPLES_MAX];
static atomic_int samples;
static atomic_llong batches; // sum of their sizes

typedef struct client {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    dogb_work work;
    dogb_item item;
    int done;
    int64_t count;
} client;

static void fail(const char *what) {
    fprintf(stderr, "serve: %s: %s\n", what, dogbreed_error_message());
    exit(1);
}

static void read_folder(const char *folder) {
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < count && files < FILES_MAX; i++) {
        size_t length = strlen(entries[i]->d_name);
        if (length > 4 && strcmp(entries[i]->d_name + length - 4, ".jpg") == 0) {
            paths[files] = dogb_format(&memory, "%s/%s", folder, entries[i]->d_name);
            if (dogb_file_read(&bytes[files], &sizes[files], &memory, paths[files], 1 << 28) < 0) {
                fail(paths[files]);
            }
            files++;
        }
        free(entries[i]);
    }
    free(entries);
    if (files == 0) {
        fail(folder);
    }
}

static void on_done(dogb_work *work, void *userdata) {
    client *c = userdata;
    (void)work;
    (void)pthread_mutex_lock(&c->lock);
    c->done = 1;
    (void)pthread_cond_signal(&c->changed);
    (void)pthread_mutex_unlock(&c->lock);
}

static void *call(void *userdata) {
    client *c = userdata;
    float *logits = malloc((size_t)classes * sizeof *logits);
    while (!atomic_load(&stop)) {
        int file = atomic_fetch_add(&next_file, 1) % files;
        c->item = (dogb_item){.bytes = bytes[file], .size = sizes[file], .logits = logits};
        c->work = (dogb_work){.items = &c->item, .count = 1, .done = on_done, .userdata = c};
        c->done = 0;
        uint64_t begin = dogb_span_now();
        if (dogb_batcher_submit(batcher, &c->work) < 0) {
            fail("submit");
        }
        (void)pthread_mutex_lock(&c->lock);
        while (!c->done) {
            (void)pthread_cond_wait(&c->changed, &c->lock);
        }
        (void)pthread_mutex_unlock(&c->lock);
        uint64_t time = dogb_span_now() - begin;
        if (c->item.rc < 0) {
            fail(c->item.message);
        }
        int at = atomic_fetch_add(&samples, 1) % SAMPLES_MAX;
        whole[at] = 1e-3 * (double)time;
        rest[at] = 1e-3 * (double)(time - c->item.decode_ns - c->item.model_ns);
        (void)atomic_fetch_add(&batches, c->item.batch);
        c->count++;
    }
    free(logits);
    return NULL;
}

static double block_batcher(int clients, double seconds) {
    static client all[CLIENTS_MAX];
    int64_t count = 0;
    atomic_store(&stop, 0);
    double begin = dogb_clock();
    for (int i = 0; i < clients; i++) {
        all[i].count = 0;
        (void)pthread_mutex_init(&all[i].lock, NULL);
        (void)pthread_cond_init(&all[i].changed, NULL);
        if (dogb_thread_start(&all[i].thread, call, &all[i]) < 0) {
            fail("client");
        }
    }
    struct timespec pause = {(time_t)seconds, (long)(1e9 * (seconds - (double)(time_t)seconds))};
    (void)nanosleep(&pause, NULL);
    atomic_store(&stop, 1);
    for (int i = 0; i < clients; i++) {
        (void)pthread_join(all[i].thread, NULL);
        count += all[i].count;
    }
    return (double)count / (dogb_clock() - begin);
}

static double block_direct(int clients, double seconds, int batch) {
    static dogbreed_prediction out[FILES_MAX];
    int64_t count = 0;
    double begin = dogb_clock();
    int at = 0;
    while (dogb_clock() - begin < seconds) {
        if (clients == 1) {
            if (dogbreed_predictor_predict_bytes(predictor, bytes[at], sizes[at], NULL, out, 1) <
                0) {
                fail("predict");
            }
            at = (at + 1) % files;
            count++;
            continue;
        }
        int size = files - at < batch * 4 ? files - at : batch * 4;
        if (dogbreed_predictor_predict_batch(predictor, (const char *const *)paths + at, size, out,
                                             1, NULL) < 0) {
            fail("predict");
        }
        at = (at + size) % files;
        count += size;
    }
    return (double)count / (dogb_clock() - begin);
}

// --- the bare hand-over

static struct bare {
    pthread_mutex_t lock;
    pthread_cond_t given;
    pthread_cond_t taken;
    int turn; // 0 nobody's, 1 the thread's, 2 it ends
    int file;
    uint64_t work_ns;
} bare = {.lock = PTHREAD_MUTEX_INITIALIZER,
          .given = PTHREAD_COND_INITIALIZER,
          .taken = PTHREAD_COND_INITIALIZER};

static void *run_bare(void *userdata) {
    dogbreed_prediction out;
    (void)userdata;
    (void)pthread_mutex_lock(&bare.lock);
    for (;;) {
        while (bare.turn == 0) {
            (void)pthread_cond_wait(&bare.given, &bare.lock);
        }
        if (bare.turn == 2) {
            (void)pthread_mutex_unlock(&bare.lock);
            return NULL;
        }
        uint64_t begin = dogb_span_now();
        (void)dogbreed_predictor_predict_bytes(predictor, bytes[bare.file], sizes[bare.file], NULL,
                                               &out, 1);
        bare.work_ns = dogb_span_now() - begin;
        bare.turn = 0;
        (void)pthread_cond_signal(&bare.taken);
    }
}

static int block_bare(double *rests, int count_max, double seconds) {
    pthread_t thread;
    int count = 0;
    bare.turn = 0;
    if (dogb_thread_start(&thread, run_bare, NULL) < 0) {
        fail("thread");
    }
    (void)pthread_mutex_lock(&bare.lock);
    for (double begin = dogb_clock(); dogb_clock() - begin < seconds && count < count_max;) {
        bare.file = count % files;
        uint64_t start = dogb_span_now();
        bare.turn = 1;
        (void)pthread_cond_signal(&bare.given);
        while (bare.turn == 1) {
            (void)pthread_cond_wait(&bare.taken, &bare.lock);
        }
        rests[count++] = 1e-3 * (double)(dogb_span_now() - start - bare.work_ns);
    }
    bare.turn = 2;
    (void)pthread_cond_signal(&bare.given);
    (void)pthread_mutex_unlock(&bare.lock);
    (void)pthread_join(thread, NULL);
    return count;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(double *values, int count, double q) {
    qsort(values, (size_t)count, sizeof *values, by_value);
    return values[(int)(q * (count - 1))];
}

int main(int argc, char **argv) {
    if (argc != 10) {
        fprintf(stderr, "usage: serve MODEL FOLDER CLIENTS BATCH DELAY_MS THREADS WORKERS ROUNDS "
                        "SECONDS\n");
        return 2;
    }
    int clients = atoi(argv[3]);
    int rounds = atoi(argv[8]);
    double seconds = atof(argv[9]);
    double direct[ROUNDS_MAX];
    double served[ROUNDS_MAX];
    double ratio[ROUNDS_MAX];
    dogbreed_predictor_options options;
    (void)dogbreed_predictor_options_init(&options, sizeof options);
    options.engine = "native";
    options.batch_size = atoi(argv[4]);
    options.threads = atoi(argv[6]);
    const dogb_batcher_conf conf = {.batch_size = atoi(argv[4]),
                                    .queue_max = CLIENTS_MAX,
                                    .delay_s = 1e-3 * atof(argv[5]),
                                    .workers = atoi(argv[7])};
    read_folder(argv[2]);
    if (dogbreed_predictor_create(&predictor, argv[1], &options) < 0 ||
        dogb_batcher_create(&batcher, predictor, &conf) < 0) {
        fail(argv[1]);
    }
    classes = dogbreed_predictor_class_count(predictor);
    (void)block_direct(clients, 0.3, conf.batch_size);
    (void)block_batcher(clients, 0.3);
    atomic_store(&samples, 0);
    atomic_store(&batches, 0);
    int handed_count = 0;
    for (int i = 0; i < rounds; i++) {
        if (clients == 1) {
            handed_count +=
                block_bare(handed + handed_count, SAMPLES_MAX - handed_count, seconds / 2);
        }
        direct[i] = block_direct(clients, seconds, conf.batch_size);
        served[i] = block_batcher(clients, seconds);
        ratio[i] = served[i] / direct[i];
    }
    int count = atomic_load(&samples) < SAMPLES_MAX ? atomic_load(&samples) : SAMPLES_MAX;
    double mean = (double)atomic_load(&batches) / atomic_load(&samples);
    printf("%d clients, batch %d (mean %.1f), delay %s ms: direct %.1f (best %.1f), ", clients,
           conf.batch_size, mean, argv[5], quantile(direct, rounds, 0.5),
           quantile(direct, rounds, 1.0));
    printf("batcher %.1f (best %.1f) pictures/s, ratio %.3f [%.3f, %.3f]\n",
           quantile(served, rounds, 0.5), quantile(served, rounds, 1.0),
           quantile(ratio, rounds, 0.5), quantile(ratio, rounds, 0.0),
           quantile(ratio, rounds, 1.0));
    printf("  latency p50 %.0f us, p90 %.0f, p99 %.0f; without decoding and network p50 %.1f us, "
           "p90 %.1f, p99 %.1f\n",
           quantile(whole, count, 0.5), quantile(whole, count, 0.9), quantile(whole, count, 0.99),
           quantile(rest, count, 0.5), quantile(rest, count, 0.9), quantile(rest, count, 0.99));
    if (clients == 1) {
        printf("  the bare hand-over: p50 %.1f us, p90 %.1f, p99 %.1f\n",
               quantile(handed, handed_count, 0.5), quantile(handed, handed_count, 0.9),
               quantile(handed, handed_count, 0.99));
    }
    dogb_batcher_destroy(batcher);
    dogbreed_predictor_destroy(predictor);
    dogb_arena_free(&memory);
    return 0;
}
