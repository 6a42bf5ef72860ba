// rule.h - the profiler's rules as one table over what a profile knows. Each has two modes: parity
// is the reference product as it is, its defects too; the other one is corrected.
#ifndef DOGB_PROFILE_RULE_H
#define DOGB_PROFILE_RULE_H

#include "profile/data.h"
#include "profile/doc.h"

enum { DOGB_PROFILE_RULE_PARAMS = 10, DOGB_PROFILE_RULES_MAX = 16 };
enum {
    DOGB_PROFILE_RULE_GPU = 1,  // not evaluated without a GPU
    DOGB_PROFILE_RULE_OWN = 2,  // the reference product has none like it
    DOGB_PROFILE_RULE_SPANS = 4 // judges phases; else samples alone
};

typedef struct dogb_profile_param {
    const char *name; // NULL: behind the last one
    double value;     // default
    double parity;    // default in parity mode
} dogb_profile_param;

struct dogb_profile_call;

typedef struct dogb_profile_rule {
    const char *name;
    const char *summary;
    const char *recommendation; // "" where nothing can be done
    uint32_t flags;             // DOGB_PROFILE_RULE_
    uint32_t reserved;
    dogb_profile_param params[DOGB_PROFILE_RULE_PARAMS];
    int (*run)(struct dogb_profile_call *call);
} dogb_profile_rule;

extern const dogb_profile_rule dogb_profile_rules[];
extern const size_t dogb_profile_rule_count;

// One rule at work, and what it found.
typedef struct dogb_profile_call {
    const dogb_profile_data *data;
    const dogb_profile_rule *rule;
    dogb_arena arena; // for the time of the call
    double values[DOGB_PROFILE_RULE_PARAMS];
    int32_t parity;
    dogb_doc doc;
    int64_t triggered;
    int64_t violations;
    int64_t datapoints;
    const char *reason;   // why it was not evaluated; NULL: it was
    json_t *details;      // object
    json_t *own;          // object: what the reference product does not have
    int64_t fired_before; // rules in front of this one that have fired
} dogb_profile_call;

// rule_call.c
double dogb_profile_rule_value(const dogb_profile_call *call, const char *param);

// Ends of prefixes of the samples at which a rule looks: each minute, and the end.
size_t dogb_profile_rule_scan(const dogb_profile_call *call,
                              size_t *row); // 0: that was the last one
// Whether `count` samples are enough to judge: parity: more than `patience`; else patience_seconds
// or patience_share of the run have passed, whichever is first.
int dogb_profile_rule_patient(const dogb_profile_call *call, size_t count);
// A quantile of the last `window` of `count` values.
double dogb_profile_rule_window(dogb_profile_call *call, const float *values, size_t count,
                                size_t window, double q);
// Minimum to maximum of a box plot: p25, p50, p75, p95, upper, lower.
void dogb_profile_rule_box(dogb_profile_call *call, json_t *object, const float *values,
                           size_t count);
// max, p99, p95, p50, min; nothing when no value is a number.
void dogb_profile_rule_quantiles(dogb_doc *doc, dogb_arena *arena, json_t *object,
                                 const float *values, size_t count);

// Distance of two histograms of the same bins: square root of the Jensen-Shannon divergence with
// natural logarithms. The counts need not be normalised; an empty one is as far as can be.
double dogb_profile_rule_distance(const double *a, const double *b, size_t bins);

// rule_param.c
int dogb_profile_rule_param(const dogb_profile_rule *rule, const char *name,
                            size_t length); // -1: none
// Takes the overrides of one rule into its values, and checks them all.
int dogb_profile_rule_overrides(const dogb_profile_rule *only, double *values, const char *text);

// rules_gpu.c, rules_pair.c, rules_time.c, rules_overall.c
int dogb_profile_rule_low_gpu(dogb_profile_call *call);
int dogb_profile_rule_gpu_never_used(dogb_profile_call *call);
int dogb_profile_rule_batch_size(dogb_profile_call *call);
int dogb_profile_rule_cpu_bottleneck(dogb_profile_call *call);
int dogb_profile_rule_io_bottleneck(dogb_profile_call *call);
int dogb_profile_rule_gpu_memory(dogb_profile_call *call);
int dogb_profile_rule_load_balancing(dogb_profile_call *call);
int dogb_profile_rule_initialisation(dogb_profile_call *call);
int dogb_profile_rule_step_outlier(dogb_profile_call *call);
int dogb_profile_rule_dataloader(dogb_profile_call *call);
int dogb_profile_rule_system(dogb_profile_call *call);
int dogb_profile_rule_framework(dogb_profile_call *call);
int dogb_profile_rule_report(dogb_profile_call *call);

typedef struct dogb_profile_judging {
    int32_t parity;
    int32_t reserved;
    const char *overrides; // "LowGPUUtilization:threshold_p95=50;StepOutlier:stddev=5"; "" none
} dogb_profile_judging;

// Checks overrides alone. INVALID_ARGUMENT names the rule or parameter, with the nearest one.
int dogb_profile_judging_check(const char *overrides);
// All rules: array of {"rule","status","reason","triggered","violations","datapoints",
// "parameters","details","summary","recommendation"}. The arena owns it.
int dogb_profile_judge(json_t **out, dogb_arena *arena, const dogb_profile_data *data,
                       const dogb_profile_judging *judging);
// One of them as the reference product's file has it.
int dogb_profile_rule_file(json_t **out, dogb_arena *arena, const json_t *result, const char *mode);

#endif
