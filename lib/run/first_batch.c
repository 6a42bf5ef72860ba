// first_batch.c - the first pictures of a training for TensorBoard, as the network sees them: cut,
// mirrored, coloured. Of stored features there are none to see.
#include "core/clock.h"
#include "core/error.h"
#include "image/image.h"
#include "model/model_internal.h"
#include "run/run_internal.h"
#include "tensorboard/events.h"

#include <math.h>

enum { PICTURES_MAX = 16, QUALITY = 85 };

// Back from what dogb_normalize makes of them.
static void to_bytes(uint8_t *out, const float *in, int64_t side, const dogb_preprocess *p) {
    int64_t area = side * side;
    for (int64_t i = 0; i < area; i++) {
        for (int64_t c = 0; c < 3; c++) {
            float value = 255.0F * (in[c * area + i] * p->deviation[c] + p->mean[c]);
            out[3 * i + c] = (uint8_t)lroundf(fminf(fmaxf(value, 0.0F), 255.0F));
        }
    }
}

static int encode(dogb_board_file *files, const float *values, int64_t count, int64_t side,
                  const dogb_preprocess *preprocess, dogb_arena *scratch) {
    dogb_image image = {.width = (int32_t)side, .height = (int32_t)side};
    image.pixels = dogb_alloc(scratch, (size_t)(side * side), 3);
    if (image.pixels == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int64_t i = 0; i < count; i++) {
        uint8_t *jpeg = NULL;
        to_bytes(image.pixels, values + 3 * side * side * i, side, preprocess);
        int rc = dogb_jpeg_encode(&jpeg, &files[i].size, scratch, &image, QUALITY);
        if (rc < 0) {
            return rc;
        }
        files[i].data = jpeg;
    }
    return DOGBREED_OK;
}

static int add_batch(dogb_run *run, const dogbreed_event *event, const dogbreed_tensor *tensor,
                     int32_t index, dogb_arena *scratch) {
    dogb_board_file files[PICTURES_MAX];
    int64_t side = tensor->shape[2];
    int64_t count = tensor->shape[0] < PICTURES_MAX ? tensor->shape[0] : PICTURES_MAX;
    size_t size = (size_t)(tensor->shape[0] * 3 * side * side);
    float *values = dogb_alloc(scratch, size, sizeof *values);
    int rc = values == NULL ? DOGBREED_ERROR_NO_MEMORY
                            : dogbreed_event_tensor_read(event, index, values, size);
    rc = rc < 0 ? rc
                : encode(files, values, count, side,
                         dogb_model_preprocess(dogb_trainer_model(run->trainer)), scratch);
    if (rc == DOGBREED_OK) {
        dogb_board_place place = {
            .tag = "data/first_batch", .time = dogb_clock_wall(), .step = 1, .first = 1};
        dogb_image_event pictures = {.files = files,
                                     .count = (size_t)count,
                                     .width = (int32_t)side,
                                     .height = (int32_t)side};
        dogb_board_images(&run->board.events, &place, &pictures);
        rc = dogb_run_board_flush(run);
    }
    return rc;
}

static int hear(const dogbreed_event *event, void *userdata) {
    dogb_run *run = userdata;
    int rc = dogbreed_trainer_release(run->trainer, run->first_batch);
    for (int32_t i = 0; rc == DOGBREED_OK && i < event->tensor_count; i++) {
        dogbreed_tensor tensor = {.struct_size = sizeof tensor};
        rc = dogbreed_event_tensor(&tensor, event, i);
        if (rc == DOGBREED_OK && tensor.what == DOGBREED_TENSOR_INPUT && tensor.rank == 4) {
            dogb_arena scratch = {0};
            rc = add_batch(run, event, &tensor, i, &scratch);
            dogb_arena_free(&scratch);
            break;
        }
    }
    return rc;
}

int dogb_run_first_batch(dogb_run *run) {
    dogb_trainer_status status;
    dogb_trainer_status_get(&status, run->trainer);
    if (run->board.path == NULL || status.step > 0 || dogb_trainer_cached(run->trainer)) {
        return DOGBREED_OK;
    }
    return dogbreed_trainer_subscribe(run->trainer, &run->first_batch,
                                      DOGBREED_EVENT_MASK(DOGBREED_EVENT_BATCH_READY), hear, run);
}
