// attach.c - the debugger listens: which steps are watched, and what happens at which event. Steps
// that nobody has to see cost one event; the others are looked at phase by phase.
#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "debug/debug_internal.h"

#include <dogbreed/record.h>
#include <string.h>

// --- plans

// Rules of how a training begins want its first steps.
static const int64_t first_steps[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

static void settle_plan(dogb_record_save *save, int64_t interval, int beginning) {
    if (save->interval == 0) {
        save->interval = interval > 1 ? interval : 1;
        if (beginning && interval > 1 && save->step_count == 0 && save->start == 0 &&
            save->end < 0) {
            save->steps = first_steps;
            save->step_count = sizeof first_steps / sizeof first_steps[0];
        }
    }
}

// A default interval follows the epochs, which are short where data sets are small: 20 points in
// each. Of a head on stored features tensors that only rules look at have 1, and its first steps
// none: a look costs two steps, as the engine has no use for the gradient by itself
// (bench/debug.c).
enum { POINTS = 20, HEAD_POINTS = 1 };

static void settle_plans(dogbreed_debug *debug, int64_t steps) {
    int head = dogb_trainer_cached(debug->trainer);
    int64_t looks = head ? (steps + HEAD_POINTS - 1) / HEAD_POINTS : steps / POINTS;
    for (int32_t mode = DOGBREED_MODE_TRAIN; mode < DOGB_MODES; mode++) {
        int training = mode == DOGBREED_MODE_TRAIN; // of evaluations each one
        settle_plan(&debug->plan[mode], training ? looks : 1, training && !head);
        for (size_t i = 0; i < debug->collections.count; i++) {
            dogb_collection *one = debug->collections.items[i];
            int64_t points = one->stored || one->scalar ? steps / POINTS : looks;
            settle_plan(&one->save[mode], training ? points : 1, training && !head);
        }
    }
}

// A subject without a collection of its own is watched by the plan of all.
static int is_due(const dogbreed_debug *debug, const dogb_subject *one, int plain) {
    int any = 0;
    for (size_t i = 2; i < debug->collections.count; i++) { // behind "default" and "all"
        any |= one->in[i];
        if (one->in[i] && debug->due[i]) {
            return 1;
        }
    }
    return !any && plain;
}

static int is_stored(const dogbreed_debug *debug, const dogb_subject *one) {
    for (size_t i = 0; i < debug->collections.count; i++) {
        if (one->in[i] && debug->due[i] && debug->collections.items[i]->stored) {
            return 1;
        }
    }
    return 0;
}

// What has to be seen at the steps first .. first + count - 1 of the mode.
static void plan_step(dogbreed_debug *debug, int32_t mode, int64_t first, int64_t count) {
    int plain = dogb_save_due(&debug->plan[mode], first, count);
    debug->kinds = 0;
    for (size_t i = 0; i < debug->collections.count; i++) {
        debug->due[i] =
            (uint8_t)dogb_save_due(&debug->collections.items[i]->save[mode], first, count);
    }
    for (int32_t i = 0; i < debug->subjects.count; i++) {
        dogb_subject *one = &debug->subjects.items[i];
        int ruled = (one->wanted >> mode & 1) != 0 && is_due(debug, one, plain);
        one->tensor.samples = 0;
        one->watched = ruled || (debug->keeper != NULL && is_stored(debug, one));
        one->judged = ruled;
        debug->kinds |= one->watched ? 1u << one->tensor.what : 0;
    }
}

// The next step of training at which anything is due.
static void plan_next(dogbreed_debug *debug, int64_t from) {
    debug->next = dogb_save_next(&debug->plan[DOGBREED_MODE_TRAIN], from);
    for (size_t i = 0; i < debug->collections.count; i++) {
        int64_t next =
            dogb_save_next(&debug->collections.items[i]->save[DOGBREED_MODE_TRAIN], from);
        debug->next = next < debug->next ? next : debug->next;
    }
}

// --- the first epoch

static int offer(dogbreed_debug *debug) {
    static const uint32_t evaluated = 1u << DOGBREED_TENSOR_LABEL |
                                      1u << DOGBREED_TENSOR_PREDICTION |
                                      1u << DOGBREED_TENSOR_SCALAR;
    static const uint32_t late = 1u << DOGBREED_TENSOR_PREDICTION | 1u << DOGBREED_TENSOR_SCALAR;
    for (int32_t i = 0; i < debug->subjects.count; i++) {
        dogb_subject *one = &debug->subjects.items[i];
        uint32_t kind = 1u << one->tensor.what;
        one->tensor.source = &debug->source;
        one->tensor.index = i;
        int loss = strcmp(one->offered, DOGB_LOSS_NAME) == 0; // steps have no accuracy
        if (((kind & late) == 0 || loss) &&
            dogb_rules_wants(debug->rules, DOGBREED_MODE_TRAIN, &one->tensor)) {
            one->wanted |= 1u << DOGBREED_MODE_TRAIN;
        }
        if ((kind & evaluated) != 0 &&
            dogb_rules_wants(debug->rules, DOGBREED_MODE_EVAL, &one->tensor)) {
            one->wanted |= 1u << DOGBREED_MODE_EVAL;
        }
    }
    return DOGBREED_OK;
}

static void say_what_cannot_be(const dogbreed_debug *debug) {
    for (int32_t i = 0; i < dogb_rules_count(debug->rules); i++) {
        dogb_rule_result result;
        dogb_rules_get(&result, debug->rules, i);
        if (result.status == DOGBREED_RULE_NOT_EVALUATED) {
            dogb_log(DOGBREED_LOG_INFO, "rule %s: not evaluated: %s", result.name, result.reason);
        }
    }
}

static int on_event(const dogbreed_event *event, void *userdata);

// Subscribed when everybody else is: what a rule says of an epoch comes behind what others write of
// it, whoever was attached first.
static int watch_ends(dogbreed_debug *debug) {
    return debug->ends != 0
               ? DOGBREED_OK
               : dogbreed_trainer_subscribe(debug->trainer, &debug->ends,
                                            DOGBREED_EVENT_MASK(DOGBREED_EVENT_EPOCH_END), on_event,
                                            debug);
}

static int begin(dogbreed_debug *debug, const dogbreed_event *event) {
    const dogbreed_dataset *valid = dogb_trainer_valid_set(debug->trainer);
    int64_t batch = dogb_trainer_options(debug->trainer)->batch_size;
    int64_t samples = valid == NULL ? 0 : dogbreed_dataset_size(valid);
    debug->eval_steps = samples < batch ? 1 : (samples + batch - 1) / batch;
    debug->evaluations = event->epoch;
    debug->epoch = event->epoch;
    debug->moment.steps_per_epoch = event->steps;
    settle_plans(debug, event->steps);
    int rc =
        dogb_subjects_create(&debug->subjects, &debug->arena, debug->trainer, &debug->collections);
    if (rc < 0) {
        return rc;
    }
    debug->due = dogb_alloc(&debug->arena, debug->collections.count, 1);
    if (debug->due == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    debug->ready = 1;
    if ((rc = offer(debug)) < 0 || (rc = watch_ends(debug)) < 0) {
        return rc;
    }
    say_what_cannot_be(debug);
    int stores = debug->directory != NULL || debug->memory != NULL;
    if (stores && !debug->options.debug_dry_run && dogb_debug_store(debug) < 0) {
        dogb_debug_give_up(debug);
    }
    dogb_debug_pictures(debug);
    return DOGBREED_OK;
}

// --- events

static void set_moment(dogbreed_debug *debug, int32_t mode, int64_t mode_step, int64_t train_step) {
    debug->moment.mode = mode;
    debug->moment.mode_step = mode_step;
    debug->moment.step = train_step + debug->evaluations * debug->eval_steps;
    debug->moment.epoch = debug->epoch;
}

// How far the training is; of_step: the event's step is one under way, not a count.
static void set_place(dogbreed_debug *debug, const dogbreed_event *event, int of_step) {
    debug->running = event->epoch - (event->kind == DOGBREED_EVENT_RUN_END && event->epoch > 0);
    debug->begun = event->step + of_step;
}

static int on_phase(const dogbreed_event *event, void *userdata) {
    static const struct {
        int32_t kind;
        uint32_t tensors;
    } phases[] = {
        {DOGBREED_EVENT_BATCH_READY, 1u << DOGBREED_TENSOR_INPUT | 1u << DOGBREED_TENSOR_LABEL},
        {DOGBREED_EVENT_FORWARD_END, 1u << DOGBREED_TENSOR_ACTIVATION},
        {DOGBREED_EVENT_BACKWARD_END, 1u << DOGBREED_TENSOR_GRADIENT},
        {DOGBREED_EVENT_STEP_END, 1u << DOGBREED_TENSOR_WEIGHT | 1u << DOGBREED_TENSOR_OPTIMIZER},
    };
    dogbreed_debug *debug = userdata;
    debug->reply = 0;
    set_place(debug, event, 1);
    for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++) {
        if (phases[i].kind == event->kind) {
            dogb_debug_feed(debug, event, debug->kinds & phases[i].tensors);
        }
    }
    if (event->kind == DOGBREED_EVENT_STEP_END) {
        dogb_debug_number(debug, DOGB_LOSS_NAME, event->loss, 0);
        dogb_debug_close_step(debug);
        (void)dogbreed_trainer_release(debug->trainer, debug->phases);
        debug->phases = 0;
    }
    return debug->reply;
}

static uint64_t phases_of(uint32_t kinds) {
    uint64_t mask = kinds == 0 ? 0 : DOGBREED_EVENT_MASK(DOGBREED_EVENT_STEP_END);
    mask |= (kinds & (1u << DOGBREED_TENSOR_INPUT | 1u << DOGBREED_TENSOR_LABEL)) != 0
                ? DOGBREED_EVENT_MASK(DOGBREED_EVENT_BATCH_READY)
                : 0;
    mask |= (kinds & 1u << DOGBREED_TENSOR_ACTIVATION) != 0
                ? DOGBREED_EVENT_MASK(DOGBREED_EVENT_FORWARD_END)
                : 0;
    mask |= (kinds & 1u << DOGBREED_TENSOR_GRADIENT) != 0
                ? DOGBREED_EVENT_MASK(DOGBREED_EVENT_BACKWARD_END)
                : 0;
    return mask;
}

static void on_step(dogbreed_debug *debug, const dogbreed_event *event) {
    if (!debug->ready || (event->step < debug->next && !debug->pending)) {
        return;
    }
    plan_next(debug, event->step + 1);
    set_moment(debug, DOGBREED_MODE_TRAIN, event->step, event->step);
    dogb_debug_keep_scalars(debug);
    plan_step(debug, DOGBREED_MODE_TRAIN, event->step, 1);
    uint64_t mask = phases_of(debug->kinds);
    if (mask == 0) {
        dogb_debug_commit(debug); // numbers of the program's own are all there is
    }
    if (mask != 0 && debug->phases == 0 &&
        dogbreed_trainer_subscribe(debug->trainer, &debug->phases, mask, on_phase, debug) < 0) {
        debug->phases = 0; // no memory: this step is not seen
    }
}

static void on_evaluation(dogbreed_debug *debug, const dogbreed_event *event) {
    if (!debug->ready) {
        return;
    }
    int64_t first = debug->evaluations * debug->eval_steps;
    int64_t last = first + debug->eval_steps - 1;
    set_moment(debug, DOGBREED_MODE_EVAL, last, event->step + debug->eval_steps - 1);
    plan_step(debug, DOGBREED_MODE_EVAL, first, debug->eval_steps);
    debug->evaluations++;
    if (debug->kinds != 0) {
        dogb_debug_feed(debug, event,
                        1u << DOGBREED_TENSOR_LABEL | 1u << DOGBREED_TENSOR_PREDICTION);
        dogb_debug_number(debug, DOGB_LOSS_NAME, event->val_loss, event->done);
        dogb_debug_number(debug, DOGB_ACCURACY_NAME, event->val_accuracy, event->done);
        dogb_debug_close_step(debug);
    }
}

static void on_epoch(dogbreed_debug *debug, const dogbreed_event *event) {
    dogb_trainer_status status;
    dogb_trainer_status_get(&status, debug->trainer);
    const dogb_epoch *means = &status.epochs[event->epoch];
    const dogb_rule_epoch epoch = {
        .epoch = event->epoch,
        .step = event->step,
        .train_loss = event->train_loss,
        .train_accuracy = event->train_accuracy,
        .val_loss = event->val_loss,
        .val_accuracy = event->val_accuracy,
        .train_count = means->train_count,
        .val_count = means->val_count,
    };
    if (!debug->ready) {
        return;
    }
    dogb_debug_remember(debug, &epoch);
    if (dogb_rules_epoch(debug->rules, &epoch) == DOGBREED_STOP) {
        debug->reply = DOGBREED_STOP;
    }
    debug->epoch = event->epoch + 1;
    dogb_debug_write(debug, 0);
}

static void on_end(dogbreed_debug *debug) {
    if (debug->phases != 0) { // inside a step that failed
        (void)dogbreed_trainer_release(debug->trainer, debug->phases);
        debug->phases = 0;
    }
    // Trials of a study may have trained further than they count: no last word then.
    if (!debug->ended && !debug->epochs_alone) {
        (void)dogb_rules_end(debug->rules);
        debug->ended = 1;
    }
    dogb_hook_wait(&debug->command);
    dogb_debug_finish(debug);
    dogb_debug_write(debug, 1);
}

static int on_event(const dogbreed_event *event, void *userdata) {
    dogbreed_debug *debug = userdata;
    debug->reply = 0;
    set_place(debug, event, event->kind == DOGBREED_EVENT_STEP_BEGIN);
    switch (event->kind) {
    case DOGBREED_EVENT_EPOCH_BEGIN:
        if (!debug->ready && begin(debug, event) < 0) {
            dogb_log(DOGBREED_LOG_WARNING, "debugger: %s; the training goes on without it",
                     dogbreed_error_message());
            debug->ready = 0;
            dogb_debug_leave(debug);
        }
        break;
    case DOGBREED_EVENT_STEP_BEGIN:
        on_step(debug, event);
        break;
    case DOGBREED_EVENT_EVAL_END:
        on_evaluation(debug, event);
        break;
    case DOGBREED_EVENT_EPOCH_END:
        on_epoch(debug, event);
        break;
    case DOGBREED_EVENT_RUN_END:
        on_end(debug);
        break;
    default:
        (void)dogb_rules_alive(debug->rules);
        break;
    }
    dogb_hook_look(&debug->command);
    return debug->reply;
}

int dogb_debug_watch(dogbreed_debug *debug) {
    uint64_t mask = DOGBREED_EVENT_MASK(DOGBREED_EVENT_EPOCH_BEGIN) |
                    DOGBREED_EVENT_MASK(DOGBREED_EVENT_EVAL_END) |
                    DOGBREED_EVENT_MASK(DOGBREED_EVENT_PROGRESS) |
                    DOGBREED_EVENT_MASK(DOGBREED_EVENT_RUN_END);
    int rc =
        dogbreed_trainer_subscribe(debug->trainer, &debug->subscription, mask, on_event, debug);
    return rc < 0 ? rc : dogb_debug_watch_steps(debug);
}

// Single steps are heard only for tensors: trainings that share a bank would each go alone.
int dogb_debug_watch_steps(dogbreed_debug *debug) {
    static const uint32_t late = 1u << DOGBREED_TENSOR_LABEL | 1u << DOGBREED_TENSOR_PREDICTION;
    int tensors = (dogb_rules_sees(debug->rules) & ~late) != 0 || debug->directory != NULL ||
                  debug->memory != NULL;
    if (!tensors || debug->epochs_alone || debug->steps != 0) {
        return DOGBREED_OK;
    }
    return dogbreed_trainer_subscribe(debug->trainer, &debug->steps,
                                      DOGBREED_EVENT_MASK(DOGBREED_EVENT_STEP_BEGIN), on_event,
                                      debug);
}

void dogb_debug_leave(dogbreed_debug *debug) {
    int32_t *const all[] = {&debug->subscription, &debug->ends, &debug->steps, &debug->phases};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (*all[i] != 0) {
            (void)dogbreed_trainer_release(debug->trainer, *all[i]);
            *all[i] = 0;
        }
    }
}
