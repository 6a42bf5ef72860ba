// study_tool.c - the C side of study.py: works on a study as a program of its own.
// Usage: study_tool COMMAND URL NAME [ARGUMENTS], commands at the end of this file.
#include "core/error.h"
#include "core/json.h"
#include "study/study.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FLOAT_LOG                                                                                  \
    "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": 0.0001, "         \
    "\"high\": 0.1, \"log\": true}}"
#define INT_6_10                                                                                   \
    "{\"name\": \"IntDistribution\", \"attributes\": {\"log\": false, \"step\": 1, \"low\": 6, "   \
    "\"high\": 10}}"
#define CHOICES                                                                                    \
    "{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [32, 64, \"auto\"]}}"

enum { EPOCHS = 3 };

typedef struct job {
    int64_t id;
    int64_t number;
    const dogb_study_param *params;
} job;

static double clock_seconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int open_study(dogb_study **study, char **argv, int32_t create, double heartbeat) {
    dogb_study_conf conf = {.url = argv[0],
                            .name = argv[1],
                            .direction = create ? DOGB_MAXIMIZE : 0,
                            .create = create,
                            .heartbeat = heartbeat};
    return dogb_study_open(study, &conf);
}

static double accuracy(const dogb_study_param *params) {
    return 1 - fabs(log10(params[0].value) + 2.5) / 10 - fabs(params[1].value - 8) / 100;
}

// Parameters that differ from trial to trial; the study does not care how they were found.
static void draw(dogb_study_param params[3], int64_t seed) {
    uint32_t bits = (uint32_t)seed * 2654435761U;
    params[0] =
        (dogb_study_param){"learning_rate", pow(10, -4 + 3 * (bits >> 8) / 16777216.0), FLOAT_LOG};
    params[1] = (dogb_study_param){"epochs", 6 + bits % 5, INT_6_10};
    params[2] = (dogb_study_param){"batch_size", bits % 3, CHOICES};
}

static int report_all(dogb_study *study, void *userdata) {
    const job *j = userdata;
    double value = accuracy(j->params);
    int rc = DOGBREED_OK;
    for (int step = 1; rc == DOGBREED_OK && step <= EPOCHS; step++) {
        rc = dogb_study_report(study, j->id, step, value * step / EPOCHS);
    }
    return rc < 0 ? rc : dogb_study_tell(study, j->id, DOGB_TRIAL_COMPLETE, value);
}

// create URL NAME
static int create(char **argv) {
    dogb_study *study = NULL;
    int rc = open_study(&study, argv, 1, 0);
    dogb_study_close(study);
    return rc;
}

// work URL NAME COUNT: trials, one call after the other
static int work(char **argv) {
    dogb_study *study = NULL;
    int rc = open_study(&study, argv, 0, 0);
    for (long i = 0; rc == DOGBREED_OK && i < atol(argv[2]); i++) {
        dogb_study_param params[3];
        job j = {.params = params};
        draw(params, (int64_t)getpid() * 1000 + i);
        rc = dogb_study_add(study, &j.id, &j.number, -1, DOGB_TRIAL_RUNNING, params, 3,
                            "{\"worker\": \"C\"}");
        if (rc == DOGBREED_OK) {
            rc = report_all(study, &j);
        }
        if (rc == DOGBREED_OK) {
            printf("%lld\n", (long long)j.number);
        }
    }
    dogb_study_close(study);
    return rc;
}

// take URL NAME: runs the trial that waits longest
static int take(char **argv) {
    dogb_study *study = NULL;
    int64_t id = 0;
    int64_t number = 0;
    int rc = open_study(&study, argv, 0, 0);
    if (rc < 0 || (rc = dogb_study_take_waiting(study, &id, &number)) < 0) {
        goto out;
    }
    rc = dogb_study_tell(study, id, DOGB_TRIAL_COMPLETE, 0.125);
    printf("%lld\n", (long long)number);
out:
    dogb_study_close(study);
    return rc;
}

// hang URL NAME HEARTBEAT: one trial that never ends
static int hang(char **argv) {
    dogb_study *study = NULL;
    dogb_study_param params[3];
    int64_t number = 0;
    int rc = open_study(&study, argv, 0, atof(argv[2]));
    draw(params, 1);
    if (rc == DOGBREED_OK) {
        rc = dogb_study_add(study, NULL, &number, -1, DOGB_TRIAL_RUNNING, params, 3, NULL);
    }
    printf("%lld\n", (long long)number);
    fflush(stdout);
    while (rc == DOGBREED_OK) {
        (void)pause();
    }
    dogb_study_close(study);
    return rc;
}

