// findings.c - what the rules have found: told to the trainer's listeners when it happens, and
// written to findings.json, rules/<Rule>.json and state.json.
#include "core/clock.h"
#include "core/error.h"
#include "core/file.h"
#include "core/log.h"
#include "debug/debug_internal.h"
#include "debug/stored.h"

#include <string.h>

// Not before so many seconds after the last time, unless the run is over.
static const double WRITE_SECONDS = 2.0;

void dogb_debug_found(const dogb_rule_finding *finding, void *userdata) {
    dogbreed_debug *debug = userdata;
    if (finding->first) {
        char text[600];
        (void)snprintf(text, sizeof text, "%s at step %lld: %s", finding->rule,
                       (long long)finding->step, finding->text);
        const dogbreed_event event = {.epoch = debug->running,
                                      .step = debug->begun,
                                      .rule = finding->rule,
                                      .status = DOGBREED_RULE_ISSUES,
                                      .text = text};
        int rc = dogb_trainer_tell(debug->trainer, &event);
        debug->reply = debug->reply < 0 || rc == 0 ? debug->reply : rc;
        dogb_hook_add(&debug->command, finding->rule, finding->step, finding->text);
    }
    int stop = finding->stop || debug->options.rule_action == DOGBREED_RULE_ACTION_STOP;
    if (stop && debug->reply == 0) {
        debug->reply = DOGBREED_STOP;
    }
}

static int add_collection(json_t *list, const dogb_collection *one, int32_t mode) {
    static const char *const modes[DOGB_MODES] = {"", "TRAIN", "EVAL", "PREDICT", "GLOBAL"};
    json_t *object = json_object();
    int rc = dogb_json_set_text(object, "name", one->name);
    rc = rc < 0 ? rc : dogb_json_set_text(object, "mode", modes[mode]);
    rc = rc < 0 ? rc : dogb_json_set_int(object, "interval", one->save[mode].interval);
    rc = rc < 0 ? rc : dogb_json_set_int(object, "points", one->points[mode]);
    rc = rc < 0 ? rc : dogb_json_set_bool(object, "stored", one->stored);
    if (rc < 0) {
        json_decref(object);
        return rc;
    }
    return dogb_json_add(list, object);
}

static int add_collections(json_t *document, const dogbreed_debug *debug) {
    json_t *list = json_array();
    int rc = list == NULL ? dogb_fail(DOGBREED_ERROR_NO_MEMORY, "findings: no memory") : 0;
    for (size_t i = 0; rc == DOGBREED_OK && i < debug->collections.count; i++) {
        const dogb_collection *one = debug->collections.items[i];
        for (int32_t mode = 1; rc == DOGBREED_OK && mode < DOGB_MODES; mode++) {
            int shown = one->points[mode] > 0 && (one->stored || i >= 2); // "default" and "all"
            rc = shown ? add_collection(list, one, mode) : rc;
        }
    }
    if (rc < 0) {
        json_decref(list);
        return rc;
    }
    return dogb_json_set(document, "collections", list);
}

json_t *dogb_debug_rules(const dogbreed_debug *debug, dogb_arena *arena) {
    return dogb_rules_json(debug->rules, arena);
}

json_t *dogb_debug_document(const dogbreed_debug *debug, dogb_arena *arena) {
    json_t *document = dogb_json_document(arena, "findings", 1);
    json_t *rules = document == NULL ? NULL : dogb_rules_json(debug->rules, arena);
    if (rules == NULL || dogb_json_set(document, "rules", json_incref(rules)) < 0 ||
        add_collections(document, debug) < 0) {
        return NULL;
    }
    return document;
}

// A document that can be made again: not synced, that takes longer than an epoch of a head.
int dogb_debug_put(dogb_arena *scratch, const char *path, const json_t *document) {
    const char *text = dogb_json_text_in(scratch, document, 1);
    return text == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_file_replace(path, text, strlen(text));
}

static int write_rules(const dogbreed_debug *debug, dogb_arena *scratch) {
    char *folder = dogb_path_join(scratch, debug->directory, "rules");
    int rc = folder == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_directory_make(folder);
    for (int32_t i = 0; rc == DOGBREED_OK && i < dogb_rules_count(debug->rules); i++) {
        dogb_rule_result result;
        dogb_rules_get(&result, debug->rules, i);
        json_t *report = dogb_rules_report(debug->rules, i, scratch);
        char *name = dogb_format(scratch, "%s.json", result.name);
        char *path = name == NULL ? NULL : dogb_path_join(scratch, folder, name);
        rc = report == NULL || path == NULL ? DOGBREED_ERROR_NO_MEMORY
                                            : dogb_debug_put(scratch, path, report);
    }
    return rc;
}

static int write_all(const dogbreed_debug *debug, dogb_arena *scratch, int whole) {
    json_t *document = dogb_debug_document(debug, scratch);
    char *path = dogb_path_join(scratch, debug->directory, "findings.json");
    int rc = document == NULL || path == NULL ? DOGBREED_ERROR_NO_MEMORY
                                              : dogb_directory_make(debug->directory);
    if (rc == DOGBREED_OK) {
        rc = whole ? dogb_json_write(path, document) : dogb_debug_put(scratch, path, document);
    }
    rc = rc < 0 ? rc : dogb_state_write(debug, scratch);
    return rc < 0 || !whole ? rc : write_rules(debug, scratch);
}

void dogb_debug_write(dogbreed_debug *debug, int whole) {
    dogb_arena scratch = {0};
    if (debug->directory == NULL || !debug->ready ||
        (!whole && dogb_clock() - debug->written < WRITE_SECONDS)) {
        return;
    }
    if (write_all(debug, &scratch, whole) < 0) {
        dogb_log(DOGBREED_LOG_WARNING, "debugger: %s; the training goes on",
                 dogbreed_error_message());
    }
    debug->written = dogb_clock();
    dogb_arena_free(&scratch);
}
