// validate.c - the validation split through an inference net with the current weights: the same
// path as dogbreed_evaluate, so both give the same numbers.
#include "core/error.h"
#include "core/span.h"
#include "trainer/state.h"

#include <string.h>

// Keeps what EVAL_END shows.
static void keep(dogb_session *session, const dogb_source_batch *batch, int32_t classes) {
    int32_t *predictions = session->val_predictions + session->judged;
    memcpy(session->val_labels + session->judged, batch->labels,
           (size_t)batch->input.count * sizeof *batch->labels);
    for (int32_t i = 0; i < batch->input.count; i++) {
        predictions[i] = dogb_tally_argmax(session->logits + (size_t)i * (size_t)classes, classes);
    }
    session->judged += batch->input.count;
}

static int run(dogbreed_trainer *trainer, dogb_net *net, dogb_tally *tally) {
    const dogb_engine *engine = trainer->engine;
    dogb_session *session = trainer->session;
    dogb_source_batch batch;
    int rc = dogb_source_begin(session->valid, 0, 0);
    session->judged = 0;
    while (rc == DOGBREED_OK && (rc = dogb_source_next(session->valid, &batch)) > 0) {
        if (trainer->stop) {
            return dogb_fail(DOGBREED_ERROR_CANCELLED, "training was stopped during validation");
        }
        uint64_t span = dogb_span_begin(DOGB_SPAN_FORWARD);
        rc = engine->infer(net, &batch.input, session->logits);
        dogb_span_end(DOGB_SPAN_FORWARD, span, batch.input.count);
        if ((rc = dogb_engine_result(engine, rc, "validation")) == DOGBREED_OK) {
            dogb_tally_add(tally, session->logits, batch.labels, batch.input.count);
            keep(session, &batch, tally->classes);
        }
    }
    return rc;
}

int dogb_validate(dogbreed_trainer *trainer, dogb_epoch *epoch) {
    const dogb_engine *engine = trainer->engine;
    dogb_arena scratch = {0};
    dogb_net *net = NULL;
    dogb_tally tally;
    dogb_net_conf conf = {
        .device = trainer->device,
        .mode = DOGB_NET_INFER,
        .dtype = trainer->options.dtype,
        .threads = dogb_session_threads(trainer),
        .deterministic = trainer->options.deterministic,
        .batch_max = trainer->options.batch_size,
    };
    int rc = dogb_tally_init(&tally, &scratch, dogbreed_model_class_count(trainer->model), 0);
    if (rc < 0 ||
        (rc = dogb_engine_net(&net, engine, trainer->graph, trainer->weights, &conf)) < 0 ||
        (rc = run(trainer, net, &tally)) < 0) {
        goto out;
    }
    if (tally.count > 0) {
        dogbreed_evaluation means = {.struct_size = (uint32_t)sizeof means};
        dogb_tally_finish(&means, &tally);
        epoch->val_count = means.count;
        epoch->val_loss = means.loss;
        epoch->val_accuracy = means.top1;
        epoch->val_top5 = means.top5;
        epoch->val_ece = dogb_calibration_error(tally.bins);
    }
out:
    if (net != NULL) {
        engine->net_destroy(net);
    }
    dogb_arena_free(&scratch);
    return rc;
}
