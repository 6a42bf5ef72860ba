// Which row of a table of routes a request is for.
#include "../test.h"

#include "serve/route.h"

static const dogb_route rows[] = {
    {"GET", "/ping", NULL, 0, 0},
    {"GET", "/v2/models/{m}", NULL, 0, 0},
    {"POST", "/v2/models/{m}/infer", NULL, 0, 0},
    {"POST", "/v2/models/{m}/versions/{v}/infer", NULL, 0, 0},
    {"POST", "/models", NULL, 0, 0},
    {"GET", "/models", NULL, 0, 0},
    {"DELETE", "/models/{m}", NULL, 0, 0},
};

static void requests_find_their_row(void **state) {
    static const struct {
        const char *method;
        const char *path;
        int row; // -1: none
        const char *allow;
        const char *params[2];
    } cases[] = {
        {"GET", "/ping", 0, NULL, {"", ""}},
        {"HEAD", "/ping", 0, NULL, {"", ""}},
        {"POST", "/ping", -1, "GET, HEAD", {"", ""}},
        {"get", "/ping", -1, "GET, HEAD", {"", ""}},
        {"GET", "/ping/", -1, NULL, {"", ""}},
        {"GET", "/pin", -1, NULL, {"", ""}},
        {"GET", "", -1, NULL, {"", ""}},
        {"GET", "/", -1, NULL, {"", ""}},
        {"GET", "/v2/models/a", 1, NULL, {"a", ""}},
        {"GET", "/v2/models/{m}", 1, NULL, {"{m}", ""}},
        {"GET", "/v2/models/", -1, NULL, {"", ""}},
        {"GET", "/v2/models/a/b", -1, NULL, {"", ""}},
        {"POST", "/v2/models/a/infer", 2, NULL, {"a", ""}},
        {"HEAD", "/v2/models/a/infer", -1, "POST", {"", ""}},
        {"POST", "/v2/models//infer", -1, NULL, {"", ""}},
        {"POST", "/v2/models/a/versions/1/infer", 3, NULL, {"a", "1"}},
        {"POST", "/v2/models/a/versions//infer", -1, NULL, {"", ""}},
        {"PUT", "/models", -1, "POST, GET, HEAD", {"", ""}},
        {"GET", "/models", 5, NULL, {"", ""}},
        {"DELETE", "/models/x", 6, NULL, {"x", ""}},
    };
    (void)state;
    const dogb_route_set all = {rows, sizeof rows / sizeof rows[0], 0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        dogb_arena arena = {0};
        const char *params[DOGB_REQUEST_PARAMS_MAX];
        const char *allow = "unset";
        const dogb_route *route =
            dogb_route_find(&allow, params, &arena, &all, cases[i].method, cases[i].path);
        int row = route == NULL ? -1 : (int)(route - rows);
        if (row != cases[i].row || (allow == NULL) != (cases[i].allow == NULL) ||
            (allow != NULL && strcmp(allow, cases[i].allow) != 0)) {
            fail_msg("%s %s: row %d, allow %s", cases[i].method, cases[i].path, row,
                     allow == NULL ? "NULL" : allow);
        }
        for (int k = 0; row >= 0 && k < 2; k++) {
            assert_string_equal(params[k], cases[i].params[k]);
        }
        dogb_arena_free(&arena);
    }
}

// One row for each method of an address; what HEAD gets is looked up as GET.
static void the_table_has_no_row_twice(void **state) {
    (void)state;
    for (size_t i = 0; i < dogb_route_count; i++) {
        assert_non_null(dogb_routes[i].begin);
        assert_int_equal(dogb_routes[i].path[0], '/');
        assert_string_not_equal(dogb_routes[i].method, "HEAD");
        for (size_t k = 0; k < i; k++) {
            assert_true(strcmp(dogb_routes[i].path, dogb_routes[k].path) != 0 ||
                        strcmp(dogb_routes[i].method, dogb_routes[k].method) != 0);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_find_their_row),
        cmocka_unit_test(the_table_has_no_row_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
