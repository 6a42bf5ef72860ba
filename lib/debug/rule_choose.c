// rule_choose.c - which tensors a rule looks at: by collection, by regular expression, by nature.
#include "debug/rule_run.h"

#include "core/error.h"
#include "core/regex.h"

#include <string.h>

struct dogb_rule_chosen {
    const dogb_regex **patterns;
    size_t pattern_count;
    const char **collections;
    size_t collection_count;
    int32_t by_nature; // the group's own choice counts
};

int dogb_rule_is_loss(const dogb_rule_tensor *t) {
    return t->what == DOGBREED_TENSOR_SCALAR &&
           (strstr(t->name, "loss") != NULL || strstr(t->name, "Loss") != NULL);
}

int dogb_rule_is_weight(const dogb_rule_tensor *t) {
    return t->rank >= 2;
}

// --- the standard collections

static int optimizer(const dogb_rule_tensor *t) {
    return strncmp(t->name, "optimizer/", 10) == 0;
}

static int starts_with_gradient(const dogb_rule_tensor *t) {
    return strncmp(t->name, "gradient", 8) == 0;
}

static int all(const dogb_rule_tensor *t) {
    return t != NULL;
}

static int weights(const dogb_rule_tensor *t) {
    return strstr(t->name, "weight") != NULL && !starts_with_gradient(t) && !optimizer(t);
}

static int biases(const dogb_rule_tensor *t) {
    return strstr(t->name, "bias") != NULL && !starts_with_gradient(t) && !optimizer(t);
}

static int scalars(const dogb_rule_tensor *t) {
    return t->what == DOGBREED_TENSOR_SCALAR;
}

static int metrics(const dogb_rule_tensor *t) {
    return scalars(t) && !dogb_rule_is_loss(t);
}

static int layers(const dogb_rule_tensor *t) {
    return t->what == DOGBREED_TENSOR_ACTIVATION;
}

static int outputs(const dogb_rule_tensor *t) {
    return layers(t) && !t->is_input;
}

enum {
    ANY = (1 << DOGB_RULE_TENSOR_KINDS) - 1,
    WEIGHT = 1 << DOGBREED_TENSOR_WEIGHT,
    GRADIENT = 1 << DOGBREED_TENSOR_GRADIENT,
    ACTIVATION = 1 << DOGBREED_TENSOR_ACTIVATION,
    SCALAR = 1 << DOGBREED_TENSOR_SCALAR,
    OPTIMIZER = 1 << DOGBREED_TENSOR_OPTIMIZER
};

static const struct {
    const char *name;
    uint32_t kinds;
    int (*member)(const dogb_rule_tensor *t);
} collections[] = {
    {"all", ANY, all},
    {"weights", WEIGHT, weights},
    {"biases", WEIGHT, biases},
    {"gradients", GRADIENT, starts_with_gradient},
    {"losses", SCALAR, dogb_rule_is_loss},
    {"metrics", SCALAR, metrics},
    {"sm_metrics", SCALAR, scalars},
    {"layers", ACTIVATION, layers},
    {"outputs", ACTIVATION, outputs},
    {"optimizer_variables", OPTIMIZER, optimizer},
};
enum { COLLECTIONS = sizeof collections / sizeof collections[0] };

static size_t standard(const char *name) {
    size_t i = 0;
    while (i < COLLECTIONS && strcmp(collections[i].name, name) != 0) {
        i++;
    }
    return i;
}

static int is_member(const dogb_rule_run *run, const char *collection, const dogb_rule_tensor *t) {
    const dogb_rules_conf *conf = dogb_rule_conf(run);
    if (conf->member != NULL) {
        return conf->member(collection, t, conf->userdata) > 0;
    }
    size_t i = standard(collection);
    return i < COLLECTIONS && (t == NULL || collections[i].member(t));
}

static int check_collection(const dogb_rule_run *run, const char *name) {
    if (is_member(run, name, NULL)) {
        return DOGBREED_OK;
    }
    const char *names[COLLECTIONS];
    for (size_t i = 0; i < COLLECTIONS; i++) {
        names[i] = collections[i].name;
    }
    const char *near = dogb_nearest(name, names, COLLECTIONS);
    return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "rules: %s: %.60s: no such collection%s%s%s",
                     run->name, name, near == NULL ? "" : "; did you mean ",
                     near == NULL ? "" : near, near == NULL ? "" : "?");
}

// --- lists

// The end of an element: a comma outside brackets and braces.
static const char *element_end(const char *text) {
    int depth = 0;
    for (; *text != '\0' && (*text != ',' || depth > 0); text++) {
        if (*text == '[') {
            text = dogb_regex_bracket(text) - 1;
        } else if (*text == '\\' && text[1] != '\0') {
            text++;
        } else {
            depth += (*text == '{' || *text == '(') - (*text == '}' || *text == ')');
        }
    }
    return text;
}

