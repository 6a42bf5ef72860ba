// board.c - a study for TensorBoard: what is searched in the folder itself, each trial in a folder
// of its own. All of it follows from the study, so that it can be made again at any time.
#include "core/clock.h"
#include "core/error.h"
#include "core/file.h"
#include "tensorboard/events.h"
#include "tensorboard/folder.h"
#include "tuner/command.h"

#include <math.h>
#include <string.h>
#include <time.h>

typedef struct board {
    const dogbreed_tuner *tuner;
    dogb_arena *arena;
    const char *directory;
    const char *objective;       // tag of its curve
    dogb_hparam *params;         // [axes]
    dogb_hparam_metric *metrics; // results of a trial: the objective, then others
    size_t metric_count;
} board;

// --- what is searched

// A kind that all choices have: words and numbers together are words.
static int32_t kind_of(const json_t *choices) {
    size_t numbers = 0;
    size_t booleans = 0;
    size_t count = json_array_size(choices);
    for (size_t i = 0; i < count; i++) {
        const json_t *choice = json_array_get(choices, i);
        numbers += json_is_number(choice);
        booleans += json_is_boolean(choice);
    }
    return numbers == count    ? DOGB_HPARAM_NUMBER
           : booleans == count ? DOGB_HPARAM_BOOL
                               : DOGB_HPARAM_TEXT;
}

