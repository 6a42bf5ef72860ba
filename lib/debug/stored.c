// stored.c - rules over a run that was stored: its steps in order, each with its tensors, and its
// epochs. What a tensor is, state.json says; of stores of the original its name.
#include "debug/stored.h"
#include "core/error.h"
#include "core/file.h"
#include "core/stats.h"
#include "debug/others.h"
#include "record/store.h"

#include <dogbreed/record.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

typedef struct judging {
    dogb_arena arena;
    dogb_arena step_arena; // of one step
    const char *folder;
    dogbreed_record *record;
    json_t *state; // NULL: there is none
    json_t *description;
    dogb_others others;
    dogb_rules *rules;
    dogb_rule_source source;
    int64_t step;
    dogbreed_record_tensor_info *infos; // of the step
    int32_t *indices;                   // in the step
    dogb_shown *shown;
    size_t count;
    size_t next_epoch;     // of the state
    dogb_rule_epoch means; // of the running epoch, of a store without them
    int64_t train_points;
    int64_t eval_points;
} judging;

// --- tensors of a step

static int read_values(const float **out, size_t *count, const dogb_rule_tensor *t) {
    judging *j = t->source->userdata;
    dogb_shown *shown = &j->shown[t->index];
    const dogbreed_record_tensor_info *info = &j->infos[t->index];
    if (shown->values == NULL) {
        float *values = dogb_alloc_raw(&j->step_arena, (size_t)info->count + 1, sizeof *values);
        int rc = values == NULL ? DOGBREED_ERROR_NO_MEMORY
                                : dogbreed_record_read(j->record, j->step, j->indices[t->index],
                                                       values, (size_t)info->count);
        if (rc < 0) {
            return rc;
        }
        shown->values = values;
        shown->count = (size_t)info->count;
    }
    *out = shown->values;
    *count = shown->count;
    return DOGBREED_OK;
}

// Of a tensor whose values were not kept, reductions tell; NaN: that one was not kept either.
static void read_reductions(judging *j, dogbreed_tensor_stats *stats, const char *name) {
    const struct {
        const char *reduction;
        double *target;
    } all[] = {{"min", &stats->minimum},
               {"max", &stats->maximum},
               {"mean", &stats->mean},
               {"std", &stats->deviation},
               {"l2", &stats->norm},
               {"abs_mean", &stats->absolute_mean},
               {"abs_min", &stats->absolute_minimum}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (dogbreed_record_reduction(all[i].target, j->record, j->step, name, NULL,
                                      all[i].reduction) < 0) {
            *all[i].target = (double)NAN;
        }
    }
    stats->zero_share = (double)NAN;
}

static int read_stats(const dogbreed_tensor_stats **out, const dogb_rule_tensor *t) {
    judging *j = t->source->userdata;
    dogb_shown *shown = &j->shown[t->index];
    const float *values = NULL;
    size_t count = 0;
    if (!shown->has_stats) {
        shown->stats.struct_size = (uint32_t)sizeof shown->stats;
        if (!j->infos[t->index].has_values) {
            read_reductions(j, &shown->stats, t->name);
        } else {
            int rc = read_values(&values, &count, t);
            if (rc < 0) {
                return rc;
            }
            dogb_stats(&shown->stats, values, count);
        }
        shown->has_stats = 1;
    }
    *out = &shown->stats;
    return DOGBREED_OK;
}

static const json_t *known(const judging *j, const char *name) {
    size_t index = 0;
    json_t *item = NULL;
    json_array_foreach(json_object_get(j->state, "tensors"), index, item) {
        const char *other = json_string_value(json_object_get(item, "name"));
        if (other != NULL && strcmp(other, name) == 0) {
            return item;
        }
    }
    return NULL;
}

static int32_t number_of(const json_t *object, const char *key) {
    return (int32_t)json_integer_value(json_object_get(object, key));
}

static int is_true_or(const json_t *object, const char *key, int absent) {
    const json_t *value = json_object_get(object, key);
    return value == NULL ? absent : json_is_true(value);
}

