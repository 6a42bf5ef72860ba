// rule.c - see rule.h: the table, parameters, and one pass over all rules.
#include "profile/rule.h"

#include "core/error.h"

#include <string.h>

// Patience: samples in parity mode; seconds or a share of the run in the other.
#define PATIENCE                                                                                   \
    {"patience", 1000, 1000}, {"patience_seconds", 500, 500}, {                                    \
        "patience_share", 0.2, 0.2                                                                 \
    }

const dogb_profile_rule dogb_profile_rules[] = {
    {.name = "LowGPUUtilization",
     .summary = "A GPU is used little, or in bursts.",
     .recommendation = "Look for what it waits for: loader_threads, the caches of pictures and "
                       "features, a larger batch_size.",
     .flags = DOGB_PROFILE_RULE_GPU,
     .params =
         {{"threshold_p95", 70, 70}, {"threshold_p5", 10, 10}, {"window", 500, 500}, PATIENCE},
     .run = dogb_profile_rule_low_gpu},
    {.name = "GPUNeverUsed",
     .summary = "A GPU is there and was never used.",
     .recommendation = "Set device to cuda, and engine to one that can use it.",
     .flags = DOGB_PROFILE_RULE_GPU | DOGB_PROFILE_RULE_OWN,
     .params = {{"seconds", 60, 60}},
     .run = dogb_profile_rule_gpu_never_used},
    {.name = "BatchSize",
     .summary = "Neither cores nor a GPU nor its memory are filled.",
     .recommendation = "A larger batch_size, or a smaller machine.",
     .flags = DOGB_PROFILE_RULE_GPU,
     .params = {{"cpu_threshold_p95", 70, 70},
                {"gpu_threshold_p95", 70, 70},
                {"gpu_memory_threshold_p95", 70, 70},
                {"window", 500, 500},
                PATIENCE},
     .run = dogb_profile_rule_batch_size},
    {.name = "CPUBottleneck",
     .summary = "A GPU idles because the cores are busy.",
     .recommendation =
         "More loader_threads; feature_cache or decoded_cache_bytes, so that there is less to do.",
     .flags = DOGB_PROFILE_RULE_GPU,
     .params =
         {{"threshold", 50, 50}, {"gpu_threshold", 10, 10}, {"cpu_threshold", 90, 90}, PATIENCE},
     .run = dogb_profile_rule_cpu_bottleneck},
    {.name = "IOBottleneck",
     .summary = "A GPU idles because of the disk.",
     .recommendation = "decoded_cache_bytes keeps pictures in memory; a faster disk.",
     .flags = DOGB_PROFILE_RULE_GPU,
     .params =
         {{"threshold", 50, 50}, {"gpu_threshold", 10, 10}, {"io_threshold", 50, 50}, PATIENCE},
     .run = dogb_profile_rule_io_bottleneck},
    {.name = "GPUMemoryIncrease",
     .summary = "Memory of a GPU grows while the run goes on.",
     .recommendation = "A GPU with more memory when it comes near its end; a smaller batch_size.",
     .flags = DOGB_PROFILE_RULE_GPU,
     .params = {{"increase", 5, 5}, {"window", 10, 10}, PATIENCE},
     .run = dogb_profile_rule_gpu_memory},
    {.name = "LoadBalancing",
     .summary = "GPUs have unequal work.",
     .recommendation = "Another distribution of the work.",
     .flags = DOGB_PROFILE_RULE_GPU,
     .params = {{"threshold", 0.2, 0.2}, PATIENCE},
     .run = dogb_profile_rule_load_balancing},
    {.name = "MaxInitializationTime",
     .summary = "The first step begins late.",
     .recommendation =
         "Keep cache_dir, so that features and packed weights are there at the next start.",
     .flags = DOGB_PROFILE_RULE_SPANS,
     .params = {{"threshold", 20, 20}},
     .run = dogb_profile_rule_initialisation},
    {.name = "StepOutlier",
     .summary = "Steps take much longer than others.",
     .recommendation = "Look at the phases of the slowest steps: waiting for pictures, "
                       "checkpoints, others on the machine.",
     .flags = DOGB_PROFILE_RULE_SPANS,
     .params = {{"stddev", 3, 3}, {"n_outliers", 10, 10}},
     .run = dogb_profile_rule_step_outlier},
    {.name = "Dataloader",
     .summary = "Fewer or more threads load pictures than there are cores.",
     .recommendation = "Set loader_threads; train --auto measures which number is best.",
     .flags = DOGB_PROFILE_RULE_SPANS,
     .params = {{"min_threshold", 70, 70}, {"max_threshold", 200, 200}, {"patience", 10, 10}},
     .run = dogb_profile_rule_dataloader},
    {.name = "OverallSystemUsage",
     .summary = "Use of the system.",
     .recommendation = "",
     .flags = 0,
     .params = {{NULL, 0, 0}},
     .run = dogb_profile_rule_system},
    {.name = "OverallFrameworkMetrics",
     .summary = "Shares of the run.",
     .recommendation = "",
     .flags = DOGB_PROFILE_RULE_SPANS,
     .params = {{NULL, 0, 0}},
     .run = dogb_profile_rule_framework},
    {.name = "ProfilerReport",
     .summary = "Any of the rules.",
     .recommendation = "",
     .flags = 0,
     .params = {{NULL, 0, 0}},
     .run = dogb_profile_rule_report},
};
const size_t dogb_profile_rule_count = sizeof dogb_profile_rules / sizeof *dogb_profile_rules;

