// rule_table.c - the rules, in the order of the documentation.
#include "debug/rule_calls.h"

enum {
    ACTIVATION = 1 << DOGBREED_TENSOR_ACTIVATION,
    GRADIENT = 1 << DOGBREED_TENSOR_GRADIENT,
    WEIGHT = 1 << DOGBREED_TENSOR_WEIGHT,
    INPUT = 1 << DOGBREED_TENSOR_INPUT,
    LABEL = 1 << DOGBREED_TENSOR_LABEL,
    PREDICTION = 1 << DOGBREED_TENSOR_PREDICTION,
    SCALAR = 1 << DOGBREED_TENSOR_SCALAR,
    ANY = (1 << DOGB_RULE_TENSOR_KINDS) - 1,
};

static int comes_out_of_relu(const dogb_rule_tensor *t) {
    return t->op == DOGB_RULE_OP_RELU && !t->is_input;
}

static int goes_into_relu(const dogb_rule_tensor *t) {
    return t->op == DOGB_RULE_OP_RELU && t->is_input;
}

static int goes_into_saturating(const dogb_rule_tensor *t) {
    return (t->op == DOGB_RULE_OP_TANH || t->op == DOGB_RULE_OP_SIGMOID) && t->is_input;
}

static int is_label(const dogb_rule_tensor *t) {
    return t->what == DOGBREED_TENSOR_LABEL;
}

static int is_prediction(const dogb_rule_tensor *t) {
    return t->what == DOGBREED_TENSOR_PREDICTION;
}

static int is_input(const dogb_rule_tensor *t) {
    return t->what == DOGBREED_TENSOR_INPUT;
}

// What an optimiser remembers follows from the gradients: it is looked at when somebody asks.
static int is_of_network(const dogb_rule_tensor *t) {
    return t->what != DOGBREED_TENSOR_OPTIMIZER;
}

static int nothing(const dogb_rule_tensor *t) {
    return t == NULL;
}

// Of what training changes. An accuracy may well stay: it is a share of few pictures, or 1.
static int is_trained(const dogb_rule_tensor *t) {
    return ((1 << t->what) & (GRADIENT | WEIGHT)) != 0 || dogb_rule_is_loss(t);
}

