// Functions of the caller in place of the steps of /invocations: what they see, what they leave,
// what becomes of them when they fail, and that the library's own steps between them are the usual
// ones.
#include "client.h"
#include "pictures.h"
#include "predictor/predictor_infer.h"
#include "scratch.h"

#include <dogbreed/serve.h>
#include <math.h>
#include <pthread.h>

enum { CLASSES = 3, SIDE_MAX = 64, VALUES_MAX = 3 * SIDE_MAX * SIDE_MAX, REPLY_MAX = 1 << 20 };

static dogb_arena memory;
static char model_path[2048];
static void *picture;
static size_t picture_size;
static char *reply;       // of the last request
static char *plain_reply; // of a server without functions, to the picture
static int32_t side;
static float pixels[VALUES_MAX]; // the picture as the network sees it

// --- the servers

static dogbreed_server *make(void) {
    dogbreed_server *server = NULL;
    dogbreed_serve_options options;
    dogbreed_predictor_options predictor;
    assert_ok(dogbreed_predictor_options_init(&predictor, sizeof predictor));
    assert_ok(dogbreed_serve_options_init(&options, sizeof options));
    predictor.engine = "ref";
    options.port = 0;
    assert_ok(dogbreed_server_create(&server, model_path, &options, &predictor));
    return server;
}

static dogbreed_server *started(const dogbreed_functions *functions) {
    dogbreed_server *server = make();
    if (functions != NULL) {
        assert_ok(dogbreed_server_functions(server, functions));
    }
    assert_ok(dogbreed_server_start(server));
    return server;
}

static dogbreed_functions none(void) {
    return (dogbreed_functions){.struct_size = (uint32_t)sizeof(dogbreed_functions)};
}

static const char *post(const dogbreed_server *server, const char *type, const char *accept,
                        const void *body, size_t size) {
    char head[500];
    (void)snprintf(head, sizeof head,
                   "POST /invocations HTTP/1.1\r\nContent-Type: %s\r\nAccept: %s\r\n", type,
                   accept);
    client_ask(reply, REPLY_MAX, dogbreed_server_port(server), head, body, size);
    return client_body(reply);
}

static const char *post_picture(const dogbreed_server *server) {
    return post(server, "image/jpeg", "application/json", picture, picture_size);
}

static int status(void) {
    return (int)strtol(reply + strlen("HTTP/1.1 "), NULL, 10);
}

static void see_pixels(void) {
    dogbreed_predictor *predictor = NULL;
    dogb_predictor_facts facts;
    assert_ok(dogbreed_predictor_create(&predictor, model_path, NULL));
    dogb_predictor_facts_get(&facts, predictor);
    side = facts.side;
    assert_true(side <= SIDE_MAX);
    uint8_t *bytes = dogb_alloc(&memory, dogb_predictor_picture(predictor), 1);
    const dogb_encoded in = {picture, picture_size, NULL, "x"};
    assert_ok(dogb_predictor_decode(bytes, NULL, predictor, &memory, &in));
    dogb_predictor_normalize(pixels, predictor, bytes);
    dogbreed_predictor_destroy(predictor);
}

static int set_up(void **state) {
    (void)scratch_make(state);
    (void)snprintf(model_path, sizeof model_path, "%s", scratch("tiny.safetensors"));
    dogbreed_model *model = make_tiny(CLASSES);
    assert_ok(dogbreed_model_save(model, model_path));
    dogbreed_model_destroy(model);
    write_picture(scratch("a.jpg"), 1, 70, 50);
    assert_ok(dogb_file_read(&picture, &picture_size, &memory, scratch("a.jpg"), 1 << 24));
    reply = dogb_alloc(&memory, REPLY_MAX, 1);
    see_pixels();
    dogbreed_server *plain = started(NULL);
    plain_reply = dogb_strdup(&memory, post_picture(plain));
    assert_int_equal(status(), 200);
    dogbreed_server_destroy(plain);
    return 0;
}

static int tear_down(void **state) {
    dogb_arena_free(&memory);
    return scratch_remove(state);
}

// --- functions

typedef struct seen {
    int calls;
    int ended;
    int right; // calls that saw what they should
    void *object;
} seen;

static int count_end(dogbreed_call *call, void *userdata) {
    seen *s = userdata;
    s->ended++;
    s->object = call->object;
    return 0;
}

