// rule_file.c - a shared object with two rules, as a user writes one.
#include <dogbreed/debug.h>

static const dogbreed_rule_param params[] = {
    {"limit", "", "A larger maximum is a hit.", 10, 0, 1e9},
};

static int see(dogbreed_rule_call *call) {
    int *seen = (int *)call->state;
    call->value = call->stats->maximum;
    call->threshold = call->params[0];
    call->text[0] = (char)('a' + (*seen)++);
    call->text[1] = '\0';
    return call->value > call->threshold ? DOGBREED_RULE_HIT : DOGBREED_RULE_FINE;
}

static int epoch(dogbreed_rule_call *call) {
    return call->val_accuracy < 0.6 ? DOGBREED_RULE_HIT : DOGBREED_RULE_FINE;
}

static const dogbreed_rule rules[] = {
    {
        .struct_size = sizeof(dogbreed_rule),
        .sees = 1u << DOGBREED_TENSOR_WEIGHT,
        .needs = DOGBREED_RULE_STATS,
        .param_count = 1,
        .name = "LargeWeight",
        .summary = "A weight is large.",
        .advice = "Raise weight_decay.",
        .tensor_regex = "weight$",
        .params = params,
        .state_size = sizeof(int),
        .see = see,
    },
    {
        .struct_size = sizeof(dogbreed_rule),
        .param_count = 1,
        .name = "LowAccuracy",
        .params = params,
        .epoch = epoch,
    },
};

const dogbreed_rule *dogbreed_rule_v1(int32_t index);
const dogbreed_rule *dogbreed_rule_v1(int32_t index) {
    return index >= 0 && index < 2 ? &rules[index] : 0;
}
