// compare.c - dogbreed compare: runs side by side, as a table, JSON or a page.
#include "training.h"
#include "remote.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_WIDTH = 22, CELL_WIDTH = 18 };

static const struct {
    const char *key;
    const char *label;
    const char *form; // of the number
    double factor;
} rows[] = {
    {"state", "state", NULL, 1},
    {"accuracy", "test accuracy (%)", "%.2f", 100},
    {"accuracy_low", "  95 % from", "%.2f", 100},
    {"accuracy_high", "  to", "%.2f", 100},
    {"top5", "top-5 (%)", "%.2f", 100},
    {"loss", "test loss", "%.4f", 1},
    {"ece", "calibration error (%)", "%.2f", 100},
    {"temperature", "best temperature", "%.3f", 1},
    {"auc", "area under ROC (%)", "%.2f", 100},
    {"average_precision", "average precision (%)", "%.2f", 100},
    {"best_value", "best validation", "%.4f", 1},
    {"best_epoch", "  at epoch", "%.0f", 1},
    {"epochs", "epochs", "%.0f", 1},
    {"seconds", "training (s)", "%.1f", 1},
    {"parameters", "parameters", "%.0f", 1},
    {"trained", "  of them trained", "%.0f", 1},
};

// Cut to the width; names may hold any characters.
static void print_cell(const char *text) {
    int length = 0; // characters
    const char *end = text;
    for (; *end != '\0'; end++) {
        length += ((unsigned char)*end & 0xc0) != 0x80;
        if (length > CELL_WIDTH) {
            break;
        }
    }
    length = length > CELL_WIDTH ? CELL_WIDTH : length;
    out("  %*s%.*s", CELL_WIDTH - length, "", (int)(end - text), text);
}

// Of a flag that may be repeated.
static void print_list(const json_t *values) {
    char text[4 * CELL_WIDTH + 8] = ""; // more than a cell shows
    size_t i = 0;
    const json_t *value = NULL;
    json_array_foreach(values, i, value) {
        size_t length = strlen(text);
        (void)snprintf(text + length, sizeof text - length, "%s%s", i == 0 ? "" : ", ",
                       json_is_string(value) ? json_string_value(value) : "?");
    }
    print_cell(json_array_size(values) == 0 ? "-" : text);
}

static void print_value(const json_t *value, const char *form, double factor) {
    char text[64];
    if (json_is_array(value)) {
        print_list(value);
        return;
    }
    if (json_is_string(value)) {
        print_cell(json_string_value(value));
    } else if (json_is_number(value)) {
        (void)snprintf(text, sizeof text, form == NULL ? "%.6g" : form,
                       factor * json_number_value(value));
        print_cell(text);
    } else if (json_is_boolean(value)) {
        print_cell(json_is_true(value) ? "on" : "off");
    } else {
        print_cell("-");
    }
}

static const char *name_of(const json_t *run) {
    const char *path = text_of(run, "run");
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static void print_table(const json_t *result) {
    const json_t *runs = json_object_get(result, "runs");
    size_t i = 0;
    const json_t *run = NULL;
    out("%s%-*s", style_out("bold"), NAME_WIDTH, "");
    json_array_foreach(runs, i, run) {
        print_cell(name_of(run));
    }
    out("%s\n", style_out("off"));
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        out("%-*s", NAME_WIDTH, rows[row].label);
        json_array_foreach(runs, i, run) {
            print_value(json_object_get(run, rows[row].key), rows[row].form, rows[row].factor);
        }
        out("\n");
    }
    const char *key = NULL;
    json_t *values = NULL;
    json_t *options = json_object_get(result, "options");
    if (json_object_size(options) > 0) {
        out("%soptions that differ%s\n", style_out("bold"), style_out("off"));
    }
    json_object_foreach(options, key, values) {
        json_t *value = NULL;
        out("%-*.*s", NAME_WIDTH, NAME_WIDTH, key);
        json_array_foreach(values, i, value) {
            print_value(value, NULL, 1);
        }
        out("\n");
    }
}

static int write_page(tool *t, const char *path) {
    char *html = NULL;
    int rc = dogbreed_report_compare_html(&html, t->words, t->word_count);
    if (rc < 0) {
        return fail(t, PHASE_DATA, rc);
    }
    FILE *file = fopen(path, "w");
    int written = file != NULL && fputs(html, file) >= 0;
    dogbreed_free(html);
    if ((file != NULL && fclose(file) != 0) || !written) {
        return fail_with(t, TOOL_FAILED, "--html %s: cannot be written", path);
    }
    say("page   %s\n", remote_name(t, path));
    return TOOL_OK;
}

static int run(tool *t) {
    char *text = NULL;
    const char *path = value_of(t, "html");
    int exit_code = path == NULL ? TOOL_OK : write_page(t, path);
    if (exit_code != TOOL_OK) {
        return exit_code;
    }
    int rc = dogbreed_report_compare(&text, t->words, t->word_count);
    if (rc < 0) {
        return fail(t, PHASE_DATA, rc);
    }
    out_result(t, parse_json(text), print_table);
    return TOOL_OK;
}

static const flag flags[] = {
    {"html", "FILE", "also write a page with both curves", 0},
    {NULL, NULL, NULL, 0},
};

const command command_compare = {
    .name = "compare",
    .arguments = "RUN RUN... [OPTIONS...]",
    .summary = "runs side by side: results, options that differ",
    .examples = "  dogbreed compare runs/a runs/b\n"
                "  dogbreed compare runs/a runs/b --html compare.html\n",
    .flags = flags,
    .kinds = {DOGBREED_KIND_STORE},
    .words_min = 2,
    .words_max = 100,
    .remote_words = WORDS_ALL,
    .remote_out = OUT_FILE,
    .remote_flag = "html",
    .run = run,
};
