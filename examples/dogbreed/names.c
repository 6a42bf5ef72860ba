// names.c - names compared with '-' equal to '_', and the nearest one to a mistyped name.
#include "tool.h"

#include <string.h>

static int same_char(char a, char b) {
    return a == b || ((a == '-' || a == '_') && (b == '-' || b == '_'));
}

int same_name(const char *a, const char *b) {
    while (*a != '\0' && same_char(*a, *b)) {
        a++;
        b++;
    }
    return *a == *b;
}

static size_t distance(const char *a, const char *b) {
    enum { LONGEST = 64 };
    size_t row[LONGEST + 1];
    size_t m = strlen(a);
    size_t n = strlen(b);
    if (m > LONGEST || n > LONGEST) {
        return LONGEST;
    }
    for (size_t j = 0; j <= n; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= m; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t above = row[j];
            size_t best = diagonal + !same_char(a[i - 1], b[j - 1]);
            best = above + 1 < best ? above + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            diagonal = above;
            row[j] = best;
        }
    }
    return row[n];
}

const char *nearest(const char *name, const char *const *names, size_t count) {
    const char *best = NULL;
    // A third of the letters may be wrong, three at most.
    size_t allowed = strlen(name) / 3 + 1;
    size_t best_distance = (allowed > 3 ? 3 : allowed) + 1;
    for (size_t i = 0; i < count; i++) {
        size_t d = distance(name, names[i]);
        if (d < best_distance) {
            best_distance = d;
            best = names[i];
        }
    }
    return best;
}
