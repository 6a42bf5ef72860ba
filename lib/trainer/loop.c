// loop.c - training as the textbook has it: fetch a batch, forward, loss, backward, step. Each
// phase has its event; everything else (logs, checkpoints, early stopping, progress bars) listens
// to those or sits in the other files of this folder.
#include "core/clock.h"
#include "core/error.h"
#include "core/span.h"
#include "trainer/state.h"

#include <math.h>
#include <string.h>

static int64_t steps_done(const dogbreed_trainer *trainer) {
    return trainer->session == NULL
               ? 0
               : trainer->progress.epoch * trainer->session->schedule.epoch_steps +
                     trainer->progress.position;
}

void dogb_loop_event(dogbreed_event *event, const dogbreed_trainer *trainer, int32_t kind) {
    const dogb_progress *progress = &trainer->progress;
    const dogb_session *session = trainer->session;
    int ready = session != NULL && session->train != NULL;
    memset(event, 0, sizeof *event);
    event->struct_size = (uint32_t)sizeof *event;
    event->kind = kind;
    event->epoch = progress->epoch;
    event->epochs = trainer->options.epochs;
    event->step = steps_done(trainer);
    event->steps = ready ? dogb_source_steps(session->train) : 0;
    event->done = progress->tally.count;
    event->total = ready ? dogb_source_samples(session->train) : 0;
    event->time = dogb_clock() - trainer->begin;
    event->learning_rate = progress->rate;
    event->loss = (double)NAN;
    event->train_loss = (double)NAN;
    event->train_accuracy = (double)NAN;
    event->val_loss = (double)NAN;
    event->val_accuracy = (double)NAN;
    event->val_top5 = (double)NAN;
    event->text = "";
}

static int wanted(const dogb_training *loop, int32_t kind) {
    return (dogb_bus_mask(loop->trainer->bus) & DOGBREED_EVENT_MASK(kind)) != 0;
}

static int send(dogb_training *loop, dogbreed_event *event, const dogb_bus_source *source) {
    int rc = dogb_bus_send(loop->trainer->bus, event, source);
    if (rc == DOGBREED_STOP) {
        loop->stopping = 1;
        return DOGBREED_OK;
    }
    return rc;
}

// Tells of a phase and of what can be viewed; source NULL: nothing.
static int tell_of(dogb_training *loop, int32_t kind, const dogb_bus_source *source) {
    dogbreed_event event;
    dogb_loop_event(&event, loop->trainer, kind);
    event.loss = loop->batch_loss;
    event.step -= kind == DOGBREED_EVENT_STEP_END; // the step that is done, not the next one
    double seconds = dogb_clock() - loop->epoch_begin;
    event.images_per_second = seconds > 0.0 ? (double)loop->epoch_samples / seconds : 0.0;
    const dogb_tally *tally = &loop->trainer->progress.tally;
    if (kind == DOGBREED_EVENT_STEP_END && tally->count > 0) {
        event.train_loss = tally->loss_sum / (double)tally->count;
        event.train_accuracy = (double)tally->correct / (double)tally->count;
    }
    return send(loop, &event, source);
}

// The same; what: DOGBREED_TENSOR_ of the net that can be viewed, -1: none.
static int tell(dogb_training *loop, int32_t kind, int32_t what) {
    dogb_bus_source source = {
        .engine = loop->trainer->engine, .net = loop->session->net, .what = what};
    return wanted(loop, kind) ? tell_of(loop, kind, what < 0 ? NULL : &source) : DOGBREED_OK;
}

// Weights, and what the optimiser remembers of their gradients.
static int tell_step(dogb_training *loop) {
    const dogb_session *session = loop->session;
    dogb_bus_source source = {.engine = loop->trainer->engine,
                              .net = session->net,
                              .what = DOGBREED_TENSOR_WEIGHT,
                              .array_count = session->view_count,
                              .arrays = session->views};
    return wanted(loop, DOGBREED_EVENT_STEP_END) ? tell_of(loop, DOGBREED_EVENT_STEP_END, &source)
                                                 : DOGBREED_OK;
}

static int tell_batch(dogb_training *loop, const dogb_source_batch *batch) {
    dogb_bus_array arrays[2];
    dogb_bus_source source = {.arrays = arrays, .array_count = 2};
    if (!wanted(loop, DOGBREED_EVENT_BATCH_READY)) {
        return DOGBREED_OK;
    }
    dogb_source_input(&arrays[0], loop->session->train, batch);
    dogb_source_labels(&arrays[1], DOGBREED_TENSOR_LABEL, batch->labels, batch->input.count);
    return tell_of(loop, DOGBREED_EVENT_BATCH_READY, &source);
}

