// config.c - dogbreed config print, config copy: all options, from the tables.
#include "tool.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const type_names[] = {
    [DOGBREED_TYPE_INT32] = "integer",  [DOGBREED_TYPE_INT64] = "integer",
    [DOGBREED_TYPE_UINT64] = "integer", [DOGBREED_TYPE_DOUBLE] = "number",
    [DOGBREED_TYPE_STRING] = "text",    [DOGBREED_TYPE_SWITCH] = "on/off",
    [DOGBREED_TYPE_CHOICE] = "choice",
};

static const char *const kind_titles[] = {
    [DOGBREED_KIND_DATASET] = "opening a folder of images",
    [DOGBREED_KIND_CHECK] = "`data check`",
    [DOGBREED_KIND_SYNTH] = "`synth`",
    [DOGBREED_KIND_MODEL] = "the network",
    [DOGBREED_KIND_TRAINER] = "`train`",
    [DOGBREED_KIND_EVALUATE] = "`evaluate`",
    [DOGBREED_KIND_PREDICTOR] = "`predict`",
    [DOGBREED_KIND_QUANTIZE] = "`model quantize`",
    [DOGBREED_KIND_TUNER] = "`tune`",
    [DOGBREED_KIND_COMMAND] = "`tune --command`",
    [DOGBREED_KIND_DEBUG] = "`train --debug`",
    [DOGBREED_KIND_PROFILE] = "`train --profile`",
    [DOGBREED_KIND_REPORT] = "`report`",
    [DOGBREED_KIND_SERVE] = "`serve`",
    [DOGBREED_KIND_STORE] = "s3:// paths, `s3`",
    [DOGBREED_KIND_JOB] = "`job train`",
    [DOGBREED_KIND_TRANSFORM] = "results of `predict`",
};

static void range_text(char *text, size_t size, const dogbreed_option_info *info) {
    text[0] = '\0';
    if (info->choices != NULL) {
        (void)snprintf(text, size, "%s", info->choices);
    } else if (info->type == DOGBREED_TYPE_UINT64) {
        (void)snprintf(text, size, "0 or more");
    } else if (info->type == DOGBREED_TYPE_INT32 || info->type == DOGBREED_TYPE_INT64 ||
               info->type == DOGBREED_TYPE_DOUBLE) {
        int low = fabs(info->minimum) < 1e15;
        int high = fabs(info->maximum) < 1e15;
        if (low && high) {
            (void)snprintf(text, size, "%.10g to %.10g", info->minimum, info->maximum);
        } else if (low) {
            (void)snprintf(text, size, "%.10g or more", info->minimum);
        }
    }
}

static void print_markdown(void) {
    out("# Options\n\n"
        "Made by `dogbreed config print --markdown` from the library's option tables; a test "
        "compares.\nEach name is a command-line flag (`--batch-size 32`, `batch_size=32`), a key "
        "of configuration files,\na field of the C struct and a keyword of the Python binding.\n"
        "Where tables share a name, the flag sets all of them; `trainer.seed=1` sets one.\n");
    for (int kind = 1; kind <= kind_count(); kind++) {
        if (kind_name((uint32_t)kind) == NULL) {
            continue; // numbers that are not in use
        }
        out("\n## %s: %s\n\n`dogbreed_%s_options`\n\n", kind_name((uint32_t)kind),
            kind_titles[kind], kind_name((uint32_t)kind));
        out("| option | type | default | range | unit | what |\n|---|---|---|---|---|---|\n");
        dogbreed_option_info info = {.struct_size = sizeof info};
        for (uint32_t i = 0; dogbreed_options_describe(&info, (uint32_t)kind, i) == DOGBREED_OK;
             i++) {
            char range[256];
            range_text(range, sizeof range, &info);
            out("| `%s` | %s | %s%s%s | %s | %s | %s |\n", info.name, type_names[info.type],
                *info.default_value == '\0' ? "" : "`", info.default_value,
                *info.default_value == '\0' ? "" : "`", range, info.unit, info.help);
        }
    }
}

