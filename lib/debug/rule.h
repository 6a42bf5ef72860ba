// rule.h - rules judge a training by its tensors and its epochs. A set of rules is fed by whoever
// has them: a running training, a stored one, a test. It does not know where they come from, and
// nothing that happens to a rule reaches the training. A set belongs to one thread at a time.
#ifndef DOGB_DEBUG_RULE_H
#define DOGB_DEBUG_RULE_H

#include "core/arena.h"
#include "core/json.h"
#include "core/table.h"

#include <dogbreed/debug.h>

enum { DOGB_RULE_TENSOR_KINDS = DOGBREED_TENSOR_OPTIMIZER + 1 };
enum { DOGB_RULES_MAX = 64 }; // of a set

// Numbers of DOGBREED_MODE_ in <dogbreed/record.h>.
enum {
    DOGB_RULE_TRAIN = 1,
    DOGB_RULE_EVAL = 2,
    DOGB_RULE_PREDICT = 3,
    DOGB_RULE_GLOBAL = 4,
    DOGB_RULE_MODES = 5
};

// What an activation's node does.
enum {
    DOGB_RULE_OP_OTHER = 0,
    DOGB_RULE_OP_RELU = 1, // and its relatives that are 0 below 0: relu6
    DOGB_RULE_OP_TANH = 2,
    DOGB_RULE_OP_SIGMOID = 3
};

// A saved step.
typedef struct dogb_rule_moment {
    int32_t mode;            // DOGB_RULE_TRAIN ...
    int32_t epoch;           // from 0; -1: unknown
    int64_t step;            // over all modes
    int64_t mode_step;       // of this mode
    int64_t steps_per_epoch; // of this mode; 0: unknown
    double time;             // seconds, of a stored step (any clock); 0: unknown, or now
} dogb_rule_moment;

struct dogb_rule_source;

// A tensor at a saved step, borrowed for the call.
typedef struct dogb_rule_tensor {
    const char *name;  // "classifier.1.weight", "gradient/classifier.1.weight",
                       // "features.0.2_output_0", "CrossEntropyLoss_output_0"
    const char *node;  // of an activation: its graph node; else ""
    int32_t what;      // DOGBREED_TENSOR_
    int32_t op;        // of an activation: what its node does, DOGB_RULE_OP_
    int32_t is_input;  // of an activation: 1 goes into the node, 0 comes out of it
    int32_t trainable; // weight, gradient: is trained. Activation: of the nearest layer before it
    int32_t fresh;     // the same: drawn for this training, not pretrained
    int32_t rank;
    int64_t shape[4];
    int64_t samples; // loss: samples it is a mean over; 0: unknown
    const struct dogb_rule_source *source;
    int32_t index; // source's own
    int32_t reserved;
} dogb_rule_tensor;

// Values and statistics of tensors. Results are valid until the feeding call returns; several rules
// share one copy.
typedef struct dogb_rule_source {
    int (*values)(const float **out, size_t *count, const dogb_rule_tensor *t);
    int (*stats)(const dogbreed_tensor_stats **out, const dogb_rule_tensor *t);
    void *userdata;
} dogb_rule_source;

// Means over samples of a finished epoch; NaN: unknown.
typedef struct dogb_rule_epoch {
    int32_t epoch; // from 0
    int32_t reserved;
    int64_t step; // finished steps of the run
    double train_loss;
    double train_accuracy;
    double val_loss; // NaN without validation
    double val_accuracy;
    int64_t train_count; // samples
    int64_t val_count;
} dogb_rule_epoch;

// A new hit, borrowed for the call.
typedef struct dogb_rule_finding {
    const char *rule; // "Overfit"; "Overfit-2" is the second of that name
    const char *text; // what was found, one line
    const char *advice;
    const json_t *evidence; // object
    int64_t step;
    int32_t mode;
    int32_t epoch;
    int32_t first; // 1: this rule's first hit
    int32_t stop;  // 1: the rule asks that the training ends
} dogb_rule_finding;

typedef struct dogb_rules_conf {
    const char *text;   // "Overfit:patience=3;VanishingGradient"; see dogb_rules_create
    int32_t parity;     // 1: units, defaults and defects of the original
    int32_t live;       // 1: a running training: the clock counts
    int64_t first_step; // judged are steps [first_step, last_step]; earlier ones are looked back at
    int64_t last_step;  // 0: no end
    const char *const *classes; // names by label, borrowed while the set lives; NULL: numbers
    int32_t class_count;        // 0: unknown
    int32_t new_layers;         // weights that were drawn for this training; 0: unknown

    // All of these may be NULL and get `userdata`.
    void (*found)(const dogb_rule_finding *finding, void *userdata);
    // 1: t is in the collection, 0: it is not; t NULL: whether there is such a collection. Without:
    // the standard ones by name.
    int (*member)(const char *collection, const dogb_rule_tensor *t, void *userdata);
    // Values of a tensor of another run at a step of a mode; valid until the next call. NOT_FOUND:
    // it has none.
    int (*other)(const float **out, size_t *count, const char *run, const char *tensor,
                 int32_t mode, int64_t mode_step, void *userdata);
    // Ends a training that stands still. Called on a thread of the set's own.
    void (*stop)(void *userdata);
    void *userdata;
} dogb_rules_conf;

