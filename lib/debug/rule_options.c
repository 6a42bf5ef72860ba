// rule_options.c - the parameters of the rules: names, defaults, bounds, units.
#include "debug/rule_params.h"

#include <math.h>

#define INF ((double)INFINITY)

#define CHOICE_ROWS(s)                                                                             \
    DOGB_OPTION_STRING(s, collection_names, "",                                                    \
                       "Collections of tensors to look at, separated by commas."),                 \
        DOGB_OPTION_STRING(s, tensor_regex, "",                                                    \
                           "Regular expressions of names of tensors to look at, POSIX extended, "  \
                           "separated by commas.")
#define UNIT_ROW(s)                                                                                \
    DOGB_OPTION_CHOICE(s, unit, "evaluations,steps", "evaluations",                                \
                       "What is counted: means of epochs, or saved steps; steps with parity.")
#define TABLE(label, s, rows)                                                                      \
    { .name = label, .size = sizeof(s), .options = rows, .count = sizeof(rows) / sizeof(rows)[0] }

static const dogb_option vanishing_rows[] = {
    DOGB_RULE_COMMON_ROWS,
    DOGB_OPTION_DOUBLE(dogb_vanishing_params, threshold, 0, INF, "1e-7", "",
                       "A gradient whose mean of absolute values is below it has vanished."),
};
const dogb_table dogb_vanishing_table =
    TABLE("VanishingGradient", dogb_vanishing_params, vanishing_rows);

static const dogb_option exploding_rows[] = {
    DOGB_RULE_COMMON_ROWS,
    CHOICE_ROWS(dogb_exploding_params),
    DOGB_OPTION_SWITCH(dogb_exploding_params, only_nan, "off", "Infinity is no hit."),
};
const dogb_table dogb_exploding_table =
    TABLE("ExplodingTensor", dogb_exploding_params, exploding_rows);

static const dogb_option dead_relu_rows[] = {
    DOGB_RULE_COMMON_ROWS,
    DOGB_OPTION_STRING(dogb_dead_relu_params, tensor_regex, ".*relu_output",
                       "Names of what comes out of ReLUs; those of networks here match anyway."),
    DOGB_OPTION_DOUBLE(dogb_dead_relu_params, threshold_inactivity, 0, 100, "1.0", "%",
                       "A unit that is active for fewer samples is dead."),
    DOGB_OPTION_DOUBLE(dogb_dead_relu_params, threshold_layer, 0, 100, "50.0", "%",
                       "A layer with more dead units is a hit."),
};
const dogb_table dogb_dead_relu_table = TABLE("DeadRelu", dogb_dead_relu_params, dead_relu_rows);

static const dogb_option saturated_rows[] = {
    DOGB_RULE_COMMON_ROWS,
    DOGB_OPTION_STRING(dogb_saturated_params, tensor_regex, ".*tanh_input|.*sigmoid_input",
                       "Names of what goes into tanh and sigmoid; those of networks here match "
                       "anyway."),
    DOGB_OPTION_DOUBLE(dogb_saturated_params, threshold_tanh_min, -INF, INF, "-9.4999", "",
                       "Below it tanh is saturated."),
    DOGB_OPTION_DOUBLE(dogb_saturated_params, threshold_tanh_max, -INF, INF, "9.4999", "",
                       "Above it tanh is saturated."),
    DOGB_OPTION_DOUBLE(dogb_saturated_params, threshold_sigmoid_min, -INF, INF, "-23", "",
                       "Below it the sigmoid is saturated."),
    DOGB_OPTION_DOUBLE(dogb_saturated_params, threshold_sigmoid_max, -INF, INF, "16.99999", "",
                       "Above it the sigmoid is saturated."),
    DOGB_OPTION_DOUBLE(dogb_saturated_params, threshold_inactivity, 0, 100, "1.0", "%",
                       "A unit that is not saturated for fewer samples is saturated."),
    DOGB_OPTION_DOUBLE(dogb_saturated_params, threshold_layer, 0, 100, "50.0", "%",
                       "A layer with more saturated units is a hit."),
};
const dogb_table dogb_saturated_table =
    TABLE("SaturatedActivation", dogb_saturated_params, saturated_rows);

