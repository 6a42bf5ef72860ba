// tree.c - a JSON document for people: indented members, lists on one line, lists of objects as
// tables.
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS_MAX = 20, COLUMNS_MAX = 12, CELL_MAX = 60 }; // JSON output has everything

static int is_scalar(const json_t *value) {
    return !json_is_object(value) && !json_is_array(value);
}

// A value in one line; long ones are cut.
static void cell_text(char *out, size_t size, const json_t *value) {
    if (json_is_string(value)) {
        (void)snprintf(out, size, "%s", json_string_value(value));
        return;
    }
    if (value == NULL || json_is_null(value)) {
        (void)snprintf(out, size, "-");
        return;
    }
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
    int length = snprintf(out, size, "%s", text == NULL ? "?" : text);
    if (length >= (int)size) {
        memcpy(out + size - 4, "...", 4);
    }
    free(text);
}

static int is_number_column(const json_t *array, const char *key) {
    return json_is_number(json_object_get(json_array_get(array, 0), key));
}

static void print_row(const json_t *array, const json_t *row, const char *const *keys,
                      const size_t *widths, int count, int indent) {
    (void)printf("%*s", indent, "");
    for (int c = 0; c < count; c++) {
        char text[CELL_MAX];
        if (row == NULL) {
            (void)snprintf(text, sizeof text, "%s", keys[c]);
        } else {
            cell_text(text, sizeof text, json_object_get(row, keys[c]));
        }
        int width = (int)widths[c];
        int last = c == count - 1;
        if (is_number_column(array, keys[c])) {
            (void)printf("%*s%s", width, text, last ? "" : "  ");
        } else {
            (void)printf("%-*s%s", last ? 0 : width, text, last ? "" : "  ");
        }
    }
    (void)printf("\n");
}

// Columns are the members of the first object; what is called "name" stands first.
static void print_table(const json_t *array, int indent) {
    const char *keys[COLUMNS_MAX];
    size_t widths[COLUMNS_MAX];
    int count = 0;
    const char *key = NULL;
    json_t *value = NULL;
    json_t *first = json_array_get(array, 0);
    size_t rows = json_array_size(array) < ITEMS_MAX ? json_array_size(array) : ITEMS_MAX;
    static const char *const leading[] = {"name", "class", "path", "split"};
    for (size_t i = 0; i < sizeof leading / sizeof leading[0]; i++) {
        if (json_object_get(first, leading[i]) != NULL) {
            keys[count++] = leading[i];
        }
    }
    json_object_foreach(first, key, value) {
        int led = 0;
        for (size_t i = 0; i < sizeof leading / sizeof leading[0]; i++) {
            led = led || strcmp(key, leading[i]) == 0;
        }
        if (!led && count < COLUMNS_MAX) {
            keys[count++] = key;
        }
    }
    for (int c = 0; c < count; c++) {
        widths[c] = strlen(keys[c]);
        for (size_t r = 0; r < rows; r++) {
            char text[CELL_MAX];
            cell_text(text, sizeof text, json_object_get(json_array_get(array, r), keys[c]));
            widths[c] = strlen(text) > widths[c] ? strlen(text) : widths[c];
        }
    }
    print_row(array, NULL, keys, widths, count, indent);
    for (size_t r = 0; r < rows; r++) {
        print_row(array, json_array_get(array, r), keys, widths, count, indent);
    }
}

static void print_list(const json_t *array, int depth) {
    size_t count = json_array_size(array);
    int indent = 2 * depth + 2;
    if (count == 0) {
        (void)printf(" none\n");
        return;
    }
    if (json_is_object(json_array_get(array, 0))) {
        (void)printf("\n");
        print_table(array, indent);
    } else if (is_scalar(json_array_get(array, 0))) {
        for (size_t i = 0; i < count && i < ITEMS_MAX; i++) {
            char text[CELL_MAX];
            cell_text(text, sizeof text, json_array_get(array, i));
            (void)printf("%s%s", i == 0 ? " " : ", ", text);
        }
        (void)printf("%s\n", count > ITEMS_MAX ? ", ..." : "");
    } else {
        (void)printf("\n");
        for (size_t i = 0; i < count && i < ITEMS_MAX; i++) {
            char text[200];
            cell_text(text, sizeof text, json_array_get(array, i));
            (void)printf("%*s%s\n", indent, "", text);
        }
    }
    if (count > ITEMS_MAX) {
        (void)printf("%*s(%zu in all; --json shows them)\n", indent, "", count);
    }
}

static void print_members(const json_t *object, int depth) {
    const char *key = NULL;
    json_t *member = NULL;
    json_object_foreach((json_t *)(uintptr_t)object, key, member) {
        (void)printf("%*s%s:", 2 * depth, "", key);
        if (json_is_object(member)) {
            (void)printf("\n");
            print_members(member, depth + 1);
        } else if (json_is_array(member)) {
            print_list(member, depth);
        } else {
            char text[1024];
            cell_text(text, sizeof text, member);
            (void)printf(" %s\n", text);
        }
    }
}

void out_tree(const json_t *object) {
    progress_clear();
    print_members(object, 0);
}