const dogb_rule dogb_rule_rows[] = {
    {.name = "VanishingGradient",
     .summary = "A gradient is so small that its layer no longer learns.",
     .advice = "Raise learning_rate, freeze fewer layers at a time (freeze), or keep batch norm in "
               "training (batch_norm).",
     .params = &dogb_vanishing_table,
     .calls = &dogb_vanishing_calls,
     .group_count = 1,
     .groups = {{GRADIENT, NULL, NULL, NULL}}},
    {.name = "ExplodingTensor",
     .summary = "A tensor has values that are NaN or infinite.",
     .advice = "Lower learning_rate, use warmup_epochs, or raise epsilon of the optimiser.",
     .params = &dogb_exploding_table,
     .calls = &dogb_exploding_calls,
     .group_count = 1,
     .groups = {{ANY, is_of_network, "tensor_regex", "collection_names"}}},
    {.name = "DeadRelu",
     .summary = "Most units of a ReLU layer are 0 for all pictures.",
     .advice = "Lower learning_rate, or start from pretrained weights (weights).",
     .params = &dogb_dead_relu_table,
     .calls = &dogb_dead_relu_calls,
     .group_count = 1,
     .groups = {{ACTIVATION, comes_out_of_relu, "tensor_regex", NULL}}},
    {.name = "SaturatedActivation",
     .summary = "Most units of a tanh or sigmoid layer are at its ends for all pictures.",
     .advice = "Lower learning_rate, or raise weight_decay.",
     .params = &dogb_saturated_table,
     .calls = &dogb_saturated_calls,
     .group_count = 1,
     .groups = {{ACTIVATION, goes_into_saturating, "tensor_regex", NULL}}},
    {.name = "PoorWeightInitialization",
     .summary = "The first steps show weights that were drawn badly.",
     .advice = "Start from pretrained weights (weights), or change learning_rate.",
     .params = &dogb_poor_table,
     .calls = &dogb_poor_calls,
     .group_count = 3,
     .groups = {{ACTIVATION, goes_into_relu, "activation_inputs_regex", NULL},
                {GRADIENT, NULL, NULL, NULL},
                {SCALAR, dogb_rule_is_loss, NULL, NULL}}},
    {.name = "WeightUpdateRatio",
     .summary = "Weights change far too much or hardly at all between two saved steps.",
     .advice = "Too much: lower learning_rate; hardly: raise it.",
     .params = &dogb_update_table,
     .calls = &dogb_update_calls,
     .flags = DOGB_RULE_OFF,
     .group_count = 1,
     .groups = {{WEIGHT, NULL, NULL, NULL}}},
    {.name = "TensorVariance",
     .summary = "The variance of a tensor is outside the bounds that were set.",
     .advice = "Change learning_rate or weight_decay, or the bounds.",
     .params = &dogb_variance_table,
     .required = "max_threshold|min_threshold",
     .calls = &dogb_variance_calls,
     .group_count = 1,
     .groups = {{ANY, is_of_network, "tensor_regex", "collection_names"}}},
    {.name = "UnchangedTensor",
     .summary = "A tensor that training should change stays as it is.",
     .advice = "Raise learning_rate, look at freeze, or end earlier (patience).",
     .params = &dogb_unchanged_table,
     .calls = &dogb_unchanged_calls,
     .flags = DOGB_RULE_OFF,
     .group_count = 1,
     .groups = {{ANY, is_trained, "tensor_regex", "collection_names"}}},
    {.name = "AllZero",
     .summary = "A tensor holds nothing but zeros, or almost.",
     .advice = "Change learning_rate or the start (weights), or look at the pictures.",
     .params = &dogb_all_zero_table,
     .required = "collection_names|tensor_regex",
     .calls = &dogb_all_zero_calls,
     .group_count = 1,
     .groups = {{ANY, is_of_network, "tensor_regex", "collection_names"}}},
    {.name = "ClassImbalance",
     .summary = "Some classes have far more pictures than others, or are mostly predicted wrong.",
     .advice = "Set class_weights balanced, or add pictures of the rare classes.",
     .params = &dogb_imbalance_table,
     .calls = &dogb_imbalance_calls,
     .group_count = 2,
     .groups = {{LABEL | SCALAR | ACTIVATION, is_label, "labels_regex", NULL},
                {PREDICTION | ACTIVATION, is_prediction, "predictions_regex", NULL}}},
    {.name = "Confusion",
     .summary = "Classes are taken for each other in the last validation.",
     .advice = "Look at the pictures of these classes, add some, or train deeper layers (freeze).",
     .params = &dogb_confusion_table,
     .calls = &dogb_confusion_calls,
     .group_count = 2,
     .groups = {{LABEL, is_label, "labels", "labels_collection"},
                {PREDICTION, is_prediction, "predictions", "predictions_collection"}}},
    {.name = "LossNotDecreasing",
     .summary = "The loss does not go down any more.",
     .advice = "Change learning_rate or schedule, or end earlier (patience).",
     .params = &dogb_decreasing_table,
     .calls = &dogb_decreasing_calls,
     .group_count = 2,
     .groups = {{SCALAR, nothing, "tensor_regex", "collection_names"},
                {SCALAR, dogb_rule_is_loss, NULL, NULL}}},
    {.name = "Overfit",
     .summary = "The validation loss is far above the training loss.",
     .advice = "Raise weight_decay or dropout, set augment, lower epochs, or set patience.",
     .params = &dogb_overfit_table,
     .calls = &dogb_overfit_calls,
     .group_count = 1,
     .groups = {{SCALAR, dogb_rule_is_loss, "tensor_regex", NULL}}},
    {.name = "Overtraining",
     .summary = "Training goes on though a loss has stopped to improve.",
     .advice = "Lower epochs, or set patience and monitor.",
     .params = &dogb_overtraining_table,
     .calls = &dogb_overtraining_calls,
     .group_count = 1,
     .groups = {{SCALAR, dogb_rule_is_loss, NULL, NULL}}},
    {.name = "SimilarAcrossRuns",
     .summary = "Tensors differ from those of another run.",
     .advice = "Compare seed, options and data of the two runs (dogbreed compare).",
     .params = &dogb_similar_table,
     .required = "other_trials",
     .calls = &dogb_similar_calls,
     .group_count = 1,
     .groups = {{ANY, is_of_network, "tensor_regex", "collection_names"}}},
    {.name = "StalledTrainingRule",
     .summary = "Nothing has come from the training for a long time.",
     .advice = "Look at loader_threads, the disk and the device.",
     .params = &dogb_stalled_table,
     .calls = &dogb_stalled_calls},
    {.name = "CheckInputImages",
     .summary = "Pictures reach the network without being normalised.",
     .advice = "Let the library load the pictures; it normalises them with the architecture's mean "
               "and deviation.",
     .params = &dogb_input_table,
     .calls = &dogb_input_calls,
     .group_count = 1,
     .groups = {{INPUT | ACTIVATION, is_input, "regex", NULL}}},
};
const int32_t dogb_rule_row_count = sizeof dogb_rule_rows / sizeof dogb_rule_rows[0];

const dogb_rule *dogb_rule_row(int32_t index) {
    return index >= 0 && index < dogb_rule_row_count ? &dogb_rule_rows[index] : NULL;
}
