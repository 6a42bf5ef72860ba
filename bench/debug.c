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

enum { WITHOUT = 0, DEFAULT = 1, SILENT = 2, KINDS = 3, ROUNDS_MAX = 200 };
static const char *const names[KINDS] = {"without", "default", "rules=none"};

typedef struct job {
    dogbreed_dataset *train;
    dogbreed_dataset *valid;
    dogbreed_model_options model;
    dogbreed_trainer_options trainer;
    const char *rules;
} job;

typedef struct watch {
    double begin;
    double seconds;
    int64_t steps;
} watch;

static int hear(const dogbreed_event *event, void *userdata) {
    watch *w = userdata;
    if (event->kind == DOGBREED_EVENT_EPOCH_BEGIN) {
        w->begin = dogb_clock();
    } else {
        w->seconds += dogb_clock() - w->begin;
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

static double run(const job *j, int kind) {
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
    return w.seconds / (double)w.steps;
}

static void print(const char *what, double *values, int count, double factor) {
    qsort(values, (size_t)count, sizeof *values, dogb_number_compare);
    (void)printf("%-24s %10.4f  [%.4f, %.4f]\n", what, values[count / 2] * factor,
                 values[count / 4] * factor, values[3 * count / 4] * factor);
}

int main(int argc, char **argv) {
    static double seconds[KINDS][ROUNDS_MAX];
    static double ratios[KINDS][ROUNDS_MAX];
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
            seconds[kind][r] = run(&j, kind);
        }
        for (int kind = 0; kind < KINDS; kind++) {
            ratios[kind][r] = seconds[kind][r] / seconds[WITHOUT][r];
        }
    }
    for (int kind = 0; kind < KINDS; kind++) {
        char what[64];
        (void)snprintf(what, sizeof what, "%s, us/step", names[kind]);
        print(what, seconds[kind], rounds, 1e6);
        (void)snprintf(what, sizeof what, "%s, ratio", names[kind]);
        print(what, ratios[kind], rounds, 1.0);
    }
    dogbreed_dataset_destroy(j.valid);
    dogbreed_dataset_destroy(j.train);
    dogbreed_dataset_destroy(all);
    return 0;
}
