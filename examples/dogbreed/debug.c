// debug.c - dogbreed debug: what the rules found in a run, or what other rules find in what it
// stored.
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_rule(const json_t *rule) {
    const char *status = text_of(rule, "status");
    int issue = strcmp(status, "IssuesFound") == 0;
    const char *colour = issue                                  ? "yellow"
                         : strcmp(status, "NoIssuesFound") == 0 ? "green"
                         : strcmp(status, "Error") == 0         ? "red"
                                                                : "dim";
    char where[64] = "";
    if (issue && json_is_integer(json_object_get(rule, "step"))) {
        (void)snprintf(where, sizeof where, "step %lld", (long long)integer_of(rule, "step"));
    }
    const json_t *hit = json_array_get(json_object_get(rule, "hits"), 0);
    out("%-24s %s%-14s%s %-12s %s\n", text_of(rule, "rule"), style_out(colour), status,
        style_out("off"), where, issue ? text_of(hit, "text") : text_of(rule, "reason"));
    if (issue && *text_of(rule, "recommendation") != '\0') {
        out("%-24s %s%s%s\n", "", style_out("dim"), text_of(rule, "recommendation"),
            style_out("off"));
    }
}

static void print(const json_t *document) {
    size_t index = 0;
    json_t *item = NULL;
    out("%s%-24s %-14s %-12s %s%s\n", style_out("bold"), "rule", "status", "first at", "reason",
        style_out("off"));
    json_array_foreach(json_object_get(document, "rules"), index, item) {
        print_rule(item);
    }
    json_t *collections = json_object_get(document, "collections");
    if (json_array_size(collections) > 0) {
        out("\n%s%-24s %-8s %8s %8s%s\n", style_out("bold"), "collection", "mode", "interval",
            "points", style_out("off"));
    }
    json_array_foreach(collections, index, item) {
        out("%-24s %-8s %8lld %8lld%s\n", text_of(item, "name"), text_of(item, "mode"),
            (long long)integer_of(item, "interval"), (long long)integer_of(item, "points"),
            json_is_true(json_object_get(item, "stored")) ? "  stored" : "");
    }
}

static int list_rules(tool *t) {
    json_t *all = json_array();
    char *text = NULL;
    for (int32_t i = 0; dogbreed_debug_rule_info(&text, i) == DOGBREED_OK; i++) {
        (void)json_array_append_new(all, parse_json(text));
    }
    if (t->json) {
        out_json(all);
        return TOOL_OK;
    }
    size_t index = 0;
    size_t k = 0;
    json_t *rule = NULL;
    json_t *param = NULL;
    json_array_foreach(all, index, rule) {
        out("%s%s%s%s\n    %s\n", style_out("bold"), text_of(rule, "name"), style_out("off"),
            json_is_true(json_object_get(rule, "default")) ? "" : "  (off by default)",
            text_of(rule, "summary"));
        json_array_foreach(json_object_get(rule, "parameters"), k, param) {
            const char *value = text_of(param, "default");
            out("    %-26s %s (default %s)\n", text_of(param, "name"), text_of(param, "help"),
                *value == '\0' ? "none" : value);
        }
    }
    json_decref(all);
    return TOOL_OK;
}

static int run(tool *t) {
    char *text = NULL;
    if (is_on(t, "list", 0)) {
        return list_rules(t);
    }
    if (t->word_count == 0) {
        return usage_error(t, "the run is missing; usage: dogbreed debug %s",
                           t->command->arguments);
    }
    const char *given = value_of(t, "rule");
    char *rules = given == NULL ? NULL : strdup(given);
    for (char *p = rules; p != NULL && *p != '\0'; p++) {
        *p = *p == '\n' ? ';' : *p;
    }
    int rc = dogbreed_debug_judge(&text, t->words[0], rules);
    free(rules);
    if (rc < 0) {
        return fail(t, rc == DOGBREED_ERROR_INVALID_ARGUMENT ? PHASE_USAGE : PHASE_DATA, rc);
    }
    json_t *document = parse_json(text);
    if (t->json) {
        out_json(json_incref(json_object_get(document, "rules")));
    } else {
        print(document);
    }
    json_decref(document);
    return TOOL_OK;
}

static const flag flags[] = {
    {"rule", "NAME[:PARAMETER=VALUE,...]",
     "judge what the run stored by this rule; default: what was found while it ran", FLAG_LIST},
    {"list", NULL, "all rules with their parameters", 0},
    {NULL, NULL, NULL, 0},
};

const command command_debug = {
    .name = "debug",
    .arguments = "RUN [--rule NAME...]",
    .summary = "what the debugger's rules found in a run",
    .examples = "  dogbreed debug runs/a\n"
                "  dogbreed debug runs/a --json\n"
                "  dogbreed debug runs/a --rule Overfit:patience=2 --rule LossNotDecreasing\n"
                "  dogbreed debug --list\n",
    .flags = flags,
    .kinds = {DOGBREED_KIND_STORE},
    .words_max = 1,
    .remote_words = 1,
    .run = run,
};
