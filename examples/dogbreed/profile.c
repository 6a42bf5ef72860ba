// profile.c - dogbreed profile: what a stored profile says, as text or as the library's document.
#include "line.h"
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS_SHOWN = 15 };

static void heading(const char *text) {
    out("\n%s%s%s\n", style_out("bold"), text, style_out("off"));
}

// Seconds with the unit that fits.
static const char *time_text(char out_text[32], double seconds) {
    if (seconds < 1e-3) {
        (void)snprintf(out_text, 32, "%.1f us", seconds * 1e6);
    } else if (seconds < 1.0) {
        (void)snprintf(out_text, 32, "%.2f ms", seconds * 1e3);
    } else if (seconds < 100.0) {
        (void)snprintf(out_text, 32, "%.2f s", seconds);
    } else {
        (void)snprintf(out_text, 32, "%.0f s", seconds);
    }
    return out_text;
}

static const char *number_text(char out_text[32], double value) {
    static const char *const units[] = {"", "k", "M", "G", "T"};
    size_t unit = 0;
    while (value >= 10000.0 && unit < 4) {
        value /= 1000.0;
        unit++;
    }
    (void)snprintf(out_text, 32, "%.*f%s", value < 100.0 ? 1 : 0, value, units[unit]);
    return out_text;
}

static void print_job(const json_t *root) {
    static const struct {
        const char *member;
        const char *label;
    } parts[] = {{"initialisation_s", "before the first step"},
                 {"loop_s", "training loop"},
                 {"finalisation_s", "after the last step"}};
    const json_t *job = json_object_get(root, "job");
    double all = real_of(job, "seconds");
    char text[32];
    out("%-24s %s%s\n", "run", time_text(text, all),
        json_is_true(json_object_get(root, "finished")) ? "" : ", cut off");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        double seconds = real_of(job, parts[i].member);
        out("  %-22s %-10s %5.1f %%\n", parts[i].label, time_text(text, seconds),
            all > 0.0 ? 100.0 * seconds / all : 0.0);
    }
    const char *mode = NULL;
    json_t *value = NULL;
    out("modes                   ");
    json_object_foreach(json_object_get(root, "modes"), mode, value) {
        out(" %s %.1f %% ", mode, 100.0 * real_of(value, "share"));
    }
    out("\n");
}

// Of an array's rows, in another order; NULL: no memory. For free().
static const json_t **sorted_rows(const json_t *list, int (*compare)(const void *, const void *)) {
    size_t count = json_array_size(list);
    const json_t **rows = calloc(count + 1, sizeof(json_t *));
    for (size_t i = 0; rows != NULL && i < count; i++) {
        rows[i] = json_array_get(list, i);
    }
    if (rows != NULL) {
        qsort(rows, count, sizeof *rows, compare);
    }
    return rows;
}

static int compare_longest(int64_t a, int64_t b) {
    return a == b ? 0 : a < b ? 1 : -1;
}

static int by_ns(const void *a, const void *b) {
    return compare_longest(integer_of(*(const json_t *const *)a, "ns"),
                           integer_of(*(const json_t *const *)b, "ns"));
}

static int64_t layer_ns(const void *a) {
    const json_t *layer = *(const json_t *const *)a;
    return integer_of(layer, "forward_ns") + integer_of(layer, "backward_ns");
}

static int by_layer(const void *a, const void *b) {
    return compare_longest(layer_ns(a), layer_ns(b));
}

static void print_phases(const json_t *root) {
    char text[32];
    size_t i = 0;
    const json_t *phase = NULL;
    out("\n%s%-24s %10s %8s %9s %12s%s\n", style_out("bold"), "phase of the run's thread", "time",
        "share", "count", "each", style_out("off"));
    const json_t *phases = json_object_get(root, "phases");
    size_t rows = json_array_size(phases);
    const json_t **sorted = sorted_rows(phases, by_ns);
    for (i = 0; sorted != NULL && i < rows; i++) {
        phase = sorted[i];
        double seconds = 1e-9 * (double)integer_of(phase, "ns");
        int64_t count = integer_of(phase, "count");
        out("%-25s %10s", text_of(phase, "name"), time_text(text, seconds));
        out(" %6.1f %% %9lld", 100.0 * real_of(phase, "share"), (long long)count);
        out(" %12s\n", count > 0 ? time_text(text, seconds / (double)count) : "");
    }
    free(sorted);
    const json_t *list = json_object_get(root, "concurrent");
    if (json_array_size(list) > 0) {
        out("\n%s%-24s %10s %8s %9s%s\n", style_out("bold"), "beside it, all threads", "time",
            "share", "threads", style_out("off"));
    }
    double all = real_of(json_object_get(root, "job"), "seconds");
    json_array_foreach(list, i, phase) {
        double seconds = 1e-9 * (double)integer_of(phase, "ns");
        out("%-25s %10s %6.1f %% %9lld\n", text_of(phase, "name"), time_text(text, seconds),
            all > 0.0 ? 100.0 * seconds / all : 0.0, (long long)integer_of(phase, "threads"));
    }
}

