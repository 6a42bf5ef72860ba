// rule_run.c - what a rule at work can use: parameters, values, hits and their evidence.
#include "debug/rule_set_struct.h"

#include "core/error.h"
#include "core/log.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

int dogb_rule_given(const dogb_rule_run *run, const char *param) {
    const dogb_option *option = dogb_table_find(run->rule->params, param);
    return option != NULL && (run->given >> (option - run->rule->params->options) & 1) != 0;
}

int dogb_rule_parity(const dogb_rule_run *run) {
    const dogb_rule_common *common = run->params;
    return common->parity;
}

dogb_arena *dogb_rule_arena(dogb_rule_run *run) {
    return run->set->arena;
}

const dogb_rules_conf *dogb_rule_conf(const dogb_rule_run *run) {
    return &run->set->conf;
}

int dogb_rule_judged(const dogb_rule_run *run, const dogb_rule_moment *m) {
    const dogb_rules_conf *conf = &run->set->conf;
    return m->step >= conf->first_step && (conf->last_step == 0 || m->step <= conf->last_step);
}

int64_t dogb_rule_elements(const dogb_rule_tensor *t) {
    int64_t count = 1;
    for (int32_t i = 0; i < t->rank && i < 4; i++) {
        count *= t->shape[i];
    }
    return count;
}

// --- tensors

// What a source returned: 1 there it is, 0 it is not, NO_MEMORY.
static int read(dogb_rule_run *run, int rc) {
    if (rc == DOGBREED_ERROR_NO_MEMORY) {
        return rc;
    }
    return rc < 0 ? dogb_rule_skip(run, DOGB_SKIP_UNREADABLE) : 1;
}

int dogb_rule_values(dogb_rule_run *run, const dogb_rule_tensor *t, const float **out,
                     size_t *count) {
    if (dogb_rule_elements(t) <= 0) {
        return dogb_rule_skip(run, DOGB_SKIP_NOT_APPLICABLE);
    }
    return read(run, t->source->values(out, count, t));
}

int dogb_rule_stats(dogb_rule_run *run, const dogb_rule_tensor *t,
                    const dogbreed_tensor_stats **out) {
    if (dogb_rule_elements(t) <= 0) {
        return dogb_rule_skip(run, DOGB_SKIP_NOT_APPLICABLE);
    }
    return read(run, t->source->stats(out, t));
}

// --- points

void dogb_rule_point(dogb_rule_run *run) {
    run->points++;
}

int dogb_rule_skip(dogb_rule_run *run, int32_t reason) {
    run->skipped[reason]++;
    return 0;
}

// --- hits

static int remember(dogb_rule_run *run) {
    return run->hits <= DOGB_RULE_HITS_KEPT ? dogb_json_add(run->kept, json_incref(run->last)) : 0;
}

static const char *const mode_names[DOGB_RULE_MODES] = {"", "TRAIN", "EVAL", "PREDICT", "GLOBAL"};

