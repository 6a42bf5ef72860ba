// debug_rules.c - fuzz target: the text of rules. What is accepted has documents, and takes a step
// and an epoch; files with rules are left alone.
#include "fuzz.h"

#include "debug/rule.h"

#include <stdlib.h>
#include <string.h>

static int values(const float **out, size_t *count, const dogb_rule_tensor *t) {
    static const float some[4] = {1, 2, 3, 4};
    (void)t;
    *out = some;
    *count = 4;
    return 0;
}

static int stats(const dogbreed_tensor_stats **out, const dogb_rule_tensor *t) {
    static const dogbreed_tensor_stats some = {.minimum = 1, .maximum = 4, .mean = 2.5};
    (void)t;
    *out = &some;
    return 0;
}

static void feed(dogb_rules *set, dogb_arena *arena) {
    const dogb_rule_source source = {values, stats, NULL};
    const dogb_rule_moment m = {.mode = DOGB_RULE_TRAIN};
    const dogb_rule_epoch e = {.train_loss = 1, .val_loss = 1, .train_count = 1, .val_count = 1};
    for (int32_t what = 0; what < DOGB_RULE_TENSOR_KINDS; what++) {
        const dogb_rule_tensor t = {.name = "a_loss_output_0",
                                    .node = "a",
                                    .what = what,
                                    .trainable = 1,
                                    .fresh = 1,
                                    .rank = 2,
                                    .shape = {2, 2},
                                    .source = &source};
        (void)dogb_rules_see(set, &m, &t);
    }
    (void)dogb_rules_step(set, &m);
    (void)dogb_rules_epoch(set, &e);
    (void)dogb_rules_end(set);
    if (dogb_rules_json(set, arena) == NULL) {
        abort();
    }
    for (int32_t i = 0; i < dogb_rules_count(set); i++) {
        dogb_rule_result result;
        dogb_rules_get(&result, set, i);
        if (dogb_rules_report(set, i, arena) == NULL || result.status == DOGBREED_RULE_ERROR) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    dogb_arena arena = {0};
    dogb_rules *set = NULL;
    char *text = dogb_strndup(&arena, (const char *)data, size);
    if (text != NULL && strchr(text, '/') == NULL && strstr(text, ".so") == NULL) {
        const dogb_rules_conf conf = {.text = text};
        if (dogb_rules_create(&set, &arena, &conf) == 0) {
            feed(set, &arena);
        }
    }
    dogb_arena_free(&arena);
    return 0;
}
