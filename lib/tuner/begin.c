// begin.c - a round begins: its trials are suggested and put into the storage, and this run takes
// its part of them; others wait there for other workers. Those that another program has put into
// the study's queue (enqueue_trial in Optuna) are run in their turn: what it has fixed stays, the
// rest is suggested.
#include "core/clock.h"
#include "core/error.h"
#include "tuner/state.h"

#include <math.h>

int dogb_trial_complete(dogbreed_tuner *tuner, int64_t number) {
    dogb_arena scratch = {0};
    dogb_trial *trial = &tuner->trials[number];
    trial->start = dogb_clock_wall();
    double *values = dogb_alloc(&scratch, tuner->axis_count, sizeof *values);
    int rc = values == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_tuner_suggest(values, tuner, number);
    for (size_t i = 0; rc == DOGBREED_OK && i < tuner->axis_count; i++) {
        trial->values[i] = isnan(trial->values[i]) ? values[i] : trial->values[i];
    }
    dogb_arena_free(&scratch);
    return rc;
}

typedef struct beginning {
    int64_t from; // of the round
    int64_t to;
    int64_t before; // trials that the storage has
    int64_t open;   // of the round, that a run may take
} beginning;

// New ones, those of the queue, and those that a run has begun: whether it still has them is known
// when they are taken.
static int is_open(const dogbreed_tuner *tuner, int64_t number) {
    const dogb_trial *trial = &tuner->trials[number];
    return trial->state == DOGB_TRIAL_WAITING ||
           (trial->state == DOGB_TRIAL_RUNNING && trial->ours);
}

// This run's part: all of the round, or with other workers an equal share of what is left.
static int take_part(dogbreed_tuner *tuner, void *userdata) {
    const beginning *b = userdata;
    int32_t workers = tuner->study == NULL ? 1 : tuner->options.workers;
    int64_t part = (b->open + workers - 1) / workers;
    int rc = DOGBREED_OK;
    for (int64_t k = b->from; rc >= 0 && k < b->to; k++) {
        dogb_trial *trial = &tuner->trials[k];
        int wanted = part > 0;
        trial->mine = 0; // a transaction may be tried again
        if (k >= b->before) {
            rc = dogb_keep_add(tuner, trial, wanted ? DOGB_TRIAL_RUNNING : DOGB_TRIAL_WAITING);
            trial->mine = wanted && rc == DOGBREED_OK;
        } else if (wanted && is_open(tuner, k)) {
            rc = dogb_keep_take(tuner, trial);
            trial->mine = rc > 0;
        }
        part -= trial->mine;
    }
    return rc < 0 ? rc : DOGBREED_OK;
}

// The round's trials that are queued or not there yet, suggested one after the other, stored and
// taken at once.
int dogb_tuner_begin(int64_t *count, dogbreed_tuner *tuner, int64_t from, int64_t to) {
    beginning b = {.from = from, .to = to, .before = (int64_t)tuner->count};
    dogb_trial *trial = NULL;
    int rc = DOGBREED_OK;
    for (int64_t k = from; rc == DOGBREED_OK && k < to; k++) {
        if (k >= b.before) {
            rc = dogb_tuner_next(&trial, tuner);
        } else if (tuner->trials[k].state == DOGB_TRIAL_WAITING) {
            rc = dogb_trial_complete(tuner, k);
        }
        if (rc == DOGBREED_OK) {
            tuner->trials[k].ours |= k >= b.before || tuner->trials[k].state == DOGB_TRIAL_WAITING;
            b.open += is_open(tuner, k);
        }
    }
    rc = rc < 0 ? rc : dogb_keep_batch(tuner, take_part, &b);
    if (rc < 0) {
        for (int64_t k = from; k < (int64_t)tuner->count && k < to; k++) {
            tuner->trials[k].mine = 0;
        }
        tuner->count = (size_t)b.before < tuner->count ? (size_t)b.before : tuner->count;
        return rc;
    }
    *count = 0;
    for (int64_t k = from; k < to; k++) {
        trial = &tuner->trials[k];
        trial->state = trial->mine     ? DOGB_TRIAL_RUNNING
                       : k >= b.before ? DOGB_TRIAL_WAITING
                                       : trial->state;
        *count += trial->mine;
    }
    return DOGBREED_OK;
}
