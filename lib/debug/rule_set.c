// rule_set.c - a set of rules: made of a text, fed with tensors, steps and epochs.
#include "debug/rule_set_struct.h"

#include "core/error.h"
#include "core/log.h"

#include <string.h>

// --- runs

static int check_required(const dogb_rule_run *run) {
    const char *at = run->rule->required;
    if (at == NULL) {
        return DOGBREED_OK;
    }
    while (*at != '\0') {
        char name[64];
        size_t length = strcspn(at, "|");
        memcpy(name, at, length);
        name[length] = '\0';
        if (dogb_rule_given(run, name)) {
            return DOGBREED_OK;
        }
        at += length + (at[length] == '|');
    }
    return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "rules: %s: needs the parameter %s",
                     run->name, run->rule->required);
}

// What a struct of parameters has in common; parity implies others that the text does not set.
static void apply_parity(dogb_rule_run *run) {
    dogb_rule_common *common = run->params;
    common->parity |= run->set->conf.parity;
    if (common->parity && !dogb_rule_given(run, "stop_at_first_hit")) {
        common->stop_at_first_hit = 1;
    }
    const dogb_option *unit = dogb_table_find(run->rule->params, "unit");
    if (common->parity && unit != NULL && !dogb_rule_given(run, "unit")) {
        static const int32_t steps = DOGB_UNIT_STEPS;
        memcpy((char *)run->params + unit->offset, &steps, sizeof steps);
    }
}

static int fill_params(dogb_rule_run *run, const char *text) {
    const dogb_table *table = run->rule->params;
    dogb_arena *arena = run->set->arena;
    run->params = dogb_alloc(arena, 1, table->size);
    int rc = run->params == NULL ? DOGBREED_ERROR_NO_MEMORY
                                 : dogb_table_init(table, run->params, table->size);
    if (rc == DOGBREED_OK) {
        rc = dogb_rule_text_params(&run->given, run->params, run->name, table, text, arena);
    }
    if (rc == DOGBREED_OK) {
        apply_parity(run);
        rc = check_required(run);
    }
    return rc;
}

