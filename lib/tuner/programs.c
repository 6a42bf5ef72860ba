// programs.c - a round whose trials are programs: some run at once, each number of the objective is
// a step. What becomes of a trial follows from the lines that it prints and how it ends, and from
// earlier rounds; not from the clock, nor from those beside it.
#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "tuner/command.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { WAITING = 0, GOING = 1, ENDED = 2, SETTLED = 3 };
enum { CUT = 1, STALE = 2, NONE = 4 }; // doubts about a metric
enum { STEPS_MAX = 4096, REASON_MAX = 900 };

typedef struct crew crew;

typedef struct runner {
    crew *crew;
    dogb_arena arena;
    dogb_program *program;
    dogb_tally *tallies; // of each metric
    int64_t number;
    int32_t told; // steps that the storage has
    int32_t phase;
    int32_t pruned; // its numbers count no more
    int32_t reserved;
} runner;

struct crew {
    dogbreed_tuner *tuner;
    runner *runners;
    dogb_program **going; // programs that run
    int32_t count;
    int32_t over; // the round is given up: nothing counts any more
};

static dogb_trial *trial_of(const runner *r) {
    return &r->crew->tuner->trials[r->number];
}

static int tell(const runner *r, int32_t kind) {
    dogbreed_tuner *tuner = r->crew->tuner;
    return dogb_tuner_tell(tuner, r->number, kind, dogb_command_planned(tuner, trial_of(r)));
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
    int rc = dogb_trial_report(tuner, r->number, value);
    rc = rc < 0 ? rc : tell(r, DOGBREED_TRIAL_EVENT_EPOCH);
    int stops = rc < 0 ? rc : more_follows(r) ? dogb_trial_prune(tuner, r->number) : 0;
    if (stops > 0) {
        r->pruned = 1;
        dogb_program_stop(r->program);
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
        while (
            rc == DOGBREED_OK && !r->pruned && !r->crew->over &&
            dogb_metric_next(&value, command->metrics[i].metric, &r->tallies[i], line->text, &at)) {
            rc = i == 0 ? step(r, value) : DOGBREED_OK;
        }
    }
    return rc;
}

// --- the end of one

// What to think of a metric, in the log of the trial; in the library's log once.
static int doubt(runner *r, size_t i, int32_t kind, const char *text) {
    dogb_command_metric *one = &r->crew->tuner->command->metrics[i];
    if ((one->warned & kind) == 0) {
        dogb_log(DOGBREED_LOG_WARNING, "trial %lld: metric %s: %s", (long long)r->number,
                 dogb_metric_name(one->metric), text);
    }
    one->warned |= kind;
    return dogb_program_note(r->program, "metric %s: %s", dogb_metric_name(one->metric), text);
}

static int judge_metric(runner *r, size_t i) {
    const dogb_tally *tally = &r->tallies[i];
    char text[400];
    int rc = DOGBREED_OK;
    if (tally->cut > 0) {
        (void)snprintf(text, sizeof text,
                       "\"%s\" was read as %s (%lld times): the pattern takes a part of the "
                       "number, ([-+0-9.eE]+) takes all of it",
                       tally->cut_text, tally->cut_number, (long long)tally->cut);
        rc = doubt(r, i, CUT, text);
    }
    if (rc == DOGBREED_OK && tally->stale && tally->found > 0) {
        (void)snprintf(text, sizeof text,
                       "%lld lines have its name and no number, the last one is \"%s\"; the value "
                       "is that of a line before",
                       (long long)tally->missing, tally->missing_text);
        rc = doubt(r, i, STALE, text);
    }
    if (rc == DOGBREED_OK && tally->found == 0 && i > 0 && !r->pruned) {
        rc = doubt(r, i, NONE, "no line had a number");
    }
    return rc;
}

static int fail_trial(runner *r, const char *reason) {
    r->phase = ENDED;
    return dogb_trial_fail(r->crew->tuner, r->number, reason);
}

// How the program itself says that it has failed; "": it has not.
static void failure_of(char *out, size_t size, const runner *r) {
    dogb_program_end end = dogb_program_look(r->program);
    const char *last = dogb_program_last_line(r->program);
    char what[120] = "";
    if (end.timed_out) {
        (void)snprintf(what, sizeof what, "it ran longer than %.15g s",
                       r->crew->tuner->command->options.command_time_limit);
    } else if (end.process.signal != 0) {
        (void)snprintf(what, sizeof what, "signal %d ended it", (int)end.process.signal);
    } else if (end.process.code < 0) {
        (void)snprintf(what, sizeof what,
                       "its exit code is not known: this process ignores SIGCHLD");
    } else if (end.process.code != 0) {
        (void)snprintf(what, sizeof what, "exit code %d", (int)end.process.code);
    }
    (void)snprintf(out, size, "%s%s%s", what, *what != '\0' && *last != '\0' ? ": " : "",
                   *what != '\0' ? last : "");
}

