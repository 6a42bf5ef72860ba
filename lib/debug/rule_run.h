// rule_run.h - what a rule at work can use: its parameters, the tensor it is shown, and the ways to
// say what it found. A callback of a rule returns 0 or, when memory is out, the negative code.
#ifndef DOGB_DEBUG_RULE_RUN_H
#define DOGB_DEBUG_RULE_RUN_H

#include "debug/rule.h"
#include "debug/rule_params.h"

// Why something was not judged. Names are stable: "no_matching_tensor", ...
enum {
    DOGB_SKIP_NO_MATCH = 0,
    DOGB_SKIP_MODE = 1,    // mode_never_ran
    DOGB_SKIP_TOO_FEW = 2, // too_few_points
    DOGB_SKIP_FROZEN = 3,
    DOGB_SKIP_PRETRAINED = 4,
    DOGB_SKIP_NO_LABELS = 5,
    DOGB_SKIP_NO_GPU = 6,
    DOGB_SKIP_DISABLED = 7, // rule_disabled
    DOGB_SKIP_NOT_APPLICABLE = 8,
    DOGB_SKIP_NOT_FINITE = 9,
    DOGB_SKIP_UNREADABLE = 10, // the tensor could not be read
    DOGB_SKIP_NO_MEMORY = 11,
    DOGB_SKIPS = 12
};

enum { DOGB_RULE_HITS_KEPT = 20 }; // the first ones, and the last

typedef struct dogb_rule_chosen dogb_rule_chosen; // rule_choose.c: a group's parameters, compiled

typedef struct dogb_rule_run {
    const dogb_rule *rule;
    dogb_rules *set;
    const char *name; // "Overfit", "Overfit-2"
    void *params;     // the rule's struct of rule_params.h
    uint64_t given;   // rows of params that the text sets
    void *state;      // state_size bytes
    const dogbreed_rule *custom;
    const dogb_rule_chosen *chosen[DOGB_RULE_GROUPS];
    uint32_t sees;
    int32_t grouped; // came with "default" or "all"
    int32_t group;   // see: of the tensor
    int32_t done;    // is not called any more
    int32_t stopped; // at its first hit
    int32_t failed;  // a custom rule: its result
    void *slot;      // see: state of the tensor, slot_size bytes

    int64_t points;
    int64_t hits;
    int64_t skipped[DOGB_SKIPS];
    json_t *kept;        // array of the first hits
    json_t *last;        // the newest hit
    json_t *evidence;    // of the run as a whole
    int32_t pending;     // last has not been told yet
    int32_t muted;       // evidence of a hit behind the last one that counts
    const char *message; // of a custom rule that failed
} dogb_rule_run;

// Whether the text sets this parameter.
int dogb_rule_given(const dogb_rule_run *run, const char *param);
int dogb_rule_parity(const dogb_rule_run *run);
dogb_arena *dogb_rule_arena(dogb_rule_run *run);
const dogb_rules_conf *dogb_rule_conf(const dogb_rule_run *run);

// 0: the step lies before or behind those that are judged; it may be remembered.
int dogb_rule_judged(const dogb_rule_run *run, const dogb_rule_moment *m);

int64_t dogb_rule_elements(const dogb_rule_tensor *t);

// 1: there they are. 0: they are not (empty, unreadable), and that is noted. NO_MEMORY.
int dogb_rule_values(dogb_rule_run *run, const dogb_rule_tensor *t, const float **out,
                     size_t *count);
int dogb_rule_stats(dogb_rule_run *run, const dogb_rule_tensor *t,
                    const dogbreed_tensor_stats **out);

// One more thing was judged.
void dogb_rule_point(dogb_rule_run *run);
// One was not. Returns 0.
int dogb_rule_skip(dogb_rule_run *run, int32_t reason);

// Something is wrong. Evidence belongs to the newest hit; without one, to the run as a whole.
int dogb_rule_hit(dogb_rule_run *run, const dogb_rule_moment *m, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int dogb_rule_evidence(dogb_rule_run *run, const char *key, double value);
int dogb_rule_evidence_text(dogb_rule_run *run, const char *key, const char *value);
int dogb_rule_evidence_json(dogb_rule_run *run, const char *key, json_t *value); // takes it
// A hit about a tensor, with two numbers: what was found and what it was compared with.
int dogb_rule_tensor_hit(dogb_rule_run *run, const dogb_rule_moment *m, const dogb_rule_tensor *t,
                         const char *what, double value, const char *limit, double threshold);

// Of the set: tells the newest hit, notes what a callback returned.
void dogb_rule_settle(dogb_rule_run *run, int rc);

// "affenpinscher" or "12".
const char *dogb_rule_class(const dogb_rule_run *run, int64_t label, char buffer[24]);

// numpy.allclose(a, b). *worst: index of the largest difference.
int dogb_rule_close(const float *a, const float *b, size_t count, double rtol, double atol,
                    int equal_nan, size_t *worst);

int dogb_rule_is_loss(const dogb_rule_tensor *t);
int dogb_rule_is_weight(const dogb_rule_tensor *t); // of a weight or gradient: has two axes or more

// rule_choose.c
int dogb_rule_choose(dogb_rule_run *run); // compiles the groups, narrows run->sees
void dogb_rule_drop_group(dogb_rule_run *run, int32_t index); // takes no tensor any more
int dogb_rule_group_of(const dogb_rule_run *run, const dogb_rule_tensor *t); // -1: none
int dogb_rule_list(const char ***out, size_t *count, dogb_arena *arena, const char *text);

// rule_report.c
const char *dogb_rule_reason(const dogb_rule_run *run); // of a run without points
int32_t dogb_rule_status(const dogb_rule_run *run);

// rule_custom.c: all rules of a shared object
int dogb_rule_custom_file(dogb_rules *set, const char *path, const char *params);

// rule_text.c: the next rule of a text, its name and the text of its parameters, both in the arena;
// NULL name: none is left. *text moves behind it.
int dogb_rule_text_next(char **name, char **params, const char **text, dogb_arena *arena);
// Sets the parameters of a table's struct. given: rows that were set.
int dogb_rule_text_params(uint64_t *given, void *out, const char *rule, const dogb_table *table,
                          const char *text, dogb_arena *arena);
// INVALID_ARGUMENT, with the nearest of the names.
int dogb_rule_text_unknown(const char *name, const char *const *names, size_t count);

// Every row of the table.
extern const dogb_rule dogb_rule_rows[];
extern const int32_t dogb_rule_row_count;

#endif
