// predictions.c - what the model said of each picture: probabilities of its best classes, the loss.
#include "core/error.h"
#include "core/rank.h"
#include "evaluate/evaluate_struct.h"

#include <math.h>
#include <string.h>

static void fill(dogb_prediction *p, const float *logits, int32_t classes) {
    double confidence = 0.0;
    p->count = dogb_rank_top(p->top, 1, DOGB_PREDICTION_TOP, logits, classes);
    p->loss = dogb_cross_entropy(&confidence, logits, classes, p->truth);
    for (int32_t i = 0; i < p->count; i++) {
        double below = (double)logits[p->top[i]] - (double)logits[p->top[0]];
        p->probability[i] = confidence * exp(below);
    }
}

int dogb_predictions_add(dogb_predictions *out, const float *logits, int32_t classes,
                         const int32_t *labels, const int64_t *samples, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        int rc = dogb_grow(out->arena, &out->items, &out->capacity, out->count, sizeof *out->items);
        if (rc < 0) {
            return rc;
        }
        dogb_prediction *p = &out->items[out->count++];
        *p = (dogb_prediction){.sample = samples[i], .truth = labels[i]};
        fill(p, logits + (size_t)i * (size_t)classes, classes);
    }
    return DOGBREED_OK;
}

// Below the root, so that a data set may be moved.
static const char *path_of(const dogbreed_dataset *dataset, int64_t sample) {
    const char *path = dogb_dataset_path(dataset, sample);
    const char *root = dogb_dataset_root(dataset);
    size_t length = strlen(root);
    return strncmp(path, root, length) == 0 && path[length] == '/' ? path + length + 1 : path;
}

static int add_top(json_t *row, const dogb_prediction *p) {
    json_t *top = json_array();
    int rc = dogb_json_set(row, "top", top);
    for (int32_t i = 0; rc == DOGBREED_OK && i < p->count; i++) {
        json_t *pair = json_array();
        rc = dogb_json_add(top, pair);
        rc = rc < 0 ? rc : dogb_json_add(pair, json_integer(p->top[i]));
        rc = rc < 0 ? rc : dogb_json_add(pair, dogb_json_real(p->probability[i]));
    }
    return rc;
}

static int add_row(json_t *rows, const dogb_prediction *p, const dogbreed_dataset *dataset) {
    json_t *row = json_object();
    int rc = dogb_json_add(rows, row);
    rc = rc < 0 ? rc : dogb_json_set_text(row, "path", path_of(dataset, p->sample));
    rc = rc < 0 ? rc : dogb_json_set_int(row, "true", p->truth);
    rc = rc < 0 ? rc : dogb_json_set_int(row, "predicted", p->top[0]);
    rc = rc < 0 ? rc : dogb_json_set_real(row, "probability", p->probability[0]);
    rc = rc < 0 ? rc : dogb_json_set_real(row, "loss", p->loss);
    return rc < 0 ? rc : add_top(row, p);
}

int dogb_predictions_json(json_t *object, const dogb_predictions *predictions,
                          const dogbreed_dataset *dataset) {
    json_t *rows = json_array();
    int rc = dogb_json_set(object, "predictions", rows);
    rc = rc < 0 ? rc : dogb_json_set_text(object, "root", dogb_dataset_root(dataset));
    for (size_t i = 0; rc == DOGBREED_OK && i < predictions->count; i++) {
        rc = add_row(rows, &predictions->items[i], dataset);
    }
    return rc;
}
