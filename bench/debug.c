// debug.c - what the debugger costs a step: trainings in turn without it, with it at its default
// settings, and with it attached and its rules off. The clock runs between EPOCH_BEGIN and
// EVAL_BEGIN. Arguments: DATA WEIGHTS FREEZE EPOCHS ROUNDS [NAME=VALUE of the trainer, rules=TEXT
// ...]. Prints microseconds per step and the ratios to the training before, median and quartiles.
#include "core/clock.h"
#include "core/number.h"

#include <dogbreed/dogbreed.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WITHOUT = 0, DEFAULT = 1, SILENT = 2, KINDS = 3, ROUNDS_MAX = 200 };
static const char *const names[KINDS] = {"without", "default", "rules=none"};
enum { WALL = 0, CPU = 1, WALL_RATIO = 2, CPU_RATIO = 3, FIGURES = 4 };
static const char *const figures[FIGURES] = {"us/step", "cpu us/step", "ratio", "cpu ratio"};

typedef struct job {
    dogbreed_dataset *train;
    dogbreed_dataset *valid;
    dogbreed_model_options model;
    dogbreed_trainer_options trainer;
    const char *rules;
} job;

typedef struct watch {
    double begin;
    double cpu_begin;
    double seconds;
    double cpu; // of this thread: what others on the machine do is not in it
    int64_t steps;
} watch;

static double cpu_clock(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int hear(const dogbreed_event *event, void *userdata) {
    watch *w = userdata;
    if (event->kind == DOGBREED_EVENT_EPOCH_BEGIN) {
        w->begin = dogb_clock();
        w->cpu_begin = cpu_clock();
    } else {
        w->seconds += dogb_clock() - w->begin;
        w->cpu += cpu_clock() - w->cpu_begin;
        w->steps += event->steps;
    }
    return 0;
}

static double check(int rc) {
    if (rc < 0) {
        (void)fprintf(stderr, "%s\n", dogbreed_error_message());
        exit(1);
    }
    return 0.0;
}

static watch run(const job *j, int kind) {
    dogbreed_model *model = NULL;
    dogbreed_trainer *trainer = NULL;
    dogbreed_debug *debug = NULL;
    dogbreed_debug_options options;
    watch w = {0};
    check(dogbreed_model_create(&model, j->train, &j->model));
    check(dogbreed_trainer_create(&trainer, model, j->train, j->valid, &j->trainer));
    check(dogbreed_debug_options_init(&options, sizeof options));
    options.rules = kind == SILENT ? "none" : j->rules;
    if (kind != WITHOUT) {
        check(dogbreed_debug_attach(&debug, trainer, &options));
    }
    check(dogbreed_trainer_subscribe(trainer, NULL,
                                     DOGBREED_EVENT_MASK(DOGBREED_EVENT_EPOCH_BEGIN) |
                                         DOGBREED_EVENT_MASK(DOGBREED_EVENT_EVAL_BEGIN),
                                     hear, &w));
    check(dogbreed_trainer_run(trainer));
    dogbreed_debug_destroy(debug);
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    w.seconds /= (double)w.steps;
    w.cpu /= (double)w.steps;
    return w;
}

static void print(const char *what, double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, dogb_number_compare);
    (void)printf("%-24s %10.4f  [%.4f, %.4f]\n", what, values[count / 2], values[count / 4],
                 values[3 * count / 4]);
}

int main(int argc, char **argv) {
    static double values[FIGURES][KINDS][ROUNDS_MAX];
    job j = {.rules = "default"};
    dogbreed_dataset *all = NULL;
    int rounds = argc > 5 ? atoi(argv[5]) : 0;
    if (rounds < 1 || rounds > ROUNDS_MAX) {
        (void)fprintf(stderr, "usage: debug DATA WEIGHTS FREEZE EPOCHS ROUNDS [NAME=VALUE ...]\n");
        return 2;
    }
    check(dogbreed_dataset_open(&all, argv[1], NULL));
    check(dogbreed_dataset_split(&j.train, all, "train"));
    check(dogbreed_dataset_split(&j.valid, all, "valid"));
    check(dogbreed_model_options_init(&j.model, sizeof j.model));
    check(dogbreed_trainer_options_init(&j.trainer, sizeof j.trainer));
    j.model.architecture = "mobilenet_v2";
    j.model.weights = argv[2];
    j.model.freeze = argv[3];
    j.trainer.epochs = atoi(argv[4]);
    for (int i = 6; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        if (strncmp(argv[i], "rules=", 6) == 0) {
            j.rules = argv[i] + 6;
        } else if (value != NULL) {
            *value = '\0';
            check(dogbreed_options_set(&j.trainer, argv[i], value + 1));
        }
    }
    (void)run(&j, WITHOUT); // features
    for (int r = 0; r < rounds; r++) {
        for (int i = 0; i < KINDS; i++) { // another order each time
            int kind = (i + r) % KINDS;
            watch w = run(&j, kind);
            values[WALL][kind][r] = w.seconds * 1e6;
            values[CPU][kind][r] = w.cpu * 1e6;
        }
        for (int kind = 0; kind < KINDS; kind++) {
            values[WALL_RATIO][kind][r] = values[WALL][kind][r] / values[WALL][WITHOUT][r];
            values[CPU_RATIO][kind][r] = values[CPU][kind][r] / values[CPU][WITHOUT][r];
        }
    }
    for (int kind = 0; kind < KINDS; kind++) {
        for (int figure = 0; figure < FIGURES; figure++) {
            char what[64];
            (void)snprintf(what, sizeof what, "%s, %s", names[kind], figures[figure]);
            print(what, values[figure][kind], rounds);
        }
    }
    dogbreed_dataset_destroy(j.valid);
    dogbreed_dataset_destroy(j.train);
    dogbreed_dataset_destroy(all);
    return 0;
}
