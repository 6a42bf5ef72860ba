// study_warm.c - earlier studies that a new one learns from: --warm-start ADDRESS[#STUDY].
#include "paths.h"
#include "study.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char NAME[] = "warm-start";

// "runs/a#study": the address ends at the last '#'.
static char *split(char *text) {
    char *mark = strrchr(text, '#');
    if (mark != NULL) {
        *mark = '\0';
    }
    return mark == NULL ? NULL : mark + 1;
}

int study_warm_add(dogbreed_tuner *tuner, const char *text) {
    char *address = strdup(text);
    const char *name = address == NULL ? NULL : split(address);
    int rc = address == NULL ? DOGBREED_ERROR_NO_MEMORY
                             : dogbreed_tuner_warm_start(tuner, address, name);
    free(address);
    return rc;
}

// Paths as they are found from anywhere. What cannot be found is said when it is opened.
static void add_absolute(FILE *out, const char *text, size_t length) {
    static const char SQLITE[] = "sqlite:///";
    char *one = strndup(text, length);
    const char *name = one == NULL ? NULL : split(one);
    const char *path =
        one != NULL && strncmp(one, SQLITE, strlen(SQLITE)) == 0 ? one + strlen(SQLITE) : one;
    char *whole = absolute_path(path);
    const char *address = whole == NULL ? one : whole;
    (void)fprintf(out, "%s%s%s", address == NULL ? "" : address, name == NULL ? "" : "#",
                  name == NULL ? "" : name);
    free(whole);
    free(one);
}

void study_warm_absolute(tool *t) {
    const char *texts = value_of(t, NAME);
    char *list = NULL;
    size_t size = 0;
    FILE *out = texts == NULL ? NULL : open_memstream(&list, &size);
    if (out == NULL) {
        return;
    }
    while (*texts != '\0') {
        size_t length = strcspn(texts, "\n");
        add_absolute(out, texts, length);
        texts += length;
        if (*texts == '\n') {
            (void)fputc(*texts++, out);
        }
    }
    if (fclose(out) == 0) {
        set_value(t, NAME, list);
    }
    free(list);
}
