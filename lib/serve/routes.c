// routes.c - the table of addresses.
#include "serve/handler.h"
#include "serve/route.h"

enum { OPEN = DOGB_ROUTE_OPEN, INFERENCE = DOGB_ROUTE_INFERENCE };

const dogb_route dogb_routes[] = {
    {"GET", "/", dogb_handle_page, DOGB_BODY_NONE, OPEN},
    {"GET", "/openapi.json", dogb_handle_openapi, DOGB_BODY_NONE, OPEN},
    {"GET", "/ping", dogb_handle_ping, DOGB_BODY_NONE, OPEN},
    {"POST", "/invocations", dogb_handle_invocations, DOGB_BODY_INVOCATION, INFERENCE},
    {"POST", "/endpoints/{m}/invocations", dogb_handle_endpoint, DOGB_BODY_INVOCATION, INFERENCE},
    {"GET", "/execution-parameters", dogb_handle_parameters, DOGB_BODY_NONE, 0},
    {"POST", "/v1/predict", dogb_handle_predict, DOGB_BODY_ANY, INFERENCE},
    {"GET", "/healthz", dogb_handle_health, DOGB_BODY_NONE, OPEN},
    {"GET", "/readyz", dogb_handle_ready, DOGB_BODY_NONE, OPEN},
    {"GET", "/metrics", dogb_handle_metrics, DOGB_BODY_NONE, 0},
    {"GET", "/v2", dogb_handle_v2, DOGB_BODY_NONE, 0},
    {"GET", "/v2/health/live", dogb_handle_health, DOGB_BODY_NONE, OPEN},
    {"GET", "/v2/health/ready", dogb_handle_ready, DOGB_BODY_NONE, OPEN},
    {"GET", "/v2/models/{m}", dogb_handle_v2_model, DOGB_BODY_NONE, 0},
    {"GET", "/v2/models/{m}/ready", dogb_handle_v2_ready, DOGB_BODY_NONE, 0},
    {"POST", "/v2/models/{m}/infer", dogb_handle_v2_infer, DOGB_BODY_ANY, INFERENCE},
    {"GET", "/v2/models/{m}/versions/{v}", dogb_handle_v2_model, DOGB_BODY_NONE, 0},
    {"GET", "/v2/models/{m}/versions/{v}/ready", dogb_handle_v2_ready, DOGB_BODY_NONE, 0},
    {"POST", "/v2/models/{m}/versions/{v}/infer", dogb_handle_v2_infer, DOGB_BODY_ANY, INFERENCE},
    {"GET", "/models", dogb_handle_models, DOGB_BODY_NONE, 0},
    {"POST", "/models", dogb_handle_models_load, DOGB_BODY_ANY, 0},
    {"GET", "/models/{m}", dogb_handle_models_show, DOGB_BODY_NONE, 0},
    {"DELETE", "/models/{m}", dogb_handle_models_remove, DOGB_BODY_NONE, 0},
    {"POST", "/models/{m}/invoke", dogb_handle_models_invoke, DOGB_BODY_INVOCATION, INFERENCE},
};
enum { MODELS = 5 };
const size_t dogb_route_count_one = sizeof dogb_routes / sizeof dogb_routes[0] - MODELS;
const size_t dogb_route_count = sizeof dogb_routes / sizeof dogb_routes[0];
_Static_assert(sizeof dogb_routes / sizeof dogb_routes[0] <= DOGB_METRICS_ROUTES,
               "the counters have a row for each");