static void print_steps(const json_t *root) {
    static const char *const members[] = {"min", "p50", "mean", "p95", "p99", "max"};
    const json_t *steps = json_object_get(root, "steps");
    char text[32];
    size_t i = 0;
    const json_t *step = NULL;
    int64_t count = integer_of(steps, "count");
    if (count == 0) {
        return;
    }
    heading("steps");
    out("%lld:", (long long)count);
    for (size_t k = 0; k < sizeof members / sizeof *members; k++) {
        out("  %s %s", members[k], time_text(text, real_of(steps, members[k])));
    }
    out("\n");
    json_array_foreach(json_object_get(steps, "slowest"), i, step) {
        const char *name = NULL;
        json_t *value = NULL;
        if (i == 3) {
            break;
        }
        out("slow  step %lld %s:", (long long)integer_of(step, "step"),
            time_text(text, real_of(step, "seconds")));
        json_object_foreach(json_object_get(step, "phases"), name, value) {
            out("  %s %s", name, time_text(text, json_real_value(value)));
        }
        out("\n");
    }
}

static void print_system(const json_t *root) {
    static const char *const members[] = {"min", "p50", "p95", "max"};
    const json_t *system = json_object_get(root, "system");
    char text[32];
    size_t i = 0;
    const json_t *row = NULL;
    if (json_array_size(system) == 0) {
        return;
    }
    out("\n%s%-18s %-18s %9s %9s %9s %9s%s\n", style_out("bold"), "system", "unit", "min", "p50",
        "p95", "max", style_out("off"));
    json_array_foreach(system, i, row) {
        out("%-18s %-18s", text_of(row, "metric"), text_of(row, "unit"));
        for (size_t k = 0; k < sizeof members / sizeof *members; k++) {
            out(" %9s", number_text(text, real_of(row, members[k])));
        }
        out("\n");
    }
}

static void print_layers(const json_t *root) {
    const json_t *layers = json_object_get(root, "layers");
    size_t count = json_array_size(layers);
    const json_t **sorted = sorted_rows(layers, by_layer);
    char text[32];
    if (count > 0 && sorted != NULL) {
        out("\n%s%-34s %-18s %10s %10s %8s%s\n", style_out("bold"), "layer", "kind", "forward",
            "backward", "count", style_out("off"));
        for (size_t i = 0; i < count && i < LAYERS_SHOWN; i++) {
            out("%-34s %-18s", text_of(sorted[i], "name"), text_of(sorted[i], "op"));
            out(" %10s", time_text(text, 1e-9 * (double)integer_of(sorted[i], "forward_ns")));
            out(" %10s", time_text(text, 1e-9 * (double)integer_of(sorted[i], "backward_ns")));
            out(" %8lld\n", (long long)integer_of(sorted[i], "count"));
        }
    }
    free(sorted);
}

static void print_activities(const json_t *root) {
    const json_t *activities = json_object_get(root, "activities");
    const json_t *rows = json_object_get(activities, "rows");
    size_t i = 0;
    const json_t *row = NULL;
    char text[32];
    if (json_array_size(rows) > 0) {
        out("\n%s%-62s %-9s %10s %8s%s  of %lld steps\n", style_out("bold"), "operator or kernel",
            "kind", "own time", "count", style_out("off"),
            (long long)integer_of(activities, "steps"));
    }
    json_array_foreach(rows, i, row) {
        if (i < LAYERS_SHOWN) {
            out("%-62.62s %-9s", text_of(row, "name"), text_of(row, "kind"));
            out(" %10s", time_text(text, 1e-9 * (double)integer_of(row, "own_ns")));
            out(" %8lld\n", (long long)integer_of(row, "count"));
        }
    }
}

