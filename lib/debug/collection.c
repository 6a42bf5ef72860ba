// collection.c - see collection.h. The ready-made sets have the original's names and patterns.
#include "debug/collection.h"
#include "core/error.h"
#include "core/table.h"
#include "record/values.h"

#include <dogbreed/record.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    const char *include;
    const char *exclude;
    int32_t scalar;
    int32_t evaluated; // also saved in EVAL and PREDICT
} ready[] = {
    {"default", "", "", 0, 1},
    {"all", ".*", "", 0, 1},
    {"weights", "weight", "^(gradient|optimizer/)", 0, 1},
    {"biases", "bias", "^(gradient|optimizer/)", 0, 1},
    {"gradients", "^gradient", "", 0, 0},
    {"losses", "[Ll]oss.*output", "_input", 1, 1},
    {"metrics", "^metrics/", "", 1, 1},
    {"outputs", "^(labels|predictions)$", "", 0, 1},
    {"inputs", "^input$", "", 0, 1},
    {"layers", "_(input|output)_[0-9]+$", "[Ll]oss.*output", 0, 1},
    {"sm_metrics", "", "", 1, 1},
    {"optimizer_variables", "^optimizer/", "", 0, 0},
};

// In place of the pattern before it; "": nothing fits.
static int set_pattern(dogb_regex **out, dogb_arena *arena, const char *text, const char *where) {
    dogb_regex *regex = NULL;
    int rc = *text == '\0' ? DOGBREED_OK : dogb_regex_create(&regex, arena, where, text, REG_NOSUB);
    *out = rc < 0 ? *out : regex;
    return rc;
}

static int include(dogb_collection *one, dogb_arena *arena, const char *text, const char *where) {
    char *copy = dogb_strdup(arena, text);
    int rc =
        copy == NULL ? DOGBREED_ERROR_NO_MEMORY : set_pattern(&one->included, arena, text, where);
    one->include = rc < 0 ? one->include : copy;
    return rc;
}

static int make(dogb_collection **out, dogb_collections *all, const char *name,
                const dogb_record_save plan[DOGB_MODES]) {
    int rc = dogb_grow(all->arena, &all->items, &all->capacity, all->count, sizeof *all->items);
    dogb_collection *one = rc < 0 ? NULL : dogb_alloc(all->arena, 1, sizeof *one);
    char *copy = one == NULL ? NULL : dogb_strdup(all->arena, name);
    if (copy == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    one->name = copy;
    one->include = "";
    one->reductions = "";
    memcpy(one->save, plan, sizeof one->save);
    all->items[all->count++] = one;
    *out = one;
    return DOGBREED_OK;
}

int dogb_collections_create(dogb_collections *out, dogb_arena *arena,
                            const dogb_record_save plan[DOGB_MODES]) {
    *out = (dogb_collections){.arena = arena};
    for (size_t i = 0; i < sizeof ready / sizeof ready[0]; i++) {
        dogb_collection *one = NULL;
        int rc = make(&one, out, ready[i].name, plan);
        if (rc < 0 || (rc = include(one, arena, ready[i].include, ready[i].name)) < 0 ||
            (rc = set_pattern(&one->excluded, arena, ready[i].exclude, ready[i].name)) < 0) {
            return rc;
        }
        one->scalar = ready[i].scalar;
        for (int32_t mode = DOGBREED_MODE_EVAL; mode <= DOGBREED_MODE_PREDICT; mode++) {
            if (!ready[i].evaluated) { // gradients and the optimiser exist in training alone
                one->save[mode] = (dogb_record_save){.interval = INT64_MAX, .end = 0};
            }
        }
    }
    dogb_collections_find(out, "losses")->stored = 1;
    return DOGBREED_OK;
}

dogb_collection *dogb_collections_find(const dogb_collections *all, const char *name) {
    for (size_t i = 0; i < all->count; i++) {
        if (strcmp(all->items[i]->name, name) == 0) {
            return all->items[i];
        }
    }
    return NULL;
}

int dogb_collections_add(dogb_collection **out, dogb_collections *all, const char *name) {
    *out = dogb_collections_find(all, name);
    if (*out == NULL) {
        DOGB_CHECK(*name != '\0', "collections: a collection has no name");
        int rc = make(out, all, name, all->items[0]->save);
        if (rc < 0) {
            return rc;
        }
    }
    (*out)->stored = 1;
    return DOGBREED_OK;
}

int dogb_collection_has(const dogb_collection *one, const char *tensor) {
    for (int32_t i = 0; i < one->name_count; i++) {
        if (strcmp(one->names[i], tensor) == 0) {
            return 1;
        }
    }
    return one->included != NULL && dogb_regex_finds(one->included, tensor) &&
           (one->excluded == NULL || !dogb_regex_finds(one->excluded, tensor));
}

// --- plans

int64_t dogb_save_next(const dogb_record_save *save, int64_t from) {
    int64_t next = INT64_MAX;
    for (int64_t i = 0; i < save->step_count; i++) {
        next = save->steps[i] >= from && save->steps[i] < next ? save->steps[i] : next;
    }
    int64_t step = from < save->start ? save->start : from;
    int64_t rest = step % save->interval;
    if (rest != 0 && step > INT64_MAX - save->interval) {
        return next;
    }
    step += rest == 0 ? 0 : save->interval - rest;
    return step < next && (save->end < 0 || step < save->end) ? step : next;
}

int dogb_save_due(const dogb_record_save *save, int64_t first, int64_t count) {
    return dogb_save_next(save, first) < first + count;
}

static int read_integer(int64_t *out, const char *text) {
    char *end = NULL;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return *text != '\0' && *end == '\0' && errno == 0;
}

static int bad(const char *where, const char *key, const char *value, const char *wanted) {
    return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "%s: %s: \"%s\", expected %s", where, key,
                     value, wanted);
}

