// study_warm.c - earlier studies that a new one learns from: --warm-start ADDRESS[#STUDY].
#include "paths.h"
#include "remote.h"
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
static int add_absolute(FILE *out, tool *t, const char *text, size_t length) {
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
    (void)t;
    return TOOL_OK;
}

// Writes each line of the flag as `add` has it.
static int rewrite(tool *t, int (*add)(FILE *out, tool *t, const char *text, size_t length)) {
    const char *texts = value_of(t, NAME);
    char *list = NULL;
    size_t size = 0;
    int exit_code = TOOL_OK;
    FILE *out = texts == NULL ? NULL : open_memstream(&list, &size);
    if (out == NULL) {
        return TOOL_OK;
    }
    while (exit_code == TOOL_OK && *texts != '\0') {
        size_t length = strcspn(texts, "\n");
        exit_code = add(out, t, texts, length);
        texts += length;
        if (*texts == '\n') {
            (void)fputc(*texts++, out);
        }
    }
    if (fclose(out) == 0 && exit_code == TOOL_OK) {
        set_value(t, NAME, list);
    }
    free(list);
    return exit_code;
}

static int add_fetched(FILE *out, tool *t, const char *text, size_t length) {
    const char *local = NULL;
    char *one = strndup(text, length);
    const char *name = one == NULL || !is_remote(one) ? NULL : split(one);
    int exit_code =
        one == NULL ? fail_with(t, TOOL_FAILED, "out of memory") : remote_fetch(&local, t, one);
    if (exit_code == TOOL_OK) {
        (void)fprintf(out, "%s%s%s", local, name == NULL ? "" : "#", name == NULL ? "" : name);
    }
    free(one);
    return exit_code;
}

int study_warm_fetch(tool *t) {
    return rewrite(t, add_fetched);
}

void study_warm_absolute(tool *t) {
    (void)rewrite(t, add_absolute);
}
