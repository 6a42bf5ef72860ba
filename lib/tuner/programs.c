// programs.c - a round whose trials are programs: some run at once, each number of the objective is
// a step. What becomes of a trial follows from the lines that it prints and how it ends, and from
// earlier rounds; not from the clock, nor from those beside it.
#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "tuner/command.h"

enum { WAITING = 0, GOING = 1, ENDED = 2, SETTLED = 3 };
enum { STEPS_MAX = 4096 };

typedef struct crew crew;

typedef struct runner {
    dogb_attempt attempt;
    crew *crew;
    dogb_arena arena;
    int32_t told; // steps that the storage has
    int32_t phase;
} runner;

struct crew {
    dogbreed_tuner *tuner;
    runner *runners;
    dogb_program **going; // programs that run
    int32_t count;
    int32_t over; // the round is given up: nothing counts any more
};

static dogb_trial *trial_of(const runner *r) {
    return &r->crew->tuner->trials[r->attempt.number];
}

static int tell(const runner *r, int32_t kind) {
    dogbreed_tuner *tuner = r->crew->tuner;
    return dogb_tuner_tell(tuner, r->attempt.number, kind,
                           dogb_command_planned(tuner, trial_of(r)));
}

// --- lines

// Whether there is something to stop. Nobody has said how many numbers come: a program may print
// its only one at its end.
static int more_follows(const runner *r) {
    int32_t planned = dogb_command_planned(r->crew->tuner, trial_of(r));
    int32_t count = trial_of(r)->curve_count;
    return planned > 0 ? count < planned : count > 1;
}

static int step(runner *r, double value) {
    dogbreed_tuner *tuner = r->crew->tuner;
    if (trial_of(r)->curve_count >= STEPS_MAX) {
        return DOGBREED_OK; // of those that follow the last one counts
    }
    int rc = dogb_trial_report(tuner, r->attempt.number, value);
    rc = rc < 0 ? rc : tell(r, DOGBREED_TRIAL_EVENT_EPOCH);
    int stops = rc < 0 ? rc : more_follows(r) ? dogb_trial_prune(tuner, r->attempt.number) : 0;
    if (stops > 0) {
        r->attempt.pruned = 1;
        dogb_program_stop(r->attempt.program);
    }
    return stops < 0 ? stops : DOGBREED_OK;
}

static int on_line(const dogb_line *line, void *userdata) {
    runner *r = userdata;
    const dogb_command *command = r->crew->tuner->command;
    int rc = DOGBREED_OK;
    // Others first: what stands beside the objective belongs to the same step.
    for (size_t i = command->count; i-- > 0;) {
        size_t at = 0;
        double value = 0;
        while (rc == DOGBREED_OK && !r->attempt.pruned && !r->crew->over &&
               dogb_metric_next(&value, command->metrics[i].metric, &r->attempt.tallies[i],
                                line->text, &at)) {
            rc = i == 0 ? step(r, value) : DOGBREED_OK;
        }
    }
    return rc;
}

// --- storage

static int keep(dogbreed_tuner *tuner, void *userdata) {
    const crew *c = userdata;
    int rc = DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < c->count; i++) {
        const runner *r = &c->runners[i];
        rc = r->phase == GOING || r->phase == ENDED
                 ? dogb_keep_trial(tuner, r->attempt.number, r->told, r->phase == ENDED)
                 : DOGBREED_OK;
    }
    return rc;
}

static int has_news(const crew *c) {
    for (int32_t i = 0; i < c->count; i++) {
        const runner *r = &c->runners[i];
        if (r->phase == ENDED || (r->phase == GOING && r->told < trial_of(r)->curve_count)) {
            return 1;
        }
    }
    return 0;
}

// A batch may run twice: what it has written is noted behind it.
static int settle(crew *c) {
    int rc = has_news(c) ? dogb_keep_batch(c->tuner, keep, c) : DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < c->count; i++) {
        runner *r = &c->runners[i];
        r->told = r->phase == GOING ? trial_of(r)->curve_count : r->told;
        if (r->phase == ENDED) {
            r->phase = SETTLED;
            rc = tell(r, DOGBREED_TRIAL_EVENT_END);
        }
    }
    return rc;
}

// --- a round