static int read_steps(dogb_record_save *save, dogb_arena *arena, const char *key, const char *value,
                      const char *where) {
    static const char WANTED[] = "step numbers such as 0,10,100";
    size_t count = 1;
    for (const char *p = value; *p != '\0'; p++) {
        count += *p == ',' || *p == '+';
    }
    int64_t *steps = dogb_alloc(arena, count, sizeof *steps);
    char *text = dogb_strdup(arena, value);
    if (steps == NULL || text == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    save->steps = steps;
    save->step_count = 0;
    for (size_t i = 0; i < count; i++) {
        char *end = text + strcspn(text, ",+");
        char *next = *end == '\0' ? end : end + 1;
        *end = '\0';
        if (!read_integer(&steps[i], text) || steps[i] < 0) {
            return bad(where, key, value, WANTED);
        }
        text = next;
    }
    save->step_count = (int64_t)count;
    return DOGBREED_OK;
}

int dogb_save_set(dogb_record_save *save, dogb_arena *arena, const char *key, const char *value,
                  const char *where) {
    const struct {
        const char *key;
        int64_t *target;
        int64_t low;
        const char *wanted;
    } numbers[] = {{"save_interval", &save->interval, 1, "a whole number of steps from 1 on"},
                   {"start_step", &save->start, 0, "a step number from 0 on"},
                   {"end_step", &save->end, 0, "a step number from 0 on"}};
    if (strcmp(key, "save_steps") == 0) {
        int rc = read_steps(save, arena, key, value, where);
        return rc < 0 ? rc : 1;
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        int64_t number = 0;
        if (strcmp(key, numbers[i].key) == 0) {
            if (!read_integer(&number, value) || number < numbers[i].low) {
                return bad(where, key, value, numbers[i].wanted);
            }
            *numbers[i].target = number;
            return 1;
        }
    }
    return 0;
}

// "train.save_interval": of one mode; without a mode of all.
static int set_plan(dogb_record_save save[DOGB_MODES], dogb_arena *arena, const char *key,
                    const char *value, const char *where) {
    static const char *const modes[DOGB_MODES] = {
        [DOGBREED_MODE_TRAIN] = "train.",
        [DOGBREED_MODE_EVAL] = "eval.",
        [DOGBREED_MODE_PREDICT] = "predict.",
        [DOGBREED_MODE_GLOBAL] = "global.",
    };
    int found = 0;
    for (int32_t mode = DOGBREED_MODE_TRAIN; mode < DOGB_MODES; mode++) {
        size_t length = strlen(modes[mode]);
        if (strncmp(key, modes[mode], length) == 0) {
            return dogb_save_set(&save[mode], arena, key + length, value, where);
        }
    }
    for (int32_t mode = DOGBREED_MODE_TRAIN; mode < DOGB_MODES; mode++) {
        found = dogb_save_set(&save[mode], arena, key, value, where);
        if (found <= 0) {
            return found;
        }
    }
    return found;
}

// --- keys

static int set_switch(int32_t *target, const char *key, const char *value, const char *where) {
    static const char *const words[2][4] = {{"false", "off", "no", "0"},
                                            {"true", "on", "yes", "1"}};
    char lower[8] = {0};
    for (size_t i = 0; i < sizeof lower - 1 && value[i] != '\0'; i++) {
        lower[i] = value[i] >= 'A' && value[i] <= 'Z' ? (char)(value[i] + 32) : value[i];
    }
    for (int32_t on = 0; on < 2; on++) {
        for (size_t i = 0; i < 4; i++) {
            if (strcmp(lower, words[on][i]) == 0) {
                *target = on;
                return DOGBREED_OK;
            }
        }
    }
    return bad(where, key, value, "true or false");
}

static int set_names(dogb_collections *all, dogb_collection *one, const char *value) {
    char *text = dogb_strdup(all->arena, value);
    if (text == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    while (*text != '\0') {
        char *end = text + strcspn(text, ",+");
        char *next = *end == '\0' ? end : end + 1;
        *end = '\0';
        int rc = dogb_grow(all->arena, &one->names, &one->name_capacity, (size_t)one->name_count,
                           sizeof *one->names);
        if (rc < 0) {
            return rc;
        }
        one->names[one->name_count++] = text;
        text = next;
    }
    return DOGBREED_OK;
}

// Names with ',' between them, each known.
static int set_reductions(dogb_collections *all, dogb_collection *one, const char *value,
                          const char *where) {
    char *text = dogb_strdup(all->arena, value);
    dogb_reduction known;
    if (text == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (one->scalar) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "%s: reductions: %s holds single numbers",
                         where, one->name);
    }
    for (char *p = text; *p != '\0'; p++) {
        *p = *p == '+' ? ',' : *p;
    }
    for (const char *p = text; *p != '\0';) {
        size_t length = strcspn(p, ",");
        if (!dogb_reduction_find(&known, p, length)) {
            return dogb_fail(
                DOGBREED_ERROR_INVALID_ARGUMENT,
                "%s: reductions: \"%.*s\" is not known; there are min, max, mean, std, "
                "variance, sum, prod, l1, l2, median, each also with abs_, and "
                "nan_count, inf_count",
                where, (int)length, p);
        }
        p += length + (p[length] == ',');
    }
    one->reductions = text;
    return DOGBREED_OK;
}

int dogb_collections_set(dogb_collections *all, dogb_collection *one, const char *key,
                         const char *value, const char *where) {
    static const char *const keys[] = {
        "include_regex",  "tensor_names",  "reductions", "save_raw_tensor", "save_shape",
        "save_histogram", "save_interval", "save_steps", "start_step",      "end_step"};
    if (strcmp(key, "include_regex") == 0) {
        return include(one, all->arena, value, where);
    }
    if (strcmp(key, "tensor_names") == 0) {
        return set_names(all, one, value);
    }
    if (strcmp(key, "reductions") == 0) {
        return set_reductions(all, one, value, where);
    }
    const struct {
        const char *key;
        int32_t *target;
    } switches[] = {{"save_raw_tensor", &one->raw},
                    {"save_shape", &one->shape},
                    {"save_histogram", &one->histogram}};
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++) {
        if (strcmp(key, switches[i].key) == 0) {
            return set_switch(switches[i].target, key, value, where);
        }
    }
    int found = set_plan(one->save, all->arena, key, value, where);
    if (found != 0) {
        return found < 0 ? found : DOGBREED_OK;
    }
    const char *near = dogb_nearest(key, keys, sizeof keys / sizeof keys[0]);
    return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "%s: %s is not known%s%s", where, key,
                     near == NULL ? "" : "; did you mean ", near == NULL ? "" : near);
}