typedef struct dogb_rules dogb_rules;

// Rules by text, separated by ';': NAME or NAME:PARAMETER=VALUE,PARAMETER=VALUE. A value ends at a
// comma that NAME= follows, and may stand in ' or ". NAME may be "default" (all that need no
// parameter and are on by default), "all" (all that need no parameter), "none", or a file with
// rules (it has a '/' or ends in .so). A rule that is named replaces the one that came with a
// group. The set lives in the arena. INVALID_ARGUMENT, NO_MEMORY; IO and FORMAT of files with
// rules.
int dogb_rules_create(dogb_rules **out, dogb_arena *arena, const dogb_rules_conf *conf);

// A rule of the user's, before anything is fed; text: its parameters, or NULL.
int dogb_rules_custom(dogb_rules *set, const dogbreed_rule *rule, const char *text);

// Kinds of tensors that some rule wants, 1 << DOGBREED_TENSOR_. 0: epochs suffice.
uint32_t dogb_rules_sees(const dogb_rules *set);

// 1: some rule wants to see this tensor in this mode; its values need not be there. Rules that no
// tensor was offered to say so: offer all there will be, before the first step, and look at
// dogb_rules_get: NOT_EVALUATED.
int dogb_rules_wants(dogb_rules *set, int32_t mode, const dogb_rule_tensor *t);

// Feed the set: the tensors of a saved step, then the step; each epoch behind its last step. 0, or
// DOGBREED_STOP: a rule with stop_training has a hit. They never fail.
int dogb_rules_see(dogb_rules *set, const dogb_rule_moment *m, const dogb_rule_tensor *t);
int dogb_rules_step(dogb_rules *set, const dogb_rule_moment *m);
int dogb_rules_epoch(dogb_rules *set, const dogb_rule_epoch *e);
int dogb_rules_alive(dogb_rules *set); // nothing new, but the training moves (features, checkpoint)
int dogb_rules_end(dogb_rules *set);   // once; later calls do nothing

// Results, at any time.
typedef struct dogb_rule_result {
    const char *name;
    const struct dogb_rule *rule; // row of the table, or of the user's rule
    int32_t status;               // DOGBREED_RULE_
    int32_t reserved;
    const char *reason; // of NOT_EVALUATED and ERROR; else ""
    int64_t points;     // judged
    int64_t hits;
} dogb_rule_result;
int32_t dogb_rules_count(const dogb_rules *set);
void dogb_rules_get(dogb_rule_result *out, const dogb_rules *set, int32_t index);
const char *dogb_rule_status_name(int32_t status); // "IssuesFound"

// One object per rule, as in findings.json; and the original's object of one rule. NULL: no memory.
json_t *dogb_rules_json(const dogb_rules *set, dogb_arena *arena);
json_t *dogb_rules_report(const dogb_rules *set, int32_t index, dogb_arena *arena);

// Rows of the table, in the order of the documentation; NULL behind the last one.
const struct dogb_rule *dogb_rule_row(int32_t index);

// --- what a rule is made of

struct dogb_rule_run; // a rule at work

enum { DOGB_RULE_GROUPS = 4 };

// Tensors that a rule looks at: those of the collection or the regular expression that its
// parameters name, or, when neither is given, those that `natural` takes or `regex` matches.
typedef struct dogb_rule_group {
    uint32_t kinds;                            // 1 << DOGBREED_TENSOR_
    int (*natural)(const dogb_rule_tensor *t); // NULL: all of the kinds
    const char *regex_param;                   // NULL: there is no such parameter
    const char *collection_param;
} dogb_rule_group;

enum {
    DOGB_RULE_OFF = 1 // off by default
};

// What a rule does; each may be NULL.
typedef struct dogb_rule_calls {
    size_t state_size;
    size_t slot_size; // state of each tensor
    int (*begin)(struct dogb_rule_run *run);
    int (*see)(struct dogb_rule_run *run, const dogb_rule_moment *m, const dogb_rule_tensor *t);
    int (*step)(struct dogb_rule_run *run, const dogb_rule_moment *m);
    int (*epoch)(struct dogb_rule_run *run, const dogb_rule_epoch *e);
    int (*alive)(struct dogb_rule_run *run);
    int (*end)(struct dogb_rule_run *run);
} dogb_rule_calls;

typedef struct dogb_rule {
    const char *name;
    const char *summary; // one sentence
    const char *advice;  // names the option to change
    const dogb_table *params;
    const char *required; // one of these must be given: "max_threshold|min_threshold"; NULL: none
    const dogb_rule_calls *calls;
    uint32_t flags;
    uint32_t group_count;
    dogb_rule_group groups[DOGB_RULE_GROUPS]; // none: epochs alone
} dogb_rule;

#endif
