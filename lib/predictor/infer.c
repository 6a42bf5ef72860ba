// infer.c - the two halves of a prediction, one by one: bytes to the pixels a network sees, pixels
// to logits.
#include "core/error.h"
#include "predictor/predictor_infer.h"
#include "predictor/predictor_struct.h"
#include "predictor/topk.h"

size_t dogb_predictor_picture(const dogbreed_predictor *predictor) {
    size_t side = (size_t)predictor->preprocess.crop;
    return side * side * 3;
}

const dogb_rect *dogb_predictor_rectangle(dogb_rect *out, const dogbreed_rectangle *crop) {
    if (crop == NULL ||
        (crop->left == 0 && crop->top == 0 && crop->right == 0 && crop->bottom == 0)) {
        return NULL;
    }
    *out = (dogb_rect){crop->left, crop->top, crop->right, crop->bottom};
    return out;
}

int dogb_predictor_decode(uint8_t *out, dogb_decoded *facts, const dogbreed_predictor *predictor,
                          dogb_arena *scratch, const dogb_encoded *in) {
    dogb_rect rect;
    dogb_image_info info = {.orientation = 1};
    DOGB_CHECK(in->size <= (uint64_t)predictor->options.bytes_max,
               "%s: %zu bytes, at most %lld are allowed (bytes_max)", in->what, in->size,
               (long long)predictor->options.bytes_max);
    int rc = dogb_image_load(out, &info, scratch, in->bytes, in->size, &predictor->limits,
                             &predictor->preprocess, NULL,
                             dogb_predictor_rectangle(&rect, in->crop), in->what);
    if (facts != NULL) {
        int ignored = predictor->preprocess.exif_orientation == DOGB_EXIF_IGNORE;
        *facts = (dogb_decoded){.pixels = (int64_t)info.width * info.height,
                                .turned = ignored && info.orientation > 1};
    }
    return rc;
}

void dogb_predictor_normalize(float *out, const dogbreed_predictor *predictor,
                              const uint8_t *picture) {
    const dogb_preprocess *preprocess = &predictor->preprocess;
    dogb_normalize(out, picture, preprocess->crop, preprocess->mean, preprocess->deviation);
}

int dogb_predictor_logits(float *out, dogbreed_predictor *predictor, const dogb_batch *batch,
                          int32_t threads) {
    const dogb_engine *engine = predictor->engine;
    int rc = engine->infer_on == NULL ? engine->infer(predictor->net, batch, out)
                                      : engine->infer_on(predictor->net, batch, out, threads);
    return dogb_engine_result(engine, rc, "predict");
}

int64_t dogb_predictor_bytes(const dogbreed_predictor *predictor, int32_t batch, int32_t calls) {
    const dogb_engine *engine = predictor->engine;
    const dogb_net_use use = {.batch = batch, .calls = calls, .threads = predictor->threads};
    int64_t net = engine->net_bytes == NULL
                      ? predictor->weight_bytes + (int64_t)batch * calls * predictor->value_bytes
                      : engine->net_bytes(predictor->net, &use);
    return net + (int64_t)dogb_arena_bytes(&predictor->arena);
}

void dogb_predictor_facts_get(dogb_predictor_facts *out, const dogbreed_predictor *predictor) {
    *out = (dogb_predictor_facts){.engine = predictor->engine->name,
                                  .classes = predictor->class_count,
                                  .side = predictor->preprocess.crop,
                                  .threads = predictor->threads,
                                  .shares = predictor->engine->infer_on != NULL};
}

int dogbreed_predictor_scores(dogbreed_predictor *predictor, const void *bytes, size_t size,
                              const dogbreed_rectangle *crop, float *out, int32_t count) {
    dogb_arena scratch = {0};
    DOGB_CHECK(predictor != NULL && out != NULL, "scores: predictor or out is NULL");
    DOGB_CHECK(bytes != NULL && size > 0, "scores: there are no bytes");
    DOGB_CHECK(count == predictor->class_count,
               "scores: count is %d, expected %d (the number of classes)", (int)count,
               (int)predictor->class_count);
    const dogb_encoded in = {bytes, size, crop, "bytes"};
    uint8_t *picture = dogb_alloc_raw(&scratch, dogb_predictor_picture(predictor), 1);
    const dogb_batch batch = {.data = picture, .count = 1, .dtype = DOGB_DATA_U8};
    int rc = picture == NULL ? DOGBREED_ERROR_NO_MEMORY
                             : dogb_predictor_decode(picture, NULL, predictor, &scratch, &in);
    if (rc == DOGBREED_OK) {
        rc = dogb_predictor_logits(out, predictor, &batch, predictor->threads);
    }
    if (rc == DOGBREED_OK) {
        rc = dogb_logits_check(out, count);
    }
    dogb_arena_free(&scratch);
    return rc;
}