// reap URL NAME HEARTBEAT RETRY
static int reap(char **argv) {
    dogb_study *study = NULL;
    int32_t count = 0;
    int rc = open_study(&study, argv, 0, atof(argv[2]));
    if (rc == DOGBREED_OK) {
        rc = dogb_study_reap(study, (int32_t)atol(argv[3]), &count);
        printf("%d\n", (int)count);
    }
    dogb_study_close(study);
    return rc;
}

static int special_trials(dogb_study *study) {
    static const double curve[] = {0.1, NAN, INFINITY, -INFINITY, 1.0 / 3};
    const double values[] = {0.7071067811865476, -INFINITY, INFINITY, NAN};
    dogb_study_param params[3];
    int rc = DOGBREED_OK;
    for (int i = 0; rc == DOGBREED_OK && i < 4; i++) {
        int64_t id = 0;
        draw(params, i + 1);
        rc = dogb_study_add(study, &id, NULL, i, DOGB_TRIAL_RUNNING, params, 3,
                            "{\"host\": \"b\\u00e4r\", \"list\": [1, 2.5, null, true]}");
        for (int step = 1; rc == DOGBREED_OK && step <= 5; step++) {
            rc = dogb_study_report(study, id, step, curve[step - 1]);
        }
        if (rc == DOGBREED_OK) {
            rc = dogb_study_tell(study, id, DOGB_TRIAL_COMPLETE, values[i]);
        }
    }
    return rc;
}

// special URL NAME: trials in all five states, values that are not finite, notes
static int special(char **argv) {
    dogb_study *study = NULL;
    dogb_study_param params[3];
    int64_t id = 0;
    int rc = open_study(&study, argv, 1, 0);
    draw(params, 9);
    if (rc < 0 || (rc = special_trials(study)) < 0 ||
        (rc = dogb_study_add(study, &id, NULL, 4, DOGB_TRIAL_RUNNING, params, 3, NULL)) < 0 ||
        (rc = dogb_study_report(study, id, 1, 0.25)) < 0 ||
        (rc = dogb_study_tell(study, id, DOGB_TRIAL_PRUNED, NAN)) < 0 ||
        (rc = dogb_study_add(study, &id, NULL, 5, DOGB_TRIAL_RUNNING, params, 1, NULL)) < 0 ||
        (rc = dogb_study_param_set(study, id, &params[1])) < 0 ||
        (rc = dogb_study_add(study, NULL, NULL, 6, DOGB_TRIAL_WAITING, params, 3, NULL)) < 0 ||
        (rc = dogb_study_attribute(study, -1, 0, "dogbreed:search", "{\"seed\": 1}")) < 0 ||
        (rc = dogb_study_attribute(study, -1, 1, "study:metric_names", "[\"accuracy\"]")) < 0 ||
        (rc = dogb_study_attribute(study, -1, 1, "dashboard:note_ver", "1")) < 0) {
        goto out;
    }
    rc = dogb_study_attribute(study, -1, 1, "dashboard:note_str:0", "\"a *note*\"");
out:
    dogb_study_close(study);
    return rc;
}

static int print_trial(json_t *list, const dogb_study_trial *t) {
    json_t *object = json_object();
    json_t *params = json_object();
    json_t *curve = json_array();
    for (int32_t i = 0; i < t->param_count; i++) {
        (void)dogb_json_set_real(params, t->params[i].name, t->params[i].value);
    }
    for (int32_t i = 0; i < t->curve_count; i++) {
        (void)dogb_json_add(curve, dogb_json_real(t->curve[i]));
    }
    (void)dogb_json_set_int(object, "number", t->number);
    (void)dogb_json_set_int(object, "state", t->state);
    (void)dogb_json_set_real(object, "value", t->value);
    (void)dogb_json_set_real(object, "start", t->start);
    (void)dogb_json_set_real(object, "complete", t->complete);
    (void)dogb_json_set_text(object, "attributes", t->attributes);
    (void)dogb_json_set_text(object, "system", t->system);
    (void)dogb_json_set(object, "params", params);
    (void)dogb_json_set(object, "curve", curve);
    return dogb_json_add(list, object);
}

