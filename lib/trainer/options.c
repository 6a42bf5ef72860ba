// options.c - the options of a trainer: one row per field. Defaults are for a frozen backbone with
// a new head; docs/trainer.md says where they come from.
#include "core/table_rows.h"
#include "trainer/trainer_internal.h"

typedef dogbreed_trainer_options o;

static const dogb_option rows[] = {
    DOGB_OPTION_UINT64(o, seed, "1", "",
                       "Fixes the order of the samples, augmentation and dropout."),
    DOGB_OPTION_DOUBLE(o, learning_rate, 0, 100, "0.001", "",
                       "Step size; the schedule's highest value."),
    DOGB_OPTION_DOUBLE(o, momentum, 0, 1, "0.9", "", "Momentum of sgd."),
    DOGB_OPTION_DOUBLE(o, weight_decay, 0, 10, "0", "",
                       "L2 penalty (sgd, adam) or decoupled decay (adamw)."),
    DOGB_OPTION_DOUBLE(o, beta1, 0, 1, "0.9", "", "Decay of adam's mean of gradients."),
    DOGB_OPTION_DOUBLE(o, beta2, 0, 1, "0.999", "", "Decay of adam's mean of squared gradients."),
    DOGB_OPTION_DOUBLE(o, epsilon, 0, 1, "1e-08", "",
                       "Keeps adam's quotient finite; added to the denominator."),
    DOGB_OPTION_DOUBLE(o, label_smoothing, 0, 1, "0", "",
                       "Share of the target that is spread over all classes."),
    DOGB_OPTION_DOUBLE(o, warmup_epochs, 0, 100000, "0", "epochs",
                       "Linear warm-up in front of the schedule; fractions are fine."),
    DOGB_OPTION_DOUBLE(o, step_gamma, 0, 1, "0.1", "",
                       "Schedule step: factor after every step_epochs."),
    DOGB_OPTION_DOUBLE(o, min_delta, 0, 1e9, "0", "",
                       "Smaller improvements of the monitored metric count as none."),
    DOGB_OPTION_DOUBLE(o, time_limit, 0, 1e9, "0", "s",
                       "Ends the run cleanly after this time; 0: no limit."),
    DOGB_ROW_ENGINE(o),
    DOGB_ROW_DEVICE(o),
    DOGB_ROW_CACHE_DIR(o),
    DOGB_OPTION_INT64(o, decoded_cache_bytes, 0, 1LL << 50, "0", "bytes",
                      "Memory for decoded pictures between epochs; 0: none."),
    DOGB_OPTION_INT64(o, feature_cache_bytes, 0, 1LL << 50, "17179869184", "bytes",
                      "Size bound of the feature store on disk; 0: no bound."),
    DOGB_OPTION_INT32(o, epochs, 1, 100000, "10", "epochs", "Passes over the training split."),
    DOGB_OPTION_INT32(o, batch_size, 1, 65536, "32", "images", "Samples per optimiser step."),
    DOGB_OPTION_CHOICE(o, optimizer, "sgd,adam,adamw", "adam", "Optimiser, as in torch.optim."),
    DOGB_OPTION_SWITCH(o, nesterov, "off", "Nesterov's form of sgd's momentum."),
    DOGB_OPTION_CHOICE(o, schedule, "constant,step,cosine,one_cycle", "cosine",
                       "How the learning rate changes, as in torch.optim.lr_scheduler."),
    DOGB_OPTION_INT32(o, step_epochs, 1, 100000, "3", "epochs",
                      "Schedule step: epochs between two reductions."),
    DOGB_ROW_THREADS(o),
    DOGB_ROW_LOADER_THREADS(o),
    DOGB_OPTION_SWITCH(o, deterministic, "on", "Same seed, same bits."),
    DOGB_OPTION_SWITCH(o, augment, "on",
                       "Random resized crop and flip while pictures run through the network."),
    DOGB_OPTION_INT32(o, augment_views, 0, 1000, "0", "views",
                      "Frozen backbone: augmented views cached per picture; 0: the plain view."),
    DOGB_OPTION_CHOICE(o, feature_cache, "off,on", "on",
                       "Frozen backbone: compute features once; off: the whole network each "
                       "epoch."),
    DOGB_ROW_DTYPE(o),
    DOGB_OPTION_CHOICE(o, class_weights, "none,balanced", "none",
                       "Weight of a class in the loss; balanced: inverse to its frequency."),
    DOGB_OPTION_CHOICE(o, monitor, "val_accuracy,val_loss,val_top5,train_loss,train_accuracy",
                       "val_accuracy", "What best and early stopping look at."),
    DOGB_OPTION_INT32(o, patience, 0, 100000, "0", "epochs",
                      "Epochs without improvement before the run ends; 0: never."),
    DOGB_OPTION_CHOICE(o, keep, "best,last", "best", "Weights in the model after the run."),
};

const dogb_table dogb_trainer_table = {
    .name = "trainer",
    .kind = DOGBREED_KIND_TRAINER,
    .size = (uint32_t)sizeof(dogbreed_trainer_options),
    .options = rows,
    .count = (uint32_t)(sizeof rows / sizeof rows[0]),
};

int dogbreed_trainer_options_init(dogbreed_trainer_options *options, size_t struct_size) {
    return dogb_table_init(&dogb_trainer_table, options, struct_size);
}
