// distribution.c - see distribution.h. The rules are those of Optuna's constructors.
#include "study/distribution.h"
#include "core/error.h"
#include "core/json.h"
#include "study/value.h"

#include <math.h>
#include <string.h>

static const char *const names[] = {"FloatDistribution", "IntDistribution",
                                    "CategoricalDistribution"};
enum { KIND_COUNT = sizeof names / sizeof names[0] };

static int malformed(const char *what, const char *expected) {
    return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: not a distribution: expected %s", what, expected);
}

// Only these members, because Optuna's constructors know no others.
static int check_members(json_t *attributes, int32_t kind, const char *what) {
    static const char *const numeric[] = {"low", "high", "log", "step", NULL};
    static const char *const categorical[] = {"choices", NULL};
    const char *const *known = kind == DOGB_DISTRIBUTION_CATEGORICAL ? categorical : numeric;
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(attributes, key, value) {
        const char *const *name = known;
        while (*name != NULL && strcmp(*name, key) != 0) {
            name++;
        }
        if (*name == NULL) {
            return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: a %s has no attribute \"%.40s\"", what,
                             names[kind], key);
        }
    }
    return DOGBREED_OK;
}

static int is_whole(double value) {
    return fabs(value) <= 9007199254740992.0 && value == nearbyint(value);
}

static int read_numeric(dogb_distribution *out, json_t *attributes, const char *what) {
    const json_t *low = json_object_get(attributes, "low");
    const json_t *high = json_object_get(attributes, "high");
    const json_t *log = json_object_get(attributes, "log");
    const json_t *step = json_object_get(attributes, "step");
    int whole = out->kind == DOGB_DISTRIBUTION_INT;
    if (!json_is_number(low) || !json_is_number(high)) {
        return malformed(what, "numbers \"low\" and \"high\"");
    }
    if (log != NULL && !json_is_boolean(log)) {
        return malformed(what, "true or false for \"log\"");
    }
    if (step != NULL && !json_is_number(step) && !(json_is_null(step) && !whole)) {
        return malformed(what, "a number for \"step\"");
    }
    out->low = json_number_value(low);
    out->high = json_number_value(high);
    out->log = json_is_true(log);
    out->step = json_is_number(step) ? json_number_value(step) : whole;
    if (json_is_number(step) && !(out->step > 0)) {
        return malformed(what, "a \"step\" above 0");
    }
    if (whole && !(is_whole(out->low) && is_whole(out->high) && is_whole(out->step))) {
        return malformed(what, "integers of at most 53 bits");
    }
    if (!(out->low <= out->high)) {
        return malformed(what, "\"low\" not above \"high\"");
    }
    if (out->log && (whole ? out->low < 1 : !(out->low > 0))) {
        return malformed(what, "\"low\" above 0 with \"log\"");
    }
    if (out->log && out->step != whole) {
        return malformed(what, "no \"step\" with \"log\"");
    }
    return DOGBREED_OK;
}

static int read_choices(dogb_distribution *out, json_t *attributes, const char *what) {
    json_t *choices = json_object_get(attributes, "choices");
    size_t i = 0;
    json_t *choice = NULL;
    if (json_array_size(choices) == 0 || json_array_size(choices) > INT32_MAX) {
        return malformed(what, "an array \"choices\" with elements");
    }
    json_array_foreach(choices, i, choice) {
        if (json_is_object(choice) || json_is_array(choice)) {
            return malformed(what, "null, booleans, numbers and strings in \"choices\"");
        }
    }
    out->high = (double)(json_array_size(choices) - 1);
    out->step = 1;
    out->choices = choices; // lives in the document, which the arena holds
    return DOGBREED_OK;
}

