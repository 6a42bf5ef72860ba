// options.c - the options of a tuner: one row per field.
#include "tuner/tuner_internal.h"

typedef dogbreed_tuner_options o;

static const dogb_option rows[] = {
    DOGB_OPTION_UINT64(o, seed, "1", "", "Fixes the list of trials."),
    DOGB_OPTION_DOUBLE(o, time_limit, 0, 1e9, "0", "s",
                       "No round of trials begins behind this time; 0: no limit."),
    DOGB_OPTION_DOUBLE(o, target, -1e300, 1e300, "0", "",
                       "The study ends when a trial reaches this value; 0: none."),
    DOGB_OPTION_STRING(o, storage, "",
                       "Where the study is kept: a file's path or postgresql://user@host:port/db; "
                       "empty: in memory."),
    DOGB_OPTION_STRING(o, study, "study", "Name of the study in its storage."),
    DOGB_OPTION_INT32(o, trials, 1, 1000000, "10", "trials",
                      "Trials of the study, earlier ones included."),
    DOGB_OPTION_CHOICE(o, sampler, "random,grid,qmc,tpe,gp", "gp", "Who suggests the next trial."),
    DOGB_OPTION_INT32(o, startup, -1, 100000, "-1", "trials",
                      "Trials before tpe and gp look at results; -1: the sampler's default."),
    DOGB_OPTION_CHOICE(
        o, pruner, "none,auto,median,asha,hyperband", "asha",
        "Who ends trials early: asha halves as they go on, auto is SageMaker's rule."),
    DOGB_OPTION_CHOICE(o, objective, "val_accuracy,val_loss,val_top5,minimize,maximize",
                       "val_accuracy", "What trials are compared by."),
    DOGB_OPTION_INT32(o, kfold, 0, 20, "0", "folds",
                      "Each trial trains so often, on train and valid together without one fold, "
                      "and is judged on all folds; 0: train and valid as they are."),
    DOGB_OPTION_INT32(o, round, 0, 1024, "0", "trials",
                      "Trials that are suggested together; 0: a tenth of trials, 2 to 16."),
    DOGB_OPTION_INT32(o, workers, 1, 1024, "1", "processes",
                      "Programs that work on the study at the same time: each takes its share of "
                      "what is left of a round."),
    DOGB_OPTION_INT32(o, patience_trials, 0, 1000000, "0", "trials",
                      "Trials without an improvement of 1 % before the study ends; 0: never."),
    DOGB_OPTION_SWITCH(o, converge, "off",
                       "The study ends when gp expects less than 1 % of improvement."),
    DOGB_OPTION_STRING(o, trial_rules, "default",
                       "Rules that watch the epochs of each trial, as in rules of train; none: "
                       "nobody does."),
    DOGB_OPTION_SWITCH(o, rule_prune, "off", "A hit of these rules ends the trial as pruned."),
    DOGB_OPTION_INT64(o, bank_bytes_max, 0, 1LL << 50, "0", "bytes",
                      "Memory of the heads that train side by side, with all that they need; 0: "
                      "half of what is free on their device, between all workers."),
};

const dogb_table dogb_tuner_table = {
    .name = "tuner",
    .kind = DOGBREED_KIND_TUNER,
    .size = (uint32_t)sizeof(dogbreed_tuner_options),
    .options = rows,
    .count = (uint32_t)(sizeof rows / sizeof rows[0]),
};

int dogbreed_tuner_options_init(dogbreed_tuner_options *options, size_t struct_size) {
    return dogb_table_init(&dogb_tuner_table, options, struct_size);
}