static int predict_three(dogbreed_call *call, void *userdata) {
    static const float logits[] = {0.5F, -1.25F, 3};
    const int64_t shape[] = {1, CLASSES};
    seen *s = userdata;
    s->calls++;
    s->right += call->rank == 4 && call->shape[0] == 1 && call->shape[1] == 3 &&
                call->shape[2] == side && call->shape[3] == side &&
                memcmp(call->values, pixels, (size_t)(3 * side * side) * sizeof(float)) == 0;
    return dogbreed_call_values(call, logits, shape, 2);
}

static void predict_sees_pixels_and_its_logits_go_out(void **state) {
    seen s = {0};
    dogbreed_functions functions = none();
    (void)state;
    functions.predict = predict_three;
    functions.predict_userdata = &s;
    functions.end = count_end;
    functions.end_userdata = &s;
    dogbreed_server *server = started(&functions);
    assert_string_equal(post_picture(server), "[[0.5,-1.25,3.0]]");
    assert_string_equal(post(server, "image/jpeg", "text/csv", picture, picture_size),
                        "0.5,-1.25,3.0\n");
    (void)post(server, "image/jpeg", "application/json", "no picture", 10);
    assert_int_equal(status(), 422);
    (void)post(server, "image/gif", "application/json", picture, picture_size);
    assert_int_equal(status(), 415);
    dogbreed_server_destroy(server);
    assert_int_equal(s.calls, 2);
    assert_int_equal(s.right, 2);
    assert_int_equal(s.ended, 4);
}

static int input_pixels(dogbreed_call *call, void *userdata) {
    const int64_t shape[] = {1, 3, side, side};
    seen *s = userdata;
    s->calls++;
    s->right += call->size == 3 && memcmp(call->body, "dog", 3) == 0 &&
                strcmp(call->content_type, "x/dog") == 0 && *call->request_id != '\0';
    return dogbreed_call_values(call, pixels, shape, 4);
}

static void values_of_input_are_computed_as_a_picture_is(void **state) {
    seen s = {0};
    dogbreed_functions functions = none();
    (void)state;
    functions.input = input_pixels;
    functions.input_userdata = &s;
    dogbreed_server *server = started(&functions);
    assert_string_equal(post(server, "x/dog", "application/json", "dog", 3), plain_reply);
    dogbreed_server_destroy(server);
    assert_int_equal(s.right, 1);
}

static int output_text(dogbreed_call *call, void *userdata) {
    char text[400];
    seen *s = userdata;
    s->right += call->rank == 2 && call->shape[0] == 1 && call->shape[1] == CLASSES;
    int size = snprintf(text, sizeof text, "[[%.9g,%.9g,%.9g]] for %s", (double)call->values[0],
                        (double)call->values[1], (double)call->values[2], call->accept);
    return dogbreed_call_reply(call, 201, "text/x-dog", text, (size_t)size);
}

static void output_sees_the_networks_logits(void **state) {
    seen s = {0};
    float ours[CLASSES];
    float theirs[CLASSES];
    dogbreed_functions functions = none();
    (void)state;
    functions.output = output_text;
    functions.output_userdata = &s;
    dogbreed_server *server = started(&functions);
    const char *body = post_picture(server);
    assert_int_equal(status(), 201);
    assert_non_null(strstr(reply, "Content-Type: text/x-dog\r\n"));
    assert_non_null(strstr(body, "]] for application/json"));
    assert_int_equal(sscanf(body, "[[%f,%f,%f]]", &ours[0], &ours[1], &ours[2]), 3);
    assert_int_equal(sscanf(plain_reply, "[[%f,%f,%f]]", &theirs[0], &theirs[1], &theirs[2]), 3);
    assert_memory_equal(ours, theirs, sizeof ours);
    (void)post(server, "image/jpeg", "application/json", "no picture", 10);
    assert_int_equal(status(), 422);
    dogbreed_server_destroy(server);
    assert_int_equal(s.right, 1);
}

static int make_model(void **model, const char *path, void *userdata) {
    *model = strcmp(path, model_path) == 0 ? userdata : NULL;
    return 0;
}

static int transform_all(dogbreed_call *call, void *userdata) {
    call->object = call->model;
    return dogbreed_call_reply(call, 200, "text/plain", userdata, strlen(userdata));
}

static void transform_stands_for_all_steps(void **state) {
    static char mine[] = "mine";
    seen s = {0};
    dogbreed_functions functions = none();
    (void)state;
    functions.model = make_model;
    functions.model_userdata = mine;
    functions.transform = transform_all;
    functions.transform_userdata = mine;
    functions.end = count_end;
    functions.end_userdata = &s;
    dogbreed_server *server = started(&functions);
    assert_string_equal(post(server, "any/thing", "*/*", "", 0), "mine");
    dogbreed_server_destroy(server);
    assert_ptr_equal(s.object, mine);
    assert_int_equal(s.ended, 1);
}