static void no_number(char *out, size_t size, const runner *r) {
    const dogb_metric *metric = r->crew->tuner->command->metrics[0].metric;
    const dogb_tally *tally = &r->tallies[0];
    if (tally->missing > 0) {
        (void)snprintf(out, size,
                       "metric %s: no line had a number; %lld have \"%s\", the last one is \"%s\"",
                       dogb_metric_name(metric), (long long)tally->missing,
                       dogb_metric_label(metric), tally->missing_text);
    } else {
        (void)snprintf(out, size, "metric %s: no line had a number", dogb_metric_name(metric));
    }
}

static int keep_metrics(runner *r) {
    dogbreed_tuner *tuner = r->crew->tuner;
    const dogb_command *command = tuner->command;
    dogb_arena scratch = {0};
    json_t *object = dogb_json_object(&scratch);
    int rc = object == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < command->count; i++) {
        if (r->tallies[i].found > 0) {
            rc = dogb_json_set_real(object, dogb_metric_name(command->metrics[i].metric),
                                    r->tallies[i].last);
        }
    }
    if (rc == DOGBREED_OK) {
        char *text = dogb_json_text_in(&tuner->arena, object, 0);
        trial_of(r)->metrics = text;
        rc = text == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    }
    dogb_arena_free(&scratch);
    return rc;
}

static int end_trial(runner *r) {
    dogb_trial *trial = trial_of(r);
    char reason[REASON_MAX] = "";
    trial->complete = dogb_clock_wall();
    int rc = keep_metrics(r);
    for (size_t i = 0; rc == DOGBREED_OK && i < r->crew->tuner->command->count; i++) {
        rc = judge_metric(r, i);
    }
    if (rc < 0) {
        return rc;
    }
    if (!r->pruned) {
        failure_of(reason, sizeof reason, r);
    }
    if (*reason == '\0' && r->tallies[0].found == 0) {
        no_number(reason, sizeof reason, r);
    }
    if (*reason == '\0' && !isfinite(r->tallies[0].last)) {
        (void)snprintf(reason, sizeof reason, "the objective is not a finite number");
    }
    if (*reason != '\0') {
        return fail_trial(r, reason);
    }
    r->phase = ENDED;
    trial->state = r->pruned ? DOGB_TRIAL_PRUNED : DOGB_TRIAL_COMPLETE;
    trial->value = r->tallies[0].last;
    return DOGBREED_OK;
}

// --- storage

static int keep(dogbreed_tuner *tuner, void *userdata) {
    const crew *c = userdata;
    int rc = DOGBREED_OK;
    for (int32_t i = 0; rc == DOGBREED_OK && i < c->count; i++) {
        const runner *r = &c->runners[i];
        rc = r->phase == GOING || r->phase == ENDED
                 ? dogb_keep_trial(tuner, r->number, r->told, r->phase == ENDED)
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
    r->tallies = dogb_alloc(&r->arena, tuner->command->count, sizeof *r->tallies);
    int rc = r->tallies == NULL ? DOGBREED_ERROR_NO_MEMORY
                                : dogb_command_prepare(&conf, tuner, trial_of(r), &r->arena);
    conf.line = on_line;
    conf.userdata = r;
    rc = rc < 0 ? rc : dogb_program_start(&r->program, &conf);
    if (rc < 0 && !dogb_trial_spared(rc)) {
        trial_of(r)->complete = dogb_clock_wall();
        rc = fail_trial(r, dogbreed_error_message());
    }
    return rc < 0 ? rc : tell(r, DOGBREED_TRIAL_EVENT_BEGIN);
}

static void free_runner(runner *r) {
    dogb_program_destroy(r->program);
    r->program = NULL;
    dogb_arena_free(&r->arena);
}

static int32_t list_going(crew *c) {
    int32_t count = 0;
    for (int32_t i = 0; i < c->count; i++) {
        if (c->runners[i].phase == GOING && c->runners[i].program != NULL) {
            c->going[count++] = c->runners[i].program;
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
        if (r->phase == GOING && dogb_program_look(r->program).ended) {
            rc = end_trial(r);
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
        rc = rc < 0 ? rc : dogb_program_wait(c->going, list_going(c), 0.1);
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

int dogb_command_round(dogbreed_tuner *tuner, int64_t from, int64_t to) {
    dogb_arena scratch = {0};
    size_t count = (size_t)(to - from);
    crew c = {.tuner = tuner};
    c.runners = dogb_alloc(&scratch, count, sizeof *c.runners);
    c.going = dogb_alloc(&scratch, count, sizeof *c.going);
    int rc = c.runners == NULL || c.going == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (int64_t k = from; rc == DOGBREED_OK && k < to; k++) {
        if (tuner->trials[k].mine) {
            c.runners[c.count++] = (runner){.crew = &c, .number = k};
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