// Rules of one status and reason in one line.
static void print_group(const json_t *rules, const char *status, const char *reason,
                        const char *colour) {
    size_t i = 0;
    const json_t *rule = NULL;
    int count = 0;
    json_array_foreach(rules, i, rule) {
        if (strcmp(text_of(rule, "status"), status) != 0 ||
            strcmp(text_of(rule, "reason"), reason) != 0) {
            continue;
        }
        if (count++ == 0) {
            out("%s%-14s%s %s%s", style_out(colour), status, style_out("off"), reason,
                *reason == '\0' ? "" : ": ");
        } else {
            out(", ");
        }
        out("%s", text_of(rule, "rule"));
    }
    out("%s", count > 0 ? "\n" : "");
}

static void print_issue(const json_t *rule) {
    out("%s%-14s%s %s: %s", style_out("yellow"), "IssuesFound", style_out("off"),
        text_of(rule, "rule"), text_of(rule, "summary"));
    out(" (%lld of %lld)\n", (long long)integer_of(rule, "violations"),
        (long long)integer_of(rule, "datapoints"));
    if (*text_of(rule, "recommendation") != '\0') {
        out("%-14s %s\n", "", text_of(rule, "recommendation"));
    }
}

static void print_rules(const json_t *root) {
    static const char *const reasons[] = {"no_gpu", "too_few_points", "not_applicable"};
    const json_t *rules = json_object_get(root, "rules");
    size_t i = 0;
    const json_t *rule = NULL;
    heading(strcmp(text_of(root, "mode"), "parity") == 0 ? "rules, as SageMaker judges" : "rules");
    json_array_foreach(rules, i, rule) {
        if (strcmp(text_of(rule, "status"), "IssuesFound") == 0) {
            print_issue(rule);
        }
    }
    print_group(rules, "NoIssuesFound", "", "green");
    for (i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        print_group(rules, "NotEvaluated", reasons[i], "dim");
    }
}

static void print_advice(const json_t *root) {
    const json_t *list = json_object_get(root, "advice");
    size_t i = 0;
    const json_t *advice = NULL;
    if (json_array_size(list) == 0) {
        return;
    }
    heading("advice");
    json_array_foreach(list, i, advice) {
        out("%s=%s%s\n    %s\n", text_of(advice, "option"), text_of(advice, "value"),
            json_is_true(json_object_get(advice, "safe")) ? "" : " (changes the result)",
            text_of(advice, "reason"));
    }
}

static void print_profile(const json_t *root) {
    const json_t *overhead = json_object_get(root, "overhead");
    print_job(root);
    print_phases(root);
    print_steps(root);
    print_layers(root);
    print_activities(root);
    print_system(root);
    print_rules(root);
    print_advice(root);
    if (integer_of(overhead, "spans_dropped") > 0 || integer_of(overhead, "spans_unwritten") > 0) {
        out("\n%lld phases were not recorded, %lld are not in the trace\n",
            (long long)integer_of(overhead, "spans_dropped"),
            (long long)integer_of(overhead, "spans_unwritten"));
    }
}

static int run(tool *t) {
    char *text = NULL;
    char *rules = NULL;
    const char *given = value_of(t, "rule");
    int rc = dogbreed_options_set(&t->settings.profile, "profile_parity",
                                  is_on(t, "parity", 0) ? "on" : "off");
    if (given != NULL && (rules = strdup(given)) != NULL) {
        for (char *c = rules; *c != '\0'; c++) {
            *c = *c == '\n' ? ';' : *c; // lines are values of a flag that is given often
        }
        rc = dogbreed_options_set(&t->settings.profile, "profile_rules", rules);
    }
    free(rules);
    if (rc == DOGBREED_OK) {
        rc = dogbreed_profile_results(&text, t->words[0], &t->settings.profile);
    }
    if (rc < 0) {
        return fail(t, rc == DOGBREED_ERROR_INVALID_ARGUMENT ? PHASE_USAGE : PHASE_DATA, rc);
    }
    out_result(t, parse_json(text), print_profile);
    return TOOL_OK;
}

static const flag flags[] = {
    {"parity", NULL, "judge as SageMaker's profiler does, its defects too", 0},
    {"rule", "NAME:P=V", "other parameters of a rule: StepOutlier:stddev=5; may be repeated",
     FLAG_LIST},
    {NULL, NULL, NULL, 0},
};

const command command_profile = {
    .name = "profile",
    .arguments = "RUN [OPTIONS...]",
    .summary = "tell where a profiled run (train --profile) spent its time, and what to change",
    .examples = "  dogbreed profile runs/a\n"
                "  dogbreed profile runs/a --json --rule StepOutlier:stddev=5,n_outliers=3\n",
    .flags = flags,
    .kinds = {DOGBREED_KIND_STORE},
    .remote_words = 1,
    .words_min = 1,
    .words_max = 1,
    .run = run,
};