static const dogb_option poor_rows[] = {
    DOGB_RULE_COMMON_ROWS,
    DOGB_OPTION_STRING(dogb_poor_params, activation_inputs_regex, ".*relu_input",
                       "Names of what goes into ReLUs; those of networks here match anyway."),
    DOGB_OPTION_DOUBLE(dogb_poor_params, threshold, 0, INF, "10.0", "",
                       "Largest ratio between the variances of two layers' activation inputs."),
    DOGB_OPTION_DOUBLE(dogb_poor_params, distribution_range, 0, INF, "0.001", "",
                       "Smallest distance of the 5th and the 95th percentile of a gradient."),
    DOGB_OPTION_INT64(dogb_poor_params, patience, 1, 1e9, "5", "saved steps",
                      "Saved steps without a new lowest loss."),
    DOGB_OPTION_INT64(dogb_poor_params, steps, 1, 1e9, "10", "saved steps",
                      "How many saved steps are looked at."),
};
const dogb_table dogb_poor_table = TABLE("PoorWeightInitialization", dogb_poor_params, poor_rows);

static const dogb_option update_rows[] = {
    DOGB_RULE_COMMON_ROWS,
    DOGB_OPTION_INT64(dogb_update_params, num_steps, 0, 1e12, "0", "steps",
                      "Steps between the two values at least; 0: the saved step before."),
    DOGB_OPTION_DOUBLE(dogb_update_params, large_threshold, 0, INF, "10.0", "",
                       "A larger ratio of update to weight is a hit."),
    DOGB_OPTION_DOUBLE(dogb_update_params, small_threshold, 0, INF, "1e-8", "",
                       "A smaller ratio of update to weight is a hit."),
    DOGB_OPTION_DOUBLE(dogb_update_params, epsilon, 0, INF, "1e-9", "", "Added to the divisor."),
};
const dogb_table dogb_update_table = TABLE("WeightUpdateRatio", dogb_update_params, update_rows);

static const dogb_option variance_rows[] = {
    DOGB_RULE_COMMON_ROWS,
    CHOICE_ROWS(dogb_variance_params),
    DOGB_OPTION_DOUBLE(dogb_variance_params, max_threshold, -INF, INF, "inf", "",
                       "A larger variance is a hit."),
    DOGB_OPTION_DOUBLE(dogb_variance_params, min_threshold, -INF, INF, "-inf", "",
                       "A smaller variance is a hit."),
};
const dogb_table dogb_variance_table = TABLE("TensorVariance", dogb_variance_params, variance_rows);

static const dogb_option unchanged_rows[] = {
    DOGB_RULE_COMMON_ROWS,
    CHOICE_ROWS(dogb_unchanged_params),
    DOGB_OPTION_INT64(dogb_unchanged_params, num_steps, 2, 1e9, "3", "saved steps",
                      "Saved steps in a row that are compared."),
    DOGB_OPTION_DOUBLE(dogb_unchanged_params, rtol, 0, INF, "1e-5", "",
                       "Relative tolerance, as in numpy.allclose."),
    DOGB_OPTION_DOUBLE(dogb_unchanged_params, atol, 0, INF, "1e-8", "",
                       "Absolute tolerance, as in numpy.allclose."),
    DOGB_OPTION_SWITCH(dogb_unchanged_params, equal_nan, "off", "NaN equals NaN."),
};
const dogb_table dogb_unchanged_table =
    TABLE("UnchangedTensor", dogb_unchanged_params, unchanged_rows);

static const dogb_option all_zero_rows[] = {
    DOGB_RULE_COMMON_ROWS,
    CHOICE_ROWS(dogb_all_zero_params),
    DOGB_OPTION_DOUBLE(dogb_all_zero_params, threshold, 0, 100, "100", "%",
                       "This share of zeros, or more, is a hit."),
};
const dogb_table dogb_all_zero_table = TABLE("AllZero", dogb_all_zero_params, all_zero_rows);