static json_t *number_or_null(double value) {
    return fabs(value) < 1e300 ? json_real(value) : json_null();
}

static json_t *describe(const dogbreed_option_info *info) {
    json_t *row =
        json_pack("{s:s,s:s,s:s,s:s,s:s}", "name", info->name, "type", type_names[info->type],
                  "default", info->default_value, "unit", info->unit, "help", info->help);
    if (info->choices != NULL) {
        (void)json_object_set_new(row, "choices", json_string(info->choices));
    } else if (info->type != DOGBREED_TYPE_STRING && info->type != DOGBREED_TYPE_SWITCH) {
        (void)json_object_set_new(row, "minimum", number_or_null(info->minimum));
        (void)json_object_set_new(row, "maximum", number_or_null(info->maximum));
    }
    return row;
}

static void print_kind(json_t *json, uint32_t kind) {
    json_t *rows = json_array();
    dogbreed_option_info info = {.struct_size = sizeof info};
    for (uint32_t i = 0; dogbreed_options_describe(&info, kind, i) == DOGBREED_OK; i++) {
        char range[256];
        range_text(range, sizeof range, &info);
        if (json == NULL) {
            out("%-10s %-22s %-8s %-16s %-28s %s\n", kind_name(kind), info.name,
                type_names[info.type], *info.default_value == '\0' ? "\"\"" : info.default_value,
                range, info.help);
        }
        (void)json_array_append_new(rows, describe(&info));
    }
    if (json != NULL) {
        (void)json_object_set_new(json, kind_name(kind), rows);
    } else {
        json_decref(rows);
    }
}

// The command that the words name; NULL with an error printed.
static const command *named(const tool *t, int *rc) {
    int words = 0;
    const command *c = find_command(&words, t->word_count, (char **)(uintptr_t)t->words);
    *rc = TOOL_OK;
    if (c == NULL || words != t->word_count) {
        *rc = usage_error(t, "%s: unknown command; see dogbreed --help", t->words[0]);
        return NULL;
    }
    return c;
}

static int run_print(tool *t) {
    json_t *json = t->json ? json_object() : NULL;
    int rc = TOOL_OK;
    const command *only = t->word_count > 0 ? named(t, &rc) : NULL;
    if (rc != TOOL_OK) {
        json_decref(json);
        return rc;
    }
    if (is_on(t, "markdown", 0)) {
        json_decref(json);
        print_markdown();
        return TOOL_OK;
    }
    for (uint32_t kind = 1; kind <= (uint32_t)kind_count(); kind++) {
        int wanted = only == NULL && kind_name(kind) != NULL;
        for (size_t i = 0; only != NULL && only->kinds[i] != 0; i++) {
            wanted = wanted || only->kinds[i] == kind;
        }
        if (wanted) {
            print_kind(json, kind);
        }
    }
    if (json != NULL) {
        out_json(json);
    }
    return TOOL_OK;
}

static int run_copy(tool *t) {
    int rc = TOOL_OK;
    tool other = {0};
    other.command = named(t, &rc);
    if (other.command == NULL) {
        return rc;
    }
    settings_init(&other.settings);
    if (t->json) {
        out_json(config_json(&other));
    } else {
        out_document(config_json(&other));
    }
    return TOOL_OK;
}

static const flag print_flags[] = {
    {"markdown", NULL, "the page docs/options.md", 0},
    {NULL, NULL, NULL, 0},
};

const command command_config_print = {
    .name = "config print",
    .arguments = "[COMMAND] [--markdown] [OPTIONS...]",
    .summary = "all options with type, default, range and help",
    .examples = "  dogbreed config print train\n"
                "  dogbreed config print --json\n"
                "  dogbreed config print --markdown > docs/options.md\n",
    .flags = print_flags,
    .words_max = 2,
    .run = run_print,
};

const command command_config_copy = {
    .name = "config copy",
    .arguments = "COMMAND [OPTIONS...]",
    .summary = "a configuration file with all defaults, to start from",
    .examples = "  dogbreed config copy train > run.json\n",
    .flags = no_flags,
    .words_min = 1,
    .words_max = 2,
    .run = run_copy,
};
