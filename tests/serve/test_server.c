// The life of a server through the public functions: its states, its errors, many at once, stopped
// from another thread, destroyed while it runs.
#include "client.h"
#include "pictures.h"
#include "scratch.h"

#include <dogbreed/dogbreed.h>
#include <pthread.h>
#include <time.h>

static char model_path[2048];

static int set_up(void **state) {
    (void)scratch_make(state);
    (void)snprintf(model_path, sizeof model_path, "%s", scratch("tiny-1.safetensors"));
    dogbreed_model *model = make_tiny(3);
    assert_ok(dogbreed_model_save(model, model_path));
    dogbreed_model_destroy(model);
    return 0;
}

static dogbreed_server *make(dogbreed_serve_options *options) {
    dogbreed_server *server = NULL;
    dogbreed_predictor_options predictor;
    assert_ok(dogbreed_predictor_options_init(&predictor, sizeof predictor));
    predictor.engine = "ref";
    assert_ok(dogbreed_server_create(&server, model_path, options, &predictor));
    return server;
}

static void defaults(dogbreed_serve_options *options) {
    assert_ok(dogbreed_serve_options_init(options, sizeof *options));
    options->port = 0;
}

static void ask(char *reply, size_t size, int32_t port, const char *path) {
    char head[200];
    (void)snprintf(head, sizeof head, "GET %s HTTP/1.1\r\n", path);
    client_ask(reply, size, port, head, NULL, 0);
}

static void *stop_later(void *server) {
    (void)nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    dogbreed_server_stop(server);
    return NULL;
}

static void it_serves_until_it_is_stopped(void **state) {
    dogbreed_serve_options options;
    char reply[4096];
    pthread_t thread;
    (void)state;
    defaults(&options);
    dogbreed_server *server = make(&options);
    assert_string_equal(dogbreed_server_url(server), "");
    assert_int_equal(dogbreed_server_port(server), 0);
    assert_fails(dogbreed_server_wait(server), DOGBREED_ERROR_STATE, "not running");
    assert_ok(dogbreed_server_start(server));
    assert_true(dogbreed_server_port(server) > 0);
    assert_non_null(strstr(dogbreed_server_url(server), "http://127.0.0.1:"));
    assert_fails(dogbreed_server_start(server), DOGBREED_ERROR_STATE, "already");
    ask(reply, sizeof reply, dogbreed_server_port(server), "/ping");
    assert_non_null(strstr(reply, "HTTP/1.1 200 OK"));
    ask(reply, sizeof reply, dogbreed_server_port(server), "/v2/models/tiny-1");
    assert_non_null(strstr(reply, "\"name\":\"tiny-1\",\"versions\":[\"1\"]"));
    assert_int_equal(pthread_create(&thread, NULL, stop_later, server), 0);
    assert_ok(dogbreed_server_wait(server));
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_fails(dogbreed_server_wait(server), DOGBREED_ERROR_STATE, "not running");
    assert_fails(dogbreed_server_start(server), DOGBREED_ERROR_STATE, "already");
    dogbreed_server_destroy(server);
}

static void a_stop_before_wait_is_not_lost(void **state) {
    dogbreed_serve_options options;
    (void)state;
    defaults(&options);
    dogbreed_server *server = make(&options);
    dogbreed_server_stop(server);
    dogbreed_server_stop(server);
    assert_ok(dogbreed_server_start(server));
    assert_ok(dogbreed_server_wait(server));
    dogbreed_server_destroy(server);
}

static void several_run_in_one_process(void **state) {
    dogbreed_serve_options options;
    dogbreed_server *servers[3];
    char reply[4096];
    (void)state;
    defaults(&options);
    for (int i = 0; i < 3; i++) {
        servers[i] = make(&options);
        assert_ok(dogbreed_server_start(servers[i]));
    }
    for (int i = 0; i < 3; i++) {
        ask(reply, sizeof reply, dogbreed_server_port(servers[i]), "/readyz");
        assert_non_null(strstr(reply, "200 OK"));
        dogbreed_server_destroy(servers[i]); // while it runs
    }
    dogbreed_server_destroy(make(&options)); // never started
    dogbreed_server_destroy(NULL);
    dogbreed_server_stop(NULL);
}

static void names_come_from_the_path_or_from_options(void **state) {
    dogbreed_serve_options options;
    char reply[4096];
    (void)state;
    defaults(&options);
    options.model_name = "dogs";
    options.model_version = "2026-11";
    dogbreed_server *server = make(&options);
    assert_ok(dogbreed_server_start(server));
    ask(reply, sizeof reply, dogbreed_server_port(server), "/v2/models/dogs/versions/2026-11");
    assert_non_null(strstr(reply, "\"name\":\"dogs\",\"versions\":[\"2026-11\"]"));
    ask(reply, sizeof reply, dogbreed_server_port(server), "/v2/models/dogs/versions/1");
    assert_non_null(strstr(reply, " 404 "));
    dogbreed_server_destroy(server);
}

static void bad_arguments_are_named(void **state) {
    dogbreed_serve_options options;
    dogbreed_server *server = NULL;
    (void)state;
    defaults(&options);
    assert_fails(dogbreed_server_create(NULL, model_path, NULL, NULL),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "out");
    assert_fails(dogbreed_server_create(&server, "", NULL, NULL), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "model");
    assert_fails(dogbreed_server_create(&server, NULL, NULL, NULL), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "multi_model");
    assert_fails(dogbreed_server_create(&server, scratch("none"), &options, NULL),
                 DOGBREED_ERROR_NOT_FOUND, "none");
    options.tls_key = "key.pem";
    assert_fails(dogbreed_server_create(&server, model_path, &options, NULL),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "tls_certificate");
    defaults(&options);
    options.model_name = "a..b";
    assert_fails(dogbreed_server_create(&server, model_path, &options, NULL),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "model_name");
    defaults(&options);
    options.tokens = model_path;
    assert_fails(dogbreed_server_create(&server, model_path, &options, NULL), DOGBREED_ERROR_FORMAT,
                 "tiny-1");
    assert_null(server);
    assert_fails(dogbreed_server_start(NULL), DOGBREED_ERROR_INVALID_ARGUMENT, "NULL");
    assert_fails(dogbreed_server_wait(NULL), DOGBREED_ERROR_INVALID_ARGUMENT, "NULL");
}

// After a start that failed there may be another one.
static void an_address_in_use_is_named(void **state) {
    dogbreed_serve_options options;
    (void)state;
    defaults(&options);
    dogbreed_server *first = make(&options);
    assert_ok(dogbreed_server_start(first));
    options.port = dogbreed_server_port(first);
    dogbreed_server *second = make(&options);
    assert_fails(dogbreed_server_start(second), DOGBREED_ERROR_NETWORK, "cannot listen");
    assert_string_equal(dogbreed_server_url(second), "");
    dogbreed_server_destroy(first);
    assert_ok(dogbreed_server_start(second));
    dogbreed_server_destroy(second);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_serves_until_it_is_stopped),
        cmocka_unit_test(a_stop_before_wait_is_not_lost),
        cmocka_unit_test(several_run_in_one_process),
        cmocka_unit_test(names_come_from_the_path_or_from_options),
        cmocka_unit_test(bad_arguments_are_named),
        cmocka_unit_test(an_address_in_use_is_named),
    };
    return cmocka_run_group_tests(tests, set_up, scratch_remove);
}