int dogb_rule_list(const char ***out, size_t *count, dogb_arena *arena, const char *text) {
    size_t capacity = 0;
    *out = NULL;
    *count = 0;
    while (*text != '\0') {
        text += strspn(text, " ,");
        const char *end = element_end(text);
        size_t length = (size_t)(end - text);
        while (length > 0 && text[length - 1] == ' ') {
            length--;
        }
        if (length > 0) {
            if (dogb_grow(arena, out, &capacity, *count, sizeof **out) < 0) {
                return DOGBREED_ERROR_NO_MEMORY;
            }
            (*out)[*count] = dogb_strndup(arena, text, length);
            if ((*out)[(*count)++] == NULL) {
                return DOGBREED_ERROR_NO_MEMORY;
            }
        }
        text = end;
    }
    return DOGBREED_OK;
}

// --- groups

// Text of a parameter; NULL: the rule has no such parameter. *given: the text of the rule sets it.
static const char *param_text(const dogb_rule_run *run, const char *name, int *given) {
    *given = 0;
    if (name == NULL) {
        return NULL;
    }
    const dogb_option *option = dogb_table_find(run->rule->params, name);
    const char *text = NULL;
    memcpy(&text, (const char *)run->params + option->offset, sizeof text);
    *given = dogb_rule_given(run, name) && *text != '\0';
    return text;
}

static int compile(dogb_rule_chosen *out, dogb_rule_run *run, const char *param, const char *text) {
    dogb_arena *arena = dogb_rule_arena(run);
    const char **list = NULL;
    int rc = dogb_rule_list(&list, &out->pattern_count, arena, text);
    if (rc < 0 || out->pattern_count == 0) {
        return rc;
    }
    char *what = dogb_format(arena, "rules: %s: %s", run->name, param);
    out->patterns = dogb_alloc(arena, out->pattern_count, sizeof *out->patterns);
    if (what == NULL || out->patterns == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; rc == DOGBREED_OK && i < out->pattern_count; i++) {
        dogb_regex *regex = NULL;
        rc = dogb_regex_create(&regex, arena, what, list[i], REG_NOSUB);
        out->patterns[i] = regex;
    }
    return rc;
}

static int choose_collections(dogb_rule_chosen *out, uint32_t *kinds, dogb_rule_run *run,
                              const char *text) {
    int rc = dogb_rule_list(&out->collections, &out->collection_count, dogb_rule_arena(run), text);
    for (size_t i = 0; rc == DOGBREED_OK && i < out->collection_count; i++) {
        size_t at = standard(out->collections[i]);
        *kinds |= at < COLLECTIONS ? collections[at].kinds : ANY;
        rc = check_collection(run, out->collections[i]);
    }
    return rc;
}

static int choose_group(dogb_rule_chosen *out, dogb_rule_run *run, const dogb_rule_group *group) {
    int by_regex = 0;
    int by_collection = 0;
    uint32_t kinds = 0;
    const char *regex = param_text(run, group->regex_param, &by_regex);
    const char *names = param_text(run, group->collection_param, &by_collection);
    int rc = DOGBREED_OK;
    out->by_nature = !by_regex && !by_collection;
    if (regex != NULL && *regex != '\0' && (by_regex || out->by_nature)) {
        rc = compile(out, run, group->regex_param, regex);
    }
    if (rc == DOGBREED_OK && by_collection) {
        rc = choose_collections(out, &kinds, run, names);
    }
    run->sees |= by_collection && !by_regex ? group->kinds & kinds : group->kinds;
    return rc;
}

int dogb_rule_choose(dogb_rule_run *run) {
    run->sees = 0;
    for (uint32_t i = 0; i < run->rule->group_count; i++) {
        dogb_rule_chosen *chosen = dogb_alloc(dogb_rule_arena(run), 1, sizeof *chosen);
        int rc = chosen == NULL ? DOGBREED_ERROR_NO_MEMORY
                                : choose_group(chosen, run, &run->rule->groups[i]);
        if (rc < 0) {
            return rc;
        }
        run->chosen[i] = chosen;
    }
    return DOGBREED_OK;
}

void dogb_rule_drop_group(dogb_rule_run *run, int32_t index) {
    run->chosen[index] = NULL;
}

static int takes(const dogb_rule_run *run, const dogb_rule_group *group,
                 const dogb_rule_chosen *chosen, const dogb_rule_tensor *t) {
    if (((uint32_t)1 << t->what & group->kinds) == 0) {
        return 0;
    }
    if (chosen->by_nature && (group->natural == NULL || group->natural(t))) {
        return 1;
    }
    for (size_t i = 0; i < chosen->pattern_count; i++) {
        if (dogb_regex_finds(chosen->patterns[i], t->name)) {
            return 1;
        }
    }
    for (size_t i = 0; i < chosen->collection_count; i++) {
        if (is_member(run, chosen->collections[i], t)) {
            return 1;
        }
    }
    return 0;
}

int dogb_rule_group_of(const dogb_rule_run *run, const dogb_rule_tensor *t) {
    if (t->what < 0 || t->what >= DOGB_RULE_TENSOR_KINDS || ((1u << t->what) & run->sees) == 0) {
        return -1;
    }
    for (uint32_t i = 0; i < run->rule->group_count; i++) {
        if (run->chosen[i] != NULL && takes(run, &run->rule->groups[i], run->chosen[i], t)) {
            return (int)i;
        }
    }
    return -1;
}
