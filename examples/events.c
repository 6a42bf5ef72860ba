// events.c - a callback of your own: watches the gradients of a training run and stops it when the
// validation accuracy is good enough. The library's own log, checkpoints and early stopping use the
// same calls.
// Run: ./events FOLDER [ENGINE]
#include <dogbreed/dogbreed.h>

#include <stdio.h>
#include <string.h>

typedef struct watcher {
    double goal;         // validation accuracy, 0..1
    double largest_norm; // of any gradient in this epoch
    char largest_name[96];
} watcher;

// Statistics are computed where the tensor lives; nothing is copied.
static void look_at_gradients(watcher *w, const dogbreed_event *event) {
    for (int32_t i = 0; i < event->tensor_count; i++) {
        dogbreed_tensor tensor = {.struct_size = sizeof tensor};
        dogbreed_tensor_stats stats = {.struct_size = sizeof stats};
        if (dogbreed_event_tensor(&tensor, event, i) < 0 ||
            dogbreed_event_tensor_stats(&stats, event, i) < 0) {
            continue;
        }
        if (stats.norm > w->largest_norm) {
            w->largest_norm = stats.norm;
            snprintf(w->largest_name, sizeof w->largest_name, "%s", tensor.name);
        }
    }
}

static int on_event(const dogbreed_event *event, void *userdata) {
    watcher *w = userdata;
    if (event->kind == DOGBREED_EVENT_BACKWARD_END) {
        look_at_gradients(w, event);
        return 0;
    }
    printf("epoch %d: loss %.3f, validation accuracy %.1f %%, largest gradient %.3g in %s\n",
           (int)event->epoch + 1, event->train_loss, 100.0 * event->val_accuracy, w->largest_norm,
           w->largest_name);
    w->largest_norm = 0.0;
    return event->val_accuracy >= w->goal ? DOGBREED_STOP : 0; // a clean end
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: events FOLDER [ENGINE]\n");
        return 2;
    }
    dogbreed_dataset *data = NULL, *train = NULL, *valid = NULL;
    dogbreed_model *model = NULL;
    dogbreed_trainer *trainer = NULL;
    watcher w = {.goal = 0.95};

    dogbreed_model_options network;
    dogbreed_model_options_init(&network, sizeof network);
    network.architecture = "tiny";
    network.freeze = "none";
    dogbreed_trainer_options options;
    dogbreed_trainer_options_init(&options, sizeof options);
    options.epochs = 3;
    options.engine = argc > 2 ? argv[2] : "auto";

    uint64_t mask = DOGBREED_EVENT_MASK(DOGBREED_EVENT_BACKWARD_END) |
                    DOGBREED_EVENT_MASK(DOGBREED_EVENT_EPOCH_END);
    int rc = dogbreed_dataset_open(&data, argv[1], NULL);
    rc = rc < 0 ? rc : dogbreed_dataset_split(&train, data, "train");
    rc = rc < 0 ? rc : dogbreed_dataset_split(&valid, data, "valid");
    rc = rc < 0 ? rc : dogbreed_model_create(&model, data, &network);
    rc = rc < 0 ? rc : dogbreed_trainer_create(&trainer, model, train, valid, &options);
    rc = rc < 0 ? rc : dogbreed_trainer_subscribe(trainer, NULL, mask, on_event, &w);
    rc = rc < 0 ? rc : dogbreed_trainer_run(trainer);
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", dogbreed_error_name(rc), dogbreed_error_message());
    }
    dogbreed_trainer_destroy(trainer);
    dogbreed_model_destroy(model);
    dogbreed_dataset_destroy(valid);
    dogbreed_dataset_destroy(train);
    dogbreed_dataset_destroy(data);
    return rc < 0 ? 1 : 0;
}
