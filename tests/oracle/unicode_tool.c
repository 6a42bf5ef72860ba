// unicode_tool.c - for unicode.py: each line of stdin, composed, and that folded, on two lines.
#include "core/unicode.h"

#include <stdio.h>
#include <string.h>

int main(void) {
    static char line[1 << 16];
    while (fgets(line, sizeof line, stdin) != NULL) {
        dogb_arena arena = {0};
        char *composed = dogb_unicode_compose(&arena, line, strcspn(line, "\n"));
        char *folded = composed == NULL ? NULL : dogb_unicode_fold(&arena, composed);
        if (folded == NULL) {
            return 1;
        }
        (void)printf("%s\n%s\n", composed, folded);
        dogb_arena_free(&arena);
    }
    return 0;
}
