// rule_set_struct.h - a set of rules and the tensors it has met.
#ifndef DOGB_DEBUG_RULE_SET_STRUCT_H
#define DOGB_DEBUG_RULE_SET_STRUCT_H

#include "debug/rule_run.h"

// A tensor by mode, kind, side of its node and name.
typedef struct dogb_rule_known {
    const char *name;
    uint64_t hash;
    int32_t mode;
    int32_t what;
    int32_t is_input;
    int32_t reserved;
    int8_t groups[DOGB_RULES_MAX]; // of each run; -1: not wanted
    void *slots[DOGB_RULES_MAX];
} dogb_rule_known;

struct dogb_rules {
    dogb_arena *arena;
    dogb_rules_conf conf;
    dogb_rule_run *runs[DOGB_RULES_MAX];
    int32_t count;
    int32_t fed; // something has been fed: no rule can be added
    int32_t ended;
    int32_t stop;   // DOGBREED_STOP has to be returned
    uint32_t modes; // that were fed, 1 << mode
    uint32_t reserved;
    dogb_rule_known **known; // a hash table with open addressing
    size_t known_count;
    size_t known_capacity; // a power of two
};

// Adds a rule with the text of its parameters. grouped: it came with "default" or "all".
int dogb_rules_add(dogb_rules *set, const dogb_rule *rule, const dogbreed_rule *custom,
                   const char *text, int grouped);

// rule_known.c: a tensor, met before or not. NULL: no memory.
dogb_rule_known *dogb_rules_know(dogb_rules *set, int32_t mode, const dogb_rule_tensor *t);

#endif