// The net keeps activations, gradients and weights for viewing only while somebody listens.
static int watch(dogb_training *loop) {
    uint32_t mask = 0;
    mask |= wanted(loop, DOGBREED_EVENT_FORWARD_END) ? 1u << DOGBREED_TENSOR_ACTIVATION : 0;
    mask |= wanted(loop, DOGBREED_EVENT_BACKWARD_END) ? 1u << DOGBREED_TENSOR_GRADIENT : 0;
    mask |= wanted(loop, DOGBREED_EVENT_STEP_END) ? 1u << DOGBREED_TENSOR_WEIGHT : 0;
    if (mask == loop->session->watched) {
        return DOGBREED_OK;
    }
    loop->session->watched = mask;
    int rc =
        (mask & 1u << DOGBREED_TENSOR_WEIGHT) != 0 ? dogb_views_create(loop->trainer) : DOGBREED_OK;
    if (rc < 0) {
        return rc;
    }
    const dogb_engine *engine = loop->trainer->engine;
    return dogb_engine_result(engine, engine->watch(loop->session->net, mask), "watch");
}

int dogb_loop_check_loss(const dogb_training *loop, double value) {
    const dogb_progress *progress = &loop->trainer->progress;
    if (isfinite(value)) {
        return DOGBREED_OK;
    }
    return dogb_fail(DOGBREED_ERROR_NUMERIC,
                     "epoch %d, step %lld: the loss is %s; learning_rate %g may be too high",
                     (int)progress->epoch + 1, (long long)progress->position + 1,
                     isnan(value) ? "not a number" : "infinite", progress->rate);
}

static void count(dogb_training *loop, const dogb_loss *loss, int32_t samples) {
    dogb_progress *progress = &loop->trainer->progress;
    progress->tally.count += samples;
    progress->tally.correct += loss->correct;
    progress->tally.correct5 += loss->correct5;
    progress->tally.loss_sum += loss->loss * samples;
    progress->position++;
    progress->cursor = dogb_source_cursor(loop->session->train);
    loop->epoch_samples += samples;
    loop->session->fresh = 0;
    loop->session->synced = 0;
}

// Forward, loss, backward, step on one batch.
static int run_phases(dogb_training *loop, const dogb_source_batch *batch) {
    dogbreed_trainer *trainer = loop->trainer;
    const dogb_engine *engine = trainer->engine;
    dogb_net *net = loop->session->net;
    dogb_loss loss = {0};
    dogb_target target = {
        .labels = batch->labels,
        .class_weights = trainer->class_weights,
        .count = batch->input.count,
        .label_smoothing = trainer->options.label_smoothing,
    };
    uint64_t span = dogb_span_begin(DOGB_SPAN_FORWARD);
    int rc = engine->forward(net, &batch->input, DOGB_MODE_TRAIN, trainer->options.seed,
                             steps_done(trainer));
    dogb_span_end(DOGB_SPAN_FORWARD, span, batch->input.count);
    if ((rc = dogb_engine_result(engine, rc, "forward")) < 0 ||
        (rc = tell(loop, DOGBREED_EVENT_FORWARD_END, DOGBREED_TENSOR_ACTIVATION)) < 0) {
        return rc;
    }
    span = dogb_span_begin(DOGB_SPAN_LOSS);
    rc = dogb_engine_result(engine, engine->loss(net, &target, &loss), "loss");
    dogb_span_end(DOGB_SPAN_LOSS, span, batch->input.count);
    if (rc < 0 || (rc = dogb_loop_check_loss(loop, loss.loss)) < 0) {
        return rc;
    }
    loop->batch_loss = loss.loss;
    span = dogb_span_begin(DOGB_SPAN_BACKWARD);
    rc = dogb_engine_result(engine, engine->backward(net), "backward");
    dogb_span_end(DOGB_SPAN_BACKWARD, span, batch->input.count);
    if (rc < 0 || (rc = tell(loop, DOGBREED_EVENT_BACKWARD_END, DOGBREED_TENSOR_GRADIENT)) < 0) {
        return rc;
    }
    span = dogb_span_begin(DOGB_SPAN_OPTIMIZER);
    rc = dogb_engine_result(
        engine, engine->optim_step(loop->session->optim, trainer->progress.rate), "optimiser step");
    dogb_span_end(DOGB_SPAN_OPTIMIZER, span, batch->input.count);
    if (rc == DOGBREED_OK) {
        count(loop, &loss, batch->input.count);
    }
    return rc;
}

