// debug.c - the public calls of the debugger: attach, add rules and numbers, look at the results.
#include "core/error.h"
#include "core/file.h"
#include "debug/debug_internal.h"
#include "debug/stored.h"
#include "model/model_internal.h"

#include <dogbreed/record.h>
#include <string.h>

static const char SCALAR[] = "scalar/";

static void drop(void *pointer) {
    dogbreed_debug *debug = pointer;
    if (dogb_ref_drop(&debug->refs)) {
        dogb_hook_wait(&debug->command);
        (void)dogb_keeper_close(debug->keeper, 0);
        dogb_memory_release(debug->memory);
        dogb_arena_free(&debug->scratch);
        json_decref(debug->epochs);
        dogb_others_close(&debug->others);
        dogb_arena_free(&debug->arena);
        dogb_free(debug);
    }
}

static void stop(void *userdata) { // on the watchdog's thread
    dogbreed_debug *debug = userdata;
    dogbreed_trainer_stop(debug->trainer);
}

static int is_member(const char *name, const dogb_rule_tensor *t, void *userdata) {
    const dogbreed_debug *debug = userdata;
    const dogb_collection *one = dogb_collections_find(&debug->collections, name);
    return one != NULL && (t == NULL || dogb_collection_has(one, t->name));
}

static int other(const float **out, size_t *count, const char *run, const char *tensor,
                 int32_t mode, int64_t mode_step, void *userdata) {
    dogbreed_debug *debug = userdata;
    return dogb_others_read(out, count, &debug->others, run, tensor, mode, mode_step);
}

static int32_t count_new(const dogbreed_model *model) {
    const dogb_graph *graph = dogb_model_graph(model);
    int32_t count = 0;
    for (int32_t i = 0; i < graph->param_count; i++) {
        count += graph->params[i].rank > 1 && dogb_model_fresh(model, i);
    }
    return count;
}

