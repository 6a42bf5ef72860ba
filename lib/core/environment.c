// environment.c - see environment.h.
#include "core/environment.h"

#include <stdlib.h>

static const int64_t DATE_MAX = 253402300799; // 9999-12-31T23:59:59Z

const char *dogb_environment(const char *name) {
    const char *value = getenv(name);
    return value == NULL || *value == '\0' ? NULL : value;
}

int dogb_source_date(int64_t *out) {
    const char *text = dogb_environment("SOURCE_DATE_EPOCH");
    char *end = NULL;
    long long value = text == NULL ? -1 : strtoll(text, &end, 10);
    int valid = text != NULL && end != text && *end == '\0' && value >= 0 && value <= DATE_MAX;
    *out = valid ? value : 0;
    return valid;
}