// --- judging

static int begin_call(dogb_profile_call *call, const dogb_profile_judging *judging) {
    for (int i = 0; i < DOGB_PROFILE_RULE_PARAMS; i++) {
        const dogb_profile_param *param = &call->rule->params[i];
        call->values[i] = judging->parity ? param->parity : param->value;
    }
    call->parity = judging->parity;
    return dogb_profile_rule_overrides(call->rule, call->values, judging->overrides);
}

static const char *status_of(const dogb_profile_call *call) {
    return call->reason != NULL  ? "NotEvaluated"
           : call->triggered > 0 ? "IssuesFound"
                                 : "NoIssuesFound";
}

// Parameters that play a part in this mode.
static void put_params(dogb_profile_call *call, json_t *result) {
    json_t *params = dogb_doc_object(&call->doc, result, "parameters");
    for (int i = 0; i < DOGB_PROFILE_RULE_PARAMS && call->rule->params[i].name != NULL; i++) {
        const char *name = call->rule->params[i].name;
        int ours = strncmp(name, "patience_", 9) == 0;
        int theirs = strcmp(name, "patience") == 0 &&
                     dogb_profile_rule_param(call->rule, "patience_seconds", 16) >= 0;
        if ((call->parity && ours) || (!call->parity && theirs)) {
            continue;
        }
        dogb_doc_real(&call->doc, params, name, call->values[i]);
    }
}

static void put_result(dogb_profile_call *call, json_t *result) {
    dogb_doc_text(&call->doc, result, "rule", call->rule->name);
    dogb_doc_text(&call->doc, result, "status", status_of(call));
    dogb_doc_text(&call->doc, result, "reason", call->reason == NULL ? "" : call->reason);
    dogb_doc_text(&call->doc, result, "summary", call->rule->summary);
    dogb_doc_text(&call->doc, result, "recommendation", call->rule->recommendation);
    dogb_doc_int(&call->doc, result, "triggered", call->triggered);
    dogb_doc_int(&call->doc, result, "violations", call->violations);
    dogb_doc_int(&call->doc, result, "datapoints", call->datapoints);
    put_params(call, result);
}

static int judge_one(json_t *results, const dogb_profile_rule *rule, const dogb_profile_data *data,
                     const dogb_profile_judging *judging, int64_t *fired) {
    dogb_profile_call call = {.data = data, .rule = rule, .fired_before = *fired};
    json_t *result = json_object();
    int rc = dogb_json_add(results, result);
    if (rc < 0 || (rc = begin_call(&call, judging)) < 0) {
        return rc;
    }
    call.details = dogb_doc_object(&call.doc, result, "details");
    call.own = dogb_doc_object(&call.doc, result, "own");
    if ((rule->flags & DOGB_PROFILE_RULE_OWN) != 0 && call.parity) {
        call.reason = "not_applicable";
    } else if ((rule->flags & DOGB_PROFILE_RULE_GPU) != 0 && data->gpus == 0) {
        call.reason = "no_gpu";
    } else if (call.doc.rc == DOGBREED_OK) {
        rc = rule->run(&call);
    }
    if (call.reason != NULL) { // a judgement needs all that it needs
        call.triggered = 0;
        call.violations = 0;
    }
    put_result(&call, result);
    *fired += call.triggered > 0;
    dogb_arena_free(&call.arena);
    return rc < 0 ? rc : call.doc.rc;
}

int dogb_profile_judge(json_t **out, dogb_arena *arena, const dogb_profile_data *data,
                       const dogb_profile_judging *judging) {
    int64_t fired = 0;
    *out = dogb_json_array(arena);
    int rc =
        *out == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_profile_judging_check(judging->overrides);
    for (size_t i = 0; rc == DOGBREED_OK && i < dogb_profile_rule_count; i++) {
        rc = judge_one(*out, &dogb_profile_rules[i], data, judging, &fired);
    }
    return rc;
}
