// tell.c - a trial, as it stands, to the listener.
#include "core/clock.h"
#include "core/error.h"
#include "tuner/state.h"

#include <math.h>

int dogb_tuner_tell(dogbreed_tuner *tuner, int64_t number, int32_t kind, int32_t epochs) {
    const dogb_trial *trial = &tuner->trials[number];
    dogb_arena scratch = {0};
    if (tuner->fn == NULL) {
        return DOGBREED_OK;
    }
    int64_t best = dogb_tuner_best(tuner);
    int32_t epoch = trial->curve_count;
    double last = epoch > 0 ? trial->curve[epoch - 1] : (double)NAN;
    dogbreed_trial_event event = {
        .struct_size = (uint32_t)sizeof event,
        .kind = kind,
        .number = number,
        .done = dogb_tuner_done(tuner),
        .total = dogb_tuner_total(tuner),
        .best_number = best,
        .value = kind == DOGBREED_TRIAL_EVENT_END ? trial->value : last,
        .best_value = best < 0 ? (double)NAN : tuner->trials[best].value,
        .time = dogb_clock() - tuner->begin,
        .epoch = epoch,
        .epochs = epochs,
        .state = trial->state,
        .reason = trial->reason == NULL ? "" : trial->reason,
    };
    json_t *params = dogb_json_object(&scratch);
    int rc = params == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_trial_params(params, tuner, trial);
    event.params = rc < 0 ? NULL : dogb_json_text_in(&scratch, params, 0);
    rc = rc == DOGBREED_OK && event.params == NULL ? DOGBREED_ERROR_NO_MEMORY : rc;
    int said = rc < 0 ? 0 : tuner->fn(&event, tuner->userdata);
    dogb_arena_free(&scratch);
    if (said < 0) {
        return dogb_fail(DOGBREED_ERROR_CALLBACK, "the listener of trials returned %d", said);
    }
    tuner->stopping |= said == DOGBREED_STOP;
    return rc;
}