static int begin_trial(runner *r) {
    dogbreed_tuner *tuner = r->crew->tuner;
    dogb_program_conf conf;
    trial_of(r)->curve_count = 0; // one that was interrupted begins again
    trial_of(r)->start = dogb_clock_wall();
    r->phase = GOING;
    r->attempt.tallies = dogb_alloc(&r->arena, tuner->command->count, sizeof *r->attempt.tallies);
    int rc = r->attempt.tallies == NULL
                 ? DOGBREED_ERROR_NO_MEMORY
                 : dogb_command_prepare(&conf, tuner, trial_of(r), &r->arena);
    conf.line = on_line;
    conf.userdata = r;
    rc = rc < 0 ? rc : dogb_program_start(&r->attempt.program, &conf);
    if (rc < 0 && !dogb_trial_spared(rc)) {
        trial_of(r)->complete = dogb_clock_wall();
        r->phase = ENDED;
        rc = dogb_trial_fail(tuner, r->attempt.number, dogbreed_error_message());
    }
    return rc < 0 ? rc : tell(r, DOGBREED_TRIAL_EVENT_BEGIN);
}

static void free_runner(runner *r) {
    dogb_program_destroy(r->attempt.program);
    r->attempt.program = NULL;
    dogb_arena_free(&r->arena);
}

static int32_t list_going(crew *c) {
    int32_t count = 0;
    for (int32_t i = 0; i < c->count; i++) {
        if (c->runners[i].phase == GOING && c->runners[i].attempt.program != NULL) {
            c->going[count++] = c->runners[i].attempt.program;
        }
    }
    return count;
}

// In their order, as many as may run at once.
static int begin_trials(crew *c) {
    int32_t room = c->tuner->command->options.parallel - list_going(c);
    int rc = DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < c->count && room > 0; i++) {
        if (c->runners[i].phase == WAITING) {
            rc = begin_trial(&c->runners[i]);
            room -= c->runners[i].phase == GOING;
        }
    }
    return rc;
}

static int end_trials(crew *c) {
    int rc = DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < c->count; i++) {
        runner *r = &c->runners[i];
        if (r->phase == GOING && dogb_program_look(r->attempt.program).ended) {
            r->phase = ENDED;
            rc = dogb_command_verdict(&r->attempt);
        }
    }
    rc = rc < 0 ? rc : settle(c);
    for (int32_t i = 0; i < c->count; i++) {
        if (c->runners[i].phase == SETTLED) {
            free_runner(&c->runners[i]);
        }
    }
    return rc;
}

static int is_open(const crew *c) {
    int32_t i = 0;
    while (i < c->count && c->runners[i].phase == SETTLED) {
        i++;
    }
    return i < c->count;
}

static int run(crew *c) {
    int rc = DOGBREED_OK;
    while (rc == DOGBREED_OK && is_open(c)) {
        rc = c->tuner->stop ? dogb_fail(DOGBREED_ERROR_CANCELLED, "the study was stopped")
                            : begin_trials(c);
        int32_t count = list_going(c);
        rc = rc < 0 || count == 0 ? rc : dogb_program_wait(c->going, count, 0.1);
        rc = rc < 0 ? rc : end_trials(c);
    }
    return rc;
}

// Programs of a round that is given up are asked to end, and have their time for it.
static void give_up(crew *c) {
    int32_t left = 0;
    c->over = 1;
    do {
        left = 0;
        int32_t count = list_going(c);
        for (int32_t i = 0; i < count; i++) {
            dogb_program_stop(c->going[i]);
            left += !dogb_program_look(c->going[i]).ended;
        }
    } while (left > 0 && dogb_program_wait(c->going, list_going(c), 0.1) == DOGBREED_OK);
}

// The list of trials depends on the size of a round: it does not follow `parallel` by itself.
static void look_at_round(dogbreed_tuner *tuner) {
    dogb_command *command = tuner->command;
    if (!command->warned && command->options.parallel > tuner->round) {
        dogb_log(DOGBREED_LOG_WARNING,
                 "parallel: %d programs may run at once, but a round has %d trials (option round)",
                 (int)command->options.parallel, (int)tuner->round);
    }
    command->warned = 1;
}

int dogb_command_round(dogbreed_tuner *tuner, int64_t from, int64_t to) {
    dogb_arena scratch = {0};
    size_t count = (size_t)(to - from);
    crew c = {.tuner = tuner};
    look_at_round(tuner);
    c.runners = dogb_alloc(&scratch, count, sizeof *c.runners);
    c.going = dogb_alloc(&scratch, count, sizeof *c.going);
    int rc = c.runners == NULL || c.going == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (int64_t k = from; rc == DOGBREED_OK && k < to; k++) {
        if (tuner->trials[k].mine) {
            c.runners[c.count++] = (runner){.attempt = {.tuner = tuner, .number = k}, .crew = &c};
        }
    }
    rc = rc < 0 ? rc : run(&c);
    dogb_error_state error;
    dogb_error_save(&error, rc);
    if (rc < 0) {
        give_up(&c);
    }
    for (int32_t i = 0; i < c.count; i++) {
        free_runner(&c.runners[i]);
    }
    dogb_arena_free(&scratch);
    return dogb_error_restore(&error);
}