// --- failures

static char logged[2000];

static void keep_line(int32_t level, const char *line, void *userdata) {
    (void)userdata;
    if (level == DOGBREED_LOG_ERROR) {
        (void)snprintf(logged, sizeof logged, "%s", line);
    }
}

static int fails(dogbreed_call *call, void *userdata) {
    (void)userdata;
    dogbreed_call_fail(call, "the secret of line 7");
    return -42;
}

static int leaves_nothing(dogbreed_call *call, void *userdata) {
    (void)call;
    (void)userdata;
    return 0;
}

static int leaves_too_much(dogbreed_call *call, void *userdata) {
    static const float values[CLASSES + 1] = {0};
    const int64_t shape[] = {1, CLASSES + 1};
    (void)userdata;
    return dogbreed_call_values(call, values, shape, 2);
}

static int leaves_a_nan(dogbreed_call *call, void *userdata) {
    const int64_t shape[] = {1, 3, side, side};
    float *values = dogb_malloc((size_t)(3 * side * side), sizeof *values);
    (void)userdata;
    values[5] = (float)NAN;
    int rc = dogbreed_call_values(call, values, shape, 4);
    dogb_free(values);
    return rc;
}

static void a_function_that_fails_is_500_and_a_line_in_the_log(void **state) {
    static const struct {
        int32_t input, predict, output, transform; // which place it has
        dogbreed_call_fn fn;
        const char *text;
    } cases[] = {{1, 0, 0, 0, fails, "function input: the secret of line 7"},
                 {0, 1, 0, 0, fails, "function predict: the secret of line 7"},
                 {0, 0, 1, 0, fails, "function output: the secret of line 7"},
                 {0, 0, 0, 1, fails, "function transform: the secret of line 7"},
                 {1, 0, 0, 0, leaves_nothing, "function input: it left no values"},
                 {1, 0, 0, 0, leaves_a_nan, "function input: a value that it left is not finite"},
                 {0, 1, 0, 0, leaves_nothing, "function predict: it left no values"},
                 {0, 1, 0, 0, leaves_too_much, "function predict: it left no values"},
                 {0, 0, 1, 0, leaves_nothing, "function output: it gave no reply"},
                 {0, 0, 0, 1, leaves_nothing, "function transform: it gave no reply"}};
    (void)state;
    dogbreed_log_set(keep_line, NULL, DOGBREED_LOG_WARNING);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        dogbreed_functions functions = none();
        functions.input = cases[i].input ? cases[i].fn : NULL;
        functions.predict = cases[i].predict ? cases[i].fn : NULL;
        functions.output = cases[i].output ? cases[i].fn : NULL;
        functions.transform = cases[i].transform ? cases[i].fn : NULL;
        dogbreed_server *server = started(&functions);
        logged[0] = '\0';
        assert_string_equal(
            post_picture(server),
            "{\"code\":\"FUNCTION\",\"error\":\"a function of this endpoint failed\"}");
        assert_int_equal(status(), 500);
        dogbreed_server_destroy(server);
        if (strstr(logged, cases[i].text) == NULL) {
            fail_msg("case %zu: \"%s\"", i, logged);
        }
    }
    dogbreed_log_set(NULL, NULL, 0);
}

static int no_model(void **model, const char *path, void *userdata) {
    (void)model;
    (void)path;
    (void)userdata;
    return -42;
}

static void bad_sets_of_functions_are_refused(void **state) {
    (void)state;
    dogbreed_server *server = make();
    dogbreed_functions functions = none();
    assert_fails(dogbreed_server_functions(server, NULL), DOGBREED_ERROR_INVALID_ARGUMENT, "NULL");
    functions.struct_size = 12;
    assert_fails(dogbreed_server_functions(server, &functions), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "struct_size 12");
    const dogbreed_call_fn any = leaves_nothing;
    for (int i = 0; i < 3; i++) {
        functions = none();
        functions.transform = any;
        *(i == 0 ? &functions.input : i == 1 ? &functions.predict : &functions.output) = any;
        assert_fails(dogbreed_server_functions(server, &functions), DOGBREED_ERROR_INVALID_ARGUMENT,
                     "transform");
    }
    functions = none();
    functions.model = no_model;
    assert_int_equal(dogbreed_server_functions(server, &functions), -42);
    functions = none();
    assert_ok(dogbreed_server_functions(server, &functions));
    assert_fails(dogbreed_server_functions(server, &functions), DOGBREED_ERROR_STATE, "once");
    assert_ok(dogbreed_server_start(server));
    assert_string_equal(post_picture(server), plain_reply); // none of its own: the usual steps
    dogbreed_server_destroy(server);
    server = started(NULL);
    assert_fails(dogbreed_server_functions(server, &functions), DOGBREED_ERROR_STATE, "before");
    dogbreed_server_destroy(server);
}

