// minimal.c - the whole way in one page: a folder of images becomes a tested model that predicts.
// Build: cc minimal.c $(pkg-config --cflags --libs dogbreed) -o minimal
// Run:   ./minimal FOLDER PHOTO.jpg [WEIGHTS.safetensors]
#include <dogbreed/dogbreed.h>

#include <stdio.h>

// Ends a step: 1 and the library's message when it failed.
static int failed(int rc) {
    if (rc < 0) {
        fprintf(stderr, "%s\n", dogbreed_error_message());
    }
    return rc < 0;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: minimal FOLDER PHOTO.jpg [WEIGHTS.safetensors]\n");
        return 2;
    }
    dogbreed_dataset *data = NULL, *train = NULL, *valid = NULL, *test = NULL;
    dogbreed_model *model = NULL;
    dogbreed_trainer *trainer = NULL;
    dogbreed_predictor *predictor = NULL;
    dogbreed_evaluation result = {.struct_size = sizeof result};
    dogbreed_prediction best = {0, 0.0f};
    int rc = 1;

    dogbreed_model_options network;
    dogbreed_model_options_init(&network, sizeof network);
    network.architecture = argc > 3 ? "mobilenet_v2" : "tiny";
    network.weights = argc > 3 ? argv[3] : "";
    network.freeze = argc > 3 ? "head" : "none"; // pretrained: only the new head learns

    dogbreed_trainer_options options;
    dogbreed_trainer_options_init(&options, sizeof options);
    options.epochs = 5;

    if (failed(dogbreed_dataset_open(&data, argv[1], NULL)) ||
        failed(dogbreed_dataset_split(&train, data, "train")) ||
        failed(dogbreed_dataset_split(&valid, data, "valid")) ||
        failed(dogbreed_dataset_split(&test, data, "test")) ||
        failed(dogbreed_model_create(&model, data, &network)) ||
        failed(dogbreed_trainer_create(&trainer, model, train, valid, &options)) ||
        failed(dogbreed_trainer_run(trainer)) ||
        failed(dogbreed_evaluate(&result, NULL, model, test, NULL)) ||
        failed(dogbreed_model_save(model, "model.safetensors")) ||
        failed(dogbreed_predictor_create(&predictor, "model.safetensors", NULL)) ||
        failed(dogbreed_predictor_predict_file(predictor, argv[2], NULL, &best, 1))) {
        goto out;
    }
    printf("test accuracy %.1f %% (%.1f to %.1f) of %lld images\n", 100.0 * result.top1,
           100.0 * result.top1_low, 100.0 * result.top1_high, (long long)result.count);
    printf("%s: %s (%.1f %%)\n", argv[2], dogbreed_predictor_class_name(predictor, best.index),
           100.0 * (double)best.probability);
    rc = 0;
out:
    dogbreed_predictor_destroy(predictor);
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    dogbreed_dataset_destroy(test);
    dogbreed_dataset_destroy(valid);
    dogbreed_dataset_destroy(train);
    dogbreed_dataset_destroy(data);
    return rc;
}