static int make_rules(dogbreed_debug *debug) {
    const dogbreed_model *model = dogb_trainer_model(debug->trainer);
    int32_t count = dogbreed_model_class_count(model);
    const char **classes = dogb_alloc(&debug->arena, (size_t)count, sizeof *classes);
    if (classes == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; i < count; i++) {
        classes[i] = dogb_strdup(&debug->arena, dogbreed_model_class_name(model, i));
        if (classes[i] == NULL) { // copied: results can be asked for when the model is gone
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    debug->classes = classes;
    debug->class_count = count;
    const dogb_rules_conf conf = {
        .text = debug->options.rules,
        .parity = debug->options.rule_parity,
        .live = 1,
        .classes = classes,
        .class_count = count,
        .new_layers = count_new(model),
        .found = dogb_debug_found,
        .member = is_member,
        .other = other,
        .stop = stop,
        .userdata = debug,
    };
    return dogb_rules_create(&debug->rules, &debug->arena, &conf);
}

// The collections that the options ask for.
static int make_collections(dogbreed_debug *debug) {
    const dogbreed_debug_options *options = &debug->options;
    dogb_collection *one = NULL;
    for (int32_t mode = 0; mode < DOGB_MODES; mode++) {
        debug->plan[mode] = (dogb_record_save){.interval = options->save_interval,
                                               .start = options->start_step,
                                               .end = options->end_step};
        if (mode != DOGBREED_MODE_TRAIN) { // of which an evaluation is one
            debug->plan[mode] = (dogb_record_save){.end = -1};
        }
    }
    int rc = dogb_collections_create(&debug->collections, &debug->arena, debug->plan);
    if (rc == DOGBREED_OK && *options->debug_config != '\0') {
        rc = dogb_debug_config(debug, options->debug_config);
    }
    rc = rc < 0 ? rc : dogb_collections_parse(&debug->collections, options->collections);
    if (rc == DOGBREED_OK && options->save_all) {
        rc = dogb_collections_add(&one, &debug->collections, "all");
    }
    if (rc == DOGBREED_OK && *options->include_regex != '\0') {
        rc = dogb_collections_add(&one, &debug->collections, "default");
        rc = rc < 0 ? rc
                    : dogb_collections_set(&debug->collections, one, "include_regex",
                                           options->include_regex, "include_regex");
    }
    for (size_t i = 0;
         rc == DOGBREED_OK && *options->reductions != '\0' && i < debug->collections.count; i++) {
        one = debug->collections.items[i];
        if (one->stored && !one->scalar && one->reductions == 0) {
            rc = dogb_collections_set(&debug->collections, one, "reductions", options->reductions,
                                      "options");
        }
    }
    return rc;
}

static int fill(dogbreed_debug *debug, const dogbreed_debug_options *options) {
    int rc = dogb_table_import(&debug->options, &dogb_debug_table, options, &debug->arena);
    if (rc < 0) {
        return rc;
    }
    if (debug->options.debug_memory > 0 &&
        (rc = dogb_memory_create(&debug->memory, debug->options.debug_memory)) < 0) {
        return rc;
    }
    debug->source = (dogb_rule_source){dogb_debug_read, dogb_debug_stats, debug};
    debug->directory =
        *debug->options.debug_directory == '\0' ? NULL : debug->options.debug_directory;
    debug->epochs = json_array();
    if (debug->epochs == NULL) {
        return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "debugger: no memory");
    }
    if ((rc = make_collections(debug)) < 0 || (rc = make_rules(debug)) < 0 ||
        (rc = dogb_hook_init(&debug->command, &debug->arena, debug->options.rule_command)) < 0) {
        return rc;
    }
    return debug->directory == NULL ? rc : dogb_stored_check(debug->directory);
}

int dogb_debug_attach(dogbreed_debug **out, dogbreed_trainer *trainer,
                      const dogbreed_debug_options *options, int epochs_alone) {
    *out = NULL;
    dogbreed_debug *debug = dogb_malloc(1, sizeof *debug);
    if (debug == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    debug->refs = 1;
    debug->trainer = trainer;
    debug->epochs_alone = epochs_alone;
    int rc = fill(debug, options);
    rc = rc < 0 ? rc : dogb_debug_watch(debug);
    if (rc == DOGBREED_OK) {
        dogb_ref_take(&debug->refs);
        rc = dogb_trainer_defer(trainer, drop, debug); // runs drop when it fails
        if (rc < 0) {
            dogb_debug_leave(debug);
        }
    }
    if (rc < 0) {
        dogb_error_state error;
        dogb_error_save(&error, rc);
        drop(debug);
        return dogb_error_restore(&error);
    }
    *out = debug;
    return DOGBREED_OK;
}

int dogbreed_debug_attach(dogbreed_debug **out, dogbreed_trainer *trainer,
                          const dogbreed_debug_options *options) {
    DOGB_CHECK(out != NULL, "out: is NULL");
    *out = NULL;
    DOGB_CHECK(trainer != NULL, "trainer: is NULL");
    return dogb_debug_attach(out, trainer, options, 0);
}

int dogbreed_debug_rule(dogbreed_debug *debug, const dogbreed_rule *rule, const char *params) {
    DOGB_CHECK(debug != NULL, "debug: is NULL");
    DOGB_CHECK(rule != NULL, "rule: is NULL");
    if (debug->ready) {
        return dogb_fail(DOGBREED_ERROR_STATE, "rule: the run has begun; add rules before");
    }
    int rc = dogb_rules_custom(debug->rules, rule, params);
    return rc < 0 ? rc : dogb_debug_watch_steps(debug);
}

int dogbreed_debug_keep(dogbreed_debug *debug, const char *directory) {
    DOGB_CHECK(debug != NULL, "debug: is NULL");
    DOGB_CHECK(directory != NULL && *directory != '\0', "directory: is empty");
    if (debug->ready) {
        return dogb_fail(DOGBREED_ERROR_STATE, "directory: the run has begun; name it before");
    }
    int rc = dogb_stored_check(directory);
    if (rc == DOGBREED_OK) {
        debug->directory = dogb_strdup(&debug->arena, directory);
        rc = debug->directory == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_debug_watch_steps(debug);
    }
    return rc;
}

int dogbreed_debug_scalar(dogbreed_debug *debug, const char *name, double value) {
    DOGB_CHECK(debug != NULL, "debug: is NULL");
    DOGB_CHECK(name != NULL && *name != '\0', "name: is empty");
    DOGB_CHECK(dogb_text_valid(name, strlen(name)), "name: is no UTF-8");
    if (debug->keeper == NULL && debug->ready) {
        return DOGBREED_OK; // nothing is stored
    }
    debug->pending = 1;
    for (size_t i = 0; i < debug->scalar_count; i++) {
        if (strcmp(debug->scalars[i].name + strlen(SCALAR), name) == 0) {
            debug->scalars[i].value = value;
            debug->scalars[i].pending = 1;
            return DOGBREED_OK;
        }
    }
    int rc = dogb_grow(&debug->arena, &debug->scalars, &debug->scalar_capacity, debug->scalar_count,
                       sizeof *debug->scalars);
    char *full = rc < 0 ? NULL : dogb_format(&debug->arena, "%s%s", SCALAR, name);
    if (full == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    debug->scalars[debug->scalar_count++] = (dogb_scalar){full, value, 1, 0};
    return DOGBREED_OK;
}

int dogbreed_debug_results(char **json, const dogbreed_debug *debug) {
    dogb_arena scratch = {0};
    DOGB_CHECK(json != NULL, "json: is NULL");
    *json = NULL;
    DOGB_CHECK(debug != NULL, "debug: is NULL");
    json_t *document = dogb_debug_document(debug, &scratch);
    int rc = document == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_json_text_out(json, document, 1);
    dogb_arena_free(&scratch);
    return rc;
}

int dogbreed_debug_record(dogbreed_record **out, const dogbreed_debug *debug) {
    DOGB_CHECK(out != NULL, "out: is NULL");
    *out = NULL;
    DOGB_CHECK(debug != NULL, "debug: is NULL");
    if (debug->memory == NULL) {
        return dogb_fail(DOGBREED_ERROR_STATE, "debug_memory: is 0: no step is kept in memory");
    }
    return dogb_record_open_memory(out, debug->memory);
}

void dogbreed_debug_destroy(dogbreed_debug *debug) {
    if (debug != NULL) {
        drop(debug);
    }
}
