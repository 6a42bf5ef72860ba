// program_template.c - fuzz target: the command line of a program. What is accepted becomes words
// that, quoted, are read again as the same words.
#include "fuzz.h"

#include "program/template.h"

#include <stdlib.h>
#include <string.h>

static size_t count_of(char *const *argv) {
    size_t count = 0;
    while (argv[count] != NULL) {
        count++;
    }
    return count;
}

// Braces are doubled: the quoted words hold no names.
static char *double_braces(dogb_arena *arena, const char *line) {
    char *out = dogb_alloc(arena, 2 * strlen(line) + 1, 1);
    char *to = out;
    for (; out != NULL && *line != '\0'; line++) {
        *to++ = *line;
        if (*line == '{' || *line == '}') {
            *to++ = *line;
        }
    }
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const dogb_binding bindings[] = {{"a", "two words"}, {"b", ""}, {"c", "'\"\\{}"}};
    dogb_arena arena = {0};
    dogb_template *tmpl = NULL;
    char **first = NULL;
    char **second = NULL;
    char *text = dogb_strndup(&arena, (const char *)data, size);
    if (text != NULL && dogb_template_parse(&tmpl, &arena, text) == 0 &&
        dogb_template_expand(&first, &arena, tmpl, bindings, 3) == 0) {
        char *line = dogb_template_quote(&arena, first);
        line = line == NULL ? NULL : double_braces(&arena, line);
        if (line == NULL || dogb_template_parse(&tmpl, &arena, line) != 0 ||
            dogb_template_expand(&second, &arena, tmpl, NULL, 0) != 0 ||
            count_of(first) != count_of(second) || count_of(first) == 0) {
            abort();
        }
        for (size_t i = 0; first[i] != NULL; i++) {
            if (strcmp(first[i], second[i]) != 0) {
                abort();
            }
        }
    }
    dogb_arena_free(&arena);
    return 0;
}