static int begin_run(dogb_rule_run *run, const char *text) {
    const dogb_rule_calls *calls = run->rule->calls;
    dogb_arena *arena = run->set->arena;
    int rc = fill_params(run, text);
    if (rc < 0 || (rc = dogb_rule_choose(run)) < 0) {
        return rc;
    }
    run->state = dogb_alloc(arena, 1, calls->state_size + 1);
    run->kept = dogb_json_array(arena);
    run->evidence = dogb_json_object(arena);
    if (run->state == NULL || run->kept == NULL || run->evidence == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    return calls->begin == NULL ? DOGBREED_OK : calls->begin(run);
}

static int count_of(const dogb_rules *set, const dogb_rule *rule) {
    int count = 0;
    for (int32_t i = 0; i < set->count; i++) {
        count += strcmp(set->runs[i]->rule->name, rule->name) == 0;
    }
    return count;
}

static void forget_hits(void *pointer) {
    dogb_rule_run *run = pointer;
    json_decref(run->last);
    run->last = NULL;
}

// Place of a run of this rule that came with a group; the end when there is none.
static int32_t place_for(const dogb_rules *set, const dogb_rule *rule, int grouped) {
    for (int32_t i = 0; i < set->count; i++) {
        if (!grouped && set->runs[i]->grouped && set->runs[i]->rule == rule) {
            return i;
        }
    }
    return set->count;
}

int dogb_rules_add(dogb_rules *set, const dogb_rule *rule, const dogbreed_rule *custom,
                   const char *text, int grouped) {
    int32_t place = place_for(set, rule, grouped);
    int count = place < set->count ? 0 : count_of(set, rule);
    if (grouped && count > 0) {
        return DOGBREED_OK; // it was named before
    }
    DOGB_CHECK(place < DOGB_RULES_MAX, "rules: at most %d are taken", DOGB_RULES_MAX);
    dogb_rule_run *run = dogb_alloc(set->arena, 1, sizeof *run);
    if (run == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    run->rule = rule;
    run->set = set;
    run->custom = custom;
    run->grouped = grouped;
    run->name = count == 0 ? rule->name : dogb_format(set->arena, "%s-%d", rule->name, count + 1);
    int rc = run->name == NULL ? DOGBREED_ERROR_NO_MEMORY : begin_run(run, text);
    if (rc < 0 || (rc = dogb_defer(set->arena, forget_hits, run)) < 0) {
        return rc;
    }
    set->runs[place] = run;
    set->count += place == set->count;
    return DOGBREED_OK;
}

// --- the text

static int add_group(dogb_rules *set, const char *name, const char *params) {
    int all = strcmp(name, "all") == 0;
    int rc = DOGBREED_OK;
    DOGB_CHECK(*params == '\0', "rules: %s: is a group and has no parameters", name);
    for (int32_t i = 0; rc == DOGBREED_OK && strcmp(name, "none") != 0 && i < dogb_rule_row_count;
         i++) {
        const dogb_rule *rule = &dogb_rule_rows[i];
        if (rule->required == NULL && (all || (rule->flags & DOGB_RULE_OFF) == 0)) {
            rc = dogb_rules_add(set, rule, NULL, "", 1);
        }
    }
    return rc;
}

static int is_file(const char *name) {
    size_t length = strlen(name);
    return strchr(name, '/') != NULL || (length > 3 && strcmp(name + length - 3, ".so") == 0);
}

static int add_named(dogb_rules *set, const char *name, const char *params) {
    static const char *const groups[] = {"default", "all", "none"};
    const char *names[DOGB_RULES_MAX];
    size_t count = 0;
    for (int i = 0; i < 3; i++) {
        if (strcmp(name, groups[i]) == 0) {
            return add_group(set, name, params);
        }
        names[count++] = groups[i];
    }
    if (is_file(name)) {
        return dogb_rule_custom_file(set, name, params);
    }
    for (int32_t i = 0; i < dogb_rule_row_count; i++) {
        if (strcmp(name, dogb_rule_rows[i].name) == 0) {
            return dogb_rules_add(set, &dogb_rule_rows[i], NULL, params, 0);
        }
        names[count++] = dogb_rule_rows[i].name;
    }
    return dogb_rule_text_unknown(name, names, count);
}

enum { TEXT_MAX_BYTES = 65536 };

static int add_text(dogb_rules *set, const char *text) {
    size_t length = strlen(text);
    DOGB_CHECK(length <= TEXT_MAX_BYTES, "rules: a text of %zu bytes, at most %d are taken", length,
               TEXT_MAX_BYTES);
    char *name = NULL;
    char *params = NULL;
    int rc = DOGBREED_OK;
    do {
        rc = dogb_rule_text_next(&name, &params, &text, set->arena);
        if (rc == DOGBREED_OK && name != NULL) {
            rc = add_named(set, name, params);
        }
    } while (rc == DOGBREED_OK && name != NULL);
    return rc;
}

int dogb_rules_create(dogb_rules **out, dogb_arena *arena, const dogb_rules_conf *conf) {
    *out = NULL;
    dogb_rules *set = dogb_alloc(arena, 1, sizeof *set);
    if (set == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    set->arena = arena;
    set->conf = *conf;
    set->conf.text = NULL;
    int rc = add_text(set, conf->text == NULL ? "" : conf->text);
    if (rc == DOGBREED_OK) {
        *out = set;
    }
    return rc;
}

uint32_t dogb_rules_sees(const dogb_rules *set) {
    uint32_t sees = 0;
    for (int32_t i = 0; i < set->count; i++) {
        sees |= set->runs[i]->sees;
    }
    return sees;
}

// --- feeding

static int wants(const dogb_rule_run *run, const dogb_rule_known *k, int32_t index) {
    return !run->done && k->groups[index] >= 0;
}

int dogb_rules_wants(dogb_rules *set, int32_t mode, const dogb_rule_tensor *t) {
    const dogb_rule_known *k = dogb_rules_know(set, mode, t);
    for (int32_t i = 0; k != NULL && i < set->count; i++) {
        if (wants(set->runs[i], k, i)) {
            return 1;
        }
    }
    return 0;
}

static int show(dogb_rule_run *run, dogb_rule_known *k, int32_t index, const dogb_rule_moment *m,
                const dogb_rule_tensor *t) {
    const dogb_rule_calls *calls = run->rule->calls;
    if (calls->slot_size > 0 && k->slots[index] == NULL) {
        k->slots[index] = dogb_alloc(run->set->arena, 1, calls->slot_size);
        if (k->slots[index] == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    run->slot = k->slots[index];
    run->group = k->groups[index];
    return calls->see(run, m, t);
}

static int answer(const dogb_rules *set) {
    return set->stop ? DOGBREED_STOP : DOGBREED_OK;
}

int dogb_rules_see(dogb_rules *set, const dogb_rule_moment *m, const dogb_rule_tensor *t) {
    dogb_rule_known *k = dogb_rules_know(set, m->mode, t);
    set->fed = 1;
    for (int32_t i = 0; i < set->count; i++) {
        dogb_rule_run *run = set->runs[i];
        if (k == NULL) {
            dogb_rule_settle(run, DOGBREED_ERROR_NO_MEMORY);
        } else if (wants(run, k, i) && run->rule->calls->see != NULL) {
            dogb_rule_settle(run, show(run, k, i, m, t));
        }
    }
    return answer(set);
}

int dogb_rules_step(dogb_rules *set, const dogb_rule_moment *m) {
    set->fed = 1;
    set->modes |= 1u << (m->mode & 31);
    for (int32_t i = 0; i < set->count; i++) {
        dogb_rule_run *run = set->runs[i];
        if (!run->done && run->rule->calls->step != NULL) {
            dogb_rule_settle(run, run->rule->calls->step(run, m));
        }
    }
    return answer(set);
}

int dogb_rules_epoch(dogb_rules *set, const dogb_rule_epoch *e) {
    set->fed = 1;
    for (int32_t i = 0; i < set->count; i++) {
        dogb_rule_run *run = set->runs[i];
        if (!run->done && run->rule->calls->epoch != NULL) {
            dogb_rule_settle(run, run->rule->calls->epoch(run, e));
        }
    }
    return answer(set);
}

// A set with callbacks that take only the run.
static int call_each(dogb_rules *set, int end) {
    for (int32_t i = 0; i < set->count; i++) {
        dogb_rule_run *run = set->runs[i];
        int (*call)(dogb_rule_run *) = end ? run->rule->calls->end : run->rule->calls->alive;
        if (!run->done && call != NULL) {
            dogb_rule_settle(run, call(run));
        }
    }
    return answer(set);
}

int dogb_rules_alive(dogb_rules *set) {
    return call_each(set, 0);
}

int dogb_rules_end(dogb_rules *set) {
    if (!set->ended) {
        (void)call_each(set, 1);
        set->ended = 1;
    }
    return answer(set);
}
