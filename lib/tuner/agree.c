// agree.c - what a study searches, written into it when it begins: whoever goes on with it has to
// mean the same, or its list of trials would follow from nothing. So are trials of earlier studies
// (warm.c), in one transaction with it.
#include "core/error.h"
#include "tuner/state.h"

#include <string.h>

static int describe_axis(json_t *list, const dogb_axis *axis) {
    static const char *const kinds[] = {"float", "int", "choice"};
    static const char *const scales[] = {"auto", "linear", "log", "reverse_log"};
    json_t *row = json_object();
    int rc = dogb_json_add(list, row);
    rc = rc < 0 ? rc : dogb_json_set_text(row, "name", axis->name);
    rc = rc < 0 ? rc : dogb_json_set_text(row, "kind", kinds[axis->kind]);
    if (rc < 0) {
        return rc;
    }
    if (axis->kind == DOGB_AXIS_CHOICE) {
        json_t *choices = json_array();
        rc = dogb_json_set(row, "choices", choices);
        for (int32_t i = 0; rc == DOGBREED_OK && i < axis->choice_count; i++) {
            rc = dogb_json_add(choices, dogb_json_text(axis->choices[i]));
        }
        return rc;
    }
    rc = dogb_json_set_text(row, "scale", scales[axis->scale]);
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
    rc = rc < 0 ? rc : dogb_json_set_int(object, "kfold", tuner->options.kfold);
    const char *rules = tuner->options.rule_prune ? tuner->options.trial_rules : "";
    rc = rc < 0 ? rc : dogb_json_set_text(object, "rule_prune", rules);
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
static int32_t round_size(const dogbreed_tuner_options *options) {
    int32_t tenth = options->trials / 10;
    return options->round > 0 ? options->round : tenth < 2 ? 2 : tenth > 16 ? 16 : tenth;
}

static int follow_warm(dogbreed_tuner *tuner, dogb_arena *scratch) {
    char *text = NULL;
    json_t *stored = NULL;
    int rc = dogb_study_attribute_get(&text, tuner->study, scratch, -1, 0, DOGB_TUNER_WARM);
    if (rc == DOGBREED_OK) {
        rc = dogb_json_parse(&stored, scratch, text, strlen(text), DOGB_TUNER_WARM);
        rc = rc < 0 ? rc : dogb_warm_take(tuner, stored);
    }
    return rc < 0 && rc != DOGBREED_ERROR_NOT_FOUND ? rc
                                                    : dogb_warm_compare(tuner, stored, scratch);
}

// What it was begun with. NOT_FOUND: it is new.
static int follow(dogbreed_tuner *tuner, dogb_arena *scratch) {
    char *text = NULL;
    json_t *stored = NULL;
    json_t *wanted = dogb_json_object(scratch);
    const char *study = tuner->options.study;
    if (wanted == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = dogb_study_attribute_get(&text, tuner->study, scratch, -1, 0, DOGB_TUNER_SEARCH);
    rc = rc < 0 ? rc : dogb_json_parse(&stored, scratch, text, strlen(text), study);
    if (rc < 0) {
        return rc;
    }
    const json_t *round = json_object_get(stored, "round");
    if (tuner->options.round == 0 && json_is_integer(round) && json_integer_value(round) > 0 &&
        json_integer_value(round) < INT32_MAX) {
        tuner->round = (int32_t)json_integer_value(round);
    }
    rc = describe(wanted, tuner);
    rc = rc < 0 ? rc : compare(tuner, stored, wanted);
    return rc < 0 ? rc : follow_warm(tuner, scratch);
}

typedef struct beginning {
    char *search;
    char *warm; // NULL: none
} beginning;

static int write_beginning(dogb_study *study, void *userdata) {
    const beginning *b = userdata;
    int rc = dogb_study_attribute_first(study, -1, 0, DOGB_TUNER_SEARCH, b->search);
    return rc < 0 || b->warm == NULL ? rc
                                     : dogb_study_attribute(study, -1, 0, DOGB_TUNER_WARM, b->warm);
}

// A new study. EXISTS: another program has begun it meanwhile.
static int begin(dogbreed_tuner *tuner, dogb_arena *scratch) {
    beginning b = {0};
    json_t *search = dogb_json_object(scratch);
    json_t *warm = dogb_json_object(scratch);
    if (search == NULL || warm == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = describe(search, tuner);
    b.search = rc < 0 ? NULL : dogb_json_text_in(scratch, search, 0);
    if (rc == DOGBREED_OK && tuner->parent_count > 0) {
        rc = dogb_warm_describe(warm, tuner, scratch);
        b.warm = rc < 0 ? NULL : dogb_json_text_in(scratch, warm, 0);
    }
    if (rc < 0 || b.search == NULL || (tuner->parent_count > 0 && b.warm == NULL)) {
        return rc < 0 ? rc : DOGBREED_ERROR_NO_MEMORY;
    }
    rc = dogb_study_batch(tuner->study, write_beginning, &b);
    return rc < 0 || b.warm == NULL ? rc : dogb_warm_take(tuner, warm);
}

static int begin_alone(dogbreed_tuner *tuner, dogb_arena *scratch) {
    json_t *warm = dogb_json_object(scratch);
    int rc = warm == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_warm_describe(warm, tuner, scratch);
    return rc < 0 ? rc : dogb_warm_take(tuner, warm);
}

int dogb_tuner_agree(dogbreed_tuner *tuner, dogb_arena *scratch) {
    int rc = DOGBREED_OK;
    tuner->round = round_size(&tuner->options);
    if (tuner->study == NULL) {
        return tuner->parent_count == 0 ? DOGBREED_OK : begin_alone(tuner, scratch);
    }
    do {
        rc = follow(tuner, scratch);
        rc = rc == DOGBREED_ERROR_NOT_FOUND ? begin(tuner, scratch) : rc;
    } while (rc == DOGBREED_ERROR_EXISTS);
    return rc;
}