static int run_step(dogb_training *loop) {
    dogbreed_trainer *trainer = loop->trainer;
    dogb_source_batch batch;
    loop->batch_loss = (double)NAN;
    trainer->progress.rate = dogb_schedule_rate(&loop->session->schedule, steps_done(trainer));
    int rc = tell(loop, DOGBREED_EVENT_STEP_BEGIN, -1);
    if (rc < 0 || (rc = watch(loop)) < 0 || // who subscribed at STEP_BEGIN sees this step
        (rc = dogb_source_next(loop->session->train, &batch)) < 0) {
        return rc;
    }
    if (rc == 0) {
        loop->exhausted = 1;
        return DOGBREED_OK;
    }
    if ((rc = tell_batch(loop, &batch)) < 0) {
        return rc;
    }
    trainer->in_step = 1;
    rc = run_phases(loop, &batch);
    trainer->in_step = 0;
    if (rc < 0) {
        trainer->broken = 1;
        return rc;
    }
    return tell_step(loop);
}

int32_t dogb_loop_interrupted(const dogb_training *loop) {
    const dogbreed_trainer *trainer = loop->trainer;
    double limit = trainer->options.time_limit;
    if (trainer->stop) {
        return DOGB_END_CANCELLED;
    }
    return limit > 0.0 && dogb_clock() - trainer->begin >= limit ? DOGB_END_TIME : DOGB_END_NONE;
}

static int evaluate(dogb_training *loop, dogb_epoch *epoch) {
    int rc = tell(loop, DOGBREED_EVENT_EVAL_BEGIN, -1);
    if (rc == DOGBREED_OK && !loop->validated) {
        uint64_t span = dogb_span_begin(DOGB_SPAN_EVALUATION);
        rc = dogb_validate(loop->trainer, epoch);
        dogb_span_end(DOGB_SPAN_EVALUATION, span, epoch->val_count);
    }
    if (rc < 0) {
        return rc;
    }
    dogbreed_event event;
    dogb_loop_event(&event, loop->trainer, DOGBREED_EVENT_EVAL_END);
    event.val_loss = epoch->val_loss;
    event.val_accuracy = epoch->val_accuracy;
    event.val_top5 = epoch->val_top5;
    event.done = epoch->val_count;
    event.total = epoch->val_count;
    dogb_bus_array arrays[2];
    dogb_bus_source source = {.arrays = arrays, .array_count = 2};
    int64_t judged = loop->session->judged;
    dogb_source_labels(&arrays[0], DOGBREED_TENSOR_LABEL, loop->session->val_labels, judged);
    dogb_source_labels(&arrays[1], DOGBREED_TENSOR_PREDICTION, loop->session->val_predictions,
                       judged);
    return send(loop, &event, judged == 0 ? NULL : &source);
}

static int tell_epoch(dogb_training *loop, const dogb_epoch *epoch) {
    dogbreed_event event;
    dogb_loop_event(&event, loop->trainer, DOGBREED_EVENT_EPOCH_END);
    event.epoch = loop->trainer->progress.epoch - 1;
    event.done = epoch->train_count;
    event.train_loss = epoch->train_loss;
    event.train_accuracy = epoch->train_accuracy;
    event.val_loss = epoch->val_loss;
    event.val_accuracy = epoch->val_accuracy;
    event.val_top5 = epoch->val_top5;
    event.images_per_second = epoch->images_per_second;
    event.improved = epoch->improved;
    return send(loop, &event, NULL);
}

int dogb_loop_begin_epoch(dogb_training *loop) {
    loop->exhausted = 0;
    loop->validated = 0;
    loop->epoch_samples = 0;
    loop->batch_loss = (double)NAN;
    int rc = tell(loop, DOGBREED_EVENT_EPOCH_BEGIN, -1);
    loop->epoch_begin = dogb_clock(); // what listeners prepare is not the epoch's time
    return rc;
}

void dogb_loop_clear_epoch(dogb_epoch *epoch) {
    *epoch = (dogb_epoch){.val_loss = (double)NAN,
                          .val_accuracy = (double)NAN,
                          .val_top5 = (double)NAN,
                          .val_ece = (double)NAN};
}

