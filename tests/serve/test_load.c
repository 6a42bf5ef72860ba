// A server that listens before its model is there: what it answers meanwhile, when it says that it
// is ready, what a load that fails and a stop before its end lead to. The function `model` of the
// caller is called on the thread that loads, and holds it up here for as long as a test wants.
#include "client.h"
#include "pictures.h"
#include "scratch.h"

#include <dogbreed/dogbreed.h>
#include <pthread.h>
#include <semaphore.h>

static char model_path[2048];
static sem_t gate;

static int set_up(void **state) {
    (void)scratch_make(state);
    (void)snprintf(model_path, sizeof model_path, "%s", scratch("tiny.safetensors"));
    dogbreed_model *model = make_tiny(3);
    assert_ok(dogbreed_model_save(model, model_path));
    dogbreed_model_destroy(model);
    return 0;
}

static int wait_at_gate(void **model, const char *path, void *userdata) {
    const int *result = userdata;
    (void)model;
    assert_string_equal(path, model_path);
    while (sem_wait(&gate) != 0) {
    }
    return *result;
}

static dogbreed_server *start(const char *path, int *result) {
    dogbreed_server *server = NULL;
    dogbreed_serve_options options;
    dogbreed_predictor_options predictor;
    dogbreed_functions functions = {
        .struct_size = (uint32_t)sizeof functions, .model = wait_at_gate, .model_userdata = result};
    assert_ok(dogbreed_predictor_options_init(&predictor, sizeof predictor));
    assert_ok(dogbreed_serve_options_init(&options, sizeof options));
    predictor.engine = "ref";
    options.port = 0;
    options.listen_first = 1;
    assert_int_equal(sem_init(&gate, 0, 0), 0);
    assert_ok(dogbreed_server_create(&server, path, &options, &predictor));
    assert_fails(dogbreed_server_ready(server), DOGBREED_ERROR_STATE, "started");
    if (result != NULL) {
        assert_ok(dogbreed_server_functions(server, &functions));
        assert_fails(dogbreed_server_functions(server, &functions), DOGBREED_ERROR_STATE, "once");
    }
    assert_ok(dogbreed_server_start(server));
    return server;
}

static int ask(const dogbreed_server *server, const char *method, const char *path,
               char reply[4096]) {
    char head[200];
    (void)snprintf(head, sizeof head, "%s %s HTTP/1.1\r\n", method, path);
    client_ask(reply, 4096, dogbreed_server_port(server), head, NULL, 0);
    return (int)strtol(reply + strlen("HTTP/1.1 "), NULL, 10);
}

static void expect_loading(const dogbreed_server *server) {
    static const char *const waiting[][2] = {
        {"GET", "/ping"},           {"GET", "/readyz"},      {"GET", "/v2/health/ready"},
        {"GET", "/v2/models/tiny"}, {"POST", "/v1/predict"}, {"POST", "/invocations"}};
    char reply[4096];
    for (size_t i = 0; i < sizeof waiting / sizeof waiting[0]; i++) {
        assert_int_equal(ask(server, waiting[i][0], waiting[i][1], reply), 503);
        assert_non_null(strstr(reply, "\"code\":\"LOADING\""));
        assert_non_null(strstr(reply, "Retry-After: 1\r\n"));
    }
    assert_int_equal(ask(server, "GET", "/healthz", reply), 200);
    assert_int_equal(ask(server, "GET", "/v2/health/live", reply), 200);
    assert_int_equal(ask(server, "GET", "/metrics", reply), 200);
}

static void *expect_ready(void *server) {
    assert_ok(dogbreed_server_ready(server));
    return NULL;
}

static void requests_get_503_until_the_model_is_there(void **state) {
    char reply[4096];
    pthread_t threads[2];
    int result = 0;
    (void)state;
    dogbreed_server *server = start(model_path, &result);
    expect_loading(server);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, expect_ready, server), 0);
    }
    assert_int_equal(sem_post(&gate), 0);
    assert_ok(dogbreed_server_ready(server));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(ask(server, "GET", "/ping", reply), 200);
    assert_int_equal(ask(server, "GET", "/readyz", reply), 200);
    assert_int_equal(ask(server, "GET", "/v2/models/tiny", reply), 200);
    assert_int_equal(ask(server, "POST", "/v1/predict", reply), 400); // without a picture
    dogbreed_server_stop(server);
    assert_ok(dogbreed_server_wait(server));
    dogbreed_server_destroy(server);
}

static void a_load_that_fails_ends_it(void **state) {
    int result = DOGBREED_ERROR_FORMAT;
    (void)state;
    dogbreed_server *server = start(model_path, &result);
    assert_int_equal(sem_post(&gate), 0);
    assert_int_equal(dogbreed_server_wait(server),
                     DOGBREED_ERROR_FORMAT); // nobody asked it to stop
    assert_int_equal(dogbreed_server_ready(server), DOGBREED_ERROR_FORMAT);
    dogbreed_server_destroy(server);
    server = start(scratch("none"), NULL);
    assert_fails(dogbreed_server_ready(server), DOGBREED_ERROR_NOT_FOUND, "none");
    assert_fails(dogbreed_server_wait(server), DOGBREED_ERROR_NOT_FOUND, "none");
    dogbreed_server_destroy(server);
    server = start(scratch("none"), NULL);
    dogbreed_server_destroy(server); // whatever state it is in
}

static void a_stop_does_not_wait_for_the_model(void **state) {
    char reply[4096];
    int result = 0;
    (void)state;
    dogbreed_server *server = start(model_path, &result);
    assert_int_equal(ask(server, "GET", "/ping", reply), 503);
    dogbreed_server_stop(server);
    assert_fails(dogbreed_server_ready(server), DOGBREED_ERROR_CANCELLED, "before");
    assert_ok(dogbreed_server_wait(server));
    assert_int_equal(sem_post(&gate), 0); // destroy does
    dogbreed_server_destroy(server);
}

static void without_it_create_loads(void **state) {
    dogbreed_server *server = NULL;
    dogbreed_serve_options options;
    (void)state;
    assert_ok(dogbreed_serve_options_init(&options, sizeof options));
    options.port = 0;
    assert_int_equal(options.listen_first, 0);
    assert_fails(dogbreed_server_create(&server, scratch("none"), &options, NULL),
                 DOGBREED_ERROR_NOT_FOUND, "none");
    assert_ok(dogbreed_server_create(&server, model_path, &options, NULL));
    assert_ok(dogbreed_server_start(server));
    assert_ok(dogbreed_server_ready(server));
    assert_fails(dogbreed_server_ready(NULL), DOGBREED_ERROR_INVALID_ARGUMENT, "NULL");
    dogbreed_server_destroy(server);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_get_503_until_the_model_is_there),
        cmocka_unit_test(a_load_that_fails_ends_it),
        cmocka_unit_test(a_stop_does_not_wait_for_the_model),
        cmocka_unit_test(without_it_create_loads),
    };
    return cmocka_run_group_tests(tests, set_up, scratch_remove);
}
