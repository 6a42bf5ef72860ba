// view.c - see view.h. Parameters are what the trials say of them, so that any program's study can
// be shown; what is looked at stands in the study when this library has begun it.
#include "tuner/view.h"

#include "core/error.h"

#include <string.h>

static int add_choices(dogb_axis *axis, dogb_arena *arena, const dogb_distribution *d) {
    size_t count = json_array_size(d->choices);
    const char **choices = dogb_alloc(arena, count + 1, sizeof *choices);
    for (size_t i = 0; choices != NULL && i < count; i++) {
        choices[i] = dogb_distribution_choice(arena, d, (int32_t)i);
        if (choices[i] == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    axis->choices = choices;
    axis->choice_count = (int32_t)count;
    return choices == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

static int add_axis(dogbreed_tuner *tuner, size_t *room, const dogb_study_param *param) {
    static const int32_t kinds[] = {[DOGB_DISTRIBUTION_FLOAT] = DOGB_AXIS_FLOAT,
                                    [DOGB_DISTRIBUTION_INT] = DOGB_AXIS_INT,
                                    [DOGB_DISTRIBUTION_CATEGORICAL] = DOGB_AXIS_CHOICE};
    dogb_distribution d;
    int rc = dogb_distribution_read(&d, &tuner->arena, param->distribution, param->name);
    rc = rc < 0 ? rc
                : dogb_grow(&tuner->arena, &tuner->axes, &tuner->axis_capacity, tuner->axis_count,
                            sizeof *tuner->axes);
    rc = rc < 0 ? rc
                : dogb_grow(&tuner->arena, &tuner->distributions, room, tuner->axis_count,
                            sizeof *tuner->distributions);
    const char *name = rc < 0 ? NULL : dogb_strdup(&tuner->arena, param->name);
    if (name == NULL) {
        return rc < 0 ? rc : DOGBREED_ERROR_NO_MEMORY;
    }
    dogb_axis axis = {.name = name,
                      .kind = kinds[d.kind],
                      .scale = d.log ? DOGB_SCALE_LOG : DOGB_SCALE_LINEAR,
                      .low = d.low,
                      .high = d.high,
                      .step = d.step};
    rc = d.choices == NULL ? DOGBREED_OK : add_choices(&axis, &tuner->arena, &d);
    tuner->axes[tuner->axis_count] = axis;
    tuner->distributions[tuner->axis_count] = d;
    tuner->axis_count += rc == DOGBREED_OK;
    return rc;
}

static int add_axes(dogbreed_tuner *tuner, dogb_arena *scratch) {
    const dogb_study_trial *trials = NULL;
    int64_t count = 0;
    size_t room = 0; // of tuner->distributions
    int rc = dogb_study_trials(&trials, &count, tuner->study, scratch);
    for (int64_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        for (int32_t k = 0; rc == DOGBREED_OK && k < trials[i].param_count; k++) {
            if (dogb_tuner_axis(tuner, trials[i].params[k].name) < 0) {
                rc = add_axis(tuner, &room, &trials[i].params[k]);
            }
        }
    }
    return rc;
}

// Another program's study has a direction alone.
static int read_objective(dogbreed_tuner *tuner, dogb_arena *scratch) {
    char *text = NULL;
    json_t *search = NULL;
    tuner->maximize = dogb_study_direction(tuner->study) == DOGB_MAXIMIZE;
    tuner->options.objective =
        tuner->maximize ? DOGBREED_OBJECTIVE_MAXIMIZE : DOGBREED_OBJECTIVE_MINIMIZE;
    int rc = dogb_study_attribute_get(&text, tuner->study, scratch, -1, 0, DOGB_TUNER_SEARCH);
    if (rc < 0) {
        return rc == DOGBREED_ERROR_NOT_FOUND ? DOGBREED_OK : rc;
    }
    rc = dogb_json_parse(&search, scratch, text, strlen(text), DOGB_TUNER_SEARCH);
    const char *word = json_string_value(json_object_get(search, "objective"));
    return rc < 0 || word == NULL ? rc
                                  : dogb_table_set(&dogb_tuner_table, &tuner->options, "objective",
                                                   word, &tuner->arena);
}

int dogb_tuner_view(dogbreed_tuner **out, const char *storage, const char *study) {
    dogb_arena scratch = {0};
    dogbreed_tuner_options options;
    dogb_error_state error;
    dogb_study_conf conf = {.url = storage, .name = study};
    dogbreed_tuner *tuner = NULL;
    *out = NULL;
    int rc = dogbreed_tuner_options_init(&options, sizeof options);
    options.study = study;
    rc = rc < 0 ? rc : dogbreed_tuner_create(&tuner, &options);
    rc = rc < 0 ? rc : dogb_study_open(&tuner->study, &conf);
    rc = rc < 0 ? rc : read_objective(tuner, &scratch);
    rc = rc < 0 ? rc : add_axes(tuner, &scratch);
    rc = rc < 0 ? rc : dogb_tuner_read(tuner);
    dogb_error_save(&error, rc);
    if (rc < 0) {
        dogbreed_tuner_destroy(tuner);
    } else {
        tuner->opened = 1;
        *out = tuner;
    }
    dogb_arena_free(&scratch);
    return dogb_error_restore(&error);
}
