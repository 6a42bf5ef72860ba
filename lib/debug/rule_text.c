// rule_text.c - reads NAME:PARAMETER=VALUE,PARAMETER=VALUE;NAME. A value ends at a comma that NAME=
// follows, so that lists and regular expressions need no quotes; quotes keep what is inside.
#include "debug/rule_run.h"

#include "core/error.h"

#include <ctype.h>
#include <string.h>

static const char *skip_blanks(const char *text) {
    return text + strspn(text, " \t\r\n");
}

static size_t trimmed(const char *text, size_t length) {
    while (length > 0 && isspace((unsigned char)text[length - 1])) {
        length--;
    }
    return length;
}

// Behind the quoted text that begins here; NULL: it has no end.
static const char *skip_quoted(const char *text) {
    const char *end = strchr(text + 1, *text);
    return end == NULL ? NULL : end + 1;
}

static int is_quote(char letter) {
    return letter == '"' || letter == '\'';
}

static size_t word_length(const char *text) {
    size_t length = 0;
    while (isalnum((unsigned char)text[length]) || text[length] == '_' || text[length] == '-') {
        length++;
    }
    return length;
}

// 1: NAME= follows.
static int begins_param(const char *text) {
    text = skip_blanks(text);
    size_t length = word_length(text);
    return length > 0 && *skip_blanks(text + length) == '=';
}

int dogb_rule_text_next(char **name, char **params, const char **text, dogb_arena *arena) {
    const char *at = skip_blanks(*text);
    while (*at == ';') {
        at = skip_blanks(at + 1);
    }
    *name = NULL;
    *params = NULL;
    *text = at;
    if (*at == '\0') {
        return DOGBREED_OK;
    }
    size_t length = strcspn(at, ":;");
    const char *end = at + length;
    const char *from = *end == ':' ? end + 1 : end;
    for (end = from; *from != ';' && *end != '\0' && *end != ';';) {
        const char *next = is_quote(*end) ? skip_quoted(end) : end + 1;
        if (next == NULL) {
            return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                             "rules: \"%.60s\": the quote %c has no end", from, *end);
        }
        end = next;
    }
    *name = dogb_strndup(arena, at, trimmed(at, length));
    *params = dogb_strndup(arena, from, trimmed(from, (size_t)(end - from)));
    if (*name == NULL || *params == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (**name == '\0') {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "rules: \"%.60s\": the name of a rule is missing", at);
    }
    *text = end;
    return DOGBREED_OK;
}

// --- parameters

typedef struct piece {
    const char *name;
    size_t name_length;
    const char *value;
    size_t value_length;
} piece;

// The next parameter at *text, which moves behind it and its comma.
static int next_piece(piece *out, const char *rule, const char **text) {
    const char *at = skip_blanks(*text);
    *out = (piece){.name = at, .name_length = word_length(at)};
    const char *equals = skip_blanks(at + out->name_length);
    if (out->name_length == 0 || *equals != '=') {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "rules: %s: \"%.60s\": expected PARAMETER=VALUE", rule, at);
    }
    const char *from = skip_blanks(equals + 1);
    const char *end = from;
    if (is_quote(*from)) {
        end = skip_quoted(from); // dogb_rule_text_next has seen that there is one
        out->value = from + 1;
        out->value_length = end == NULL ? strlen(from + 1) : (size_t)(end - from) - 2;
        end = skip_blanks(end == NULL ? from + strlen(from) : end);
        if (*end != ',' && *end != '\0') {
            return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                             "rules: %s: \"%.60s\": expected a comma behind the quoted value", rule,
                             end);
        }
    } else {
        while (*end != '\0' && !(*end == ',' && begins_param(end + 1))) {
            end++;
        }
        out->value = from;
        out->value_length = trimmed(from, (size_t)(end - from));
        if (out->value_length > 0 && from[out->value_length - 1] == ',') {
            out->value_length--; // one too many at the end
        }
    }
    *text = *end == ',' ? end + 1 : end;
    return DOGBREED_OK;
}

// Python's words for what the tables write differently.
static const char *plain_value(const char *value) {
    return strcmp(value, "True") == 0 ? "on" : strcmp(value, "False") == 0 ? "off" : value;
}

static int set_param(uint64_t *given, void *out, const char *rule, const dogb_table *table,
                     const piece *p, dogb_arena *arena) {
    char *name = dogb_strndup(arena, p->name, p->name_length);
    char *value = dogb_strndup(arena, p->value, p->value_length);
    if (name == NULL || value == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    const dogb_option *option = dogb_table_find(table, name);
    if (option != NULL && strcmp(value, "None") == 0) {
        return DOGBREED_OK; // the default
    }
    int rc = dogb_table_set(table, out, name, plain_value(value), arena);
    if (rc == DOGBREED_ERROR_INVALID_ARGUMENT) { // the table does not know what its struct is for
        dogb_error_state state;
        dogb_error_save(&state, rc);
        return dogb_fail(rc, "rules: %s: %s", rule, state.text);
    }
    if (rc == DOGBREED_OK) {
        *given |= (uint64_t)1 << (option - table->options);
    }
    return rc;
}

int dogb_rule_text_params(uint64_t *given, void *out, const char *rule, const dogb_table *table,
                          const char *text, dogb_arena *arena) {
    const char *at = text == NULL ? "" : skip_blanks(text);
    int rc = DOGBREED_OK;
    *given = 0;
    while (rc == DOGBREED_OK && *at != '\0') {
        piece p;
        rc = next_piece(&p, rule, &at);
        if (rc == DOGBREED_OK) {
            rc = set_param(given, out, rule, table, &p, arena);
        }
        at = skip_blanks(at);
    }
    return rc;
}

// --- names that are no rules

static const struct {
    const char *name;
    const char *text;
} elsewhere[] = {
    {"FeatureImportanceOverweight", "is for XGBoost, not for networks"},
    {"TreeDepth", "is for XGBoost, not for networks"},
    {"CreateXgboostReport", "is for XGBoost, not for networks"},
    {"NLPSequenceRatio", "is for texts, not for pictures"},
    {"LowGPUUtilization", "is a rule of the profiler"},
    {"BatchSize", "is a rule of the profiler"},
    {"CPUBottleneck", "is a rule of the profiler"},
    {"IOBottleneck", "is a rule of the profiler"},
    {"GPUMemoryIncrease", "is a rule of the profiler"},
    {"LoadBalancing", "is a rule of the profiler"},
    {"MaxInitializationTime", "is a rule of the profiler"},
    {"StepOutlier", "is a rule of the profiler"},
    {"Dataloader", "is a rule of the profiler"},
    {"OverallSystemUsage", "is a rule of the profiler"},
    {"OverallFrameworkMetrics", "is a rule of the profiler"},
    {"ProfilerReport", "is a rule of the profiler"},
};

int dogb_rule_text_unknown(const char *name, const char *const *names, size_t count) {
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++) {
        if (strcmp(name, elsewhere[i].name) == 0) {
            return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "rules: %s: %s", name,
                             elsewhere[i].text);
        }
    }
    const char *near = dogb_nearest(name, names, count);
    return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "rules: %.60s: no such rule%s%s%s", name,
                     near == NULL ? "" : "; did you mean ", near == NULL ? "" : near,
                     near == NULL ? "" : "?");
}
