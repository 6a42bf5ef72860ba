// key.c - what decides the numbers in a feature set, as a document.
#include "core/error.h"
#include "feature/feature_struct.h"

#include <stdio.h>
#include <string.h>

// Raised when our own pixel code changes what it computes.
enum { KEY_VERSION = 1 };

int32_t dogb_feature_batch(const char *device) {
    return strncmp(device, "cuda", 4) == 0 ? 128 : 16; // 16 pictures' activations fit the caches
}

static int add_view(json_t *key, const dogb_feature *feature) {
    char seed[24];
    if (feature->conf.views == 0) {
        return dogb_json_set_text(key, "view", "evaluation");
    }
    (void)snprintf(seed, sizeof seed, "%llu", (unsigned long long)feature->conf.seed);
    int rc = dogb_json_set_text(key, "view", "random resized crop, flip");
    return rc < 0 ? rc : dogb_json_set_text(key, "view_seed", seed);
}

static int add_decoder(json_t *key, const dogb_feature *feature) {
    const dogbreed_dataset_options *options = dogb_dataset_options(feature->conf.dataset);
    json_t *decoder = json_object();
    int rc = dogb_json_set(key, "decoder", decoder);
    rc = rc < 0 ? rc : dogb_json_set_text(decoder, "jpeg", dogb_image_jpeg_version());
    rc = rc < 0 ? rc : dogb_json_set_text(decoder, "png", dogb_image_png_version());
    // Damaged files give pixels under one policy and an error under the other.
    return rc < 0 ? rc : dogb_json_set_int(decoder, "jpeg_warnings", options->jpeg_warnings);
}

int dogb_feature_key(json_t **out, dogb_arena *arena, const dogb_feature *feature) {
    const dogb_feature_conf *conf = &feature->conf;
    dogb_sha256 hash;
    char text[65];
    char device[16] = "";
    *out = NULL;
    int rc = dogb_model_prefix_hash(&hash, conf->model);
    json_t *key = rc < 0 ? NULL : dogb_json_document(arena, "feature_key", KEY_VERSION);
    json_t *preprocess = key == NULL ? NULL : json_object();
    if (rc < 0 || key == NULL) {
        return rc < 0 ? rc : DOGBREED_ERROR_NO_MEMORY;
    }
    rc = dogb_json_set(key, "preprocess", preprocess);
    rc = rc < 0 ? rc : dogb_model_preprocess_json(preprocess, dogb_model_preprocess(conf->model));
    dogb_sha256_text(&hash, text);
    rc = rc < 0 ? rc : dogb_json_set_text(key, "prefix", text);
    rc = rc < 0 ? rc : dogb_json_set_text(key, "engine", conf->engine->name);
    rc = rc < 0 ? rc : dogb_json_set_text(key, "engine_version", conf->engine->version());
    // The kind of device: its number does not matter.
    (void)snprintf(device, sizeof device, "%.*s", (int)strcspn(conf->device, ":"), conf->device);
    rc = rc < 0 ? rc : dogb_json_set_text(key, "device", device);
    rc = rc < 0 ? rc : dogb_json_set_text(key, "dtype", dogb_engine_dtype(conf->dtype));
    rc = rc < 0 ? rc : dogb_json_set_int(key, "batch", feature->batch);
    rc = rc < 0 ? rc : dogb_json_set_int(key, "floats", feature->floats);
    rc = rc < 0 ? rc : add_decoder(key, feature);
    rc = rc < 0 ? rc : add_view(key, feature);
    *out = rc < 0 ? NULL : key;
    return rc;
}
