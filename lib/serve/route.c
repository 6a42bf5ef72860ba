// route.c - which row of the table a request is for.
#include "serve/route.h"

#include <string.h>

// Compares part by part; {x} takes any part that is not empty. -1: no memory.
static int matches(const char *params[DOGB_REQUEST_PARAMS_MAX], dogb_arena *arena,
                   const char *pattern, const char *path) {
    size_t count = 0;
    for (size_t i = 0; i < DOGB_REQUEST_PARAMS_MAX; i++) {
        params[i] = "";
    }
    while (*pattern != '\0') {
        if (*pattern == '{') {
            size_t size = strcspn(path, "/");
            pattern += strcspn(pattern, "}") + 1;
            if (size == 0 || count == DOGB_REQUEST_PARAMS_MAX) {
                return 0;
            }
            params[count] = dogb_strndup(arena, path, size);
            if (params[count++] == NULL) {
                return -1;
            }
            path += size;
        } else if (*pattern++ != *path++) {
            return 0;
        }
    }
    return *path == '\0';
}

static int is_there(const dogb_route_set *routes, const dogb_route *row) {
    return (row->flags & DOGB_ROUTE_NEEDS & ~routes->has) == 0;
}

// The methods of the same pattern, with HEAD behind GET.
static const char *methods_of(dogb_arena *arena, const dogb_route_set *routes,
                              const char *pattern) {
    const char *text = "";
    for (size_t i = 0; i < routes->count && text != NULL; i++) {
        const dogb_route *row = &routes->rows[i];
        if (is_there(routes, row) && strcmp(row->path, pattern) == 0) {
            text = dogb_format(arena, "%s%s%s%s", text, *text == '\0' ? "" : ", ", row->method,
                               strcmp(row->method, "GET") == 0 ? ", HEAD" : "");
        }
    }
    return text == NULL ? "" : text;
}

const dogb_route *dogb_route_find(const char **allow, const char *params[DOGB_REQUEST_PARAMS_MAX],
                                  dogb_arena *arena, const dogb_route_set *routes,
                                  const char *method, const char *path) {
    *allow = NULL;
    method = strcmp(method, "HEAD") == 0 ? "GET" : method;
    for (size_t i = 0; i < routes->count; i++) {
        const dogb_route *row = &routes->rows[i];
        int found = is_there(routes, row) ? matches(params, arena, row->path, path) : 0;
        if (found < 0) {
            *allow = "";
            return NULL;
        }
        if (found && strcmp(row->method, method) == 0) {
            *allow = NULL;
            return row;
        }
        if (found && *allow == NULL) {
            *allow = methods_of(arena, routes, row->path);
        }
    }
    return NULL;
}

int dogb_route_waits(const dogb_route *route) {
    return (route->flags & (DOGB_ROUTE_MODEL | DOGB_ROUTE_OPEN)) == DOGB_ROUTE_MODEL;
}