static const dogb_option imbalance_rows[] = {
    DOGB_RULE_COMMON_ROWS,
    DOGB_OPTION_DOUBLE(dogb_imbalance_params, threshold_imbalance, 1, INF, "10", "",
                       "Largest ratio between the counts of two classes."),
    DOGB_OPTION_DOUBLE(dogb_imbalance_params, threshold_misprediction, 0, 1, "0.7", "",
                       "Largest share of wrong predictions of a class."),
    DOGB_OPTION_INT64(dogb_imbalance_params, samples, 1, 1e12, "500", "samples",
                      "Labels that are counted first; without parity at least 20 for each class."),
    DOGB_OPTION_INT64(dogb_imbalance_params, samples_per_class, 1, 1e12, "5", "samples",
                      "A class with fewer predictions is not judged by them; 1 with parity."),
    DOGB_OPTION_STRING(dogb_imbalance_params, labels_regex, ".*labels",
                       "Name of the labels; those of trainings here match anyway."),
    DOGB_OPTION_STRING(dogb_imbalance_params, predictions_regex, ".*predictions",
                       "Name of the predictions; those of trainings here match anyway."),
    DOGB_OPTION_SWITCH(dogb_imbalance_params, argmax, "off",
                       "Accepted; rows of scores become classes in any case."),
};
const dogb_table dogb_imbalance_table =
    TABLE("ClassImbalance", dogb_imbalance_params, imbalance_rows);

static const dogb_option confusion_rows[] = {
    DOGB_RULE_COMMON_ROWS,
    DOGB_OPTION_INT64(dogb_confusion_params, category_no, 0, 4096, "0", "classes",
                      "Number of classes; 0: of the model, or of the data."),
    DOGB_OPTION_STRING(dogb_confusion_params, labels, "labels",
                       "Name of the labels, an expression."),
    DOGB_OPTION_STRING(dogb_confusion_params, predictions, "predictions",
                       "Name of the predictions, an expression."),
    DOGB_OPTION_STRING(dogb_confusion_params, labels_collection, "", "Collection of the labels."),
    DOGB_OPTION_STRING(dogb_confusion_params, predictions_collection, "",
                       "Collection of the predictions."),
    DOGB_OPTION_DOUBLE(dogb_confusion_params, min_diag, 0, 1, "0.9", "",
                       "A class with a smaller share of right predictions is a hit."),
    DOGB_OPTION_DOUBLE(dogb_confusion_params, max_off_diag, 0, 1, "0.1", "",
                       "A larger share of another class in the predictions of a class is a hit."),
};
const dogb_table dogb_confusion_table = TABLE("Confusion", dogb_confusion_params, confusion_rows);

static const dogb_option decreasing_rows[] = {
    DOGB_RULE_COMMON_ROWS,
    CHOICE_ROWS(dogb_decreasing_params),
    DOGB_OPTION_SWITCH(dogb_decreasing_params, use_losses_collection, "on",
                       "Look at the losses, too."),
    UNIT_ROW(dogb_decreasing_params),
    DOGB_OPTION_INT64(dogb_decreasing_params, num_steps, 0, 1e12, "0", "units",
                      "Distance of the losses that are compared; 0: 10 steps, 3 evaluations."),
    DOGB_OPTION_DOUBLE(dogb_decreasing_params, diff_percent, 0, 100, "0.1", "%",
                       "A smaller decrease is a hit."),
    DOGB_OPTION_DOUBLE(dogb_decreasing_params, increase_threshold_percent, 0, INF, "5", "%",
                       "A larger increase is a hit; a smaller one is none."),
    DOGB_OPTION_CHOICE(dogb_decreasing_params, mode, "GLOBAL,EVAL,TRAIN", "GLOBAL",
                       "Whose losses; GLOBAL: of validation, else of training, else of either."),
    DOGB_OPTION_CHOICE(dogb_decreasing_params, compat, "now,2019", "now",
                       "2019: diff_percent is an increase that is tolerated."),
};
const dogb_table dogb_decreasing_table =
    TABLE("LossNotDecreasing", dogb_decreasing_params, decreasing_rows);