static void describe(const judging *j, dogb_rule_tensor *t, const char *name) {
    const json_t *state = known(j, name);
    int32_t what = state == NULL ? dogb_subject_kind(name) : number_of(state, "what");
    const char *node = json_string_value(json_object_get(state, "node"));
    int known_kind = what >= 0 && what < DOGB_RULE_TENSOR_KINDS;
    *t = (dogb_rule_tensor){
        .name = name,
        .node = node == NULL ? "" : node,
        .what = known_kind ? what : DOGBREED_TENSOR_ACTIVATION,
        .op = number_of(state, "op"),
        .is_input = is_true_or(state, "is_input", strstr(name, "_input") != NULL),
        .trainable = is_true_or(state, "trainable", 1),
        .fresh = is_true_or(state, "fresh", 1),
        .source = &j->source,
    };
    if (state == NULL && t->what == DOGBREED_TENSOR_ACTIVATION) {
        t->op = strstr(name, "elu") != NULL ? DOGB_RULE_OP_RELU : DOGB_RULE_OP_OTHER;
    }
}

static int is_here(const judging *j, const char *name) {
    for (size_t i = 0; i < j->count; i++) {
        if (strcmp(j->infos[i].name, name) == 0) {
            return 1;
        }
    }
    return 0;
}

// The step's tensors; those of which only reductions were kept, once each.
static int gather(judging *j) {
    int32_t count = dogbreed_record_tensor_count(j->record, j->step);
    size_t room = count < 0 ? 0 : (size_t)count;
    j->count = 0;
    j->infos = dogb_alloc(&j->step_arena, room + 1, sizeof *j->infos);
    j->indices = dogb_alloc(&j->step_arena, room + 1, sizeof *j->indices);
    j->shown = dogb_alloc(&j->step_arena, room + 1, sizeof *j->shown);
    if (j->infos == NULL || j->indices == NULL || j->shown == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int pass = 0; pass < 2; pass++) { // values first
        for (int32_t i = 0; i < count; i++) {
            dogbreed_record_tensor_info info = {.struct_size = (uint32_t)sizeof info};
            if (dogbreed_record_tensor(&info, j->record, j->step, i) < 0) {
                continue; // damaged: the others are there
            }
            const char *name = dogb_store_base(info.name);
            int reduced = name != info.name || !info.has_values;
            if (reduced == pass && !is_here(j, name)) {
                info.name = name;
                info.has_values = !reduced;
                j->indices[j->count] = i;
                j->infos[j->count++] = info;
            }
        }
    }
    return DOGBREED_OK;
}

// --- epochs