int dogb_loop_finish_epoch(dogb_training *loop, dogb_epoch *epoch) {
    dogbreed_trainer *trainer = loop->trainer;
    dogb_progress *progress = &trainer->progress;
    double now = dogb_clock();
    dogbreed_evaluation means = {.struct_size = (uint32_t)sizeof means};
    if (progress->tally.count == 0) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: no readable picture in the training split",
                         dogb_dataset_root(trainer->train));
    }
    dogb_tally_finish(&means, &progress->tally);
    epoch->learning_rate = progress->rate;
    epoch->train_count = means.count;
    epoch->train_loss = means.loss;
    epoch->train_accuracy = means.top1;
    epoch->step = steps_done(trainer);
    double seconds = now - loop->epoch_begin;
    epoch->images_per_second = seconds > 0.0 ? (double)loop->epoch_samples / seconds : 0.0;
    int rc = dogb_slots_read(trainer);
    if (rc < 0) {
        return rc;
    }
    if (!trainer->detached) {
        dogb_slots_to_model(trainer, DOGB_SLOTS_LAST);
    }
    if (loop->session->valid != NULL && (rc = evaluate(loop, epoch)) < 0) {
        return rc;
    }
    epoch->seconds = dogb_clock() - loop->epoch_begin;
    if ((rc = dogb_metrics_epoch(trainer, epoch)) < 0) {
        return rc;
    }
    return tell_epoch(loop, &progress->epochs[progress->epoch - 1]);
}

static int run_epoch(dogb_training *loop, int32_t *end) {
    dogbreed_trainer *trainer = loop->trainer;
    dogb_progress *progress = &trainer->progress;
    int64_t steps = dogb_source_steps(loop->session->train);
    int rc = dogb_loop_begin_epoch(loop);
    if (rc < 0 || loop->stopping) {
        return rc;
    }
    rc = dogb_source_begin(loop->session->train, progress->epoch, progress->cursor);
    while (rc == DOGBREED_OK && progress->position < steps && !loop->exhausted && !loop->stopping) {
        if ((*end = dogb_loop_interrupted(loop)) != DOGB_END_NONE) {
            return DOGBREED_OK;
        }
        int64_t step = steps_done(trainer);
        uint64_t span = dogb_span_begin(DOGB_SPAN_STEP);
        rc = run_step(loop);
        dogb_span_end(DOGB_SPAN_STEP, span, step);
    }
    if (rc < 0 || (*end = dogb_loop_interrupted(loop)) == DOGB_END_CANCELLED) {
        return rc;
    }
    *end = DOGB_END_NONE; // an epoch whose last step is done is finished also behind the time limit
    dogb_epoch epoch;
    dogb_loop_clear_epoch(&epoch);
    return dogb_loop_finish_epoch(loop, &epoch);
}

int32_t dogb_loop_end(const dogb_training *loop) {
    const dogb_progress *progress = &loop->trainer->progress;
    return progress->epoch >= loop->trainer->options.epochs ? DOGB_END_COMPLETED
           : progress->finished                             ? DOGB_END_EARLY
           : loop->stopping                                 ? DOGB_END_STOP
                                                            : DOGB_END_NONE;
}

int dogb_loop_run(dogbreed_trainer *trainer, int32_t *end) {
    dogb_training loop = {.trainer = trainer, .session = trainer->session};
    dogb_progress *progress = &trainer->progress;
    int rc = DOGBREED_OK;
    *end = DOGB_END_NONE;
    while (rc == DOGBREED_OK && *end == DOGB_END_NONE && !loop.stopping && !progress->finished &&
           progress->epoch < trainer->options.epochs) {
        int32_t epoch = progress->epoch;
        uint64_t span = dogb_span_begin(DOGB_SPAN_EPOCH);
        rc = run_epoch(&loop, end);
        dogb_span_end(DOGB_SPAN_EPOCH, span, epoch);
    }
    if (rc == DOGBREED_ERROR_CANCELLED && trainer->stop) {
        *end = DOGB_END_CANCELLED; // inside validation: the epoch's steps are done, the rest is not
        rc = DOGBREED_OK;
    }
    if (rc == DOGBREED_OK && *end == DOGB_END_NONE) {
        *end = dogb_loop_end(&loop);
    }
    return rc;
}
