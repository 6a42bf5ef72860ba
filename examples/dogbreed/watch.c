// watch.c - the debugger beside a training: attached when a flag asks for it, its findings at the
// end.
#include "training.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Lines of a flag that may be repeated, as the library wants them: behind what the option says.
static char *joined(const char *option, const char *lines) {
    size_t size = strlen(option) + (lines == NULL ? 0 : strlen(lines)) + 2;
    char *text = malloc(size);
    if (text == NULL) {
        return NULL;
    }
    (void)snprintf(text, size, "%s%s%s", option, *option != '\0' && lines != NULL ? ";" : "",
                   lines == NULL ? "" : lines);
    for (char *p = text; *p != '\0'; p++) {
        *p = *p == '\n' ? ';' : *p;
    }
    return text;
}

int job_watch(job *j) {
    tool *t = j->t;
    dogbreed_debug_options options = t->settings.debug;
    const char *rules = value_of(t, "rule");
    const char *collections = value_of(t, "collection");
    if (!is_on(t, "debug", rules != NULL || collections != NULL)) {
        return TOOL_OK;
    }
    // Rules that are named stand in place of the default ones.
    const char *base = rules != NULL && strcmp(options.rules, "default") == 0 ? "" : options.rules;
    char *all_rules = joined(base, rules);
    char *all_collections = joined(options.collections, collections);
    options.rules = all_rules;
    options.collections = all_collections;
    int rc = all_rules == NULL || all_collections == NULL
                 ? DOGBREED_ERROR_NO_MEMORY
                 : dogbreed_debug_attach(&j->debug, j->trainer, &options);
    free(all_rules);
    free(all_collections);
    if (rc == DOGBREED_ERROR_EXISTS && j->resume != NULL) { // a run that is over: nothing to add
        return TOOL_OK;
    }
    return rc < 0 ? fail(t, PHASE_USAGE, rc) : TOOL_OK;
}

int job_keep_watch(job *j) {
    char folder[4096];
    if (j->debug == NULL || *j->t->settings.debug.debug_directory != '\0') {
        return TOOL_OK;
    }
    (void)snprintf(folder, sizeof folder, "%s/debug", j->run);
    int rc = dogbreed_debug_keep(j->debug, folder);
    if (rc == DOGBREED_ERROR_EXISTS && j->resume != NULL) { // a run that is over: nothing to add
        return TOOL_OK;
    }
    return rc < 0 ? fail(j->t, PHASE_OTHER, rc) : TOOL_OK;
}

// Results of all rules, a new reference; NULL: none watched.
static json_t *findings(const job *j) {
    char *text = NULL;
    if (j->debug == NULL || dogbreed_debug_results(&text, j->debug) < 0) {
        return NULL;
    }
    json_t *document = parse_json(text);
    json_t *rules = json_incref(json_object_get(document, "rules"));
    json_decref(document);
    return rules;
}

void job_add_findings(const job *j, json_t *result) {
    json_t *rules = findings(j);
    if (rules != NULL) {
        (void)json_object_set_new(result, "rules", rules);
    }
}

void job_say_findings(const job *j) {
    char names[512] = "";
    size_t issues = 0;
    size_t silent = 0;
    size_t index = 0;
    json_t *rule = NULL;
    json_t *rules = findings(j);
    if (rules == NULL) {
        return;
    }
    json_array_foreach(rules, index, rule) {
        const char *status = text_of(rule, "status");
        silent += strcmp(status, "NotEvaluated") == 0;
        if (strcmp(status, "IssuesFound") == 0) {
            size_t used = strlen(names);
            (void)snprintf(names + used, sizeof names - used, "%s%s", issues == 0 ? ": " : ", ",
                           text_of(rule, "rule"));
            issues++;
        }
    }
    out("%-15s %zu of %zu found something%s", "rules", issues, json_array_size(rules), names);
    if (silent > 0) {
        out("; %zu not evaluated", silent);
    }
    out("\n%-15s %s debug %s\n", "findings", j->t->program, j->run);
    json_decref(rules);
}