static int describe_choices(dogb_hparam *param, const board *b, size_t index) {
    const dogb_axis *axis = &b->tuner->axes[index];
    const json_t *choices = b->tuner->distributions[index].choices;
    dogb_hparam_value *values = dogb_alloc(b->arena, (size_t)axis->choice_count, sizeof *values);
    if (values == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    param->kind = kind_of(choices);
    param->values = values;
    param->count = (size_t)axis->choice_count;
    for (size_t i = 0; i < param->count; i++) {
        const json_t *choice = json_array_get(choices, i);
        values[i] = (dogb_hparam_value){.kind = param->kind,
                                        .text = axis->choices[i],
                                        .number = json_is_number(choice) ? json_number_value(choice)
                                                                         : json_is_true(choice)};
    }
    return DOGBREED_OK;
}

static int describe_params(board *b) {
    const dogbreed_tuner *tuner = b->tuner;
    int rc = DOGBREED_OK;
    b->params = dogb_alloc(b->arena, tuner->axis_count, sizeof *b->params);
    if (b->params == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; rc == DOGBREED_OK && i < tuner->axis_count; i++) {
        const dogb_axis *axis = &tuner->axes[i];
        b->params[i] = (dogb_hparam){
            .name = axis->name, .kind = DOGB_HPARAM_NUMBER, .low = axis->low, .high = axis->high};
        if (axis->kind == DOGB_AXIS_CHOICE) {
            rc = describe_choices(&b->params[i], b, i);
        }
    }
    return rc;
}

// --- results

static const char val_loss[] = "val/loss";

static const char *objective_tag(const dogbreed_tuner *tuner) {
    static const char *const tags[] = {[DOGBREED_OBJECTIVE_VAL_ACCURACY] = "val/accuracy",
                                       [DOGBREED_OBJECTIVE_VAL_LOSS] = val_loss,
                                       [DOGBREED_OBJECTIVE_VAL_TOP5] = "val/top5_accuracy",
                                       [DOGBREED_OBJECTIVE_MINIMIZE] = "value",
                                       [DOGBREED_OBJECTIVE_MAXIMIZE] = "value"};
    return tuner->command != NULL && tuner->command->count > 0
               ? dogb_metric_name(tuner->command->metrics[0].metric)
               : tags[tuner->options.objective];
}

// The last point of a curve is seldom that of the weights that are kept: results have tags of their
// own.
static int add_metric(board *b, const char *name) {
    dogb_hparam_metric *metric = &b->metrics[b->metric_count];
    *metric = (dogb_hparam_metric){.tag = dogb_format(b->arena, "final/%s", name), .name = name};
    b->metric_count += metric->tag != NULL;
    return metric->tag == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

static int describe_metrics(board *b) {
    const dogbreed_tuner *tuner = b->tuner;
    size_t more = tuner->command == NULL ? 0 : tuner->command->count;
    b->objective = objective_tag(tuner);
    b->metrics = dogb_alloc(b->arena, more + 2, sizeof *b->metrics);
    int rc = b->metrics == NULL ? DOGBREED_ERROR_NO_MEMORY : add_metric(b, b->objective);
    if (rc == DOGBREED_OK && tuner->job != NULL && b->objective != val_loss) {
        rc = add_metric(b, val_loss);
    }
    for (size_t i = 1; rc == DOGBREED_OK && i < more; i++) {
        rc = add_metric(b, dogb_metric_name(tuner->command->metrics[i].metric));
    }
    return rc;
}

static int read_metrics(json_t **out, const board *b, const dogb_trial *trial) {
    *out = NULL;
    return trial->metrics == NULL
               ? DOGBREED_OK
               : dogb_json_parse(out, b->arena, trial->metrics, strlen(trial->metrics), "metrics");
}

// NaN: the trial has none.
static double result_of(const board *b, const dogb_trial *trial, const json_t *metrics,
                        size_t index) {
    const char *name = b->metrics[index].name;
    if (index == 0) {
        return dogb_trial_has_value(trial, 1) ? trial->value : (double)NAN;
    }
    const json_t *number = json_object_get(metrics, name);
    return name == val_loss         ? trial->loss
           : json_is_number(number) ? json_number_value(number)
                                    : (double)NAN;
}

// --- files

static double known(double time, double other) {
    return isnan(time) ? other : time;
}

// Times in memory and in the storage differ by some microseconds; files shall not.
static double whole(double time) {
    return floor(time);
}

static int write_study(const board *b) {
    const dogbreed_tuner *tuner = b->tuner;
    dogb_buffer out = {.arena = b->arena};
    double time = tuner->count == 0 ? 0 : whole(known(tuner->trials[0].start, 0));
    dogb_experiment experiment = {.name = tuner->options.study,
                                  .time = time,
                                  .params = b->params,
                                  .param_count = tuner->axis_count,
                                  .metrics = b->metrics,
                                  .metric_count = b->metric_count};
    dogb_board_version(&out, time);
    dogb_board_experiment(&out, &experiment);
    return dogb_board_write(b->directory, &out);
}

// "0007 study 2026-01-31 12:00:00": the column is narrow, so that the number stands first; the
// begin of the study tells those apart that TensorBoard shows together.
static char *group_name(const board *b, const dogb_trial *trial) {
    char text[28] = "";
    struct tm utc;
    time_t begin = (time_t)whole(known(b->tuner->trials[0].start, 0));
    if (gmtime_r(&begin, &utc) != NULL) {
        (void)strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &utc);
    }
    return dogb_format(b->arena, "%04lld %s %s", (long long)(trial - b->tuner->trials),
                       b->tuner->options.study, text);
}

static int put_settings(dogb_buffer *out, const board *b, const dogb_trial *trial, double time) {
    size_t count = 0;
    const char *group = group_name(b, trial);
    dogb_hparam_setting *settings = dogb_alloc(b->arena, b->tuner->axis_count, sizeof *settings);
    if (settings == NULL || group == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < b->tuner->axis_count; i++) {
        const dogb_hparam *param = &b->params[i];
        double value = trial->values[i];
        int lacks =
            isnan(value) || (param->count > 0 && !(value >= 0 && value < (double)param->count));
        if (!lacks) {
            dogb_hparam_value number = {.kind = DOGB_HPARAM_NUMBER, .number = value};
            settings[count++] = (dogb_hparam_setting){
                param->name, param->count > 0 ? param->values[(size_t)value] : number};
        }
    }
    dogb_hparam_session session = {group, time, settings, count};
    dogb_board_session(out, &session);
    return DOGBREED_OK;
}

// When a step was done is not stored: they stand evenly between begin and end.
static void put_curve(dogb_buffer *out, const board *b, const dogb_trial *trial, double begin,
                      double end) {
    dogb_point_event point = {.tag = b->objective, .first = 1};
    for (int32_t i = 0; i < trial->curve_count; i++) {
        point.step = i + 1;
        point.time = begin + (end - begin) * (i + 1) / trial->curve_count;
        point.value = trial->curve[i];
        if (!isnan(point.value)) {
            dogb_board_point(out, &point);
            point.first = 0;
        }
    }
}

static int put_results(dogb_buffer *out, const board *b, const dogb_trial *trial, double time) {
    json_t *metrics = NULL;
    int rc = read_metrics(&metrics, b, trial);
    for (size_t i = 0; rc == DOGBREED_OK && i < b->metric_count; i++) {
        dogb_point_event point = {.tag = b->metrics[i].tag,
                                  .time = time,
                                  .step = trial->curve_count,
                                  .value = result_of(b, trial, metrics, i),
                                  .first = 1};
        if (isfinite(point.value)) {
            dogb_board_point(out, &point);
        }
    }
    return rc;
}

// What is known first stands first, for those who watch the file while the trial goes on. They keep
// the first status that they see, so that a running trial has none.
static int write_trial(const board *b, const dogb_trial *trial) {
    static const int32_t statuses[] = {[DOGB_TRIAL_COMPLETE] = DOGB_SESSION_SUCCESS,
                                       [DOGB_TRIAL_PRUNED] = DOGB_SESSION_SUCCESS,
                                       [DOGB_TRIAL_FAIL] = DOGB_SESSION_FAILURE};
    dogb_buffer out = {.arena = b->arena};
    double begin = known(trial->start, 0);
    int over = dogb_trial_is_over(trial);
    double end = over ? known(trial->complete, begin) : dogb_clock_wall();
    char *path =
        dogb_format(b->arena, "%s/%04lld", b->directory, (long long)(trial - b->tuner->trials));
    dogb_board_version(&out, begin);
    int rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : put_settings(&out, b, trial, whole(begin));
    put_curve(&out, b, trial, begin, end);
    if (rc == DOGBREED_OK && over) {
        rc = put_results(&out, b, trial, end);
        dogb_board_session_end(&out, whole(end), statuses[trial->state]);
    }
    return rc < 0 ? rc : dogb_board_write(path, &out);
}

// Trials of a longer study that the folder had before.
static int remove_rest(const board *b) {
    int rc = DOGBREED_OK;
    for (size_t i = b->tuner->count; rc == DOGBREED_OK; i++) {
        char *path = dogb_format(b->arena, "%s/%04zu", b->directory, i);
        if (path != NULL && !dogb_directory_exists(path)) {
            break;
        }
        rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_board_remove(path);
    }
    return rc;
}

int dogbreed_tuner_tensorboard(dogbreed_tuner *tuner, const char *directory) {
    DOGB_CHECK(tuner != NULL, "tuner: is NULL");
    DOGB_CHECK(directory != NULL && *directory != '\0', "directory: is empty");
    dogb_arena arena = {0};
    board b = {.tuner = tuner, .arena = &arena, .directory = directory};
    int rc = dogb_tuner_open(tuner);
    rc = rc < 0 ? rc : describe_params(&b);
    rc = rc < 0 ? rc : describe_metrics(&b);
    rc = rc < 0 ? rc : write_study(&b);
    for (size_t i = 0; rc == DOGBREED_OK && i < tuner->count; i++) {
        dogb_arena scratch = {0};
        board one = b;
        one.arena = &scratch;
        if (tuner->trials[i].state != DOGB_TRIAL_WAITING) {
            rc = write_trial(&one, &tuner->trials[i]);
        }
        dogb_arena_free(&scratch);
    }
    rc = rc < 0 ? rc : remove_rest(&b);
    dogb_arena_free(&arena);
    return rc;
}