static int check_arguments(dogbreed_call *call, void *userdata) {
    const float value = 1;
    const int64_t shape[] = {1, 0, INT64_MAX, INT64_MAX};
    (void)userdata;
    assert_fails(dogbreed_call_values(NULL, &value, shape, 1), DOGBREED_ERROR_INVALID_ARGUMENT, "");
    assert_fails(dogbreed_call_values(call, &value, shape, 0), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "rank 0");
    assert_fails(dogbreed_call_values(call, &value, shape, 2), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "dimension 1");
    assert_fails(dogbreed_call_values(call, &value, shape + 2, 2), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "dimension 0");
    assert_fails(dogbreed_call_reply(call, 99, "a/b", "", 0), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "status 99");
    assert_fails(dogbreed_call_reply(call, 200, "a/b\r\nX: y", "", 0),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "content_type");
    assert_fails(dogbreed_call_reply(call, 200, NULL, "", 0), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "content_type");
    assert_fails(dogbreed_call_reply(call, 200, "a/b", NULL, 1), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "NULL");
    return dogbreed_call_reply(call, 204, "a/b", NULL, 0);
}

static void arguments_are_checked(void **state) {
    dogbreed_functions functions = none();
    (void)state;
    functions.input = check_arguments;
    dogbreed_server *server = started(&functions);
    (void)post(server, "a/b", "*/*", "", 0);
    assert_int_equal(status(), 204);
    dogbreed_server_destroy(server);
}

// --- many at once

enum { CLIENTS = 6, REQUESTS = 15 };

static int input_named(dogbreed_call *call, void *userdata) {
    char *name = dogb_malloc(call->size + 1, 1);
    memcpy(name, call->body, call->size);
    call->object = name;
    return input_pixels(call, userdata);
}

static int output_named(dogbreed_call *call, void *userdata) {
    (void)userdata;
    return dogbreed_call_reply(call, 200, "text/plain", call->object, strlen(call->object));
}

static int free_named(dogbreed_call *call, void *userdata) {
    dogb_free(call->object);
    return count_end(call, userdata);
}

typedef struct client {
    const dogbreed_server *server;
    int number;
    int right;
} client;

static void *ask_often(void *userdata) {
    client *c = userdata;
    char name[30];
    char answer[4096];
    for (int i = 0; i < REQUESTS; i++) {
        (void)snprintf(name, sizeof name, "%d of %d", i, c->number);
        client_ask(answer, sizeof answer, dogbreed_server_port(c->server),
                   "POST /invocations HTTP/1.1\r\nContent-Type: x/dog\r\n", name, strlen(name));
        c->right += strcmp(client_body(answer), name) == 0;
    }
    return NULL;
}

static void each_client_gets_its_own_reply(void **state) {
    seen s = {0};
    client clients[CLIENTS];
    pthread_t threads[CLIENTS];
    dogbreed_functions functions = none();
    (void)state;
    functions.input = input_named;
    functions.input_userdata = &s;
    functions.output = output_named;
    functions.end = free_named;
    functions.end_userdata = &s;
    dogbreed_server *server = started(&functions);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (client){.server = server, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &clients[i]), 0);
    }
    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(clients[i].right, REQUESTS);
    }
    dogbreed_server_destroy(server);
    assert_int_equal(s.ended, CLIENTS * REQUESTS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(predict_sees_pixels_and_its_logits_go_out),
        cmocka_unit_test(values_of_input_are_computed_as_a_picture_is),
        cmocka_unit_test(output_sees_the_networks_logits),
        cmocka_unit_test(transform_stands_for_all_steps),
        cmocka_unit_test(a_function_that_fails_is_500_and_a_line_in_the_log),
        cmocka_unit_test(bad_sets_of_functions_are_refused),
        cmocka_unit_test(arguments_are_checked),
        cmocka_unit_test(each_client_gets_its_own_reply),
    };
    return cmocka_run_group_tests_name("serve functions", tests, set_up, tear_down);
}
