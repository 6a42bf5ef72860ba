// rules_overall.c - what never fires: use of the system, shares of the run; and the report over all
// rules.
#include "profile/rule.h"

#include "core/error.h"

#include <string.h>

// One series of several devices: their mean, as the reference product has it.
static void put_system(dogb_profile_call *call, const char *name, const char *type,
                       const char *dimension) {
    const dogb_series_set *set = &call->data->series;
    size_t count = 0;
    const dogb_series *const *columns =
        dogb_series_all(&call->doc.rc, &call->arena, set, type, dimension, &count);
    const float *mean = dogb_series_mean(&call->doc.rc, &call->arena, set, columns, count);
    json_t *metric = dogb_doc_object(&call->doc, call->details, name);
    if (mean != NULL && set->count > 0) {
        dogb_profile_rule_quantiles(&call->doc, &call->arena,
                                    dogb_doc_object(&call->doc, metric, "algo-1"), mean,
                                    set->count);
    }
}

int dogb_profile_rule_system(dogb_profile_call *call) {
    static const struct {
        const char *name;
        const char *type;
        const char *dimension;
    } metrics[] = {
        {"Network", "network", "Algorithm"},
        {"GPU", "gpu", "GPUUtilization"},
        {"CPU", "cpu", "CPUUtilization"},
        {"CPU memory", "memory", "memory"},
        {"GPU memory", "gpu", "GPUMemoryUtilization"},
        {"I/O", "cpu", "I/OWaitPercentage"},
    };
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        put_system(call, metrics[i].name, metrics[i].type, metrics[i].dimension);
    }
    call->datapoints = (int64_t)call->data->series.count;
    call->reason = call->datapoints > 0 ? NULL : "too_few_points";
    return DOGBREED_OK;
}

static void put_share(dogb_profile_call *call, json_t *object, const char *key, double ns,
                      double all) {
    dogb_doc_real(&call->doc, object, key, all > 0.0 ? 100.0 * ns / all : 0.0);
}

static void put_modes(dogb_profile_call *call) {
    const dogb_account *account = &call->data->account;
    int64_t modes[DOGB_SHARES];
    json_t *phase = dogb_doc_object(&call->doc, call->details, "phase");
    dogb_account_modes(account, modes);
    double others = (double)modes[DOGB_SHARE_OTHERS];
    double all = (double)dogb_account_total(account);
    if (call->parity) { // its own last value is part of it; it can be negative
        others = account->mode_others;
        all = (double)modes[DOGB_SHARE_TRAIN] + (double)modes[DOGB_SHARE_EVAL] + others;
    }
    put_share(call, phase, "TRAIN", (double)modes[DOGB_SHARE_TRAIN], all);
    put_share(call, phase, "EVAL", (double)modes[DOGB_SHARE_EVAL], all);
    put_share(call, phase, "others", others, all);
}

// Time of layers by kind of node; those of 2 % at most are left out.
static void put_operators(dogb_profile_call *call) {
    const dogb_profile_data *data = call->data;
    json_t *shares = dogb_doc_object(&call->doc, call->details, "CPU");
    json_t *totals = dogb_doc_object(&call->doc, call->details, "CPU_total");
    double all = 0.0;
    for (size_t i = 0; i < data->account.layer_count; i++) {
        all += (double)data->account.layers[i].ns[0] + (double)data->account.layers[i].ns[1];
    }
    for (size_t i = 0; i < data->account.layer_count && i < data->label_count; i++) {
        const char *op = data->labels[i].op;
        double ns = 0.0;
        if (json_object_get(totals, op) != NULL) {
            continue;
        }
        for (size_t k = i; k < data->account.layer_count && k < data->label_count; k++) {
            if (strcmp(data->labels[k].op, op) == 0) {
                ns += (double)data->account.layers[k].ns[0] + (double)data->account.layers[k].ns[1];
            }
        }
        dogb_doc_real(&call->doc, totals, op, ns * 1e-3);
        if (ns > 0.02 * all) {
            put_share(call, shares, op, ns, all);
        }
    }
    (void)dogb_doc_object(&call->doc, call->details, "GPU");
    (void)dogb_doc_object(&call->doc, call->details, "GPU_total");
}

int dogb_profile_rule_framework(dogb_profile_call *call) {
    const dogb_account *account = &call->data->account;
    static const struct {
        const char *name;
        int32_t kind;
    } general[] = {
        {"DataLoaderIter", DOGB_SPAN_WAIT},
        {"Copy", DOGB_SPAN_COPY},
        {"Loss", DOGB_SPAN_LOSS},
        {"Optimizer", DOGB_SPAN_OPTIMIZER},
        {"Checkpoint", DOGB_SPAN_CHECKPOINT},
    };
    double forward = (double)account->ns[DOGB_CONTEXT_STEP][DOGB_SPAN_FORWARD];
    double backward = (double)account->ns[DOGB_CONTEXT_STEP][DOGB_SPAN_BACKWARD];
    double all = (double)dogb_account_total(account);
    put_modes(call);
    json_t *both = dogb_doc_object(&call->doc, call->details, "forward_backward");
    put_share(call, both, "Forward", forward, forward + backward);
    put_share(call, both, "Backward(post-forward)", backward, forward + backward);
    put_operators(call);
    json_t *ratio = dogb_doc_object(&call->doc, call->details, "ratio");
    if (account->layer_count > 0) {
        dogb_doc_real(&call->doc, ratio, "CPU", 100.0);
        dogb_doc_real(&call->doc, ratio, "GPU", 0.0);
    }
    json_t *others = dogb_doc_object(&call->doc, call->details, "general");
    for (size_t i = 0; i < sizeof general / sizeof *general; i++) {
        put_share(call, others, general[i].name,
                  (double)dogb_account_kind(account, general[i].kind), all);
    }
    (void)dogb_doc_object(&call->doc, call->details, "horovod");
    call->datapoints = account->steps.all;
    call->reason = account->begin != 0 ? NULL : "too_few_points";
    return DOGBREED_OK;
}

int dogb_profile_rule_report(dogb_profile_call *call) {
    call->datapoints = (int64_t)dogb_profile_rule_count - 1;
    call->violations = call->fired_before;
    call->triggered = call->fired_before > 0;
    return DOGBREED_OK;
}
