// study_report.c - what the trials of a study say: the best ones as a table, and how far the best
// value can be trusted.
#include "study.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 10, COLUMNS_MAX = 24 };

const char *objective_name(const tool *t) {
    static const char *const names[] = {"val_accuracy", "val_loss", "val_top5"};
    int32_t objective = t->settings.tuner.objective;
    return objective >= 0 && objective < 3 ? names[objective] : "value";
}

int objective_is_share(const tool *t) {
    return t->settings.tuner.objective == DOGBREED_OBJECTIVE_VAL_ACCURACY ||
           t->settings.tuner.objective == DOGBREED_OBJECTIVE_VAL_TOP5;
}

int objective_is_larger(const tool *t) {
    return objective_is_share(t) || t->settings.tuner.objective == DOGBREED_OBJECTIVE_MAXIMIZE;
}

void value_text(char out[40], const tool *t, double value) {
    if (!isfinite(value)) {
        (void)snprintf(out, 40, "-");
    } else if (objective_is_share(t)) {
        (void)snprintf(out, 40, "%.2f %%", 100.0 * value);
    } else {
        (void)snprintf(out, 40, study_is_command(t) ? "%.6g" : "%.4f", value);
    }
}

void param_text(char *out, size_t size, const json_t *value) {
    if (json_is_string(value)) {
        (void)snprintf(out, size, "%s", json_string_value(value));
    } else {
        (void)snprintf(out, size, "%.17g", json_number_value(value));
    }
}

json_t *best_trial(const study *s) {
    return s->best < 0 ? NULL : json_array_get(s->trials, (size_t)s->best);
}

static int is_complete(const json_t *trial) {
    return strcmp(text_of(trial, "state"), "COMPLETE") == 0;
}

// --- noise

// Expected highest of `count` independent standard normal numbers: the integral of
// 1 - F^count over x > 0, minus that of F^count over x < 0.
static double expected_highest(int64_t count) {
    const double step = 1.0 / 256;
    double sum = 0.0;
    for (double x = step / 2; x < 12.0; x += step) {
        double above = pow(0.5 * erfc(-x / sqrt(2.0)), (double)count);
        double below = pow(0.5 * erfc(x / sqrt(2.0)), (double)count);
        sum += (1.0 - above - below) * step;
    }
    return sum;
}

noise study_noise(const study *s) {
    noise n = {.standard_error = (double)NAN, .optimism = (double)NAN};
    const json_t *best = best_trial(s);
    size_t i = 0;
    json_t *trial = NULL;
    if (best == NULL || !objective_is_share(s->t) || s->judged < 1) {
        return n;
    }
    double value = real_of(best, "value");
    n.standard_error = sqrt(value * (1.0 - value) / (double)s->judged);
    json_array_foreach(s->trials, i, trial) {
        n.within += is_complete(trial) && real_of(trial, "value") >= value - n.standard_error;
    }
    n.optimism = n.standard_error * expected_highest(n.within);
    return n;
}

static void print_noise(const study *s) {
    noise n = study_noise(s);
    if (isfinite(n.standard_error)) {
        out("%-15s %lld of %zu trials lie within one standard error (%.2f points) of it\n", "noise",
            (long long)n.within, json_array_size(s->trials), 100.0 * n.standard_error);
        out("%-15s it is the best of noisy values: too good by up to %.1f points\n", "",
            100.0 * n.optimism);
    }
}

void print_best(const study *s, const char *label) {
    char value[40];
    char folds[40] = "";
    int32_t count = s->t->settings.tuner.kfold;
    value_text(value, s->t, real_of(best_trial(s), "value"));
    if (count > 0) {
        (void)snprintf(folds, sizeof folds, " over %d folds", (int)count);
    }
    out("%-15s trial %lld of %zu, %s %s%s\n", label, (long long)s->best, json_array_size(s->trials),
        objective_name(s->t), value, folds);
    print_noise(s);
}

void add_noise(json_t *result, const study *s) {
    noise n = study_noise(s);
    (void)json_object_set_new(result, "standard_error", finite_or_null(n.standard_error));
    (void)json_object_set_new(result, "within", json_integer(n.within));
    (void)json_object_set_new(result, "optimism", finite_or_null(n.optimism));
}

// --- the table

typedef struct column {
    const char *name;
    int width;
} column;