// --- text

// Cuts the text at the first of `marks` outside of brackets and braces, which patterns have.
static char *cut(char *text, const char *marks) {
    int depth = 0;
    for (char *p = text; *p != '\0'; p++) {
        if (*p == '\\' && p[1] != '\0') {
            p++;
        } else if (strchr("([{", *p) != NULL) {
            depth++;
        } else if (strchr(")]}", *p) != NULL) {
            depth--;
        } else if (depth <= 0 && strchr(marks, *p) != NULL) {
            *p = '\0';
            return p + 1;
        }
    }
    return NULL;
}

static int parse_one(dogb_collections *all, char *text) {
    dogb_collection *one = NULL;
    char *settings = cut(text, ":");
    int rc = dogb_collections_add(&one, all, text);
    char *where = rc < 0 ? NULL : dogb_format(all->arena, "collections: %s", one->name);
    if (rc == DOGBREED_OK && where == NULL) {
        rc = DOGBREED_ERROR_NO_MEMORY;
    }
    while (rc == DOGBREED_OK && settings != NULL) {
        char *next = cut(settings, ",");
        char *value = strchr(settings, '=');
        if (value == NULL) {
            return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                             "%s: \"%s\", expected name=value, such as save_interval=10", where,
                             settings);
        }
        *value = '\0';
        rc = dogb_collections_set(all, one, settings, value + 1, where);
        settings = next;
    }
    return rc;
}

int dogb_collections_parse(dogb_collections *all, const char *text) {
    char *rest = *text == '\0' ? NULL : dogb_strdup(all->arena, text);
    int rc = *text != '\0' && rest == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    while (rc == DOGBREED_OK && rest != NULL) {
        char *next = cut(rest, ";");
        rc = *rest == '\0' ? DOGBREED_OK : parse_one(all, rest);
        rest = next;
    }
    return rc;
}
