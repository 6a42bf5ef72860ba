// agree.c - what a study searches, written into it when it begins: whoever goes on with it has to
// mean the same, or its list of trials would follow from nothing.
#include "core/error.h"
#include "tuner/state.h"

#include <string.h>

static const char SEARCH[] = "dogbreed:search"; // attribute of the study

static int describe_axis(json_t *list, const dogb_axis *axis) {
    static const char *const kinds[] = {"float", "int", "choice"};
    static const char *const scales[] = {"auto", "linear", "log", "reverse_log"};
    json_t *row = json_object();
    int rc = dogb_json_add(list, row);
    rc = rc < 0 ? rc : dogb_json_set_text(row, "name", axis->name);
    rc = rc < 0 ? rc : dogb_json_set_text(row, "kind", kinds[axis->kind]);
    if (axis->kind == DOGB_AXIS_CHOICE) {
        json_t *choices = json_array();
        rc = rc < 0 ? rc : dogb_json_set(row, "choices", choices);
        for (int32_t i = 0; rc == DOGBREED_OK && i < axis->choice_count; i++) {
            rc = dogb_json_add(choices, dogb_json_text(axis->choices[i]));
        }
        return rc;
    }
    rc = rc < 0 ? rc : dogb_json_set_text(row, "scale", scales[axis->scale]);
    rc = rc < 0 ? rc : dogb_json_set_real(row, "low", axis->low);
    rc = rc < 0 ? rc : dogb_json_set_real(row, "high", axis->high);
    return rc < 0 ? rc : dogb_json_set_real(row, "step", axis->step);
}

// Everything that the list of trials follows from.
static int describe(json_t *object, const dogbreed_tuner *tuner) {
    static const char *const words[] = {"sampler", "pruner", "objective"};
    json_t *list = json_array();
    int rc = dogb_json_set_int(object, "version", 1);
    for (size_t i = 0; rc == DOGBREED_OK && i < sizeof words / sizeof words[0]; i++) {
        char *word = NULL;
        rc = dogb_table_get(&word, &dogb_tuner_table, &tuner->options, words[i]);
        rc = rc < 0 ? rc : dogb_json_set_text(object, words[i], word);
        dogbreed_free(word);
    }
    rc = rc < 0 ? rc : dogb_json_set_int(object, "seed", (int64_t)tuner->options.seed);
    rc = rc < 0 ? rc : dogb_json_set_int(object, "startup", tuner->options.startup);
    rc = rc < 0 ? rc : dogb_json_set_int(object, "round", tuner->round);
    if (rc < 0) {
        json_decref(list);
    } else {
        rc = dogb_json_set(object, "axes", list);
    }
    for (size_t i = 0; rc == DOGBREED_OK && i < tuner->axis_count; i++) {
        rc = describe_axis(list, &tuner->axes[i]);
    }
    rc = rc < 0 || tuner->job == NULL ? rc : dogb_job_describe(object, tuner);
    return rc < 0 || tuner->command == NULL ? rc : dogb_command_describe(object, tuner);
}

static int differ(const dogbreed_tuner *tuner, const char *what, const json_t *stored,
                  const json_t *wanted) {
    dogb_arena scratch = {0};
    char *have = stored == NULL ? NULL : dogb_json_text_in(&scratch, stored, 0);
    char *want = wanted == NULL ? NULL : dogb_json_text_in(&scratch, wanted, 0);
    int rc = dogb_fail(DOGBREED_ERROR_MISMATCH,
                       "study %s: it was begun with %s %s, expected %s; the same settings, or "
                       "another name, are needed",
                       tuner->options.study, what, have == NULL ? "missing" : have,
                       want == NULL ? "none" : want);
    dogb_arena_free(&scratch);
    return rc;
}

static int compare_axes(const dogbreed_tuner *tuner, const json_t *stored, const json_t *wanted) {
    size_t count = json_array_size(wanted);
    count = json_array_size(stored) > count ? json_array_size(stored) : count;
    for (size_t i = 0; i < count; i++) {
        const json_t *have = json_array_get(stored, i);
        const json_t *want = json_array_get(wanted, i);
        if (have == NULL || want == NULL || !json_equal(have, want)) {
            return differ(tuner, "parameter", have, want);
        }
    }
    return DOGBREED_OK;
}

static int compare(const dogbreed_tuner *tuner, const json_t *stored, const json_t *wanted) {
    const char *key = NULL;
    const json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)wanted, key, value) {
        const json_t *other = json_object_get(stored, key);
        if (json_is_array(value) && json_is_array(other)) {
            int rc = compare_axes(tuner, other, value);
            if (rc < 0) {
                return rc;
            }
        } else if (json_is_object(value) && json_is_object(other)) {
            int rc = compare(tuner, other, value);
            if (rc < 0) {
                return rc;
            }
        } else if (other == NULL || !json_equal(other, value)) {
            return differ(tuner, key, other, value);
        }
    }
    return DOGBREED_OK;
}

// The round's size is fixed when the study begins: trials may be added later.
int32_t dogb_tuner_round_size(const dogbreed_tuner_options *options) {
    int32_t tenth = options->trials / 10;
    return options->round > 0 ? options->round : tenth < 2 ? 2 : tenth > 16 ? 16 : tenth;
}

int dogb_tuner_agree(dogbreed_tuner *tuner, dogb_arena *scratch) {
    char *text = NULL;
    json_t *stored = NULL;
    json_t *wanted = dogb_json_object(scratch);
    tuner->round = dogb_tuner_round_size(&tuner->options);
    if (wanted == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = dogb_study_attribute_get(&text, tuner->study, scratch, -1, 0, SEARCH);
    if (rc == DOGBREED_OK) {
        rc = dogb_json_parse(&stored, scratch, text, strlen(text), tuner->options.study);
        const json_t *round = rc < 0 ? NULL : json_object_get(stored, "round");
        if (tuner->options.round == 0 && json_is_integer(round) && json_integer_value(round) > 0 &&
            json_integer_value(round) < INT32_MAX) {
            tuner->round = (int32_t)json_integer_value(round);
        }
        rc = rc < 0 ? rc : describe(wanted, tuner);
        return rc < 0 ? rc : compare(tuner, stored, wanted);
    }
    if (rc != DOGBREED_ERROR_NOT_FOUND) {
        return rc;
    }
    rc = describe(wanted, tuner);
    text = rc < 0 ? NULL : dogb_json_text_in(scratch, wanted, 0);
    return text == NULL ? DOGBREED_ERROR_NO_MEMORY
                        : dogb_study_attribute(tuner->study, -1, 0, SEARCH, text);
}
