// verdict.c - what has become of a trial whose program has ended, and what to think of the numbers
// that were read.
#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "tuner/command.h"

#include <math.h>
#include <stdio.h>

enum { CUT = 1, STALE = 2, NONE = 4 }; // doubts about a metric
enum { REASON_MAX = 900 };

// What to think of a metric, in the log of the trial; in the library's log once.
static int doubt(const dogb_attempt *a, size_t i, int32_t kind, const char *text) {
    dogb_command_metric *one = &a->tuner->command->metrics[i];
    if ((one->warned & kind) == 0) {
        dogb_log(DOGBREED_LOG_WARNING, "trial %lld: metric %s: %s", (long long)a->number,
                 dogb_metric_name(one->metric), text);
    }
    one->warned |= kind;
    return dogb_program_note(a->program, "metric %s: %s", dogb_metric_name(one->metric), text);
}

static int judge_metric(const dogb_attempt *a, size_t i) {
    const dogb_tally *tally = &a->tallies[i];
    char text[400];
    int rc = DOGBREED_OK;
    if (tally->cut > 0) {
        (void)snprintf(text, sizeof text,
                       "\"%s\" was read as %s (%lld times): the pattern takes a part of the "
                       "number, ([-+0-9.eE]+) takes all of it",
                       tally->cut_text, tally->cut_number, (long long)tally->cut);
        rc = doubt(a, i, CUT, text);
    }
    if (rc == DOGBREED_OK && tally->stale && tally->found > 0) {
        (void)snprintf(text, sizeof text,
                       "%lld lines have its name and no number, the last one is \"%s\"; the value "
                       "is that of a line before",
                       (long long)tally->missing, tally->missing_text);
        rc = doubt(a, i, STALE, text);
    }
    if (rc == DOGBREED_OK && tally->found == 0 && i > 0 && !a->pruned) {
        rc = doubt(a, i, NONE, "no line had a number");
    }
    return rc;
}

// How the program itself says that it has failed; "": it has not.
static void failure_of(char *out, size_t size, const dogb_attempt *a) {
    dogb_program_end end = dogb_program_look(a->program);
    const char *last = dogb_program_last_line(a->program);
    char what[120] = "";
    if (end.timed_out) {
        (void)snprintf(what, sizeof what, "it ran longer than %.15g s",
                       a->tuner->command->options.command_time_limit);
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

static void no_number(char *out, size_t size, const dogb_attempt *a) {
    const dogb_metric *metric = a->tuner->command->metrics[0].metric;
    const dogb_tally *tally = &a->tallies[0];
    if (tally->missing > 0) {
        (void)snprintf(out, size,
                       "metric %s: no line had a number; %lld have \"%s\", the last one is \"%s\"",
                       dogb_metric_name(metric), (long long)tally->missing,
                       dogb_metric_label(metric), tally->missing_text);
    } else {
        (void)snprintf(out, size, "metric %s: no line had a number", dogb_metric_name(metric));
    }
}

static int keep_metrics(const dogb_attempt *a) {
    dogbreed_tuner *tuner = a->tuner;
    const dogb_command *command = tuner->command;
    dogb_arena scratch = {0};
    json_t *object = dogb_json_object(&scratch);
    int rc = object == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < command->count; i++) {
        if (a->tallies[i].found > 0) {
            rc = dogb_json_set_real(object, dogb_metric_name(command->metrics[i].metric),
                                    a->tallies[i].last);
        }
    }
    if (rc == DOGBREED_OK) {
        char *text = dogb_json_text_in(&tuner->arena, object, 0);
        tuner->trials[a->number].metrics = text;
        rc = text == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    }
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_command_verdict(const dogb_attempt *a) {
    dogb_trial *trial = &a->tuner->trials[a->number];
    char reason[REASON_MAX] = "";
    trial->complete = dogb_clock_wall();
    int rc = keep_metrics(a);
    for (size_t i = 0; rc == DOGBREED_OK && i < a->tuner->command->count; i++) {
        rc = judge_metric(a, i);
    }
    if (rc < 0) {
        return rc;
    }
    if (!a->pruned) {
        failure_of(reason, sizeof reason, a);
    }
    if (*reason == '\0' && a->tallies[0].found == 0) {
        no_number(reason, sizeof reason, a);
    }
    if (*reason == '\0' && !isfinite(a->tallies[0].last)) {
        (void)snprintf(reason, sizeof reason, "the objective is not a finite number");
    }
    if (*reason != '\0') {
        return dogb_trial_fail(a->tuner, a->number, reason);
    }
    trial->state = a->pruned ? DOGB_TRIAL_PRUNED : DOGB_TRIAL_COMPLETE;
    trial->value = a->tallies[0].last;
    return DOGBREED_OK;
}