static double real_or_nan(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

// Epochs of the state that ended before this step of training; -1: all.
static void feed_epochs(judging *j, int64_t train_step) {
    const json_t *list = json_object_get(j->state, "epochs");
    while (j->next_epoch < json_array_size(list)) {
        const json_t *item = json_array_get(list, j->next_epoch);
        dogb_rule_epoch epoch = {
            .epoch = number_of(item, "epoch"),
            .step = json_integer_value(json_object_get(item, "step")),
            .train_loss = real_or_nan(item, "train_loss"),
            .train_accuracy = real_or_nan(item, "train_accuracy"),
            .val_loss = real_or_nan(item, "val_loss"),
            .val_accuracy = real_or_nan(item, "val_accuracy"),
            .train_count = json_integer_value(json_object_get(item, "train_count")),
            .val_count = json_integer_value(json_object_get(item, "val_count")),
        };
        if (train_step >= 0 && epoch.step > train_step) {
            return;
        }
        (void)dogb_rules_epoch(j->rules, &epoch);
        j->next_epoch++;
    }
}

// A store of the original has no epochs: what lies between two evaluations is one, and its means
// are those of the saved steps.
static void end_epoch(judging *j) {
    if (j->train_points > 0 && j->eval_points > 0) {
        dogb_rule_epoch epoch = j->means;
        epoch.train_loss /= (double)j->train_points;
        epoch.val_loss /= (double)j->eval_points;
        epoch.train_accuracy = (double)NAN;
        epoch.val_accuracy = (double)NAN;
        (void)dogb_rules_epoch(j->rules, &epoch);
        j->means = (dogb_rule_epoch){.epoch = epoch.epoch + 1};
        j->train_points = 0;
        j->eval_points = 0;
    }
}

static void count_loss(judging *j, const dogb_rule_moment *m, const dogb_rule_tensor *t) {
    const float *values = NULL;
    size_t count = 0;
    if (j->state != NULL || t->what != DOGBREED_TENSOR_SCALAR || strstr(t->name, "oss") == NULL ||
        read_values(&values, &count, t) < 0 || count != 1) {
        return;
    }
    if (m->mode == DOGBREED_MODE_EVAL) {
        j->means.val_loss += (double)values[0];
        j->eval_points++;
    } else {
        if (j->eval_points > 0) {
            end_epoch(j);
        }
        j->means.train_loss += (double)values[0];
        j->means.step = m->mode_step + 1;
        j->train_points++;
    }
}

// --- a run

static int judge_step(judging *j, const dogbreed_record_step_info *info) {
    dogb_rule_moment m = {
        .mode = info->mode,
        .epoch = -1,
        .step = info->step,
        .mode_step = info->mode_step,
        .steps_per_epoch = json_integer_value(json_object_get(j->state, "steps_per_epoch")),
    };
    j->step = info->step;
    if (info->mode == DOGBREED_MODE_TRAIN) {
        feed_epochs(j, info->mode_step);
    }
    m.epoch = m.steps_per_epoch > 0 && info->mode == DOGBREED_MODE_TRAIN
                  ? (int32_t)(info->mode_step / m.steps_per_epoch)
                  : -1;
    int rc = gather(j);
    for (size_t i = 0; rc == DOGBREED_OK && i < j->count; i++) {
        dogb_rule_tensor t;
        describe(j, &t, j->infos[i].name);
        t.index = (int32_t)i;
        t.rank = j->infos[i].rank < 4 ? j->infos[i].rank : 4;
        memcpy(t.shape, j->infos[i].shape, sizeof t.shape);
        count_loss(j, &m, &t);
        (void)dogb_rules_see(j->rules, &m, &t);
    }
    if (rc == DOGBREED_OK) {
        (void)dogb_rules_step(j->rules, &m);
    }
    dogb_arena_free(&j->step_arena);
    return rc;
}

// Every tensor that the store has goes before the rules first.
static int offer(judging *j) {
    for (int32_t mode = DOGBREED_MODE_TRAIN; mode <= DOGBREED_MODE_GLOBAL; mode++) {
        char *text = NULL;
        json_t *names = NULL;
        size_t index = 0;
        json_t *item = NULL;
        int global = mode == DOGBREED_MODE_GLOBAL;
        if (dogbreed_record_step_count(j->record, mode) == 0 ||
            dogbreed_record_names(&text, j->record, mode, -1, NULL, NULL) < 0) {
            continue;
        }
        int rc = dogb_json_parse(&names, &j->arena, text, strlen(text), "names");
        dogbreed_free(text);
        if (rc < 0) {
            return rc;
        }
        json_array_foreach(names, index, item) {
            dogb_rule_tensor t;
            describe(j, &t, json_string_value(item));
            if (!global) {
                (void)dogb_rules_wants(j->rules, mode, &t);
            }
        }
    }
    return DOGBREED_OK;
}

static int judge_all(judging *j) {
    int64_t count = dogbreed_record_step_count(j->record, DOGBREED_MODE_GLOBAL);
    int rc = offer(j);
    for (int64_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        dogbreed_record_step_info info = {.struct_size = (uint32_t)sizeof info};
        if (dogbreed_record_step(&info, j->record, DOGBREED_MODE_GLOBAL, i) == DOGBREED_OK) {
            rc = judge_step(j, &info);
        }
    }
    feed_epochs(j, -1);
    end_epoch(j);
    (void)dogb_rules_end(j->rules);
    return rc;
}

// Collections as the store's file has them: by the names of their members.
static int is_member(const char *name, const dogb_rule_tensor *t, void *userdata) {
    const judging *j = userdata;
    const json_t *one = json_object_get(json_object_get(j->description, "collections"), name);
    size_t index = 0;
    json_t *item = NULL;
    if (one == NULL || t == NULL) {
        return one != NULL;
    }
    json_array_foreach(json_object_get(one, "tensor_names"), index, item) {
        const char *member = json_string_value(item);
        if (member != NULL && strcmp(member, t->name) == 0) {
            return 1;
        }
    }
    return 0;
}

static int other(const float **out, size_t *count, const char *run, const char *tensor,
                 int32_t mode, int64_t mode_step, void *userdata) {
    judging *j = userdata;
    return dogb_others_read(out, count, &j->others, run, tensor, mode, mode_step);
}

static int make_rules(judging *j, const char *rules) {
    const json_t *list = json_object_get(j->state, "classes");
    size_t count = json_array_size(list);
    const char **classes = dogb_alloc(&j->arena, count + 1, sizeof *classes);
    if (classes == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        classes[i] = name == NULL ? "" : name;
    }
    j->source = (dogb_rule_source){read_values, read_stats, j};
    const dogb_rules_conf conf = {
        .text = rules,
        .classes = count == 0 ? NULL : classes,
        .class_count = (int32_t)count,
        .member = is_member,
        .other = other,
        .userdata = j,
    };
    return dogb_rules_create(&j->rules, &j->arena, &conf);
}

static int open_run(judging *j, const char *directory) {
    char *folder = NULL;
    char *text = NULL;
    int rc = dogb_others_find(&folder, &j->arena, directory);
    char *path = rc < 0 ? NULL : dogb_path_join(&j->arena, folder, "state.json");
    rc = rc == DOGBREED_OK && path == NULL ? DOGBREED_ERROR_NO_MEMORY : rc;
    rc = rc < 0 ? rc : dogb_json_read(&j->state, &j->arena, path, "debug", 1);
    rc = rc == DOGBREED_ERROR_NOT_FOUND && path != NULL ? DOGBREED_OK : rc;
    rc = rc < 0 ? rc : dogbreed_record_open(&j->record, folder);
    rc = rc < 0 ? rc : dogbreed_record_describe(&text, j->record);
    if (rc == DOGBREED_OK) {
        rc = dogb_json_parse(&j->description, &j->arena, text, strlen(text), folder);
        dogbreed_free(text);
    }
    return rc;
}

static int judge(char **json, const char *directory, const char *rules) {
    judging *j = dogb_malloc(1, sizeof *j);
    if (j == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = open_run(j, directory);
    rc = rc < 0 ? rc : make_rules(j, rules);
    rc = rc < 0 ? rc : judge_all(j);
    json_t *document = rc < 0 ? NULL : dogb_json_document(&j->arena, "findings", 1);
    json_t *list = document == NULL ? NULL : dogb_rules_json(j->rules, &j->arena);
    if (rc == DOGBREED_OK) {
        rc = list == NULL ? DOGBREED_ERROR_NO_MEMORY
                          : dogb_json_set(document, "rules", json_incref(list));
    }
    rc = rc < 0 ? rc : dogb_json_text_out(json, document, 1);
    dogb_error_state error;
    dogb_error_save(&error, rc);
    dogbreed_record_destroy(j->record);
    dogb_others_close(&j->others);
    dogb_arena_free(&j->step_arena);
    dogb_arena_free(&j->arena);
    dogb_free(j);
    return dogb_error_restore(&error);
}

static int read_findings(char **json, const char *directory) {
    dogb_arena scratch = {0};
    json_t *document = NULL;
    char *folder = dogb_path_join(&scratch, directory, "debug");
    char *paths[] = {folder == NULL ? NULL : dogb_path_join(&scratch, folder, "findings.json"),
                     dogb_path_join(&scratch, directory, "findings.json")};
    int rc = DOGBREED_ERROR_NOT_FOUND;
    for (size_t i = 0; rc == DOGBREED_ERROR_NOT_FOUND && i < 2; i++) {
        rc = paths[i] == NULL ? DOGBREED_ERROR_NO_MEMORY
                              : dogb_json_read(&document, &scratch, paths[i], "findings", 1);
    }
    if (rc == DOGBREED_ERROR_NOT_FOUND && !dogb_directory_exists(directory)) {
        rc = dogb_fail(rc, "%s: no such folder", directory);
    } else if (rc == DOGBREED_ERROR_NOT_FOUND) {
        rc = dogb_fail(rc,
                       "%s: no findings, expected a run that was trained with the debugger "
                       "(debug/findings.json)",
                       directory);
    }
    rc = rc < 0 ? rc : dogb_json_text_out(json, document, 1);
    dogb_arena_free(&scratch);
    return rc;
}

int dogbreed_debug_judge(char **json, const char *directory, const char *rules) {
    DOGB_CHECK(json != NULL, "json: is NULL");
    *json = NULL;
    DOGB_CHECK(directory != NULL && *directory != '\0', "directory: is empty");
    return rules == NULL ? read_findings(json, directory) : judge(json, directory, rules);
}

int dogb_stored_check(const char *directory) {
    dogb_arena scratch = {0};
    struct stat info;
    char *path = dogb_path_join(&scratch, directory, "training_job_end.ts");
    int rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc == DOGBREED_OK && stat(path, &info) == 0) {
        rc = dogb_fail(DOGBREED_ERROR_EXISTS, "%s: holds the tensors of a finished run", directory);
    }
    dogb_arena_free(&scratch);
    return rc;
}
