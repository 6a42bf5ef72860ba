// table.c - options structs by table: text and bounds. Import and JSON are in table_io.c.
#include "core/table.h"
#include "core/error.h"
#include "core/number.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_LENGTH = 64 };

static int same_name(const char *a, const char *b) {
    while (*a != '\0' && (*a == *b || (*a == '-' && *b == '_') || (*a == '_' && *b == '-'))) {
        a++;
        b++;
    }
    return *a == *b;
}

static size_t distance(const char *a, const char *b) {
    // Levenshtein, one row; names are short.
    size_t row[NAME_MAX_LENGTH + 1];
    size_t m = strlen(a);
    size_t n = strlen(b);
    if (m > NAME_MAX_LENGTH || n > NAME_MAX_LENGTH) {
        return NAME_MAX_LENGTH;
    }
    for (size_t j = 0; j <= n; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= m; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t above = row[j];
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            best = above + 1 < best ? above + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            diagonal = above;
            row[j] = best;
        }
    }
    return row[n];
}

const char *dogb_nearest(const char *name, const char *const *names, size_t count) {
    const char *best = NULL;
    size_t best_distance = 4;
    for (size_t i = 0; i < count; i++) {
        size_t d = distance(name, names[i]);
        if (d < best_distance) {
            best_distance = d;
            best = names[i];
        }
    }
    return best;
}

const dogb_option *dogb_table_find(const dogb_table *table, const char *name) {
    for (uint32_t i = 0; i < table->count; i++) {
        if (same_name(table->options[i].name, name)) {
            return &table->options[i];
        }
    }
    return NULL;
}

static int unknown(const dogb_table *table, const char *name) {
    const char *names[128];
    size_t count = table->count < 128 ? table->count : 128;
    for (size_t i = 0; i < count; i++) {
        names[i] = table->options[i].name;
    }
    const char *near = dogb_nearest(name, names, count);
    return near == NULL
               ? dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "%s: no such %s option", name,
                           table->name)
               : dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                           "%s: no such %s option; did you mean %s?", name, table->name, near);
}

// Strings set by name live as long as the process and are shared, so that a plain struct can point
// to them.
static const char *intern(const char *text) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct entry {
        struct entry *next;
        char text[];
    } * entries; // guarded by lock
    (void)pthread_mutex_lock(&lock);
    struct entry *entry = entries;
    while (entry != NULL && strcmp(entry->text, text) != 0) {
        entry = entry->next;
    }
    if (entry == NULL) {
        size_t length = strlen(text) + 1;
        entry = dogb_malloc(1, sizeof *entry + length);
        if (entry != NULL) {
            memcpy(entry->text, text, length);
            entry->next = entries;
            entries = entry;
        }
    }
    (void)pthread_mutex_unlock(&lock);
    return entry == NULL ? NULL : entry->text;
}

static int bad(const dogb_option *option, const char *value, const char *expected) {
    return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "%s: \"%s\" is not %s", option->name, value,
                     expected);
}

static int check_bounds(const dogb_option *option, double value) {
    if (value >= option->minimum && value <= option->maximum) { // false for NaN too
        return DOGBREED_OK;
    }
    return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                     "%s: %.10g is out of range, expected %.10g to %.10g%s%s", option->name, value,
                     option->minimum, option->maximum, *option->unit ? " " : "", option->unit);
}

static int choice_index(const dogb_option *option, const char *value, int32_t *out) {
    const char *start = option->choices;
    for (int32_t index = 0; start != NULL; index++) {
        const char *comma = strchr(start, ',');
        size_t length = comma == NULL ? strlen(start) : (size_t)(comma - start);
        if (strlen(value) == length && strncmp(start, value, length) == 0) {
            *out = index;
            return DOGBREED_OK;
        }
        start = comma == NULL ? NULL : comma + 1;
    }
    return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "%s: \"%s\" is none of %s", option->name,
                     value, option->choices);
}

static int choice_name(const dogb_option *option, int32_t value, const char **name,
                       size_t *length) {
    const char *start = option->choices;
    for (int32_t index = 0; start != NULL; index++) {
        const char *comma = strchr(start, ',');
        if (index == value) {
            *name = start;
            *length = comma == NULL ? strlen(start) : (size_t)(comma - start);
            return DOGBREED_OK;
        }
        start = comma == NULL ? NULL : comma + 1;
    }
    return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                     "%s: %d is out of range, expected the index of one of %s", option->name,
                     (int)value, option->choices);
}

