// importance.c - what the results of a study say about its parameters.
#include "core/error.h"
#include "search/importance.h"
#include "tuner/state.h"

#include <math.h>

int dogb_tuner_results(dogb_point **out, int64_t *count, dogb_arena *arena,
                       const dogbreed_tuner *tuner, int pruned) {
    dogb_point *points = dogb_alloc(arena, tuner->count + 1, sizeof *points);
    *out = points;
    *count = 0;
    if (points == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < tuner->count; i++) {
        const dogb_trial *trial = &tuner->trials[i];
        if (dogb_trial_has_value(trial, pruned)) {
            points[(*count)++] =
                (dogb_point){trial->values, dogb_tuner_sign(tuner) * trial->value, (int64_t)i};
        }
    }
    return DOGBREED_OK;
}

int dogb_tuner_importance(double **out, dogb_arena *arena, const dogbreed_tuner *tuner) {
    dogb_space space = dogb_tuner_space(tuner);
    dogb_history history = {.space = &space};
    dogb_point *points = NULL;
    int rc = dogb_tuner_results(&points, &history.count, arena, tuner, 0);
    *out = rc < 0 ? NULL : dogb_alloc(arena, tuner->axis_count, sizeof **out);
    if (*out == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    history.points = points;
    return dogb_importance(*out, &history);
}

int dogbreed_tuner_importance(char **json, dogbreed_tuner *tuner) {
    DOGB_CHECK(json != NULL, "json: is NULL");
    *json = NULL;
    DOGB_CHECK(tuner != NULL, "tuner: is NULL");
    dogb_arena scratch = {0};
    double *shares = NULL;
    int rc = dogb_tuner_open(tuner);
    json_t *object = dogb_json_object(&scratch);
    rc = rc == DOGBREED_OK && object == NULL ? DOGBREED_ERROR_NO_MEMORY : rc;
    rc = rc < 0 ? rc : dogb_tuner_importance(&shares, &scratch, tuner);
    for (size_t i = 0; rc == DOGBREED_OK && i < tuner->axis_count; i++) {
        rc = dogb_json_set_real(object, tuner->axes[i].name, shares[i]);
    }
    rc = rc < 0 ? rc : dogb_json_text_out(json, object, 0);
    dogb_arena_free(&scratch);
    return rc;
}
