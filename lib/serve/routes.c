// routes.c - the table of addresses.
#include "serve/handler.h"
#include "serve/route.h"

enum {
    OPEN = DOGB_ROUTE_OPEN,
    INFERENCE = DOGB_ROUTE_INFERENCE,
    MODEL = DOGB_ROUTE_MODEL,
    MODELS = DOGB_ROUTE_MODELS,
    ASYNC = DOGB_ROUTE_ASYNC | DOGB_ROUTE_MODEL
};

const dogb_route dogb_routes[] = {
    {"GET", "/", dogb_handle_page, DOGB_BODY_NONE, OPEN | MODEL},
    {"GET", "/openapi.json", dogb_handle_openapi, DOGB_BODY_NONE, OPEN},
    {"GET", "/ping", dogb_handle_ping, DOGB_BODY_NONE, OPEN},
    {"POST", "/invocations", dogb_handle_invocations, DOGB_BODY_INVOCATION, INFERENCE | MODEL},
    {"POST", "/endpoints/{m}/invocations", dogb_handle_endpoint, DOGB_BODY_INVOCATION,
     INFERENCE | MODEL},
    {"GET", "/execution-parameters", dogb_handle_parameters, DOGB_BODY_NONE, 0},
    {"POST", "/v1/predict", dogb_handle_predict, DOGB_BODY_ANY, INFERENCE | MODEL},
    {"POST", "/v1/async", dogb_handle_async_add, DOGB_BODY_INVOCATION, INFERENCE | ASYNC},
    {"GET", "/v1/async/{id}", dogb_handle_async_show, DOGB_BODY_NONE, ASYNC},
    {"DELETE", "/v1/async/{id}", dogb_handle_async_remove, DOGB_BODY_NONE, ASYNC},
    {"GET", "/healthz", dogb_handle_health, DOGB_BODY_NONE, OPEN},
    {"GET", "/readyz", dogb_handle_ready, DOGB_BODY_NONE, OPEN},
    {"GET", "/metrics", dogb_handle_metrics, DOGB_BODY_NONE, 0},
    {"GET", "/v2", dogb_handle_v2, DOGB_BODY_NONE, 0},
    {"GET", "/v2/health/live", dogb_handle_health, DOGB_BODY_NONE, OPEN},
    {"GET", "/v2/health/ready", dogb_handle_ready, DOGB_BODY_NONE, OPEN},
    {"GET", "/v2/models/{m}", dogb_handle_v2_model, DOGB_BODY_NONE, MODEL},
    {"GET", "/v2/models/{m}/ready", dogb_handle_v2_ready, DOGB_BODY_NONE, MODEL},
    {"POST", "/v2/models/{m}/infer", dogb_handle_v2_infer, DOGB_BODY_ANY, INFERENCE | MODEL},
    {"GET", "/v2/models/{m}/versions/{v}", dogb_handle_v2_model, DOGB_BODY_NONE, MODEL},
    {"GET", "/v2/models/{m}/versions/{v}/ready", dogb_handle_v2_ready, DOGB_BODY_NONE, MODEL},
    {"POST", "/v2/models/{m}/versions/{v}/infer", dogb_handle_v2_infer, DOGB_BODY_ANY,
     INFERENCE | MODEL},
    {"GET", "/models", dogb_handle_models, DOGB_BODY_NONE, MODELS},
    {"POST", "/models", dogb_handle_models_load, DOGB_BODY_ANY, MODELS},
    {"GET", "/models/{m}", dogb_handle_models_show, DOGB_BODY_NONE, MODELS},
    {"DELETE", "/models/{m}", dogb_handle_models_remove, DOGB_BODY_NONE, MODELS},
    {"POST", "/models/{m}/invoke", dogb_handle_models_invoke, DOGB_BODY_INVOCATION,
     INFERENCE | MODELS},
};
const size_t dogb_route_count = sizeof dogb_routes / sizeof dogb_routes[0];
_Static_assert(sizeof dogb_routes / sizeof dogb_routes[0] <= DOGB_METRICS_ROUTES,
               "the counters have a row for each");
