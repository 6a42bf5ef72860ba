// rule_test.h - feeds a set of rules with tensors made of a test's own values.
#ifndef DOGB_TEST_RULE_H
#define DOGB_TEST_RULE_H

#include "out_of_memory.h"

#include "core/stats.h"
#include "debug/rule.h"

#include <math.h>

// A set, and what it has found.
typedef struct feed {
    dogb_arena arena;
    dogb_rules *set;
    int found;
    int64_t first_step; // of the first hit; -1: none
    int64_t last_step;
    char first_text[512];
    char last_text[512];
    int stops;   // findings that ask for the end
    int refuses; // the source fails with this code
} feed;

static inline void note_finding(const dogb_rule_finding *finding, void *userdata) {
    feed *f = userdata;
    if (f->found++ == 0) {
        f->first_step = finding->step;
        (void)snprintf(f->first_text, sizeof f->first_text, "%s", finding->text);
    }
    f->last_step = finding->step;
    f->stops += finding->stop;
    (void)snprintf(f->last_text, sizeof f->last_text, "%s", finding->text);
}

static inline int feed_create(feed *f, dogb_rules_conf conf) {
    memset(f, 0, sizeof *f);
    f->first_step = -1;
    f->last_step = -1;
    conf.found = note_finding;
    conf.userdata = f;
    return dogb_rules_create(&f->set, &f->arena, &conf);
}

static inline void feed_open(feed *f, const char *text) {
    assert_ok(feed_create(f, (dogb_rules_conf){.text = text}));
}

// Of no rule more is wrong than was judged.
static inline void feed_close(feed *f) {
    for (int32_t i = 0; f->set != NULL && i < dogb_rules_count(f->set); i++) {
        dogb_rule_result result;
        dogb_rules_get(&result, f->set, i);
        assert_true(result.hits <= result.points);
    }
    dogb_arena_free(&f->arena);
}

// --- tensors

typedef struct held {
    const feed *f;
    const float *values;
    size_t count;
    dogbreed_tensor_stats stats;
} held;

static inline int held_values(const float **out, size_t *count, const dogb_rule_tensor *t) {
    const held *h = t->source->userdata;
    *out = h->values;
    *count = h->count;
    return h->f->refuses;
}

static inline int held_stats(const dogbreed_tensor_stats **out, const dogb_rule_tensor *t) {
    held *h = t->source->userdata;
    dogb_stats(&h->stats, h->values, h->count);
    *out = &h->stats;
    return h->f->refuses;
}

static inline dogb_rule_moment at(int32_t mode, int64_t step) {
    return (dogb_rule_moment){.mode = mode, .epoch = -1, .step = step, .mode_step = step};
}

// Shows a tensor whose values are given; its shape decides how many.
static inline int see(feed *f, const dogb_rule_moment *m, dogb_rule_tensor t, const float *values) {
    held h = {.f = f, .values = values, .count = 1};
    for (int32_t i = 0; i < t.rank; i++) {
        h.count *= (size_t)t.shape[i];
    }
    const dogb_rule_source source = {held_values, held_stats, &h};
    t.source = &source;
    t.node = t.node == NULL ? "" : t.node;
    return dogb_rules_see(f->set, m, &t);
}

// A vector of a kind, trained and new.
static inline dogb_rule_tensor vector_of(int32_t what, const char *name, int64_t count) {
    return (dogb_rule_tensor){
        .name = name, .what = what, .trainable = 1, .fresh = 1, .rank = 1, .shape = {count}};
}

static inline dogb_rule_tensor matrix_of(int32_t what, const char *name, int64_t rows,
                                         int64_t columns) {
    dogb_rule_tensor t = vector_of(what, name, rows);
    t.rank = 2;
    t.shape[1] = columns;
    return t;
}

// A saved step with one tensor.
static inline void step_with(feed *f, int32_t mode, int64_t step, dogb_rule_tensor t,
                             const float *values) {
    const dogb_rule_moment m = at(mode, step);
    (void)see(f, &m, t, values);
    (void)dogb_rules_step(f->set, &m);
}

static inline void step_with_loss(feed *f, int32_t mode, int64_t step, double loss) {
    const float value = (float)loss;
    step_with(f, mode, step,
              (dogb_rule_tensor){.name = "CrossEntropyLoss_output_0",
                                 .what = DOGBREED_TENSOR_SCALAR,
                                 .rank = 0,
                                 .samples = 32},
              &value);
}

static inline void epoch_with(feed *f, int32_t epoch, double train, double validation) {
    const dogb_rule_epoch e = {.epoch = epoch,
                               .step = 10 * (epoch + 1),
                               .train_loss = train,
                               .train_accuracy = 0.5,
                               .val_loss = validation,
                               .val_accuracy = 0.5,
                               .train_count = 320,
                               .val_count = isnan(validation) ? 0 : 80};
    (void)dogb_rules_epoch(f->set, &e);
}

// --- results

static inline dogb_rule_result result_of(const feed *f, int32_t index) {
    dogb_rule_result result;
    dogb_rules_get(&result, f->set, index);
    return result;
}

#define assert_status(f, expected, why)                                                            \
    do {                                                                                           \
        (void)dogb_rules_end((f)->set);                                                            \
        dogb_rule_result assert_status_result = result_of((f), 0);                                 \
        if (assert_status_result.status != (expected) ||                                           \
            strcmp(assert_status_result.reason, (why)) != 0) {                                     \
            fail_msg("%s: expected %s \"%s\", got %s \"%s\": %s", assert_status_result.name,       \
                     dogb_rule_status_name(expected), (why),                                       \
                     dogb_rule_status_name(assert_status_result.status),                           \
                     assert_status_result.reason, (f)->first_text);                                \
        }                                                                                          \
    } while (0)

#endif