// dump URL NAME: all trials as JSON
static int dump(char **argv) {
    dogb_arena arena = {0};
    dogb_study *study = NULL;
    const dogb_study_trial *trials = NULL;
    int64_t count = 0;
    int rc = open_study(&study, argv, 0, 0);
    if (rc == DOGBREED_OK && (rc = dogb_study_trials(&trials, &count, study, &arena)) == 0) {
        json_t *list = dogb_json_array(&arena);
        for (int64_t i = 0; i < count; i++) {
            (void)print_trial(list, &trials[i]);
        }
        printf("%s\n", dogb_json_text_in(&arena, list, 0));
    }
    dogb_study_close(study);
    dogb_arena_free(&arena);
    return rc;
}

typedef struct group {
    int64_t *ids;
    dogb_study_param (*params)[3];
    int count;
    int step;
} group;

static int add_group(dogb_study *study, void *userdata) {
    group *g = userdata;
    int rc = DOGBREED_OK;
    for (int i = 0; rc == DOGBREED_OK && i < g->count; i++) {
        draw(g->params[i], i);
        rc = dogb_study_add(study, &g->ids[i], NULL, -1, DOGB_TRIAL_RUNNING, g->params[i], 3, NULL);
    }
    return rc;
}

static int report_group(dogb_study *study, void *userdata) {
    const group *g = userdata;
    int rc = DOGBREED_OK;
    for (int i = 0; rc == DOGBREED_OK && i < g->count; i++) {
        rc = dogb_study_report(study, g->ids[i], g->step, accuracy(g->params[i]));
    }
    return rc;
}

static int tell_group(dogb_study *study, void *userdata) {
    const group *g = userdata;
    int rc = DOGBREED_OK;
    for (int i = 0; rc == DOGBREED_OK && i < g->count; i++) {
        rc = dogb_study_tell(study, g->ids[i], DOGB_TRIAL_COMPLETE, accuracy(g->params[i]));
    }
    return rc;
}

// time URL NAME GROUP: 160 trials of 10 reports, in groups that advance together; seconds of
// opening, writing, and reading all trials
static int timing(char **argv) {
    enum { TRIALS = 160, STEPS = 10 };
    dogb_arena arena = {0};
    dogb_study_param params[TRIALS][3];
    int64_t ids[TRIALS];
    group g = {.ids = ids, .params = params, .count = (int)atol(argv[2])};
    dogb_study *study = NULL;
    const dogb_study_trial *trials = NULL;
    int64_t count = 0;
    double began = clock_seconds();
    int rc = open_study(&study, argv, 1, 60);
    double opened = clock_seconds();
    for (int done = 0; rc == DOGBREED_OK && done < TRIALS; done += g.count) {
        rc = dogb_study_batch(study, add_group, &g);
        for (g.step = 1; rc == DOGBREED_OK && g.step <= STEPS; g.step++) {
            rc = dogb_study_batch(study, report_group, &g);
        }
        rc = rc < 0 ? rc : dogb_study_batch(study, tell_group, &g);
    }
    double written = clock_seconds();
    rc = rc < 0 ? rc : dogb_study_trials(&trials, &count, study, &arena);
    printf("open %.4f s, write %.4f s, read %.4f s\n", opened - began, written - opened,
           clock_seconds() - written);
    dogb_study_close(study);
    dogb_arena_free(&arena);
    return rc;
}

int main(int argc, char **argv) {
    (void)setvbuf(stdout, NULL, _IOLBF, 0); // a number that is seen was told
    static const struct {
        const char *name;
        int (*run)(char **argv);
        int arguments;
    } commands[] = {
        {"create", create, 2}, {"work", work, 3},       {"take", take, 2}, {"hang", hang, 3},
        {"reap", reap, 4},     {"special", special, 2}, {"dump", dump, 2}, {"time", timing, 3},
    };
    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(argv[1], commands[i].name) == 0 && argc == commands[i].arguments + 2) {
            int rc = commands[i].run(argv + 2);
            if (rc < 0) {
                fprintf(stderr, "%s: %s\n", dogbreed_error_name(rc), dogbreed_error_message());
            }
            return rc < 0;
        }
    }
    fprintf(stderr, "usage: study_tool COMMAND URL NAME [ARGUMENTS]\n");
    return 2;
}