int dogb_distribution_read(dogb_distribution *out, dogb_arena *arena, const char *json,
                           const char *what) {
    json_t *document = NULL;
    *out = (dogb_distribution){0};
    char *text = dogb_json_plain(arena, json);
    if (text == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = dogb_json_parse(&document, arena, text, strlen(text), what);
    if (rc < 0) {
        return rc;
    }
    const char *name = json_string_value(json_object_get(document, "name"));
    json_t *attributes = json_object_get(document, "attributes");
    while (name != NULL && out->kind < KIND_COUNT && strcmp(names[out->kind], name) != 0) {
        out->kind++;
    }
    if (name == NULL || out->kind == KIND_COUNT) {
        return malformed(what, "\"name\": FloatDistribution, IntDistribution or "
                               "CategoricalDistribution");
    }
    if (!json_is_object(attributes)) {
        return malformed(what, "an object \"attributes\"");
    }
    if ((rc = check_members(attributes, out->kind, what)) < 0) {
        return rc;
    }
    return out->kind == DOGB_DISTRIBUTION_CATEGORICAL ? read_choices(out, attributes, what)
                                                      : read_numeric(out, attributes, what);
}

// A number of this distribution: integers without ".0", as Python has it.
static json_t *number(const dogb_distribution *distribution, double value) {
    return distribution->kind == DOGB_DISTRIBUTION_FLOAT ? json_real(value)
                                                         : json_integer((json_int_t)value);
}

char *dogb_distribution_text(dogb_arena *arena, const dogb_distribution *distribution) {
    json_t *document = dogb_json_object(arena);
    json_t *attributes = dogb_json_object(arena);
    if (document == NULL || attributes == NULL ||
        dogb_json_set_text(document, "name", names[distribution->kind]) < 0 ||
        dogb_json_set(document, "attributes", json_incref(attributes)) < 0) {
        return NULL;
    }
    int rc = DOGBREED_OK;
    if (distribution->kind == DOGB_DISTRIBUTION_CATEGORICAL) {
        rc = dogb_json_set(attributes, "choices", json_incref(distribution->choices));
    } else {
        json_t *step =
            distribution->step > 0 ? number(distribution, distribution->step) : json_null();
        rc = dogb_json_set(attributes, "step", step);
        rc =
            rc < 0 ? rc : dogb_json_set(attributes, "low", number(distribution, distribution->low));
        rc = rc < 0 ? rc
                    : dogb_json_set(attributes, "high", number(distribution, distribution->high));
        rc = rc < 0 ? rc : dogb_json_set_bool(attributes, "log", distribution->log);
    }
    return rc < 0 ? NULL : dogb_json_text_ascii(arena, document);
}

int dogb_distribution_choices(dogb_distribution *out, dogb_arena *arena, const char *const *words,
                              int32_t count) {
    *out = (dogb_distribution){.kind = DOGB_DISTRIBUTION_CATEGORICAL, .high = count - 1, .step = 1};
    DOGB_CHECK(count > 0, "a parameter needs at least one choice");
    if ((out->choices = dogb_json_array(arena)) == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; i < count; i++) {
        json_error_t error = {.line = 0};
        json_t *value = json_loads(words[i], JSON_DECODE_ANY, &error);
        if (value == NULL && json_error_code(&error) == json_error_out_of_memory) {
            return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "out of memory for JSON");
        }
        if (value != NULL && (json_is_string(value) || json_is_object(value) ||
                              json_is_array(value))) { // their text is meant as it is
            json_decref(value);
            value = NULL;
        }
        int rc = dogb_json_add(out->choices, value == NULL ? dogb_json_text(words[i]) : value);
        if (rc < 0) {
            return rc;
        }
    }
    return DOGBREED_OK;
}

char *dogb_distribution_choice(dogb_arena *arena, const dogb_distribution *distribution,
                               int32_t index) {
    const json_t *choice = json_array_get(distribution->choices, (size_t)index);
    return json_is_string(choice) ? dogb_strdup(arena, json_string_value(choice))
                                  : dogb_json_text_in(arena, choice, 0);
}

int dogb_distribution_contains(const dogb_distribution *distribution, double value) {
    int whole = distribution->kind != DOGB_DISTRIBUTION_FLOAT;
    return value >= distribution->low && value <= distribution->high &&
           !(whole && value != nearbyint(value));
}

json_t *dogb_distribution_external(const dogb_distribution *distribution, double value) {
    if (distribution->kind == DOGB_DISTRIBUTION_CATEGORICAL) {
        return json_incref(json_array_get(distribution->choices, (size_t)value));
    }
    return number(distribution, value);
}

// As Python compares: 1, 1.0 and True are equal.
static int equal(const json_t *left, const json_t *right) {
    int numbers = (json_is_number(left) || json_is_boolean(left)) &&
                  (json_is_number(right) || json_is_boolean(right));
    if (!numbers) {
        return json_equal(left, right);
    }
    double a = json_is_boolean(left) ? json_is_true(left) : json_number_value(left);
    double b = json_is_boolean(right) ? json_is_true(right) : json_number_value(right);
    return a == b;
}

double dogb_distribution_internal(const dogb_distribution *distribution, const json_t *value) {
    for (size_t i = 0; i < json_array_size(distribution->choices); i++) {
        if (equal(json_array_get(distribution->choices, i), value)) {
            return (double)i;
        }
    }
    double number = json_is_number(value) ? json_number_value(value) : (double)NAN;
    return distribution->choices == NULL && dogb_distribution_contains(distribution, number)
               ? number
               : (double)NAN;
}

static int equal_choices(const json_t *left, const json_t *right) {
    size_t count = json_array_size(left);
    if (count != json_array_size(right)) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (!equal(json_array_get(left, i), json_array_get(right, i))) {
            return 0;
        }
    }
    return 1;
}

int dogb_distribution_compatible(const dogb_distribution *earlier, const dogb_distribution *later,
                                 const char *name) {
    if (earlier->kind != later->kind) {
        return dogb_fail(DOGBREED_ERROR_MISMATCH,
                         "parameter %s: a %s, but earlier trials of the study have a %s", name,
                         names[later->kind], names[earlier->kind]);
    }
    if (earlier->log != later->log) {
        return dogb_fail(DOGBREED_ERROR_MISMATCH,
                         "parameter %s: %s scale, but earlier trials of the study have a %s one",
                         name, later->log ? "logarithmic" : "linear",
                         earlier->log ? "logarithmic" : "linear");
    }
    if (earlier->kind == DOGB_DISTRIBUTION_CATEGORICAL &&
        !equal_choices(earlier->choices, later->choices)) {
        return dogb_fail(DOGBREED_ERROR_MISMATCH,
                         "parameter %s: other choices, or another order, than in earlier trials of "
                         "the study",
                         name);
    }
    return DOGBREED_OK;
}
