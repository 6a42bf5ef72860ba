// rule_pairs.c - see rule_pairs.h.
#include "debug/rule_pairs.h"

static int32_t class_of(float value) {
    return value >= 0 && value < (float)DOGB_RULE_CLASSES_MAX ? (int32_t)value : -1; // NaN: -1
}

// Where the largest score is; the lowest index wins ties.
static int32_t largest(const float *scores, size_t count) {
    size_t best = 0;
    for (size_t i = 1; i < count; i++) {
        best = scores[i] > scores[best] ? i : best;
    }
    return scores[best] == scores[best] && best < DOGB_RULE_CLASSES_MAX ? (int32_t)best : -1;
}

// 1: taken; 0: not, and that is noted; NO_MEMORY.
static int take(dogb_rule_classes *out, dogb_rule_run *run, const dogb_rule_tensor *t) {
    const float *values = NULL;
    size_t count = 0;
    int rc = dogb_rule_values(run, t, &values, &count);
    if (rc <= 0) {
        return rc;
    }
    size_t samples = t->rank == 0 ? 1 : (size_t)t->shape[0];
    size_t columns = count / samples;
    if (samples > out->capacity) {
        dogb_release(dogb_rule_arena(run), out->items);
        out->items = dogb_alloc_raw(dogb_rule_arena(run), samples, sizeof *out->items);
        out->capacity = out->items == NULL ? 0 : samples;
        if (out->items == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    for (size_t i = 0; i < samples; i++) {
        out->items[i] = columns > 1 ? largest(values + i * columns, columns) : class_of(values[i]);
    }
    out->count = samples;
    return 1;
}

int dogb_rule_pairs_see(dogb_rule_run *run, const dogb_rule_moment *m, const dogb_rule_tensor *t) {
    dogb_rule_pairs *pairs = run->state;
    if (!dogb_rule_judged(run, m)) {
        return 0;
    }
    int rc = take(run->group == DOGB_RULE_LABELS ? &pairs->labels : &pairs->predictions, run, t);
    return rc < 0 ? rc : 0;
}

int dogb_rule_pairs_labelled(dogb_rule_run *run) {
    const dogb_rule_pairs *pairs = run->state;
    return pairs->labels.count > 0        ? 1
           : pairs->predictions.count > 0 ? dogb_rule_skip(run, DOGB_SKIP_NO_LABELS)
                                          : 0;
}

void dogb_rule_pairs_forget(dogb_rule_run *run) {
    dogb_rule_pairs *pairs = run->state;
    pairs->labels.count = 0;
    pairs->predictions.count = 0;
}
