// rule_known.c - the tensors that a set has met, and which of its rules want them.
#include "debug/rule_set_struct.h"

#include <string.h>

static uint64_t hash_of(int32_t mode, const dogb_rule_tensor *t) {
    uint64_t hash = 14695981039346656037u; // FNV-1a
    for (const char *at = t->name; *at != '\0'; at++) {
        hash = (hash ^ (unsigned char)*at) * 1099511628211u;
    }
    return (hash ^ (uint64_t)(mode * 64 + t->what * 2 + (t->is_input != 0))) * 1099511628211u;
}

static int same(const dogb_rule_known *k, uint64_t hash, int32_t mode, const dogb_rule_tensor *t) {
    return k->hash == hash && k->mode == mode && k->what == t->what &&
           k->is_input == (t->is_input != 0) && strcmp(k->name, t->name) == 0;
}

// Twice as many places.
static int grow(dogb_rules *set) {
    size_t capacity = set->known_capacity == 0 ? 64 : 2 * set->known_capacity;
    dogb_rule_known **table = dogb_alloc(set->arena, capacity, sizeof(dogb_rule_known *));
    if (table == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < set->known_capacity; i++) {
        dogb_rule_known *k = set->known[i];
        size_t at = k == NULL ? 0 : k->hash & (capacity - 1);
        while (k != NULL && table[at] != NULL) {
            at = (at + 1) & (capacity - 1);
        }
        table[at] = k == NULL ? table[at] : k;
    }
    dogb_release(set->arena, set->known);
    set->known = table;
    set->known_capacity = capacity;
    return DOGBREED_OK;
}

dogb_rule_known *dogb_rules_know(dogb_rules *set, int32_t mode, const dogb_rule_tensor *t) {
    if (2 * set->known_count >= set->known_capacity && grow(set) < 0) {
        return NULL;
    }
    uint64_t hash = hash_of(mode, t);
    size_t at = hash & (set->known_capacity - 1);
    while (set->known[at] != NULL && !same(set->known[at], hash, mode, t)) {
        at = (at + 1) & (set->known_capacity - 1);
    }
    if (set->known[at] != NULL) {
        return set->known[at];
    }
    dogb_rule_known *k = dogb_alloc(set->arena, 1, sizeof *k);
    char *name = dogb_strdup(set->arena, t->name);
    if (k == NULL || name == NULL) {
        return NULL;
    }
    *k = (dogb_rule_known){
        .name = name, .hash = hash, .mode = mode, .what = t->what, .is_input = t->is_input != 0};
    for (int32_t i = 0; i < set->count; i++) {
        k->groups[i] = (int8_t)dogb_rule_group_of(set->runs[i], t);
    }
    set->known[at] = k;
    set->known_count++;
    return k;
}