static int parse_switch(const dogb_option *option, const char *value, int32_t *out) {
    static const char *const on[] = {"on", "true", "yes", "1"};
    static const char *const off[] = {"off", "false", "no", "0"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(value, on[i]) == 0 || strcmp(value, off[i]) == 0) {
            *out = strcmp(value, on[i]) == 0;
            return DOGBREED_OK;
        }
    }
    return bad(option, value, "on or off");
}

int dogb_table_set(const dogb_table *table, void *options, const char *name, const char *value,
                   dogb_arena *arena) {
    const dogb_option *option = dogb_table_find(table, name);
    if (option == NULL) {
        return unknown(table, name);
    }
    char *field = (char *)options + option->offset;
    char *end = NULL;
    int32_t small = 0;
    int rc = DOGBREED_OK;
    errno = 0;
    switch (option->type) {
    case DOGBREED_TYPE_INT32:
    case DOGBREED_TYPE_INT64: {
        long long number = strtoll(value, &end, 10);
        if (end == value || *end != '\0' || errno != 0) {
            return bad(option, value, "a whole number");
        }
        if ((rc = check_bounds(option, (double)number)) < 0) {
            return rc;
        }
        int64_t big = number;
        small = (int32_t)number;
        memcpy(field, option->type == DOGBREED_TYPE_INT32 ? (void *)&small : (void *)&big,
               option->type == DOGBREED_TYPE_INT32 ? sizeof small : sizeof big);
        return DOGBREED_OK;
    }
    case DOGBREED_TYPE_UINT64: {
        uint64_t number = strtoull(value, &end, 10);
        if (end == value || *end != '\0' || errno != 0 || strchr(value, '-') != NULL) {
            return bad(option, value, "a whole number of 0 or more");
        }
        memcpy(field, &number, sizeof number);
        return DOGBREED_OK;
    }
    case DOGBREED_TYPE_DOUBLE: {
        double number = dogb_number_parse(value, &end);
        if (end == value || *end != '\0') {
            return bad(option, value, "a number");
        }
        if ((rc = check_bounds(option, number)) == DOGBREED_OK) {
            memcpy(field, &number, sizeof number);
        }
        return rc;
    }
    case DOGBREED_TYPE_STRING: {
        const char *copy = arena == NULL ? intern(value) : dogb_strdup(arena, value);
        if (copy == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        memcpy(field, &copy, sizeof copy);
        return DOGBREED_OK;
    }
    case DOGBREED_TYPE_SWITCH:
        rc = parse_switch(option, value, &small);
        break;
    default:
        rc = choice_index(option, value, &small);
        break;
    }
    if (rc == DOGBREED_OK) {
        memcpy(field, &small, sizeof small);
    }
    return rc;
}

int dogb_table_get(char **value, const dogb_table *table, const void *options, const char *name) {
    const dogb_option *option = dogb_table_find(table, name);
    char number[64] = "";
    const char *text = number;
    size_t length = 0;
    *value = NULL;
    if (option == NULL) {
        return unknown(table, name);
    }
    const char *field = (const char *)options + option->offset;
    int32_t small = 0;
    int64_t big = 0;
    double real = 0.0;
    switch (option->type) {
    case DOGBREED_TYPE_INT64:
    case DOGBREED_TYPE_UINT64:
        memcpy(&big, field, sizeof big);
        (void)snprintf(number, sizeof number,
                       option->type == DOGBREED_TYPE_INT64 ? "%" PRId64 : "%" PRIu64, big);
        break;
    case DOGBREED_TYPE_DOUBLE:
        memcpy(&real, field, sizeof real);
        dogb_number_text(number, real);
        break;
    case DOGBREED_TYPE_STRING:
        memcpy(&text, field, sizeof text);
        text = text == NULL ? "" : text;
        break;
    default:
        memcpy(&small, field, sizeof small);
        (void)snprintf(number, sizeof number, "%d", (int)small);
        if (option->type == DOGBREED_TYPE_SWITCH) {
            text = small ? "on" : "off";
        }
        break;
    }
    length = strlen(text);
    if (option->type == DOGBREED_TYPE_CHOICE) {
        int rc = choice_name(option, small, &text, &length);
        if (rc < 0) {
            return rc;
        }
    }
    *value = dogb_malloc(length + 1, 1);
    if (*value == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    memcpy(*value, text, length);
    return DOGBREED_OK;
}