static int make_hit(dogb_rule_run *run, const dogb_rule_moment *m, const char *text) {
    int32_t mode = m->mode > 0 && m->mode < DOGB_RULE_MODES ? m->mode : DOGB_RULE_GLOBAL;
    run->last = json_object();
    if (run->last == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = dogb_json_set_int(run->last, "step", m->step);
    rc = rc < 0 ? rc : dogb_json_set_text(run->last, "mode", mode_names[mode]);
    if (rc == DOGBREED_OK) {
        rc = m->epoch < 0 ? dogb_json_set(run->last, "epoch", json_null())
                          : dogb_json_set_int(run->last, "epoch", m->epoch);
    }
    rc = rc < 0 ? rc : dogb_json_set_text(run->last, "text", text);
    rc = rc < 0 ? rc : dogb_json_set(run->last, "evidence", json_object());
    return rc < 0 ? rc : remember(run);
}

int dogb_rule_hit(dogb_rule_run *run, const dogb_rule_moment *m, const char *format, ...) {
    char text[512];
    va_list arguments;
    dogb_rule_settle(run, DOGBREED_OK); // of the hit before
    run->muted = run->stopped;
    if (run->muted) {
        return DOGBREED_OK;
    }
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    json_decref(run->last);
    run->last = NULL;
    run->hits++;
    int rc = make_hit(run, m, text);
    run->pending = rc == DOGBREED_OK;
    return rc;
}

int dogb_rule_evidence_json(dogb_rule_run *run, const char *key, json_t *value) {
    if (run->muted) {
        json_decref(value);
        return DOGBREED_OK;
    }
    json_t *object = run->pending ? json_object_get(run->last, "evidence") : run->evidence;
    return dogb_json_set(object, key, value);
}

int dogb_rule_evidence(dogb_rule_run *run, const char *key, double value) {
    return dogb_rule_evidence_json(run, key, dogb_json_real(value));
}

int dogb_rule_evidence_text(dogb_rule_run *run, const char *key, const char *value) {
    return dogb_rule_evidence_json(run, key, dogb_json_text(value));
}

int dogb_rule_tensor_hit(dogb_rule_run *run, const dogb_rule_moment *m, const dogb_rule_tensor *t,
                         const char *what, double value, const char *limit, double threshold) {
    int rc =
        dogb_rule_hit(run, m, "%s: %s is %.4g, %s is %.4g", t->name, what, value, limit, threshold);
    rc = rc < 0 ? rc : dogb_rule_evidence_text(run, "tensor", t->name);
    rc = rc < 0 ? rc : dogb_rule_evidence(run, "value", value);
    return rc < 0 ? rc : dogb_rule_evidence(run, limit, threshold);
}

// --- after each callback

static void tell(dogb_rule_run *run) {
    const dogb_rule_common *common = run->params;
    const dogb_rules_conf *conf = &run->set->conf;
    json_t *hit = run->last;
    run->pending = 0;
    run->done |= common->stop_at_first_hit;
    run->stopped |= common->stop_at_first_hit;
    run->set->stop |= common->stop_training;
    if (conf->found != NULL && hit != NULL) {
        const json_t *epoch = json_object_get(hit, "epoch");
        const char *mode = json_string_value(json_object_get(hit, "mode"));
        dogb_rule_finding finding = {
            .rule = run->name,
            .text = json_string_value(json_object_get(hit, "text")),
            .advice = run->rule->advice,
            .evidence = json_object_get(hit, "evidence"),
            .step = json_integer_value(json_object_get(hit, "step")),
            .mode = DOGB_RULE_GLOBAL,
            .epoch = json_is_integer(epoch) ? (int32_t)json_integer_value(epoch) : -1,
            .first = run->hits == 1,
            .stop = common->stop_training,
        };
        for (int32_t i = 1; mode != NULL && i < DOGB_RULE_MODES; i++) {
            finding.mode = strcmp(mode, mode_names[i]) == 0 ? i : finding.mode;
        }
        conf->found(&finding, conf->userdata);
    }
}

void dogb_rule_settle(dogb_rule_run *run, int rc) {
    if (run->pending) {
        tell(run);
    }
    if (rc < 0 && run->custom == NULL) {
        run->done = 1;
        (void)dogb_rule_skip(run, DOGB_SKIP_NO_MEMORY);
        dogb_log(DOGBREED_LOG_WARNING, "rule %s: %s; it judges no more", run->name,
                 dogbreed_error_message());
    }
}

// --- what several rules need

const char *dogb_rule_class(const dogb_rule_run *run, int64_t label, char buffer[24]) {
    const dogb_rules_conf *conf = &run->set->conf;
    if (conf->classes != NULL && label >= 0 && label < conf->class_count) {
        return conf->classes[label];
    }
    (void)snprintf(buffer, 24, "%lld", (long long)label);
    return buffer;
}

// NaN differs from everything but, on request, NaN; infinities equal themselves.
static int close_enough(double a, double b, double rtol, double atol, int equal_nan) {
    if (isnan(a) || isnan(b)) {
        return equal_nan && isnan(a) && isnan(b);
    }
    return a == b || (isfinite(b) && fabs(a - b) <= atol + rtol * fabs(b));
}

int dogb_rule_close(const float *a, const float *b, size_t count, double rtol, double atol,
                    int equal_nan, size_t *worst) {
    double largest = -1;
    int close = 1;
    for (size_t i = 0; i < count; i++) {
        if (!close_enough((double)a[i], (double)b[i], rtol, atol, equal_nan)) {
            double distance = fabs((double)a[i] - (double)b[i]);
            close = 0;
            if (!(distance <= largest)) { // NaN is the largest
                largest = isnan(distance) ? (double)INFINITY : distance;
                *worst = i;
            }
        }
    }
    return close;
}