static void cell_text(char out[64], const study *s, const json_t *trial, const char *name) {
    const json_t *value = json_object_get(json_object_get(trial, "params"), name);
    if (strcmp(name, "trial") == 0) {
        (void)snprintf(out, 64, "%lld", (long long)integer_of(trial, "number"));
    } else if (strcmp(name, objective_name(s->t)) == 0) {
        value_text(out, s->t, real_of(trial, "value"));
    } else if (json_is_string(value)) {
        (void)snprintf(out, 64, "%s", json_string_value(value));
    } else if (json_is_integer(value)) {
        (void)snprintf(out, 64, "%lld", (long long)json_integer_value(value));
    } else {
        (void)snprintf(out, 64, "%.5g", json_number_value(value));
    }
}

static int compare(const void *a, const void *b) {
    const json_t *x = *(json_t *const *)a;
    const json_t *y = *(json_t *const *)b;
    double gain = real_of(y, "value") - real_of(x, "value");
    double loss = real_of(x, "val_loss") - real_of(y, "val_loss");
    int64_t order = integer_of(x, "number") - integer_of(y, "number");
    return gain > 0 ? 1 : gain < 0 ? -1 : loss > 0 ? 1 : loss < 0 ? -1 : order > 0 ? 1 : -1;
}

static int compare_losses(const void *a, const void *b) {
    const json_t *x = *(json_t *const *)a;
    const json_t *y = *(json_t *const *)b;
    double gain = real_of(x, "value") - real_of(y, "value");
    int64_t order = integer_of(x, "number") - integer_of(y, "number");
    return gain > 0 ? 1 : gain < 0 ? -1 : order > 0 ? 1 : -1;
}

static size_t collect(json_t **list, const study *s) {
    size_t count = 0;
    size_t i = 0;
    json_t *trial = NULL;
    json_array_foreach(s->trials, i, trial) {
        if (is_complete(trial)) {
            list[count++] = trial;
        }
    }
    qsort(list, count, sizeof *list, objective_is_larger(s->t) ? compare : compare_losses);
    return count;
}

static size_t make_columns(column *columns, const study *s, json_t *const *list, size_t rows) {
    size_t count = 0;
    const char *key = NULL;
    json_t *value = NULL;
    columns[count++].name = "trial";
    columns[count++].name = objective_name(s->t);
    json_object_foreach(json_object_get(list[0], "params"), key, value) {
        if (count < COLUMNS_MAX) {
            columns[count++].name = key;
        }
    }
    for (size_t c = 0; c < count; c++) {
        columns[c].width = (int)strlen(columns[c].name);
        for (size_t i = 0; i < rows; i++) {
            char text[64];
            cell_text(text, s, list[i], columns[c].name);
            int width = (int)strlen(text);
            columns[c].width = width > columns[c].width ? width : columns[c].width;
        }
    }
    return count;
}

void print_trials(const study *s) {
    column columns[COLUMNS_MAX];
    json_t **list = calloc(json_array_size(s->trials) + 1, sizeof *list);
    size_t rows = list == NULL ? 0 : collect(list, s);
    rows = rows > ROWS ? ROWS : rows;
    size_t count = rows == 0 ? 0 : make_columns(columns, s, list, rows);
    for (size_t i = 0; rows > 0 && i <= rows; i++) {
        out("%s", i == 0 ? style_out("bold") : "");
        for (size_t c = 0; c < count; c++) {
            char text[64];
            if (i == 0) {
                (void)snprintf(text, sizeof text, "%s", columns[c].name);
            } else {
                cell_text(text, s, list[i - 1], columns[c].name);
            }
            out("%s%*s", c == 0 ? "" : "  ", columns[c].width, text);
        }
        out("%s\n", i == 0 ? style_out("off") : "");
    }
    free(list);
}

// --- importance

json_t *study_importance(const study *s) {
    char *text = NULL;
    return dogbreed_tuner_importance(&text, s->tuner) < 0 ? NULL : parse_json(text);
}

void print_importance(const study *s) {
    json_t *shares = study_importance(s);
    const char *word = "importance";
    while (json_object_size(shares) > 0) {
        const char *key = NULL;
        const char *most = NULL;
        json_t *value = NULL;
        json_object_foreach(shares, key, value) {
            most = most == NULL || json_real_value(value) > real_of(shares, most) ? key : most;
        }
        out("%-15s %5.1f %%  %s\n", word, 100.0 * real_of(shares, most), most);
        (void)json_object_del(shares, most);
        word = "";
    }
    json_decref(shares);
}
