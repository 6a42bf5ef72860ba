// serve_guard.c - fuzz target: the target and the headers of a request. Input: the target up to the
// first line end, then lines "name: value", each byte as it is. What is let through has a path
// without "..", one host and one meaning of where the body ends.
#include "fuzz.h"

#include "serve/guard.h"
#include "serve/route.h"

#include <stdlib.h>
#include <string.h>

static void check(int good) {
    if (!good) {
        abort();
    }
}

static void check_text(const char *text) {
    for (; *text != '\0'; text++) {
        check((unsigned char)*text >= 0x20 && *text != 0x7F);
    }
}

static void check_target(const char *raw) {
    dogb_arena arena = {0};
    dogb_target target;
    const char *params[DOGB_REQUEST_PARAMS_MAX];
    const char *allow = NULL;
    const dogb_refusal *refusal = dogb_guard_target(&target, &arena, raw);
    if (refusal == NULL) {
        check(target.path[0] == '/' && strstr(target.path, "..") == NULL);
        check_text(target.path);
        for (size_t i = 0; i < target.query_count; i++) {
            check_text(target.query[i].name);
            check_text(target.query[i].value);
        }
        const dogb_route_set routes = {dogb_routes, dogb_route_count, DOGB_ROUTE_NEEDS};
        (void)dogb_route_find(&allow, params, &arena, &routes, "GET", target.path);
    } else {
        check(refusal->status >= 400 && *target.path == '\0');
    }
    dogb_arena_free(&arena);
}

static void check_fields(const dogb_field *fields, size_t count) {
    char trace[DOGB_TRACE_SIZE];
    int64_t length = 0;
    int hosts = 0;
    int lengths = 0;
    int codings = 0;
    dogb_guard_trace(trace, fields, count);
    check(*trace == '\0' || strspn(trace, "0123456789abcdef-") == DOGB_TRACE_SIZE - 1);
    if (dogb_guard_fields(&length, "HTTP/1.1", fields, count) != NULL) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        hosts += dogb_field_is(&fields[i], "Host");
        lengths += dogb_field_is(&fields[i], "Content-Length");
        codings += dogb_field_is(&fields[i], "Transfer-Encoding");
    }
    check(hosts == 1 && lengths + codings <= 1 && (codings == 1) == (length == -1));
    check(lengths == 1 || length <= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    dogb_field fields[DOGB_FIELDS_MAX + 2];
    const char *end = (const char *)data + size;
    const char *at = (const char *)data;
    size_t count = 0;
    const char *line = size == 0 ? NULL : memchr(at, '\n', size);
    size_t first = line == NULL ? size : (size_t)(line - at);
    char *target = malloc(first + 1);
    if (target == NULL) {
        return 0;
    }
    if (first > 0) {
        memcpy(target, at, first);
    }
    target[first] = '\0';
    check_target(target);
    free(target);
    while (line != NULL && count < sizeof fields / sizeof fields[0]) {
        at = line + 1;
        line = memchr(at, '\n', (size_t)(end - at));
        size_t length = line == NULL ? (size_t)(end - at) : (size_t)(line - at);
        const char *colon = memchr(at, ':', length);
        size_t name = colon == NULL ? length : (size_t)(colon - at);
        const char *value = colon == NULL ? at + length : colon + 1;
        fields[count++] = (dogb_field){at, name, value, (size_t)(at + length - value)};
    }
    check_fields(fields, count);
    return 0;
}