static const dogb_option overfit_rows[] = {
    DOGB_RULE_COMMON_ROWS,
    DOGB_OPTION_STRING(dogb_overfit_params, tensor_regex, "",
                       "Names of losses, with unit steps; empty: all."),
    DOGB_OPTION_INT64(dogb_overfit_params, start_step, 0, 1e12, "0", "units",
                      "Earlier ones are not looked at."),
    DOGB_OPTION_INT64(dogb_overfit_params, patience, 0, 1e9, "1", "units",
                      "How often in a row the ratio may be too large."),
    DOGB_OPTION_DOUBLE(dogb_overfit_params, ratio_threshold, -1, INF, "0.1", "",
                       "Largest (validation loss - training loss) / training loss."),
    UNIT_ROW(dogb_overfit_params),
};
const dogb_table dogb_overfit_table = TABLE("Overfit", dogb_overfit_params, overfit_rows);

static const dogb_option overtraining_rows[] = {
    DOGB_RULE_COMMON_ROWS,
    DOGB_OPTION_INT64(dogb_overtraining_params, patience_train, 1, 1e9, "5", "units",
                      "How often in a row the training loss may not improve."),
    DOGB_OPTION_INT64(dogb_overtraining_params, patience_validation, 1, 1e9, "10", "units",
                      "How often in a row the validation loss may not improve."),
    DOGB_OPTION_DOUBLE(dogb_overtraining_params, delta, 0, INF, "0.01", "",
                       "A smaller decrease of a loss is none."),
    UNIT_ROW(dogb_overtraining_params),
};
const dogb_table dogb_overtraining_table =
    TABLE("Overtraining", dogb_overtraining_params, overtraining_rows);

static const dogb_option similar_rows[] = {
    DOGB_RULE_COMMON_ROWS,
    DOGB_OPTION_STRING(dogb_similar_params, other_trials, "",
                       "Run directories to compare with, separated by commas."),
    CHOICE_ROWS(dogb_similar_params),
    DOGB_OPTION_DOUBLE(dogb_similar_params, rtol, 0, INF, "1e-5", "",
                       "Relative tolerance, as in numpy.allclose."),
    DOGB_OPTION_DOUBLE(dogb_similar_params, atol, 0, INF, "1e-8", "",
                       "Absolute tolerance, as in numpy.allclose."),
};
const dogb_table dogb_similar_table = TABLE("SimilarAcrossRuns", dogb_similar_params, similar_rows);

static const dogb_option stalled_rows[] = {
    DOGB_RULE_COMMON_ROWS,
    DOGB_OPTION_DOUBLE(dogb_stalled_params, threshold, 0.001, 1e9, "1800", "seconds",
                       "Time without anything new."),
    DOGB_OPTION_SWITCH(dogb_stalled_params, stop_training_on_fire, "off",
                       "End the training then, from a thread of the rule's own."),
    DOGB_OPTION_STRING(dogb_stalled_params, training_job_name_prefix, "",
                       "Accepted; the training is the one that is watched."),
};
const dogb_table dogb_stalled_table =
    TABLE("StalledTrainingRule", dogb_stalled_params, stalled_rows);

static const dogb_option input_rows[] = {
    DOGB_RULE_COMMON_ROWS,
    DOGB_OPTION_DOUBLE(dogb_input_params, threshold_mean, 0, INF, "0.2", "",
                       "Largest distance of a channel's mean from 0."),
    DOGB_OPTION_INT64(dogb_input_params, threshold_samples, 1, 1e12, "500", "samples",
                      "Pictures that are looked at first."),
    DOGB_OPTION_STRING(dogb_input_params, regex, ".*hybridsequential0_input_0",
                       "Name of the network's input; that of networks here matches anyway."),
    DOGB_OPTION_INT64(dogb_input_params, channel, 1, 3, "1", "axis", "Axis of the channels."),
};
const dogb_table dogb_input_table = TABLE("CheckInputImages", dogb_input_params, input_rows);
