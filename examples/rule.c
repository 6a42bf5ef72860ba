// rule.c - a debugger with a rule of your own beside two of the library's. A finding is printed as
// it comes; at the end the debugger tells how every rule stands. Run: ./rule FOLDER [ENGINE]
#include <dogbreed/dogbreed.h>

#include <stdio.h>

// Called with each weight tensor that is looked at. Statistics are computed where the tensor lives.
static int see_weight(dogbreed_rule_call *call) {
    double largest = call->stats->maximum, smallest = call->stats->minimum;
    call->value = largest > -smallest ? largest : -smallest;
    call->threshold = call->params[0];
    snprintf(call->text, sizeof call->text, "a weight of %.3g, limit is %g", call->value,
             call->threshold);
    return call->value > call->threshold ? DOGBREED_RULE_HIT : DOGBREED_RULE_FINE;
}

static const dogbreed_rule_param parameters[] = {
    {"limit", "", "A weight that is larger, without its sign, is a hit.", 10.0, 0.0, 1e9},
};

static const dogbreed_rule large_weight = {
    .struct_size = sizeof(dogbreed_rule),
    .name = "LargeWeight",
    .summary = "A weight is larger than it should be.",
    .advice = "Raise weight_decay, or lower learning_rate.",
    .sees = 1u << DOGBREED_TENSOR_WEIGHT,
    .needs = DOGBREED_RULE_STATS,
    .params = parameters,
    .param_count = 1,
    .see = see_weight,
};

static int on_finding(const dogbreed_event *event, void *userdata) {
    (void)userdata;
    printf("epoch %d: %s\n", (int)event->epoch + 1, event->text); // with rule, step and tensor
    return 0; // DOGBREED_STOP would end the training here
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: rule FOLDER [ENGINE]\n");
        return 2;
    }
    dogbreed_dataset *data = NULL, *train = NULL, *valid = NULL;
    dogbreed_model *model = NULL;
    dogbreed_trainer *trainer = NULL;
    dogbreed_debug *debug = NULL;
    char *results = NULL;

    dogbreed_model_options network;
    dogbreed_model_options_init(&network, sizeof network);
    network.architecture = "tiny";
    network.freeze = "none";
    dogbreed_trainer_options options;
    dogbreed_trainer_options_init(&options, sizeof options);
    options.epochs = 2;
    options.engine = argc > 2 ? argv[2] : "auto";
    dogbreed_debug_options watch;
    dogbreed_debug_options_init(&watch, sizeof watch);
    watch.rules = "Overfit;VanishingGradient:threshold=1e-6";

    int rc = dogbreed_dataset_open(&data, argv[1], NULL);
    rc = rc < 0 ? rc : dogbreed_dataset_split(&train, data, "train");
    rc = rc < 0 ? rc : dogbreed_dataset_split(&valid, data, "valid");
    rc = rc < 0 ? rc : dogbreed_model_create(&model, data, &network);
    rc = rc < 0 ? rc : dogbreed_trainer_create(&trainer, model, train, valid, &options);
    rc = rc < 0 ? rc : dogbreed_debug_attach(&debug, trainer, &watch);
    rc = rc < 0 ? rc : dogbreed_debug_rule(debug, &large_weight, "limit=0.2");
    rc = rc < 0 ? rc
                : dogbreed_trainer_subscribe(
                      trainer, NULL, DOGBREED_EVENT_MASK(DOGBREED_EVENT_FINDING), on_finding, NULL);
    rc = rc < 0 ? rc : dogbreed_trainer_run(trainer);
    rc = rc < 0 ? rc : dogbreed_debug_results(&results, debug);
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", dogbreed_error_name(rc), dogbreed_error_message());
    } else {
        printf("%s\n", results);
    }
    dogbreed_free(results);
    dogbreed_debug_destroy(debug);
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    dogbreed_dataset_destroy(valid);
    dogbreed_dataset_destroy(train);
    dogbreed_dataset_destroy(data);
    return rc < 0 ? 1 : 0;
}
